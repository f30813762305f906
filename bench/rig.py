# SPDX-License-Identifier: BSD-3-Clause
"""What the groups of bench/run share: figures, 2 MB pages, a server and zload on a link."""
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import lab  # noqa: E402

PAGES = 320          # of 2 MB, for both processes
SERVER_IP, LOAD_IP = "10.18.0.2", "10.18.0.3"


class Figures:
    """Lines `name value unit`, printed as they come; of one group, written as JSON at its end."""

    def __init__(self, options, group):
        self.options, self.group, self.lines = options, group, []

    def wanted(self, name):
        only = self.options.only.rstrip(".")
        return not only or all(part in ("*", of_name) for part, of_name
                               in zip(only.split("."), name.split(".")))

    def add(self, name, value, unit):
        value = float(f"{value:.3g}") if abs(value) < 100 else round(value)
        self.lines.append({"name": name, "value": value, "unit": unit})
        print(name, value, unit, flush=True)

    def write(self):
        out = os.path.join(self.options.build, "bench")
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, f"{self.group}.json"), "w") as f:
            json.dump({"commit": commit(), "cpu": cpu_model(), "kernel": platform.release(),
                       "seconds": self.options.seconds, "runs": self.options.runs,
                       "figures": self.lines}, f, indent=1)


def commit():
    r = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                       capture_output=True, text=True)
    return r.stdout.strip()


def cpu_model():
    with open("/proc/cpuinfo") as f:
        return next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "")


class Hugepages:
    """2 MB pages while the benchmark runs; without them it goes on in ordinary pages, slower."""

    FILE = "/proc/sys/vm/nr_hugepages"

    def __enter__(self):
        self.before = self.get()
        self.set(self.before + PAGES)
        self.ok = self.get() >= self.before + PAGES
        if not self.ok:
            print("# no 2 MB pages to be had: ordinary pages, slower", file=sys.stderr)
        return self

    def get(self):
        with open(self.FILE) as f:
            return int(f.read())

    def set(self, n):
        with contextlib.suppress(OSError), open(self.FILE, "w") as f:
            f.write(str(n))

    def __exit__(self, *exc):
        self.set(self.before)


def longer(o, seconds):
    """The options, for measurements that take so much longer."""
    return type(o)(**{**vars(o), "seconds": o.seconds + seconds})


def interleaved(o, cases, measure, runs=None):
    """{case: [result of each run]}, case after case, again and again: the machine has its moods."""
    found = {case: [] for case in cases}
    for _ in range(runs or o.runs):
        for case in cases:
            await_near_cores(o)
            found[case].append(measure(*case))
    return found


# ---- where the host runs the two cores ----

NEAR_NS = 150   # of a cache line to the other core and back: 50 to 60 where they share a cache


