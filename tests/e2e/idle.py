# SPDX-License-Identifier: BSD-3-Clause
"""What the stack does when there is nothing to do: it sleeps, and is there when it is wanted."""
import contextlib
import os
import resource
import signal
import statistics
import time

import lab
from cases import CORES, finish, wrk
from traffic import connect, expect

GET = b"GET /64 HTTP/1.1\r\nHost: z\r\n\r\n"
LINKS = ("tap", "af_packet")   # with receive interrupts, and with a socket that serves as one


def program(suite, name):
    folder = "examples" if name in ("http_zc", "http_copy") else "tests/e2e"
    return os.path.join(suite.build, folder, name)


@contextlib.contextmanager
def running(suite, name, link, idle, mask=None, ready_port=80):
    """One of our programs in a lab, over the tap device or the lab's veth."""
    with lab.Lab() as host:
        dpdk = f"idle={idle}"
        if link != "tap":
            yield host, host.start(program(suite, name), link=link, dpdk=dpdk, mask=mask,
                                   ready_port=ready_port)
            return
        host.kernel.run("ip link del vk")
        path = os.path.join(host.dir, "tap.ini")
        with open(path, "w") as f:
            f.write(f"[dpdk]\nlcore_mask={mask or 1 << lab.server_core():x}\n{dpdk}\n")
        yield host, host.start_kernel(host.kernel, [program(suite, name), "--conf", path],
                                      ready_port=ready_port)


def many_files(n):
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))


def used(server, seconds):
    """Share of a core."""
    before, start = server.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / (time.monotonic() - start)


def quietest(server, seconds=3):
    """Share of a core in the best of three looks: a crowded machine may have a bad moment."""
    return min(used(server, seconds / 3) for _ in range(3))


def uses_at_most(server, share):
    best = quietest(server)
    expect(best <= share, f"{best * 100:.1f} % of a core")


@contextlib.contextmanager
def idle_connections(host, n):
    many_files(n + 200)
    socks = connect(host.kernel, n)
    time.sleep(0.5)
    yield
    for s in socks:
        s.close()


def uses_little_for(host, server, n, share):
    with idle_connections(host, n):
        uses_at_most(server, share)


def without_interface(host, server, share):
    """It goes down, which the kernel tells of until it is heard, and up again."""
    with blocking(host)[0] as s:
        host.stack.run("ip link set vs down")
        uses_at_most(server, share)
        host.stack.run("ip link set vs up")
        ask(s)
        uses_at_most(server, share)
        ask(s)


def ask(sock):
    """Seconds until the answer to a small request."""
    start = time.monotonic()
    sock.sendall(GET)
    expect(sock.recv(4096), "no answer")
    return time.monotonic() - start


def blocking(host, n=1):
    socks = connect(host.kernel, n)
    for s in socks:
        s.settimeout(20)
    return socks


def late_after_idle(host, n, idle_s):
    """The median time of n requests, each after a time of silence."""
    with blocking(host)[0] as s:
        times = []
        for _ in range(n):
            time.sleep(idle_s)
            times.append(ask(s))
    return statistics.median(times)


def late_beside_poll(suite, link, idle_s, times):
    """
    How many us later the first request after a silence is answered than by a server that polls, the median of pairs:
    one of the two is stopped while the other is asked, and both have the same machine. And the figures of both.
    """
    with running(suite, "http_zc", link, "poll") as (a, polls), \
            running(suite, "http_zc", link, "adaptive") as (b, sleeps):
        socks = blocking(a) + blocking(b)
        differences = []
        for _ in range(times):
            took = []
            for server, sock in zip((polls, sleeps), socks):
                server.proc.send_signal(signal.SIGCONT)
                time.sleep(idle_s)
                took.append(ask(sock))
                server.proc.send_signal(signal.SIGSTOP)
            differences.append((took[1] - took[0]) * 1e6)
        for server in (polls, sleeps):
            server.proc.send_signal(signal.SIGCONT)
        for s in socks:
            s.close()
        return statistics.median(differences), sleeps.stop(), polls.stop()


