/* SPDX-License-Identifier: BSD-3-Clause */
/* The rest of F-Stack's functions: time, threads, traffic counters, routes. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "ff_api.h"

#include "api/zs_ctx.h"
#include "base/zs_api.h"
#include "core/zs_netif.h"
#include "core/zs_route.h"
#include "core/zs_stack.h"

/* ---- time and threads ---- */

/* Not by gettimeofday(): a program may have one of its own that calls this. */
#if __GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 31)
ZS_API int ff_gettimeofday(struct timeval *tv, void *tz)
#else
ZS_API int ff_gettimeofday(struct timeval *tv, struct timezone *tz)
#endif
{
	struct timespec ts;

	if (tz != NULL)
		memset(tz, 0, sizeof(struct timezone));
	if (tv == NULL)
		return 0;
	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

/* The new thread has no stack: its ff_ calls fail with EPERM. */
ZS_API int ff_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			     void *arg)
{
	return pthread_create(thread, attr, start, arg);
}

ZS_API int ff_pthread_join(pthread_t thread, void **retval)
{
	return pthread_join(thread, retval);
}

/* ---- traffic ---- */

static bool is_tx_drop(enum zs_drop why)
{
	return why == ZS_DROP_NO_MBUF || why == ZS_DROP_TX_FULL || why == ZS_DROP_TX_TOO_BIG ||
	       why == ZS_DROP_NO_ROUTE || why == ZS_DROP_NEIGH_FULL || why == ZS_DROP_NEIGH_FAILED;
}

ZS_API void ff_get_traffic(void *buffer)
{
	struct zs_ctx *c = zs_ctx_get();
	struct ff_traffic_args t = { 0 };

	if (buffer == NULL) {
		errno = EFAULT;
		return;
	}
	if (c != NULL) {
		const struct zs_stats *st = zs_stack_stats(c->s);

		t.rx_packets = st->rx_packets;
		t.rx_bytes = st->rx_bytes;
		t.tx_packets = st->tx_packets;
		t.tx_bytes = st->tx_bytes;
		for (int i = 0; i < ZS_DROP_COUNT; i++)
			*(is_tx_drop((enum zs_drop)i) ? &t.tx_dropped : &t.rx_dropped) +=
				st->drops[i];
	}
	memcpy(buffer, &t, sizeof(t));
}

/* ---- routes ---- */

static bool get_ip4(const struct linux_sockaddr *sa, uint32_t *ip4_be)
{
	struct sockaddr_in sin;

	if (sa == NULL || sa->sa_family != AF_INET)
		return false;
	memcpy(&sin, sa, sizeof(sin));
	*ip4_be = sin.sin_addr.s_addr;
	return true;
}

/* What the route is for; its way is added by find_way(). */
static int read_route(enum FF_ROUTE_FLAG flag, const struct linux_sockaddr *dst,
		      const struct linux_sockaddr *gw, const struct linux_sockaddr *netmask,
		      struct zs_route *out)
{
	uint32_t dst_be, gw_be = 0, mask_be = UINT32_MAX;
	uint32_t holes;

	if (!get_ip4(dst, &dst_be) || (gw != NULL && !get_ip4(gw, &gw_be)))
		return -EINVAL;
	if (flag == FF_RTF_GATEWAY && netmask != NULL && !get_ip4(netmask, &mask_be))
		return -EINVAL;
	holes = ~ntohl(mask_be);
	if ((holes & (holes + 1)) != 0)
		return -EINVAL;
	*out = (struct zs_route){
		.prefix = zs_addr_ip4(dst_be & mask_be),
		.gateway = zs_addr_ip4(gw_be),
		.family = ZS_AF_IP4,
		.prefix_len = (uint8_t)__builtin_popcount(mask_be),
	};
	return 0;
}

/* The interface by which the gateway is a neighbour; without one, that of the addresses. */
static int find_way(struct zs_ctx *c, struct zs_route *r)
{
	bool direct = zs_addr_is_any(&r->gateway);
	const struct zs_addr *via = direct ? &r->prefix : &r->gateway;
	struct zs_addr nexthop;
	const struct zs_netif *nif = zs_route_lookup(c->s, ZS_AF_IP4, via, &nexthop);

	if (nif == NULL || nif->index == ZS_LOOPBACK || (!direct && !zs_addr_eq(via, &nexthop)))
		return -ENETUNREACH;
	r->netif = nif->index;
	return 0;
}

ZS_API int ff_route_ctl(enum FF_ROUTE_CTL req, enum FF_ROUTE_FLAG flag, struct linux_sockaddr *dst,
			struct linux_sockaddr *gw, struct linux_sockaddr *netmask)
{
	struct zs_ctx *c = zs_ctx_get();
	struct zs_route r;
	int rc;

	if (c == NULL)
		return -1;
	rc = read_route(flag, dst, gw, netmask, &r);
	if (rc == 0 && req != FF_ROUTE_DEL)
		rc = find_way(c, &r);
	if (rc < 0)
		return (int)ff_ret(rc);
	switch (req) {
	case FF_ROUTE_ADD:
		return (int)ff_ret(zs_route_add(c->s, &r));
	case FF_ROUTE_DEL:
		return (int)ff_ret(zs_route_del(c->s, &r));
	case FF_ROUTE_CHANGE:
		(void)zs_route_del(c->s, &r); /* may be new */
		return (int)ff_ret(zs_route_add(c->s, &r));
	}
	return (int)ff_ret(-EINVAL);
}
