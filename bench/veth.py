# SPDX-License-Identifier: BSD-3-Clause
"""Groups of bench/run beside the Linux kernel, on one veth pair; see bench/README.md."""
import contextlib
import re
import time

import rig
from rig import lab

SERIES = {"linux": "kernel_http", "zc": "http_zc", "copy": "http_copy"}
SIZES = (64, 1024, 4096, 8192)
EAL = "--no-pci --no-huge --no-shconf -m 512 --vdev="
DEVICES = {# no system call at each poll: on a veth, who sends has run this end's NAPI
           "af_xdp": "net_af_xdp0,iface={},busy_budget=0",
           # its own 512 frames are too few for the ACKs of 200 responses
           "af_packet": "net_af_packet0,iface={},blocksz=65536,framecnt=4096",
           # frames of 9000 bytes do not fit into af_xdp's
           "af_packet9000": "net_af_packet0,iface={},framesz=16384,blocksz=65536,framecnt=512"}


@contextlib.contextmanager
def server_on_veth(o, program, device="af_xdp", dpdk="", **lab_args):
    """(lab, its directory, processes): the program, on its core, behind one end of the pair."""
    with lab.Lab(**lab_args) as host, rig.scratch() as (where, running):
        path, core = f"{o.build}/examples/{program}", lab.server_core()
        if program == "kernel_http":
            host.stack.run(f"ip addr add {rig.SERVER_IP}/24 dev vs")
            cmd, eal = lab.pinned(core, [path]), ""
        else:
            cmd = [path, "--conf", rig.config(where, "server.ini", rig.SERVER_IP, core, dpdk)]
            eal = EAL + DEVICES[device].format("vs")
        running.append(rig.Process(cmd, eal, where, "server", host.stack))
        time.sleep(1.2)
        yield host, where, running


def zload(o, host, where, running, size, *args, device="af_xdp"):
    """Started on the other end, where the kernel is to have no address."""
    host.kernel.run("ip addr flush dev vk")
    running.append(rig.Process(rig.load_command(o, where, size, *args),
                               EAL + DEVICES[device].format("vk"), where, "load", host.kernel))
    return running[-1]


def by_zload(o, program, size, conns, mtu=1500):
    device = "af_packet9000" if mtu > 1500 else "af_xdp"
    with server_on_veth(o, program, device, mtu=mtu) as (host, where, running):
        zload(o, host, where, running, size, "-c", conns, device=device).finish()
        return rig.load_result(where)


def by_bounce(o):
    """The nanoseconds that a frame takes to testpmd, which sends it back as it is, and home."""
    with lab.Lab() as host, rig.scratch() as (where, running):
        core = {"vs": lab.server_core(), "vk": lab.client_core()}
        args = {end: [*(EAL + DEVICES["af_xdp"].format(end)).split(), "--lcores", f"(0,1)@{c}", "--"]
                for end, c in core.items()}
        running.append(rig.Process(["dpdk-testpmd", *args["vs"], "--forward-mode=macswap",
                                    "--port-topology=loop", "--total-num-mbufs=8192",
                                    "--stats-period", "60"], "", where, "server", host.stack))
        time.sleep(1.2)
        host.kernel.run("ip addr flush dev vk")
        running.append(rig.Process([f"{o.build}/bench/bounce", *args["vk"], str(1.25 * o.seconds)],
                                   "", where, "load", host.kernel))
        return int(running[-1].finish().split()[-1])


def by_wrk(o, program, size, conns, device="af_xdp", offloads=False):
    """What people know; in the kernel, whose part of the work is the limit. (requests/s, p99 in us)"""
    url = f"http://{rig.SERVER_IP}/{size}"
    with server_on_veth(o, program, device, offloads=offloads) as (host, _where, _running):
        host.kernel.run("curl -sS -o /dev/null --retry 5 --retry-delay 1 --retry-connrefused " + url)
        for seconds in (1, max(1, round(o.seconds))):  # the first touches every page of the rings
            out = host.kernel.run(" ".join(lab.pinned(lab.client_core(), [
                "wrk", "-t", "1", "-c", str(conns), "-d", f"{seconds}s", "--latency", url])))
        if "Socket errors" in out or "Non-2xx" in out:
            raise RuntimeError(f"wrk: {out}")
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\n", out)
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                float(p99.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[p99.group(2)])


def kernel(o, figures):
    """The kernel's epoll server and ours, with the same client on the same link."""
    zload_on_veth(o, figures, "kernel.veth", (64, 8192) if o.quick else SIZES,
                  (50,) if o.quick else (1, 50))
    if not o.quick:
        if figures.wanted("kernel.veth.bounce."):
            bounce_on_veth(o, figures)
        zload_on_veth(o, figures, "kernel.veth9000", (64, 8192), (50,), mtu=9000)
        wrk_on_veth(o, figures)


