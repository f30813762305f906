/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassembly of IPv4 (RFC 791 3.2, RFC 815 in spirit) and IPv6 (RFC 8200 4.5). Fragments wait as
 * they came and are chained when all are there: no byte moves. What bounds it: datagrams, memory,
 * fragments of one datagram, time.
 *
 * The time is 30 s, not the 60 to 120 s of RFC 1122 3.3.2: at today's rates the 16-bit
 * identification wraps within seconds (RFC 4963), so that what is still missing after 30 s is more
 * likely to be completed by a stranger than by its own kin. No ICMP time exceeded is sent.
 *
 * A datagram whose fragments overlap is an attack or a wreck: it is thrown away, and what still
 * comes of it too (RFC 5722 3). A fragment that came twice is merely ignored.
 */
#include <errno.h>

#include <rte_byteorder.h>

#include "core/zs_ip4.h"
#include "core/zs_parse.h"
#include "core/zs_state.h"
#include "wire/zs_cksum.h"

enum {
	MAX_DATAGRAMS = 256,
	MAX_FRAGS = 256, /* of one datagram */
	MAX_MEM = 4 << 20,
	TIMEOUT_US = 30 * 1000000,
	BUCKETS = 128,
	IP_MAX = 65535,
	NOT_ECT = 0, /* RFC 3168 5 */
	CE = 3,
	ECN_MASK = 3,
};

/* In the private area of a fragment. */
struct frag {
	struct rte_mbuf *next;	  /* by offset */
	uint16_t off, len;	  /* in the datagram's payload */
	uint16_t l3_off, l4_off;  /* in the frame; l4_off: of the bytes that are of the datagram */
	uint16_t ext_off, ext_at; /* IPv6: the fragment header, and the byte that names it */
};
_Static_assert(sizeof(struct frag) <= offsetof(struct zs_seg, taken),
	       "a charge stays in its buffer");

/* Whose fragments belong together. */
struct key {
	struct zs_addr src, dst;
	uint32_t id;
	uint8_t family;
	uint8_t proto; /* of IPv6 0: it is not part of the key (RFC 8200 4.5) */
};

struct datagram {
	struct zs_list hash_link; /* in a bucket, or in the free list */
	struct zs_list age_link;
	uint64_t deadline_us;
	struct key key;
	bool dead;   /* overlapped: only its name is kept */
	uint8_t ecn; /* one bit for each codepoint that a fragment had */
	struct rte_mbuf *frags;
	uint32_t mem, have; /* have: payload bytes */
	uint32_t total;	    /* payload bytes, 0 = last fragment not seen */
	uint16_t n;
};

struct zs_frag_table {
	struct datagram dg[MAX_DATAGRAMS];
	struct zs_list bucket[BUCKETS];
	struct zs_list free;
	struct zs_list age; /* oldest first */
	struct zs_timer timer;
	uint32_t mem;
};

