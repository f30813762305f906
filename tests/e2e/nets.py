# SPDX-License-Identifier: BSD-3-Clause
"""Interfaces that are more than a port with an address: [vlanN] and [bondN] of F-Stack's files."""
import fcntl
import os
import re
import select
import socket
import struct
import threading
import time

import lab
from cases import quick
from tool import run_tool
from traffic import connect, expect

TAGGED_KERNEL, TAGGED_STACK = "10.55.0.1", "10.55.0.2"
OTHER_KERNEL, OTHER_STACK = "10.66.0.1", "10.66.0.2"

VLANS = f"""[dpdk]
lcore_mask=%x
port_list=0
[port0]
{lab.ADDRESS}[vlan5]
portid=0
addr={TAGGED_STACK}
netmask=255.255.255.0
broadcast=10.55.0.255
gateway={TAGGED_KERNEL}
vip_addr=10.55.0.9
[vlan6]
portid=0
addr={OTHER_STACK}
netmask=255.255.255.0
broadcast=10.66.0.255
gateway={OTHER_KERNEL}
"""

BOND = f"""[dpdk]
lcore_mask=%x
port_list=2
nb_bond=1
[port2]
{lab.ADDRESS}[bond0]
mode=0
slave=net_tap0,slave=net_tap1
"""


def start(suite, host, text, devices, ns=None):
    path = os.path.join(host.dir, "net.ini")
    core = lab.server_core()
    with open(path, "w") as f:
        f.write(text % (1 << core))
    args = " ".join(["--no-pci --no-huge --no-shconf -m 512", *(f"--vdev={d}" for d in devices)])
    # net_bonding does not free all that it allocates
    env = dict(os.environ, ZSTACK_EAL_ARGS=args, ASAN_OPTIONS="detect_leaks=0")
    return host._start(ns or host.stack, [suite.program("http_copy"), "--conf", path], None, env)


def curl(host, ip, size=300000):
    page = os.path.join(host.dir, "page")
    host.kernel.run(f"curl -s -m 15 -o {page} http://{ip}/{size}")
    with open(page, "rb") as f:
        expect(f.read() == lab.pattern(0, size), "another page")


def get(host, ip, n):
    socks = connect(host.kernel, n, ip=ip)
    for i, s in enumerate(socks):
        s.settimeout(20)
        lab.get(s, 100 + i * 37)
    for s in socks:
        s.close()


def ping(host, ip, size=56):
    out = host.kernel.run(f"ping -c 3 -l 3 -i 10 -s {size} {ip}")
    expect(" 0% packet loss" in out, out)


def silent(host, ip):
    out = host.kernel.run(f"ping -c 1 -W 1 {ip}", check=False)
    expect("100% packet loss" in out, out)


def ended(server):
    server.stop()


class Trunk:
    """The kernel's interfaces in VLANs, on a kernel that may have none: a tap device for each, whose
    frames get its tag on vk, and lose it on the way back."""

    TUNSETIFF, TAP_NO_PI = 0x400454CA, 0x1002
    SOL_PACKET, AUXDATA, IGNORE_OUTGOING, TAG_VALID = 263, 8, 23, 0x10

    def __init__(self, ns, vlans):
        self.taps = {}   # by VLAN
        with ns:
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.wire.bind(("vk", 0))
            for opt in (self.AUXDATA, self.IGNORE_OUTGOING):
                self.wire.setsockopt(self.SOL_PACKET, opt, 1)
            for vid, ip in vlans.items():
                self.taps[vid] = os.open("/dev/net/tun", os.O_RDWR)
                fcntl.ioctl(self.taps[vid], self.TUNSETIFF,
                            struct.pack("16sH", f"vk.{vid}".encode(), self.TAP_NO_PI))
                ns.run(f"ip addr add {ip}/24 dev vk.{vid}")
                ns.run(f"ip link set vk.{vid} up")
        self.done = False
        self.thread = threading.Thread(target=self.turn, daemon=True)
        self.thread.start()

    def turn(self):
        vid_of = {fd: vid for vid, fd in self.taps.items()}
        while not self.done:
            for fd in select.select([self.wire, *vid_of], [], [], 0.2)[0]:
                if fd is self.wire:
                    self.untag()
                else:
                    frame = os.read(fd, 65536)
                    self.wire.send(frame[:12] + struct.pack("!HH", 0x8100, vid_of[fd]) + frame[12:])

    def untag(self):
        frame, aux, _, _ = self.wire.recvmsg(65536, socket.CMSG_SPACE(20))
        tci = None
        for _, _, data in aux:
            status, _, _, _, _, tag = struct.unpack("=IIIHHH", data[:18])
            tci = tag if status & self.TAG_VALID else None
        if tci is None and frame[12:14] == b"\x81\0":
            tci = struct.unpack("!H", frame[14:16])[0]
            frame = frame[:12] + frame[16:]
        if tci is not None and tci & 0xFFF in self.taps:
            os.write(self.taps[tci & 0xFFF], frame)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.done = True
        self.thread.join()
        self.wire.close()
        for fd in self.taps.values():
            os.close(fd)


