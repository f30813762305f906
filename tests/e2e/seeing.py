# SPDX-License-Identifier: BSD-3-Clause
"""The tool zstack against running servers, and what it says beside what the kernel says of the same
connections. Run by run.py."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import types

import lab
from cases import KB, MB, quick, serving
from tool import TOOL, ask, pid_of, run_tool
from traffic import connect, expect

COMMANDS = (["ss", "-tiapnm"], ["ss", "-s"], ["ss", "-a", "sport", "80"], ["arp"], ["arp", "-c"], ["ndp"], ["route"],
            ["if", "-s"], ["stats", "-a"], ["stats", "--core", "0"], ["bufs", "-c"], ["top", "-b", "-n1", "-d0.2"],
            ["pcap", "status"], ["set"], ["set", "cc"], ["prometheus"], ["ls"])


# ---- the kernel's own view ----

def kernel_ss(ns):
    """By port: state, queues and the figures of ss -i."""
    found = {}
    for line in ns.run(["ss", "-HtinO"]).splitlines():
        word = line.split()
        info = dict(re.findall(r"(\w+):([\d.,/]+)", " ".join(word[5:])))
        found[int(word[3].rsplit(":", 1)[1])] = {"state": word[0], "recv_q": int(word[1]),
                                                 "send_q": int(word[2]), "words": word, **info}
    return found


def ours(server):
    return {c["peer_port"]: c for c in ask(server, "ss", "-t") if c["state"] != "LISTEN"}


def number(k, name):
    return int(k.get(name, 0))


def same(port, o, k):
    words = {"ESTABLISHED": "ESTAB", "CLOSE-WAIT": "FIN-WAIT-2", "FIN-WAIT-2": "CLOSE-WAIT"}
    checks = {
        "state": (words.get(o["state"]), k["state"]),
        "bytes that we sent": (o["bytes_acked"], number(k, "bytes_received")),
        "bytes that it sent": (o["bytes_received"], number(k, "bytes_sent")),
        "its window scale": (f"{o['rcv_wscale']},{o['snd_wscale']}", k.get("wscale")),
        "mss": (o["mss"], number(k, "mss")),
        "pmtu": (o["pmtu"], number(k, "pmtu")),
        "our Recv-Q": (o["recv_q"], k["send_q"]),
        "ECN": (bool(o["ecn"]), "ecn" in k["words"]),
    }
    for name, (a, b) in checks.items():
        expect(a == b, f"port {port}: {name}: {a} here, {b} in the kernel: {k}")
    # the handshake is before the connection has a block to count in
    for a, b in ((o["segs_out"], number(k, "segs_in")), (o["segs_in"], number(k, "segs_out"))):
        expect(abs(a - b) <= 2, f"port {port}: {a} segments here, {b} in the kernel")
    expect(0 < o["rtt_us"] < 1e6 and o["cwnd"] >= o["mss"], f"rtt {o['rtt_us']}, cwnd {o['cwnd']}")


def ss_agrees(host, server):
    socks = connect(host.kernel, 20, 80)
    for i, s in enumerate(socks):
        s.settimeout(20)
        for _ in range(1 + i % 3):
            lab.get(s, 1000 * i * i)
    for s in socks[:5]:
        s.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + 20
    while True:   # until the last words are said
        try:
            kernel, stack = kernel_ss(host.kernel), ours(server)
            ports = [s.getsockname()[1] for s in socks]
            for p in [p for p in ports if p in kernel or p in stack]:
                expect(p in kernel and p in stack, f"port {p} is known to one side only")
                same(p, stack[p], kernel[p])
            expect(sum(p in stack for p in ports) >= 15, f"{len(stack)} connections")
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    for s in socks:
        s.close()


def queues_agree(host, server):
    """A client that does not read: what the kernel has not given it, and what we have not sent it."""
    size = 8 * MB
    with connect(host.kernel, 1, 80)[0] as s:
        s.settimeout(20)
        s.sendall(f"GET /{size} HTTP/1.1\r\nHost: z\r\n\r\n".encode())
        time.sleep(1)
        port = s.getsockname()[1]
        k, o = kernel_ss(host.kernel)[port], ours(server)[port]
        expect(k["recv_q"] > 100 * KB, f"only {k['recv_q']} bytes wait in the kernel")
        expect(o["bytes_acked"] == k["recv_q"], f"{o['bytes_acked']} acknowledged, {k['recv_q']} waiting")
        expect(o["send_q"] > 0 and o["snd_mem"] >= o["send_q"], f"Send-Q {o['send_q']}")
        held = ask(server, "bufs", "-c")
        expect(held["connections"][0]["peer_port"] == port, "it is not the one that holds most")
        expect(sum(held["holders"][h]["bufs"] for h in ("sent", "unsent")) > 0, f"{held['holders']}")


def many(host, server, n=300):
    socks = connect(host.kernel, n, 80)
    for s in socks:
        s.settimeout(20)
        lab.get(s, 10)
    found = ours(server)
    expect({s.getsockname()[1] for s in socks} <= set(found), f"{len(found)} connections of {n}")
    lines = run_tool(server, "ss", "-tnH").splitlines()
    expect(len(lines) >= n, f"{len(lines)} lines")
    for s in socks:
        s.close()


def both_ways(server, args):
    text = run_tool(server, *args)
    expect(text.strip() or args[0] in ("ndp", "ls"), "it prints nothing")
    json.loads(run_tool(server, *args, "--json"))


# ---- Prometheus ----

SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\} (-?[\d.]+(?:e[+-]?\d+)?)$')


def check_prometheus(text):
    """What the format demands: HELP and TYPE before the samples of a family, no sample twice."""
    kinds, seen = {}, set()
    expect(text.endswith("\n"), "the last line has no end")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            expect(name not in kinds and kind in ("counter", "gauge"), line)
            kinds[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        match = SAMPLE.match(line)
        expect(match, f"not a sample: {line}")
        name, labels, _ = match.groups()
        expect(name in kinds, f"no TYPE before {line}")
        expect(name.endswith("_total") == (kinds[name] == "counter"), f"{name} is a {kinds[name]}")
        expect((name, labels) not in seen, f"twice: {line}")
        seen.add((name, labels))
    expect(len(seen) > 60, f"only {len(seen)} samples")


def prometheus(host, server):
    del host
    check_prometheus(run_tool(server, "prometheus"))
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    p = subprocess.Popen([TOOL, "prometheus", "--listen", f"127.0.0.1:{port}", "--pid", str(pid_of(server))])
    try:
        for _ in range(50):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
                break
            time.sleep(0.1)
        head, body = answer.split("\r\n\r\n", 1)
        expect(" 200 " in head and "version=0.0.4" in head, head)
        check_prometheus(body)
    finally:
        p.terminate()
        p.wait()


# ---- captures ----

def pcapng_packets(path):
    """The packets of a pcapng file, by the blocks of its specification."""
    with open(path, "rb") as f:
        data = f.read()
    off, packets = 0, []
    while off < len(data):
        kind, size = struct.unpack_from("<II", data, off)
        expect(size >= 12 and size % 4 == 0 and off + size <= len(data), f"a block of {size} at {off}")
        expect(struct.unpack_from("<I", data, off + size - 4)[0] == size, f"a block's end at {off}")
        expect(off > 0 or kind == 0x0A0D0D0A, "no section header")
        if kind == 6:
            high, low, kept, length = struct.unpack_from("<IIII", data, off + 12)
            ago = time.time() - (high << 32 | low) / 1e9
            expect(-1 < ago < 60, f"a packet from {ago} seconds ago")
            packets.append((length, data[off + 28:off + 28 + kept]))
        off += size
    return packets


def capture(host, server, words, pattern, n):
    """Traffic on two ports' worth of connections while it captures; returns the packets."""
    path = os.path.join(host.dir, "c.pcapng")
    run_tool(server, "pcap", "start", "-w", path, *words)
    with connect(host.kernel, 1, 80)[0] as s:
        s.settimeout(20)
        lab.get(s, 20000)
        host.kernel.run(["ping", "-c2", "-i0.2", lab.STACK_IP])
    time.sleep(0.3)
    told = ask(server, "pcap", "stop")
    expect("no capture" in run_tool(server, "pcap", "status"), "it still runs")
    packets = pcapng_packets(path)
    expect(len(packets) == told["packets"] >= n, f"{len(packets)} packets, {told}")
    expect(all(re.search(pattern, p[23:24], re.S) for _, p in packets), "packets that the filter refuses")
    if shutil.which("tcpdump"):
        out = host.kernel.run(["tcpdump", "-nr", path])
        expect(len([x for x in out.splitlines() if " IP " in x or " ARP" in x]) == len(packets), out[-400:])
    return packets


