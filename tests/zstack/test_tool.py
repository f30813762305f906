#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tool zstack against a process of our own making: usage test_tool.py TOOL; prints TAP."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
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

    def env(self, **env):
        return dict(os.environ, XDG_RUNTIME_DIR=self.dir.name, ZSTACK_RUN_DIRS=os.path.join(self.dir.name, "dpdk"),
                    **env)

    def run_tool(self, *args, **env):
        return subprocess.run([TOOL, *args], capture_output=True, text=True, env=self.env(**env), timeout=30,
                              check=False)

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


    def test_several_programs_need_a_choice(self):
        self.fake(pid=11)
        self.fake(pid=12, suffix=":1")
        self.assertRegex(self.error("stats"), "several programs run.*11.*12")
        self.output("stats", "--pid", "12", "--json")
        self.fake(pid=13, prefix="other")
        self.output("stats", "--file-prefix", "other", "--json")

    def test_none_runs_or_the_one_named_does_not(self):
        self.assertIn("--no-telemetry", self.error("stats"))
        self.fake(pid=11)
        self.assertIn("process 77 does not answer", self.error("stats", "--pid", "77"))
        self.assertIn("no telemetry socket", self.error("stats", "--socket", __file__).replace(
            "Connection refused", "no telemetry socket"))

    def test_an_error_of_the_program_is_told(self):
        self.fake({"/zstack/stats": {"error": "the loop of core 1 does not turn"}})
        self.assertIn("4711: the loop of core 1 does not turn", self.error("stats"))

    def test_a_command_that_it_does_not_know(self):
        self.fake({"/zstack/stats": {}})
        self.assertIn("another version", self.error("set"))


def conn(**kw):
    c = {"core": 0, "proto": "tcp", "state": "ESTABLISHED", "family": 4, "local": "10.0.0.1", "local_port": 80,
         "peer": "10.0.0.2", "peer_port": 5000, "recv_q": 0, "send_q": 0}
    return {**c, **kw}


INSIDE = {
    "cc": "cubic", "ts": 1, "sack": 1, "wscale": 1, "snd_wscale": 7, "rcv_wscale": 8, "rto_us": 204000,
    "rtt_us": 1500, "rttvar_us": 250, "min_rtt_us": 51, "mss": 1448, "pmtu": 1500, "rcv_mss": 536, "cwnd": 14480,
    "ssthresh": 1 << 30, "snd_wnd": 65536, "rcv_wnd": 122880, "bytes_sent": 10, "bytes_retrans": 0, "bytes_acked": 10,
    "bytes_received": 20, "segs_out": 2, "segs_in": 3, "retrans": 4, "backoff": 0, "probes": 0, "ca_state": 1,
    "inflight": 2896, "sacked": 0, "lost": 1448, "retx_out": 1448, "unsent": 7, "lastsnd_us": 5000, "lastrcv_us": 9999,
    "snd_mem": 1, "snd_age_us": 0, "sndbuf": 2, "rcv_mem": 3, "ooo_mem": 4, "taken_mem": 5, "rcvbuf": 6,
}


def paged(entries, size=2):
    """A command whose answers are pages of so many entries."""
    def answer(params):
        start = int(params.partition(",")[0] or 0)
        page = [(i, e) for i, e in sorted(entries.items()) if i >= start][:size]
        return {str(i): e for i, e in page}
    return answer


