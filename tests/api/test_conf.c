/* SPDX-License-Identifier: BSD-3-Clause */
/* config.ini: values that arrive, errors with file and line, keys without effect, arguments of
 * ff_init. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ff_api.h"
#include "ff_config.h"

#include "api/zs_conf.h"
#include "api/zs_settings.h"
#include "tests/zs_test.h"

static char path[] = "/tmp/zs-conf-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(path) != NULL && chdir(path) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink("x.ini");
	(void)unlink("config.ini");
	return chdir("/") == 0 && rmdir(path) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int load(struct zs_conf *conf, const char *text)
{
	static const struct zs_conf_args none;

	write_file("x.ini", text);
	return zs_conf_load(conf, "x.ini", &none);
}

static void assert_error(const char *text, const char *err)
{
	struct zs_conf conf;

	assert_int_equal(load(&conf, text), -EINVAL);
	assert_string_equal(conf.err, err);
	zs_conf_free(&conf);
}

static void defaults(void **state)
{
	static const struct zs_conf_args none;
	struct zs_conf conf;

	(void)state;
	assert_int_equal(zs_conf_load(&conf, NULL, &none), 0);
	assert_int_equal(conf.fd_base, 1024);
	assert_int_equal(conf.dpdk.n_ports, 1);
	assert_int_equal(conf.dpdk.port[0].ip4_be, inet_addr("10.18.0.2"));
	assert_int_equal(conf.dpdk.port[0].ip4_prefix, 24);
	assert_int_equal(conf.dpdk.n_eal_argv, 0);
	assert_int_equal(conf.dpdk.lcore_mask, 0);
	assert_true(conf.max_fds > conf.dpdk.stack.max_conns);
	assert_int_equal(conf.dpdk.idle, ZS_IDLE_ADAPTIVE);
	assert_string_equal(conf.note, "");
	zs_conf_free(&conf);
}

static void values_arrive(void **state)
{
	struct zs_conf conf;
	const struct zs_dpdk_config *d = &conf.dpdk;

	(void)state;
	assert_int_equal(load(&conf, "# F-Stack's file\n"
				     "[dpdk]\n"
				     "lcore_mask=c\n"
				     "channel=4\n"
				     "promiscuous=0\n"
				     "numa_on=0\n"
				     "tx_csum_offoad_skip=1\n"
				     "tso=0\n"
				     "lro=0\n"
				     "idle_sleep=20\n"
				     "port_list=0,2-3\n"
				     "memory=512\n"
				     "no_huge=1\n"
				     "base_virtaddr=0x7f0000000000\n"
				     "file_prefix=web\n"
				     "allow=0000:02:00.0, 0000:03:00.0\n"
				     "eal_args=--vdev=net_tap0,iface=zs0\n"
				     "  --log-level=8\n"
				     "pkt_bufs=4k\n"
				     "nb_vdev=1\n"
				     "[vdev0]\n"
				     "path=/tmp/vhost0\n"
				     "queues=2\n"
				     "mac=00:00:00:00:00:01\n"
				     "[port0]\n"
				     "addr=192.168.1.2\n"
				     "netmask=255.255.240.0\n"
				     "broadcast=192.168.15.255\n"
				     "gateway=192.168.1.1\n"
				     "mtu=9000\n"
				     "vlan=261\n"
				     "[port2]\n"
				     "addr=10.1.0.1/30\n"
				     "[port3]\n"
				     "addr=10.2.0.1\n"
				     "mac=02:00:00:00:00:07\n"
				     "[freebsd.boot]\n"
				     "fd_reserve=2048\n"
				     "[freebsd.sysctl]\n"
				     "net.inet.tcp.sendspace=16384\n"
				     "net.inet.tcp.recvspace=8192\n"
				     "net.inet.tcp.delayed_ack=0\n"
				     "net.inet.tcp.msl=2000\n"
				     "net.inet.tcp.cc.algorithm=newreno\n"
				     "net.inet.tcp.ecn.enable=1\n"
				     "net.inet.tcp.ecn.maxretries=2\n"
				     "net.inet.tcp.rfc1323=0\n"
				     "[stack]\n"
				     "max_conns=100000\n"
				     "rcvbuf_max=1m\n"
				     "sack=off\n"),
			 0);
	assert_int_equal(ff_global_cfg.dpdk.nb_procs, 1); /* a thread on each of them */
	assert_false(d->numa);
	assert_int_equal(d->idle_sleep_us, 20);
	assert_int_equal(d->mem_mb, 512);
	assert_int_equal(d->huge, ZS_HUGE_OFF);
	assert_true(d->pci);
	assert_int_equal(d->n_pkt, 4096);
	assert_string_equal(d->eal_args, "--vdev=net_tap0,iface=zs0 --log-level=8");
	assert_int_equal(d->n_eal_argv, 6);
	assert_string_equal(d->eal_argv[0], "--vdev=net_virtio_user0,path=/tmp/vhost0,queues=2,"
					    "queue_size=256,cq=1,mac=00:00:00:00:00:01");
	assert_string_equal(d->eal_argv[1], "-n4");
	assert_string_equal(d->eal_argv[5], "--allow=0000:03:00.0");
	assert_int_equal(d->n_ports, 3);
	assert_int_equal(d->port[0].ip4_prefix, 20);
	assert_int_equal(d->port[0].ip4_gw_be, inet_addr("192.168.1.1"));
	assert_int_equal(d->port[0].mtu, 9000);
	assert_int_equal(d->port[0].vlan, 261);
	assert_int_equal(d->port[1].vlan, 0);
	assert_false(d->port[0].promiscuous);
	assert_int_equal(d->port[0].no_offloads, ZS_OFF_TX_IP_CKSUM | ZS_OFF_TX_TCP_CKSUM |
							 ZS_OFF_TX_UDP_CKSUM | ZS_OFF_TX_TSO |
							 ZS_OFF_RX_LRO);
	assert_int_equal(d->port[1].port_id, 2);
	assert_int_equal(d->port[1].ip4_prefix, 30);
	assert_int_equal(d->port[2].port_id, 3);
	assert_int_equal(d->port[2].ip4_prefix, 24);
	assert_int_equal(d->port[2].mac.b[5], 7);
	assert_int_equal(conf.fd_base, 2048);
	assert_int_equal(d->stack.sndbuf, 16384);
	assert_int_equal(d->stack.rcvbuf, 8192);
	assert_int_equal(d->stack.rcvbuf_max, 1 << 20);
	assert_int_equal(d->stack.delack_us, 0);
	assert_int_equal(d->stack.msl_us, 2000000);
	assert_int_equal(d->stack.cc, ZS_CC_NEWRENO);
	assert_int_equal(d->stack.ecn, ZS_ECN_ON);
	assert_int_equal(d->stack.ecn_retries, 2);
	assert_false(d->stack.use_ts);
	assert_false(d->stack.use_wscale);
	assert_false(d->stack.use_sack);
	assert_int_equal(d->stack.max_conns, 100000);
	assert_string_equal(conf.note, "");
	assert_string_equal(ff_global_cfg.filename, "x.ini");
	assert_string_equal(ff_global_cfg.dpdk.lcore_mask, "c");
	assert_int_equal(ff_global_cfg.dpdk.nb_ports, 3);
	assert_int_equal(ff_global_cfg.dpdk.max_portid, 3);
	assert_string_equal(ff_global_cfg.dpdk.port_cfgs[0].gateway, "192.168.1.1");
	assert_null(ff_global_cfg.dpdk.port_cfgs[1].name);
	assert_string_equal(ff_global_cfg.dpdk.port_cfgs[3].addr, "10.2.0.1");
	assert_int_equal(ff_global_cfg.freebsd.fd_reserve, 2048);
	zs_conf_free(&conf);
}

