/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of datagrams to groups: those of IPv4 (ip(7)), of IPv6 (RFC 3493 5.2) and the ones that
 * do not look at the family (RFC 3678 5.1).
 */
#include <netinet/in.h>

#include "base/zs_ip6addr.h"
#include "core/zs_netif.h"
#include "core/zs_route.h"
#include "sock/zs_sockopt.h"

/* What is joined or left, and on which interface: NULL where that is left open. */
struct wish {
	struct zs_addr group;
	uint8_t family;
	struct zs_netif *nif;
};

static struct zs_netif *nif_at(const struct zs_sock *sk, int number)
{
	if (number < 1 || number > zs_stack_config(sk->s)->n_netifs)
		return NULL;
	return zs_netif_at(sk->s, (uint16_t)(number - 1));
}

/* Of a number as the structs have it: 0 leaves it open. */
static int get_nif(const struct zs_sock *sk, uint32_t number, struct zs_netif **nif)
{
	*nif = number > INT32_MAX ? NULL : nif_at(sk, (int)number);
	return *nif == NULL && number != 0 ? -ENODEV : 0;
}

/* The interface that has this address. */
static struct zs_netif *nif_of_ip4(const struct zs_sock *sk, uint32_t ip4_be)
{
	for (int i = 1; i <= zs_stack_config(sk->s)->n_netifs; i++)
		if (zs_netif_has_ip4(nif_at(sk, i), ip4_be))
			return nif_at(sk, i);
	return NULL;
}

/* struct ip_mreqn or ip_mreq. */
static int get_mreqn(const struct zs_sock *sk, const void *val, socklen_t len, struct ip_mreqn *mr,
		     struct zs_netif **nif)
{
	*mr = (struct ip_mreqn){ .imr_ifindex = 0 };
	*nif = NULL;
	if (len >= sizeof(*mr))
		memcpy(mr, val, sizeof(*mr));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(mr, val, sizeof(struct ip_mreq));
	else
		return -EINVAL;
	if (mr->imr_ifindex != 0 || mr->imr_address.s_addr == 0)
		return get_nif(sk, (uint32_t)mr->imr_ifindex, nif);
	*nif = nif_of_ip4(sk, mr->imr_address.s_addr);
	return *nif == NULL ? -ENODEV : 0;
}

static int get_ip4_wish(const struct zs_sock *sk, const void *val, socklen_t len, struct wish *w)
{
	struct ip_mreqn mr;
	int rc = get_mreqn(sk, val, len, &mr, &w->nif);

	w->family = ZS_AF_IP4;
	w->group = zs_addr_ip4(mr.imr_multiaddr.s_addr);
	return rc;
}

static int set_ip6_wish(const struct zs_sock *sk, const struct in6_addr *group, unsigned ifindex,
			struct wish *w)
{
	w->family = ZS_AF_IP6;
	memcpy(&w->group, group, sizeof(w->group));
	w->nif = NULL;
	if (!zs_ip6_is_group(&w->group))
		return -EINVAL;
	return get_nif(sk, ifindex, &w->nif);
}

static int get_ip6_wish(const struct zs_sock *sk, const void *val, socklen_t len, struct wish *w)
{
	struct ipv6_mreq mr;

	if (len < sizeof(mr))
		return -EINVAL;
	memcpy(&mr, val, sizeof(mr));
	return set_ip6_wish(sk, &mr.ipv6mr_multiaddr, mr.ipv6mr_interface, w);
}

