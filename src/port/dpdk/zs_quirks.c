/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What some drivers need or can do and ethdev has no words for. Everything here was found by
 * trying, on DPDK 22.11; a driver that is not named gets no special treatment.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>

#include "port/dpdk/zs_dpdk_state.h"

enum {
	/*
	 * Frames lie in slots of a ring that the kernel shares, behind a header of at most 84
	 * bytes; the size of a slot is an argument of the device.
	 */
	AF_PACKET_FRAMESZ = 2048,
	AF_PACKET_SLOT_HEADER = 84,
	/* Its rings have their own size (ETH_AF_XDP_DFLT_NUM_DESCS, and twice). */
	AF_XDP_HELD = 3 * 2048,
	/* The kernel keeps so much of every buffer to itself (XDP_PACKET_HEADROOM). */
	AF_XDP_HEADROOM = 256,
	/* A buffer, all its headers included, has to fit in a page of 4096 bytes. */
	AF_XDP_MAX_MTU = 3438,
	TAP_MAX_MTU = 1504,
	MEMIF_BSIZE = 2048,
	/* Its header precedes the frame, and its check counts it as part of it. */
	VIRTIO_HEADER = 12,
};

/* Where the arguments of the device have text, or NULL. */
static const char *find_device_arg(const struct zs_ethport *p, const char *text)
{
	const struct rte_devargs *args = rte_dev_devargs(p->info.device);

	return args != NULL && args->args != NULL ? strstr(args->args, text) : NULL;
}

static unsigned long device_arg(const struct zs_ethport *p, const char *key, unsigned long none)
{
	const char *at = find_device_arg(p, key);

	return at != NULL ? strtoul(at + strlen(key), NULL, 0) : none;
}

/*
 * The driver lets the kernel put fragments together before it gets them
 * (PACKET_FANOUT_FLAG_DEFRAG): a datagram that does not fit in a slot is cut off, and dropped by
 * the core for its bad length. A larger framesz helps.
 */
static void af_packet(const struct zs_ethport *p, struct zs_quirks *q)
{
	unsigned long slot = device_arg(p, "framesz=", AF_PACKET_FRAMESZ);

	q->rxsock_family = AF_PACKET;
	/* The driver could, but ethdev believes its max_rx_pktlen of 1518. */
	q->mtu_by_kernel = true;
	q->min_room = (uint32_t)slot;
	q->max_mtu = slot > AF_PACKET_SLOT_HEADER ? (uint32_t)slot - AF_PACKET_SLOT_HEADER : 0;
	q->mtu_hint = ": its frame size is too small; for an MTU of 9000 add "
		      "framesz=16384,blocksz=16384,framecnt=512 to the device";
}

/*
 * It gives the kernel (number of buffers x size of a buffer) bytes from the first buffer of the
 * receive pool on, and the kernel ignores what lies behind. On pages of 4 KB there are gaps between
 * buffers, so without page_bufs a third of the packets sent would vanish.
 */
static void af_xdp(struct zs_quirks *q)
{
	q->rxsock_family = AF_XDP;
	q->page_bufs = true;
	q->held = AF_XDP_HELD;
	q->extra_room = AF_XDP_HEADROOM;
	q->max_mtu = AF_XDP_MAX_MTU;
	q->mtu_hint = ": a frame has to fit in one page with its buffer's headers";
}

/*
 * It advertises a max_rx_pktlen of 1522, so ethdev refuses any larger MTU; and with the MTU of its
 * kernel interface set behind its back, it would refuse large packets for ever. Its TSO is done in
 * software, and refuses for ever what makes full segments, for it counts the Ethernet header among
 * the bytes of the MTU. So are its checksums, and those of packets with a buffer of an odd length
 * before the last one are wrong.
 */
static void tap(struct zs_quirks *q)
{
	q->max_mtu = TAP_MAX_MTU;
	q->no_tso = q->no_tx_cksum = true;
	q->mac_of_kernel = true;
	q->mtu_hint = ": its driver can do no more";
}

/*
 * What takes several descriptors, a frame larger than the ring's buffers or, in zero-copy mode, a
 * chain, may start where its ring has too few left: the driver writes on, over descriptors that its
 * peer has not read and pointers to mbufs that it has to free.
 */
static void memif(const struct zs_ethport *p, struct zs_quirks *q)
{
	unsigned long bsize = device_arg(p, "bsize=", MEMIF_BSIZE);

	q->one_queue = true;
	q->no_multi_seg = find_device_arg(p, "zero-copy=yes") != NULL;
	q->max_mtu = bsize > ZS_L2_OVERHEAD ? (uint32_t)bsize - ZS_L2_OVERHEAD : 0;
	q->mtu_hint = ": a frame has to fit in one buffer of the ring; for an MTU of 9000 add "
		      "bsize=9216 to the device, on both sides";
}

/*
 * Left alone, it gives sent buffers back when its ring is nearly full of them, and the processor's
 * caches have forgotten them.
 */
static void virtio(struct zs_quirks *q)
{
	q->extra_room = VIRTIO_HEADER;
	q->sent_max = 2 * ZS_BURST;
}

/*
 * Virtual devices have in the process that made them what their queues need: descriptors (virtio
 * and memif write to those of another process), mappings (af_packet, af_xdp). net_null needs
 * nothing, and tap sends its descriptors to the others, two of each pair of queues in one message.
 */
static uint16_t count_proc_queues(const struct zs_ethport *p)
{
	if (strcmp(rte_bus_name(rte_dev_bus(p->info.device)), "vdev") != 0 ||
	    strcmp(p->info.driver_name, "net_null") == 0)
		return UINT16_MAX;
	return strcmp(p->info.driver_name, "net_tap") == 0 ? RTE_MP_MAX_FD_NUM / 2 : 1;
}

/*
 * They insert tags by rte_vlan_insert(), which refuses buffers that somebody else holds, too: what
 * the stack keeps for a retransmission would never leave.
 */
static bool inserts_in_software(const char *name)
{
	static const char *const drivers[] = { "net_af_packet", "net_virtio", "net_virtio_user",
					       "net_vhost" };

	for (size_t i = 0; i < RTE_DIM(drivers); i++)
		if (strcmp(name, drivers[i]) == 0)
			return true;
	return false;
}

void zs_quirks_get(const struct zs_ethport *p, struct zs_quirks *q)
{
	const char *name = p->info.driver_name;

	*q = (struct zs_quirks){
		.max_mtu = UINT16_MAX,
		.mtu_hint = "",
		.proc_queues = count_proc_queues(p),
	};
	if (strcmp(name, "net_af_packet") == 0)
		af_packet(p, q);
	else if (strcmp(name, "net_af_xdp") == 0)
		af_xdp(q);
	else if (strcmp(name, "net_tap") == 0)
		tap(q);
	else if (strcmp(name, "net_memif") == 0)
		memif(p, q);
	else if (strcmp(name, "net_virtio_user") == 0 || strcmp(name, "net_virtio") == 0)
		virtio(q);
	q->no_tx_vlan = inserts_in_software(name);
	/* Software devices that want no rte_eth_tx_prepare(): the core leaves what they need. */
	q->no_prepare = strcmp(name, "net_virtio_user") == 0 || strcmp(name, "net_vhost") == 0;
}