static void idle_modes(void **state)
{
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf, "[dpdk]\nidle=poll\n"), 0);
	assert_int_equal(conf.dpdk.idle, ZS_IDLE_POLL);
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[dpdk]\nidle=powersave\n"), 0);
	assert_int_equal(conf.dpdk.idle, ZS_IDLE_POWERSAVE);
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[dpdk]\nidle=adaptive\n"), 0);
	assert_int_equal(conf.dpdk.idle, ZS_IDLE_ADAPTIVE);
	assert_string_equal(conf.note, "");
	zs_conf_free(&conf);
}

static void ip6(void **state)
{
	const struct zs_addr addr = { .b = { 0xfd, 0, [15] = 7 } },
			     gw = { .b = { 0xfd, 0, [15] = 1 } };
	const struct zs_ip6_config *c;
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf, "[port0]\naddr=10.0.0.1\naddr6=fd00::7\nprefix_len=48\n"
				     "gateway6=fd00::1\nvip_addr6=fd00::8;fd00::9/56\n"
				     "vip_prefix_len=60\n"),
			 0);
	c = &conf.dpdk.port[0].ip6;
	assert_true(c->on && !c->autoconf);
	assert_int_equal(c->dad_probes, 1);
	assert_int_equal(c->n_addr, 3);
	assert_memory_equal(&c->addr[0], &addr, 16);
	assert_memory_equal(&c->gw, &gw, 16);
	assert_int_equal(c->prefix[0], 48);
	assert_int_equal(c->prefix[1], 60);
	assert_int_equal(c->prefix[2], 56);
	assert_string_equal(conf.note, "");
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[port0]\naddr6=fd00::7/96\ndad6=0\n"), 0);
	assert_true(conf.dpdk.port[0].ip6.autoconf); /* nobody named a gateway */
	assert_int_equal(conf.dpdk.port[0].ip6.prefix[0], 96);
	assert_int_equal(conf.dpdk.port[0].ip6.dad_probes, 0);
	assert_int_equal(conf.dpdk.port[0].ip4_be, 0);
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[port0]\naddr=10.0.0.1\nautoconf6=1\n"), 0);
	assert_true(conf.dpdk.port[0].ip6.on && conf.dpdk.port[0].ip6.autoconf);
	assert_int_equal(conf.dpdk.port[0].ip6.n_addr, 0);
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[port0]\naddr=10.0.0.1\n"), 0);
	assert_false(conf.dpdk.port[0].ip6.on);
	zs_conf_free(&conf);
	assert_error("[port0]\naddr6=10.0.0.1\n",
		     "x.ini:2: addr6: '10.0.0.1' is not an IPv6 address");
	assert_error("[port0]\naddr=10.0.0.1\nprefix_len=129\n",
		     "x.ini:3: prefix_len: '129' is not a prefix length (1..128)");
	assert_error("[port0]\naddr=10.0.0.1\ngateway6=fd00::1\n", "x.ini:2: [port0] has no addr6");
}

