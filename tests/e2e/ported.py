# SPDX-License-Identifier: BSD-3-Clause
"""Programs written for F-Stack: started as its script starts them, with a configuration like its own."""
import os

import lab
from cases import wrk
from traffic import connect, expect

BODY = bytes(ord("a") + i % 26 for i in range(6000))
CONFIG = f"""
[dpdk]
lcore_mask=%x
channel=4
promiscuous=1
numa_on=1
tx_csum_offoad_skip=0
tso=0
vlan_strip=1
idle_sleep=0
pkt_tx_delay=100
symmetric_rss=0
port_list=0
nb_vdev=0
nb_bond=0
[pcap]
enable=0
snaplen=96
[port0]
{lab.ADDRESS}[rss_check]
enable=0
[freebsd.boot]
hz=100
fd_reserve=1024
kern.ipc.maxsockets=262144
[freebsd.sysctl]
kern.ipc.somaxconn=32768
net.inet.tcp.sendspace=16384
net.inet.tcp.recvspace=8192
net.inet.tcp.cc.algorithm=cubic
net.inet.tcp.delayed_ack=1
net.inet.tcp.functions_default=freebsd
"""


def ask(host, n):
    socks = connect(host.kernel, n, 80)
    for s in socks:
        s.settimeout(10)
        s.sendall(b"GET / HTTP/1.1\r\nHost: z\r\n\r\n")
    for s in socks:
        data = b""
        while len(data.partition(b"\r\n\r\n")[2]) < len(BODY) and (piece := s.recv(65536)):
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        expect(head.startswith(b"HTTP/1.1 200 ") and body == BODY, f"{len(body)} bytes, {head!r}")
        s.close()


def ends(server):
    server.proc.terminate()
    expect(server.proc.wait(10) == 0, "it did not end in order")


def group_ported(suite):
    program = os.path.join(suite.build, "tests", "e2e", "ported")
    for way in ("kqueue", "epoll", "zc"):
        with lab.Lab() as host:
            core = lab.server_core()
            path = os.path.join(host.dir, "f-stack.conf")
            with open(path, "w") as f:
                f.write(CONFIG % (1 << core))
            env = dict(os.environ, ZSTACK_EAL_ARGS=host.eal_args(suite.link))
            cmd = [program, "--conf", path, "--proc-type=primary", "--proc-id=0", way]
            server = host._start(host.stack, cmd, 80, env)
            for n in (1, 50):
                suite.case(f"{way}: {n} connections", ask, host, n)
            suite.case(f"{way}: wrk, 20 connections", wrk, host, 0, 20)
            suite.case(f"{way}: it ends in order on SIGTERM", ends, server)


group_ported.quick = True