def stopped_in_the_middle(host, server):
    """What is in the file is told, too, when packets come until the end."""
    path, over = os.path.join(host.dir, "c.pcapng"), threading.Event()

    def load():
        with connect(host.kernel, 1, 80)[0] as s:
            s.settimeout(20)
            while not over.is_set():
                lab.get(s, 20000)

    t = threading.Thread(target=load)
    t.start()
    try:
        run_tool(server, "pcap", "start", "-w", path)
        time.sleep(0.1)
        told = ask(server, "pcap", "stop")
        n = len(pcapng_packets(path))
        expect(n == told["packets"] > 20, f"{n} packets, {told}")
    finally:
        over.set()
        t.join()


def captures(host, server):
    tcp = capture(host, server, ["tcp", "port", "80"], b"\x06", 15)
    expect(any(length > 1400 for length, _ in tcp), "no full segment")
    icmp = capture(host, server, ["-s", "64", "icmp"], b"\x01", 4)
    expect(len(icmp) == 4 and all(len(p) == 64 for _, p in icmp), f"{len(icmp)} packets")
    limited = capture(host, server, ["-c", "5", "ip"], b".", 5)
    expect(len(limited) == 5, f"{len(limited)} packets")
    capture(host, server, [], b".", 20)
    stopped_in_the_middle(host, server)
    bad = run_tool(server, "pcap", "start", "-w", os.path.join(host.dir, "x"), "tcp", "prot", "80", code=1)
    expect("filter:" in bad, bad)
    bad = run_tool(server, "pcap", "start", "-w", "/no/such/folder/x", code=1)
    expect("No such file" in bad, bad)
    expect("no capture" in run_tool(server, "pcap", "stop", code=1), "there was one to stop")


