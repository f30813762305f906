# SPDX-License-Identifier: BSD-3-Clause
"""The command line: options that all subcommands have, and which module or program does the work."""
import argparse
import importlib
import os
import signal
import sys

from . import client

# Each is a module of this package with add_arguments(parser) and run(args).
COMMANDS = {
    "ls": ("ls", "the programs with a stack that run here"),
    "ss": ("ss", "connections and sockets"),
    "arp": ("arp", "IPv4 neighbours"),
    "ndp": ("ndp", "IPv6 neighbours"),
    "route": ("route", "routes"),
    "if": ("if_", "interfaces"),
    "stats": ("stats", "counters and drop reasons"),
    "bufs": ("bufs", "who holds buffers"),
    "top": ("top", "what the loops do, live"),
    "pcap": ("pcap", "capture packets"),
    "set": ("knob", "show and change values at run time"),
    "prometheus": ("prometheus", "counters as Prometheus reads them"),
}
# Programs of their own, zstack-NAME: they are given the rest of the command line.
PROGRAMS = {
    "config": "explain a configuration file: zstack config check FILE",
}


def find_program(name, here):
    """A subcommand's program: where the environment says, beside the tool, or below its prefix."""
    places = [os.environ.get("ZSTACK_EXEC_PATH", ""), here, os.path.join(here, "..", "libexec", "zstack")]
    for place in filter(None, places):
        path = os.path.join(place, "zstack-" + name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def run_program(name, argv, here):
    path = find_program(name, here)
    if path is None:
        print(f"zstack: {name}: the program zstack-{name} is not installed", file=sys.stderr)
        return 1
    os.execv(path, [f"zstack {name}", *argv])


def common():
    """What every subcommand understands, before or behind its own options."""
    p = argparse.ArgumentParser(add_help=False)
    g = p.add_argument_group("which program (needed when several run)")
    g.add_argument("--pid", type=int, metavar="PID", help="the process, alone")
    g.add_argument("--proc", type=int, metavar="N", help="of several with a stack each that of --proc-id N, alone")
    g.add_argument("--file-prefix", metavar="NAME", help="EAL's prefix (default: any)")
    g.add_argument("--socket", metavar="PATH", help="its telemetry socket")
    p.add_argument("--json", action="store_true", help="the answer as JSON")
    return p


def parser(chosen):
    """Of the chosen command alone the options are known, and its module loaded."""
    p = argparse.ArgumentParser(prog="zstack", description="Looks into running programs that use Z-stack.",
                                epilog="zstack COMMAND --help tells more; so does man zstack.")
    sub = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        if name != chosen:
            sub.add_parser(name, help=text)
            continue
        module = importlib.import_module("." + module, __package__)
        s = sub.add_parser(name, help=text, description=module.__doc__, parents=[common()],
                           formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(s)
        s.set_defaults(run=module.run)
    for name, text in PROGRAMS.items():
        sub.add_parser(name, help=text, add_help=False)
    return p


def parse(argv):
    """argparse takes words of a filter only where they stand together with what precedes the options."""
    p = parser(next(iter(argv), None))
    args, rest = p.parse_known_args(argv)
    wrong = [word for word in rest if word.startswith("-")] if "filter" in args else rest
    if wrong:
        p.error("unrecognized arguments: " + " ".join(wrong))
    if rest:
        args.filter += rest
    return args


def run(argv, here):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if argv and argv[0] in PROGRAMS:
        return run_program(argv[0], argv[1:], here)
    args = parse(argv)
    try:
        status = args.run(args) or 0
        print(end="", flush=True)
        return status
    except client.Problem as e:
        print(f"zstack: {e}", file=sys.stderr)
        return 1
    except OSError as e:
        print(f"zstack: {e.filename or 'standard output'}: {e.strerror}", file=sys.stderr)
        sys.stdout = None   # what is left in it has nowhere to go
        return 1
    except KeyboardInterrupt:
        return 130