def distance(o, *more):
    """Nanoseconds to the other core and back; more: "wake", until it is woken."""
    out = subprocess.run([f"{o.build}/bench/cores", str(lab.client_core()), str(lab.server_core()), *more],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(out)


def await_near_cores(o):
    """A host moves virtual cores, to where they share a cache and away: waits for the former, as long
    as o.patience lasts."""
    start = time.monotonic()
    while (ns := distance(o)) > NEAR_NS and time.monotonic() - start < o.patience:
        time.sleep(0.5)
    if ns > NEAR_NS:
        print(f"# the cores are far apart: {ns} ns to the other one and back", file=sys.stderr)
    o.patience -= time.monotonic() - start


def median(values):
    return sorted(values)[len(values) // 2]


# ---- two DPDK processes on a link ----

def starts_first(link):
    """Who makes the socket that the other connects to."""
    return "server" if link == "memif" else "load"


def socket_name(link):
    return "vhost.sock" if link.startswith("virtio") else "memif.sock"


def eal(link, role, where, huge):
    mem = "--in-memory --single-file-segments -m 256" if huge else "--no-huge -m 256"
    mac = f"mac=02:00:00:00:00:0{2 if role == 'server' else 3}"
    path = f"{where}/{socket_name(link)}"
    if link.startswith("virtio"):
        tso = ",tso=1" if link == "virtio_tso" else ""
        ring = "packed_vq=1," if link == "virtio_packed" else ""
        dev = (f"net_virtio_user0,path={path},{ring}queue_size=1024,{mac}" if role == "server"
               else f"net_vhost0,iface={path}{tso}")
    else:   # memif's "client" is the side that may send from its own memory
        memif = "server" if role == starts_first(link) else "client"
        dev = f"net_memif0,role={memif},id=0,socket={path},socket-abstract=no,rsize=11,{mac}"
        if link == "memif_zc" and memif == "client":
            dev += ",zero-copy=yes"
    return f"--no-pci --no-shconf {mem} --vdev={dev}"


def config(where, name, ip, core, dpdk=""):
    path = os.path.join(where, name)
    with open(path, "w") as f:
        f.write(f"[dpdk]\nlcore_mask={1 << core:x}\nport_list=0\n{dpdk}\n[port0]\naddr={ip}\n"
                "netmask=255.255.255.0\nbroadcast=10.18.0.255\n")
    return path


class Process:
    def __init__(self, cmd, eal_args, where, name, ns=None):
        self.name, self.log = name, open(os.path.join(where, f"{name}.log"), "w+")
        self.proc = subprocess.Popen(
            cmd, env=dict(os.environ, ZSTACK_EAL_ARGS=eal_args), stdout=self.log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=where,
            preexec_fn=ns.enter_child if ns else None)

    def finish(self):
        """Waits for its end; returns what it printed."""
        code = self.proc.wait(60)
        self.log.seek(0)
        out = self.log.read()
        if code != 0:
            raise RuntimeError(f"{self.name} ended with {code}: {out[-800:]}")
        return out

    def kill(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self.log.close()


def report_of(out, program):
    """The figures that an example prints at its end."""
    line = [x for x in out.splitlines() if x.startswith(program + ":") and "=" in x][-1]
    return {k: float(v) for k, v in (w.split("=") for w in line.split()[1:])}


def load_command(o, where, size, *more):
    return [f"{o.build}/tools/zload/zload", "--conf",
            config(where, "load.ini", LOAD_IP, lab.client_core()), "--warmup", "1", "--timeout", "10",
            "-d", str(o.seconds), "--verify", "first", "--json", f"{where}/load.json",
            *map(str, more), f"http://{SERVER_IP}/{size}"]


def load_result(where):
    with open(f"{where}/load.json") as f:
        r = json.load(f)
    if any(r["errors"].values()):
        raise RuntimeError(f"zload: {r['errors']}")
    return r


@contextlib.contextmanager
def scratch():
    where = tempfile.mkdtemp(prefix="zstack-bench-")
    running = []
    try:
        yield where, running
    finally:
        for p in running:
            p.kill()
        shutil.rmtree(where, ignore_errors=True)


def wait_for(path):
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{path} does not appear")


def over_link(o, huge, link, program, size, *load_args, dpdk="", watch=None):
    """zload against one of the examples, with its options and more of [dpdk] in its configuration; what
    zload and the example report. watch: called with the server, under load."""
    program, *options = program.split()
    with scratch() as (where, running):
        commands = {
            "server": [f"{o.build}/examples/{program}", *options, "--conf",
                       config(where, "server.ini", SERVER_IP, lab.server_core(), dpdk)],
            "load": load_command(o, where, size, *load_args),
        }
        by_role = {}
        for role in sorted(commands, key=lambda r: r != starts_first(link)):
            by_role[role] = Process(commands[role], eal(link, role, where, huge), where, role)
            running.append(by_role[role])
            wait_for(f"{where}/{socket_name(link)}")
        if watch:
            watch(by_role["server"])
        by_role["load"].finish()
        by_role["server"].proc.terminate()
        return load_result(where), report_of(by_role["server"].finish(), program)
