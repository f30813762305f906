# SPDX-License-Identifier: BSD-3-Clause
"""The end-to-end cases, in groups that share a lab. Run by run.py, in the order of this file."""
import contextlib
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import lab
import traffic
from tool import ask
from traffic import Echo, Http, connect, expect

KB, MB = 1024, 1 << 20
SIZES = (0, 1, 64, KB, 1460, 4 * KB, 8 * KB, 64 * KB, MB)
CONNECTIONS = (1, 2, 10, 50, 200)
UDP_SEGMENT = 103   # linux/udp.h
PATIENCE = 20       # seconds, for what comes at once unless the machine is crowded, or never


def human(n):
    for unit, name in ((MB, "MiB"), (KB, "KB")):
        if n >= unit and n % unit == 0:
            return f"{n // unit} {name}"
    return f"{n} B"


def quick(fn):
    """This group also runs in the short subset."""
    fn.quick = True
    return fn


@contextlib.contextmanager
def serving(suite, name, *args, port=80, figures=None, dpdk="", **lab_args):
    """A lab with one of our servers. At the end it must go in order; `figures` then judges its numbers."""
    with lab.Lab(**lab_args) as host:
        server = host.start(suite.program(name), "--port", port, *args, link=suite.link,
                            ready_port=port, dpdk=dpdk)
        yield host
        suite.case(f"{name} is alive and ends in order on SIGTERM", finish, server, figures,
                   "--cached" in args)


def finish(server, figures=None, cached=False):
    expect(server.alive(), "it died: " + server.output()[-1500:])
    time.sleep(0.5)   # for the last words of the connections
    if has_all_back(server) and not cached:   # objects are in use until the end
        settle(server)
    result = server.stop()
    expect(result, "no line of statistics")
    expect(result["bufs_in_use"] == 0 or not has_all_back(server),
           f"{result['bufs_in_use']:.0f} buffers still in use")
    # af_xdp takes one buffer a packet: what it still holds must be copied to be sent again
    result["copies_due"] = 1500 * result["segments_resent"] if server.link == "af_xdp" else 0
    if figures:
        figures(result)


def has_all_back(server):
    """This link's rings hold no buffers: what is in use when all is quiet has been lost."""
    return (server.link or "").startswith("af_packet")


