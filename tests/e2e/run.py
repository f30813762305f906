#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""End-to-end tests: the examples on the stack against the Linux kernel, in namespaces of their own.

    tests/e2e/run.py [--build DIR] [--quick] [--link af_packet|af_xdp] [--only WORD]

Prints TAP: "ok N - group: case" or "not ok N - group: case (reason)". Every case is bounded in time.
"""
import argparse
import inspect
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools")]
import lab  # noqa: E402
import cases  # noqa: E402
import idle  # noqa: E402
import interop  # noqa: E402
import nets  # noqa: E402
import ported  # noqa: E402
import procs  # noqa: E402
import seeing  # noqa: E402


class Late(BaseException):
    """The case took too long. Not an Exception: nothing on the way may take it for a result."""


class Suite:
    def __init__(self, args):
        self.build, self.quick, self.link = args.build, args.quick, args.link
        self.only, self.verbose = args.only, args.verbose
        self.group, self.passed, self.failed = "", 0, 0

    def program(self, name):
        return os.path.join(self.build, "examples", name)

    def tool(self, name):
        return os.path.join(self.build, "tools", name, name)

    def _say(self, ok, name, reason=""):
        self.passed += ok
        self.failed += not ok
        n = self.passed + self.failed
        reason = " (" + " ".join(str(reason).split())[:600] + ")" if reason and not ok else ""
        print(f"{'ok' if ok else 'not ok'} {n} - {self.group}: {name}{reason}", flush=True)

    def case(self, name, fn, *args, limit=90, **kw):
        """Runs one case; True when it passed. fn fails by raising."""
        def late(_sig, _frame):
            raise Late

        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, limit)
        start = time.monotonic()
        try:
            fn(*args, **kw)
            ok, reason = True, ""
        except Late:
            ok, reason = False, f"not done in {limit} s"
        except Exception as e:
            ok, reason = False, f"{type(e).__name__}: {e}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._say(ok, name, reason)
        if self.verbose:
            print(f"# {time.monotonic() - start:.2f} s", flush=True)
        return ok

    def run_group(self, fn):
        self.group = fn.__name__.removeprefix("group_")
        try:
            fn(self)
        except Exception as e:
            self._say(False, "set up", f"{type(e).__name__}: {e}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default="build", type=os.path.abspath)
    p.add_argument("--quick", action="store_true", help="a short subset, for sanitizer builds")
    p.add_argument("--link", default="af_packet", choices=("af_packet", "af_xdp"))
    p.add_argument("--only", default="", help="only groups whose name contains this")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    lab.need_root()
    lab.die_on_signals()

    suite = Suite(args)
    groups = [fn for module in (cases, idle, interop, nets, ported, procs, seeing)
              for name, fn in inspect.getmembers(module, inspect.isfunction)
              if name.startswith("group_") and args.only in name
              and (not args.quick or getattr(fn, "quick", False))]
    if not groups:
        sys.exit(f"run.py: no group's name contains {args.only}")
    for fn in sorted(groups, key=lambda f: (f.__module__, f.__code__.co_firstlineno)):
        suite.run_group(fn)
    print(f"1..{suite.passed + suite.failed}")
    sys.exit(suite.failed > 0)


if __name__ == "__main__":
    main()
