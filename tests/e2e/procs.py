# SPDX-License-Identifier: BSD-3-Clause
"""Several processes of one program, a stack each, as F-Stack's script starts them."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import lab
from cases import kernel_http, quick
from tool import TOOL, run_tool
from traffic import connect, expect

NR = "/proc/sys/vm/nr_hugepages"
PAGES = 384


class Hugepages:
    """2 MB pages for a while, and a place for their files; have is False where there are none."""

    def __init__(self, path):
        self.path = path
        self.have = False
        with open(NR) as f:
            self.before = f.read()

    def __enter__(self):
        os.mkdir(self.path)
        try:
            with open(NR, "w") as f:
                f.write(str(int(self.before) + PAGES))
            with open(NR) as f:
                self.have = int(f.read()) >= int(self.before) + PAGES
            self.have = self.have and subprocess.run(
                ["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", self.path],
                check=False).returncode == 0
        except OSError:
            pass
        return self

    def __exit__(self, *exc):
        if self.have:
            subprocess.run(["umount", "-l", self.path], check=False)
            with open(NR, "w") as f:
                f.write(self.before)


def plug_in(ns):
    """The kernel's end of the tap gets its address."""
    end = time.monotonic() + 10
    while "UP" not in ns.run("ip -br link show vk", check=False):
        expect(time.monotonic() < end, "there is no tap device")
        time.sleep(0.05)
    ns.run(f"ip addr add {lab.KERNEL_IP}/24 dev vk")


class Processes:
    """Programs on two CPUs, by F-Stack's arguments; http_copy where nothing else is said."""

    def __init__(self, suite, host, huge, device="net_af_packet0,iface=vs", ns=None):
        self.suite, self.host, self.ns = suite, host, ns or host.stack
        self.prefix = f"zs{os.getpid()}"
        # The sanitizers' shadow is where EAL likes to be; and EAL forgets memory of its devices.
        self.env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0",
                        ZSTACK_EAL_ARGS=f"--no-pci --vdev={device} "
                        f"--huge-dir={huge.path} --file-prefix={self.prefix} "
                        "--base-virtaddr=0x200000000000")
        self.conf = host.config(3, "")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(f"/var/run/dpdk/{self.prefix}", ignore_errors=True)

    def start(self, n, port=None, program="http_copy", args=()):
        """Process n; port: wait until it accepts there."""
        kind = "secondary" if n else "primary"
        cmd = [self.suite.program(program), "--conf", self.conf, f"--proc-type={kind}",
               f"--proc-id={n}", *map(str, args)]
        server = self.host._start(self.ns, cmd, None, self.env, link="af_packet")
        if n == 0 and self.ns is self.host.kernel:
            plug_in(self.ns)
        if port:
            server.wait_ready(lab.STACK_IP, port)
        return server


def get(host, n, port=80):
    """n connections at once, one request each, the pages compared."""
    socks = connect(host.kernel, n, port)
    for i, s in enumerate(socks):
        s.settimeout(20)
        lab.get(s, 100 + i * 37)
    for s in socks:
        s.close()


def curl(host, size=100000):
    page = os.path.join(host.dir, "page")
    host.kernel.run(f"curl -s -m 20 -o {page} http://{lab.STACK_IP}/{size}")
    with open(page, "rb") as f:
        expect(f.read() == lab.pattern(0, size), "another page")


def takes_part(host, first, second, port=80):
    """Until the primary hands packets over to it."""
    def handed_over():
        text = run_tool(first, "prometheus")
        return sum(int(n) for n in re.findall(r"handed_over\S*{[^}]*} (\d+)", text))

    before = handed_over()
    for _ in range(200):
        expect(second.alive(), second.output())
        get(host, 4, port)
        if handed_over() > before + 20:
            return
        time.sleep(0.05)
    expect(False, f"it does not take part: {second.output()}")


def ended(server, code=0, seconds=10):
    expect(server.proc.wait(seconds) == code, f"{server.proc.returncode}: {server.output()}")


def serve(host, first, second):
    takes_part(host, first, second)
    get(host, 200)
    curl(host)


def secondary_ends(host, first, second):
    second.proc.send_signal(signal.SIGTERM)
    ended(second)
    get(host, 100)
    expect("is gone" not in first.output(), first.output())


