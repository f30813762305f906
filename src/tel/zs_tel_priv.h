/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: asking, and writing answers. */
#ifndef ZS_TEL_PRIV_H
#define ZS_TEL_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_telemetry.h>

#include "base/zs_addr.h"
#include "tel/zs_tel.h"
#include "wire/zs_hdr.h"

enum {
	ZS_TEL_PAGE = 15000,	   /* characters of JSON in a page: DPDK's limit is 16 KB */
	ZS_TEL_PATIENCE_MS = 1000, /* for the loop of one stack */
	ZS_TEL_WORD = 64,
	ZS_TEL_ADDR = 48, /* an address as text */
};

/* ---- commands (zs_tel.c) ---- */

struct zs_tel_query {
	struct zs_ctx *const *all;
	uint16_t n;
	struct zs_dpdk *dpdk;
	char error[128];
};

struct zs_tel_cmd {
	const char *name; /* "/zstack/ss" */
	/* params: "" for none. 0, or -errno with the reason in *q->error, or ""; nothing is in d
	 * then. */
	int (*fn)(struct zs_tel_query *q, const char *params, struct rte_tel_data *d);
	const char *help;
};

/* Registers n commands; they run one at a time. */
int zs_tel_add(const struct zs_tel_cmd *cmd, int n);

/* Whose ports and pools they tell of. */
void zs_tel_set_dpdk(struct zs_dpdk *dpdk);

/* Runs fn on the loop of core i; -errno with the reason in q->error. */
int zs_tel_ask(struct zs_tel_query *q, uint16_t i, void (*fn)(struct zs_ctx *c, void *arg),
	       void *arg);
__attribute__((format(printf, 3, 4))) int zs_tel_fail(struct zs_tel_query *q, int rc,
						      const char *fmt, ...);

/* Takes the next word of a comma-separated list; false at its end. Longer ones are cut off. */
bool zs_tel_word(const char **params, char word[ZS_TEL_WORD]);
/* The digits up to a comma or the end; 0, or -EINVAL with the reason in q->error. */
int zs_tel_number(struct zs_tel_query *q, const char *word, uint64_t max, uint64_t *n);

/* ---- answers (zs_tel_data.c) ---- */

/* A dictionary, and about how long its JSON is. */
struct zs_tel_dict {
	struct rte_tel_data *d;
	size_t len;
};

void zs_tel_u64(struct zs_tel_dict *t, const char *name, uint64_t v);
void zs_tel_str(struct zs_tel_dict *t, const char *name, const char *v);
/* Where the name is put together of two. */
void zs_tel_u64_of(struct zs_tel_dict *t, const char *first, const char *second, uint64_t v);

/* "10.18.0.2", "*" for the address that stands for any. */
const char *zs_tel_mac(char text[ZS_TEL_ADDR], const struct zs_mac *mac);
const char *zs_tel_addr(char text[ZS_TEL_ADDR], uint8_t family, const struct zs_addr *a);

/*
 * A page of a list: a dictionary of dictionaries, by id or name. (An array cannot hold dictionaries
 * in DPDK 22.11.)
 */
struct zs_tel_page {
	struct rte_tel_data *list;
	size_t len;
	int n;
};

int zs_tel_page_start(struct zs_tel_page *p, struct rte_tel_data *d);
/* From the id that is the next word, 0 where there is none; as zs_tel_number(). */
int zs_tel_page_from(struct zs_tel_page *p, struct rte_tel_data *d, struct zs_tel_query *q,
		     const char **params, uint64_t *from);
/* A new entry; -ENOMEM. It is the page's only after zs_tel_page_add(). */
int zs_tel_entry(struct zs_tel_dict *t);
/* Consume the entry. False: the page is full, and it is not in it. */
bool zs_tel_page_add(struct zs_tel_page *p, uint64_t id, struct zs_tel_dict *t);
bool zs_tel_page_add_named(struct zs_tel_page *p, const char *name, struct zs_tel_dict *t);
/* What a command returns: an error (rc < 0) waits for the next page when this one has entries. */
static inline int zs_tel_page_end(const struct zs_tel_page *p, int rc)
{
	return rc < 0 && p->n == 0 ? rc : 0;
}

/* Ids: core, then what the list has. */
static inline uint64_t zs_tel_id(uint16_t core, uint8_t kind, uint32_t index)
{
	return (uint64_t)core << 40 | (uint64_t)kind << 32 | index;
}

/* ---- the commands of each file ---- */

int zs_tel_add_conns(void);
int zs_tel_add_stats(void);
int zs_tel_add_net(void);
int zs_tel_add_bufs(void);
int zs_tel_add_port(void);
int zs_tel_add_pcap(void);
int zs_tel_add_knobs(void);

#endif