class Ss(Case):
    def setUp(self):
        super().setUp()
        self.conns = {
            3: conn(state="LISTEN", local="*", peer="*", peer_port=0, send_q=64),
            7: conn(**INSIDE),
            1 << 40: conn(state="CLOSE-WAIT", peer_port=5001, core=1, **INSIDE),
            (1 << 40) + 1: conn(proto="udp", state="UNCONNECTED", local_port=53, peer="*", peer_port=0),
            (1 << 40) + 2: conn(family=6, local="fe80::1", peer="fe80::2", peer_port=9, **INSIDE),
        }
        self.program = self.fake({"/zstack/ss": paged(self.conns), "/zstack/stats": {}, "/zstack/fds": paged({
            0: {"core": 0, "fd": 1025, "conn": 7}, 1: {"core": 0, "fd": 1030, "conn": 7}})})

    def ids(self, *args):
        return [c["id"] for c in json.loads(self.output("ss", "--json", *args))]

    def test_all_pages_are_read(self):
        self.assertEqual(self.ids("-a"), sorted(self.conns))

    def test_which_ones(self):
        self.assertEqual(len(self.ids()), 3)
        self.assertEqual(self.ids("-l"), [3, (1 << 40) + 1])
        self.assertEqual(self.ids("-tl"), [3])
        self.assertEqual(self.ids("-ua"), [(1 << 40) + 1])
        self.assertEqual(self.ids("-6"), [(1 << 40) + 2])
        self.assertEqual(self.ids("dport", "5001"), [1 << 40])
        self.assertEqual(self.ids("dport", "=", ":5001"), [1 << 40])
        self.assertEqual(self.ids("state", "close-wait"), [1 << 40])
        self.assertEqual(self.ids("state", "listen"), [3])
        self.assertEqual(self.ids("state", "listening"), [3])   # as ss calls it

    def test_a_state_that_there_is_not(self):
        self.assertIn("'nosuch' is not a state", self.error("ss", "state", "nosuch"))

    def test_the_program_filters_what_it_can(self):
        self.output("ss", "-t", "sport", "80")
        self.assertIn("/zstack/ss,0,tcp,listen,port=80,brief", self.program.asked)

    def test_lines_are_those_of_ss(self):
        lines = self.output("ss", "-tin").splitlines()
        self.assertRegex(lines[0], "^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port +Process")
        self.assertRegex(lines[1], "^ESTAB +0 +0 +10.0.0.1:80 +10.0.0.2:5000")
        for word in ("cubic", "wscale:7,8", "rto:204", "rtt:1.5/0.25", "mss:1448", "cwnd:10", "unacked:2", "lost:1",
                     "retrans:1/4", "lastsnd:5", "lastrcv:9", "notsent:7", "minrtt:0.051", "state:recovery"):
            self.assertIn(" " + word, lines[2] + " ")
        self.assertNotIn("ssthresh", lines[2])
        self.assertIn("[fe80::1]:80", lines[5])

    def test_processes_and_memory(self):
        text = self.output("ss", "-tnpm")
        self.assertRegex(text, r'users:\(\("[^"]*",pid=4711,fd=1025,fd=1030\)\)')
        self.assertIn("skmem:(r3,rb6,t1,tb2,o4,a5)", text)

    def test_wrong_filters(self):
        self.assertIn("'nonsense'", self.error("ss", "nonsense", "1"))
        self.assertIn("needs a value", self.error("ss", "dport"))
        self.assertIn("not a port", self.error("ss", "dport", "nosuchservice"))


