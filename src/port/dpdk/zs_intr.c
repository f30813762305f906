/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tells a sleeping lcore of packets: the interrupts of its receive queues. The drivers
 * net_af_packet and net_af_xdp have none, but each of their queues has a socket of the kernel's,
 * which tells of packets as any socket does. ethdev has no words for that, so the sockets are
 * looked for among the open descriptors of the process; they were opened in the order of the
 * queues.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/dpdk/zs_dpdk_state.h"

/* ---- sockets ---- */

/* Of the family, and of the interface where a socket of the family says of which it is. */
static bool fits(const struct zs_ethport *p, int fd)
{
	struct sockaddr_ll at = { 0 };
	socklen_t at_len = sizeof(at), len = sizeof(int);
	int family = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 ||
	    family != p->quirks.rxsock_family)
		return false;
	return family != AF_PACKET || (getsockname(fd, (struct sockaddr *)&at, &at_len) == 0 &&
				       at.sll_ifindex == (int)p->info.if_index);
}

static bool is_taken(const struct zs_dpdk *d, int fd)
{
	for (uint16_t i = 0; i < d->n_ports; i++)
		for (uint16_t q = 0; q < d->port[i].n_rxq; q++)
			if (d->port[i].rxsock[q] == fd)
				return true;
	return false;
}

void zs_intr_find_socket(const struct zs_dpdk *d, struct zs_ethport *p, uint16_t queue)
{
	DIR *dir = p->intr && p->quirks.rxsock_family != 0 ? opendir("/proc/self/fd") : NULL;
	const struct dirent *e;
	int found = 0;

	p->rxsock[queue] = 0;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		int fd = atoi(e->d_name); /* "." and "..": 0, which is not looked at */

		if (fd > 0 && (found == 0 || fd < found) && fits(p, fd) && !is_taken(d, fd))
			found = fd;
	}
	p->rxsock[queue] = found;
	if (dir != NULL)
		closedir(dir);
}

/* ---- interrupts ---- */

/* The descriptor of a queue's interrupt; negative: there is none. ethdev is told not to mind. */
static int queue_fd(const struct zs_ethport *p, uint16_t queue)
{
	static const char log[] = "lib.ethdev";
	int level, fd;

	if (p->rxsock[queue] > 0)
		return p->rxsock[queue];
	level = zs_dpdk_hush(log);
	fd = rte_eth_dev_rx_intr_ctl_q_get_fd(p->id, queue);
	zs_dpdk_unhush(log, level);
	return fd;
}

/* Once on and off. 0, or -errno; what cannot be switched and has a descriptor is always on. */
static int try_queue(struct zs_ethport *p, uint16_t queue)
{
	int rc = rte_eth_dev_rx_intr_enable(p->id, queue);

	p->intr_switch = rc != -ENOTSUP;
	if (rc == 0)
		rc = rte_eth_dev_rx_intr_disable(p->id, queue);
	return rc == -ENOTSUP ? 0 : rc;
}

/* A device that looks as if it had interrupts; the kernel may not let its descriptors be watched.
 */
static int try_watch(const struct zs_ethport *p, uint16_t queue)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int rc = ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, queue_fd(p, queue), &ev) < 0 ? -errno : 0;

	if (ep >= 0)
		close(ep);
	return rc;
}

void zs_intr_check_port(struct zs_ethport *p, uint16_t index)
{
	int rc = 0;

	for (uint16_t q = 0; p->intr && q < p->n_rxq; q++)
		p->intr = queue_fd(p, q) >= 0;
	for (uint16_t q = 0; p->intr && rc == 0 && q < p->n_rxq; q++) {
		rc = try_queue(p, q);
		if (rc == 0)
			rc = try_watch(p, q);
	}
	if (rc == 0)
		return;
	p->intr = false;
	zs_dpdk_warn("port %u: %s: no receive interrupts: %s; it is polled", index,
		     p->info.driver_name, strerror(-rc));
}

void zs_intr_switch(const struct zs_lcore *lc, bool on)
{
	for (uint16_t i = 0; i < lc->n_ports; i++) {
		const struct zs_ethport *p = &lc->d->port[i];
		uint16_t q, end;

		if (!p->intr || !p->intr_switch)
			continue;
		/* Both have worked at the start; a packet missed waits for the end of the sleep. */
		for (zs_lcore_queues(lc, p, &q, &end); q < end; q++)
			(void)(on ? rte_eth_dev_rx_intr_enable(p->id, q)
				  : rte_eth_dev_rx_intr_disable(p->id, q));
	}
}

/* Fails for what is as it shall be. */
static void watch(const struct zs_idle *id, int fd, bool own)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	(void)epoll_ctl(id->queues, own ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &ev);
}

void zs_intr_watch(struct zs_lcore *lc)
{
	struct zs_idle *id = &lc->idle;

	id->wakeable = true;
	id->n_rxsocks = 0;
	for (uint16_t i = 0; i < lc->n_ports; i++) {
		const struct zs_ethport *p = &lc->d->port[i];
		uint16_t first, end;

		zs_lcore_queues(lc, p, &first, &end);
		if (first < end && !p->intr)
			id->wakeable = false;
		for (uint16_t q = 0; p->intr && q < p->n_rxq; q++) {
			bool own = first <= q && q < end;

			if (p->rxsock[q] == 0 || id->out >= 0)
				watch(id, queue_fd(p, q), own);
			if (p->rxsock[q] > 0 && own)
				id->rxsock[id->n_rxsocks++] = p->rxsock[q];
		}
	}
}