def settle(server, within=30):
    """Waits until no buffer is in use. With loss, the last ones wait for a timeout that has backed off."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(pool["in_use"] for pool in ask(server, "bufs")["pools"].values()):
            return
        time.sleep(0.2)


def copied_nothing(figures):
    expect(figures["copies"] <= figures["copies_due"],
           f"{figures['copies']:.0f} bytes copied, {figures['segments_resent']:.0f} segments resent")


# Buffers of a connection that are none of its messages': the handshake, the ACKs of its first 16 segments, which do not
# wait (33 of the 45 that a proxy's two connections take), and those that did not wait for a peer that paused.
A_START = 50


def allocated_at_most(n):
    def judge(figures):
        copied_nothing(figures)
        expect(figures["buf_allocs"] == 0, f"{figures['buf_allocs']:.0f} buffers for the application")
        expect(figures["allocs"] <= n, f"{figures['allocs']:.0f} buffers for sending")
    return judge


# ---- what the checks are made of ----

# Without loss, in seconds: a busy machine pauses, and veth's own queue may overflow once. What has
# been forgotten stays silent until `within`.
NO_STALL = 6


def get(host, size, n=1, count=1, stall=NO_STALL, within=60, pipeline=False, port=80):
    """n connections, each fetches /size count times."""
    streams = [Http(s, size, count, pipeline) for s in connect(host.kernel, n, port)]
    silence = traffic.run(streams, within)
    expect(silence < stall, f"a silence of {silence:.2f} s")


def echo(host, size, n=1, stall=NO_STALL, within=60, port=7, ip=lab.STACK_IP):
    silence = traffic.run([Echo(s, size) for s in connect(host.kernel, n, port, ip)], within)
    expect(silence < stall, f"a silence of {silence:.2f} s")


def curl(host, size, *options, ip=lab.STACK_IP):
    path = os.path.join(host.dir, "body")
    host.kernel.run(["curl", "-sS", "-g", "--max-time", "60", "-o", path, *options,
                     f"http://{ip}/{size}"])
    with open(path, "rb") as f:
        expect(f.read() == lab.pattern(0, size), "the body is wrong")


def wrk(host, size, connections, port=80):
    out = host.kernel.run(["wrk", "-t1", f"-c{connections}", "-d1s", "--timeout", "5s",
                           f"http://{lab.STACK_IP}:{port}/{size}"])
    expect("Socket errors" not in out and "Non-2xx" not in out, out)
    expect(int(re.search(r"(\d+) requests in", out).group(1)) > 0, out)


def talk(host, data, port=80, step=None, timeout=PATIENCE):
    """Sends data (in pieces of `step` bytes), returns all that comes until the server closes."""
    with connect(host.kernel, 1, port)[0] as s:
        s.settimeout(timeout)
        for i in range(0, len(data), step or len(data)):
            s.sendall(data[i:i + (step or len(data))])
            if step:
                time.sleep(0.002)
        answer = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                return answer
            answer += piece


def answers(host, data, statuses, step=None, says=b""):
    answer = talk(host, data, step=step)
    got = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    expect(got == statuses and says in answer, f"{got} instead of {statuses}: {answer[:200]}")


def half_closed(host):
    """Requests for bodies of all sizes, one behind the other, and FIN; the answers are read slowly."""
    sizes = [random.choice((1, 10, 100, 700, 3000, 40000)) for _ in range(1000)]
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: z\r\n\r\n" % n for n in sizes)
    with connect(host.kernel, 1, rcvbuf=16384)[0] as s:
        s.settimeout(PATIENCE)
        with s.makefile("rb", 8192) as answers_of:
            writer = threading.Thread(target=lambda: (s.sendall(requests), s.shutdown(socket.SHUT_WR)))
            writer.start()
            for i, size in enumerate(sizes):
                if i % 100 == 0:
                    time.sleep(0.1)
                while (line := answers_of.readline()) != b"\r\n":
                    expect(line, f"the connection ended at answer {i}")
                    if line.startswith(b"Content-Length"):
                        expect(int(line.split()[1]) == size, f"answer {i}: {line}, not {size}")
                traffic.check(answers_of.read(size), 0)
            writer.join()
            expect(answers_of.read() == b"", "more bytes than asked for")


GET = b"GET /10 HTTP/1.1\r\nHost: z\r\n\r\n"
LAST = b"GET /10 HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n"


def http_cases(suite, host, huge):
    for size in SIZES:
        suite.case(f"GET {human(size)}", get, host, size, count=3)
    if huge:
        suite.case(f"GET {human(huge)}", get, host, huge)
    for n in CONNECTIONS:
        suite.case(f"{n} connections, 20 x 8 KB each", get, host, 8 * KB, n, 20)
    suite.case("200 connections, 256 KB each", get, host, 256 * KB, 200)
    suite.case("curl 1 MiB", curl, host, MB)
    suite.case("curl HTTP/1.0", curl, host, 5000, "--http1.0")
    suite.case("wrk 64 B, 50 connections", wrk, host, 64, 50)
    suite.case("wrk 8 KB, 200 connections", wrk, host, 8 * KB, 200)
    suite.case("100 requests in one write", get, host, 100, 1, 100, pipeline=True)
    suite.case("50 pipelined requests of 64 KB", get, host, 64 * KB, 1, 50, pipeline=True)
    suite.case("1,000 requests and FIN, answers read slowly", half_closed, host)
    suite.case("a request byte by byte", answers, host, GET + LAST, [b"200", b"200"], step=1)
    suite.case("HEAD, then GET", answers, host, b"HEAD" + GET[3:] + LAST, [b"200", b"200"])
    suite.case("Connection: close ends it", answers, host, LAST + GET, [b"200"])
    suite.case("400 for garbage", answers, host, b"\0\1\2 nonsense\r\n\r\n" * 50, [b"400"])
    suite.case("HTTP/1.0 is told that its connection lives on", answers, host,
               b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + LAST,
               [b"200", b"200"], says=b"Connection: keep-alive")
    suite.case("501 for another method", answers, host, b"POST" + LAST[3:], [b"501"])
    suite.case("404 for an unknown path", answers, host, b"GET /x HTTP/1.1\r\n\r\n" + LAST,
               [b"404", b"200"])
    suite.case("431 for an endless header", answers, host, b"GET / HTTP/1.1\r\nA: " + b"x" * 200_000,
               [b"431"])


# ---- groups ----

@quick
def group_http_zc(suite):
    with serving(suite, "http_zc", figures=copied_nothing) as host:
        http_cases(suite, host, 8 * MB if suite.quick else 100 * MB)


@quick
def group_cached(suite):
    """Bodies that nobody writes: the responses share one object."""
    with serving(suite, "http_zc", "--cached", figures=copied_nothing) as host:
        for size in (*SIZES, 8 * MB):
            suite.case(f"GET {human(size)}", get, host, size, count=3)
        suite.case("200 connections, 256 KB each", get, host, 256 * KB, 200)
        suite.case("50 pipelined requests of 64 KB", get, host, 64 * KB, 1, 50, pipeline=True)
        suite.case("1,000 requests and FIN, answers read slowly", half_closed, host)
        suite.case("HEAD, then GET", answers, host, b"HEAD" + GET[3:] + LAST, [b"200", b"200"])


def group_http_copy(suite):
    with serving(suite, "http_copy") as host:
        http_cases(suite, host, 100 * MB)


@quick
def group_echo(suite):
    with serving(suite, "echo", port=7, figures=copied_nothing) as host:
        for size in SIZES:
            suite.case(f"echo {human(size)}", echo, host, size)
        huge = 8 * MB if suite.quick else 100 * MB
        suite.case(f"echo {human(huge)}", echo, host, huge)
        for n in CONNECTIONS:
            suite.case(f"{n} connections, 64 KB each", echo, host, 64 * KB, n)
        suite.case("a reader that sleeps first", slow_reader, host)


def slow_reader(host):
    """Fills every buffer on the way, then reads: nothing may be lost."""
    with connect(host.kernel, 1, 7)[0] as s:
        sent, idle = 0, 0
        while idle < 20:
            try:
                sent += s.send(lab.pattern(sent, 1 << 18))
                idle = 0
            except BlockingIOError:
                idle += 1
                time.sleep(0.02)
        s.settimeout(PATIENCE)
        s.shutdown(socket.SHUT_WR)
        lab.Reader(s).body(sent)


def group_echo_allocates_nothing(suite):
    for size in (1, 64, KB, 8 * KB):
        with serving(suite, "echo", port=7, figures=allocated_at_most(A_START)) as host:
            suite.case(f"2,000 messages of {human(size)}", ping_pong, host, size, 2000)


def ping_pong(host, size, count, port=7):
    with connect(host.kernel, 1, port)[0] as s:
        s.settimeout(PATIENCE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(count):
            s.sendall(lab.pattern(i, size))
            got = b""
            while len(got) < size:
                got += s.recv(65536)
            expect(got == lab.pattern(i, size), f"message {i} came back wrong")


@contextlib.contextmanager
def proxying(suite, to, figures=copied_nothing):
    with serving(suite, "proxy", "--to", f"{lab.KERNEL_IP}:{to}", port=8080, figures=figures) as host:
        yield host


@contextlib.contextmanager
def kernel_http(suite, host, port=80):
    server = host.start_kernel(host.kernel, [suite.program("kernel_http"), "--port", port],
                               ready_port=port, ready_ip=lab.KERNEL_IP)
    try:
        yield server
    finally:
        server.stop()


@quick
def group_proxy(suite):
    with proxying(suite, 80) as host, kernel_http(suite, host):
        for size in SIZES:
            suite.case(f"GET {human(size)}", get, host, size, count=3, port=8080)
        huge = 8 * MB if suite.quick else 100 * MB
        suite.case(f"GET {human(huge)}", get, host, huge, port=8080)
        for n in CONNECTIONS:
            suite.case(f"{n} connections, 20 x 8 KB each", get, host, 8 * KB, n, 20, port=8080)
        suite.case("wrk 8 KB, 50 connections", wrk, host, 8 * KB, 50, 8080)
    with proxying(suite, 81, figures=None) as host:
        suite.case("nobody upstream: the client is told", no_upstream, host)


def no_upstream(host):
    with connect(host.kernel, 1, 8080)[0] as s:
        s.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            expect(s.recv(100) == b"", "data from nowhere")


def group_proxy_allocates_nothing(suite):
    # What takes several segments is acknowledged before the other side answers: a header buffer each time.
    for size, acks in ((64, 0), (KB, 0), (8 * KB, 3)):
        with proxying(suite, 80, allocated_at_most(2000 * acks + 2 * A_START)) as host, echo_server(host, 80):
            suite.case(f"2,000 messages of {human(size)}", ping_pong, host, size, 2000, 8080)


@contextlib.contextmanager
def echo_server(host, port):
    """A Python echo server in the kernel, one connection at a time."""
    with host.kernel:
        listener = socket.create_server((lab.KERNEL_IP, port))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                with conn, contextlib.suppress(OSError):
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while data := conn.recv(65536):
                        conn.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def group_iperf3(suite):
    # A proxy whose reader is slower than its sender may move small pieces together, for want of memory.
    with proxying(suite, 5201, figures=None) as host:
        server = host.start_kernel(host.kernel, ["iperf3", "-s", "-B", lab.KERNEL_IP])
        time.sleep(0.3)
        for name, options in (("kernel to stack to kernel", []), ("the other way", ["-R"]),
                              ("both ways at once", ["--bidir"]), ("8 streams", ["-P", "8"])):
            suite.case(name, iperf3, host, options)
        server.kill()
        time.sleep(1.5)   # for what it had not read


def iperf3(host, options):
    for _ in range(5):   # its server takes a moment to see the end of the test before
        out = host.kernel.run(["iperf3", "-c", lab.STACK_IP, "-p", "8080", "-t", "2", "-f", "m",
                               *options], timeout=20, check=False)
        if "receiver" in out:
            break
        time.sleep(1)
    for line in out.splitlines():
        if "receiver" in line:
            rate = float(re.search(r"([\d.]+) Mbits/sec", line).group(1))
            expect(rate > 10, f"{rate} Mbit/s")
            return
    raise traffic.Failure(out)


def group_client(suite):
    with lab.Lab() as host, kernel_http(suite, host):
        for size in (*SIZES, 100 * MB):
            suite.case(f"fetches {human(size)}", client, suite, host, size, 1 if size > MB else 20)
        suite.case("fails when nobody listens", client_refused, suite, host)
    with lab.Lab() as host, dribble(host, 80, 3000):
        suite.case("fetches 3000 B sent in small pieces", client, suite, host, 3000, 3)


def client(suite, host, size, count, link=None, mask=None):
    c = host.start(suite.program("client"), "--to", f"{lab.KERNEL_IP}:80", "--size", size,
                   "--count", count, link=link or suite.link, mask=mask)
    try:
        code = c.proc.wait(25)
        expect(code == 0, f"exit {code}: {c.output()[-500:]}")
    finally:
        c.kill()


def client_refused(suite, host):
    c = host.start(suite.program("client"), "--to", f"{lab.KERNEL_IP}:99", link=suite.link)
    try:
        expect(c.proc.wait(10) == 1, "exit code")
        expect("refused" in c.output(), c.output()[-500:])
    finally:
        c.kill()


@contextlib.contextmanager
def dribble(host, port, size):
    """A Python HTTP server that sends its answer in segments of odd sizes."""
    with host.kernel:
        listener = socket.create_server((lab.KERNEL_IP, port))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + lab.pattern(0, size)

    def serve():
        rng = random.Random(1)
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                with conn, contextlib.suppress(OSError):
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    conn.recv(1000)
                    off = 0
                    while off < len(answer):
                        n = rng.randrange(1, 30)
                        conn.sendall(answer[off:off + n])
                        off += n
                    conn.recv(1000)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def group_udp(suite):
    with lab.Lab(ip6=True) as host:
        server = host.start(suite.program("udp_echo"), "--port", "7", link=suite.link)
        suite.case("is up", wait_udp, host, server)
        for size in (0, 1, 64, KB, 1472):
            suite.case(f"echo {size} B", udp, host, size, 20)
        suite.case("bursts of 50", udp_burst, host)
        suite.case("50 datagrams of one UDP_SEGMENT write", udp_burst, host, 50 * 700)
        suite.case("the same over IPv6", udp_burst, host, 50 * 700, lab.STACK_IP6)
        suite.case("a closed port is told by ICMP", udp_refused, host)
        suite.case("udp_echo is alive and ends in order on SIGTERM", finish, server, copied_nothing)
    with lab.Lab(ip6=True) as host:
        server = host.start(suite.program("udp_echo"), "--port", "7", "--segment", "500",
                            link=suite.link)
        suite.case("with segments of 500: is up", wait_udp, host, server)
        suite.case("1,400 B come back as three datagrams", udp_cut, host, 1400, 500)
        suite.case("the same over IPv6", udp_cut, host, 1400, 500, lab.STACK_IP6)
        suite.case("udp_echo is alive and ends in order on SIGTERM", finish, server, copied_nothing)


def datagrams_to(host, ip, port=7):
    with host.kernel:
        s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.connect((ip, port))
    return s


def udp_cut(host, size, segment, ip=lab.STACK_IP):
    with datagrams_to(host, ip) as s:
        for i in range(20):
            data = lab.pattern(i, size)
            s.send(data)
            for at in range(0, size, segment):
                expect(s.recv(65536) == data[at:at + segment], f"datagram {i} is wrong at {at}")


def wait_udp(host, server):
    end = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            return udp(host, 1, 1, 1)
        except OSError:
            expect(server.alive() and time.monotonic() < end, server.output()[-800:])


def udp(host, size, count, timeout=PATIENCE):
    with host.kernel:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with s:
        s.settimeout(timeout)
        s.connect((lab.STACK_IP, 7))
        for i in range(count):
            s.send(lab.pattern(i, size))
            expect(s.recv(65536) == lab.pattern(i, size), f"datagram {i} came back wrong")


def udp_burst(host, at_once=0, ip=lab.STACK_IP):
    """50 datagrams; at_once: bytes of all of them, which the kernel cuts (UDP_SEGMENT)."""
    size = at_once // 50 or 200
    datagrams = [lab.pattern(i, size) for i in range(50)]
    with datagrams_to(host, ip) as s:
        if at_once:
            s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
            s.send(b"".join(datagrams))
        for data in datagrams if not at_once else ():
            s.send(data)
        got = {s.recv(65536) for _ in range(50)}
        expect(got == set(datagrams), "other datagrams came back")


def udp_refused(host):
    with host.kernel:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with s:
        s.settimeout(PATIENCE)
        s.connect((lab.STACK_IP, 999))
        s.send(b"anyone?")
        try:
            s.recv(10)
        except ConnectionRefusedError:
            return
        raise traffic.Failure("no ICMP port unreachable")


@quick
def group_ping(suite):
    with serving(suite, "http_zc", figures=copied_nothing) as host:
        for size in (0, 56, 1472):   # af_packet's driver has the kernel reassemble: see no_configuration
            suite.case(f"ping, {size} B", ping, host, 5, "-s", size)
        suite.case("ping, 100 at once", ping, host, 100)


def ping(host, count, *options, ip=lab.STACK_IP):
    """All at once: ping waits for the last answers as long as its interval, and for two round trips."""
    burst = ["-c", count, "-l", count, "-i", 10]
    out = host.kernel.run(["ping", "-q", *map(str, [*burst, *options]), ip], check=False)
    expect(" 0% packet loss" in out and "corrupted" not in out, out)


@quick
def group_ip6(suite):
    with serving(suite, "http_zc", figures=copied_nothing, ip6=True) as host:
        for size in (0, KB, 64 * KB, MB):
            suite.case(f"curl, IPv6, {human(size)}", curl, host, size, ip=f"[{lab.STACK_IP6}]")
        suite.case("curl, IPv4 at the same listener", curl, host, KB)
        suite.case("ping, 56 B", ping, host, 5, ip=lab.STACK_IP6)
        suite.case("ping, 4,000 B, in fragments", ping, host, 5, "-s", 4000,
                   ip=lab.STACK_IP6)
        suite.case("ping, link-local", ping, host, 3, ip=f"{link_local(host)}%vk")


def link_local(host):
    """The address that the stack makes of its MAC address (RFC 4291 app. A)."""
    out = host.stack.run("ip -o link show dev vs")
    mac = bytes.fromhex(re.search(r"link/ether (\S+)", out).group(1).replace(":", ""))
    words = (mac[0] ^ 2) << 8 | mac[1], mac[2] << 8 | 0xff, 0xfe00 | mac[3], mac[4] << 8 | mac[5]
    return "fe80::" + ":".join(f"{w:x}" for w in words)


def group_mtu(suite):
    for mtu in (576, 9000):
        with serving(suite, "http_zc", figures=copied_nothing, mtu=mtu) as host:
            for size in SIZES:
                suite.case(f"{mtu}: GET {human(size)}", get, host, size, count=3)
            suite.case(f"{mtu}: 50 connections, 10 x 8 KB each", get, host, 8 * KB, 50, 10)
            suite.case(f"{mtu}: GET 32 MiB", get, host, 32 * MB)
            suite.case(f"{mtu}: ping of the MTU", ping, host, 3, "-M", "do",
                       "-s", mtu - 28)
        with serving(suite, "echo", port=7, figures=copied_nothing, mtu=mtu) as host:
            for size in SIZES:
                suite.case(f"{mtu}: echo {human(size)}", echo, host, size)
            suite.case(f"{mtu}: echo 32 MiB", echo, host, 32 * MB)
            suite.case(f"{mtu}: 200 connections, 16 KB each", echo, host, 16 * KB, 200)


# Longest silence that timeouts explain: k losses in a row of what only a timeout repairs cost RTO x (2^k - 1), and on
# a busy machine the RTO is some 0.4 s. Of the thousands of segments below, one loses k times in a row with a chance below one in a
# thousand runs for k = 5, 7 and 9 at these rates (2, 10 and 19 % for a segment and its ACK).
STALL = {percent: 0.4 * (2**k - 1) for percent, k in ((1, 5), (5, 7), (10, 9))}
WITHIN = {1: 40, 5: 80, 10: 220}


def group_loss(suite):
    with serving(suite, "http_zc", figures=copied_nothing, lossy=True) as host:
        suite.case("0 %: GET 1 MiB", get, host, MB)
        for percent, huge in ((1, 100 * MB), (5, 4 * MB), (10, 2 * MB)):
            host.loss(percent)
            how = {"stall": STALL[percent], "within": WITHIN[percent], "limit": WITHIN[percent] + 5}
            for size in (*SIZES, huge):
                suite.case(f"{percent} %: GET {human(size)}", get, host, size, **how)
            suite.case(f"{percent} %: 200 connections, 2 x 8 KB each", get, host, 8 * KB, 200, 2, **how)
        host.loss(0)
    # Small pieces that wait behind a gap may be copied together, for want of receive memory.
    with serving(suite, "echo", port=7, lossy=True) as host:
        for percent, huge in ((1, 32 * MB), (5, 4 * MB), (10, 2 * MB)):
            host.loss(percent)
            how = {"stall": STALL[percent], "within": WITHIN[percent], "limit": WITHIN[percent] + 5}
            for size in (*SIZES, huge):
                suite.case(f"{percent} %: echo {human(size)}", echo, host, size, **how)
            suite.case(f"{percent} %: 50 connections, 16 KB each", echo, host, 16 * KB, 50, **how)
        host.loss(0)


@quick
def group_exhausted(suite):
    """Next to no buffers, 200 connections, readers that do not read: windows close, and all goes on later."""
    few = "pkt_bufs=512\nhdr_bufs=512\nbig_bufs=64\nrx_descs=64\ntx_descs=64\n"
    for name, port, make in (("http_zc", 80, lambda s: Http(s, 64 * KB)),
                             ("http_copy", 80, lambda s: Http(s, 64 * KB)),
                             ("echo", 7, lambda s: Echo(s, 64 * KB))):
        with serving(suite, name, port=port, dpdk=few) as host:
            suite.case(f"{name}: 200 slow readers of 64 KB", sleepy_readers, host, port, make)


def sleepy_readers(host, port, make):
    streams = [make(s) for s in connect(host.kernel, 200, port, rcvbuf=4 * KB)]
    for s in streams:
        with contextlib.suppress(BlockingIOError):
            s.on_write()
    time.sleep(1)
    traffic.run(streams, 45)


@quick
def group_harm(suite):
    with serving(suite, "http_zc", figures=copied_nothing) as host:
        for name, fn in (("a closed port refuses at once", refused),
                         ("a scan of 2,000 ports", scan),
                         ("20 clients killed in a download", killed_client),
                         ("10 peers vanish without a word", half_open),
                         ("10,000 frames of garbage", garbage)):
            suite.case(name, fn, host)
            suite.case(f"it serves on after {name}", get, host, 100 * KB, 10)


@quick
def group_syn_flood(suite):
    with lab.Lab() as host:
        server = host.start(suite.program("http_zc"), link=suite.link, ready_port=80)
        suite.case("200 SYNs from nowhere", syn_flood, host)
        suite.case("it serves on", get, host, 100 * KB, 10)
        suite.case("it ends in order", server.stop)   # answers may still wait for a neighbour


def refused(host):
    with host.kernel:
        s = socket.socket()
    with s:
        s.settimeout(PATIENCE)
        expect(s.connect_ex((lab.STACK_IP, 4444)) == 111, "not refused")


def scan(host):
    with host.kernel:
        socks = [socket.socket() for _ in range(2000)]
    ports = random.Random(1).sample(range(100, 65536), len(socks))
    open_ports = 0
    for s, port in zip(socks, ports):
        with s:
            s.settimeout(PATIENCE)
            open_ports += s.connect_ex((lab.STACK_IP, port)) != 111
    expect(open_ports == 0, f"{open_ports} ports did not refuse")


def syn_flood(host):
    rng = random.Random(2)
    mac = traffic.neighbour_mac(host.kernel)
    traffic.send_frames(host.kernel, "vk", mac, (
        (0x0800, traffic.tcp(rng.randrange(1024, 65536), 80, rng.getrandbits(32), 0, 2,
                             src=f"10.18.0.{rng.randrange(3, 250)}")) for _ in range(200)))


def killed_client(host):
    clients = [host.kernel.popen(["curl", "-s", "-o", "/dev/null", "--limit-rate", "100k",
                                  f"http://{lab.STACK_IP}/{50 * MB}"]) for _ in range(20)]
    time.sleep(0.5)
    for c in clients:
        c.kill()
        c.wait()


def half_open(host):
    """Peers vanish without a word; when they are back they know nothing and must be left in peace."""
    socks = connect(host.kernel, 10)
    for s in socks:
        s.sendall(b"GET /50000000 HTTP/1.1\r\n\r\n")
    time.sleep(0.1)
    host.kernel.nft("""table inet half_open {
        chain in { type filter hook input priority 0; tcp sport 80 drop; }
        chain out { type filter hook output priority 0; tcp dport 80 drop; }
        }""")
    try:
        for s in socks:   # an abortive close: its RST is dropped, the kernel forgets the connection
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        time.sleep(0.5)
    finally:
        host.kernel.nft("delete table inet half_open\n")


def garbage(host):
    mac = traffic.neighbour_mac(host.kernel)
    host.kernel.run(["ip", "neigh", "replace", lab.STACK_IP, "lladdr", mac.hex(":"), "dev", "vk"])
    sent = traffic.send_frames(host.kernel, "vk", mac, traffic.garbage_frames(3, 10_000))
    expect(sent > 5000, f"only {sent} sent")


@quick
def group_shutdown(suite):
    for sig in (signal.SIGINT, signal.SIGTERM):
        for name, port in (("http_zc", 80), ("http_copy", 80), ("echo", 7)):
            with lab.Lab() as host:
                server = host.start(suite.program(name), "--port", port, link=suite.link,
                                    ready_port=port)
                suite.case(f"{name}, {sig.name}, 10 connections open", shut_down, host, server, port,
                           sig)


def shut_down(host, server, port, sig):
    socks = connect(host.kernel, 10, port)
    time.sleep(0.1)
    start = time.monotonic()
    expect(server.stop(sig), "no line of statistics")
    expect(time.monotonic() - start < 9, f"it took {time.monotonic() - start:.1f} s")
    for s in socks:
        with s, contextlib.suppress(ConnectionResetError):
            s.settimeout(PATIENCE)
            expect(s.recv(10) == b"", "data from nowhere")


@quick
def group_no_configuration(suite):
    """As a newcomer starts it: a tap device zs0 in the namespace, 10.18.0.1 on the kernel's side."""
    with lab.Lab() as host:
        host.kernel.run("ip link del vk")
        server = host.start_kernel(host.kernel, [suite.program("http_zc")], ready_port=80)
        suite.case("zs0 is there", host.kernel.run, "ip link show zs0")
        suite.case("with no rights but those of a user namespace", in_user_namespace, host, suite.program("echo"))
        suite.case("a second program is refused it", zs0_in_use, host, suite.program("echo"))
        suite.case("a CPU that is not there is named in one line", no_such_cpu, host, suite.program("echo"))
        for size in (0, 64, 8 * KB, MB):
            suite.case(f"GET {human(size)}", get, host, size)
        suite.case("curl 1 MiB", curl, host, MB)
        suite.case("wrk 1 KB, 10 connections", wrk, host, KB, 10)
        suite.case("wrk 8 KB, 900 connections: no packet finds the queue full", no_overflow, host)
        for size in (56, 1473, 4000, 20_000, 65_507):   # in fragments, both ways
            suite.case(f"ping, {size} B", ping, host, 3, "-s", size)
        suite.case("http_zc is alive and ends in order on SIGTERM", finish, server, copied_nothing)
        suite.case("zs0 is gone", gone, host)
        suite.case("of two programs that start at once one is refused it", zs0_at_once, host, suite.program("echo"))
        server = host.start_kernel(host.kernel, [suite.program("udp_echo")])
        suite.case("udp_echo is up", wait_udp, host, server)
        for size in (1472, 1473, 4000, 20_000):
            suite.case(f"UDP echo {size} B", udp, host, size, 20)
        suite.case("udp_echo is alive and ends in order on SIGTERM", finish, server)


