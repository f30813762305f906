/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP endpoints (RFC 768, RFC 1122 4.1). Endpoints are found by local port; among those of one port
 * the connected one beats the one bound to the address, which beats the wildcard. Datagrams go in
 * and out in the buffers they came in: a header goes into the headroom of a buffer that is ours
 * alone, and in front of it in a buffer of its own otherwise.
 */
#include "core/zs_udp.h"

#include <errno.h>

#include <rte_byteorder.h>

#include "core/tcp/zs_port.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"

enum { BUCKETS = 1024, DATAGRAM_MAX = 65535 - 20 - 8 };

struct zs_udp_table {
	struct zs_udp *udp;
	struct zs_list bucket[BUCKETS]; /* bound endpoints, newest first */
	struct zs_list free;
	uint32_t live;
};

int zs_udp_init(struct zs_stack *s)
{
	struct zs_udp_table *t = zs_alloc(s, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	s->udp = t;
	zs_list_init(&t->free);
	for (unsigned i = 0; i < BUCKETS; i++)
		zs_list_init(&t->bucket[i]);
	t->udp = zs_alloc(s, s->cfg.max_udp * sizeof(*t->udp));
	if (t->udp == NULL)
		return -ENOMEM; /* zs_udp_fini() takes the rest apart */
	for (uint32_t i = 0; i < s->cfg.max_udp; i++)
		zs_list_add_tail(&t->free, &t->udp[i].hash_link);
	return 0;
}

static void drop_queue(struct zs_stack *s, struct zs_udp *u)
{
	struct rte_mbuf *m;

	while ((m = zs_udp_recv(s, u)) != NULL)
		rte_pktmbuf_free(m);
}

void zs_udp_fini(struct zs_stack *s)
{
	struct zs_udp_table *t = s->udp;

	if (t == NULL)
		return;
	for (uint32_t i = 0; t->udp != NULL && i < s->cfg.max_udp; i++)
		drop_queue(s, &t->udp[i]);
	zs_free(s, t->udp);
	zs_free(s, t);
	s->udp = NULL;
}

uint32_t zs_udp_count(const struct zs_stack *s)
{
	return s->udp->live;
}

struct zs_udp *zs_udp_at(const struct zs_stack *s, uint32_t index)
{
	return &s->udp->udp[index];
}

uint32_t zs_udp_index(const struct zs_stack *s, const struct zs_udp *u)
{
	return (uint32_t)(u - s->udp->udp);
}

struct zs_udp *zs_udp_open(struct zs_stack *s, uint8_t family)
{
	struct zs_list *node;
	struct zs_udp *u;

	if (family != ZS_AF_IP4 && family != ZS_AF_IP6)
		return NULL;
	node = zs_list_pop(&s->udp->free);
	if (node == NULL)
		return NULL;
	u = container_of(node, struct zs_udp, hash_link);
	*u = (struct zs_udp){
		.ep = { .kind = ZS_EP_UDP },
		.flow = { .family = family, .proto = ZS_PROTO_UDP },
		.rcvbuf = s->cfg.rcvbuf,
		.ttl = family == ZS_AF_IP4 ? s->cfg.ttl : 0,
	};
	s->udp->live++;
	return u;
}

void zs_udp_close(struct zs_stack *s, struct zs_udp *u)
{
	drop_queue(s, u);
	zs_list_del(&u->ep.link);
	zs_list_del(&u->hash_link);
	u->ep.owner = NULL;
	u->flow.lport = 0;
	zs_list_add_head(&s->udp->free, &u->hash_link);
	s->udp->live--;
}

/* ---- addresses and ports ---- */

static struct zs_list *bucket_of(struct zs_stack *s, uint16_t port)
{
	return &s->udp->bucket[port % BUCKETS];
}

static bool is_group(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	if (zs_is_group(family, a))
		return true;
	for (uint16_t i = 0; family == ZS_AF_IP4 && i < s->n_netifs; i++)
		if (s->netif[i].ip4_bcast_be == a->ip4_be)
			return true;
	return false;
}

static bool is_multicast(uint8_t family, const struct zs_addr *a)
{
	return family == ZS_AF_IP6 ? zs_ip6_is_group(a) : (a->b[0] & 0xf0) == 0xe0;
}

static bool is_broadcast(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	return family == ZS_AF_IP4 && is_group(s, family, a) && !is_multicast(family, a);
}

static bool may_bind(const struct zs_stack *s, uint8_t family, const struct zs_addr *a)
{
	return is_group(s, family, a) || zs_addr_is_local(s, family, a);
}

/* Two endpoints may have one port when their addresses differ, or both agreed to share. */
static bool conflict(const struct zs_udp *a, const struct zs_udp *b, const struct zs_addr *addr)
{
	if (!zs_local_overlap(a->flow.family, addr, a->dual, b->flow.family, &b->flow.laddr,
			      b->dual))
		return false;
	return !(a->reuseport && b->reuseport) && !(a->reuseaddr && b->reuseaddr);
}

/* exclusive: nobody else may have the port, however willing to share. */
static bool port_free(struct zs_stack *s, const struct zs_udp *u, const struct zs_addr *addr,
		      uint16_t port, bool exclusive)
{
	struct zs_list *head = bucket_of(s, port);

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		const struct zs_udp *other = container_of(l, struct zs_udp, hash_link);

		if (other->flow.lport == port && (exclusive || conflict(u, other, addr)))
			return false;
	}
	return true;
}

