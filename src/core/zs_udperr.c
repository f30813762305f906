/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of datagrams (RFC 1122 4.1.3.3): errors that ICMP reports, matched to the endpoint
 * that sent, and queues of them. A connected endpoint knows its peer; of whom the others have sent
 * to, marks in a small table are kept, so that a forged message has to name a peer that there is.
 * Errors that wait are of a fixed number, and quote only the beginning of what was sent.
 */
#include <errno.h>

#include "core/tcp/zs_tcp.h"
#include "core/zs_udp_priv.h"

/* ---- whom unconnected endpoints have sent to ---- */

static uint32_t mark_of(const struct zs_stack *s, uint8_t family, const struct zs_addr *to,
			uint16_t port, uint16_t lport)
{
	const struct zs_flow f = {
		.faddr = *to, .fport = port, .lport = lport, .family = family, .proto = ZS_PROTO_UDP
	};

	return zs_flow_hash(s->hash_key, &f);
}

static uint32_t place_of(uint32_t mark)
{
	return (mark >> 1) % ZS_UDP_SENT; /* the lowest bit is always set */
}

void zs_udp_note_sent(struct zs_stack *s, const struct zs_udp *u, uint8_t family,
		      const struct zs_addr *to, uint16_t port)
{
	uint32_t mark = mark_of(s, family, to, port, u->flow.lport);

	s->udp->sent[place_of(mark)] = mark;
}

/* u has sent a datagram of this flow, as far as is known. */
static bool has_sent(const struct zs_stack *s, const struct zs_udp *u, const struct zs_flow *f)
{
	uint32_t mark;

	if (zs_udp_score(u, f) < 0)
		return false;
	if (u->flow.fport != 0)
		return true;
	mark = mark_of(s, f->family, &f->faddr, f->fport, f->lport);
	return s->udp->sent[place_of(mark)] == mark;
}

bool zs_udp_sends(const struct zs_stack *s, const struct zs_flow *flow)
{
	const struct zs_list *head = &s->udp->bucket[flow->lport % ZS_UDP_BUCKETS];

	for (const struct zs_list *l = head->next; l != head; l = l->next)
		if (has_sent(s, container_of(l, struct zs_udp, hash_link), flow))
			return true;
	return false;
}

/* ---- queues ---- */

static struct zs_udp_error *get(struct zs_udp_table *t)
{
	struct zs_udp_error *e = t->free_errors;

	if (e != NULL)
		t->free_errors = e->next;
	else if (t->n_errors < ZS_UDP_ERRORS)
		e = &t->error[t->n_errors++];
	return e;
}

/* An endpoint of IPv6 that is used for IPv4 asks for its errors by either option. */
static bool wants(const struct zs_udp *u, uint8_t family)
{
	return family == u->flow.family ? (family == ZS_AF_IP4 ? u->recverr : u->recverr6)
					: u->recverr || u->recverr6;
}

static void queue(struct zs_stack *s, struct zs_udp *u, const struct zs_udp_error *from)
{
	struct zs_udp_error *e = u->n_errs < ZS_UDP_ERRORS_EACH ? get(s->udp) : NULL;

	if (e == NULL) {
		s->stats.drops[ZS_DROP_UDP_ERRORS]++;
		return;
	}
	*e = *from;
	e->next = NULL;
	if (u->err_head == NULL)
		u->err_head = e;
	else
		u->err_tail->next = e;
	u->err_tail = e;
	u->n_errs++;
	zs_ep_raise(s, &u->ep, ZS_EV_ERRQ);
}

const struct zs_udp_error *zs_udp_error(const struct zs_udp *u)
{
	return u->err_head;
}

void zs_udp_error_done(struct zs_stack *s, struct zs_udp *u)
{
	struct zs_udp_error *e = u->err_head;

	u->err_head = e->next;
	u->n_errs--;
	e->next = s->udp->free_errors;
	s->udp->free_errors = e;
}

void zs_udp_errors_clear(struct zs_stack *s, struct zs_udp *u)
{
	while (u->err_head != NULL)
		zs_udp_error_done(s, u);
}

/* ---- what happens ---- */

static void tell(struct zs_stack *s, struct zs_udp *u, const struct zs_udp_error *e)
{
	bool queued = wants(u, e->family);

	if (e->error == EMSGSIZE && u->mtu_discover == ZS_UDP_MTU_DONT)
		return; /* it is not its business */
	if (queued)
		queue(s, u, e);
	else if (u->flow.fport == 0)
		return; /* it could not tell whom the error is about */
	u->ep.error = e->error;
	zs_ep_raise(s, &u->ep, ZS_EV_ERR);
}

void zs_udp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, const struct zs_udp_error *e)
{
	struct zs_list *head = zs_udp_bucket(s, flow->lport);

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (has_sent(s, u, flow))
			tell(s, u, e);
	}
}

void zs_udp_stamp(struct zs_stack *s, struct zs_udp *u)
{
	static const uint8_t order[] = { ZS_STAMP_QUEUED, ZS_STAMP_SENT };
	struct zs_udp_error e = {
		.family = u->flow.family,
		.origin = ZS_UDP_TIME,
		.error = ENOMSG,
		.at_us = (uint32_t)s->now_us,
		.which = u->stamp_next++,
	};

	for (unsigned i = 0; i < RTE_DIM(order); i++) {
		e.info = order[i];
		if (u->stamps & 1u << e.info)
			queue(s, u, &e);
	}
}

void zs_udp_too_long(struct zs_stack *s, struct zs_udp *u, uint8_t family, const struct zs_addr *to,
		     uint16_t port, uint16_t mtu)
{
	const struct zs_udp_error e = {
		.to = *to,
		.port = port,
		.family = family,
		.origin = ZS_UDP_LOCAL,
		.error = EMSGSIZE,
		.info = mtu,
	};

	if (wants(u, family))
		queue(s, u, &e);
}
