# SPDX-License-Identifier: BSD-3-Clause
"""The tool zstack, asked about a running server."""
import json
import os
import subprocess

from traffic import expect

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "zstack", "zstack")


def run_tool(server, *args, code=0):
    pid = [] if args[0] == "ls" else ["--pid", str(pid_of(server))]
    p = subprocess.run([TOOL, *args, *pid], capture_output=True, text=True, timeout=40, check=False)
    expect(p.returncode == code, f"{args}: exit {p.returncode}: {p.stdout[-200:]} {p.stderr[-300:]}")
    return p.stdout if code == 0 else p.stdout + p.stderr


def ask(server, *args):
    return json.loads(run_tool(server, *args, "--json"))


def pid_of(server):
    """taskset becomes the program that it starts."""
    return server.proc.pid
