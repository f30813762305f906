# SPDX-License-Identifier: BSD-3-Clause
"""The groups of bench/run, each a function of (options, figures). bench/README.md describes them."""
import subprocess
import time

import rig
from rig import lab

SERIES = {"zc": "http_zc", "copy": "http_copy"}
SIZES = (64, 1024, 4096, 8192)


def core(o, figures):
    """The stack alone: bench/core prints lines of the same form."""
    cmd = [f"{o.build}/bench/core"] + (["--only", o.only] if o.only.startswith("core.") else [])
    out = subprocess.run(cmd, check=True, stdout=subprocess.PIPE, text=True).stdout
    for name, value, unit in (line.split() for line in out.splitlines()):
        figures.add(name, float(value), unit)


def link(o, figures):
    """Server and zload as two processes, a core each."""
    conns = (50,) if o.quick else (1, 50, 200)
    sizes = (64, 8192) if o.quick else SIZES
    cases = [(k, s, z, c) for k in rig.LINKS for z in sizes for c in conns for s in SERIES
             if figures.wanted(f"link.{k}.{s}.{z}.{c}.")]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o.runs, cases, lambda k, s, z, c: rig.over_link(
            o, pages.ok, k, SERIES[s], z, "-c", c))
    for (k, s, z, c), runs in found.items():
        name = f"link.{k}.{s}.{z}.{c}"
        figures.add(f"{name}.cycles_per_request",
                    min(r.get("cycles_best", r["cycles_each"]) for _, r in runs), "cycles")
        figures.add(f"{name}.cycles_per_request_median",
                    rig.median([r.get("cycles_median", r["cycles_each"]) for _, r in runs]),
                    "cycles")
        figures.add(f"{name}.rate", max(l["best_window"] for l, _ in runs), "requests/s")
        figures.add(f"{name}.rate_median", rig.median([l["median_window"] for l, _ in runs]),
                    "requests/s")
        figures.add(f"{name}.p50", min(l["latency_ns"]["p50"] for l, _ in runs) / 1000, "us")
        figures.add(f"{name}.copies", max(r["copies"] for _, r in runs), "bytes")


def bulk(o, figures):
    """Bodies of 1 MiB, one after the other: the rate of one connection, and of 32."""
    cases = [(k, s, c) for k in ("memif_zc", "virtio", "virtio_tso") for s in SERIES
             for c in (1, 32) if figures.wanted(f"bulk.{k}.{s}.{c}.")]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o.runs, cases, lambda k, s, c: rig.over_link(
            o, pages.ok, k, SERIES[s], 1 << 20, "-c", c))
    for (k, s, c), runs in found.items():
        figures.add(f"bulk.{k}.{s}.{c}.rate",
                    max(8e-9 * l["bytes_per_second"] for l, _ in runs), "Gbit/s")


def latency(o, figures):
    """At a fixed rate, half of what the closed loop reached; latency from when a request was due."""
    cases = [(k, s, z) for k in ("memif_zc", "virtio") for z in (64, 8192) for s in SERIES
             if figures.wanted(f"latency.{k}.{s}.{z}.")]

    def at_half_load(k, s, z):
        closed, _ = rig.over_link(o, pages.ok, k, SERIES[s], z, "-c", 50)
        rate = int(closed["median_window"] / 2)
        return rate, rig.over_link(o, pages.ok, k, SERIES[s], z, "-c", 50, "-R", rate)[0]

    with rig.Hugepages() as pages:
        found = rig.interleaved(o.runs, cases, at_half_load)
    for (k, s, z), runs in found.items():
        name = f"latency.{k}.{s}.{z}"
        figures.add(f"{name}.rate", rig.median([rate for rate, _ in runs]), "requests/s")
        for p in ("p50", "p99", "p99.9", "p99.99"):
            figures.add(f"{name}.{p}", min(l["latency_ns"][p] for _, l in runs) / 1000, "us")


# ---- beside the kernel, on one veth pair ----

AF_XDP = "--no-pci --no-huge --no-shconf -m 512 --vdev=net_af_xdp0,iface="


def on_veth(o, program, size, conns, offloads=False):
    """zload over af_xdp on one end; on the other the kernel's epoll server, or ours over af_xdp."""
    with lab.Lab(offloads=offloads) as host, rig.scratch() as (where, running):
        host.kernel.run("ip addr flush dev vk")
        path = f"{o.build}/examples/{program}"
        if program == "kernel_http":
            host.stack.run(f"ip addr add {rig.SERVER_IP}/24 dev vs")
            cmd, eal = lab.pinned(lab.server_core(), [path]), ""
        else:
            cmd = [path, "--conf", rig.config(where, "server.ini", rig.SERVER_IP, lab.server_core())]
            eal = AF_XDP + "vs"
        running.append(rig.Process(cmd, eal, where, "server", host.stack))
        time.sleep(1.5)
        running.append(rig.Process(rig.load_command(o, where, size, "-c", conns), AF_XDP + "vk",
                                   where, "load", host.kernel))
        running[1].finish()
        return rig.load_result(where)


def kernel(o, figures):
    programs = {"linux": "kernel_http", **SERIES}
    sizes = (64, 8192) if o.quick else SIZES
    conns = (1, 50)
    cases = [(s, z, c) for z in sizes for c in conns for s in programs
             if figures.wanted(f"kernel.veth.{s}.{z}.{c}.")]
    found = rig.interleaved(o.runs, cases, lambda s, z, c: on_veth(o, programs[s], z, c))
    for (s, z, c), runs in found.items():
        name = f"kernel.veth.{s}.{z}.{c}"
        figures.add(f"{name}.rate", max(r["best_window"] for r in runs), "requests/s")
        figures.add(f"{name}.rate_median", rig.median([r["median_window"] for r in runs]),
                    "requests/s")
        figures.add(f"{name}.p50", min(r["latency_ns"]["p50"] for r in runs) / 1000, "us")
        linux = found.get(("linux", z, c))
        if s != "linux" and linux:
            best = max(r["best_window"] for r in linux)
            figures.add(f"{name}.times_linux",
                        max(r["best_window"] for r in runs) / best, "ratio")


ALL = {f.__name__: f for f in (core, link, bulk, latency, kernel)}
QUICK = ("link", "kernel")

