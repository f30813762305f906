/* SPDX-License-Identifier: BSD-3-Clause */
/* Moving data: building writes of every shape, reading in every way, checking each byte. */
#include <errno.h>
#include <stdlib.h>

#include "zs_simapp_priv.h"
#include "zs_simpattern.h"

enum { NO_BUFFER_RETRY_NS = 1000000, ODD_MAX = 977, COPY_STEP = 4096 };

/* ---- sending ---- */

/* One buffer with the next n bytes of the stream, at most what it has room for. */
static struct rte_mbuf *make_buf(struct zs_simconn *c, struct rte_mempool *mp, uint64_t off,
				 uint32_t n)
{
	struct rte_mbuf *m = zs_simpool_low(mp) ? NULL : rte_pktmbuf_alloc(mp);

	if (m == NULL)
		return NULL;
	n = RTE_MIN(n, (uint32_t)rte_pktmbuf_tailroom(m));
	if (c->cfg.raw) {
		m->data_len = (uint16_t)n;
		m->pkt_len = n;
	} else {
		zs_sim_append(c->tx_key, off, m, (uint16_t)n);
		zs_sim_mark(c->tx_key, off, m);
	}
	return m;
}

static uint32_t piece_of(const struct zs_simconn *c, uint64_t off, uint32_t left)
{
	if (c->cfg.tx != ZS_SIMTX_ODD)
		return left;
	return RTE_MIN(left, (uint32_t)(1 + zs_sim_scramble(off ^ c->tx_key) % ODD_MAX));
}

/* A chain with the next n bytes, or fewer (one buffer) by the way of sending; NULL: no buffers. */
static struct rte_mbuf *make_chain(struct zs_simconn *c, uint32_t n)
{
	struct zs_simpools *pools = &c->app->h->pools;
	struct rte_mempool *mp = c->cfg.tx == ZS_SIMTX_BIG ? pools->big : pools->pkt;
	struct rte_mbuf *head = NULL, **link = &head;
	uint32_t done = 0;

	while (done < n) {
		uint64_t off = c->tx_off + done;
		struct rte_mbuf *m = make_buf(c, mp, off, piece_of(c, off, n - done));

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		done += m->data_len;
		*link = m;
		link = &m->next;
		if (m != head) {
			head->nb_segs++;
			head->pkt_len += m->data_len;
		}
		if (c->cfg.tx == ZS_SIMTX_BUF || c->cfg.tx == ZS_SIMTX_BIG)
			break;
	}
	return head;
}

static void keep(struct zs_simconn *c, struct rte_mbuf *m)
{
	c->kept = realloc(c->kept, (c->n_kept + m->nb_segs) * sizeof(struct rte_mbuf *));
	if (c->kept == NULL)
		abort();
	for (; m != NULL; m = m->next) {
		rte_mbuf_refcnt_update(m, 1);
		c->kept[c->n_kept++] = m;
	}
}

static void unkeep(struct zs_simconn *c, uint32_t n)
{
	while (c->n_kept > n)
		rte_pktmbuf_free_seg(c->kept[--c->n_kept]);
}

void zs_simconn_release(struct zs_simconn *c)
{
	unkeep(c, 0);
}

static int64_t write_copy(struct zs_simconn *c, uint32_t n)
{
	uint8_t buf[COPY_STEP];
	uint32_t done = 0;

	while (done < n) {
		uint32_t k = RTE_MIN(n - done, (uint32_t)COPY_STEP);
		int64_t rc;

		zs_sim_fill(c->tx_key, c->tx_off + done, buf, k);
		rc = zs_tcp_send_copy(c->app->h->s, c->tcb, buf, k, 0);
		if (rc < 0)
			return done > 0 ? (int64_t)done : rc;
		done += (uint32_t)rc;
		if ((uint32_t)rc < k)
			break;
	}
	return done;
}

static int64_t write_bufs(struct zs_simconn *c, uint32_t n)
{
	struct rte_mbuf *m;
	uint32_t kept = c->n_kept;
	int rc;

	if (zs_tcp_send_space(c->tcb) == 0 && zs_tcp_state(c->tcb) != ZS_CLOSED) {
		/* Ask all the same with a small buffer: only a refusal promises an event. */
		n = 1;
	}
	m = make_chain(c, n);
	if (m == NULL)
		return -ENOBUFS;
	n = m->pkt_len;
	if (c->cfg.share)
		keep(c, m);
	rc = zs_tcp_send(c->app->h->s, c->tcb, m, 0);
	if (rc == 0)
		return n;
	unkeep(c, kept);
	rte_pktmbuf_free(m);
	return rc;
}

/* True when more may be written. */
static bool write_some(struct zs_simconn *c)
{
	uint32_t n = (uint32_t)RTE_MIN(c->cfg.tx_bytes - c->tx_off, (uint64_t)c->cfg.tx_chunk);
	int64_t rc = c->cfg.tx == ZS_SIMTX_COPY ? write_copy(c, n) : write_bufs(c, n);

	if (rc > 0) {
		c->tx_off += (uint64_t)rc;
		return true;
	}
	c->app->n_refused++;
	if (rc == -ENOBUFS)
		zs_simconn_later(c, zs_sim_now(c->app->h->w) + NO_BUFFER_RETRY_NS);
	else if (rc != -EAGAIN)
		zs_simconn_fail(c, "write failed");
	return false;
}