/* struct group_req */
static int get_any_wish(const struct zs_sock *sk, const void *val, socklen_t len, struct wish *w)
{
	struct group_req gr;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	if (len < sizeof(gr))
		return -EINVAL;
	memcpy(&gr, val, sizeof(gr));
	memcpy(&sin, &gr.gr_group, sizeof(sin));
	memcpy(&sin6, &gr.gr_group, sizeof(sin6));
	if (gr.gr_group.ss_family == AF_INET6)
		return set_ip6_wish(sk, &sin6.sin6_addr, gr.gr_interface, w);
	if (gr.gr_group.ss_family != AF_INET)
		return -EADDRNOTAVAIL;
	*w = (struct wish){ .group = zs_addr_ip4(sin.sin_addr.s_addr), .family = ZS_AF_IP4 };
	return get_nif(sk, gr.gr_interface, &w->nif);
}

/* Left open: by the route, or what has the group's family. */
static struct zs_netif *usual_nif(const struct zs_sock *sk, const struct wish *w)
{
	struct zs_addr nexthop;

	if (w->family == ZS_AF_IP4)
		return zs_route_lookup(sk->s, w->family, &w->group, &nexthop);
	for (int i = 1; i <= zs_stack_config(sk->s)->n_netifs; i++)
		if (nif_at(sk, i)->ip6)
			return nif_at(sk, i);
	return NULL;
}

static int join_group(struct zs_sock *sk, const struct wish *w)
{
	struct zs_netif *nif = w->nif != NULL ? w->nif : usual_nif(sk, w);

	return nif == NULL ? -ENODEV : zs_udp_join(sk->s, sk->udp, nif, w->family, &w->group);
}

/* Left open: wherever it was joined. */
static int leave_group(struct zs_sock *sk, const struct wish *w)
{
	int rc = -EADDRNOTAVAIL;

	for (int i = 1; rc < 0 && i <= zs_stack_config(sk->s)->n_netifs; i++)
		if (w->nif == NULL || w->nif == nif_at(sk, i))
			rc = zs_udp_leave(sk->s, sk->udp, nif_at(sk, i), w->family, &w->group);
	return rc;
}

static int change(struct zs_sock *sk, const struct wish *w, bool join)
{
	if (sk->kind != ZS_SK_UDP)
		return -EPROTO;
	if (w->family == ZS_AF_IP6 && sk->family != AF_INET6)
		return -EADDRNOTAVAIL;
	return join ? join_group(sk, w) : leave_group(sk, w);
}

/* ---- IPv4 ---- */

/* Linux takes these as a byte as well. */
static int get_small(const void *val, socklen_t len, int *v)
{
	if (len >= sizeof(*v))
		memcpy(v, val, sizeof(*v));
	else if (len >= 1)
		*v = *(const uint8_t *)val;
	else
		return -EINVAL;
	return 0;
}

static int set_ttl(struct zs_sock *sk, int v)
{
	if (v < -1 || v > 255)
		return -EINVAL;
	sk->udp->group_ttl = v == -1 ? 1 : (uint8_t)v;
	return 0;
}

/* strict: nothing but 1 is true. Which are, is as on Linux. */
static int set_bool(bool *field, int v, bool strict)
{
	if (strict && (v < 0 || v > 1))
		return -EINVAL;
	*field = v != 0;
	return 0;
}

static int set_ip4_nif(struct zs_sock *sk, const void *val, socklen_t len)
{
	struct ip_mreqn mr, given = { .imr_ifindex = 0 };
	struct zs_netif *nif;
	int rc;

	if (len >= sizeof(given.imr_address) && len < sizeof(struct ip_mreq)) {
		memcpy(&given.imr_address, val, sizeof(given.imr_address));
		val = &given;
		len = sizeof(given);
	}
	rc = get_mreqn(sk, val, len, &mr, &nif);
	if (rc < 0)
		return rc == -ENODEV ? -EADDRNOTAVAIL : rc;
	sk->udp->group_nif = nif == NULL ? 0 : (uint8_t)(nif->index + 1);
	return 0;
}

