# SPDX-License-Identifier: BSD-3-Clause
"""The Linux kernel as the peer of each congestion control and of each option, agreed or refused."""
import os
import re
import socket
import time

import lab
import traffic
from cases import KB, MB, NO_STALL, STALL, echo, serving
from traffic import Http, connect, expect

TCPI_OPT_SYN_DATA = 0x20


def settings(**keys):
    """Lines of configuration; serving() puts them behind [dpdk]'s."""
    return "\n[stack]\n" + "".join(f"{k}={v}\n" for k, v in keys.items())


def kernel_sets(host, **sysctls):
    for key, value in sysctls.items():
        host.kernel.run(["sysctl", "-qw", f"net.ipv4.tcp_{key}={value}"])


def agreed(host, port, ip):
    """What the kernel says of a connection to the stack: the words of ss -i."""
    with connect(host.kernel, 1, port, ip)[0] as s:
        out = host.kernel.run(["ss", "-Htino", "dport", "=", f":{port}"])
        expect(s.getpeername(), "no connection")
    return set(re.findall(r"\b(ts|sack|ecn|wscale)\b", out))


def agree(host, port, ip, words):
    got = agreed(host, port, ip)
    expect(got == words, f"{sorted(got)} instead of {sorted(words)}")


def transfers(suite, host, what, ip, words):
    suite.case(f"{what}: what both agree on", agree, host, 7, ip, words)
    suite.case(f"{what}: echo 4 MiB", echo, host, 4 * MB, ip=ip)
    suite.case(f"{what}: 20 connections, 64 KB each", echo, host, 64 * KB, 20, ip=ip)


ALL = {"ts", "sack", "wscale"}


def group_interop_controls(suite):
    """Each congestion control, with ECN and without, both directions at once, without loss and with."""
    for control in ("newreno", "cubic", "dctcp", "bbr"):
        for ecn in (0, 1):
            what = f"{control}, ECN {'on' if ecn else 'off'}"
            words = ALL | ({"ecn"} if ecn else set())
            with serving(suite, "echo", port=7, lossy=True, ip6=True,
                         dpdk=settings(cc=control, ecn=ecn)) as host:
                kernel_sets(host, ecn=ecn)
                transfers(suite, host, what, lab.STACK_IP, words)
                suite.case(f"{what}: echo 1 MiB, IPv6", echo, host, MB, ip=lab.STACK_IP6)
                host.loss(1)
                suite.case(f"{what}: echo 1 MiB, 1 % lost", echo, host, MB, stall=STALL[1], within=80)
                host.loss(0)


def group_interop_options(suite):
    """Timestamps, SACK and window scaling, refused by either side, over both IP versions."""
    for name, key, gone in (("timestamps", "timestamps", {"ts"}), ("SACK", "sack", {"sack"}),
                            ("window scaling", "window_scaling", {"wscale"})):
        with serving(suite, "echo", port=7, ip6=True) as host:
            kernel_sets(host, **{key: 0})
            for version, ip in (("IPv4", lab.STACK_IP), ("IPv6", lab.STACK_IP6)):
                transfers(suite, host, f"the kernel without {name}, {version}", ip, ALL - gone)
        if key == "window_scaling":
            continue
        with serving(suite, "echo", port=7, ip6=True, dpdk=settings(**{key: 0})) as host:
            for version, ip in (("IPv4", lab.STACK_IP), ("IPv6", lab.STACK_IP6)):
                transfers(suite, host, f"we without {name}, {version}", ip, ALL - gone)


# ---- the path's MTU changes ----

FAR_IP, ROUTER_IP = "10.19.0.2", "10.19.0.1"


def narrow(host, far, mtu):
    """A download through the kernel as a router, whose next hop takes less in the middle of it."""
    with connect(far, 1, 80, lab.STACK_IP, rcvbuf=64 * KB)[0] as s:
        stream = Http(s, 16 * MB, 1)
        stream.on_write()
        time.sleep(0.1)
        host.kernel.run(f"ip link set kf mtu {mtu}")
        far.run(f"ip link set fk mtu {mtu}")
        silence = traffic.run([stream], 60)
        expect(silence < NO_STALL, f"a silence of {silence:.2f} s")