class Others(Case):
    def test_stats_leaves_out_zeros(self):
        self.fake({"/zstack/stats": {"rx_packets": 5, "copies": 0, "drop_tcp_rst": 2, "drop_ip_cksum": 0}})
        text = self.output("stats")
        self.assertIn("rx_packets", text)
        self.assertIn("Dropped:\ntcp_rst", text)
        self.assertNotIn("copies", text)
        self.assertIn("ip_cksum", self.output("stats", "-a"))

    def test_neighbours_of_all_cores_are_put_together(self):
        def neigh(core, state, family=4):
            return {"core": core, "family": family, "addr": "10.0.0.2", "if": 0, "mac": "02:00:00:00:00:02",
                    "state": state, "waiting": 0, "confirmed_us": 1500000, "used_us": 0}
        self.fake({"/zstack/neigh": paged({1: neigh(0, "STALE"), 2: neigh(1, "REACHABLE"), 3: neigh(1, "STALE", 6)}),
                   "/zstack/stats": {}})
        self.assertEqual(self.output("arp").count("02:00"), 1)
        self.assertIn("REACHABLE 1.5 s ago", self.output("arp"))
        self.assertEqual(self.output("arp", "-c").count("02:00"), 2)
        self.assertEqual(self.output("ndp").count("STALE"), 1)

    def test_interfaces_have_addresses_of_both_families(self):
        port = dict.fromkeys(("mtu", "mbps", "vlan", "rx_queues", "tx_queues", "rx_descs", "tx_descs", "rss",
                              "interrupts", "up"), 0)
        port |= {"device": "net_ring0", "driver": "net_ring", "mac": "02:00:00:00:00:01", "offloads": "",
                 "ip4": "10.0.0.1", "ip4_prefix": 24, "ip6_0": "fe80::1/64", "ip6_1": "fd00::1/64",
                 "ip6_1_state": "tentative"}
        self.fake({"/zstack/if": paged({0: port}), "/zstack/stats": {}})
        self.assertIn("    inet 10.0.0.1/24\n    inet6 fe80::1/64\n    inet6 fd00::1/64 tentative\n",
                      self.output("if"))

    def test_routes_name_cores_only_where_they_differ(self):
        def route(core, prefix, length, gateway=""):
            return {"core": core, "family": 4, "prefix": prefix, "len": length, "gateway": gateway, "if": 0}
        self.fake({"/zstack/route": paged({1: route(0, "10.0.0.0", 24), 2: route(0, "*", 0, "10.0.0.1"),
                                           3: route(1, "10.0.0.0", 24)}), "/zstack/stats": {}})
        self.assertEqual(self.output("route"), "10.0.0.0/24 if 0\ndefault via 10.0.0.1 if 0 cores 0\n")

    def test_pcap_tells_the_program_what_to_do(self):
        p = self.fake({"/zstack/pcap_start": {"running": 1, "packets": 0, "missed": 0, "full": 0, "file": "f"},
                       "/zstack/pcap": {"running": 0}, "/zstack/stats": {}})
        self.output("pcap", "start", "-w", "/tmp/f", "-c", "5", "-s", "96", "-i", "1", "tcp", "port", "80")
        self.assertIn("/zstack/pcap_start,file=/tmp/f,if=1,snaplen=96,count=5,filter=tcp port 80", p.asked)
        self.assertEqual(self.output("pcap", "status"), "no capture runs\n")
        self.assertIn("-w FILE is missing", self.error("pcap", "start"))

    def test_pcap_stop_tells_what_came_of_the_end(self):
        self.fake({"/zstack/pcap": {"running": 1, "packets": 3, "missed": 0, "full": 0, "file": "f"},
                   "/zstack/pcap_stop": {"running": 0, "packets": 7, "missed": 1, "full": 1, "file": "f",
                                         "problem": "No space left on device"}, "/zstack/stats": {}})
        p = self.run_tool("pcap", "stop")
        self.assertEqual((p.returncode, p.stdout), (
            1, "captured 7 packets in f, 1 missed; writing failed: No space left on device\n"))

    def test_pcap_stop_of_an_older_library(self):
        self.fake({"/zstack/pcap": {"running": 1, "packets": 3, "missed": 0, "full": 0, "file": "f"},
                   "/zstack/pcap_stop": {"missed": 0}, "/zstack/stats": {}})
        p = self.run_tool("pcap", "stop")
        self.assertEqual(p.returncode, 1)
        self.assertRegex(p.stdout, "^the capture has ended; process [0-9]+ has another version of Z-stack, "
                                   "which does not tell what is in the file\n$")

    def test_set_asks_one_by_one(self):
        p = self.fake({"/zstack/get": {"ttl": 64, "cc": "cubic"}, "/zstack/set": {}, "/zstack/stats": {}})
        self.assertEqual(self.output("set", "ttl=64", "cc"), "ttl=64\ncc=cubic\n")
        self.assertIn("/zstack/set,ttl=64", p.asked)
        self.assertIn("no 'tttl'", self.error("set", "tttl"))


