/* SPDX-License-Identifier: BSD-3-Clause */
/* What keys mean, for zstack config check: a line for each that F-Stack has. */
#include <stddef.h>
#include <string.h>

#include "api/zs_conf_priv.h"

/* section "port" stands for [port0], [port1] and so on. */
struct why {
	const char *section, *key, *text;
};

static const char sized[] = "tables have the sizes of [stack]";
static const char as_rfc[] = "this stack has no such switch";

/* Without effect, because. */
static const struct why unused[] = {
	{ "dpdk", "vlan_strip", "tags are read by the device or in software, as it can" },
	{ "dpdk", "vlan_filter", "each [vlanN] says which VLAN it is" },
	{ "dpdk", "symmetric_rss",
	  "the library spreads flows so that connections it opens come back "
	  "to their core" },
	{ "dpdk", "pkt_tx_delay", "packets leave at the end of each turn" },
	{ "dpdk", "fstack_log_level", "level= and dir= in [log]" },
	{ "dpdk", "fstack_log_file_prefix", "level= and dir= in [log]" },
	{ "dpdk", "proc_mask", "lcore_mask says on which CPUs there are processes or threads" },
	{ "pcap", "*", "zstack pcap captures from a running program" },
	{ "kni", "*", "packets for the kernel need an interface of its own" },
	{ "rss_check", "*", "connect() finds a local port that suits its core by itself" },
	{ "vlan", "mtu", "of the port" },
	{ "vlan", "mac", "of the port" },
	{ "vlan", "vlan", "the section's number is the VLAN's" },
	{ "vlan", "ipfw_pr", "there is no packet filter" },
	{ "vlan", "vip_ifname", "further addresses are the interface's own" },
	{ "port", "if_name", "no interface has a name here" },
	{ "port", "lcore_list", "every CPU of lcore_mask serves every port" },
	{ "port", "slave_port_list", "slave= of [bondN] names the devices" },
	{ "port", "vip_ifname", "further addresses are the port's own" },
	{ "port", "ipfw_pr", "there is no packet filter" },
	{ "freebsd.boot", "hz", "time is the CPU's, to the microsecond" },
	{ "freebsd.boot", "kern.ipc.maxsockets", sized },
	{ "freebsd.boot", "kern.maxfiles", sized },
	{ "freebsd.boot", "kern.ncallout", "timers need no table" },
	{ "freebsd.boot", "kern.features.inet6", "IPv6 is there where a port has an address" },
	{ "freebsd.boot", "net.inet.tcp.syncache.hashsize", sized },
	{ "freebsd.boot", "net.inet.tcp.syncache.bucketlimit", sized },
	{ "freebsd.boot", "net.inet.tcp.tcbhashsize", sized },
	{ "freebsd.sysctl", "kern.ipc.somaxconn", "listen() gets the backlog that it asks for" },
	{ "freebsd.sysctl", "kern.ipc.maxsockbuf", "sndbuf_max and rcvbuf_max in [stack]" },
	{ "freebsd.sysctl", "net.add_addr_allfibs", "there is one routing table" },
	{ "freebsd.sysctl", "net.link.ether.inet.maxhold", as_rfc },
	{ "freebsd.sysctl", "net.inet.tcp.fast_finwait2_recycle",
	  "finwait2_timeout is what counts" },
	{ "freebsd.sysctl", "net.inet.tcp.maxtcptw", "max_time_wait in [stack]" },
	{ "freebsd.sysctl", "net.inet.tcp.nolocaltimewait", as_rfc },
	{ "freebsd.sysctl", "net.inet.tcp.sendbuf_inc", "buffers grow by what the path needs" },
	{ "freebsd.sysctl", "net.inet.tcp.recvbuf_inc", "buffers grow by what the path needs" },
	{ "freebsd.sysctl", "net.inet.tcp.blackhole", "closed ports answer, as RFC 9293 says" },
	{ "freebsd.sysctl", "net.inet.udp.blackhole", "closed ports answer, as RFC 1122 says" },
	{ "freebsd.sysctl", "net.inet.ip.redirect", "a host sends no redirects" },
	{ "freebsd.sysctl", "net.inet.ip.forwarding", "a host forwards nothing" },
	{ "freebsd.sysctl", "net.inet.ip.portrange.randomized", "always on (RFC 6056)" },
	{ "freebsd.sysctl", "net.inet.ip.portrange.randomtime", "always on (RFC 6056)" },
	{ "freebsd.sysctl", "net.inet6.ip6.auto_linklocal", "every interface has one" },
	{ "freebsd.sysctl", "net.inet6.ip6.accept_rtadv", "addr6= in the port's section" },
	{ "freebsd.sysctl", "net.inet6.icmp6.rediraccept", as_rfc },
	{ "freebsd.sysctl", "net.inet6.ip6.forwarding", "a host forwards nothing" },
	{ "freebsd.sysctl", "net.inet.tcp.functions_default",
	  "there is one TCP; see cc in [stack]" },
	{ "freebsd.sysctl", "net.inet.tcp.hpts.skip_swi", "timers are those of the stack" },
	{ "freebsd.sysctl", "net.inet.tcp.hpts.minsleep", "timers are those of the stack" },
	{ "freebsd.sysctl", "net.inet.tcp.hpts.maxsleep", "timers are those of the stack" },
};

