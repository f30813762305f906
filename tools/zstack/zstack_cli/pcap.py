# SPDX-License-Identifier: BSD-3-Clause
"""Captures the packets of a running program into a pcapng file, for tcpdump -r and Wireshark.

zstack pcap start -w FILE [FILTER]    begins, and returns
zstack pcap status                    how many packets there are
zstack pcap stop                      ends it
zstack pcap run -w FILE [FILTER]      until Ctrl-C, -c packets or --seconds

The program itself writes the file. FILTER is what tcpdump understands and needs libpcap where the
program runs. Packets that we send have no checksums yet where the device makes them.

Where a program is several processes with device queues of their own, process N writes FILE.N.
"""
import os
import signal
import time

from . import client, group, show

POLL_S = 0.2


def add_arguments(parser):
    parser.add_argument("action", choices=("start", "stop", "status", "run"))
    parser.add_argument("-w", "--write", metavar="FILE")
    parser.add_argument("-i", "--interface", type=int, metavar="N", help="of one interface (default: all)")
    parser.add_argument("-s", "--snaplen", type=int, metavar="BYTES", help="kept of each packet (2048)")
    parser.add_argument("-c", "--count", type=int, metavar="N", help="end after so many packets")
    parser.add_argument("--seconds", type=show.seconds, metavar="S", help="with run: end after so long")
    parser.add_argument("filter", nargs="*", metavar="FILTER")


def capturers(program):
    """Who has packets to capture: the first process, and the others where devices have queues for them."""
    own = program.several and any(i["rx_queues"] > 1 for i in program.first.pages("/zstack/if"))
    return program.members if own else [program.first]


def start(p, args, path):
    if "," in path:
        raise client.Problem("pcap: the name of the file has a comma in it")
    words = ["file=" + path]
    for name, value in (("if", args.interface), ("snaplen", args.snaplen), ("count", args.count)):
        if value is not None:
            words.append(f"{name}={value}")
    if args.filter:
        words.append("filter=" + " ".join(args.filter))
    return p.call("/zstack/pcap_start", *words)


def start_all(who, args):
    """Each of several writes a file of its own. All begin, or none."""
    if not args.write:
        raise client.Problem("pcap: -w FILE is missing")
    path, begun = os.path.abspath(args.write), []
    try:
        for p in who:
            begun.append((p, start(p, args, f"{path}.{p.proc}" if len(who) > 1 else path)))
    except client.Problem:
        for p, _ in begun:
            stop(p)
        raise
    return [answer for _, answer in begun]


def status(p):
    return p.call("/zstack/pcap")


def stop(p):
    answer = p.call("/zstack/pcap_stop")
    if "packets" not in answer:
        answer["problem"] = f"process {p.pid} has another version of Z-stack, which does not tell what is in the file"
    return answer


def wait(who, args):
    """Until one is full, the time is over, or somebody wants it to end."""
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while args.seconds is None or time.monotonic() - begin < args.seconds:
            if any(s.get("full") or not s["running"] for s in map(status, who)):
                return
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        pass


def text(s):
    if "packets" not in s:
        return "the capture has ended; " + s["problem"] if "problem" in s else "no capture runs"
    word = "captured" if not s["running"] else "full," if s["full"] else "running,"
    return (f"{word} {s['packets']} packets in {s['file']}"
            + (f", {s['missed']} missed" if s["missed"] else "")
            + (f"; writing failed: {s['problem']}" if "problem" in s else ""))


def run(args):
    who = capturers(group.choose(args))
    if args.action in ("start", "run"):
        answers = start_all(who, args)
        if args.action == "run":
            wait(who, args)
            answers = [stop(p) for p in who]
    else:
        answers = [(stop if args.action == "stop" else status)(p) for p in who]
    if args.json:
        show.json_text(answers if len(who) > 1 else answers[0])
    else:
        print("\n".join(map(text, answers)))
    return 1 if any("problem" in a for a in answers) else 0