# ---- knobs, other ways to ask, trouble ----

def knobs(host, server):
    before = ask(server, "set")
    expect(before["delack_us"] == 40000 and before["cc"] == "cubic", f"{before}")
    said = run_tool(server, "set", "delack_us=20000", "cc=newreno")
    expect(said == "delack_us=20000\ncc=reno\n", said)
    with connect(host.kernel, 1, 80)[0] as s:
        s.settimeout(20)
        lab.get(s, 10)
    for bad, why in (("delack_us=many", "not a number"), ("delack_us=9000000", "not in 0.."),
                     ("max_conns=5", "none of"), ("sndbuf=1g", "rest"), ("idle=never", "none of")):
        message = run_tool(server, "set", bad, code=1)
        expect(why in message and re.match(r"zstack: process \d+: \S*\w", message), message)
    expect(ask(server, "set", "idle=poll")["idle"] == "poll", "idle is not set")
    run_tool(server, "set", "idle=adaptive", "delack_us=40000", "cc=cubic")
    expect(ask(server, "set") == before, "not as before")


def telemetry(server, *questions):
    """As dpdk-telemetry.py asks: one line each."""
    path = next(r["socket"] for r in ask(server, "ls") if r["pid"] == pid_of(server))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(20)
        s.connect(path)
        s.recv(1024)
        for q in questions:
            s.send(q.encode())
            yield json.loads(s.recv(20000))


