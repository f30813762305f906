# SPDX-License-Identifier: BSD-3-Clause
"""Lists the programs with a stack that run on this machine and may be asked by this user."""
from . import client, show


def add_arguments(parser):
    parser.set_defaults(pid=None, proc=None)


def run(args):
    found, refused = client.programs(args.file_prefix)
    rows = [{"pid": p.pid, "program": p.name, "file_prefix": p.prefix, "proc": p.proc, "procs": p.procs,
             "socket": p.path} for p in found]
    if args.json:
        show.json_text(rows)
        return 0
    print(f"{'PID':>8} {'PROGRAM':<16} {'PREFIX':<12} {'PROC':<5} SOCKET")
    for r in rows:
        proc = f"{r['proc']}/{r['procs']}" if r["procs"] else "-"
        print(f"{r['pid']:>8} {r['program']:<16} {r['file_prefix']:<12} {proc:<5} {r['socket']}")
    for path in refused:
        print(f"{'?':>8} {'(not permitted)':<16} {'':<12} {'':<5} {path}")
    return 0