/* What comes back of the flow arrives at this stack. */
static bool comes_back(const struct zs_stack *s, const struct zs_flow *flow, uint16_t lport)
{
	struct zs_flow f = *flow;

	f.lport = lport;
	return s->env.rss_ok == NULL || f.fport == 0 || s->env.rss_ok(s->env.ctx, &f);
}

/*
 * RFC 6056 3.3.1: a random port, and onward from there when it is taken. flow: all that is known of
 * what it is for. 0: there is none.
 */
static uint16_t pick_port(struct zs_stack *s, const struct zs_udp *u, const struct zs_flow *flow)
{
	uint32_t lo = s->cfg.ip_local_port_lo, n = s->cfg.ip_local_port_hi - lo + 1;
	uint32_t at = zs_rand_below(&s->rand, n);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(lo + (at + i) % n);

		if (port_free(s, u, &u->flow.laddr, port, true) && comes_back(s, flow, port))
			return port;
	}
	return 0;
}

int zs_udp_bind(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port)
{
	if (u->flow.lport != 0)
		return -EINVAL;
	if (!may_bind(s, u->flow.family, addr))
		return -EADDRNOTAVAIL;
	if (port == 0)
		port = pick_port(s, u, &u->flow);
	else if (!port_free(s, u, addr, port, false))
		return -EADDRINUSE;
	if (port == 0)
		return -EADDRINUSE;
	u->flow.laddr = *addr;
	u->flow.lport = port;
	zs_list_add_head(bucket_of(s, port), &u->hash_link);
	return 0;
}

/* For the first datagram, or all of them, to that address. */
static int bind_any(struct zs_stack *s, struct zs_udp *u, const struct zs_netif *nif,
		    uint8_t family, const struct zs_addr *to, uint16_t port)
{
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_flow flow = u->flow;

	if (u->flow.lport != 0)
		return 0;
	flow.family = family;
	(void)zs_source(s, nif, family, to, &flow.laddr);
	flow.faddr = *to;
	flow.fport = port;
	return zs_udp_bind(s, u, &any, pick_port(s, u, &flow));
}

static void disconnect(struct zs_udp *u)
{
	if (u->laddr_by_connect)
		u->flow.laddr = (struct zs_addr){ .q = { 0, 0 } };
	u->laddr_by_connect = false;
	u->flow.faddr = (struct zs_addr){ .q = { 0, 0 } };
	u->flow.fport = 0;
}

int zs_udp_connect(struct zs_stack *s, struct zs_udp *u, const struct zs_addr *addr, uint16_t port)
{
	uint8_t family = u->flow.family;
	struct zs_addr nexthop;
	struct zs_netif *nif;
	int rc;

	if (addr == NULL) {
		disconnect(u);
		return 0;
	}
	if (port == 0)
		return -EINVAL;
	nif = zs_route_lookup(s, family, addr, &nexthop);
	if (nif == NULL)
		return -ENETUNREACH;
	if (is_broadcast(s, family, addr) && !u->broadcast)
		return -EACCES;
	rc = bind_any(s, u, nif, family, addr, port);
	if (rc < 0)
		return rc;
	disconnect(u);
	if (zs_addr_is_any(&u->flow.laddr)) {
		if (!zs_source(s, nif, family, addr, &u->flow.laddr))
			return -EADDRNOTAVAIL;
		u->laddr_by_connect = true;
	}
	u->flow.faddr = *addr;
	u->flow.fport = port;
	return 0;
}

