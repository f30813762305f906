# SPDX-License-Identifier: BSD-3-Clause
"""Connections and sockets, as ss of iproute2 shows the kernel's.

zstack ss            connections, listeners and closed ones not among them
zstack ss -tlnp      who listens, with the application's descriptors
zstack ss -tin       with what TCP knows of each connection
zstack ss -a dport 80

Of a program with a stack in each of several processes all are asked, and each line names its process.
"""
import socket

from . import client, group, show

# ss's words for the states of RFC 9293
WORDS = {
    "ESTABLISHED": "ESTAB", "SYN-RECEIVED": "SYN-RECV", "CLOSED": "UNCONN", "UNCONNECTED": "UNCONN",
}
STATES = {"syn-sent", "syn-recv", "syn-received", "estab", "established", "fin-wait-1", "fin-wait-2", "closing",
          "close-wait", "last-ack", "time-wait", "closed", "unconn", "unconnected", "listen", "all"}
CA_STATES = ("open", "recovery", "loss")


def add_arguments(parser):
    parser.add_argument("-t", "--tcp", action="store_true", help="TCP only")
    parser.add_argument("-u", "--udp", action="store_true", help="UDP only")
    parser.add_argument("-a", "--all", action="store_true", help="listeners and connections")
    parser.add_argument("-l", "--listening", action="store_true", help="listeners only")
    parser.add_argument("-n", "--numeric", action="store_true", help="port numbers, not names of services")
    parser.add_argument("-i", "--info", action="store_true", help="what TCP knows of the connection")
    parser.add_argument("-m", "--memory", action="store_true", help="memory of the queues, and its limits")
    parser.add_argument("-p", "--processes", action="store_true", help="the application's descriptor")
    parser.add_argument("-s", "--summary", action="store_true", help="how many there are of each kind")
    parser.add_argument("-H", "--no-header", action="store_true")
    parser.add_argument("-4", "--ipv4", action="store_true")
    parser.add_argument("-6", "--ipv6", action="store_true")
    parser.add_argument("filter", nargs="*", metavar="FILTER",
                        help="state NAME, port N, sport N, dport N; all of them have to be true")


# ---- which ----

class Filter:
    def __init__(self, args):
        self.state, self.ports = None, []
        words = list(args.filter)
        while words:
            word = words.pop(0)
            if word in ("and", "="):
                continue
            while words and words[0] == "=":
                words.pop(0)
            if not words:
                raise client.Problem(f"ss: '{word}' needs a value")
            value = words.pop(0)
            if word == "state":
                self.state = "listen" if value.lower() == "listening" else value.lower()
                if self.state not in STATES:
                    raise client.Problem(f"ss: '{value}' is not a state")
            elif word in ("port", "sport", "dport"):
                self.ports.append((word, port_number(value)))
            else:
                raise client.Problem(f"ss: '{word}' is none of state, port, sport, dport")

    def state_matches(self, c):
        word = WORDS.get(c["state"], c["state"]).lower()
        return self.state in (None, word, c["state"].lower(), "all")

    def matches(self, c):
        for word, port in self.ports:
            ends = {"sport": [c["local_port"]], "dport": [c["peer_port"]],
                    "port": [c["local_port"], c["peer_port"]]}[word]
            if port not in ends:
                return False
        return self.state_matches(c)


def port_number(text):
    try:
        return int(text.lstrip(":"))
    except ValueError:
        pass
    try:
        return socket.getservbyname(text.lstrip(":"))
    except OSError:
        raise client.Problem(f"ss: '{text}' is not a port") from None


def is_listener(c):
    return c["state"] in ("LISTEN", "UNCONNECTED")


def wanted(args, flt, c):
    if args.tcp != args.udp and (c["proto"] == "tcp") != args.tcp:
        return False
    if args.ipv4 != args.ipv6 and (c["family"] == 4) != args.ipv4:
        return False
    if args.listening and not is_listener(c):
        return False
    if not (args.all or args.listening or flt.state) and is_listener(c):
        return False
    return flt.matches(c)


def request(args, flt):
    """What the program need not even send."""
    words = []
    if args.tcp != args.udp:
        words += ["tcp", "listen"] if args.tcp else ["udp"]
    if flt.ports:
        words.append(f"port={flt.ports[0][1]}")
    if not (args.info or args.memory or args.json):
        words.append("brief")
    return words


# ---- how ----

def service(args, proto, port):
    if args.numeric or not port:
        return port
    try:
        return socket.getservbyport(port, proto)
    except OSError:
        return port