def without_the_tool(host, server):
    del host
    stats, ss, words = telemetry(server, "/zstack/stats", "/zstack/ss,0,listen", "/help,/zstack/ss")
    expect(stats["/zstack/stats"]["tcp_conns_accepted"] > 0, f"{stats}")
    expect(any(c["local_port"] == 80 for c in ss["/zstack/ss"].values()), f"{ss}")
    expect("Parameters" in words["/help"]["/zstack/ss"], f"{words}")
    for question, why in (("/zstack/pcap_start,snaplen=all,file=/x", "'all' is no number up to 4294967295"),
                          ("/zstack/pcap_start,file=/x,count=", "'' is no number up to 18446744073709551615"),
                          ("/zstack/pcap_start,if=eth0,file=/x", "'eth0' is no number up to 65535"),
                          ("/zstack/if,tap0", "'tap0' is no number up to 72057594037927935")):
        (bad,) = telemetry(server, question)
        expect(bad == {question.split(",")[0]: {"error": why}}, f"{bad}")


def dpdk_telemetry(server):
    """DPDK's own script, where it is installed. Its instances are numbered by the end of the socket's name."""
    path = next(r["socket"] for r in ask(server, "ls") if r["pid"] == pid_of(server))
    number_of = path.rpartition(":")[2] if ":" in path else "0"
    p = subprocess.run(["dpdk-telemetry.py", "-i", number_of], input="/zstack/stats\nquit\n", text=True,
                       capture_output=True, timeout=20, check=False)
    expect("tcp_conns_accepted" in p.stdout, p.stdout + p.stderr)


def dead(host, server):
    del host
    pid = pid_of(server)
    server.proc.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    message = run_tool(server, "ss", code=1)
    expect(f"{pid} does not answer" in message and time.monotonic() - start < 15, message)
    server.kill()
    message = run_tool(server, "ss", code=1)
    expect(f"{pid} does not answer" in message and "running" in message, message)


def capture_fills_the_disk(suite):
    """What is in the file then is whole packets, as many as are told; it is the program that sees this disk."""
    with lab.Lab() as host:
        disk = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k none /mnt && exec "$@"', "sh"]
        program = [suite.program("http_zc"), "--conf", host.config(1 << lab.server_core(), "")]
        server = host._start(host.stack, [*disk, *program], 80,
                             dict(os.environ, ZSTACK_EAL_ARGS=host.eal_args(suite.link)), link=suite.link)
        run_tool(server, "pcap", "start", "-w", "/mnt/x")
        lab.fetch(host.kernel, 200000)
        time.sleep(0.3)
        told = json.loads(run_tool(server, "pcap", "stop", "--json", code=1))
        n = len(pcapng_packets(f"/proc/{server.proc.pid}/root/mnt/x"))
        expect(n == told["packets"] > 5 and told["problem"] == "No space left on device", f"{n} packets, {told}")


def capture_into_nothing(host, server):
    run_tool(server, "pcap", "start", "-w", "/dev/null")
    lab.fetch(host.kernel, 200000)
    told = json.loads(run_tool(server, "pcap", "stop", "--json"))
    expect(told["packets"] > 100 and not told.get("problem"), f"{told}")


@quick
def group_zstack(suite):
    with serving(suite, "http_zc") as host:
        server = host.servers[0]
        suite.case("ss agrees with the kernel's", ss_agrees, host, server)
        suite.case("ss tells of the queues of both ends", queues_agree, host, server)
        suite.case("300 connections, over pages", many, host, server)
        for args in COMMANDS:
            suite.case(" ".join(args) + ", and as JSON", both_ways, server, args)
        suite.case("the text for Prometheus is valid, also by HTTP", prometheus, host, server)
        suite.case("captures with filters, read by tcpdump and by ourselves", captures, host, server)
        suite.case("a capture into /dev/null", capture_into_nothing, host, server)
        suite.case("values are changed, and wrong ones refused", knobs, host, server)
        suite.case("the telemetry socket tells the same", without_the_tool, host, server)
        if shutil.which("dpdk-telemetry.py"):
            suite.case("dpdk-telemetry.py tells the same", dpdk_telemetry, server)
    suite.case("a capture that fills the disk", capture_fills_the_disk, suite)


