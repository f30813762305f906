/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F-Stack's zero-copy send on top of the z_ calls: allocate a chain, fill it, send it by ff_write()
 * or ff_zc_send(). Chains that are out are remembered, for F-Stack's programs hand them to
 * ff_write() as if they were bytes.
 */
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "ff_api.h"

#include "api/zs_zc.h"
#include "base/zs_api.h"
#include "zstack.h"

struct zc_out {
	struct zc_out *next;
	void *chain;
};

static struct zc_out **find(const struct zs_ctx *c, const void *buf)
{
	struct zc_out **pp = (struct zc_out **)(void *)(uintptr_t)&c->zc_head;

	while (*pp != NULL && (*pp)->chain != buf)
		pp = &(*pp)->next;
	return pp;
}

bool zs_zc_is_chain(const struct zs_ctx *c, const void *buf)
{
	return *find(c, buf) != NULL;
}

void zs_zc_forget(const void *buf)
{
	struct zs_ctx *c = zs_ctx_self;
	struct zc_out **pp, *out;

	if (c == NULL || c->zc_head == NULL)
		return;
	pp = find(c, buf);
	out = *pp;
	if (out == NULL)
		return;
	*pp = out->next;
	free(out);
}

void zs_zc_free_all(struct zs_ctx *c)
{
	while (c->zc_head != NULL) {
		struct zc_out *out = c->zc_head;

		c->zc_head = out->next;
		z_buf_free(out->chain);
		free(out);
	}
}

static z_buf *alloc_chain(size_t len)
{
	size_t room = z_max_room();
	z_buf *chain = NULL;

	for (size_t off = 0; off < len; off += room) {
		z_buf *b = z_alloc(-1, len - off < room ? len - off : room, 0);

		if (b == NULL || (chain != NULL && z_buf_join(chain, b) < 0)) {
			z_buf_free(b);
			z_buf_free(chain);
			return NULL;
		}
		chain = chain == NULL ? b : chain;
	}
	return chain;
}

ZS_API int ff_zc_mbuf_get(struct ff_zc_mbuf *m, int len)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zc_out *out;
	z_buf *chain;

	if (c == NULL)
		return -1;
	if (m == NULL || len <= 0)
		return (int)ff_ret(-EINVAL);
	out = malloc(sizeof(*out));
	chain = out != NULL ? alloc_chain((size_t)len) : NULL;
	if (chain == NULL) {
		free(out);
		return (int)ff_ret(-ENOBUFS);
	}
	*out = (struct zc_out){ .next = c->zc_head, .chain = chain };
	c->zc_head = out;
	*m = (struct ff_zc_mbuf){ .bsd_mbuf = chain, .bsd_mbuf_off = chain, .len = len };
	return 0;
}

/* Writes where the chain ends so far; bsd_mbuf_off is the piece that is being filled. */
ZS_API int ff_zc_mbuf_write(struct ff_zc_mbuf *m, const char *data, int len)
{
	struct rte_mbuf *head, *piece;
	int left = len;

	if (m == NULL || m->bsd_mbuf == NULL || data == NULL || len < 0 || len > m->len - m->off)
		return (int)ff_ret(-EINVAL);
	head = m->bsd_mbuf;
	piece = m->bsd_mbuf_off;
	while (left > 0) {
		size_t k = rte_pktmbuf_tailroom(piece);

		if (k == 0) {
			piece = piece->next;
			if (piece == NULL)
				return (int)ff_ret(-EINVAL);
			continue;
		}
		k = k < (size_t)left ? k : (size_t)left;
		memcpy(rte_pktmbuf_mtod_offset(piece, char *, piece->data_len), data, k);
		piece->data_len = (uint16_t)(piece->data_len + k);
		head->pkt_len += (uint32_t)k;
		data += k;
		left -= (int)k;
		m->off += (int)k;
	}
	m->bsd_mbuf_off = piece;
	return len;
}

ZS_API int ff_zc_mbuf_read(struct ff_zc_mbuf *m, const char *data, int len)
{
	(void)m;
	(void)data;
	(void)len;
	return (int)ff_ret(-ENOSYS);
}

ZS_API ssize_t ff_zc_send(int fd, const void *bsd_mbuf, size_t nbytes)
{
	ssize_t n = z_write(fd, bsd_mbuf, nbytes);

	if (n >= 0)
		zs_zc_forget(bsd_mbuf);
	return n;
}
