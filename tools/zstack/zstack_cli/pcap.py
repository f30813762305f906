# SPDX-License-Identifier: BSD-3-Clause
"""Captures the packets of a running program into a pcapng file, for tcpdump -r and Wireshark.

zstack pcap start -w FILE [FILTER]    begins, and returns
zstack pcap status                    how many packets there are
zstack pcap stop                      ends it
zstack pcap run -w FILE [FILTER]      until Ctrl-C, -c packets or --seconds

The program itself writes the file. FILTER is what tcpdump understands and needs libpcap where the
program runs. Packets that we send have no checksums yet where the device makes them.
"""
import os
import signal
import time

from . import client, show

POLL_S = 0.2


def add_arguments(parser):
    parser.add_argument("action", choices=("start", "stop", "status", "run"))
    parser.add_argument("-w", "--write", metavar="FILE")
    parser.add_argument("-i", "--interface", type=int, metavar="N", help="of one interface (default: all)")
    parser.add_argument("-s", "--snaplen", type=int, metavar="BYTES", help="kept of each packet (2048)")
    parser.add_argument("-c", "--count", type=int, metavar="N", help="end after so many packets")
    parser.add_argument("--seconds", type=float, metavar="S", help="with run: end after so long")
    parser.add_argument("filter", nargs="*", metavar="FILTER")


def start(program, args):
    if not args.write:
        raise client.Problem("pcap: -w FILE is missing")
    words = ["file=" + os.path.abspath(args.write)]
    if "," in words[0]:
        raise client.Problem("pcap: the name of the file has a comma in it")
    for name, value in (("if", args.interface), ("snaplen", args.snaplen), ("count", args.count)):
        if value is not None:
            words.append(f"{name}={value}")
    if args.filter:
        words.append("filter=" + " ".join(args.filter))
    return program.call("/zstack/pcap_start", *words)


def stop(program):
    last = program.call("/zstack/pcap")
    program.call("/zstack/pcap_stop")
    return {**last, "running": 0}


def wait(program, args):
    """Until it is full, the time is over, or somebody wants it to end."""
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while args.seconds is None or time.monotonic() - begin < args.seconds:
            status = program.call("/zstack/pcap")
            if status.get("full") or not status["running"]:
                return
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        pass


def text(s):
    if "packets" not in s:
        return "no capture runs"
    word = "captured" if not s["running"] else "full," if s["full"] else "running,"
    return (f"{word} {s['packets']} packets in {s['file']}"
            + (f", {s['missed']} missed" if s["missed"] else "")
            + (f"; writing failed: {s['problem']}" if "problem" in s else ""))


def run(args):
    program = client.choose(args)
    if args.action in ("start", "run"):
        answer = start(program, args)
        if args.action == "run":
            wait(program, args)
            answer = stop(program)
    elif args.action == "stop":
        answer = stop(program)
    else:
        answer = program.call("/zstack/pcap")
    if args.json:
        show.json_text(answer)
    else:
        print(text(answer))
    return 1 if "problem" in answer else 0
