/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners: which there are, who takes a segment, and the queue of connections to accept.
 */
#include <errno.h>

#include "core/tcp/zs_half.h"
#include "core/tcp/zs_port.h"
#include "core/tcp/zs_queue.h"

enum { MAX_BACKLOG = 65535 };

static struct zs_list *listen_bucket(struct zs_stack *s, uint16_t port)
{
	return &s->tcp.listen_hash[port % ZS_PORT_HASH];
}

/* 3: bound to this address, 2: to any, 1: to any of IPv6 and takes IPv4, 0: not for this flow. */
static int listener_score(const struct zs_listener *l, const struct zs_flow *flow)
{
	if (l->lport != flow->lport)
		return 0;
	if (l->family != flow->family)
		return l->dual && zs_addr_is_any(&l->laddr) ? 1 : 0;
	if (zs_addr_is_any(&l->laddr))
		return 2;
	return zs_addr_eq(&l->laddr, &flow->laddr) ? 3 : 0;
}

struct zs_listener *zs_listener_find(struct zs_stack *s, const struct zs_flow *flow)
{
	struct zs_list *head = listen_bucket(s, flow->lport);
	struct zs_listener *found = NULL;
	uint32_t n = 0, pick;
	int best = 0;

	for (struct zs_list *e = head->next; e != head; e = e->next) {
		struct zs_listener *l = container_of(e, struct zs_listener, hash_link);
		int score = listener_score(l, flow);

		if (score > best) {
			best = score;
			found = l;
			n = 0;
		}
		n += score != 0 && score == best;
	}
	if (n < 2)
		return found;
	/* SO_REUSEPORT: the flow decides which */
	pick = zs_flow_hash(s->hash_key, flow) / 2 % n;
	for (struct zs_list *e = head->next; e != head; e = e->next) {
		found = container_of(e, struct zs_listener, hash_link);
		if (listener_score(found, flow) == best && pick-- == 0)
			break;
	}
	return found;
}

bool zs_listener_conflicts(struct zs_stack *s, const struct zs_flow *local, bool dual,
			   bool reuseport)
{
	struct zs_list *head = listen_bucket(s, local->lport);

	for (struct zs_list *e = head->next; e != head; e = e->next) {
		const struct zs_listener *l = container_of(e, struct zs_listener, hash_link);

		if (l->lport == local->lport &&
		    zs_local_overlap(l->family, &l->laddr, l->dual, local->family, &local->laddr,
				     dual) &&
		    !(reuseport && l->opts.reuseport))
			return true;
	}
	return false;
}

int zs_tcp_listen(struct zs_stack *s, struct zs_tcb *tcb, int backlog, struct zs_listener **out)
{
	bool dual = (tcb->flags & ZS_TF_DUAL) != 0;
	struct zs_listener *l;
	int rc;

	if (tcb->state != ZS_CLOSED || tcb->flow.fport != 0)
		return -EINVAL;
	if (tcb->flow.lport == 0) {
		rc = zs_tcp_bind(s, tcb, &tcb->flow.laddr, 0);
		if (rc < 0)
			return rc;
	}
	if (zs_listener_conflicts(s, &tcb->flow, dual, tcb->opts.reuseport))
		return -EADDRINUSE;
	l = zs_slab_get(&s->tcp.listeners);
	if (l == NULL)
		return -ENOBUFS;
	*l = (struct zs_listener){
		.ep = { .kind = ZS_EP_LISTENER, .owner = tcb->ep.owner },
		.laddr = tcb->flow.laddr,
		.lport = tcb->flow.lport,
		.family = tcb->flow.family,
		.dual = dual,
		.opts = tcb->opts,
	};
	l->has_tfo_key = (tcb->syn_flags & ZS_SY_KEY) != 0;
	memcpy(l->tfo_key, tcb->tfo.key, sizeof(l->tfo_key));
	l->tfo_qlen = tcb->tfo.qlen;
	zs_list_init(&l->accept);
	zs_tcp_set_backlog(l, backlog);
	zs_list_add_tail(listen_bucket(s, l->lport), &l->hash_link);
	zs_tcb_free(s, tcb);
	*out = l;
	return 0;
}

uint32_t zs_listener_space(const struct zs_stack *s, const struct zs_listener *l)
{
	uint32_t buf = l->opts.rcvbuf != 0 ? l->opts.rcvbuf : s->cfg.rcvbuf;

	return RTE_MIN(buf / 2, 65535u);
}

void zs_tcp_set_backlog(struct zs_listener *l, int backlog)
{
	int n = RTE_MIN(backlog, (int)MAX_BACKLOG);

	l->backlog = (uint32_t)RTE_MAX(n, 1);
}

struct zs_tcb *zs_tcp_accept(struct zs_stack *s, struct zs_listener *l)
{
	struct zs_list *e = zs_list_pop(&l->accept);
	struct zs_tcb *tcb;

	(void)s;
	if (e == NULL)
		return NULL;
	tcb = container_of(e, struct zs_tcb, accept_link);
	tcb->listener = NULL;
	l->n_accept--;
	return tcb;
}

void zs_tcp_listener_close(struct zs_stack *s, struct zs_listener *l)
{
	uint32_t index = zs_slab_index(&s->tcp.listeners, l);
	struct zs_tcb *tcb;

	while ((tcb = zs_tcp_accept(s, l)) != NULL)
		zs_tcp_abort(s, tcb);
	for (unsigned level = 0; level < ZS_HALF_LEVELS; level++) {
		struct zs_list *head = &s->tcp.half_fifo[level];
		struct zs_list *next;

		for (struct zs_list *e = head->next; e != head; e = next) {
			struct zs_half *h = container_of(e, struct zs_half, fifo);

			next = e->next;
			if (h->listener == index)
				zs_half_free(s, h);
		}
	}
	zs_list_del(&l->hash_link);
	zs_list_del(&l->ep.link);
	zs_slab_put(&s->tcp.listeners, l);
}