static void keys_without_effect_are_named_once(void **state)
{
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf,
			      "[dpdk]\nvlan_strip=1\n[kni]\nenable=0\n[port0]\naddr=10.0.0.1\n"
			      "if_name=eth0\n[freebsd.sysctl]\nkern.ipc.somaxconn=32768\n"),
			 0);
	assert_string_equal(
		conf.note,
		"x.ini: without effect here: [dpdk] vlan_strip (line 2) [kni] enable (line 4) "
		"[port0] if_name (line 7) [freebsd.sysctl] kern.ipc.somaxconn (line 9)");
	zs_conf_free(&conf);
}

/* ---- line by line ---- */

struct told {
	char text[1024];
};

static void tell(void *arg, const struct zs_conf_line *l)
{
	static const char *const name[] = { "used", "unused", "unknown", "wrong" };
	struct told *t = arg;
	size_t len = strlen(t->text);

	snprintf(t->text + len, sizeof(t->text) - len, "%d:%s:%s:%s%s ", l->line, l->section,
		 l->key, name[l->verdict], l->why != NULL ? "!" : "");
}

static void each_line_is_told_of(void **state)
{
	struct told t = { "" };
	struct zs_conf conf;

	(void)state;
	write_file("x.ini",
		   "[dpdk]\nlcore_mask=1\nvlan_strip=1\nvlan_stirp=1\n[pcap]\nenable=0\n"
		   "[vlan12]\nportid=0\naddr=10.0.1.1\n[port0]\naddr=10.0.0.1\nvip_addr=10.0.0.2\n"
		   "[freebsd.sysctl]\nnet.inet.tcp.hpts.minsleep=250\n"
		   "[stack]\nmerge=0\nttl=9\n");
	assert_int_equal(zs_conf_check(&conf, "x.ini", tell, &t), 0);
	assert_string_equal(t.text, "2:dpdk:lcore_mask:used! 3:dpdk:vlan_strip:unused! "
				    "4:dpdk:vlan_stirp:unknown 6:pcap:enable:unused! "
				    "8:vlan12:portid:used! 9:vlan12:addr:used! "
				    "11:port0:addr:used! "
				    "12:port0:vip_addr:used! "
				    "14:freebsd.sysctl:net.inet.tcp.hpts.minsleep:unused! "
				    "16:stack:merge:used! 17:stack:ttl:used ");
	assert_false(conf.dpdk.stack.use_merge);
	zs_conf_free(&conf);
	t.text[0] = '\0';
	write_file("x.ini", "[dpdk]\nmemory=lots\nchannel=4\n");
	assert_int_equal(zs_conf_check(&conf, "x.ini", tell, &t), -EINVAL);
	assert_string_equal(t.text, "2:dpdk:memory:wrong! ");
	zs_conf_free(&conf);
}