class Several(Case):
    """A program whose processes have a stack each."""

    QUEUES = 1

    def setUp(self):
        super().setUp()
        self.procs = [self.start(n, pid=11 + n, suffix=f":{n}" if n else "") for n in (1, 0)][::-1]

    def start(self, n, **kw):
        load = dict.fromkeys(("turns", "busy_turns", "sleeps", "total_cycles", "busy_cycles", "slept_cycles",
                              "rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "tcp_segs_in", "tcp_segs_retx",
                              "tcp_conns_opened", "tcp_conns_accepted", "tcp_conns_closed", "drops", "half_open",
                              "time_wait", "listeners", "udp", "handed_over", "taken_over", "cycles_hz"), 0)
        return self.fake({
            "/zstack/proc": {"proc": n, "procs": 2, "takes_part": 1},
            "/zstack/ss": paged({5: conn(peer_port=5000 + n)}),
            "/zstack/fds": paged({0: {"core": 0, "fd": 1025 + n, "conn": 5}}),
            "/zstack/stats": {"rx_packets": 3 + n, "drop_tcp_rst": 1},
            "/zstack/cores": paged({0: {**load, "connections": 1 + n}}),
            "/zstack/if": paged({0: {"rx_queues": self.QUEUES}}),
            "/zstack/pools": {"pkt": {"size": 9, "in_use": 4, "free": 5}},
            "/zstack/bufs": {"sent": {"bufs": 1 + n, "bytes": 100}},
            "/zstack/route": paged({1: {"core": 0, "family": 4, "prefix": "*", "len": 0, "gateway": "10.0.0.1", "if": 0}}),
            "/zstack/get": {"ttl": 64, "cc": "cubic" if n else "newreno"}, "/zstack/set": {},
            "/zstack/pcap_start": {"running": 1, "packets": n, "missed": 0, "full": 0, "file": f"f{n}"},
            "/zstack/pcap": {"running": 0}, "/zstack/pcap_stop": {},
        }, **kw)

    def asked(self, command):
        return [sum(q.startswith(command) for q in p.asked) for p in self.procs]

    def test_ss_shows_all_and_names_the_process(self):
        lines = self.output("ss", "-tnH").splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], "10.0.0.2:5000 +proc=0,pid=11$")
        self.assertRegex(lines[1], "10.0.0.2:5001 +proc=1,pid=12$")
        self.assertRegex(self.output("ss", "-tnpH"), r"proc=1,pid=12 users:.*pid=12,fd=1026")
        rows = json.loads(self.output("ss", "--json"))
        self.assertEqual([(c["proc"], c["pid"], c["core"], c["id"], c["fds"]) for c in rows],
                         [(0, 11, 0, 5, [1025]), (1, 12, 1, (1 << 40) + 5, [1026])])
        self.assertIn("TCP: 3 connections", self.output("ss", "-s"))

    def test_one_of_them_by_number_or_pid(self):
        for args in (("--proc", "1"), ("--pid", "12")):
            lines = self.output("ss", "-tnH", *args).splitlines()
            self.assertEqual(len(lines), 1)
            self.assertRegex(lines[0], "10.0.0.2:5001$")
        self.assertIn("there is no process 2: 11, 12", self.error("ss", "--proc", "2"))

    def test_counters_are_summed_up(self):
        self.assertEqual(json.loads(self.output("stats", "--json")), {"rx_packets": 7, "drop_tcp_rst": 2})
        self.assertEqual(json.loads(self.output("stats", "--core", "1", "--json"))["rx_packets"], 4)
        self.assertIn("no core 2", self.error("stats", "--core", "2"))
        bufs = json.loads(self.output("bufs", "--json"))
        self.assertEqual((bufs["holders"]["sent"]["bufs"], bufs["pools"]["pkt"]["in_use"]), (3, 4))

    def test_each_is_a_core(self):
        cores = json.loads(self.output("top", "--json", "-n1", "-d0.05"))
        self.assertEqual([(c["core"], c["connections"]) for c in cores], [(0, 1), (1, 2)])
        self.assertIn("processes 11, 12", self.output("top", "-b", "-n1", "-d0.05"))
        self.assertEqual(self.output("route"), "default via 10.0.0.1 if 0\n")
        self.assertEqual([r["core"] for r in json.loads(self.output("route", "--json"))], [0, 1])

    def test_values_are_set_in_all(self):
        self.assertEqual(self.output("set", "ttl=64"), "ttl=64\n")
        self.assertEqual(self.asked("/zstack/set,ttl=64"), [1, 1])
        self.assertEqual(self.output("set", "cc"), "cc=newreno (process 0) cubic (process 1)\n")

    def test_the_list_has_their_numbers(self):
        rows = json.loads(self.output("ls", "--json"))
        self.assertEqual([(r["pid"], r["proc"], r["procs"]) for r in rows], [(11, 0, 2), (12, 1, 2)])
        self.assertRegex(self.output("ls"), r"12 .* 1/2 ")

    def test_another_program_needs_a_choice(self):
        self.start(0, pid=20, prefix="other")
        self.assertRegex(self.error("ss"), "several programs run.*20.*1 of 2 processes.*11, 12.*2 of 2 processes"
                         "|several programs run.*11, 12.*2 of 2 processes.*20.*1 of 2 processes")
        self.assertEqual(len(self.output("ss", "-H", "--file-prefix", "rte").splitlines()), 2)

    def test_the_first_captures_for_all(self):
        self.output("pcap", "start", "-w", "/tmp/f")
        self.assertEqual(self.asked("/zstack/pcap_start,file=/tmp/f"), [1, 0])