/* ---- out ---- */

/* Consumes m on success: the same datagram with an UDP header in front. NULL: no header buffer. */
static struct rte_mbuf *put_header(struct zs_stack *s, struct rte_mbuf *m, uint8_t family,
				   uint16_t sport, uint16_t dport)
{
	const unsigned l34 = family == ZS_AF_IP4 ? (unsigned)ZS_L34_OFF : (unsigned)ZS_L36_OFF;
	uint32_t len = m->pkt_len + sizeof(struct zs_udp_hdr);
	struct zs_udp_hdr *uh;
	struct rte_mbuf *h = m;

	if (zs_pkt_writable(m) && rte_pktmbuf_headroom(m) >= sizeof(*uh) + l34) {
		s->stats.tx_in_place++;
	} else {
		h = zs_hdr_alloc(s);
		if (unlikely(h == NULL))
			return NULL;
		zs_pkt_join(h, m);
		s->stats.tx_indirect++;
	}
	uh = (struct zs_udp_hdr *)rte_pktmbuf_prepend(h, sizeof(*uh));
	zs_assert(uh != NULL);
	*uh = (struct zs_udp_hdr){
		.sport_be = rte_cpu_to_be_16(sport),
		.dport_be = rte_cpu_to_be_16(dport),
		.len_be = rte_cpu_to_be_16((uint16_t)len),
	};
	h->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	h->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM |
		       (family == ZS_AF_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	h->l4_len = sizeof(*uh);
	return h;
}

/* May this endpoint send n bytes to that address? Binds when necessary. */
static int check_send(struct zs_stack *s, struct zs_udp *u, uint8_t family,
		      const struct zs_addr *to, uint16_t port, uint32_t n)
{
	struct zs_addr nexthop;
	struct zs_netif *nif;

	if (port == 0)
		return -EINVAL;
	if (n > DATAGRAM_MAX)
		return -EMSGSIZE;
	if (is_broadcast(s, family, to) && !u->broadcast)
		return -EACCES;
	/* from an address of IPv6 nothing goes to one of IPv4 */
	if (family != u->flow.family && (!u->dual || !zs_addr_is_any(&u->flow.laddr)))
		return -ENETUNREACH;
	nif = zs_route_lookup(s, family, to, &nexthop);
	if (nif == NULL)
		return -ENETUNREACH;
	return bind_any(s, u, nif, family, to, port);
}

int zs_udp_send(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, const struct zs_addr *to,
		uint16_t port)
{
	return zs_udp_send_to(s, u, m, u->flow.family, to, port);
}

int zs_udp_send_to(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m, uint8_t family,
		   const struct zs_addr *to, uint16_t port)
{
	struct zs_addr src = u->flow.laddr;
	uint8_t ttl = u->ttl;
	int rc;

	if (to == NULL) {
		if (u->flow.fport == 0)
			return -EDESTADDRREQ;
		family = u->flow.family;
		to = &u->flow.faddr;
		port = u->flow.fport;
	}
	rc = check_send(s, u, family, to, port, m->pkt_len);
	if (rc < 0)
		return rc;
	m = put_header(s, m, family, u->flow.lport, port);
	if (m == NULL)
		return -ENOBUFS;
	if (is_group(s, u->flow.family, &src)) /* receives by it, sends by the interface's */
		src = (struct zs_addr){ .q = { 0, 0 } };
	if (is_multicast(family, to))
		ttl = 1;
	else if (ttl == 0 && family == ZS_AF_IP4)
		ttl = s->cfg.ttl;
	/* From here on a datagram may get lost, as any may on its way; the counters tell. */
	(void)zs_ip_output(s, m, family, &src, to, ZS_PROTO_UDP, ttl, u->tos);
	return 0;
}

/* ---- in ---- */

/* How well u suits a datagram of this flow; negative: not at all. */
static int score(const struct zs_udp *u, const struct zs_flow *f)
{
	int n = u->flow.family == f->family;

	if (u->flow.lport != f->lport || (n == 0 && !u->dual))
		return -1;
	if (!zs_addr_is_any(&u->flow.laddr)) {
		if (n == 0 || !zs_addr_eq(&u->flow.laddr, &f->laddr))
			return -1;
		n += 2;
	}
	if (u->flow.fport != 0) {
		if (u->flow.fport != f->fport || !zs_addr_eq(&u->flow.faddr, &f->faddr))
			return -1;
		n += 4;
	}
	return n;
}

/* Endpoint number k of those that share the port by SO_REUSEPORT and suit equally well. */
static struct zs_udp *sharer(struct zs_list *head, const struct zs_flow *f, int best, uint32_t k)
{
	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (u->reuseport && score(u, f) == best && k-- == 0)
			return u;
	}
	return NULL;
}