static struct frag *frag(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

static void expire(struct zs_stack *s, struct zs_timer *timer);

int zs_ipfrag_init(struct zs_stack *s)
{
	struct zs_frag_table *t = zs_alloc(s, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < BUCKETS; i++)
		zs_list_init(&t->bucket[i]);
	zs_list_init(&t->free);
	zs_list_init(&t->age);
	for (unsigned i = 0; i < MAX_DATAGRAMS; i++)
		zs_list_add_tail(&t->free, &t->dg[i].hash_link);
	t->timer.fire = expire;
	s->frags = t;
	return 0;
}

/* Drops the fragments; the datagram itself stays. */
static void drop_frags(struct zs_stack *s, struct datagram *d, enum zs_drop why)
{
	while (d->frags != NULL) {
		struct rte_mbuf *m = d->frags;

		d->frags = frag(m)->next;
		zs_pkt_drop(s, m, why);
	}
	s->frags->mem -= d->mem;
	d->mem = 0;
}

static void forget(struct zs_frag_table *t, struct datagram *d)
{
	zs_list_del(&d->age_link);
	zs_list_del(&d->hash_link);
	zs_list_add_head(&t->free, &d->hash_link);
}

static struct datagram *oldest(struct zs_frag_table *t)
{
	return zs_list_empty(&t->age) ? NULL : container_of(t->age.next, struct datagram, age_link);
}

static void expire(struct zs_stack *s, struct zs_timer *timer)
{
	struct datagram *d;

	while ((d = oldest(s->frags)) != NULL) {
		if (d->deadline_us > s->now_us) {
			zs_timer_set(&s->wheel, timer, d->deadline_us);
			return;
		}
		drop_frags(s, d, ZS_DROP_FRAG_TIMEOUT);
		forget(s->frags, d);
	}
}

uint32_t zs_ipfrag_mem(const struct zs_stack *s)
{
	return s->frags->mem;
}

void zs_ipfrag_fini(struct zs_stack *s)
{
	struct datagram *d;

	if (s->frags == NULL)
		return;
	while ((d = oldest(s->frags)) != NULL) {
		drop_frags(s, d, ZS_DROP_FRAG_TIMEOUT);
		forget(s->frags, d);
	}
	zs_timer_cancel(&s->wheel, &s->frags->timer);
	zs_free(s, s->frags);
	s->frags = NULL;
}

/* The oldest give way: they are the least likely to be completed. */
static void push_out(struct zs_stack *s)
{
	struct datagram *d = oldest(s->frags);

	drop_frags(s, d, ZS_DROP_FRAG_FULL);
	forget(s->frags, d);
}

static void make_room(struct zs_stack *s, uint32_t mem)
{
	while (oldest(s->frags) != NULL && s->frags->mem + mem > MAX_MEM)
		push_out(s);
}

static struct zs_list *bucket_of(struct zs_stack *s, const struct key *k)
{
	uint64_t h = zs_mix(s->hash_key[0] ^ k->src.q[0] ^ k->id, s->hash_key[1] ^ k->src.q[1]);

	return &s->frags->bucket[(h >> 32) % BUCKETS];
}

static struct datagram *find(struct zs_stack *s, const struct key *k)
{
	struct zs_list *bucket = bucket_of(s, k);

	for (struct zs_list *l = bucket->next; l != bucket; l = l->next) {
		struct datagram *d = container_of(l, struct datagram, hash_link);

		if (d->key.id == k->id && zs_addr_eq(&d->key.src, &k->src) &&
		    zs_addr_eq(&d->key.dst, &k->dst) && d->key.proto == k->proto &&
		    d->key.family == k->family)
			return d;
	}
	return NULL;
}

static struct datagram *add(struct zs_stack *s, const struct key *k)
{
	struct zs_frag_table *t = s->frags;
	struct zs_list *node;
	struct datagram *d;

	if (zs_list_empty(&t->free))
		push_out(s);
	node = zs_list_pop(&t->free);
	d = container_of(node, struct datagram, hash_link);
	*d = (struct datagram){ .deadline_us = s->now_us + TIMEOUT_US, .key = *k };
	zs_list_add_head(bucket_of(s, k), &d->hash_link);
	zs_list_add_tail(&t->age, &d->age_link);
	if (!zs_timer_armed(&t->timer))
		zs_timer_set(&s->wheel, &t->timer, d->deadline_us);
	return d;
}

enum verdict { TAKEN, DUPLICATE, OVERLAP };

/* Puts m in its place by offset unless another fragment has some of it. */
static enum verdict insert(struct datagram *d, struct rte_mbuf *m, bool last)
{
	const struct frag *f = frag(m);
	struct rte_mbuf **at = &d->frags;
	uint32_t end = (uint32_t)f->off + f->len;

	while (*at != NULL && frag(*at)->off < f->off) {
		const struct frag *before = frag(*at);

		if ((uint32_t)before->off + before->len > f->off)
			return OVERLAP;
		at = &frag(*at)->next;
	}
	if (*at != NULL && frag(*at)->off < end) {
		const struct frag *same = frag(*at);

		return same->off == f->off && same->len == f->len ? DUPLICATE : OVERLAP;
	}
	if (d->total != 0 ? end > d->total || last : last && *at != NULL)
		return OVERLAP; /* two ends, or bytes behind the end */
	if (last)
		d->total = end;
	frag(m)->next = *at;
	*at = m;
	return TAKEN;
}

/*
 * Smallest useful shapes (RFC 1858, 3128): all fragments but the last are multiples of 8 bytes, and
 * the first one of a TCP segment holds its whole fixed header, no other one a part of it.
 */
static bool sane(const struct zs_pktinfo *pi, uint32_t off, bool last)
{
	if (pi->data_len == 0 || (!last && pi->data_len % 8 != 0))
		return false;
	if (off + pi->data_len + (pi->l4_off - pi->l3_off) > IP_MAX)
		return false;
	if (pi->flow.proto != ZS_PROTO_TCP)
		return true;
	return off == 0 ? pi->data_len >= sizeof(struct zs_tcp_hdr)
			: off >= sizeof(struct zs_tcp_hdr);
}

/*
 * The same for IPv6, whose lengths and first fragment the parser has looked at (RFC 7112).
 * Neighbour discovery does not come in fragments (RFC 6980 5).
 */
static bool sane_ip6(const struct rte_mbuf *m, const struct zs_pktinfo *pi, uint32_t off)
{
	uint8_t type = 0;

	if (pi->data_len == 0)
		return false;
	if (off == 0 && pi->flow.proto == ZS_PROTO_ICMP6)
		type = *rte_pktmbuf_mtod_offset(m, const uint8_t *, pi->l4_off);
	return type < ZS_ND_ROUTER_SOLICIT || type > ZS_ND_REDIRECT;
}

/* Consumes m. The same packet with a first buffer that we may write to; NULL: no memory. */
static struct rte_mbuf *own_head(struct zs_stack *s, struct rte_mbuf *m, uint16_t headers)
{
	struct rte_mbuf *c;
	char *to;

	if (likely(zs_pkt_writable(m)))
		return m;
	s->stats.allocs++;
	c = rte_pktmbuf_alloc(s->env.pkt_pool);
	to = c == NULL ? NULL : rte_pktmbuf_append(c, m->data_len);
	if (to == NULL) {
		rte_pktmbuf_free(c);
		zs_pkt_drop(s, m, ZS_DROP_NO_MBUF);
		return NULL;
	}
	memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
	s->stats.copies += (uint32_t)(m->data_len - headers);
	c->nb_segs = m->nb_segs;
	c->pkt_len = m->pkt_len;
	c->next = m->next;
	m->next = NULL;
	m->nb_segs = 1;
	rte_pktmbuf_free_seg(m);
	return c;
}

static void mend_ip4(struct rte_mbuf *m, uint16_t l3_off, uint16_t l4_off, bool ce)
{
	struct zs_ip4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct zs_ip4_hdr *, l3_off);

	if (ce)
		ip->tos |= CE;
	ip->len_be = rte_cpu_to_be_16((uint16_t)(m->pkt_len - l3_off));
	ip->frag_be = 0;
	ip->cksum = 0;
	ip->cksum = zs_cksum_finish(zs_cksum_raw(ip, l4_off - l3_off));
}