class OwnQueues(Several):
    QUEUES = 2

    def test_the_first_captures_for_all(self):
        """Not where the others have queues."""
        self.output("pcap", "start", "-w", "/tmp/f")
        self.assertIn("/zstack/pcap_start,file=/tmp/f.0", self.procs[0].asked)
        self.assertIn("/zstack/pcap_start,file=/tmp/f.1", self.procs[1].asked)

    def test_none_begins_where_one_cannot(self):
        self.procs[1].answers["/zstack/pcap_start"] = {"error": "File exists"}
        self.assertIn("File exists", self.error("pcap", "start", "-w", "/tmp/f"))
        self.assertEqual(self.asked("/zstack/pcap_stop"), [1, 0])


class Exporter(Case):
    def test_an_address_that_is_none(self):
        for address in ("localhost", "127.0.0.1:", "localhost:99999", ":http"):
            self.assertIn(f"'{address}' is not [ADDRESS]:PORT", self.error("prometheus", "--listen", address))
        self.assertIn("8.8.8.8:9464: Cannot assign", self.error("prometheus", "--listen", "8.8.8.8:9464"))

    def test_who_hangs_up_does_not_end_it(self):
        self.fake({c: {} for c in ("/zstack/stats", "/zstack/cores", "/zstack/if", "/zstack/pools")})
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        p = subprocess.Popen([TOOL, "prometheus", "--listen", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True,
                             env=self.env())
        try:
            for _ in range(20):
                self.ask(p, port, hang_up=True)
            self.assertIn(b" 200 ", self.ask(p, port))
        finally:
            p.terminate()
            self.assertEqual(p.communicate(timeout=30)[1], "")

    def ask(self, p, port, hang_up=False):
        end = time.monotonic() + 20
        while True:
            try:
                s = socket.create_connection(("127.0.0.1", port), 20)
                break
            except OSError:
                if p.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)
        with s:
            if hang_up:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            return b"" if hang_up else s.recv(65536)


class Dispatch(Case):
    def test_help_names_every_command(self):
        text = self.output("--help")
        for name in ("ls", "ss", "arp", "ndp", "route", "if", "stats", "bufs", "top", "pcap", "set", "prometheus",
                     "config"):
            self.assertIn(name, text)

    def test_what_cannot_be_printed_is_told_in_a_line(self):
        self.fake({"/zstack/stats": {f"counter_{i}": i for i in range(400)}, "/zstack/get": {"a": 1}})
        for command in ("stats", "set"):   # more than a buffer holds, and less
            with open("/dev/full", "w", encoding="utf-8") as full:
                p = subprocess.run([TOOL, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
                                   check=False, env=self.env())
            self.assertEqual((p.returncode, p.stderr), (1, "zstack: standard output: No space left on device\n"))

    def test_who_has_no_standard_output_is_served(self):
        self.fake({"/zstack/get": {"a": 1}})
        p = subprocess.run(["sh", "-c", '"$0" set >&-', TOOL], stderr=subprocess.PIPE, text=True, timeout=30,
                           check=False, env=self.env())
        self.assertEqual((p.returncode, p.stderr), (0, ""))

    def test_numbers_that_are_none_are_refused(self):
        for command in (["top", "-d", "-1"], ["top", "-d", "nan"], ["top", "-n", "-1"], ["bufs", "-c", "-3"],
                        ["pcap", "run", "-w", "f", "--seconds", "inf"]):
            p = self.run_tool(*command)
            self.assertEqual((p.returncode, p.stdout), (2, ""))
            self.assertIn("is not a number", p.stderr)

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