static void further_addresses(void **state)
{
	struct zs_conf conf;

	(void)state;
	assert_int_equal(
		load(&conf, "[port0]\naddr=10.0.0.1\nvip_addr=10.0.0.3;10.0.0.4; 10.9.0.1\n"), 0);
	assert_int_equal(conf.dpdk.port[0].n_ip4_more, 3);
	assert_int_equal(conf.dpdk.port[0].ip4_more_be[2], inet_addr("10.9.0.1"));
	assert_string_equal(conf.note, "");
	zs_conf_free(&conf);
	assert_error("[port0]\naddr=10.0.0.1\nvip_addr=10.0.0.3;ten\n",
		     "x.ini:3: vip_addr: 'ten' is not an IPv4 address");
	assert_error("[port0]\nvip_addr=10.0.0.3\n", "x.ini:2: [port0] has vip_addr, but no addr");
}

/* Each is an interface; the port's own addresses do not count. */
static void vlans(void **state)
{
	const struct zs_dpdk_config *d;
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf, "[dpdk]\nport_list=0,2\nvlan_filter=5,6\n"
				     "[port0]\naddr=10.0.0.1\nmtu=1400\n[port2]\naddr=10.2.0.1\n"
				     "[vlan5]\nportid=0\naddr=10.0.5.1\nnetmask=255.255.0.0\n"
				     "gateway=10.0.5.254\nvip_addr=10.0.5.2\n"
				     "[vlan6]\nportid=0\naddr=10.0.6.1\naddr6=fd06::1\n"),
			 0);
	d = &conf.dpdk;
	assert_int_equal(d->n_ports, 2);
	assert_int_equal(d->port[0].mtu, 1400);
	assert_int_equal(d->port[0].ip4_be, 0);
	assert_int_equal(d->port[1].ip4_be, inet_addr("10.2.0.1"));
	assert_int_equal(d->n_vlans, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(d->vlan[i].port, 0);
		assert_int_equal(d->vlan[i].net.vlan, 5 + i);
	}
	assert_int_equal(d->vlan[0].net.ip4_be, inet_addr("10.0.5.1"));
	assert_int_equal(d->vlan[0].net.ip4_prefix, 16);
	assert_int_equal(d->vlan[0].net.ip4_gw_be, inet_addr("10.0.5.254"));
	assert_int_equal(d->vlan[0].net.n_ip4_more, 1);
	assert_true(d->vlan[1].net.ip6.on);
	zs_conf_free(&conf);
	assert_error("[vlan5]\nportid=1\naddr=10.0.5.1\n",
		     "x.ini:2: [vlan5] portid: port 1 is not used");
	assert_error("[vlan5]\nportid=0\n", "x.ini:2: [vlan5] has no addr");
	assert_error("[vlan5]\nportid=x\n", "x.ini:2: portid: 'x' is not in 0..31");
}

