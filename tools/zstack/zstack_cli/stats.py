# SPDX-License-Identifier: BSD-3-Clause
"""All counters of the stacks and every reason for which packets were dropped, since the start.

Without options counters that are 0 are left out.
"""
from . import group, show


def add_arguments(parser):
    parser.add_argument("-a", "--all", action="store_true", help="those that are 0, too")
    parser.add_argument("--core", type=int, metavar="N", help="of one core (default: the sum of all)")


def run(args):
    program = group.choose(args)
    stats = program.total("/zstack/stats") if args.core is None else program.of_core(args.core, "/zstack/stats")
    if args.json:
        show.json_text(stats)
        return
    shown = {k: v for k, v in stats.items() if v or args.all}
    width = max(map(len, shown), default=0)
    for drops in (False, True):
        part = {k: v for k, v in shown.items() if k.startswith("drop_") == drops}
        if part and drops:
            print("\nDropped:")
        for name, value in part.items():
            print(f"{name.removeprefix('drop_'):<{width}} {value:>16}")
