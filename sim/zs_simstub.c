/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few symbols that DPDK's inline functions refer to, so that a program made of the core and the
 * simulator links with no DPDK library at all. Never linked together with one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_debug.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

RTE_DEFINE_PER_LCORE(unsigned int, _lcore_id) = LCORE_ID_ANY;
RTE_DEFINE_PER_LCORE(int, _rte_errno);
struct rte_mempool_ops_table rte_mempool_ops_table;

void __rte_panic(const char *funcname, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "panic in %s: ", funcname);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	abort();
}

int rte_mempool_register_ops(const struct rte_mempool_ops *ops)
{
	unsigned int i = rte_mempool_ops_table.num_ops;

	if (i >= RTE_MEMPOOL_MAX_OPS_IDX)
		return -1;
	rte_mempool_ops_table.ops[i] = *ops;
	rte_mempool_ops_table.num_ops++;
	return (int)i;
}

/* The room is left as the heap gave it: nobody may depend on what is in there. */
void rte_pktmbuf_init(struct rte_mempool *mp, void *arg, void *obj, unsigned int index)
{
	struct rte_mbuf *m = obj;
	uint16_t priv = rte_pktmbuf_priv_size(mp);

	(void)arg;
	(void)index;
	memset(m, 0, sizeof(*m) + priv);
	m->priv_size = priv;
	m->buf_addr = (char *)m + sizeof(*m) + priv;
	m->buf_iova = (rte_iova_t)(uintptr_t)m->buf_addr;
	m->buf_len = rte_pktmbuf_data_room_size(mp);
	m->data_off = RTE_MIN(RTE_PKTMBUF_HEADROOM, m->buf_len);
	m->pool = mp;
	m->nb_segs = 1;
	m->port = RTE_MBUF_PORT_INVALID;
	rte_mbuf_refcnt_set(m, 1);
}

/* What the library's rte_pktmbuf_read() does for bytes that span segments. */
const void *__rte_pktmbuf_read(const struct rte_mbuf *m, uint32_t off, uint32_t len, void *buf)
{
	char *out = buf;

	if (off + len > rte_pktmbuf_pkt_len(m))
		return NULL;
	while (off >= rte_pktmbuf_data_len(m)) {
		off -= rte_pktmbuf_data_len(m);
		m = m->next;
	}
	if (off + len <= rte_pktmbuf_data_len(m))
		return rte_pktmbuf_mtod_offset(m, const char *, off);
	while (len > 0) {
		uint32_t n = RTE_MIN(len, rte_pktmbuf_data_len(m) - off);

		memcpy(out, rte_pktmbuf_mtod_offset(m, const char *, off), n);
		out += n;
		len -= n;
		off = 0;
		m = m->next;
	}
	return buf;
}