/* The fragment header goes; what stood before it moves up. */
static void mend_ip6(struct rte_mbuf *m, const struct frag *f, bool ce)
{
	const unsigned TCLASS_SHIFT = 20;
	const unsigned EXT = sizeof(struct zs_ip6_frag_hdr);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	struct zs_ip6_hdr *ip;

	p[f->ext_at] = p[f->ext_off];
	memmove(p + EXT, p, f->ext_off);
	(void)rte_pktmbuf_adj(m, EXT);
	ip = rte_pktmbuf_mtod_offset(m, struct zs_ip6_hdr *, f->l3_off);
	ip->plen_be = rte_cpu_to_be_16((uint16_t)(m->pkt_len - f->l3_off - sizeof(*ip)));
	if (ce)
		ip->vtf_be |= rte_cpu_to_be_32((uint32_t)CE << TCLASS_SHIFT);
}

/* The header of a whole datagram. No device has seen its transport checksum. */
static void mend_header(struct rte_mbuf *m, const struct frag *f, bool ce)
{
	if (f->ext_off == 0)
		mend_ip4(m, f->l3_off, f->l4_off, ce);
	else
		mend_ip6(m, f, ce);
	m->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
}

/* What the length field of the whole has to hold. */
static uint32_t whole_len(const struct frag *f, uint32_t total)
{
	uint32_t header = f->l4_off - f->l3_off;

	if (f->ext_off != 0)
		header = f->ext_off - f->l3_off - (uint32_t)sizeof(struct zs_ip6_hdr);
	return header + total;
}

/* RFC 3168 5.3: the sender of Not-ECT could not be told of congestion. */
static bool is_lost(const struct datagram *d)
{
	const uint8_t both = 1 << NOT_ECT | 1 << CE;

	return (d->ecn & both) == both;
}

