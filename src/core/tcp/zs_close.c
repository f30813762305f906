/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ending a connection from our side: shutdown, close, abort (RFC 9293 3.10.4, 3.10.5; RFC 1122
 * 4.2.2.13). After close the tcb is an orphan: it finishes by itself and is freed.
 */
#include <errno.h>

#include "core/tcp/zs_output.h"
#include "core/tcp/zs_queue.h"

static void queue_fin(struct zs_stack *s, struct zs_tcb *tcb)
{
	if (tcb->flags & ZS_TF_FIN_QUEUED)
		return;
	tcb->flags |= ZS_TF_FIN_QUEUED;
	zs_output_later(s, tcb);
}

int zs_tcp_shutdown(struct zs_stack *s, struct zs_tcb *tcb, unsigned how)
{
	if (tcb->state == ZS_CLOSED || tcb->state == ZS_SYN_SENT)
		return -ENOTCONN;
	if (how & ZS_SHUT_RD) {
		tcb->flags |= ZS_TF_RD_SHUT;
		zs_ep_raise(s, &tcb->ep, ZS_EV_READ | ZS_EV_RDHUP);
	}
	if (how & ZS_SHUT_WR)
		queue_fin(s, tcb);
	return 0;
}

static void make_orphan(struct zs_tcb *tcb)
{
	tcb->flags |= ZS_TF_ORPHAN;
	tcb->ep.owner = NULL;
	zs_list_del(&tcb->ep.link);
	tcb->deadline[ZS_TT_LIFE] = 0;
}

void zs_tcp_abort(struct zs_stack *s, struct zs_tcb *tcb)
{
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_SYN_RCVD:
	case ZS_ESTABLISHED:
	case ZS_FIN_WAIT_1:
	case ZS_FIN_WAIT_2:
	case ZS_CLOSE_WAIT:
		zs_send_rst(s, tcb);
		s->stats.tcp_conns_closed++;
		break;
	case ZS_CLOSING: /* both sides have said all: nothing to reset */
	case ZS_LAST_ACK:
		s->stats.tcp_conns_closed++;
		break;
	default:
		break;
	}
	tcb->ep.error = ECONNABORTED;
	zs_tcb_free(s, tcb);
}

/* TCP_LINGER2, as on Linux: without time the peer is reset, and there is some for a FIN sent twice.
 */
bool zs_fin_wait2(struct zs_stack *s, struct zs_tcb *tcb)
{
	uint64_t us = tcb->opts.fin_wait2_s * UINT64_C(1000000);

	if (tcb->opts.fin_wait2_s == ZS_FIN_WAIT2_NONE) {
		zs_tcp_abort(s, tcb);
		return false;
	}
	us = RTE_MAX(us != 0 ? us : s->cfg.fin_wait2_us, tcb->rto_us * UINT64_C(7) / 2);
	zs_tcb_timer(s, tcb, ZS_TT_LIFE, s->now_us + us);
	return true;
}

void zs_tcp_close(struct zs_stack *s, struct zs_tcb *tcb)
{
	switch ((enum zs_tcp_state)tcb->state) {
	case ZS_CLOSED:
	case ZS_LISTEN:
	case ZS_SYN_SENT: /* no RST: there is nothing to reset yet */
	case ZS_TIME_WAIT:
	case ZS_NSTATES:
		zs_tcb_free(s, tcb);
		return;
	case ZS_SYN_RCVD:
	case ZS_ESTABLISHED:
	case ZS_CLOSE_WAIT:
	case ZS_FIN_WAIT_1:
	case ZS_FIN_WAIT_2:
	case ZS_CLOSING:
	case ZS_LAST_ACK:
		break;
	}
	/* unread data will never be delivered: the peer has to know, unless nobody wanted it */
	if (tcb->rcvq.bytes > 0 && !(tcb->flags & ZS_TF_RD_SHUT)) {
		zs_tcp_abort(s, tcb);
		return;
	}
	make_orphan(tcb);
	if (tcb->state == ZS_FIN_WAIT_2)
		(void)zs_fin_wait2(s, tcb); /* nothing is left to do with it */
	else
		queue_fin(s, tcb);
}
