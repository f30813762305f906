/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams in words of eight bytes: word i is i scrambled with the key. */
#include "zs_simpattern.h"

#include <string.h>

#include "zs_simrand.h"

struct mark {
	uint32_t magic, len;
	uint64_t key, off;
	uint32_t at; /* offset in the buffer */
} __attribute__((packed));
_Static_assert(sizeof(struct mark) <= sizeof(((struct rte_mbuf *)NULL)->dynfield1), "mark fits");

enum { MARK_MAGIC = 0x7a5a17ed };

static uint64_t word(uint64_t key, uint64_t i)
{
	return zs_sim_scramble(key + i * 0x9e3779b97f4a7c15u);
}

void zs_sim_fill(uint64_t key, uint64_t off, void *p, size_t n)
{
	uint8_t *out = p;

	while (n > 0) {
		uint64_t w = word(key, off >> 3);
		size_t skip = off & 7;
		size_t k = 8 - skip < n ? 8 - skip : n;

		memcpy(out, (const uint8_t *)&w + skip, k);
		out += k;
		off += k;
		n -= k;
	}
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

size_t zs_sim_match(uint64_t key, uint64_t off, const void *p, size_t n)
{
	const uint8_t *in = p;
	size_t done = 0;

	while (done < n) {
		uint64_t w = word(key, off >> 3);
		size_t skip = off & 7;
		size_t k = 8 - skip < n - done ? 8 - skip : n - done;

		if (memcmp(in + done, (const uint8_t *)&w + skip, k) != 0)
			return done + first_difference(in + done, (const uint8_t *)&w + skip, k);
		done += k;
		off += k;
	}
	return n;
}

size_t zs_sim_match_chain(uint64_t key, uint64_t off, const struct rte_mbuf *m)
{
	size_t done = 0;

	for (; m != NULL; m = m->next) {
		size_t k = zs_sim_match(key, off + done, rte_pktmbuf_mtod(m, const void *),
					m->data_len);

		done += k;
		if (k < m->data_len)
			break;
	}
	return done;
}

void zs_sim_append(uint64_t key, uint64_t off, struct rte_mbuf *m, uint16_t n)
{
	zs_sim_fill(key, off, rte_pktmbuf_mtod_offset(m, void *, m->data_len), n);
	m->data_len = (uint16_t)(m->data_len + n);
	m->pkt_len += n;
}

void zs_sim_mark(uint64_t key, uint64_t off, struct rte_mbuf *m)
{
	const struct mark mk = {
		.magic = MARK_MAGIC,
		.len = m->data_len,
		.key = key,
		.off = off,
		.at = m->data_off,
	};

	memcpy(m->dynfield1, &mk, sizeof(mk));
}

bool zs_sim_unmark(struct rte_mbuf *m)
{
	struct mark mk;

	memcpy(&mk, m->dynfield1, sizeof(mk));
	if (mk.magic != MARK_MAGIC)
		return true;
	memset(m->dynfield1, 0, sizeof(mk.magic));
	return zs_sim_match(mk.key, mk.off, (const char *)m->buf_addr + mk.at, mk.len) == mk.len;
}
