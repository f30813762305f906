# SPDX-License-Identifier: BSD-3-Clause
"""Groups of bench/run on links of DPDK alone, each a function of (options, figures).
bench/README.md describes them."""
import re
import subprocess
import time

import rig
from rig import lab

SERIES = {"zc": "http_zc", "copy": "http_copy"}
WITH_CACHED = {**SERIES, "cached": "http_zc --cached"}
SIZES = (64, 1024, 4096, 8192)
CONNS = (1, 10, 50, 200)


def core(o, figures):
    """The stack alone: bench/core prints lines of the same form."""
    cmd = [f"{o.build}/bench/core"] + (["--only", o.only] if o.only.startswith("core.") else [])
    with rig.Hugepages():
        out = subprocess.run(cmd, check=True, stdout=subprocess.PIPE, text=True).stdout
    for name, value, unit in (line.split() for line in out.splitlines()):
        figures.add(name, float(value), unit)


def link_cases(quick):
    """(link, series, body, connections): the curves over virtio, single points of the others.
    50x16: 16 requests under way on each of 50 connections."""
    points = [(k, s, z, 50) for k in ("memif", "virtio") for z in (64, 8192) for s in SERIES]
    if quick:
        return points
    points += [("memif_zc", s, z, 50) for z in (64, 8192) for s in SERIES]
    points += [("virtio_packed", s, z, 50) for z in (64, 1024) for s in SERIES]
    points += [("virtio_tso", s, z, 50) for z in (4096, 8192) for s in WITH_CACHED]
    points += [("virtio", s, 64, c) for c in ("50x16", "200x16") for s in SERIES]
    curves = [("virtio", s, z, c) for z in SIZES for c in CONNS for s in SERIES]
    return curves + [p for p in points if p not in curves]


def at_once(conns):
    """zload's options for such a number of connections."""
    conns, _, deep = str(conns).partition("x")
    return ["-c", conns, "-p", deep or "1"]


def link(o, figures):
    """Server and zload as two processes, a core each."""
    cases = [p for p in link_cases(o.quick) if figures.wanted("link.{}.{}.{}.{}.".format(*p))]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o, cases, lambda k, s, z, c: rig.over_link(
            o, pages.ok, k, WITH_CACHED[s], z, *at_once(c)))
    for (k, s, z, c), runs in found.items():
        name = f"link.{k}.{s}.{z}.{c}"
        figures.add(f"{name}.cycles_per_request",
                    min(r.get("cycles_best", r["cycles_each"]) for _, r in runs), "cycles")
        figures.add(f"{name}.cycles_per_request_median",
                    rig.median([r.get("cycles_median", r["cycles_each"]) for _, r in runs]),
                    "cycles")
        best = max(l["best_window"] for l, _ in runs)
        figures.add(f"{name}.rate", best, "requests/s")
        figures.add(f"{name}.rate_median", rig.median([l["median_window"] for l, _ in runs]),
                    "requests/s")
        if s != "copy" and (copying := found.get((k, "copy", z, c))):
            figures.add(f"{name}.rate_to_copy", best / max(l["best_window"] for l, _ in copying),
                        "ratio")
        figures.add(f"{name}.p50", min(l["latency_ns"]["p50"] for l, _ in runs) / 1000, "us")
        figures.add(f"{name}.copies", max(r["copies"] for _, r in runs), "bytes")


def bulk(o, figures):
    """Bodies of 1 MiB, one after the other: the rate of one connection, and of 32."""
    cases = [(k, s, c) for k in ("memif_zc", "virtio", "virtio_tso") for s in WITH_CACHED
             for c in (1, 32) if figures.wanted(f"bulk.{k}.{s}.{c}.")]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o, cases, lambda k, s, c: rig.over_link(
            o, pages.ok, k, WITH_CACHED[s], 1 << 20, "-c", c))
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
        found = rig.interleaved(o, cases, at_half_load)
    for (k, s, z), runs in found.items():
        name = f"latency.{k}.{s}.{z}"
        figures.add(f"{name}.rate", rig.median([rate for rate, _ in runs]), "requests/s")
        for p in ("p50", "p99", "p99.9", "p99.99"):
            figures.add(f"{name}.{p}", min(l["latency_ns"][p] for _, l in runs) / 1000, "us")


def conn(o, figures):
    """A connection for each request: set up, a request for 64 bytes, close."""
    cases = [(k, s) for k in ("memif", "virtio") for s in SERIES
             if figures.wanted(f"conn.{k}.{s}.")]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o, cases, lambda k, s: rig.over_link(
            o, pages.ok, k, SERIES[s], 64, "-c", 50, "--close"))
    for (k, s), runs in found.items():
        name = f"conn.{k}.{s}"
        figures.add(f"{name}.cycles", min(r.get("cycles_best", r["cycles_each"]) for _, r in runs),
                    "cycles")
        figures.add(f"{name}.rate", max(l["best_window"] for l, _ in runs), "connections/s")


def echo(o, figures):
    """What the link itself can do: packets of 64 bytes, flooded and sent back by two testpmd."""
    cases = [(k,) for k in ("memif", "memif_zc", "virtio") if figures.wanted(f"echo.{k}.")]
    with rig.Hugepages() as pages:
        found = rig.interleaved(o, cases, lambda k: raw_echo(k, pages.ok))
    for (k,), rates in found.items():
        figures.add(f"echo.{k}.rate", max(rates), "packets/s")


def raw_echo(k, huge):
    """Packets that come back in the best of three seconds."""
    modes = {"server": "macswap", "load": "flowgen"}
    cores = {"server": lab.server_core(), "load": lab.client_core()}
    with rig.scratch() as (where, running):
        by_role = {}
        for role in sorted(modes, key=lambda r: r != rig.starts_first(k)):
            # its main lcore only sleeps: on the same CPU as the one that forwards
            cmd = ["dpdk-testpmd", *rig.eal(k, role, where, huge).split(),
                   "--lcores", f"(0,1)@{cores[role]}", "--", f"--forward-mode={modes[role]}",
                   "--port-topology=loop", "--burst=64", "--total-num-mbufs=8192",
                   "--stats-period", "1"]
            by_role[role] = rig.Process(cmd, "", where, role)
            running.append(by_role[role])
            rig.wait_for(f"{where}/{rig.socket_name(k)}")
        time.sleep(4.5)
        by_role["load"].proc.terminate()
        rates = re.findall(r"Rx-pps:\s+(\d+)", by_role["load"].finish())
    return max(map(int, rates))


ALL = {f.__name__: f for f in (core, link, echo, conn, bulk, latency)}
