# SPDX-License-Identifier: BSD-3-Clause
"""Who holds buffers, how much memory, and for how long; how full the pools are.

Memory by age: of what was sent, since it was sent first; of what was received and waits or was taken,
since the last segment of its connection came, so it is at least so old. With -c the connections that hold most.
"""
from . import group, show

AGES = {"below_1ms": "<1ms", "below_10ms": "<10ms", "below_100ms": "<100ms", "below_1s": "<1s",
        "below_10s": "<10s", "below_1min": "<1min", "older": "older", "unknown_age": "?"}
NAMES = {"sent": "sent, not acknowledged", "unsent": "to be sent", "receive": "received, not read",
         "out_of_order": "received beyond a gap", "application": "taken by the application",
         "udp": "datagrams, not read", "neighbour": "wait for a neighbour", "fragments": "fragments",
         "device_queue": "wait for the device"}


def add_arguments(parser):
    parser.add_argument("-c", "--connections", type=show.count, nargs="?", const=10, default=0, metavar="N",
                        help="the N (10) connections that hold most")


def held(c):
    return sum(c.get(k, 0) for k in ("snd_mem", "rcv_mem", "ooo_mem", "taken_mem"))


def hoarders(program, n):
    conns = [c for c in program.pages("/zstack/ss") if held(c) > 0]
    return sorted(conns, key=held, reverse=True)[:n]


def run(args):
    program = group.choose(args)
    answer = {"holders": program.total("/zstack/bufs"), "pools": program.first.call("/zstack/pools")}
    if args.connections:
        answer["connections"] = hoarders(program, args.connections)
    if args.json:
        show.json_text(answer)
        return
    show.table(["POOL", "SIZE", "IN USE", "FREE"],
               [[name, p["size"], p["in_use"], p["free"]] for name, p in answer["pools"].items()],
               right=("SIZE", "IN USE", "FREE"))
    print()
    header = ["HOLDER", "BUFFERS", "MEMORY", *AGES.values()]
    show.table(header, [[NAMES.get(name, name), h["bufs"] or ("-" if h["bytes"] else 0),
                         show.human(h["bytes"], 1024), *(show.human(h[k], 1024) for k in AGES)] for name, h in answer["holders"].items()],
               right=header[1:])
    print("\nThe rest is with the devices (receive rings, transmission) and with the application.")
    if args.connections:
        print()
        show.table(["CONNECTION", "SENDING", "SINCE", "RECEIVED", "BEYOND A GAP", "APPLICATION"],
                   [[show.endpoint(c["local"], c["local_port"], c["family"]) + " "
                     + show.endpoint(c["peer"], c["peer_port"], c["family"]),
                     show.human(c.get("snd_mem", 0), 1024), show.ago(c.get("snd_age_us", 0)),
                     *(show.human(c.get(k, 0), 1024) for k in ("rcv_mem", "ooo_mem", "taken_mem"))]
                    for c in answer["connections"]])
