/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP and groups (RFC 1112 7, RFC 3493 5.2): which endpoint joined which group on which interface,
 * and datagrams that have many receivers. Each but the last gets references to the same bytes.
 */
#include <errno.h>

#include "core/zs_groups.h"
#include "core/zs_udp_priv.h"

/* ---- membership ---- */

static struct zs_udp_member *find(const struct zs_stack *s, const struct zs_udp *u,
				  const struct zs_netif *nif, uint8_t family,
				  const struct zs_addr *group)
{
	struct zs_addr addr = *group;

	if (u->n_members == 0)
		return NULL;
	if (family == ZS_AF_IP6)
		zs_ip6_set_zone(&addr, nif->index + 1u);
	for (unsigned i = 0; i < ZS_UDP_MEMBERS; i++) {
		struct zs_udp_member *m = &s->udp->member[i];

		if (m->udp == u && m->nif == nif->index && m->family == family &&
		    zs_addr_eq(&m->group, &addr))
			return m;
	}
	return NULL;
}

int zs_udp_join(struct zs_stack *s, struct zs_udp *u, struct zs_netif *nif, uint8_t family,
		const struct zs_addr *group)
{
	struct zs_udp_member *m = s->udp->member;
	int rc;

	if (find(s, u, nif, family, group) != NULL)
		return -EADDRINUSE;
	while (m < s->udp->member + ZS_UDP_MEMBERS && m->udp != NULL)
		m++;
	if (m == s->udp->member + ZS_UDP_MEMBERS)
		return -ENOBUFS;
	rc = zs_group_join(s, nif, family, group);
	if (rc < 0)
		return rc == -ENOSPC ? -ENOBUFS : rc;
	*m = (struct zs_udp_member){
		.udp = u, .group = *group, .family = family, .nif = nif->index
	};
	if (family == ZS_AF_IP6)
		zs_ip6_set_zone(&m->group, nif->index + 1u);
	u->n_members++;
	return 0;
}

static void leave(struct zs_stack *s, struct zs_udp_member *m)
{
	zs_group_leave(s, &s->netif[m->nif], m->family, &m->group);
	m->udp->n_members--;
	m->udp = NULL;
}

int zs_udp_leave(struct zs_stack *s, struct zs_udp *u, struct zs_netif *nif, uint8_t family,
		 const struct zs_addr *group)
{
	struct zs_udp_member *m = find(s, u, nif, family, group);

	if (m == NULL)
		return -EADDRNOTAVAIL;
	leave(s, m);
	return 0;
}

void zs_udp_leave_all(struct zs_stack *s, struct zs_udp *u)
{
	for (unsigned i = 0; u->n_members > 0 && i < ZS_UDP_MEMBERS; i++)
		if (s->udp->member[i].udp == u)
			leave(s, &s->udp->member[i]);
}

int zs_udp_join_too(const struct zs_stack *from_s, const struct zs_udp *from, struct zs_stack *s,
		    struct zs_udp *u)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && from->n_members > 0 && i < ZS_UDP_MEMBERS; i++) {
		const struct zs_udp_member *m = &from_s->udp->member[i];

		if (m->udp == from)
			rc = zs_udp_join(s, u, &s->netif[m->nif], m->family, &m->group);
	}
	return rc;
}

/* ---- delivery ---- */

/* Broadcast, or of a group that this host is in. */
static bool is_heard(const struct zs_stack *s, const struct zs_udp_rx *rx)
{
	return !zs_udp_is_multicast(rx->flow->family, &rx->flow->laddr) ||
	       zs_group_member(s, rx->nif, rx->flow->family, &rx->flow->laddr);
}

/* Joined there, or takes what others joined for (as Linux does, unless told not to). */
static bool hears(const struct zs_stack *s, const struct zs_udp *u, const struct zs_udp_rx *rx)
{
	const struct zs_flow *f = rx->flow;

	if (zs_udp_score(u, f) < 0)
		return false;
	if (!zs_udp_is_multicast(f->family, &f->laddr))
		return true; /* broadcast */
	return (f->family == ZS_AF_IP4 ? u->group_all : u->group6_all) ||
	       find(s, u, rx->nif, f->family, &f->laddr) != NULL;
}

/* Borrows m: u gets references to it. */
static void enqueue_copy(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
			 const struct zs_udp_rx *rx)
{
	struct rte_mbuf *c = NULL;

	if (zs_hdr_spare(s, ZS_KEEP_APP))
		c = m->pkt_len == 0 ? zs_hdr_alloc(s) : zs_pkt_slice(s, m, 0, m->pkt_len);
	if (c == NULL)
		s->stats.drops[ZS_DROP_NO_MBUF]++;
	else
		zs_udp_enqueue(s, u, c, rx);
}

bool zs_udp_deliver_all(struct zs_stack *s, struct rte_mbuf *m, const struct zs_udp_rx *rx)
{
	struct zs_list *head = zs_udp_bucket(s, rx->flow->lport);
	struct zs_udp *last = NULL;

	if (!is_heard(s, rx))
		return false;
	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (!hears(s, u, rx))
			continue;
		if (last != NULL)
			enqueue_copy(s, last, m, rx);
		last = u;
	}
	if (last != NULL)
		zs_udp_enqueue(s, last, m, rx);
	return last != NULL;
}

void zs_udp_loop_back(struct zs_stack *s, struct rte_mbuf *m, const struct zs_udp_rx *rx)
{
	struct zs_list *head = zs_udp_bucket(s, rx->flow->lport);

	if (!is_heard(s, rx))
		return;
	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (hears(s, u, rx))
			enqueue_copy(s, u, m, rx);
	}
}
