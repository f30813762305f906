/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers in the data model of telemetry, and how much of a page they fill. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_version.h>

#include "base/zs_ip6addr.h"
#include "tel/zs_tel_priv.h"

enum { PUNCTUATION = 6 /* "name":"value", */ };

#if RTE_VERSION >= RTE_VERSION_NUM(23, 7, 0, 0)
#define add_dict_u64 rte_tel_data_add_dict_uint
#else
#define add_dict_u64 rte_tel_data_add_dict_u64
#endif

static size_t digits(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

void zs_tel_u64(struct zs_tel_dict *t, const char *name, uint64_t v)
{
	if (add_dict_u64(t->d, name, v) == 0)
		t->len += strlen(name) + digits(v) + PUNCTUATION;
}

void zs_tel_u64_of(struct zs_tel_dict *t, const char *first, const char *second, uint64_t v)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", first, second);
	zs_tel_u64(t, name, v);
}

void zs_tel_str(struct zs_tel_dict *t, const char *name, const char *v)
{
	if (rte_tel_data_add_dict_string(t->d, name, v) == 0)
		t->len += strlen(name) + strlen(v) + PUNCTUATION;
}

const char *zs_tel_addr(char text[ZS_TEL_ADDR], uint8_t family, const struct zs_addr *a)
{
	struct zs_addr bare = family == ZS_AF_IP6 ? zs_ip6_bare(a) : *a;

	if (zs_addr_is_any(a))
		return strcpy(text, "*");
	if (inet_ntop(family == ZS_AF_IP6 ? AF_INET6 : AF_INET, &bare, text, ZS_TEL_ADDR) == NULL)
		return strcpy(text, "?");
	return text;
}

const char *zs_tel_mac(char text[ZS_TEL_ADDR], const struct zs_mac *mac)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *b = (const uint8_t *)mac;

	for (int i = 0; i < 6; i++) {
		text[3 * i] = hex[b[i] >> 4];
		text[3 * i + 1] = hex[b[i] & 15];
		text[3 * i + 2] = ':';
	}
	text[17] = '\0';
	return text;
}

int zs_tel_page_start(struct zs_tel_page *p, struct rte_tel_data *d)
{
	*p = (struct zs_tel_page){ .list = d };
	return rte_tel_data_start_dict(d);
}

int zs_tel_page_from(struct zs_tel_page *p, struct rte_tel_data *d, struct zs_tel_query *q,
		     const char **params, uint64_t *from)
{
	char word[ZS_TEL_WORD];
	int rc = zs_tel_page_start(p, d);

	*from = 0;
	if (rc == 0 && zs_tel_word(params, word))
		rc = zs_tel_number(q, word, (UINT64_C(1) << 56) - 1, from);
	return rc;
}

int zs_tel_entry(struct zs_tel_dict *t)
{
	*t = (struct zs_tel_dict){ .d = rte_tel_data_alloc(), .len = 3 };
	return t->d == NULL ? -ENOMEM : rte_tel_data_start_dict(t->d);
}

bool zs_tel_page_add_named(struct zs_tel_page *p, const char *name, struct zs_tel_dict *t)
{
	size_t len = t->len + strlen(name) + PUNCTUATION;

	if (p->len + len > ZS_TEL_PAGE ||
	    rte_tel_data_add_dict_container(p->list, name, t->d, 0) < 0) {
		rte_tel_data_free(t->d);
		return false;
	}
	p->len += len;
	p->n++;
	return true;
}

bool zs_tel_page_add(struct zs_tel_page *p, uint64_t id, struct zs_tel_dict *t)
{
	char name[24];

	snprintf(name, sizeof(name), "%" PRIu64, id);
	return zs_tel_page_add_named(p, name, t);
}
