/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's end of a device that has one (net_tap, net_af_packet, net_af_xdp): its MTU, and for
 * a tap interface that we made, its IPv4 address and the length of its queue. Plain ioctl()s, in
 * the network namespace of the process.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "port/dpdk/zs_dpdk_state.h"

/* Packets that may wait in a tap device. The kernel's 1,000 overflow under as many connections. */
enum { TAP_QUEUE = 8192 };

/* One request on the interface; ifr_name is filled in here. */
static int request(unsigned if_index, unsigned long what, struct ifreq *ifr)
{
	int fd, rc = 0;

	if (if_indextoname(if_index, ifr->ifr_name) == NULL)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, what, ifr) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

bool zs_kernif_runs(const char *name)
{
	struct ifreq ifr = { 0 };
	unsigned if_index = if_nametoindex(name);

	return if_index != 0 && request(if_index, SIOCGIFFLAGS, &ifr) == 0 &&
	       (ifr.ifr_flags & IFF_RUNNING) != 0;
}

bool zs_kernif_is_down(unsigned if_index)
{
	const unsigned both = IFF_UP | IFF_RUNNING;
	struct ifreq ifr = { 0 };
	int rc = request(if_index, SIOCGIFFLAGS, &ifr);

	if (rc < 0)
		return rc == -ENXIO || rc == -ENODEV;
	return ((unsigned short)ifr.ifr_flags & both) != both;
}

int zs_kernif_claim(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "zstack/%s", name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&un, offsetof(struct sockaddr_un, sun_path) + 1 + n) < 0) {
		rc = -errno;
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

int zs_kernif_get_mtu(unsigned if_index)
{
	struct ifreq ifr = { 0 };
	int rc = request(if_index, SIOCGIFMTU, &ifr);

	return rc < 0 ? rc : ifr.ifr_mtu;
}

int zs_kernif_set_mtu(unsigned if_index, uint16_t mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return request(if_index, SIOCSIFMTU, &ifr);
}

static int set_addr(unsigned if_index, unsigned long what, uint32_t addr_be)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = addr_be };
	struct ifreq ifr = { 0 };

	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	return request(if_index, what, &ifr);
}

/* Of the capabilities of a user namespace the kernel does not ask here: so without. */
static int set_queue_len(unsigned if_index)
{
	struct ifreq ifr = { .ifr_qlen = TAP_QUEUE };
	int rc = request(if_index, SIOCSIFTXQLEN, &ifr);

	return rc == -EPERM ? 0 : rc;
}

static int set_up(unsigned if_index)
{
	struct ifreq ifr = { 0 };
	int rc = request(if_index, SIOCGIFFLAGS, &ifr);

	if (rc < 0)
		return rc;
	ifr.ifr_flags |= IFF_UP;
	return request(if_index, SIOCSIFFLAGS, &ifr);
}

int zs_kernif_setup(unsigned if_index, uint32_t ip4_be, uint8_t prefix)
{
	uint32_t mask = prefix == 0 ? 0 : ~0u << (32 - prefix);
	int rc = set_queue_len(if_index);

	if (rc == 0 && ip4_be != 0)
		rc = set_addr(if_index, SIOCSIFADDR, ip4_be);
	if (rc == 0 && ip4_be != 0)
		rc = set_addr(if_index, SIOCSIFNETMASK, htonl(mask));
	if (rc == 0)
		rc = set_up(if_index);
	return rc;
}
