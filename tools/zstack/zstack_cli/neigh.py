# SPDX-License-Identifier: BSD-3-Clause
"""What arp and ndp share: the table of neighbours, of each core where they differ."""
from . import group, show

BEST = ("REACHABLE", "DELAY", "PROBE", "STALE", "INCOMPLETE", "FAILED")


def add_arguments(parser):
    parser.add_argument("-c", "--cores", action="store_true", help="the table of each core by itself")


def merged(entries):
    """One entry for each address: that of the core which knows most."""
    best = {}
    for n in entries:
        key = (n["if"], n["addr"])
        if key not in best or BEST.index(n["state"]) < BEST.index(best[key]["state"]):
            best[key] = n
    return list(best.values())


def run(args, family):
    program = group.choose(args)
    entries = [n for n in program.pages("/zstack/neigh") if n["family"] == family]
    if args.json:
        show.json_text(entries)
        return
    header = ["ADDRESS", "IF", "MAC", "STATE", "CONFIRMED", "WAITING"]
    rows = [[n["addr"], n["if"], n["mac"] or "-", n["state"],
             show.ago(n["confirmed_us"]) + " ago" if n["mac"] else "-", n["waiting"]]
            + ([n["core"]] if args.cores else [])
            for n in (entries if args.cores else merged(entries))]
    show.table(header + (["CORE"] if args.cores else []), rows)
