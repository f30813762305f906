# SPDX-License-Identifier: BSD-3-Clause
"""Shows and changes what may be changed while a program runs.

zstack set                    all values
zstack set NAME               one of them
zstack set NAME=VALUE ...     changes it, for all stacks of the program

Names and values are those of [stack] in the configuration file, and idle as in [dpdk]. A change holds
for connections and timers that begin afterwards, and until the program ends.
"""
from . import client, group, show


def add_arguments(parser):
    parser.add_argument("knobs", nargs="*", metavar="NAME[=VALUE]")


def common(program):
    """The values of all processes; where they differ, each with its process."""
    each = [p.call("/zstack/get") for p in program.members]
    return {k: v if all(e.get(k) == v for e in each)
            else " ".join(f"{e.get(k)} (process {p.proc})" for p, e in zip(program.members, each))
            for k, v in each[0].items()}


def run(args):
    program = group.choose(args)
    for knob in args.knobs:
        if "," in knob:
            raise client.Problem(f"set: '{knob}' has a comma in it")
        if "=" in knob:
            for p in program.members:
                p.call("/zstack/set", knob)
    values = common(program)
    names = [k.partition("=")[0] for k in args.knobs]
    for name in names:
        if name not in values:
            raise client.Problem(f"set: there is no '{name}'")
    shown = {k: v for k, v in values.items() if not names or k in names}
    if args.json:
        show.json_text(shown)
        return
    for name, value in shown.items():
        print(f"{name}={value}")
