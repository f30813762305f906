# SPDX-License-Identifier: BSD-3-Clause
"""The counters in the text format of Prometheus: once, or for whoever asks at an address.

zstack prometheus > /var/lib/node_exporter/zstack.prom
zstack prometheus --listen :9464
"""
import http.server
import signal
import socket
import sys

from . import client, group, show

# of a core: name, type, help
CORE = (
    ("connections", "gauge", "TCP connections"),
    ("half_open", "gauge", "TCP connections whose handshake is not complete"),
    ("time_wait", "gauge", "TCP connections in TIME-WAIT"),
    ("listeners", "gauge", "TCP listeners"),
    ("udp", "gauge", "UDP sockets"),
    ("turns", "counter", "turns of the loop"),
    ("busy_turns", "counter", "turns of the loop that did something"),
    ("sleeps", "counter", "times the loop slept"),
    ("handed_over", "counter", "packets given to other cores"),
    ("taken_over", "counter", "packets got from other cores"),
)
CYCLES = (("total_cycles", "seconds_total", "time of the loop"),
          ("busy_cycles", "busy_seconds_total", "time of turns that did something"),
          ("slept_cycles", "slept_seconds_total", "time that the loop slept"))
IF = ("rx_packets", "rx_bytes", "rx_missed", "rx_errors", "rx_nombuf", "tx_packets", "tx_bytes", "tx_errors")


def add_arguments(parser):
    parser.add_argument("--listen", metavar="[ADDRESS]:PORT", help="serve HTTP instead, until stopped")


class Text:
    def __init__(self, labels):
        self.labels, self.lines = labels, []

    def family(self, name, kind, text, samples):
        """samples: (labels, value); an empty family is left out."""
        samples = list(samples)
        if not samples:
            return
        self.lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        for labels, value in samples:
            inner = ",".join(f'{k}="{escape(v)}"' for k, v in {**self.labels, **labels}.items())
            self.lines.append(f"{name}{{{inner}}} {value}")


def escape(value):
    return str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def cores(out, found):
    for name, kind, text in CORE:
        full = f"zstack_{name}" + ("_total" if kind == "counter" else "")
        out.family(full, kind, text, (({"core": c["id"]}, c[name]) for c in found))
    for name, full, text in CYCLES:
        out.family("zstack_loop_" + full, "counter", text,
                   (({"core": c["id"]}, round(c[name] / c["cycles_hz"], 6)) for c in found if c["cycles_hz"]))


def collect(program):
    """Everything, as a dictionary."""
    return {"cores": list(program.cores()), "stats": program.total("/zstack/stats"),
            "interfaces": list(program.first.pages("/zstack/if")), "pools": program.first.call("/zstack/pools")}


def render(program):
    data = collect(program)
    out = Text({"pid": program.first.pid, "program": program.first.name})
    cores(out, data["cores"])
    for name, value in data["stats"].items():
        if not name.startswith("drop_"):
            out.family(f"zstack_{name}_total", "counter", name.replace("_", " "), [({}, value)])
    out.family("zstack_drops_total", "counter", "packets dropped, by reason",
               (({"reason": k.removeprefix("drop_")}, v) for k, v in data["stats"].items()
                if k.startswith("drop_")))
    for name in IF:
        out.family(f"zstack_device_{name}_total", "counter", f"{name.replace('_', ' ')} of the device",
                   (({"interface": i["id"], "device": i["device"]}, i[name]) for i in data["interfaces"]))
    out.family("zstack_device_up", "gauge", "the link of the device is up",
               (({"interface": i["id"], "device": i["device"]}, i["up"]) for i in data["interfaces"]))
    for name, text in (("size", "buffers of the pool"), ("in_use", "buffers that somebody holds")):
        out.family(f"zstack_pool_{name}", "gauge", text,
                   (({"pool": k}, p[name]) for k, p in data["pools"].items()))
    return "\n".join(out.lines) + "\n"


def serve(args):
    host, _, port = args.listen.rpartition(":")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                program = group.choose(args)
                body, status = render(program), 200
                program.close()
            except client.Problem as e:
                body, status = f"{e}\n", 503
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, request, client_address):
            if not isinstance(sys.exc_info()[1], OSError):   # else who asked has hung up
                super().handle_error(request, client_address)

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        server = Server((host.strip("[]"), int(port)), Handler)
    except (ValueError, OverflowError):
        raise client.Problem(f"prometheus: '{args.listen}' is not [ADDRESS]:PORT") from None
    except OSError as e:
        raise client.Problem(f"prometheus: {args.listen}: {e.strerror}") from None
    with server:
        server.serve_forever()


def run(args):
    if args.listen:
        serve(args)
        return
    program = group.choose(args)
    if args.json:
        show.json_text(collect(program))
    else:
        print(render(program), end="")
