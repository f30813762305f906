# SPDX-License-Identifier: BSD-3-Clause
"""Several processes of one program, a stack each, as F-Stack's script starts them."""
import os
import re
import shutil
import signal
import subprocess
import time

import lab
from cases import quick
from tool import run_tool
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
            subprocess.run(["umount", self.path], check=False)
            with open(NR, "w") as f:
                f.write(self.before)


class Processes:
    """http_copy on two CPUs, by F-Stack's arguments."""

    def __init__(self, suite, host, huge, device="net_af_packet0,iface=vs"):
        self.suite, self.host = suite, host
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

    def start(self, n, ready=False):
        kind = "secondary" if n else "primary"
        cmd = [self.suite.program("http_copy"), "--conf", self.conf, f"--proc-type={kind}",
               f"--proc-id={n}"]
        return self.host._start(self.host.stack, cmd, 80 if ready else None, self.env,
                                link="af_packet")


def get(host, n):
    """n connections at once, one request each, the pages compared."""
    socks = connect(host.kernel, n)
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


def takes_part(host, first, second):
    """Until the primary hands packets over to it."""
    def handed_over():
        text = run_tool(first, "prometheus")
        return sum(int(n) for n in re.findall(r"handed_over\S*{[^}]*} (\d+)", text))

    before = handed_over()
    for _ in range(200):
        expect(second.alive(), second.output())
        get(host, 4)
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


def own_queues(procs):
    """A device whose queues other processes can use; what it receives is nothing that anybody knows,
    and stays where it arrived."""
    first, second = procs.start(0), procs.start(1)
    time.sleep(1.5)
    first.proc.send_signal(signal.SIGTERM)
    ended(first)
    ended(second)
    for p in (first, second):
        expect(p.figures(p.output()).get("drop_eth_not_ours", 0) > 1000, p.output())


def end_in_order(first, second):
    """The primary is told, the other ends with it; both have served."""
    first.proc.send_signal(signal.SIGTERM)
    ended(first)
    ended(second)
    expect("the primary process ends" in second.output(), second.output())
    requests = [int(p.figures(p.output())["requests"]) for p in (first, second)]
    expect(min(requests) > 50, f"requests: {requests}")


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
            with Processes(suite, host, huge, "net_null0") as procs:
                suite.case("each has queues of its own, where a device can", own_queues, procs)


def run(suite, host, procs):
    second = procs.start(1)   # waits
    first = procs.start(0, ready=True)
    suite.case("two processes serve", serve, host, first, second)
    suite.case("a number is given once", one_of_each_number, procs)
    suite.case("they end in order", end_in_order, first, second)

    first = procs.start(0, ready=True)
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
