/* SPDX-License-Identifier: BSD-3-Clause */
/* Dropping, counted by reason, and the names of the reasons. */
#include <stddef.h>

#include "core/zs_state.h"

static const char *const names[ZS_DROP_COUNT] = {
	[ZS_DROP_ETH_SHORT] = "eth_short",
	[ZS_DROP_ETH_TYPE] = "eth_type",
	[ZS_DROP_ETH_NOT_OURS] = "eth_not_ours",
	[ZS_DROP_ARP_BAD] = "arp_bad",
	[ZS_DROP_ARP_NOT_OURS] = "arp_not_ours",
	[ZS_DROP_IP_HEADER] = "ip_header",
	[ZS_DROP_IP_CKSUM] = "ip_cksum",
	[ZS_DROP_IP_NOT_OURS] = "ip_not_ours",
	[ZS_DROP_IP_TENTATIVE] = "ip_tentative",
	[ZS_DROP_IP_SOURCE] = "ip_source",
	[ZS_DROP_IP_PROTO] = "ip_proto",
	[ZS_DROP_FRAG_BAD] = "frag_bad",
	[ZS_DROP_FRAG_FULL] = "frag_full",
	[ZS_DROP_FRAG_TIMEOUT] = "frag_timeout",
	[ZS_DROP_ICMP_BAD] = "icmp_bad",
	[ZS_DROP_ICMP_CKSUM] = "icmp_cksum",
	[ZS_DROP_ICMP_IGNORED] = "icmp_ignored",
	[ZS_DROP_ICMP_RATE] = "icmp_rate",
	[ZS_DROP_UDP_HEADER] = "udp_header",
	[ZS_DROP_UDP_CKSUM] = "udp_cksum",
	[ZS_DROP_UDP_NO_SOCKET] = "udp_no_socket",
	[ZS_DROP_UDP_FULL] = "udp_full",
	[ZS_DROP_UDP_ERRORS] = "udp_errors",
	[ZS_DROP_TCP_HEADER] = "tcp_header",
	[ZS_DROP_TCP_CKSUM] = "tcp_cksum",
	[ZS_DROP_TCP_NO_CONN] = "tcp_no_conn",
	[ZS_DROP_TCP_WINDOW] = "tcp_window",
	[ZS_DROP_TCP_PAWS] = "tcp_paws",
	[ZS_DROP_TCP_NO_ACK] = "tcp_no_ack",
	[ZS_DROP_TCP_BAD_ACK] = "tcp_bad_ack",
	[ZS_DROP_TCP_RST] = "tcp_rst",
	[ZS_DROP_TCP_SYN] = "tcp_syn",
	[ZS_DROP_TCP_SYN_FULL] = "tcp_syn_full",
	[ZS_DROP_TCP_ACCEPT_FULL] = "tcp_accept_full",
	[ZS_DROP_TCP_NO_TCB] = "tcp_no_tcb",
	[ZS_DROP_TCP_DUP] = "tcp_dup",
	[ZS_DROP_TCP_OOO_FULL] = "tcp_ooo_full",
	[ZS_DROP_TCP_RCVBUF] = "tcp_rcvbuf",
	[ZS_DROP_TCP_CLOSED] = "tcp_closed",
	[ZS_DROP_TCP_STATE] = "tcp_state",
	[ZS_DROP_NEIGH_FULL] = "neigh_full",
	[ZS_DROP_NEIGH_FAILED] = "neigh_failed",
	[ZS_DROP_NO_ROUTE] = "no_route",
	[ZS_DROP_NO_MBUF] = "no_mbuf",
	[ZS_DROP_TX_FULL] = "tx_full",
	[ZS_DROP_TX_TOO_BIG] = "tx_too_big",
	[ZS_DROP_HANDOVER_FULL] = "handover_full",
	[ZS_DROP_BY_APP] = "by_app",
};

const char *zs_drop_name(enum zs_drop why)
{
	return (unsigned)why < ZS_DROP_COUNT && names[why] != NULL ? names[why] : "unknown";
}

void zs_pkt_drop(struct zs_stack *s, struct rte_mbuf *m, enum zs_drop why)
{
	s->stats.drops[why]++;
	rte_pktmbuf_free(m);
}
