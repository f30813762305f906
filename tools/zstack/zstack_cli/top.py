# SPDX-License-Identifier: BSD-3-Clause
"""What the loops do, live: packets, bytes, turns, how busy each core is, connections, drops.

Keys: q ends, + and - change the interval. Without a terminal, with -b or with --json it prints one
report after the other.
"""
import curses
import json
import sys
import time

from . import group, show

RATES = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "tcp_segs_in", "tcp_segs_retx", "drops", "turns",
         "busy_turns", "sleeps", "tcp_conns_opened", "tcp_conns_accepted", "tcp_conns_closed")


def add_arguments(parser):
    parser.add_argument("-d", "--delay", type=show.seconds, default=1.0, metavar="S", help="between two looks (1)")
    parser.add_argument("-n", "--iterations", type=show.count, default=0, metavar="N", help="end after so many")
    parser.add_argument("-b", "--batch", action="store_true", help="print, instead of a screen")


def share(now, before, name):
    total = now["total_cycles"] - before["total_cycles"]
    return (now[name] - before[name]) / total if total > 0 else 0.0


def compare(before, after, seconds):
    """Figures of each core per second, from two looks."""
    out = []
    for b, a in zip(before, after):
        rates = {k: (a[k] - b[k]) / seconds for k in RATES}
        packets = a["rx_packets"] - b["rx_packets"] + a["tx_packets"] - b["tx_packets"]
        cycles = a["busy_cycles"] - b["busy_cycles"]
        out.append({"core": a["id"], **rates, "busy": share(a, b, "busy_cycles"),
                    "awake": 1 - share(a, b, "slept_cycles"),
                    "cycles_per_packet": cycles / packets if packets else 0.0,
                    **{k: a[k] for k in ("connections", "half_open", "time_wait", "listeners", "udp")}})
    return out


def look(program):
    return list(program.cores())


def bar(part, width=20):
    n = round(max(0.0, min(1.0, part)) * width)
    return "[" + "#" * n + " " * (width - n) + "]"


def report(program, cores, pools):
    """Lines of text; what matters most is in the first 80 columns."""
    yield (f"{program.title()}: {sum(c['connections'] for c in cores)} connections, "
           f"{sum(c['half_open'] for c in cores)} half-open, {sum(c['time_wait'] for c in cores)} in TIME-WAIT")
    yield ("buffers in use: " + ", ".join(f"{k.removeprefix('zs_')} {p['in_use']}/{p['size']}"
                                          for k, p in pools.items()))
    yield ""
    yield (f"CORE {'BUSY':>6} {'AWAKE':>6} {'RX PKT/s':>9} {'RX bit/s':>9} {'TX PKT/s':>9} {'TX bit/s':>9} "
           f"{'CONNS':>8} {'DROPS/s':>7} {'NEW/s':>7} {'RETX/s':>7} {'TURNS/s':>8} {'CYC/PKT':>8}")
    for c in cores:
        new = c["tcp_conns_opened"] + c["tcp_conns_accepted"]
        yield (f"{c['core']:>4} {c['busy']:>6.1%} {c['awake']:>6.1%} "
               f"{show.human(c['rx_packets']):>9} {show.human(8 * c['rx_bytes']):>9} "
               f"{show.human(c['tx_packets']):>9} {show.human(8 * c['tx_bytes']):>9} "
               f"{c['connections']:>8} {show.human(c['drops']):>7} {show.human(new):>7} "
               f"{show.human(c['tcp_segs_retx']):>7} {show.human(c['turns']):>8} {c['cycles_per_packet']:>8.0f} "
               f"{bar(c['busy'])}")


def batch(args, program):
    before, t0, n = look(program), time.monotonic(), 0
    while not args.iterations or n < args.iterations:
        time.sleep(args.delay)
        after, t1 = look(program), time.monotonic()
        cores = compare(before, after, t1 - t0)
        if args.json:
            print(json.dumps(cores), flush=True)
        else:
            print("\n".join(report(program, cores, program.first.call("/zstack/pools"))), flush=True)
        before, t0, n = after, t1, n + 1


def draw(screen, lines, delay):
    height, width = screen.getmaxyx()
    screen.erase()
    for y, line in enumerate([*lines, "", f"every {delay:g} s; + - q"][:height]):
        # the last cell of a screen cannot be written
        screen.addnstr(y, 0, line, width - 1, curses.A_REVERSE if line.startswith("CORE") else 0)
    screen.refresh()


def live(screen, args, program):
    curses.use_default_colors()
    curses.curs_set(0)
    delay, n = args.delay, 0
    before, t0 = look(program), time.monotonic()
    while not args.iterations or n < args.iterations:
        screen.timeout(max(1, int(delay * 1000)))
        key = screen.getch()
        if key in (ord("q"), 27):
            return
        delay = {ord("+"): delay / 2, ord("-"): delay * 2}.get(key, delay)
        after, t1 = look(program), time.monotonic()
        if t1 - t0 < 0.05:
            continue
        lines = list(report(program, compare(before, after, t1 - t0), program.first.call("/zstack/pools")))
        draw(screen, lines, delay)
        before, t0, n = after, t1, n + 1


def run(args):
    program = group.choose(args)
    if args.batch or args.json or not sys.stdout.isatty():
        batch(args, program)
    else:
        curses.wrapper(live, args, program)