def group_zstack_cores(suite):
    if len(lab.cores()) < 2:
        return
    mask = sum(1 << c for c in lab.cores()[-2:])
    with lab.Lab() as host:
        server = host.start(suite.program("http_zc"), "--port", 80, link=suite.link, ready_port=80, mask=mask)
        suite.case("both cores are asked, and their answers joined", two_cores, host, server)
        suite.case("it ends in order", server.stop)


def two_cores(host, server):
    socks = connect(host.kernel, 40, 80)
    for s in socks:
        s.settimeout(20)
        lab.get(s, 10)
    conns = [c for c in ask(server, "ss", "-t") if c["state"] == "ESTABLISHED"]
    expect(len(conns) >= 40 and {c["core"] for c in conns} == {0, 1}, f"cores {[c['core'] for c in conns]}")
    expect(len(ask(server, "top", "-n1", "-d0.2")) == 2, "not two cores")
    both, one = ask(server, "stats"), [ask(server, "stats", "--core", str(i)) for i in (0, 1)]
    expect(both["tcp_conns_accepted"] == sum(s["tcp_conns_accepted"] for s in one), f"{both}")
    expect("there is no core 2" in run_tool(server, "stats", "--core", "2", code=1), "core 2")
    for s in socks:
        s.close()


def group_zstack_tap(suite):
    """The default device, with the kernel's end beside it."""
    ns = lab.Netns()
    proc = ns.popen([suite.program("http_zc"), "--port", "80"], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        suite.case("on a tap device ss agrees, too", tap_agrees, ns, types.SimpleNamespace(proc=proc))
    finally:
        proc.terminate()
        proc.wait(10)
        ns.close()


def tap_agrees(ns, server):
    for _ in range(100):
        with contextlib.suppress(OSError), ns:
            s = socket.create_connection((lab.STACK_IP, 80), 0.5)
            break
        time.sleep(0.1)
    with s:
        s.settimeout(20)
        lab.get(s, 300000)
        time.sleep(0.5)
        port = s.getsockname()[1]
        same(port, ours(server)[port], kernel_ss(ns)[port])
        expect("net_tap" in run_tool(server, "if"), "another device")


def cut_off(host, server):
    """af_packet and af_xdp say for ever that their link is up; the kernel knows better."""
    def expect_up(up, when):
        end = time.monotonic() + 5   # the kernel tells of a carrier within a second
        while ask(server, "if")[0]["up"] != up and time.monotonic() < end:
            time.sleep(0.05)
        expect(ask(server, "if")[0]["up"] == up, when)

    expect_up(1, "at first")
    host.kernel.run("ip link set vk down")
    expect_up(0, "the other end is down")
    host.kernel.run("ip link set vk up")
    expect_up(1, "it came back")
    host.kernel.run("ip link del vk")
    expect_up(0, "there is no interface")


@quick
def group_zstack_trouble(suite):
    with lab.Lab() as host:
        server = host.start(suite.program("echo"), "--port", 7, link=suite.link, ready_port=7)
        suite.case("an interface that is down, and one that is gone", cut_off, host, server)
        suite.case("and the program ends in order", server.stop)
    with lab.Lab() as host:
        server = host.start(suite.program("echo"), "--port", 7, link=suite.link, ready_port=7)
        suite.case("a process that stands still, and one that is dead", dead, host, server)
    with lab.Lab() as host:
        server = host.start(suite.program("echo"), "--port", 7, link=suite.link, ready_port=7,
                            dpdk="eal_args=--no-telemetry")
        suite.case("without telemetry the tool says so", no_telemetry, server)
        suite.case("and the program ends in order", server.stop)


def no_telemetry(server):
    message = run_tool(server, "ss", code=1)
    expect("--no-telemetry" in message and message.count("\n") == 1, message)