def bounce_on_veth(o, figures):
    """What the link takes of the time of one request, when nobody does anything with it."""
    cases = [(s,) for s in ("linux", "bounce")]
    found = rig.interleaved(o, cases, lambda s: by_bounce(o) if s == "bounce" else
                            by_zload(o, SERIES[s], 64, 1)["latency_ns"]["p50"])
    p50 = min(found["bounce",])
    figures.add("kernel.veth.bounce.p50", p50 / 1000, "us")
    figures.add("kernel.veth.bounce.p50_to_linux", p50 / min(found["linux",]), "ratio")


def zload_on_veth(o, figures, group, sizes, conns, **lab_args):
    cases = [(s, z, c) for z in sizes for c in conns for s in SERIES
             if figures.wanted(f"{group}.{s}.{z}.{c}.")]
    found = rig.interleaved(o, cases,
                            lambda s, z, c: by_zload(o, SERIES[s], z, c, **lab_args))
    for (s, z, c), runs in found.items():
        name, linux = f"{group}.{s}.{z}.{c}", found.get(("linux", z, c))
        best = max(r["best_window"] for r in runs)
        p50 = min(r["latency_ns"]["p50"] for r in runs)
        figures.add(f"{name}.rate", best, "requests/s")
        figures.add(f"{name}.rate_median", rig.median([r["median_window"] for r in runs]),
                    "requests/s")
        figures.add(f"{name}.p50", p50 / 1000, "us")
        figures.add(f"{name}.p99", min(r["latency_ns"]["p99"] for r in runs) / 1000, "us")
        if s != "linux" and linux:
            figures.add(f"{name}.rate_to_linux", best / max(r["best_window"] for r in linux),
                        "ratio")
            figures.add(f"{name}.p50_to_linux",
                        p50 / min(r["latency_ns"]["p50"] for r in linux), "ratio")


# name in the line: (program, device, offloads of the veth, which only the kernel's stack can use)
WRK_SERIES = {"linux": ("kernel_http", "af_xdp", False),
              "linux_offloads": ("kernel_http", "af_xdp", True),
              "zc": ("http_zc", "af_xdp", False), "copy": ("http_copy", "af_xdp", False),
              "zc_af_packet": ("http_zc", "af_packet", False),
              "copy_af_packet": ("http_copy", "af_packet", False)}


def wrk_on_veth(o, figures):
    cases = [(s, z, c) for z, c in ((64, 50), (8192, 200)) for s in WRK_SERIES
             if figures.wanted(f"kernel.wrk.{s}.{z}.{c}.")]

    def run(s, z, c):
        program, device, offloads = WRK_SERIES[s]
        return by_wrk(o, program, z, c, device, offloads)

    for (s, z, c), runs in rig.interleaved(o, cases, run).items():
        figures.add(f"kernel.wrk.{s}.{z}.{c}.rate", max(rate for rate, _ in runs), "requests/s")
        figures.add(f"kernel.wrk.{s}.{z}.{c}.p99", min(p99 for _, p99 in runs), "us")


# ---- the server's CPU over the offered load ----

CPU_SERIES = {"linux": ("kernel_http", ""), "powersave": ("http_zc", "idle=powersave"),
              "adaptive": ("http_zc", "idle=adaptive"), "poll": ("http_zc", "idle=poll")}
CPU_RATES = (10000, 40000, 80000, 240000)


def to_server_core(host):
    """Has the kernel's stack process what arrives for it on the server's core, to be counted there."""
    host.stack.run(["unshare", "-m", "sh", "-c", "mount -t sysfs none /sys && "
                    f"echo {1 << lab.server_core():x} > /sys/class/net/vs/queues/rx-0/rps_cpus"])


def core_times(core):
    """(busy, all) ticks of a core: processes, interrupts and softirqs."""
    with open("/proc/stat") as f:
        line = next(x for x in f if x.startswith(f"cpu{core} "))
    ticks = [int(x) for x in line.split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def used(o, series, rate):
    """(share of the server's core that was busy, requests a second) at an offered load."""
    program, dpdk = CPU_SERIES[series]
    with server_on_veth(o, program, dpdk=dpdk) as (host, where, running):
        if series == "linux":
            to_server_core(host)
        load = zload(o, host, where, running, 64, "-c", 50, "-R", rate)
        time.sleep(2)   # start and warm-up
        before = core_times(lab.server_core())
        time.sleep(o.seconds)
        after = core_times(lab.server_core())
        load.finish()
        result = rig.load_result(where)
    return (after[0] - before[0]) / (after[1] - before[1]), result["median_window"]


def cpu(o, figures):
    """CPU over offered load, requests of 64 bytes."""
    cases = [(s, r) for r in CPU_RATES for s in CPU_SERIES if figures.wanted(f"cpu.{s}.{r}.")]
    # once each, and the load goes on for longer than the look at the core
    longer = rig.longer(o, 1)
    found = rig.interleaved(o, cases, lambda s, r: used(longer, s, r), runs=1)
    for (s, r), [(share, reached)] in found.items():
        figures.add(f"cpu.{s}.{r}.busy", 100 * share, "%")
        figures.add(f"cpu.{s}.{r}.rate", reached, "requests/s")


ALL = {f.__name__: f for f in (kernel, cpu)}
