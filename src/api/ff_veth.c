/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prototype's buffer calls. Its buffers wrapped a struct rte_mbuf; here they are one, so that
 * wrapping is adjusting and unwrapping is nothing. What remains of the wrapper's life is one bit:
 * after ff_mbuf_detach_rte() the struct rte_mbuf outlives the next ff_mbuf_free().
 */
#include "ff_veth.h"

#include <errno.h>
#include <rte_mbuf.h>
#include <stddef.h>
#include <string.h>

#include "api/zs_zc.h"
#include "base/zs_api.h"
#include "core/zs_pkt.h"
#include "zstack.h"

/* In ol_flags, among the bits of dynamic flags (ZS_PKT_DONE is another): clear in every fresh
 * buffer. */
#define PKT_DETACHED (UINT64_C(1) << 38)

ZS_API void *ff_mbuf_mtod(void *m)
{
	return rte_pktmbuf_mtod((struct rte_mbuf *)m, void *);
}

ZS_API void *ff_rte_frm_extcl(void *m)
{
	return m;
}

ZS_API void ff_mbuf_detach_rte(void *m)
{
	((struct rte_mbuf *)m)->ol_flags |= PKT_DETACHED;
}

ZS_API void ff_mbuf_free(void *p)
{
	struct rte_mbuf *m = p;
	struct rte_mbuf *rest;

	if (m == NULL)
		return;
	zs_zc_forget(m);
	if ((m->ol_flags & PKT_DETACHED) == 0) {
		z_buf_free((z_buf *)m);
		return;
	}
	rest = m->next;
	m->ol_flags &= ~PKT_DETACHED;
	m->next = NULL;
	m->nb_segs = 1;
	m->pkt_len = m->data_len;
	z_buf_free((z_buf *)rest);
}

ZS_API void *ff_mbuf_get(void *prev, void *p, void *data, uint16_t len)
{
	struct rte_mbuf *m = p;
	ptrdiff_t off = (char *)data - (char *)m->buf_addr;

	if (off < 0 || off + len > m->buf_len) {
		errno = EINVAL;
		return NULL;
	}
	m->ol_flags &= ~PKT_DETACHED;
	zs_pkt_set(m, (uint16_t)off, len);
	m->next = NULL;
	m->nb_segs = 1;
	if (prev == NULL)
		return m;
	return z_buf_join(prev, (z_buf *)m) == 0 ? prev : NULL;
}

ZS_API int ff_mbuf_copydata(void *m, void *data, int off, int len)
{
	if (off < 0 || len < 0 || (size_t)off + (size_t)len > z_buf_len(m)) {
		errno = EINVAL;
		return -1;
	}
	(void)z_buf_copy_out(m, (size_t)off, data, (size_t)len);
	return 0;
}

ZS_API int ff_next_mbuf(void **pm, void **data, unsigned *len)
{
	struct rte_mbuf *m = *pm;

	if (m == NULL)
		return -1;
	*data = rte_pktmbuf_mtod(m, void *);
	*len = m->data_len;
	*pm = m->next;
	return 0;
}