static void bonds(void **state)
{
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf, "[dpdk]\nnb_bond=1\nport_list=2\n[port2]\naddr=10.0.0.1\n"
				     "[bond0]\nmode=4\nslave=0000:0a:00.0,slave=0000:0a:00.1\n"
				     "primary=0000:0a:00.0\nxmit_policy=l23\n"),
			 0);
	assert_string_equal(conf.dpdk.eal_argv[conf.dpdk.n_eal_argv - 1],
			    "--vdev=net_bonding0,mode=4,slave=0000:0a:00.0,slave=0000:0a:00.1,"
			    "primary=0000:0a:00.0,xmit_policy=l23");
	assert_string_equal(conf.note, "");
	zs_conf_free(&conf);
}

static int load_as(struct zs_conf *conf, const char *text, int argc, const char *const *argv)
{
	struct zs_conf_args args;
	char err[ZS_CONF_ERR];

	assert_int_equal(zs_conf_args(argc, (char *const *)(uintptr_t)argv, &args, err), 0);
	write_file("x.ini", text);
	return zs_conf_load(conf, "x.ini", &args);
}

/* Who says which process it is, gets one for each CPU; others threads. */
static void processes(void **state)
{
	const char *first[] = { "x", "--proc-type=primary", "--proc-id=0" };
	const char *second[] = { "x", "--proc-type=secondary", "--proc-id=1" };
	const char *automatic[] = { "x", "-t", "auto", "-p", "1" };
	const char *none[] = { "x", "-t", "auto" };
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=c\n", 3, first), 0);
	assert_true(conf.dpdk.procs);
	assert_int_equal(conf.dpdk.proc_id, 0);
	assert_int_equal(ff_global_cfg.dpdk.nb_procs, 2);
	zs_conf_free(&conf);
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=c\n", 3, second), 0);
	assert_true(conf.dpdk.procs);
	assert_int_equal(ff_global_cfg.dpdk.proc_id, 1);
	zs_conf_free(&conf);
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=c\n", 5, automatic), 0);
	assert_true(conf.dpdk.procs);
	assert_int_equal(conf.dpdk.proc_id, 1);
	zs_conf_free(&conf);
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=c\n", 3, none), 0);
	assert_false(conf.dpdk.procs);
	assert_int_equal(ff_global_cfg.dpdk.nb_procs, 1);
	zs_conf_free(&conf);
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=4\n", 3, first), 0);
	assert_false(conf.dpdk.procs); /* of one process nothing is shared */
	zs_conf_free(&conf);
	assert_int_equal(load_as(&conf, "[dpdk]\nlcore_mask=4\n", 3, second), -EINVAL);
	assert_string_equal(conf.err,
			    "x.ini:2: lcore_mask names the CPUs of all processes, 1: none "
			    "for --proc-id=1");
	zs_conf_free(&conf);
}