/* Takes all fragments out of d; the whole datagram as one frame, or NULL. */
static struct rte_mbuf *assemble(struct zs_stack *s, struct datagram *d)
{
	const struct frag first = *frag(d->frags);
	struct rte_mbuf *head = own_head(s, d->frags, first.l4_off);

	d->frags = first.next;
	if (unlikely(head == NULL || whole_len(&first, d->total) > IP_MAX || is_lost(d))) {
		if (head != NULL)
			zs_pkt_drop(s, head, ZS_DROP_FRAG_BAD);
		drop_frags(s, d, ZS_DROP_FRAG_BAD);
		return NULL;
	}
	while (d->frags != NULL) {
		struct rte_mbuf *m = d->frags;

		d->frags = frag(m)->next;
		zs_pkt_join(head, zs_pkt_adj(m, frag(m)->l4_off));
	}
	s->frags->mem -= d->mem;
	mend_header(head, &first, (d->ecn & 1 << CE) != 0);
	return head;
}

/* Consumes m. False when it was not taken. */
static bool take(struct zs_stack *s, struct datagram *d, struct rte_mbuf *m, bool last)
{
	uint32_t mem = zs_pkt_mem(m), len = frag(m)->len;
	enum verdict v = OVERLAP;

	if (!d->dead && d->n < MAX_FRAGS)
		v = insert(d, m, last);
	if (v != TAKEN) {
		zs_pkt_drop(s, m, ZS_DROP_FRAG_BAD);
		if (v == OVERLAP) {
			drop_frags(s, d, ZS_DROP_FRAG_BAD);
			d->dead = true;
		}
		return false;
	}
	d->n++;
	d->mem += mem;
	d->have += len;
	s->frags->mem += mem;
	return true;
}

/* What the headers of a fragment say. */
struct found {
	struct key key;
	uint32_t off;
	bool last;
};

static struct found read_ip4(const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	const struct zs_ip4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct zs_ip4_hdr *, pi->l3_off);
	uint16_t bits = rte_be_to_cpu_16(ip->frag_be);

	return (struct found){
		.key = { .src = pi->flow.faddr,
			 .dst = pi->flow.laddr,
			 .id = ip->id_be,
			 .family = ZS_AF_IP4,
			 .proto = ip->proto },
		.off = (bits & ZS_IP4_OFFMASK) * 8u,
		.last = !(bits & ZS_IP4_MF),
	};
}

static struct found read_ip6(const struct rte_mbuf *m, const struct zs_pktinfo *pi)
{
	const struct zs_ip6_frag_hdr *f =
		rte_pktmbuf_mtod_offset(m, const struct zs_ip6_frag_hdr *, pi->frag_off);
	uint16_t bits = rte_be_to_cpu_16(f->off_be);

	return (struct found){
		.key = { .src = pi->flow.faddr,
			 .dst = pi->flow.laddr,
			 .id = f->id_be,
			 .family = ZS_AF_IP6 },
		.off = bits & ZS_IP6_OFFMASK,
		.last = !(bits & ZS_IP6_MF),
	};
}

struct rte_mbuf *zs_ipfrag_input(struct zs_stack *s, struct rte_mbuf *m, struct zs_pktinfo *pi)
{
	bool v6 = pi->flow.family == ZS_AF_IP6;
	struct found f = v6 ? read_ip6(m, pi) : read_ip4(m, pi);
	struct datagram *d;

	if (!(v6 ? sane_ip6(m, pi, f.off) : sane(pi, f.off, f.last))) {
		zs_pkt_drop(s, m, ZS_DROP_FRAG_BAD);
		return NULL;
	}
	make_room(s, zs_pkt_mem(m));
	d = find(s, &f.key);
	if (d == NULL)
		d = add(s, &f.key);
	*frag(m) = (struct frag){ .off = (uint16_t)f.off,
				  .len = (uint16_t)pi->data_len,
				  .l3_off = pi->l3_off,
				  .l4_off = v6 ? pi->data_off : pi->l4_off,
				  .ext_off = v6 ? pi->frag_off : 0,
				  .ext_at = v6 ? pi->frag_at : 0 };
	if (!take(s, d, m, f.last))
		return NULL;
	d->ecn |= (uint8_t)(1 << (pi->tos & ECN_MASK));
	if (d->total == 0 || d->have < d->total)
		return NULL;
	m = assemble(s, d);
	forget(s->frags, d);
	return m;
}
