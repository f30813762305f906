# SPDX-License-Identifier: BSD-3-Clause
"""The routes, longest prefix first. Where the cores have different ones, each says which cores it is for."""
from . import group, show


def add_arguments(parser):
    parser.add_argument("-4", "--ipv4", action="store_true")
    parser.add_argument("-6", "--ipv6", action="store_true")


def text(r):
    if r["len"] == 0:
        return "default"
    prefix = r["prefix"] if r["prefix"] != "*" else ("0.0.0.0" if r["family"] == 4 else "::")
    return f"{prefix}/{r['len']}"


def run(args):
    program = group.choose(args)
    routes = [r for r in program.pages("/zstack/route")
              if args.ipv4 == args.ipv6 or (r["family"] == 4) == args.ipv4]
    if args.json:
        show.json_text(routes)
        return
    cores = {}
    for r in routes:
        cores.setdefault((text(r), r["gateway"], r["if"]), []).append(r["core"])
    n = len({r["core"] for r in routes})
    for (prefix, gateway, netif), who in cores.items():
        where = f" cores {','.join(map(str, who))}" if len(who) < n else ""
        print(prefix + (f" via {gateway}" if gateway else "") + f" if {netif}" + where)