static void wrong_values_say_where(void **state)
{
	(void)state;
	assert_error("[dpdk]\nmemory=lots\n", "x.ini:2: memory: 'lots' is not a number");
	assert_error("[stack]\ndelack_us=17179869184g\n", /* 2^64 */
		     "x.ini:2: delack_us: '17179869184g' is not a number");
	assert_error("[dpdk]\n\n# c\nchannel=0\n", "x.ini:4: channel: 0 is not in 1..32");
	assert_error("[dpdk]\nidle=lazy\n",
		     "x.ini:2: idle: 'lazy' is none of poll, adaptive, powersave");
	assert_error("[dpdk]\npromiscuous=2\n", "x.ini:2: promiscuous: '2' is neither 0 nor 1");
	assert_error("[dpdk]\nlcore_mask=xyz\n",
		     "x.ini:2: lcore_mask: 'xyz' is not a hexadecimal mask of up to 64 CPUs");
	assert_error("[dpdk]\nport_list=0-\n",
		     "x.ini:2: port_list: '0-' is not a list of ports such as 0-3,7");
	assert_error("[dpdk]\nport_list=0,1\n[port0]\naddr=10.0.0.1\n",
		     "x.ini:2: port_list: there is no [port1]");
	assert_error("[dpdk]\nport_list=0-31\n", "x.ini:2: port_list: there is no [port0]");
	assert_error("[dpdk]\nnb_vdev=1\n", "x.ini:2: nb_vdev: there is no [vdev0]");
	assert_error("[dpdk]\nnb_vdev=1\n[vdev0]\nqueues=1\n", "x.ini:4: [vdev0] has no path");
	assert_error("[dpdk]\nnb_bond=1\n", "x.ini:2: nb_bond: there is no [bond0]");
	assert_error("[dpdk]\nnb_bond=1\n[bond0]\nmode=4\n", "x.ini:4: [bond0] has no slave");
	assert_error("[dpdk]\neal_args=\n", "x.ini:2: eal_args: empty");
	assert_error("[port0]\naddr=10.0.0.256\n",
		     "x.ini:2: addr: '10.0.0.256' is not an IPv4 address");
	assert_error("[port0]\naddr=10.0.0.1/33\n", "x.ini:2: addr: '33' is not a prefix length");
	assert_error("[port0]\naddr=10.0.0.1\nnetmask=255.255.225.0\n",
		     "x.ini:2: [port0] netmask 255.255.225.0 has a hole");
	assert_error("[port0]\naddr=10.0.0.1/16\nnetmask=255.255.255.0\n",
		     "x.ini:2: [port0] addr and netmask disagree");
	assert_error("[port0]\naddr=10.0.0.255\n",
		     "x.ini:2: [port0] addr is no host's address in its network");
	assert_error("[port0]\naddr=10.0.0.4/30\n",
		     "x.ini:2: [port0] addr is no host's address in its network");
	assert_error("[port0]\naddr=224.0.0.1\n",
		     "x.ini:2: [port0] addr is no host's address in its network");
	assert_error("[port0]\nnetmask=255.255.255.0\n", "x.ini:2: [port0] has no addr");
	assert_error("[port0]\naddr=10.0.0.1\nmtu=100\n",
		     "x.ini:3: mtu: '100' is not in 576..65535");
	assert_error("[port0]\nmac=01:00:00:00:00:00\n",
		     "x.ini:2: mac: '01:00:00:00:00:00' is not a unicast MAC address");
	assert_error(
		"[freebsd.sysctl]\nnet.inet.tcp.cc.algorithm=htcp\n",
		"x.ini:2: net.inet.tcp.cc.algorithm: 'htcp' is none of cubic, reno, dctcp, bbr");
	assert_error("[stack]\nsndbuf=2m\nsndbuf_max=1m\n",
		     "x.ini:3: send buffer of 2097152 is above its maximum 1048576");
	assert_error("[stack]\nlocal_port_first=5000\nlocal_port_last=4000\n",
		     "x.ini:3: local ports: first 5000 is above last 4000");
	assert_error("[dpdk]\nwhat is this\n",
		     "x.ini:2: neither [section] nor key = value nor comment");
	assert_error("[dpdk\n", "x.ini:1: neither [section] nor key = value nor comment");
	assert_error("[dpdk]\nmemory=1\n  channel=4\n",
		     "x.ini:3: memory: an indented line goes on with the key before");
}