def info(c):
    """The words of ss -i, as far as they mean the same here."""
    if "cwnd" not in c:
        return "left:" + show.ms(c["left_us"]) + "ms" if "left_us" in c else ""
    mss = c["mss"] or 1
    words = [w for w in ("ts", "sack", "ecn") if c.get(w)]
    words += ["ecnseen"] if c.get("ecn_seen") else []
    words.append(c["cc"])
    if c["wscale"]:
        words.append(f"wscale:{c['snd_wscale']},{c['rcv_wscale']}")
    words.append("rto:" + show.ms(c["rto_us"]))
    if c["backoff"]:
        words.append(f"backoff:{c['backoff']}")
    if c["rtt_us"]:
        words.append(f"rtt:{show.ms(c['rtt_us'])}/{show.ms(c['rttvar_us'])}")
    words += [f"mss:{c['mss']}", f"pmtu:{c['pmtu']}", f"rcvmss:{c['rcv_mss']}",
              f"cwnd:{max(1, c['cwnd'] // mss)}"]
    if c["ssthresh"] < 1 << 30:
        words.append(f"ssthresh:{c['ssthresh'] // mss}")
    words += [f"{k}:{c[k]}" for k in ("bytes_sent", "bytes_retrans", "bytes_acked", "bytes_received") if c[k]]
    words += [f"segs_out:{c['segs_out']}", f"segs_in:{c['segs_in']}"]
    if c["rtt_us"]:
        words.append("send " + show.human(8e6 * c["cwnd"] / c["rtt_us"]) + "bps")
    words += [f"lastsnd:{c['lastsnd_us'] // 1000}", f"lastrcv:{c['lastrcv_us'] // 1000}"]
    if c["inflight"]:
        words.append(f"unacked:{-(-c['inflight'] // mss)}")
    if c["retrans"] or c["retx_out"]:
        words.append(f"retrans:{-(-c['retx_out'] // mss)}/{c['retrans']}")
    words += [f"{k}:{-(-c[k] // mss)}" for k in ("lost", "sacked") if c[k]]
    if c["ca_state"]:
        words.append("state:" + CA_STATES[min(c["ca_state"], 2)])
    words += [f"rcv_space:{c['rcv_wnd']}", f"snd_wnd:{c['snd_wnd']}"]
    if c["unsent"]:
        words.append(f"notsent:{c['unsent']}")
    if c["min_rtt_us"]:
        words.append("minrtt:" + show.ms(c["min_rtt_us"]))
    return " ".join(words)


def memory(c):
    if "sndbuf" not in c:
        return f"skmem:(r{c['rcv_mem']})" if "rcv_mem" in c else ""
    return (f"skmem:(r{c['rcv_mem']},rb{c['rcvbuf']},t{c['snd_mem']},tb{c['sndbuf']},o{c['ooo_mem']},"
            f"a{c['taken_mem']})")


def users(program, c):
    """Of several processes the number is always told."""
    p = next((p for p in program.members if p.pid == c.get("pid")), program.first)
    words = [f"proc={p.proc},pid={p.pid}"] if program.several else []
    if c.get("fds"):
        words.append(f'users:(("{p.name}",pid={p.pid},' + ",".join(f"fd={fd}" for fd in c["fds"]) + "))")
    return " ".join(words)


def rows(args, conns, program):
    for c in conns:
        state = WORDS.get(c["state"], c["state"])
        ends = [show.endpoint(c[e], service(args, c["proto"], c[e + "_port"]), c["family"])
                for e in ("local", "peer")]
        yield ([c["proto"], state, c["recv_q"], c["send_q"], *ends, users(program, c)],
               " ".join(filter(None, [info(c) if args.info else "", memory(c) if args.memory else ""])))


def print_list(args, conns, program):
    header = ["Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"]
    if args.tcp != args.udp:
        header = header[1:]
    lines = [(row[-len(header):], more) for row, more in rows(args, conns, program)]
    widths = [max(len(str(r[i])) for r in [header, *(line for line, _ in lines)]) for i in range(len(header))]
    if not args.no_header:
        lines.insert(0, (header, ""))
    for row, more in lines:
        print(" ".join(str(x).ljust(w) for x, w in zip(row, widths)).rstrip())
        if more:
            print("\t " + more)


def summary(program):
    total = {}
    for core in program.cores():
        for k in ("connections", "half_open", "time_wait", "listeners", "udp"):
            total[k] = total.get(k, 0) + core[k]
    return total


def run(args):
    flt = Filter(args)
    program = group.choose(args)
    if args.summary:
        total = summary(program)
        if args.json:
            show.json_text(total)
        else:
            print(f"TCP: {total['connections']} connections, {total['half_open']} half-open, "
                  f"{total['time_wait']} in TIME-WAIT, {total['listeners']} listeners\nUDP: {total['udp']}")
        return
    conns = [c for c in program.pages("/zstack/ss", *request(args, flt)) if wanted(args, flt, c)]
    if args.processes or args.json:
        fds = {}
        for f in program.pages("/zstack/fds"):
            fds.setdefault(f["conn"], []).append(f["fd"])
        for c in conns:
            c["fds"] = fds.get(c["id"], [])
    if args.json:
        show.json_text(conns)
    else:
        print_list(args, conns, program)
