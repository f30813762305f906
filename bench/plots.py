# SPDX-License-Identifier: BSD-3-Clause
"""SVG plots of a group's figures, by gnuplot, from the JSON that bench/run has written."""
import json
import os
import shutil
import subprocess
import sys

import groups

BODIES = {64: "64 B", 1024: "1 KB", 4096: "4 KB", 8192: "8 KB"}


def load(build, group):
    """{name: value}"""
    with open(os.path.join(build, "bench", f"{group}.json")) as f:
        return {line["name"]: line["value"] for line in json.load(f)["figures"]}


def curves(figures, form, xs, series):
    """{series: [(x, y), ...]} of the figures whose names are form with {s} and {x} filled in."""
    found = {s: [(x, figures[form.format(s=s, x=x)]) for x in xs
                 if form.format(s=s, x=x) in figures] for s in series}
    return {s: points for s, points in found.items() if points}


def blocks(lines):
    """gnuplot's data blocks, and the plot command's terms, of several curves."""
    data, terms = [], []
    for i, (series, points) in enumerate(lines.items()):
        data += [f"$d{i} << END", *(f"{x} {y}" for x, y in points), "END"]
        terms.append(f'$d{i} using 1:2 with linespoints pointtype 7 title "{series}"')
    return data, "plot " + ", ".join(terms)


def panel(title, xlabel, ylabel, lines, extra=()):
    data, plot = blocks(lines)
    xs = {x for points in lines.values() for x, _ in points}
    if len(xs) < 2:
        return None
    return [*data, f'set title "{title}"', f'set xlabel "{xlabel}"', f'set ylabel "{ylabel}"',
            "unset logscale", "set yrange [0:*]", *extra, plot]


def doubling(xs):
    """An axis for numbers that grow by factors."""
    return ["set logscale x", f"set xtics ({', '.join(map(str, xs))})"]


def svg(path, panels, columns=2):
    panels = [p for p in panels if p]
    if not panels:
        return
    rows = (len(panels) + columns - 1) // columns
    columns = min(columns, len(panels))
    script = [f'set terminal svg size {480 * columns},{320 * rows} font "sans,11" background "white" noenhanced',
              f'set output "{path}"', "set grid", "set key above",
              f"set multiplot layout {rows},{columns}"]
    for p in panels:
        script += p
    script.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
    print(f"# {path}", file=sys.stderr)


def over_bodies(figures, form, unit, scale, xs, xlabel, series):
    """A panel for each body size."""
    for body, name in BODIES.items():
        lines = curves(figures, form.replace("BODY", str(body)), xs, series)
        scaled = {s: [(x, y / scale) for x, y in p] for s, p in lines.items()}
        if scaled:
            yield panel(name, xlabel, unit, scaled, doubling(xs))


def link(figures, out):
    conns = groups.CONNS
    for what, unit, scale in (("rate", "M requests/s", 1e6), ("p50", "median latency, us", 1),
                              ("cycles_per_request", "cycles per request", 1)):
        svg(f"{out}/link-{what}.svg", list(over_bodies(
            figures, f"link.virtio.{{s}}.BODY.{{x}}.{what}", unit, scale, conns, "connections",
            ("zc", "copy"))))


def kernel(figures, out):
    panels = []
    for conns in (50, 1):
        for what, unit, scale in (("rate", "k requests/s", 1e3), ("p50", "median latency, us", 1)):
            lines = curves(figures, f"kernel.veth.{{s}}.{{x}}.{conns}.{what}", BODIES,
                           ("linux", "copy", "zc"))
            lines = {s: [(x, y / scale) for x, y in p] for s, p in lines.items()}
            if lines:
                panels.append(panel(f"{conns} connection{'s' if conns > 1 else ''}", "body, bytes",
                                    unit, lines, doubling(BODIES)))
    svg(f"{out}/kernel.svg", panels)


def cpu(figures, out):
    lines = {}
    for s in ("linux", "powersave", "adaptive", "poll"):
        names = [n[:-len(".busy")] for n in figures if n.startswith(f"cpu.{s}.")
                 and n.endswith(".busy")]
        if names:
            lines[s] = sorted((figures[f"{n}.rate"] / 1e3, figures[f"{n}.busy"]) for n in names)
    if lines:
        svg(f"{out}/cpu.svg", [panel("64 B, 50 connections", "k requests/s served",
                                     "% of the server's core", lines)])


def latency(figures, out):
    percentiles = ("p50", "p99", "p99.9", "p99.99")
    panels = []
    for link_name in ("memif_zc", "virtio"):
        for body in (64, 8192):
            lines = {s: [(i, figures[f"latency.{link_name}.{s}.{body}.{p}"])
                         for i, p in enumerate(percentiles)
                         if f"latency.{link_name}.{s}.{body}.{p}" in figures]
                     for s in ("zc", "copy")}
            lines = {s: p for s, p in lines.items() if p}
            if lines:
                tics = ", ".join(f'"{p}" {i}' for i, p in enumerate(percentiles))
                panels.append(panel(f"{link_name}, {BODIES[body]}, half load", "", "us", lines,
                                    [f"set xtics ({tics})", "set yrange [1:*]",
                                     "set logscale y"]))
    svg(f"{out}/latency.svg", panels)


DRAWN = {f.__name__: f for f in (link, kernel, cpu, latency)}


def draw(build, group):
    if group not in DRAWN:
        return
    if shutil.which("gnuplot") is None:
        print("# no plots: gnuplot is not installed (tools/deps.sh bench)", file=sys.stderr)
        return
    DRAWN[group](load(build, group), os.path.join(build, "bench"))