/* An indented line goes on with a list, and with nothing else of an interface. */
static void lists_go_on(void **state)
{
	struct zs_conf conf;

	(void)state;
	assert_int_equal(load(&conf, "[port0]\n  addr=10.0.0.1\nvip_addr=10.0.0.3\n"
				     "  10.0.0.4;10.0.0.5\n\t; and\n  10.0.0.6\n"
				     "addr6=fd00::1\nvip_addr6=fd00::3\n  fd00::4/56\n"
				     "[stack]\n  ttl=9\n"),
			 0);
	assert_int_equal(conf.dpdk.stack.ttl, 9);
	assert_int_equal(conf.dpdk.port[0].n_ip4_more, 4);
	assert_int_equal(conf.dpdk.port[0].ip4_more_be[3], inet_addr("10.0.0.6"));
	assert_int_equal(conf.dpdk.port[0].ip6.n_addr, 3);
	zs_conf_free(&conf);
	assert_int_equal(load(&conf, "[dpdk]\nnb_bond=1\n[bond0]\nmode=0\nslave=A\n  B\n"
				     "[port0]\naddr=10.0.0.1\n"),
			 0);
	assert_string_equal(conf.eal_argv[0], "--vdev=net_bonding0,mode=0,slave=A,slave=B");
	zs_conf_free(&conf);
	assert_error("[port0]\naddr=10.0.0.1\n  netmask=255.255.0.0\n",
		     "x.ini:3: addr: an indented line goes on with the key before");
	assert_error("[port0]\naddr=10.0.0.1\nmtu=1400\n  1500\n",
		     "x.ini:4: mtu: an indented line goes on with the key before");
	assert_error("[vlan5]\nportid=0\n  1\n",
		     "x.ini:3: portid: an indented line goes on with the key before");
	assert_error("[dpdk]\nnb_bond=1\n[bond0]\nmode=0\n  1\n",
		     "x.ini:5: mode: an indented line goes on with the key before");
	assert_error("[dpdk]\nidle=poll\n  powersave\n",
		     "x.ini:3: idle: an indented line goes on with the key before");
	assert_error("[stack]\ncc=cubic\n  bbr\n",
		     "x.ini:3: cc: an indented line goes on with the key before");
	assert_error(
		"[freebsd.sysctl]\nnet.inet.tcp.cc.algorithm=cubic\n  bbr\n",
		"x.ini:3: net.inet.tcp.cc.algorithm: an indented line goes on with the key before");
	assert_error("[dpdk]\nnb_vdev=1\n[vdev0]\nqueues=1\n  2\n",
		     "x.ini:5: queues: an indented line goes on with the key before");
}

/* The same names and ranges as ff_sysctl() has. */
static void settings_of_freebsd(void **state)
{
	(void)state;
	for (int i = 0; i < zs_settings_count(); i++) {
		const struct zs_setting *st = zs_setting_at(i);
		uint32_t values[2] = { st->max, st->min };
		char text[128], err[160];
		struct zs_conf conf;

		if (st->running)
			continue;
		for (int k = 0; k < 2; k++) {
			/* the first port above the last, a buffer above its maximum */
			if (strstr(st->name, "portrange") != NULL ||
			    (k == 1 && strstr(st->name, "buf_max") != NULL))
				continue;
			snprintf(text, sizeof(text), "[freebsd.sysctl]\n%s=%u\n", st->name,
				 values[k]);
			assert_int_equal(load(&conf, text), 0);
			assert_int_equal(zs_setting_get(&conf.dpdk.stack, st), values[k]);
			assert_string_equal(conf.note, "");
			zs_conf_free(&conf);
		}
		if (st->kind == ZS_SET_BOOL)
			continue;
		snprintf(text, sizeof(text), "[freebsd.sysctl]\n%s=%llu\n", st->name,
			 st->max + 1ull);
		snprintf(err, sizeof(err), "x.ini:2: %s: %llu is not in %u..%u", st->name,
			 st->max + 1ull, st->min, st->max);
		assert_error(text, err);
	}
}

static void long_lines_are_refused(void **state)
{
	char text[600] = "[dpdk]\neal_args=";
	struct zs_conf conf;

	(void)state;
	memset(text + strlen(text), 'x', 400);
	assert_int_equal(load(&conf, text), -EINVAL);
	assert_non_null(strstr(conf.err, "x.ini:2: line longer than"));
	zs_conf_free(&conf);
}

static void first_error_counts(void **state)
{
	(void)state;
	assert_error("[dpdk]\nmemory=a\nchannel=b\n", "x.ini:2: memory: 'a' is not a number");
}

static void all_cores_of_the_mask(void **state)
{
	struct zs_conf_args args = { 0 };
	struct zs_conf conf;

	(void)state;
	write_file("x.ini", "[dpdk]\nlcore_mask=0x14\n");
	assert_int_equal(zs_conf_load(&conf, "x.ini", &args), 0);
	assert_int_equal(conf.dpdk.lcore_mask, 0x14);
	assert_int_equal(ff_global_cfg.dpdk.proc_id, 0);
	zs_conf_free(&conf);
	assert_int_equal(zs_conf_load(&conf, "missing.ini", &args), -ENOENT);
	assert_string_equal(conf.err, "missing.ini: No such file or directory");
	assert_int_equal(zs_conf_load(&conf, "/", &args), -EINVAL);
	assert_string_equal(conf.err, "/: Is a directory");
	zs_conf_free(&conf);
}