static struct zs_udp *lookup(struct zs_stack *s, const struct zs_flow *f, uint32_t hash)
{
	struct zs_list *head = bucket_of(s, f->lport);
	struct zs_udp *found = NULL;
	uint32_t sharers = 0;
	int best = -1;

	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);
		int n = score(u, f);

		if (n > best) {
			best = n;
			found = u;
			sharers = 0;
		}
		if (n >= 0 && n == best && u->reuseport)
			sharers++;
	}
	if (sharers < 2 || !found->reuseport)
		return found;
	/* The flow decides, so that a peer stays with one endpoint. */
	return sharer(head, f, best, (uint32_t)(((uint64_t)hash * sharers) >> 32));
}

/* Consumes m, trimmed to its payload. */
static void enqueue(struct zs_stack *s, struct zs_udp *u, struct rte_mbuf *m,
		    const struct zs_flow *f)
{
	uint32_t mem = zs_pkt_mem(m);
	struct zs_dgram *d = zs_dgram(m);

	if (u->rx_head != NULL && u->rx_mem + mem > u->rcvbuf) {
		zs_pkt_drop(s, m, ZS_DROP_UDP_FULL);
		return;
	}
	*d = (struct zs_dgram){ .from = f->faddr, .from_port = f->fport, .family = f->family };
	if (u->rx_head == NULL)
		u->rx_head = m;
	else
		zs_dgram(u->rx_tail)->next = m;
	u->rx_tail = m;
	u->rx_bytes += m->pkt_len;
	u->rx_mem += mem;
	zs_ep_raise(s, &u->ep, ZS_EV_READ);
}

void zs_udp_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	struct zs_udp *u = lookup(s, &pi->flow, pi->hash);

	if (u == NULL) {
		if (zs_pass_on(s, pi->nif, m, ZS_PASS_STRAY))
			return;
		zs_icmp_send_unreach(s, m, pi, ZS_UNREACH_PORT);
		zs_pkt_drop(s, m, ZS_DROP_UDP_NO_SOCKET);
		return;
	}
	zs_pkt_trim(m, pi->data_off + pi->data_len); /* IP may carry more than UDP says */
	enqueue(s, u, zs_pkt_adj(m, pi->data_off), &pi->flow);
}

struct rte_mbuf *zs_udp_recv(struct zs_stack *s, struct zs_udp *u)
{
	struct rte_mbuf *m = u->rx_head;

	(void)s;
	if (m == NULL)
		return NULL;
	u->rx_head = zs_dgram(m)->next;
	if (u->rx_head == NULL)
		u->rx_tail = NULL;
	u->rx_bytes -= m->pkt_len;
	u->rx_mem -= zs_pkt_mem(m);
	return m;
}

bool zs_udp_sends(const struct zs_stack *s, const struct zs_flow *flow)
{
	const struct zs_list *head = &s->udp->bucket[flow->lport % BUCKETS];

	for (const struct zs_list *l = head->next; l != head; l = l->next) {
		const struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (score(u, flow) >= 0)
			return true;
	}
	return false;
}

void zs_udp_icmp_error(struct zs_stack *s, const struct zs_flow *flow, int error)
{
	struct zs_list *head = bucket_of(s, flow->lport);

	/* Only a connected endpoint can tell whom the error is about. */
	for (struct zs_list *l = head->next; l != head; l = l->next) {
		struct zs_udp *u = container_of(l, struct zs_udp, hash_link);

		if (u->flow.fport == 0 || score(u, flow) < 0)
			continue;
		u->ep.error = error;
		zs_ep_raise(s, &u->ep, ZS_EV_ERR);
	}
}