def in_user_namespace(host, program):
    out = host.kernel.run(["timeout", "3", "unshare", "-rn", program], check=False)
    expect("echo: messages=0" in out, out)


def zs0_in_use(host, program):
    out = host.kernel.run(["timeout", "5", program], check=False)
    expect("zs0 is in use" in out, out)


def zs0_at_once(host, program):
    both = [host.kernel.popen(["timeout", "5", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)]
    out = [p.communicate(timeout=30)[0] for p in both]
    expect(sum("zs0 is in use" in o for o in out) == 1, out)


def no_such_cpu(host, program):
    ini = os.path.join(host.dir, "cpu.ini")
    with open(ini, "w") as f:
        f.write("[dpdk]\nlcore_mask=8000000000000000\n")
    out = host.kernel.run(["timeout", "5", program, "--conf", ini], check=False)
    expect("CPU 63 is not there" in out and out.count("\n") == 1, out[:300])


def no_overflow(host):
    wrk(host, 8 * KB, 900)
    zs0 = re.search("zs0:(.*)", host.kernel.run("cat /proc/net/dev")).group(1).split()
    expect(zs0[11] == "0", f"{zs0[11]} packets lost on the way to the stack")


def gone(host):
    out = host.kernel.run("ip link show", check=False)
    expect("zs0" not in out, out)


# ---- many cores ----

CORES = 0b11


def shared(figures):
    """Both stacks had their part; nothing was copied or lost on the way between them."""
    for core in (0, 1):
        expect(figures[f"done{core}"] > 0, f"core {core} did nothing: {figures}")
    on_the_way = figures["handed_over"] - figures["taken_over"]   # when the signal came
    expect(0 <= on_the_way < 10, f"packets are lost: {figures}")
    expect("drop_handover_full" not in figures, f"rings ran over: {figures}")


def shared_accepts(figures):
    shared(figures)
    for core in (0, 1):
        expect(figures[f"accepted{core}"] > 20, f"core {core} accepted few: {figures}")


def one_queue(figures):
    shared_accepts(figures)
    expect(figures["handed_over"] > 0, "nothing was handed over")


@contextlib.contextmanager
def serving_cores(suite, name, *args, link="af_packet", figures=shared_accepts, port=80, **kw):
    with lab.Lab() as host:
        server = host.start(suite.program(name), "--port", port, *args, link=link, mask=CORES, **kw)
        yield host
        suite.case(f"{name} is alive and ends in order on SIGTERM", finish, server, figures)


@quick
def group_cores(suite):
    """Two stacks in one process, by software from one queue and by the kernel from two."""
    for link, figures in (("af_packet", one_queue), ("af_packet2", shared_accepts)):
        with serving_cores(suite, "http_zc", link=link, ready_port=80, figures=figures) as host:
            suite.case(f"{link}: 200 connections, 8 KB each", get, host, 8 * KB, 200)
            suite.case(f"{link}: 50 connections, 20 x 8 KB each", get, host, 8 * KB, 50, 20)
            suite.case(f"{link}: 1 MiB", get, host, MB)
            suite.case(f"{link}: ping in fragments", ping, host, 3, "-s", 1800)
        with serving_cores(suite, "proxy", "--to", f"{lab.KERNEL_IP}:80", link=link, port=8080,
                           ready_port=8080, figures=shared) as host, kernel_http(suite, host):
            suite.case(f"{link}: both connect to the kernel", get, host, 8 * KB, 100, 3, port=8080)
    with serving_cores(suite, "http_copy", ready_port=80) as host:
        suite.case("http_copy: 200 connections, 8 KB each", get, host, 8 * KB, 200)
    with serving_cores(suite, "echo", ready_port=7, port=7) as host:
        suite.case("echo: 200 connections, 8 KB each", echo, host, 8 * KB, 200)
        suite.case("a closed port is refused", refused, host)


def group_cores_udp(suite):
    for link in ("af_packet", "af_packet2"):
        with lab.Lab() as host:
            server = host.start(suite.program("udp_echo"), "--port", "7", link=link, mask=CORES)
            suite.case(f"{link}: is up", wait_udp, host, server)
            suite.case(f"{link}: 50 clients", udp_clients, host, 50)
            suite.case(f"{link}: a closed port is told by ICMP", udp_refused, host)
            suite.case("udp_echo is alive and ends in order on SIGTERM", finish, server, shared)


def udp_clients(host, n):
    for _ in range(n):
        udp(host, 100, 2)


def group_cores_end(suite):
    """SIGTERM with connections open: each hears the end of the stream from its own stack."""
    with lab.Lab() as host:
        server = host.start(suite.program("echo"), "--port", 7, mask=CORES, ready_port=7)
        suite.case("60 open connections end with FIN", fin_to_all, host, server, 60)


def fin_to_all(host, server, n):
    socks = connect(host.kernel, n, 7)
    for s in socks:
        s.settimeout(PATIENCE)
        s.sendall(b"x")
        expect(s.recv(10) == b"x", "no echo")
    shared_accepts(server.stop())
    for s in socks:
        expect(s.recv(10) == b"", "no end of stream")
        s.close()


def group_cores_stop(suite):
    """However one core ends it, all end, and the process in order."""
    for how in ("stop0", "stop1", "exit0"):
        with lab.Lab() as host:
            server = host.start(os.path.join(suite.build, "tests", "e2e", "stopper"), how, mask=CORES)
            suite.case(how, ends_by_itself, server)


def ends_by_itself(server):
    code = server.proc.wait(20)
    expect(code == 0 and "cores=2 at_end=1" in server.output(), f"{code}: {server.output()}")


def group_cores_without_run(suite):
    """A program that never calls ff_run gets everything on its one thread, whatever the queue."""
    for link in ("af_packet", "af_packet2"):
        with lab.Lab() as host, kernel_http(suite, host):
            suite.case(f"{link}: 20 x 8 KB", client, suite, host, 8 * KB, 20, link, CORES)


def group_cores_tap(suite):
    """The device that needs no configuration has a queue for each core."""
    with lab.Lab() as host:
        with open(os.path.join(host.dir, "cores.ini"), "w") as f:
            f.write(f"[dpdk]\nlcore_mask={CORES:x}\n")
        host.kernel.run("ip link del vk")
        server = host.start_kernel(host.kernel, [suite.program("http_zc"), "--conf", f.name],
                                   ready_port=80)
        suite.case("200 connections, 8 KB each", get, host, 8 * KB, 200)
        suite.case("http_zc is alive and ends in order on SIGTERM", finish, server, shared_accepts)
        suite.case("zs0 is gone", gone, host)


def nothing_lost(host):
    """A lost request would wait for the timeout of its sender, 200 ms."""
    wrk(host, 8 * KB, 200)
    lost = re.search(r"rx_queue_0_drops: (\d+)", host.stack.run(["ethtool", "-S", "vs"]))
    expect(int(lost.group(1)) == 0, f"{lost.group(1)} packets lost at the device")


def group_af_xdp(suite):
    """The link of the demo."""
    if suite.link == "af_xdp":
        return
    with lab.Lab() as host:
        server = host.start(suite.program("http_zc"), link="af_xdp", ready_port=80)
        for size in SIZES:
            suite.case(f"GET {human(size)}", get, host, size)
        suite.case("200 connections, 10 x 8 KB each", get, host, 8 * KB, 200, 10)
        suite.case("wrk 64 B, 50 connections", wrk, host, 64, 50)
        suite.case("wrk 8 KB, 200 connections: no packet finds its ring full", nothing_lost, host)
        suite.case("http_zc is alive and ends in order on SIGTERM", finish, server, copied_nothing)


# ---- the load generator, as the client of servers in the kernel ----

@quick
def group_zload(suite):
    with lab.Lab() as host, kernel_http(suite, host):
        for name, fn in (("closed loop, every body right", zload_closed),
                         ("a rate is kept", zload_rate),
                         ("a low rate measures the server, not the sleep of zload", zload_prompt),
                         ("a connection per request", zload_close),
                         ("a connection per request at a fixed rate", zload_rate_close),
                         ("-n ends it, 8 requests under way", zload_count),
                         ("warm-up is not measured", zload_warmup),
                         ("JSON has standard output to itself", zload_stdout),
                         ("figures that nobody gets are told of", zload_full),
                         ("404 alone is no service", zload_not_found),
                         ("nobody listens", zload_refused),
                         ("nobody is there", zload_nobody),
                         ("bad arguments", zload_usage)):
            suite.case(name, fn, suite, host)
    with lab.Lab() as host:
        for name, fn in (("chunked bodies", zload_chunked),
                         ("bodies until the connection ends", zload_until_close),
                         ("a wrong byte is found", zload_wrong),
                         ("a wrong byte behind the first response is found on demand", zload_wrong_later),
                         ("a server that falls silent", zload_silent),
                         ("connections that are reset are opened again", zload_reset),
                         ("a reset behind the answer loses no request", zload_reset_after),
                         ("all that comes before an error counts as received", zload_bytes),
                         ("this is not HTTP", zload_not_http)):
            suite.case(name, fn, suite, host)
    with lab.Lab() as host:
        host.kernel.run("ip link del vk")
        suite.case("without any configuration", zload_newcomer, suite, host)


def zload(suite, host, path, *args, code=0, port=80, ip=lab.KERNEL_IP):
    """Runs it to its end, which must be this exit code; returns what it says as JSON."""
    out = os.path.join(host.dir, "zload.json")
    z = host.start(suite.tool("zload"), "--json", out, *args, f"http://{ip}:{port}{path}", link=suite.link)
    try:
        got = z.proc.wait(25)
        said = z.output()
        expect(got == code, f"exit {got} instead of {code}: {said[-900:]}")
    finally:
        z.kill()
    with open(out) as f:
        result = {**json.load(f), "said": said}
    expect(sum(n for _, n in result["histogram"]) == result["requests"], "histogram and requests differ")
    return result


def errors(result):
    return {k: n for k, n in result["errors"].items() if n}


def in_order(result):
    expect(not errors(result) and result["requests_lost"] == 0, f"errors: {errors(result)}")
    expect(set(result["statuses"]) == {"200"}, result["statuses"])
    expect(result["requests"] > 20, f"only {result['requests']} requests")
    return result


def zload_closed(suite, host):
    r = in_order(zload(suite, host, "/5000", "-c", 5, "-d", 1.3, "--verify", "pattern"))
    expect(len(r["series"]) == 2 and sum(s["requests"] for s in r["series"]) == r["requests"], r["series"])
    ns = r["latency_ns"]
    expect(0 < ns["min"] <= ns["p50"] <= ns["p99"] <= ns["max"] < 5e9, ns)
    # one request is under way on each connection: Little's law
    under_way = r["requests_per_second"] * ns["mean"] / 1e9
    expect(4 < under_way < 5.1, f"{under_way:.2f} requests under way")
    expect(0 < r["median_window"] <= r["best_window"], r["best_window"])
    expect(0 < r["busy"] <= 1, r["busy"])


def keeps_rate(suite, host, rate, *args):
    """Never more than asked for, and that much when the machine does not stand still: in one of three tries."""
    for _ in range(3):
        got = in_order(zload(suite, host, "/64", "-c", 5, "-R", rate, *args))["requests_per_second"]
        expect(got <= 1.05 * rate, f"{got} requests/s")
        if got >= 0.85 * rate:
            return
    expect(False, f"{got} requests/s")


def zload_rate(suite, host):
    keeps_rate(suite, host, 400, "-d", 3)


def zload_prompt(suite, host):
    """Between two requests nothing happens for 50 ms: what is late then is not the server's fault, nor zload's."""
    r = in_order(zload(suite, host, "/64", "-c", 1, "-R", 20, "-d", 2))
    expect(r["latency_ns"]["p50"] < 1.5e6, r["latency_ns"])


def zload_rate_close(suite, host):
    keeps_rate(suite, host, 200, "--close", "-d", 2)


def zload_close(suite, host):
    r = in_order(zload(suite, host, "/64", "--close", "-c", 5, "-n", 300, "--verify", "pattern"))
    expect(r["requests"] == 300, r["requests"])


def zload_count(suite, host):
    r = in_order(zload(suite, host, "/64", "-c", 3, "-p", 8, "-n", 2000, "--verify", "pattern"))
    expect(r["requests"] == 2000, r["requests"])


def zload_warmup(suite, host):
    start = time.monotonic()
    r = in_order(zload(suite, host, "/64", "--warmup", 1, "-d", 0.5))
    expect(time.monotonic() - start > 1.5 and 0.45 < r["seconds"] < 1.4, f"{r['seconds']} s measured")


def zload_stdout(suite, host):
    z = host.stack.popen([suite.tool("zload"), "--conf", host.config(lab.server_core(), ""), "--json", "-",
                          "-n", "10", f"http://{lab.KERNEL_IP}/"],
                         env=dict(os.environ, ZSTACK_EAL_ARGS=host.eal_args(suite.link)),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = z.communicate(timeout=25)
    expect(json.loads(out)["requests"] == 10 and b"requests" in err, err)


def zload_full(suite, host):
    """A full disk."""
    for more in ("--help", "--json", "-d"):
        with open("/dev/full", "w") as full:
            z = host.stack.popen([suite.tool("zload"), "--conf", host.config(lab.server_core(), ""), "-n", "10", more,
                                  *(["/dev/full"] if more == "--json" else ["5"] if more == "-d" else []),
                                  f"http://{lab.KERNEL_IP}/"],
                                 env=dict(os.environ, ZSTACK_EAL_ARGS=host.eal_args(suite.link)),
                                 stdout=full, stderr=subprocess.PIPE)
            _, err = z.communicate(timeout=25)
        expect(z.returncode == 1 and b": No space left on device\n" in err, f"{more}: {z.returncode}: {err}")


def zload_not_found(suite, host):
    r = zload(suite, host, "/nothing", "-n", 5, code=1)
    expect(r["statuses"] == {"404": 5}, r["statuses"])


def zload_refused(suite, host):
    r = zload(suite, host, "/", "-d", 0.5, code=1, port=99)
    expect(r["errors"]["connect"] > 10 and r["requests"] == 0, r["errors"])
    r = zload(suite, host, "/", "-n", 30, code=1, port=99)
    expect(r["requests_lost"] == 30, r["requests_lost"])
    expect("connect 30 (Connection refused)" in r["said"], r["said"])


def zload_nobody(suite, host):
    r = zload(suite, host, "/", "-c", 2, "-d", 3, "--timeout", 0.5, code=1, ip="10.18.0.77")
    expect(r["errors"]["connect"] + r["errors"]["timeout"] >= 2, r["errors"])


def zload_usage(suite, host):
    for args in ([], ["-c", "0", "http://1.2.3.4/"], ["http://example.org/"], ["--what", "http://1.2.3.4/"]):
        z = host.start(suite.tool("zload"), *args, link=suite.link)
        expect(z.proc.wait(5) == 2 and "zload: " in z.output(), z.output())
        z.kill()
    z = host.start(suite.tool("zload"), "--json", "/nowhere/x", "http://1.2.3.4/", link=suite.link)
    expect(z.proc.wait(5) == 1 and "zload: /nowhere/x: " in z.output(), z.output())   # measures nothing first
    z.kill()


def zload_newcomer(suite, host):
    """The tap device zs0 comes with it; the server was there before."""
    server = host.start_kernel(host.kernel, [suite.program("kernel_http")], ready_port=80,
                               ready_ip="127.0.0.1")
    out = host.kernel.run([suite.tool("zload"), "-d", "2", f"http://{lab.KERNEL_IP}/1000"])
    expect(" 200: " in out and re.search(r"errors +0", out), out)
    server.stop()


@contextlib.contextmanager
def answering(host, answer, port=80):
    """A server in the kernel: answer(n) is what it sends to the n-th request (from 0) of a connection, and
    whether it closes then."""
    with host.kernel:
        listener = socket.create_server((lab.KERNEL_IP, port))

    def talk_to(conn):
        with conn, contextlib.suppress(OSError):
            n, got = 0, b""
            while data := conn.recv(65536):
                got += data
                while b"\r\n\r\n" in got:
                    got = got.split(b"\r\n\r\n", 1)[1]
                    out, close = answer(n)
                    conn.sendall(out)
                    n += 1
                    if close == "reset":
                        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if close:
                        return

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk_to, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def fixed(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def in_chunks(body):
    rng = random.Random(len(body))
    out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while body:
        n = rng.randrange(1, 700)
        out += b"%x\r\n%b\r\n" % (len(body[:n]), body[:n])
        body = body[n:]
    return out + b"0\r\n\r\n"


def zload_chunked(suite, host):
    with answering(host, lambda n: (in_chunks(lab.pattern(0, 3000 + n)), False)):
        r = in_order(zload(suite, host, "/", "-c", 3, "-p", 2, "-n", 200, "--verify", "pattern"))
    expect(r["requests"] == 200 and r["reopened"] == 0, r["reopened"])


def zload_until_close(suite, host):
    with answering(host, lambda n: (b"HTTP/1.0 200 OK\r\n\r\n" + lab.pattern(0, 5000), True)):
        r = in_order(zload(suite, host, "/", "-c", 3, "-n", 60, "--verify", "pattern"))
    expect(r["requests"] == 60 and 57 <= r["reopened"] <= 60, r["reopened"])


def zload_bytes(suite, host):
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900\r\n\r\n" + bytes(900)
    with answering(host, lambda n: (answer, True)):   # the others of four under way are lost
        r = zload(suite, host, "/", "-c", 1, "-p", 4, "-n", 40)
    expect(r["requests"] == 10 and errors(r) == {"closed": 10}, r["errors"])
    expect(r["bytes"] == 10 * len(answer), r["bytes"])


def zload_wrong(suite, host):
    body = lab.pattern(0, 2999) + b"!"
    with answering(host, lambda n: (fixed(body), False)):
        for what in ("first", "pattern"):
            r = zload(suite, host, "/", "-c", 2, "-n", 10, "--verify", what, code=1)
            expect(errors(r) == {"body": 10}, r["errors"])
        in_order(zload(suite, host, "/", "-c", 2, "-n", 30))


def zload_wrong_later(suite, host):
    right, wrong = fixed(lab.pattern(0, 100)), fixed(lab.pattern(1, 100))
    with answering(host, lambda n: (wrong if n == 10 else right, False)):
        in_order(zload(suite, host, "/", "-c", 1, "-n", 30, "--verify", "first"))
        r = zload(suite, host, "/", "-c", 1, "-n", 30, "--verify", "pattern", code=1)
    expect(errors(r) == {"body": 2}, r["errors"])


def zload_silent(suite, host):
    with answering(host, lambda n: (fixed(b"") if n < 5 else b"HTTP/1.1 200", False)):
        r = zload(suite, host, "/", "-c", 1, "-d", 2, "--timeout", 0.4)
    expect(set(errors(r)) == {"timeout"} and 2 <= r["errors"]["timeout"] <= 5, r["errors"])
    expect(r["requests_lost"] == r["errors"]["timeout"], r["requests_lost"])


def zload_reset(suite, host):
    with answering(host, lambda n: (fixed(b""), False) if n < 5 else (b"", "reset")):
        r = zload(suite, host, "/", "-c", 2, "-n", 60)
    # every sixth request of a connection is reset: 10 of 60, one less where the two did not share them in sixes
    resets = errors(r).pop("reset", 0)
    expect(errors(r) == {"reset": resets} and resets in (9, 10), r["errors"])
    expect(r["requests"] == 60 - resets, (r["errors"], r["requests"]))


def zload_reset_after(suite, host):
    with answering(host, lambda n: (fixed(b""), "reset")):
        r = in_order(zload(suite, host, "/", "--close", "-c", 3, "-n", 60))
        expect(r["requests"] == 60, r["requests"])
        r = zload(suite, host, "/", "-c", 3, "-R", 50, "-n", 30)
    # the next request comes 20 ms later: a server that was held up in between may reset it
    expect(r["requests"] >= 27, (r["errors"], r["requests"], r["requests_lost"]))


def zload_not_http(suite, host):
    with answering(host, lambda n: (b"SSH-2.0-nothing\r\n", False)):
        r = zload(suite, host, "/", "-n", 5, code=1)
    expect(errors(r) == {"response": 5}, r["errors"])