@quick
def group_vlans(suite):
    with lab.Lab() as host, Trunk(host.kernel, {5: TAGGED_KERNEL, 6: OTHER_KERNEL}):
        host.kernel.run(f"ip route add 10.55.0.9/32 via {TAGGED_STACK}")
        server = start(suite, host, VLANS, ["net_af_packet0,iface=vs"])
        server.wait_ready(TAGGED_STACK, 80)
        for ip in (TAGGED_STACK, OTHER_STACK, "10.55.0.9"):
            suite.case(f"{ip}: ping", ping, host, ip)
            suite.case(f"{ip}: curl", curl, host, ip)
            suite.case(f"{ip}: 100 connections", get, host, ip, 100)
        suite.case("the port's own address does not count", silent, host, lab.STACK_IP)
        suite.case("it ends in order", ended, server)


TAP = f"""[dpdk]
lcore_mask=%x
[port0]
{lab.ADDRESS}addr6={lab.STACK_IP6}/64
"""


def link_locals(host, server):
    """Both ends have theirs, once nobody has objected; a word behind that of the stack would tell of an objection."""
    end = time.monotonic() + 15
    while True:
        kernel = host.kernel.run("ip -6 addr show dev zs0 -tentative")
        found = re.search(r"inet6 (fe80::\S+)/64\n", run_tool(server, "if"))
        if found and "fe80::" in kernel:
            expect(found.group(1) not in kernel, "one address for both")
            ping(host, found.group(1) + "%zs0")
            return
        expect(time.monotonic() < end, kernel + run_tool(server, "if"))
        time.sleep(0.1)


def pages_in_pieces(host):
    """Heads of odd and even lengths in front of bodies that nobody copies."""
    for size in (1, 10, 100, 1000, 10000, 99999, 100000, 1000000):
        curl(host, lab.STACK_IP, size)


@quick
def group_tap(suite):
    """The default device: a head and a body in one packet, and IPv6, whose kernel is not to have our address."""
    with lab.Lab() as host:
        host.kernel.run("ip link del vk")
        host.kernel.run("sysctl -qw net.ipv6.conf.default.disable_ipv6=0")
        path = os.path.join(host.dir, "tap.ini")
        with open(path, "w") as f:
            f.write(TAP % (1 << lab.server_core()))
        server = host.start_kernel(host.kernel, [suite.program("http_zc"), "--cached", "--conf", path],
                                   ready_port=80)
        suite.case("pages in pieces", pages_in_pieces, host)
        suite.case("link-local addresses", link_locals, host, server)
        suite.case("it ends in order", ended, server)


CABLES = ("t0", "t1")


def plug_in(ns):
    """Both cables into a bridge. Both ends of a tap begin with one address: the kernel's gets another."""
    ns.run("ip link add br0 type bridge")
    ns.run(f"ip addr add {lab.KERNEL_IP}/24 dev br0")
    ns.run("ip link set br0 up")
    for i, cable in enumerate(CABLES):
        end = time.monotonic() + 10
        while "UP" not in ns.run(f"ip -br link show {cable}", check=False):
            expect(time.monotonic() < end, f"there is no {cable}")
            time.sleep(0.05)
        ns.run(f"ip link set {cable} master br0 up")
        ns.run(f"ip link set {cable} address 02:00:00:00:aa:0{i}")


def pulled(host, cable):
    """A transfer goes on, and new connections come, when a link goes down; and when it comes back."""
    sock = connect(host.kernel, 1)[0]
    sock.settimeout(20)
    lab.get(sock, 1000)
    host.kernel.run(f"ip link set {cable} down")
    lab.get(sock, 1000000)
    get(host, lab.STACK_IP, 50)
    curl(host, lab.STACK_IP)
    host.kernel.run(f"ip link set {cable} up")
    lab.get(sock, 1000000)
    sock.close()


def group_bond(suite):
    with lab.Lab() as host:
        host.kernel.run("ip link del vk")
        server = start(suite, host, BOND, ["net_tap0,iface=t0", "net_tap1,iface=t1"], host.kernel)
        plug_in(host.kernel)
        server.wait_ready(lab.STACK_IP, 80)
        suite.case("curl", curl, host, lab.STACK_IP)
        suite.case("100 connections", get, host, lab.STACK_IP, 100)
        for cable in CABLES:
            suite.case(f"{cable} down and up again", pulled, host, cable)
        suite.case("it ends in order", ended, server)
