/* SPDX-License-Identifier: BSD-3-Clause */
/* Default values of struct zs_config, and the check of what a caller made of them. */
#include "core/zs_env.h"

void zs_config_defaults(struct zs_config *cfg)
{
	*cfg = (struct zs_config){
		.max_conns = 65536,
		.max_half_open = 16384,
		.max_time_wait = 65536,
		.max_listeners = 1024,
		.max_udp = 1024,
		.max_neigh = 1024,
		.sndbuf = 256 << 10,
		.sndbuf_max = 4 << 20,
		.rcvbuf = 256 << 10,
		.rcvbuf_max = 15 << 20,	      /* wscale 8 */
		.rto_min_us = 200000,	      /* as Linux and FreeBSD do; RFC 6298 2.4 says 1 s */
		.rto_max_us = 120 * 1000000u, /* RFC 6298 2.5: at least 60 s */
		.rto_initial_us = 1000000,    /* RFC 6298 2.1 */
		.delack_us = 40000,
		.msl_us = 30 * 1000000u,
		.fin_wait2_us = 60 * 1000000u,
		.keep_idle_ms = 7200 * 1000, /* RFC 1122 4.2.3.6 */
		.keep_intvl_ms = 75 * 1000,
		.keep_count = 9,
		.syn_retries = 6,
		.synack_retries = 5,
		.data_retries = 15,
		.quickacks = 16,
		.initial_cwnd_segs = 10, /* RFC 6928 */
		.cc = ZS_CC_CUBIC,
		.ecn = ZS_ECN_PASSIVE, /* as Linux and FreeBSD */
		.hystart = ZS_HYSTART_PP,
		.idle_restart = true,
		.use_ts = true,
		.use_sack = true,
		.use_wscale = true,
		.use_tlp = true,
		.mtu_black_holes = true,
		.use_merge = true,
		.syn_cookies = true,
		.tfo = ZS_TFO_CLIENT | ZS_TFO_SERVER,
		.ttl = 64,
		.ip_local_port_lo = 32768,
		.ip_local_port_hi = 60999,
		.icmp_rate = 1000,
		.challenge_rate = 1000,
		.challenge_gap_ms = 500,
	};
}
