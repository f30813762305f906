# SPDX-License-Identifier: BSD-3-Clause
"""The processes that a command is about: one, or all of a program that has a stack in each of several.

Those have one prefix and know their numbers (/zstack/proc). To a command the stack of process N is core
N: what each process calls its own by the same number gets another here.
"""
from . import client

CORE_SHIFT = 40   # of an id: what is above it names the core


class Group:
    """Processes by their numbers. One process is a group, too."""

    def __init__(self, members):
        self.members = sorted(members, key=lambda p: p.proc)
        self.first = self.members[0]

    @property
    def several(self):
        return len(self.members) > 1

    def title(self):
        pids = ", ".join(str(p.pid) for p in self.members)
        return f"{self.first.name}, process{'es' if self.several else ''} {pids}"

    def pages(self, command, *params):
        """The list of each, one behind the other."""
        for p in self.members:
            for entry in p.pages(command, *params):
                yield named(p, entry)

    def cores(self):
        """One entry for each loop, its id is the core's number."""
        for entry in self.pages("/zstack/cores"):
            yield {**entry, "id": entry["proc"]} if "proc" in entry else entry

    def total(self, command, *params):
        """Sums of the numbers in the answers."""
        return add([p.call(command, *params) for p in self.members])

    def of_core(self, core, command):
        """The answer of one core."""
        if not self.first.procs:
            return self.first.call(command, core)
        for p in self.members:
            if p.proc == core:
                return p.call(command)
        raise client.Problem(f"there is no core {core}: processes " + ", ".join(str(p.proc) for p in self.members))

    def close(self):
        for p in self.members:
            p.close()


def named(p, entry):
    """An entry of a list, and whose it is."""
    if not p.procs:
        return entry
    more = {"proc": p.proc, "pid": p.pid}
    if "core" in entry:
        more |= {"core": p.proc, "id": entry["id"] | p.proc << CORE_SHIFT}
    if "conn" in entry:
        more["conn"] = entry["conn"] | p.proc << CORE_SHIFT
    return {**entry, **more}


def add(answers):
    """Dictionaries of numbers, or of dictionaries; what is neither is the first one's."""
    first, *rest = answers
    if isinstance(first, dict):
        return {k: add([first[k], *(r[k] for r in rest if k in r)]) for k in first}
    return first + sum(rest) if isinstance(first, int) else first


def gather(programs):
    """Programs by groups: who is one of several belongs to the others with its prefix."""
    groups = {}
    for p in programs:
        key = p.folder if p.procs else p.path
        groups.setdefault(key, []).append(p)
    return [Group(members) for members in groups.values()]


# ---- which one is meant ----

def describe(g):
    return (f"{', '.join(str(p.pid) for p in g.members)} ({g.first.name}, prefix {g.first.prefix}"
            + (f", {len(g.members)} of {g.first.procs} processes)" if g.first.procs else ")"))


def at_socket(path):
    try:
        return Group([client.Program(path)])
    except (OSError, ValueError, KeyError) as e:
        raise client.Problem(f"{path}: {getattr(e, 'strerror', None) or 'no telemetry socket'}") from None


def nobody(which, refused):
    hint = "is it running, and not started with --no-telemetry?"
    if refused:
        hint = "not permitted: " + ", ".join(refused)
    raise client.Problem(f"{which} in {', '.join(client.run_dirs())}; {hint}")


def choose(args):
    """What the options mean: the one program that runs, or a process of it."""
    if args.socket:
        return at_socket(args.socket)
    found, refused = client.programs(args.file_prefix)
    if args.pid is not None:
        found = [p for p in found if p.pid == args.pid]
    if not found:
        nobody(f"process {args.pid} does not answer" if args.pid is not None
               else "no program with a stack answers", refused)
    groups = gather(found)
    if len(groups) > 1:
        raise client.Problem("several programs run, choose one with --pid or --file-prefix: "
                             + "; ".join(map(describe, groups)))
    if args.proc is None:
        return groups[0]
    for p in groups[0].members:
        if p.proc == args.proc:
            return Group([p])
    raise client.Problem(f"there is no process {args.proc}: " + describe(groups[0]))
