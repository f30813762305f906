#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every link with real packets: our program (zs_pong) against the Linux kernel, or two of ours against each
# other. Speaks TAP. Works in network namespaces of its own and leaves nothing behind, also when interrupted.
#
# usage: links.sh ZS_PONG [LINK...]

pong=$1
examples=$(dirname "$pong")/../../examples
shift
wanted=" $* "
n=0
ns="zs-port-$$"
tmp=$(mktemp -d /tmp/zs-port.XXXXXX)
huge_before=
export LC_ALL=C

ok() { n=$((n + 1)); echo "ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
not_ok() {
	n=$((n + 1))
	echo "not ok $n - $1"
	sed 's/^/# /' "$tmp"/*.log
}

# check NAME COMMAND...
check() {
	local name=$1
	shift
	if "$@" >"$tmp/check.log" 2>&1; then ok "$name"; else not_ok "$name"; fi
}

kill_all() {
	ip netns pids "$ns" 2>/dev/null | xargs -r kill -KILL
	wait 2>/dev/null
}

cleanup() {
	kill_all
	ip netns del "$ns" 2>/dev/null
	mountpoint -q "$tmp/huge" && umount "$tmp/huge"
	[ -n "$huge_before" ] && echo "$huge_before" >/proc/sys/vm/nr_hugepages
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

wants() { [ "$wanted" = "  " ] || [[ $wanted == *" $1 "* ]]; }

in_ns() { ip netns exec "$ns" "$@"; }

# start NAME EAL_ARGS [zs_pong's arguments]: runs it in the namespace; true when it says ready
start() {
	local log="$tmp/$1.log" eal=$2
	shift 2
	: >"$log"
	ZSTACK_EAL_ARGS="$eal" ip netns exec "$ns" timeout 60 "$pong" "$@" >"$log" 2>&1 &
	pid=$!
	for _ in $(seq 150); do
		grep -q '^ready' "$log" && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# stop PID SIGNAL: true when it ends by itself with exit code 0. PID is timeout's, which passes signals on.
stop() {
	kill "-$2" "$1"
	for _ in $(seq 100); do
		if ! kill -0 "$1" 2>/dev/null; then
			wait "$1"
			return
		fi
		sleep 0.1
	done
	return 1
}

new_ns() {
	kill_all
	ip netns del "$ns" 2>/dev/null
	ip netns add "$ns" && in_ns ip link set lo up
}

# A veth pair in the namespace: vk for the kernel, 10.18.0.1/24, and vs for us.
new_veth() {
	new_ns
	in_ns ip link add vk type veth peer name vs
	in_ns ip addr add 10.18.0.1/24 dev vk
	for i in vk vs; do
		in_ns ip link set "$i" mtu "$1" up
		in_ns ethtool -K "$i" tx off tso off gso off gro off
	done
} >/dev/null 2>&1

# talk MTU [LARGEST]: ping small, of the MTU and in fragments; UDP to and fro. ping waits for the last answers as long as its
# interval.
talk() {
	local most=${2:-12000}
	in_ns ping -c 5 -l 5 -i 5 10.18.0.2 &&
		in_ns ping -c 5 -l 5 -i 5 -M 'do' -s $(($1 - 28)) 10.18.0.2 &&
		in_ns ping -c 3 -l 3 -i 5 -s "$most" 10.18.0.2 &&
		in_ns timeout 20 python3 - "$1" "$most" <<-'PY'
			import os, socket, sys
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.settimeout(2)
			s.connect(("10.18.0.2", 7))
			for size in [0, 1, 2, 100, int(sys.argv[1]) - 28, int(sys.argv[2])] * 20:
			    data = os.urandom(size)
			    s.send(data)
			    assert s.recv(65536) == data, size
		PY
}

# kernel_link NAME MTU EAL_ARGS [LARGEST]: we answer the kernel
kernel_link() {
	local name=$1 mtu=$2 eal=$3 most=$4
	if ! start pong "$eal" -m "$mtu"; then
		if grep -q 'Operation not permitted\|not supported\|No such device' "$tmp/pong.log"; then
			skip "$name" "this machine does not let it: $(tail -1 "$tmp/pong.log")"
		else
			not_ok "$name: starts"
		fi
		return
	fi
	check "$name: ping and UDP" talk "$mtu" $most
	check "$name: ends on SIGTERM with exit code 0" stop "$pid" TERM
}

tap_gone() { ! in_ns ip link show zs0; }

link_tap() {
	for mtu in 1500 576; do
		new_ns
		kernel_link "tap, MTU $mtu" "$mtu" ""
		check "tap, MTU $mtu: interface is gone" tap_gone
	done
	new_ns
	start pong "" -s 100
	check "tap, sleeping when idle: ping and UDP" talk 1500
	check "tap: ends on SIGINT with exit code 0" stop "$pid" INT
	check "tap: it did sleep" grep -q 'sleeps=[1-9]' "$tmp/pong.log"
}

link_af_packet() {
	# its kernel side puts fragments together: what is larger than a frame of its ring is lost
	new_veth 1500
	kernel_link "af_packet" 1500 "--vdev=net_af_packet0,iface=vs" 1900
	new_veth 9000
	kernel_link "af_packet, MTU 9000" 9000 \
		"--vdev=net_af_packet0,iface=vs,framesz=16384,blocksz=16384,framecnt=512"
}

link_af_xdp() {
	new_veth 1500
	kernel_link "af_xdp" 1500 "--vdev=net_af_xdp0,iface=vs"
	new_veth 3438
	kernel_link "af_xdp, MTU 3438" 3438 "--vdev=net_af_xdp0,iface=vs"
}

# ask EAL_ARGS MTU SIZE...: our client against our server that runs
ask() {
	local eal=$1 mtu=$2 size
	shift 2
	for size; do
		ZSTACK_EAL_ARGS="$eal" in_ns timeout 30 "$pong" -m "$mtu" -i 10.18.0.3/24 -t 20 \
			-c 10.18.0.2 -N 1000 -S "$size" || return
	done
}

# two NAME SERVER_EAL CLIENT_EAL [MTU]
two() {
	local name=$1 server=$2 client=$3 mtu=${4:-1500}
	if ! start pong "$server" -m "$mtu"; then
		not_ok "$name: server starts"
		return
	fi
	check "$name: datagrams to and fro" ask "$client" "$mtu" 64 $((mtu - 28)) $((mtu + 2500))
	check "$name: server ends on SIGINT with exit code 0" stop "$pid" INT
}

# memif ROLE MAC [RSIZE,MORE]
memif() {
	echo "--vdev=net_memif0,role=$1,id=0,socket=$tmp/memif.sock,socket-abstract=no,mac=$2,rsize=${3:-11}"
}

link_memif() {
	for mtu in 1500 9000; do
		new_ns
		two "memif, MTU $mtu" "$(memif server 02:00:00:00:00:02 11,bsize=$((mtu + 18)))" \
			"$(memif client 02:00:00:00:00:03 11,bsize=$((mtu + 18)))" "$mtu"
	done
}

vhost="--vdev=net_vhost0,iface=$tmp/vhost.sock"
virtio="--vdev=net_virtio_user0,path=$tmp/vhost.sock,queue_size=1024,mac=02:00:00:00:00:03"
virtio="$virtio --single-file-segments"

# Our client over virtio_user sleeps at once: answers end its sleeps, and hardly anything else does. How many come before it
# sleeps is up to the machine; were they not to wake it, 20 s would be too short for all of them.
asleep() {
	ZSTACK_EAL_ARGS="$virtio" in_ns timeout 30 "$pong" -P -i 10.18.0.3/24 -t 20 -c 10.18.0.2 -N 300 |
		tee "$tmp/asleep.log" | grep -E ' udp=300 .* wakes_packet=[0-9]{2,3} wakes_timer=[0-9]{1,2} '
}

link_virtio() {
	for mtu in 1500 9000; do
		new_ns
		rm -f "$tmp/vhost.sock"
		two "virtio_user to vhost, MTU $mtu" "$vhost" "$virtio" "$mtu"
	done
	new_ns
	rm -f "$tmp/vhost.sock"
	start pong "$vhost" && check "virtio_user: receive interrupts end its sleep" asleep
	new_ns
	rm -f "$tmp/vhost.sock"
	# the vhost side has to be there first, so here the client waits for its server
	ZSTACK_EAL_ARGS="$vhost" in_ns timeout 40 "$pong" -i 10.18.0.3/24 -t 30 -c 10.18.0.2 \
		-N 1000 -S 1472 >"$tmp/client.log" 2>&1 &
	local client=$!
	for _ in $(seq 100); do [ -S "$tmp/vhost.sock" ] && break; sleep 0.1; done
	if start pong "$virtio"; then
		check "vhost to virtio_user: datagrams to and fro" wait "$client"
		check "vhost to virtio_user: server ends on SIGTERM with exit code 0" \
			stop "$pid" TERM
	else
		not_ok "vhost to virtio_user: server starts"
	fi
}

# field NAME LOG: a number of an example's report
field() { sed -n "s/.* $1=\([0-9]*\).*/\1/p" "$2" | tail -1; }

# fetch NAME SERVER SERVER_EAL CLIENT_EAL FIRST [LINE...]: our client gets bodies of our server, each byte checked;
# FIRST, client or server, is the side that has to be there first. Further lines go into [dpdk] of both.
fetch() {
	local name=$1 server=$2 server_eal=$3 client_eal=$4 first=$5
	shift 5
	printf '[dpdk]\nport_list=0\n%s\n[port0]\naddr=10.18.0.2\nnetmask=255.255.255.0\n' "$*" \
		>"$tmp/server.ini"
	printf '[dpdk]\nport_list=0\n%s\n[port0]\naddr=10.18.0.3\nnetmask=255.255.255.0\n' "$*" \
		>"$tmp/client.ini"
	rm -f "$tmp"/*.sock
	new_ns
	local both="client server" side
	[ "$first" = server ] && both="server client"
	for side in $both; do
		if [ "$side" = client ]; then
			ZSTACK_EAL_ARGS="$client_eal" ip netns exec "$ns" timeout 60 "$examples/client" \
				--to 10.18.0.2:80 --size 4000000 --count 5 --conf "$tmp/client.ini" \
				>"$tmp/client.log" 2>&1 &
			client=$!
		else
			ZSTACK_EAL_ARGS="$server_eal" ip netns exec "$ns" timeout 60 "$examples/"$server \
				--conf "$tmp/server.ini" >"$tmp/server.log" 2>&1 &
			pid=$!
		fi
		for _ in $(seq 100); do compgen -G "$tmp/*.sock" >/dev/null && break; sleep 0.1; done
	done
	check "$name: every byte is right" wait "$client"
	check "$name: server ends on SIGTERM with exit code 0" stop "$pid" TERM
}

# Packets of many segments: cut by nobody on this link, for the peer takes them as they are.
large() { [ "$(field tx_large "$1")" -gt 100 ] && [ "$(field segments "$1")" -gt $((8 * $(field tx_packets "$1"))) ]; }
no_large() { [ "$(field tx_large "$1")" -eq 0 ]; }
# All that it holds: those of the receive ring, of 1,024, and a few bursts in the transmit ring.
few_kept() { [ "$(field tx_packets "$1")" -gt 2000 ] && [ "$(field bufs_in_use "$1")" -lt 1300 ]; }

link_tso() {
	fetch "TSO, copied" http_copy "$virtio" "$vhost,tso=1" client
	check "TSO, copied: few packets of many segments" large "$tmp/server.log"
	fetch "TSO, zero copy" http_zc "$virtio" "$vhost,tso=1" client
	check "TSO, zero copy: few packets of many segments" large "$tmp/server.log"
	fetch "TSO, packed ring" http_zc "${virtio/queue_size/packed_vq=1,queue_size}" "$vhost,tso=1" client
	check "TSO, packed ring: few packets of many segments" large "$tmp/server.log"
	fetch "TSO switched off" http_copy "$virtio" "$vhost,tso=1" client tso=0
	check "TSO switched off: there are none" no_large "$tmp/server.log"
	fetch "TSO, peer without it" http_copy "$virtio" "$vhost" client
	check "TSO, peer without it: there are none" no_large "$tmp/server.log"
	check "virtio_user: sent buffers come back at once" few_kept "$tmp/server.log"
	fetch "virtio_user: rings of the device's own size, 256" http_zc "${virtio/queue_size=1024,/}" "$vhost" client
	fetch "LRO" http_copy "$vhost,tso=1" "$virtio" server
	fetch "LRO, packed ring" http_copy "$vhost,tso=1" "${virtio/queue_size/packed_vq=1,queue_size}" server
	fetch "LRO switched off" http_copy "$vhost,tso=1" "$virtio" server lro=0
}

# 2 MB pages for this test alone, in a mount of its own; what was there before comes back.
get_hugepages() {
	local want=256 have
	mkdir -p "$tmp/huge"
	have=$(cat /proc/sys/vm/nr_hugepages) || return
	huge_before=$have
	echo $((have + want)) >/proc/sys/vm/nr_hugepages || return
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge $((have + want)) ] &&
		mount -t hugetlbfs -o pagesize=2M none "$tmp/huge"
} 2>/dev/null

no_huge_files() { [ -z "$(ls -A "$tmp/huge")" ]; }

link_hugepages() {
	if ! get_hugepages; then
		skip "hugepages" "no 2 MB pages to be had"
		return
	fi
	new_ns
	two "memif, hugepages, zero-copy client" "--in-memory $(memif server 02:00:00:00:00:02)" \
		"--in-memory --single-file-segments $(memif client 02:00:00:00:00:03),zero-copy=yes"
	# a ring that is soon full, and packets that refer to the object
	fetch "memif, hugepages, zero-copy server" "http_zc --cached" \
		"--in-memory --single-file-segments $(memif client 02:00:00:00:00:02 6,zero-copy=yes)" \
		"--in-memory $(memif server 02:00:00:00:00:03 6)" client
	new_ns
	rm -f "$tmp/vhost.sock"
	two "virtio_user to vhost, hugepages" "--in-memory $vhost" "--in-memory $virtio"
	new_ns
	kernel_link "tap, hugepages from a mount" 1500 "--huge-dir=$tmp/huge"
	check "hugepages: no files are left" no_huge_files
}

# fails_with TEXT EAL_ARGS ARGS...
fails_with() {
	local text=$1 eal=$2
	shift 2
	ZSTACK_EAL_ARGS="$eal" in_ns timeout 20 "$pong" "$@" >"$tmp/fail.log" 2>&1
	[ $? -eq 1 ] && grep -q "$text" "$tmp/fail.log"
}

link_errors() {
	new_veth 1500
	check "error: port that is not there" fails_with "^zstack: port 1: there is no DPDK port 1" "" -p 2
	check "error: it leaves no interface" tap_gone
	check "error: MTU that the device cannot do" \
		fails_with "^zstack: port 0: net_af_packet: MTU 9000, at most 1964" \
		"--vdev=net_af_packet0,iface=vs" -m 9000
	check "error: MTU that takes several buffers of the ring" \
		fails_with "^zstack: port 0: net_memif: MTU 9000, at most 2030: " \
		"$(memif server 02:00:00:00:00:02)" -m 9000
	check "error: interface that is not there" fails_with "^zstack: " \
		"--vdev=net_af_packet0,iface=none"
	check "error: word that is no option" fails_with "^zstack: 'net_tap0' is not an EAL option" \
		"net_tap0"
	check "error: quote not closed" fails_with "^zstack: quote not closed" "--vdev='x"
}

if [ "$(id -u)" -ne 0 ] || ! ip netns add "$ns" 2>/dev/null; then
	echo "1..0 # SKIP needs root and network namespaces"
	exit 0
fi
for link in tap af_packet af_xdp memif virtio tso hugepages errors; do
	wants "$link" && "link_$link"
done
echo "1..$n"
