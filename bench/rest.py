# SPDX-License-Identifier: BSD-3-Clause
"""Group of bench/run: a core without work, by the configuration's key idle; see bench/README.md."""
import os
import sys

import rig
from groups import SERIES

sys.path.append(os.path.join(rig.ROOT, "tests", "e2e"))
import idle as e2e  # noqa: E402

CONNS, RATE = 1000, 20
PAIRS = 3            # of runs in turn


def idle(o, figures):
    if figures.wanted("idle.core.wake."):
        figures.add("idle.core.wake", rig.distance(o, "wake") / 1000, "us")
    for link in (*e2e.LINKS, "af_xdp"):
        if figures.wanted(f"idle.{link}.{CONNS}."):
            with e2e.running(o, "http_zc", link, "adaptive") as (host, server), \
                    e2e.idle_connections(host, CONNS):
                figures.add(f"idle.{link}.{CONNS}.busy", 100 * e2e.quietest(server), "%")
        if figures.wanted(f"idle.{link}.first_request_later."):
            late, *_ = e2e.late_beside_poll(o, link, 0.1, 15)
            figures.add(f"idle.{link}.first_request_later", late, "us")
    with rig.Hugepages() as pages:
        over_virtio(o, figures, pages.ok)


def over_virtio(o, figures, huge):
    def runs(*load):
        """zload's results of each run, polling and adaptive, which take turns."""
        found = rig.interleaved(o, [("poll",), ("adaptive",)], lambda mode: rig.over_link(
            o, huge, "virtio", SERIES["zc"], 64, *load, dpdk=f"idle={mode}")[0], runs=PAIRS)
        return found["poll",], found["adaptive",]

    if figures.wanted("idle.virtio.first_request_later."):
        late = [(b["latency_ns"]["p50"] - a["latency_ns"]["p50"]) / 1000
                for a, b in zip(*runs("-c", 1, "-R", RATE))]
        figures.add("idle.virtio.first_request_later", rig.median(late), "us")
    if figures.wanted("idle.virtio.64.50."):
        polls, sleeps = runs("-c", 50)
        best = [max(r["best_window"] for r in of) for of in (polls, sleeps)]
        figures.add("idle.virtio.64.50.rate_of_poll", 100 * best[1] / best[0], "%")
        figures.add("idle.virtio.64.50.rate_of_poll_median", 100 * rig.median(
            [b["median_window"] / a["median_window"] for a, b in zip(polls, sleeps)]), "%")


ALL = {"idle": idle}
