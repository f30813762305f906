# SPDX-License-Identifier: BSD-3-Clause
"""A process of our own making behind a telemetry socket, for tests of the tool."""
import json
import os
import socket
import threading

LIMIT = 16384


class Fake:
    """Answers each command by what `answers` holds for it: a value, or a function of the parameters."""

    def __init__(self, run_dir, answers, prefix="rte", suffix="", pid=4711):
        folder = os.path.join(run_dir, "dpdk", prefix)
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, "dpdk_telemetry.v2" + suffix)
        self.answers, self.pid, self.asked = answers, pid, []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(self.path)
        self.sock.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        with conn:
            conn.send(json.dumps({"version": "DPDK 0", "pid": self.pid, "max_output_len": LIMIT}).encode())
            while question := conn.recv(1024).decode():
                command, _, params = question.partition(",")
                self.asked.append(question)
                answer = self.answers.get(command)
                if command == "/":
                    answer = ["/", *self.answers]
                if callable(answer):
                    answer = answer(params)
                conn.send(json.dumps({command: answer}).encode())

    def die(self):
        """As a process does that is killed: its socket stays, and nobody listens."""
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