int zs_opt_group4_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	struct wish w;
	int rc, v;

	switch (name) {
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		rc = get_ip4_wish(sk, val, len, &w);
		return rc < 0 ? rc : change(sk, &w, name == IP_ADD_MEMBERSHIP);
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		rc = get_any_wish(sk, val, len, &w);
		return rc < 0 ? rc : change(sk, &w, name == MCAST_JOIN_GROUP);
	case IP_MULTICAST_IF:
		return sk->kind == ZS_SK_UDP ? set_ip4_nif(sk, val, len) : -EINVAL;
	case IP_MULTICAST_TTL:
	case IP_MULTICAST_LOOP:
	case IP_MULTICAST_ALL:
		break;
	default:
		return -ENOPROTOOPT;
	}
	rc = get_small(val, len, &v);
	if (rc < 0 || sk->kind != ZS_SK_UDP)
		return -EINVAL;
	if (name == IP_MULTICAST_TTL)
		return set_ttl(sk, v);
	if (name == IP_MULTICAST_LOOP)
		return set_bool(&sk->udp->group_loop, v, false);
	return set_bool(&sk->udp->group_all, v, true);
}

int zs_opt_group4_get(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	struct in_addr ip = { 0 };

	if (sk->kind != ZS_SK_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case IP_MULTICAST_TTL:
		return zs_opt_put_int(val, len, sk->udp->group_ttl);
	case IP_MULTICAST_LOOP:
		return zs_opt_put_int(val, len, sk->udp->group_loop);
	case IP_MULTICAST_ALL:
		return zs_opt_put_int(val, len, sk->udp->group_all);
	case IP_MULTICAST_IF:
		if (sk->udp->group_nif != 0)
			ip.s_addr = nif_at(sk, sk->udp->group_nif)->ip4_be;
		return zs_opt_put(val, len, &ip, sizeof(ip));
	default:
		return -ENOPROTOOPT;
	}
}

/* ---- IPv6 ---- */

int zs_opt_group6_set(struct zs_sock *sk, int name, const void *val, socklen_t len)
{
	struct wish w;
	int rc, v;

	switch (name) {
	case IPV6_JOIN_GROUP:
	case IPV6_LEAVE_GROUP:
		rc = get_ip6_wish(sk, val, len, &w);
		return rc < 0 ? rc : change(sk, &w, name == IPV6_JOIN_GROUP);
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		rc = get_any_wish(sk, val, len, &w);
		return rc < 0 ? rc : change(sk, &w, name == MCAST_JOIN_GROUP);
	case IPV6_MULTICAST_IF:
	case IPV6_MULTICAST_HOPS:
	case IPV6_MULTICAST_LOOP:
	case IPV6_MULTICAST_ALL:
		break;
	default:
		return -ENOPROTOOPT;
	}
	rc = zs_opt_int(val, len, &v);
	if (rc < 0)
		return rc;
	if (sk->kind != ZS_SK_UDP)
		return -ENOPROTOOPT;
	if (name == IPV6_MULTICAST_HOPS)
		return set_ttl(sk, v);
	if (name == IPV6_MULTICAST_LOOP)
		return set_bool(&sk->udp->group_loop, v, true);
	if (name == IPV6_MULTICAST_ALL)
		return set_bool(&sk->udp->group6_all, v, false);
	if (v != 0 && nif_at(sk, v) == NULL)
		return -ENODEV;
	sk->udp->group_nif = (uint8_t)v;
	return 0;
}

int zs_opt_group6_get(const struct zs_sock *sk, int name, void *val, socklen_t *len)
{
	if (sk->kind != ZS_SK_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case IPV6_MULTICAST_HOPS:
		return zs_opt_put_int(val, len, sk->udp->group_ttl);
	case IPV6_MULTICAST_LOOP:
		return zs_opt_put_int(val, len, sk->udp->group_loop);
	case IPV6_MULTICAST_ALL:
		return zs_opt_put_int(val, len, sk->udp->group6_all);
	case IPV6_MULTICAST_IF:
		return zs_opt_put_int(val, len, sk->udp->group_nif);
	default:
		return -ENOPROTOOPT;
	}
}