static int parse(struct zs_conf_args *args, char *err, int argc, const char *const *argv)
{
	return zs_conf_args(argc, (char *const *)(uintptr_t)argv, args, err);
}

static void arguments(void **state)
{
	const char *nginx[] = { "nginx", "--conf=a.ini", "--proc-id=0", "--proc-type=primary" };
	const char *shorts[] = { "x", "-c", "b.ini", "-t", "auto", "-p", "0", "64" };
	const char *others[] = { "x", "--port", "80", "--body=3", "-v", "-cx",
				 "-", "file",	"--", "-c",	  "no" };
	const char *second[] = { "x", "--proc-type=secondary" };
	const char *wrong[] = { "x", "--proc-type=primary", "--proc-id=1" };
	const char *third[] = { "x", "--proc-type=third" };
	const char *bad_id[] = { "x", "--proc-id", "three" };
	const char *missing[] = { "x", "--conf" };
	struct zs_conf_args args;
	char err[ZS_CONF_ERR];

	(void)state;
	assert_int_equal(parse(&args, err, 4, nginx), 0);
	assert_string_equal(args.file, "a.ini");
	assert_string_equal(args.proc_type, "primary");
	assert_int_equal(parse(&args, err, 8, shorts), 0);
	assert_string_equal(args.file, "b.ini");
	assert_int_equal(parse(&args, err, 11, others), 0);
	assert_null(args.file);
	assert_false(args.has_proc_id);
	assert_int_equal(parse(&args, err, 2, second), -EINVAL);
	assert_string_equal(err, "--proc-type=secondary without --proc-id");
	assert_int_equal(parse(&args, err, 3, wrong), -EINVAL);
	assert_string_equal(err,
			    "--proc-type=primary --proc-id=1: the primary process is number 0, "
			    "all others are secondary");
	assert_int_equal(parse(&args, err, 2, third), -EINVAL);
	assert_string_equal(err, "--proc-type: 'third' is neither primary nor secondary nor auto");
	assert_int_equal(parse(&args, err, 3, bad_id), -EINVAL);
	assert_string_equal(err, "--proc-id: 'three' is not a process number");
	assert_int_equal(parse(&args, err, 2, missing), -EINVAL);
	assert_string_equal(err, "--conf: no file is named");
}

static void load_config_reads_config_ini(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "prog", NULL };

	(void)state;
	write_file("config.ini", "[freebsd.boot]\nfd_reserve=4096\n");
	assert_int_equal(ff_load_config(1, argv), 0);
	assert_int_equal(ff_global_cfg.freebsd.fd_reserve, 4096);
	assert_string_equal(ff_global_cfg.filename, "config.ini");
	assert_int_equal(unlink("config.ini"), 0);
	assert_int_equal(ff_load_config(1, argv), 0);
	assert_null(ff_global_cfg.filename);
	assert_int_equal(ff_global_cfg.freebsd.fd_reserve, 1024);
}

/* A failing ff_init leaves no stack behind, and the calls after it say so. */
static void init_with_bad_file(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "prog", (char *)(uintptr_t) "--conf=x.ini", NULL };
	int saved = dup(2);

	(void)state;
	write_file("x.ini", "[port0]\naddr=nowhere\n");
	assert_non_null(freopen("/dev/null", "w", stderr));
	assert_int_equal(ff_init(2, argv), -1);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	assert_int_equal(ff_socket(2, 1, 0), -1);
	assert_int_equal(errno, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(idle_modes),
		cmocka_unit_test(ip6),
		cmocka_unit_test(keys_without_effect_are_named_once),
		cmocka_unit_test(each_line_is_told_of),
		cmocka_unit_test(further_addresses),
		cmocka_unit_test(vlans),
		cmocka_unit_test(bonds),
		cmocka_unit_test(processes),
		cmocka_unit_test(wrong_values_say_where),
		cmocka_unit_test(lists_go_on),
		cmocka_unit_test(settings_of_freebsd),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(first_error_counts),
		cmocka_unit_test(all_cores_of_the_mask),
		cmocka_unit_test(arguments),
		cmocka_unit_test(load_config_reads_config_ini),
		cmocka_unit_test(init_with_bad_file),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