def runs(server):
    """It has started: it would catch SIGTERM."""
    end = time.monotonic() + 30
    while True:
        with open(f"/proc/{server.proc.pid}/status") as f:
            caught = int(f.read().split("SigCgt:")[1].split()[0], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        expect(time.monotonic() < end, server.output())
        time.sleep(0.05)


def own_queues(procs):
    """A device whose queues other processes can use; what it receives is nothing that anybody knows,
    and stays where it arrived."""
    first, second = procs.start(0), procs.start(1)
    runs(first)
    runs(second)
    time.sleep(1)
    first.proc.send_signal(signal.SIGTERM)
    ended(first)
    ended(second)
    for p in (first, second):
        expect(p.figures(p.output()).get("drop_eth_not_ours", 0) > 1000, p.output())


def end_in_order(first, second, figure="requests"):
    """The primary is told, the other ends with it; both have served."""
    first.proc.send_signal(signal.SIGTERM)
    ended(first)
    ended(second)
    expect("the primary process ends" in second.output(), second.output())
    served = [int(p.figures(p.output())[figure]) for p in (first, second)]
    expect(min(served) > 50, f"{figure}: {served}")


def secondary_killed(host, first, second):
    """What it had is lost, what the primary had is not; and the primary serves on."""
    mine = connect(host.kernel, 40)
    for s in mine:
        s.settimeout(20)
        lab.get(s, 100)
    second.kill()
    time.sleep(0.5)
    get(host, 100)
    curl(host)
    alive = 0
    for s in mine:
        try:
            lab.get(s, 100)
            alive += 1
        except (OSError, RuntimeError):   # reset
            pass
        s.close()
    expect(0 < alive < 40, f"{alive} of 40 connections are left")
    expect("process 1 is gone" in first.output(), first.output())


def one_of_each_number(procs):
    third = procs.start(1)
    ended(third, 1)
    expect("process 1 runs already" in third.output(), third.output())


def primary_killed(first, second):
    first.kill()
    ended(second)
    expect("the primary process ends" in second.output(), second.output())


def without_shared_memory(suite, host):
    env = dict(os.environ, ZSTACK_EAL_ARGS="--no-pci --no-huge --vdev=net_af_packet0,iface=vs")
    cmd = [suite.program("http_copy"), "--conf", host.config(3, ""), "--proc-type=primary"]
    server = host._start(host.stack, cmd, None, env)
    ended(server, 1)
    expect("several processes share their memory" in server.output(), server.output())


@quick
def group_procs(suite):
    with lab.Lab() as host:
        suite.case("without hugepages it says why and what to do", without_shared_memory, suite,
                   host)
        with Hugepages(os.path.join(host.dir, "huge")) as huge:
            if not huge.have:
                print("# no hugepages to be had: processes are not tested")
                return
            with Processes(suite, host, huge) as procs:
                run(suite, host, procs)
                opens(suite, host, procs)
            with Processes(suite, host, huge, "net_null0") as procs:
                suite.case("each has queues of its own, where a device can", own_queues, procs)


def group_procs_tap(suite):
    with lab.Lab() as host, Hugepages(os.path.join(host.dir, "huge")) as huge:
        if huge.have:
            run_on_tap(suite, huge, host)


# ---- what the tool sees ----

def tool_of(procs, *args, code=0):
    p = subprocess.run([TOOL, *args, "--file-prefix", procs.prefix], capture_output=True, text=True,
                       timeout=40, check=False)
    expect(p.returncode == code, f"{args}: exit {p.returncode}: {p.stdout[-200:]} {p.stderr[-300:]}")
    return p.stdout if code == 0 else p.stderr


def ask_of(procs, *args):
    return json.loads(tool_of(procs, *args, "--json"))


def seen_as_one(host, procs, first, second):
    """All connections, each with its process, as many as the kernel has; and sums of the counters."""
    pids = {0: first.proc.pid, 1: second.proc.pid}
    rows = ask_of(procs, "ls")
    expect({r["proc"]: r["pid"] for r in rows} == pids, f"{rows}")
    socks = connect(host.kernel, 60)
    for s in socks:
        s.settimeout(20)
        lab.get(s, 1000)
    conns = [c for c in ask_of(procs, "ss", "-t") if c["state"] == "ESTABLISHED"]
    ports = {s.getsockname()[1] for s in socks}
    expect(ports <= {c["peer_port"] for c in conns}, f"{len(conns)} connections of {len(ports)}")
    for n, pid in pids.items():
        mine = {c["peer_port"] for c in conns if c["proc"] == n}
        expect(mine & ports and all(c["pid"] == pid and c["core"] == n for c in conns if c["proc"] == n),
               f"process {n}: {mine}")
        alone = {c["peer_port"] for c in ask_of(procs, "ss", "-t", "--proc", str(n))}
        expect(mine & ports == alone & ports, f"process {n}: {mine ^ alone}")
    text = tool_of(procs, "ss", "-tnpH")
    expect(all(f"proc={n},pid={pid} users:" in text for n, pid in pids.items()), text[:300])
    both, one = ask_of(procs, "stats"), [ask_of(procs, "stats", "--core", str(n)) for n in pids]
    expect(both["tcp_conns_accepted"] == sum(s["tcp_conns_accepted"] for s in one), f"{both}")
    expect([c["core"] for c in ask_of(procs, "top", "-n1", "-d0.2")] == [0, 1], "not two cores")
    for s in socks:
        s.close()


def set_in_both(procs):
    tool_of(procs, "set", "delack_us=20000")
    for n in ("0", "1"):
        expect(ask_of(procs, "set", "delack_us", "--proc", n) == {"delack_us": 20000}, f"process {n}")
    tool_of(procs, "set", "delack_us=40000", "--proc", "1")
    expect("20000 (process 0) 40000 (process 1)" in tool_of(procs, "set", "delack_us"), "no difference")
    tool_of(procs, "set", "delack_us=40000")


def captured(host, procs, own):
    """By the process that receives and sends; where each has queues, by each."""
    path = os.path.join(host.dir, "both")
    tool_of(procs, "pcap", "start", "-w", path, "tcp", "port", "80")
    get(host, 40)
    time.sleep(0.2)
    text = tool_of(procs, "pcap", "stop")
    names = re.findall(r"in (\S+)", text)
    expect(names == ([path + ".0", path + ".1"] if own else [path]), text)
    for name in names:
        lines = subprocess.run(["tcpdump", "-nr", name], capture_output=True, text=True, timeout=30,
                               check=False).stdout.splitlines()
        expect(len(lines) > 40, f"{name}: {len(lines)} packets")
    if not own:
        message = tool_of(procs, "pcap", "start", "-w", path, "--proc", "1", code=1)
        expect("the primary process receives and sends for all" in message, message)


def run_seeing(suite, host, procs, first, second, own):
    suite.case("the tool sees both as one program", seen_as_one, host, procs, first, second)
    suite.case("it sets values in both", set_in_both, procs)
    if shutil.which("tcpdump"):
        suite.case("it captures what both receive", captured, host, procs, own)


# ---- connections that they open ----

def fetches(procs):
    """A secondary that asks a server of the kernel, right after its start."""
    for count in (1, 30):
        client = procs.start(1, None, "client", ("--to", f"{lab.KERNEL_IP}:81", "--size", 200000, "--count", count))
        ended(client, seconds=40)


def opens(suite, host, procs):
    """To a server of the kernel's, out of both; answers come to the process that asked."""
    with kernel_http(suite, host, 81):
        first = procs.start(0, 80)
        suite.case("a secondary connects to the kernel", fetches, procs)
        first.proc.send_signal(signal.SIGTERM)
        suite.case("and the primary ends in order", ended, first)
        to = ("--port", 8080, "--to", f"{lab.KERNEL_IP}:81")
        first = procs.start(0, 8080, "proxy", to)
        second = procs.start(1, None, "proxy", to)
        suite.case("both connect to the kernel", proxied, host, first, second)
        suite.case("and end in order", end_in_order, first, second, "splices")


def proxied(host, first, second):
    takes_part(host, first, second, 8080)
    for _ in range(4):
        get(host, 60, 8080)


# ---- queues of their own ----

def run_on_tap(suite, huge, host):
    """A device whose queues processes can share: the kernel brings a flow to the queue that it came from."""
    host.kernel.run("ip link del vk")
    host.kernel.run(f"ip addr add {lab.KERNEL_IP}/32 dev lo")   # for servers that are there before the tap is
    with Processes(suite, host, huge, "net_tap0,iface=vk", host.kernel) as procs:
        first, second = procs.start(0, 80), procs.start(1)
        suite.case("tap, a queue for each: both serve", serve, host, first, second)
        suite.case("most arrives where it belongs", few_handed_over, host, procs)
        run_seeing(suite, host, procs, first, second, own=True)
        suite.case("a killed one leaves its queue to the primary", secondary_killed, host, first, second)
        second = procs.start(1)
        suite.case("and gets it back", serve, host, first, second)
        suite.case("they end in order with it", end_in_order, first, second)
        opens(suite, host, procs)


def few_handed_over(host, procs):
    def look():
        cores = ask_of(procs, "top", "-n1", "-d0.1")
        expect(len(cores) == 2, f"{cores}")
        text = tool_of(procs, "prometheus")
        return [sum(map(int, re.findall(rf"^zstack_{name}_total{{[^}}]*}} (\d+)", text, re.M)))
                for name in ("rx_packets", "handed_over")]

    before = look()
    for _ in range(5):
        curl(host, 5000000)
    received, handed_over = (a - b for a, b in zip(look(), before))
    expect(received > 1000 and handed_over < received / 4, f"{handed_over} of {received} handed over")


def run(suite, host, procs):
    second = procs.start(1)   # waits
    first = procs.start(0, 80)
    suite.case("two processes serve", serve, host, first, second)
    run_seeing(suite, host, procs, first, second, own=False)
    suite.case("a number is given once", one_of_each_number, procs)
    suite.case("they end in order", end_in_order, first, second)

    first = procs.start(0, 80)
    suite.case("the primary alone has all connections", get, host, 100)
    second = procs.start(1)
    suite.case("another one joins", takes_part, host, first, second)
    suite.case("it ends, and the primary has its share", secondary_ends, host, first, second)
    second = procs.start(1)
    suite.case("and comes back", takes_part, host, first, second)
    suite.case("a killed one takes only its own connections along", secondary_killed, host, first,
               second)
    second = procs.start(1)
    suite.case("a killed one comes back", serve, host, first, second)
    suite.case("without the primary the others end", primary_killed, first, second)
