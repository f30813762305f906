#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tool zstack against a process of our own making: usage test_tool.py TOOL; prints TAP."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake import Fake  # noqa: E402

TOOL = sys.argv[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def fake(self, answers=None, **kw):
        fake = Fake(self.dir.name, {"/zstack/stats": {}} if answers is None else answers, **kw)
        self.addCleanup(fake.sock.close)
        return fake

    def run_tool(self, *args, **env):
        env = dict(os.environ, XDG_RUNTIME_DIR=self.dir.name, ZSTACK_RUN_DIRS=os.path.join(self.dir.name, "dpdk"),
                   **env)
        return subprocess.run([TOOL, *args], capture_output=True, text=True, env=env, timeout=30, check=False)

    def output(self, *args, **env):
        p = self.run_tool(*args, **env)
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        return p.stdout

    def error(self, *args, **env):
        p = self.run_tool(*args, **env)
        self.assertEqual((p.returncode, p.stdout), (1, ""))
        self.assertEqual(p.stderr.count("\n"), 1)
        return p.stderr


class Choice(Case):
    def test_lists_programs_with_a_stack_only(self):
        self.fake(pid=11)
        self.fake({"/ethdev/list": []}, suffix=":1", pid=12)
        rows = json.loads(self.output("ls", "--json"))
        self.assertEqual([r["pid"] for r in rows], [11])
        self.assertIn("11", self.output("ls"))

    def test_a_socket_without_a_process_is_no_program(self):
        self.fake().die()
        self.assertEqual(json.loads(self.output("ls", "--json")), [])


class Dispatch(Case):
    def test_help_names_every_command(self):
        text = self.output("--help")
        for name in ("ls", "config"):
            self.assertIn(name, text)

    def test_an_unknown_command_is_refused(self):
        p = self.run_tool("nonsense")
        self.assertEqual(p.returncode, 2)
        self.assertIn("nonsense", p.stderr)

    def test_a_subcommand_that_is_a_program_gets_the_rest(self):
        path = os.path.join(self.dir.name, "zstack-config")
        with open(path, "w") as f:
            f.write('#!/bin/sh\necho "$@"\nexit 3\n')
        os.chmod(path, 0o755)
        p = self.run_tool("config", "check", "--help", ZSTACK_EXEC_PATH=self.dir.name)
        self.assertEqual((p.returncode, p.stdout), (3, "check --help\n"))

    def test_a_program_that_is_missing_is_named(self):
        if os.path.exists(os.path.join(os.path.dirname(TOOL), "zstack-config")):
            self.skipTest("it is there")
        self.assertIn("zstack-config", self.error("config", "check", "x"))


class Tap(unittest.TextTestResult):
    """Each case one line of TAP."""

    def _say(self, ok, test, reason=""):
        print(f"{'ok' if ok else 'not ok'} {self.testsRun} - {test.id().removeprefix('__main__.')}", flush=True)
        print("".join(f"# {line}\n" for line in reason.splitlines()), end="", flush=True)

    def addSuccess(self, test):
        self._say(True, test)

    def addSkip(self, test, reason):
        self._say(True, test, "skipped: " + reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._say(False, test, self._exc_info_to_string(err, test))

    addError = addFailure


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=open(os.devnull, "w"), resultclass=Tap).run(suite)
    print(f"1..{result.testsRun}")
    sys.exit(not result.wasSuccessful())
