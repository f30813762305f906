# SPDX-License-Identifier: BSD-3-Clause
"""Finds running programs by their telemetry sockets, and asks them.

There is one socket for each process: RUNDIR/dpdk/PREFIX/dpdk_telemetry.v2, with :1, :2 and so on
behind it where processes share a prefix. It greets with its version, process and the limit of an
answer; then each question, "/command,parameters", has one answer in JSON.
"""
import contextlib
import glob
import json
import os
import socket

TIMEOUT_S = 10
GREETING_S = 2
GREETING = 1024


class Problem(Exception):
    """What the user is told in one line."""


class Program:
    """A connection to one process."""

    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(GREETING_S)
        try:
            self.sock.connect(path)
            hello = json.loads(self.sock.recv(GREETING))
        except BaseException:
            self.sock.close()
            raise
        self.sock.settimeout(TIMEOUT_S)
        self.pid, self.limit = hello["pid"], hello["max_output_len"]
        self.folder = os.path.dirname(path)
        self.prefix = os.path.basename(self.folder)
        self.commands = self.ask("/") or []
        # which of several processes it is; procs is 0 when it is none of several
        which = self.call("/zstack/proc") if "/zstack/proc" in self.commands else {"proc": 0, "procs": 0}
        self.proc, self.procs = which["proc"], which["procs"]

    @property
    def name(self):
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/comm") as f:
            return f.read().strip()
        return "?"

    def ask(self, command, *params):
        """The answer to one command; Problem when there is none."""
        question = ",".join([command, *map(str, params)])
        try:
            self.sock.send(question.encode())
            data = self.sock.recv(self.limit + len(question) + GREETING)
        except socket.timeout:
            raise Problem(f"process {self.pid} does not answer") from None
        except OSError as e:
            raise Problem(f"process {self.pid} went away: {e.strerror}") from None
        if not data:
            raise Problem(f"process {self.pid} went away")
        return json.loads(data)[command]

    def call(self, command, *params):
        """The same for the stack's own commands, which tell what went wrong in `error`."""
        answer = self.ask(command, *params)
        if answer is None:
            raise Problem(f"process {self.pid} does not know {command}: it has another version of Z-stack")
        if isinstance(answer, dict) and "error" in answer:
            raise Problem(f"process {self.pid}: {answer['error']}")
        return answer

    def pages(self, command, *params):
        """Entries of a long list, by ascending id: the next page begins behind the last one."""
        start = 0
        while page := self.call(command, start, *params):
            for name, entry in page.items():
                start = int(name) + 1
                yield {"id": int(name), **entry}

    def has_stack(self):
        return any(c.startswith("/zstack/") for c in self.commands)

    def close(self):
        self.sock.close()


def run_dirs():
    """Where DPDK puts its sockets: by user, and root's are the system's. The environment may say otherwise."""
    dirs = os.environ["ZSTACK_RUN_DIRS"].split(":") if os.environ.get("ZSTACK_RUN_DIRS") else [
        "/var/run/dpdk", os.path.join(os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "dpdk"), "/tmp/dpdk"]
    return sorted({os.path.realpath(d) for d in dirs})


def sockets(prefix=None):
    for top in run_dirs():
        yield from sorted(glob.glob(os.path.join(glob.escape(top), prefix or "*", "dpdk_telemetry.v2*")))


def programs(prefix=None):
    """All that answer and have a stack; and the paths that may not be opened."""
    found, refused = [], []
    for path in sockets(prefix):
        try:
            program = Program(path)
        except PermissionError:
            refused.append(path)
            continue
        except (OSError, ValueError, KeyError, Problem):
            continue  # left behind by a process that has ended
        if program.has_stack():
            found.append(program)
        else:
            program.close()
    return found, refused