def segments_fit(host, far, mtu):
    """Afterwards a new connection is told the path's MTU by its own segments alone."""
    with connect(far, 1, 80, lab.STACK_IP)[0] as s:
        silence = traffic.run([Http(s, MB, 2)], 60)
        expect(silence < NO_STALL, f"a silence of {silence:.2f} s")


def group_interop_path_mtu(suite):
    far = lab.Netns()
    try:
        with serving(suite, "http_zc") as host:
            lab.veth(host.kernel, "kf", far, "fk")
            host.kernel.run(f"ip addr add {ROUTER_IP}/24 dev kf")
            host.kernel.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
            far.run(f"ip addr add {FAR_IP}/24 dev fk")
            far.run(f"ip route add default via {ROUTER_IP}")
            suite.case("1,500 to 1,200 in mid-flow", narrow, host, far, 1200)
            suite.case("1,200: a new connection", segments_fit, host, far, 1200)
            suite.case("1,200 to 600 in mid-flow", narrow, host, far, 600)
    finally:
        far.close()


# ---- Fast Open ----

def opened_fast(host, ip, data, family):
    """One exchange whose request goes with the SYN. True when the kernel says that it was taken there."""
    with host.kernel, socket.socket(family) as s:
        s.sendto(data, socket.MSG_FASTOPEN, (ip, 7))
        got = b""
        while len(got) < len(data):
            piece = s.recv(65536)
            expect(piece, "the end of the stream")
            got += piece
        expect(got == data, "other bytes came back")
        info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return bool(info[5] & TCPI_OPT_SYN_DATA)


def ends(server):
    expect(server.alive(), "it died: " + server.output()[-500:])
    server.proc.terminate()
    expect(server.proc.wait(10) == 0, "it did not end in order: " + server.output()[-500:])


def served_fast(host, ip, family):
    data = lab.pattern(0, 1000)
    opened_fast(host, ip, data, family)   # asks for a cookie
    expect(opened_fast(host, ip, data, family), "the SYN's data was not taken")


def group_interop_fastopen(suite):
    program = os.path.join(suite.build, "tests", "e2e", "fastopen")
    with lab.Lab(ip6=True) as host:
        kernel_sets(host, fastopen=3)
        server = host.start(program, "serve", link=suite.link, ready_port=7)
        for version, ip, family in (("IPv4", lab.STACK_IP, socket.AF_INET),
                                    ("IPv6", lab.STACK_IP6, socket.AF_INET6)):
            suite.case(f"{version}: the kernel's request with its SYN", served_fast, host, ip, family)
        suite.case("the server is alive and ends in order", ends, server)


def accept_fast(host, suite, program):
    """Our client's second connection brings its data with the SYN."""
    with host.kernel, socket.create_server((lab.KERNEL_IP, 7)) as listener:
        listener.settimeout(20)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        client = host.start(program, "connect", lab.KERNEL_IP, link=suite.link)
        fast = []
        for _ in range(2):
            s, _ = listener.accept()
            with s:
                s.settimeout(20)
                data = b""
                while len(data) < 1000:
                    piece = s.recv(65536)
                    expect(piece, "the end of the stream")
                    data += piece
                expect(data == lab.pattern(0, 1000), "other bytes arrived")
                fast.append(bool(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5]
                                 & TCPI_OPT_SYN_DATA))
                s.sendall(data)
        expect(client.proc.wait(10) == 0, client.output()[-500:])
        expect(fast == [False, True], f"data with the SYN: {fast}")


def group_interop_fastopen_client(suite):
    program = os.path.join(suite.build, "tests", "e2e", "fastopen")
    with lab.Lab() as host:
        kernel_sets(host, fastopen=3)
        suite.case("our request with our SYN", accept_fast, host, suite, program)