/* Echo: what was taken goes back as it is. False when the send queue is full. */
static bool echo_pending(struct zs_simconn *c)
{
	struct rte_mbuf *m = c->pending;
	uint32_t n;
	int rc;

	if (m == NULL)
		return true;
	n = m->pkt_len;
	rc = zs_tcp_send(c->app->h->s, c->tcb, m, 0);
	if (rc == 0) {
		c->pending = NULL;
		c->tx_off += n;
		return true;
	}
	if (rc == -ENOBUFS)
		zs_simconn_later(c, zs_sim_now(c->app->h->w) + NO_BUFFER_RETRY_NS);
	else if (rc != -EAGAIN)
		zs_simconn_fail(c, "echo failed");
	return false;
}

static bool all_written(const struct zs_simconn *c)
{
	if (c->cfg.echo)
		return c->eof && c->pending == NULL;
	return c->tx_off == c->cfg.tx_bytes;
}

void zs_simconn_write(struct zs_simconn *c)
{
	if (c->cfg.echo) {
		if (c->pending != NULL && echo_pending(c))
			zs_simconn_read(c);
	} else if (!c->cfg.tx_after_fin || c->eof) {
		while (c->tx_off < c->cfg.tx_bytes && write_some(c))
			continue;
	} else {
		return;
	}
	if (c->tcb == NULL || c->fin_sent || !all_written(c) || c->cfg.stay)
		return;
	if (zs_tcp_shutdown(c->app->h->s, c->tcb, ZS_SHUT_WR) < 0)
		zs_simconn_fail(c, "shutdown failed");
	else
		c->fin_sent = true;
}

/* ---- receiving ---- */

static bool took(struct zs_simconn *c, uint64_t n, bool good)
{
	if (!good && !c->cfg.raw) {
		zs_simconn_fail(c, "stream damaged");
		return false;
	}
	c->rx_off += n;
	c->app->rx_bytes += n;
	if (c->cfg.rx_bytes != UINT64_MAX && c->rx_off > c->cfg.rx_bytes) {
		zs_simconn_fail(c, "more than was sent");
		return false;
	}
	return true;
}

static uint32_t read_take(struct zs_simconn *c, uint32_t max)
{
	struct rte_mbuf *m = zs_tcp_recv(c->app->h->s, c->tcb, max);
	uint32_t n;
	bool good;

	if (m == NULL) {
		zs_simconn_later(c, zs_sim_now(c->app->h->w) + NO_BUFFER_RETRY_NS);
		return 0;
	}
	n = m->pkt_len;
	good = c->cfg.raw || zs_sim_match_chain(c->rx_key, c->rx_off, m) == n;
	if (c->cfg.echo)
		c->pending = m;
	else
		rte_pktmbuf_free(m);
	if (!took(c, n, good))
		return 0;
	return c->cfg.echo && !echo_pending(c) ? 0 : n;
}

static uint32_t read_consume(struct zs_simconn *c, uint32_t max)
{
	const struct zs_tcb *tcb = c->tcb;
	uint32_t n = RTE_MIN(max, zs_tcp_readable(tcb)), done = 0;
	bool good = true;

	for (struct rte_mbuf *m = zs_tcp_rcvq(tcb); m != NULL && done < n; m = zs_seg(m)->next) {
		uint32_t k = RTE_MIN(n - done, (uint32_t)m->data_len);

		good = good &&
		       (c->cfg.raw || zs_sim_match(c->rx_key, c->rx_off + done,
						   rte_pktmbuf_mtod(m, const void *), k) == k);
		done += k;
	}
	zs_tcp_consume(c->app->h->s, c->tcb, n);
	return took(c, n, good && done == n) ? n : 0;
}

static uint32_t read_copy(struct zs_simconn *c, uint32_t max)
{
	uint8_t buf[COPY_STEP];
	struct zs_stack *s = c->app->h->s;
	uint32_t n = (uint32_t)zs_tcp_copy_out(s, c->tcb, 0, buf, RTE_MIN(max, sizeof(buf)));

	zs_tcp_consume(s, c->tcb, n);
	return took(c, n, zs_sim_match(c->rx_key, c->rx_off, buf, n) == n) ? n : 0;
}

static uint32_t read_some(struct zs_simconn *c, uint32_t max)
{
	if (c->cfg.echo || c->cfg.rx == ZS_SIMRX_TAKE)
		return read_take(c, max);
	return c->cfg.rx == ZS_SIMRX_CONSUME ? read_consume(c, max) : read_copy(c, max);
}

void zs_simconn_read(struct zs_simconn *c)
{
	uint64_t now = zs_sim_now(c->app->h->w);
	uint32_t quota = c->cfg.rx_every_ns != 0 ? c->cfg.rx_chunk : UINT32_MAX;

	if (now < c->next_read_ns) {
		zs_simconn_later(c, c->next_read_ns);
		return;
	}
	while (quota > 0 && c->pending == NULL && zs_tcp_readable(c->tcb) > 0) {
		uint32_t n = read_some(c, quota);

		if (c->tcb == NULL)
			return;
		if (n == 0)
			break;
		quota -= n;
	}
	if (c->cfg.rx_every_ns != 0 && quota < c->cfg.rx_chunk) {
		c->next_read_ns = now + c->cfg.rx_every_ns;
		zs_simconn_later(c, c->next_read_ns);
	}
	if (zs_tcp_readable(c->tcb) == 0 && zs_tcp_fin_received(c->tcb))
		c->eof = true;
}