def first_request(suite, link, idle_s, times, extra_us):
    late, sleeps, polls = late_beside_poll(suite, link, idle_s, times)
    if suite.verbose:
        print(f"# {link}: {late:.0f} us later", flush=True)
    expect(late <= extra_us, f"{late:.0f} us later than the one that polls")
    expect(sleeps["sleeps"] > times and sleeps["wakes_packet"] >= times / 2, sleeps)
    expect(polls["sleeps"] == 0, "poll slept")


def answers_soon(host, n, idle_s, within):
    """
    Three quarters of the answers, on connections to all cores, after a time of silence. One core that
    does not wake makes half of them late, by half of its sleep.
    """
    socks, times = blocking(host, n), []
    for s in socks:
        time.sleep(idle_s)
        times.append(ask(s))
        s.close()
    late = sorted(times)[n * 3 // 4]
    expect(late < within, f"{late * 1e3:.1f} ms")


def on_time(server, sleeps):
    """A timer of 10 ms: the machine may be crowded, but now and then it is not a millisecond off, as it would
    be if sleeps did not end for it."""
    expect(server.proc.wait(60) == 0, server.output())
    figures = server.figures(server.output())
    expect(figures["off_tenth"] < 1000, figures)
    expect(figures["sleeps"] > 100 if sleeps else figures["sleeps"] == 0, figures)


def ends_soon(server, within):
    time.sleep(0.5)
    start = time.monotonic()
    server.stop()
    expect(time.monotonic() - start < within, f"it took {time.monotonic() - start:.2f} s")


def under_load(host, server, start):
    """A client that is slow leaves time for sleep, but it never comes at once: 50 us of polling go before it."""
    wrk(host, 64, 50)
    figures = server.stop()
    polled = (figures["awake"] - figures["busy"]) * (time.monotonic() - start)
    expect(figures["requests"] > 300, figures)
    expect(polled > figures["sleeps"] * 25e-6, f"{polled:.3f} s of polling: {figures}")


# ---- groups ----

def group_idle_uses_nothing(suite):
    for link in LINKS:
        for mode in ("adaptive", "powersave"):
            with running(suite, "http_zc", link, mode) as (host, server):
                suite.case(f"{link}, {mode}: 1,000 idle connections", uses_little_for, host, server,
                           1000, 0.05)
                if link != "tap":
                    suite.case(f"{link}, {mode}: its interface goes down and up", without_interface, host,
                               server, 0.05)
                suite.case(f"{link}, {mode}: http_zc ends in order on SIGTERM", finish, server)


def group_idle_latency(suite):
    for link in (*LINKS, "af_xdp"):
        suite.case(f"{link}: first request after a silence, beside poll", first_request, suite, link, 0.2, 20,
                   500)


def group_idle_load(suite):
    start = time.monotonic()
    with running(suite, "http_zc", "af_packet", "adaptive") as (host, server):
        suite.case("af_packet: sleeps under load are late", under_load, host, server, start)


def group_idle_timers(suite):
    for link in LINKS:
        for mode in ("adaptive", "powersave", "poll"):
            with running(suite, "sleeper", link, mode, ready_port=None) as (_, server):
                suite.case(f"{link}, {mode}: a timer of 10 ms", on_time, server, mode != "poll")


def group_idle_signal(suite):
    for mask in (None, CORES):
        with running(suite, "http_zc", "tap", "powersave", mask) as (_, server):
            suite.case(f"SIGTERM wakes {'two cores' if mask else 'one'}", ends_soon, server, 6)


def group_idle_cores(suite):
    """In powersave a core that nobody wakes sleeps for 100 ms."""
    for link in LINKS:
        with running(suite, "http_zc", link, "powersave", CORES) as (host, server):
            suite.case(f"{link}: both cores wake for a packet", answers_soon, host, 40, 0.1, 0.04)
            suite.case(f"{link}: http_zc ends in order on SIGTERM", finish, server)


def group_own_loop(suite):
    """A program that waits in the kernel's epoll."""
    for link in LINKS:
        with running(suite, "own_loop", link, "adaptive") as (host, server):
            suite.case(f"{link}: 20 connections", answers_soon, host, 20, 0.1, 0.04)
            suite.case(f"{link}: wrk, 20 connections", wrk, host, 64, 20)
            suite.case(f"{link}: uses next to nothing when idle", uses_at_most, server, 0.05)
            suite.case(f"{link}: it ends in order on SIGTERM", ends_soon, server, 6)