static const struct why used[] = {
	{ "dpdk", "lcore_mask",
	  "a thread with a stack on each of these CPUs; with --proc-type or --proc-id a process" },
	{ "dpdk", "channel", "memory channels, EAL's -n" },
	{ "dpdk", "base_virtaddr", "EAL's --base-virtaddr" },
	{ "dpdk", "promiscuous", "ports take frames for others too" },
	{ "dpdk", "numa_on", "buffers come from the memory near their CPU" },
	{ "dpdk", "tx_csum_offoad_skip", "1: checksums are computed in software" },
	{ "dpdk", "tso", "0: the device does not cut large segments; left out: it does if it can" },
	{ "dpdk", "lro", "0: the device does not merge what it receives" },
	{ "dpdk", "idle", "what a core without work does: poll, adaptive or powersave" },
	{ "dpdk", "idle_sleep", "the longest sleep of a core without work, microseconds" },
	{ "dpdk", "allow", "PCI devices that are used" },
	{ "dpdk", "eal_args", "more arguments for EAL" },
	{ "dpdk", "port_list", "DPDK ports that are used; each has its section" },
	{ "dpdk", "nb_vdev", "how many [vdevN] there are" },
	{ "dpdk", "nb_bond", "how many [bondN] there are" },
	{ "dpdk", "memory", "megabytes for buffers" },
	{ "dpdk", "no_huge", "1: no hugepages" },
	{ "dpdk", "log_level", "of DPDK's own messages" },
	{ "port", "addr", "the interface's IPv4 address" },
	{ "port", "netmask", "its network" },
	{ "port", "broadcast", "checked; the network's last address is used" },
	{ "port", "gateway", "the default route" },
	{ "port", "vip_addr", "further IPv4 addresses, each of a single host" },
	{ "port", "vip_addr6", "further IPv6 addresses" },
	{ "port", "vip_prefix_len", "their prefix length" },
	{ "port", "addr6", "the interface's IPv6 address" },
	{ "port", "prefix_len", "its prefix length" },
	{ "port", "gateway6", "the default route of IPv6; left out: routers tell" },
	{ "port", "mtu", "largest packet" },
	{ "port", "vlan", "all packets carry this tag" },
	{ "vlan", "portid", "the port that it is on, whose own addresses do not count then" },
	{ "vlan", "addr", "the interface's IPv4 address" },
	{ "vlan", "netmask", "its network" },
	{ "vlan", "broadcast", "checked; the network's last address is used" },
	{ "vlan", "gateway", "the default route, unless there is one" },
	{ "vlan", "vip_addr", "further IPv4 addresses, each of a single host" },
	{ "vlan", "addr6", "the interface's IPv6 address" },
	{ "vlan", "vip_addr6", "further IPv6 addresses" },
	{ "bond", "mode",
	  "of net_bonding: 0 round robin, 1 backup, 2 balance, 4 802.3ad and so on" },
	{ "bond", "slave", "its devices: A,slave=B" },
	{ "freebsd.boot", "fd_reserve", "the first descriptor; below are the kernel's" },
	{ "freebsd.sysctl", "net.inet.tcp.sendspace", "send buffer at the start" },
	{ "freebsd.sysctl", "net.inet.tcp.recvspace", "receive buffer at the start" },
	{ "freebsd.sysctl", "net.inet.tcp.sendbuf_max", "largest send buffer" },
	{ "freebsd.sysctl", "net.inet.tcp.recvbuf_max", "largest receive buffer" },
	{ "freebsd.sysctl", "net.inet.tcp.sendbuf_auto", "0: send buffers do not grow" },
	{ "freebsd.sysctl", "net.inet.tcp.recvbuf_auto", "0: receive buffers do not grow" },
	{ "freebsd.sysctl", "net.inet.tcp.delayed_ack",
	  "0: every segment is acknowledged at once" },
	{ "freebsd.sysctl", "net.inet.tcp.msl", "TIME-WAIT lasts twice this, milliseconds" },
	{ "freebsd.sysctl", "net.inet.tcp.finwait2_timeout", "milliseconds" },
	{ "freebsd.sysctl", "net.inet.tcp.cc.algorithm", "congestion control" },
	{ "freebsd.sysctl", "net.inet.tcp.pmtud_blackhole_detection",
	  "shorter segments after timeouts in a row (RFC 8899)" },
	{ "freebsd.sysctl", "net.inet.tcp.sack.enable", "selective acknowledgements (RFC 2018)" },
	{ "freebsd.sysctl", "net.inet.tcp.rfc1323", "time stamps and window scaling (RFC 7323)" },
	{ "freebsd.sysctl", "net.inet.tcp.tolerate_missing_ts",
	  "segments without the timestamps agreed on are taken" },
	{ "stack", "pace", "windows are sent spread over the round trip" },
	{ "stack", "merge", "0: segments that arrive together stay single" },
};

/* "port" of "port12"; the whole name of others. */
static bool same_section(const char *pattern, const char *section)
{
	size_t len = strlen(pattern);
	const char *rest = section + len;

	if (strncmp(pattern, section, len) != 0)
		return false;
	return *rest == '\0' || (*rest >= '0' && *rest <= '9' && strchr(pattern, '.') == NULL);
}

static const char *look_up(const struct why *w, size_t n, const char *section, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (same_section(w[i].section, section) &&
		    (strcmp(w[i].key, key) == 0 || strcmp(w[i].key, "*") == 0))
			return w[i].text;
	return NULL;
}

const char *zs_conf_why_unused(const char *section, const char *key)
{
	return look_up(unused, sizeof(unused) / sizeof(unused[0]), section, key);
}

const char *zs_conf_why_used(const char *section, const char *key)
{
	return look_up(used, sizeof(used) / sizeof(used[0]), section, key);
}
