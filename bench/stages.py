# SPDX-License-Identifier: BSD-3-Clause
"""Where the cycles of a request go, by perf: group `stages` of bench/run; see bench/README.md."""
import bisect
import collections
import os
import re
import shutil
import subprocess
import sys
import time

import groups
import rig

WAITING = "waiting"      # in the one function that only turns without work are in
CASES = (("virtio", "zc", 64, 200), ("virtio", "copy", 64, 200), ("virtio", "zc", 8192, 50))


def stage(path):
    """Of the source file that an instruction comes from."""
    parts = os.path.normpath(path).split("/")
    if "src" in parts and parts[-1].startswith("zs_"):
        return "/".join(parts[parts.index("src"):-1])
    for name in ("examples", "bench", "dpdk"):
        if name in parts:
            return name
    return "libc"


def stage_of_library(path):
    if path.startswith("["):
        return "kernel"
    if "librte_net_" in path or "librte_vhost" in path:
        return "driver"
    return "dpdk" if "librte_" in path else "libc"


class Program:
    """Its file, and where its code lies in it and in memory."""

    def __init__(self, path, script):
        self.path = path
        self.maps = [(int(at, 16), int(size, 16), int(offset, 0)) for at, size, offset in re.findall(
            rf"\[0x(\w+)\(0x(\w+)\) @ (\w+) [^\]]*\]: r-xp {re.escape(path)}$", script, re.M)]
        headers = subprocess.run(["readelf", "-lW", path], check=True, capture_output=True, text=True)
        self.segments = [[int(x, 16) for x in line.split()[1:3]]
                         for line in headers.stdout.splitlines() if line.split()[:1] == ["LOAD"]]

    def address(self, ip):
        """In the file's own terms."""
        at, _, offset = next(m for m in self.maps if m[0] <= ip < m[0] + m[1])
        where = ip - at + offset
        file_offset, address = self.segments[bisect.bisect_right(self.segments, [where, 1 << 64]) - 1]
        return where - file_offset + address

    def stages(self, ips):
        """{ip: stage}; of inlined functions that of the file that they are from."""
        asked = "\n".join(hex(self.address(ip)) for ip in ips)
        out = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", self.path], input=asked, check=True,
                             capture_output=True, text=True).stdout
        found = [x.splitlines()[1:] for x in re.split("^(?=0x)", out, flags=re.M)[1:]]
        return {ip: WAITING if "zs_lcore_idle" in lines[::2] else stage(lines[1].rsplit(":", 1)[0])
                for ip, lines in zip(ips, found)}


def samples(data, path):
    """{stage: share} of what perf has recorded of a program."""
    script = subprocess.run(["perf", "script", "-i", data, "-F", "ip,dso", "--show-mmap-events"],
                            check=True, capture_output=True, text=True).stdout
    program, ips, found = Program(path, script), collections.Counter(), collections.Counter()
    for ip, where in re.findall(r"^\s*([0-9a-f]+) \((\S+)\)$", script, re.M):
        if where == path:
            ips[int(ip, 16)] += 1
        else:
            found[stage_of_library(where)] += 1
    of = program.stages(list(ips))
    for ip, n in ips.items():
        found[of[ip]] += n
    total = sum(found.values())
    return {name: n / total for name, n in found.items()}


def record(o, huge, case, *load, dpdk=""):
    link, series, body, _ = case
    seen = []

    def watch(server):
        time.sleep(2.5)     # start and warm-up
        data = os.path.join(os.path.dirname(server.log.name), "perf.data")
        subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "10000", "-o", data, "-p",
                        str(server.proc.pid), "--", "sleep", str(o.seconds)], check=True)
        seen.append(samples(data, os.path.realpath(f"{o.build}/examples/{groups.SERIES[series]}")))

    _, report = rig.over_link(rig.longer(o, 3), huge, link, groups.SERIES[series], body, *load, dpdk=dpdk, watch=watch)
    return report, seen[0]


def stages(o, figures):
    """A look at the server under load, less one at the server that polls for nothing."""
    if shutil.which("perf") is None:
        sys.exit("bench/run: stages need perf (Debian: linux-perf)")
    with rig.Hugepages() as pages:
        for case in CASES:
            name = "stages.{}.{}.{}.{}".format(*case)
            if not figures.wanted(name + "."):
                continue
            rig.await_near_cores(o)
            report, under_load = record(o, pages.ok, case, "-c", case[3])
            _, without = record(o, pages.ok, case, "-c", 1, "-R", 1, dpdk="idle=poll")
            if WAITING not in without:
                sys.exit(f"bench/run: {o.build} knows no lines of its source: meson configure -Ddebug=true")
            idle = under_load.get(WAITING, 0) / without[WAITING]    # share of the time
            work = {s: max(0, share - idle * without.get(s, 0)) for s, share in under_load.items()
                    if s not in (WAITING, "kernel")}
            cycles = report.get("cycles_best", report["cycles_each"])
            for s, share in sorted(work.items(), key=lambda x: -x[1]):
                figures.add(f"{name}.{s}", share / sum(work.values()) * cycles, "cycles")
            figures.add(f"{name}.all", cycles, "cycles")


ALL = {"stages": stages}
