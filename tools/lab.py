# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces, veth pairs and servers for the demo and the end-to-end tests.

Namespaces have no name: they live as long as this process holds their descriptor or a process runs in
them, and children die with their parent. So nothing is left behind, whatever ends the run.
"""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

KERNEL_IP = "10.18.0.1"
STACK_IP = "10.18.0.2"
# The same in a configuration file.
ADDRESS = f"addr={STACK_IP}\nnetmask=255.255.255.0\nbroadcast=10.18.0.255\ngateway={KERNEL_IP}\n"
KERNEL_IP6 = "fd18::1"
STACK_IP6 = "fd18::2"

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def _check(rc, what):
    if rc != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"{what}: {os.strerror(err)}")


def need_root():
    """Restarts the program in a user namespace of its own when the user is not root."""
    if os.geteuid() != 0:
        if os.environ.get("ZSTACK_LAB_USERNS"):
            sys.exit("no right to create network namespaces")
        os.environ["ZSTACK_LAB_USERNS"] = "1"
        os.execvp("unshare", ["unshare", "-Urn", sys.executable] + sys.argv)


def die_on_signals():
    """SIGTERM and SIGHUP unwind like Ctrl-C, so that every finally runs; once is enough."""

    def stop(signum, _frame):
        for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(s, signal.SIG_IGN)
        sys.exit(128 + signum)

    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, stop)


class Netns:
    """A network namespace of our own, with lo up and IPv6 off."""

    def __init__(self):
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.unshare(_CLONE_NEWNET), "unshare")
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        finally:
            _check(_libc.setns(home, _CLONE_NEWNET), "setns")
            os.close(home)
        self.run("ip link set lo up")
        with self:
            for name in ("all", "default"):
                with contextlib.suppress(OSError), \
                        open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as f:
                    f.write("1")

    def __enter__(self):
        """This thread works in the namespace: sockets made here stay in it."""
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        _check(_libc.setns(self.fd, _CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *exc):
        _check(_libc.setns(self._home, _CLONE_NEWNET), "setns")
        os.close(self._home)

    def enter_child(self):
        _check(_libc.setns(self.fd, _CLONE_NEWNET), "setns")
        _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")

    def popen(self, cmd, **kw):
        if isinstance(cmd, str):
            cmd = cmd.split()
        return subprocess.Popen(cmd, preexec_fn=self.enter_child, **kw)

    def run(self, cmd, timeout=30, check=True, stdin=None):
        """Runs a command to its end; returns its output."""
        p = self.popen(cmd, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            out, _ = p.communicate(stdin, timeout)
        except BaseException:
            p.kill()
            p.wait()
            raise
        if check and p.returncode != 0:
            raise RuntimeError(f"{cmd}: exit {p.returncode}: {out.strip()[-400:]}")
        return out

    def nft(self, rules):
        self.run("nft -f -", stdin=rules)

    def close(self):
        os.close(self.fd)


def veth(ns_a, if_a, ns_b, if_b, mtu=1500, offloads=False):
    holder = ns_b.popen("sleep 60")
    try:
        ns_a.run(f"ip link add {if_a} type veth peer name {if_b} netns {holder.pid}")
    finally:
        holder.kill()
        holder.wait()
    for ns, name in ((ns_a, if_a), (ns_b, if_b)):
        ns.run(f"ip link set {name} mtu {mtu} up")
        set_offloads(ns, name, offloads)


def set_offloads(ns, name, on):
    word = "on" if on else "off"
    ns.run(f"ethtool -K {name} tx {word} tso {word} gso {word} gro {word}", check=False)


class Lab:
    """A kernel host (10.18.0.1, interface vk) and the host of the stack (10.18.0.2, interface vs).

    With lossy=True a bridge lies between them, in a namespace of its own: packets that it drops are
    lost on the way, which neither sender is told. (Dropping in the sender's own output path tells it.)
    With ip6=True both have IPv6 as well, fd18::1 and fd18::2.
    """

    def __init__(self, mtu=1500, lossy=False, offloads=False, ip6=False):
        self.mtu = mtu
        self.ip6 = ip6
        self.dir = tempfile.mkdtemp(prefix="zstack-")
        self.kernel, self.stack = Netns(), Netns()
        self.middle = Netns() if lossy else None
        self.servers = []
        if lossy:
            veth(self.kernel, "vk", self.middle, "mk", mtu, offloads)
            veth(self.middle, "ms", self.stack, "vs", mtu, offloads)
            self.middle.run(f"ip link add br0 mtu {mtu} type bridge")
            for port in ("mk", "ms"):
                self.middle.run(f"ip link set {port} master br0")
            self.middle.run("ip link set br0 up")
        else:
            veth(self.kernel, "vk", self.stack, "vs", mtu, offloads)
        self.kernel.run(f"ip addr add {KERNEL_IP}/24 dev vk")
        if ip6:
            self.kernel.run("sysctl -qw net.ipv6.conf.vk.disable_ipv6=0")
            self.kernel.run(f"ip addr add {KERNEL_IP6}/64 dev vk nodad")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        for s in list(self.servers):
            s.kill()
        for ns in (self.kernel, self.stack, self.middle):
            if ns:
                ns.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def loss(self, percent):
        """Random loss in both directions, ARP aside."""
        rules = "table netdev loss\ndelete table netdev loss\n"
        for chain, device in (("from_kernel", "mk"), ("from_stack", "ms")):
            if percent:
                rules += f"""table netdev loss {{ chain {chain} {{
                    type filter hook ingress device {device} priority 0;
                    ether type ip numgen random mod 100 < {percent} drop
                }}
                }}\n"""
        self.middle.nft(rules)

    def eal_args(self, link):
        if link == "af_xdp":
            dev = "net_af_xdp0,iface=vs"
        elif link == "af_packet2":   # two pairs of queues
            dev = "net_af_packet0,iface=vs,qpairs=2"
        elif self.mtu > 1900:
            dev = "net_af_packet0,iface=vs,framesz=16384,blocksz=65536,framecnt=512"
        else:
            dev = "net_af_packet0,iface=vs"
        return f"--no-pci --no-huge --no-shconf -m 512 --vdev={dev}"

    def config(self, mask, dpdk):
        path = os.path.join(self.dir, "config.ini")
        with open(path, "w") as f:
            f.write(f"[dpdk]\nlcore_mask={mask:x}\nport_list=0\n{dpdk}\n"
                    f"[port0]\n{ADDRESS}mtu={self.mtu}\n")
            if self.ip6:
                f.write(f"addr6={STACK_IP6}\nprefix_len=64\ngateway6={KERNEL_IP6}\ndad6=0\n")
        return path

    def start(self, program, *args, link="af_packet", core=None, mask=None, ready_port=None,
              dpdk=""):
        """Starts one of our programs on the stack, on one core or on all of mask; ready_port: wait
        until it accepts there. dpdk: more lines for that section of its configuration."""
        if core is None:
            core = server_core()
        env = dict(os.environ, ZSTACK_EAL_ARGS=self.eal_args(link))
        cmd = [program, "--conf", self.config(mask or 1 << core, dpdk), *map(str, args)]
        return self._start(self.stack, cmd if mask else pinned(core, cmd), ready_port, env,
                           link=link)

    def start_kernel(self, ns, cmd, ready_port=None, ready_ip=None, core=None):
        """Starts an ordinary program in one of the namespaces."""
        cmd = list(map(str, cmd))
        return self._start(ns, pinned(core, cmd) if core is not None else cmd, ready_port,
                           dict(os.environ), ready_ip or STACK_IP)

    def _start(self, ns, cmd, ready_port, env, ready_ip=STACK_IP, link=None):
        server = Server(self, ns, cmd, env)
        server.link = link
        self.servers.append(server)
        if ready_port:
            try:
                server.wait_ready(ready_ip, ready_port)
            except BaseException:
                server.kill()
                raise
        return server


class Server:
    def __init__(self, lab, ns, cmd, env):
        self.lab, self.cmd = lab, cmd
        self.log = tempfile.TemporaryFile(dir=lab.dir)
        self.proc = ns.popen(cmd, env=env, stdin=subprocess.DEVNULL, stdout=self.log,
                             stderr=subprocess.STDOUT, cwd=lab.dir)
        self.program = os.path.basename(next((c for c in cmd if "/" in c), cmd[0]))

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def alive(self):
        return self.proc.poll() is None

    def wait_ready(self, ip, port, timeout=15):
        end = time.monotonic() + timeout
        with self.lab.kernel:
            while True:
                if not self.alive():
                    raise RuntimeError(f"{self.program} ended with {self.proc.returncode}: "
                                       + self.output()[-1500:])
                try:
                    socket.create_connection((ip, port), 0.3).close()
                    return
                except OSError as e:
                    if time.monotonic() > end:
                        raise RuntimeError(f"{self.program} does not answer: {e}: "
                                           + self.output()[-1500:]) from None
                    time.sleep(0.05)

    def cpu_seconds(self):
        with open(f"/proc/{self.proc.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, sig=signal.SIGTERM, timeout=10):
        """Ends it in an orderly way; returns the figures that it printed, by name."""
        if self.alive():
            self.proc.send_signal(sig)
        try:
            code = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"{self.program} does not end") from None
        out = self.output()
        self._gone()
        if code != 0:
            raise RuntimeError(f"{self.program} ended with {code}: {out[-1500:]}")
        return self.figures(out)

    def figures(self, out):
        line = [x for x in out.splitlines() if x.startswith(self.program + ":") and "=" in x]
        return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", line[-1])} if line else {}

    def kill(self):
        if self.alive():
            self.proc.kill()
            self.proc.wait()
        self._gone()

    def _gone(self):
        if self in self.lab.servers:
            self.lab.servers.remove(self)
        self.log.close()


def cores():
    return sorted(os.sched_getaffinity(0))


def server_core():
    return cores()[-1]


def client_core():
    return cores()[0]


def pinned(core, cmd):
    return ["taskset", "-c", str(core), *cmd]


# ---- the body pattern of examples/pattern.c ----

_PERIOD = 65521


def _make_table():
    x, out = 1, bytearray()
    for _ in range(_PERIOD):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(x >> 24)
    return bytes(out) * 17


_TABLE = _make_table()


def pattern(off, n):
    """n bytes of the body from offset off."""
    out = bytearray()
    while n > 0:
        start = off % _PERIOD
        piece = _TABLE[start:start + min(n, _PERIOD * 16)]
        out += piece
        off += len(piece)
        n -= len(piece)
    return bytes(out)


# ---- a small HTTP client ----

class Reader:
    """Reads from a socket, notes the longest silence, and checks against the pattern."""

    def __init__(self, sock):
        self.sock, self.buf, self.longest = sock, b"", 0.0

    def fill(self, n=1 << 18):
        before = time.monotonic()
        data = self.sock.recv(n)
        self.longest = max(self.longest, time.monotonic() - before)
        return data

    def head(self):
        while b"\r\n\r\n" not in self.buf:
            data = self.fill(65536)
            if not data:
                raise RuntimeError(f"the connection ended in the head: {self.buf[:80]!r}")
            self.buf += data
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        return head.decode()

    def body(self, n, off=0):
        """Checks n bytes against the pattern from off."""
        done = 0
        while done < n:
            data = self.buf or self.fill()
            self.buf = b""
            if not data:
                raise RuntimeError(f"the connection ended at {done} of {n} bytes")
            if len(data) > n - done:
                data, self.buf = data[:n - done], data[n - done:]
            if data != pattern(off + done, len(data)):
                want = pattern(off + done, len(data))
                bad = next(i for i in range(len(data)) if data[i] != want[i])
                raise RuntimeError(f"byte {off + done + bad} is wrong")
            done += len(data)


def fetch(ns, size, ip=STACK_IP, port=80, timeout=30):
    """GET /size; every byte checked. Returns the longest silence in seconds."""
    with ns:
        sock = socket.create_connection((ip, port), timeout)
    with sock:
        return get(sock, size)


def get(sock, size):
    sock.sendall(f"GET /{size} HTTP/1.1\r\nHost: zstack\r\n\r\n".encode())
    r = Reader(sock)
    head = r.head()
    if not head.startswith("HTTP/1.1 200 ") or f"\r\nContent-Length: {size}" not in head:
        raise RuntimeError(f"unexpected answer: {head!r}")
    r.body(size)
    if r.buf:
        raise RuntimeError("more bytes than announced")
    return r.longest
