# SPDX-License-Identifier: BSD-3-Clause
"""Traffic of the end-to-end tests: many TCP streams in one thread, raw frames, datagrams."""
import contextlib
import random
import selectors
import socket
import struct
import time

import lab


class Failure(Exception):
    """The case failed; the text says why."""


def expect(ok, why):
    if not ok:
        raise Failure(why)


class Stream:
    """One non-blocking connection: sends n_out bytes from make(off, n), feeds what arrives to take().

    longest: the longest time without progress, in seconds.
    """

    def __init__(self, sock, make, n_out):
        self.sock, self.make, self.n_out, self.sent = sock, make, n_out, 0
        self.pending = memoryview(b"")
        self.last = time.monotonic()
        self.longest = 0.0
        self.done = False

    def progress(self):
        now = time.monotonic()
        self.longest = max(self.longest, now - self.last)
        self.last = now

    def wants_write(self):
        return self.sent < self.n_out

    def on_write(self):
        if not self.pending:
            self.pending = memoryview(self.make(self.sent, min(self.n_out - self.sent, 1 << 18)))
        n = self.sock.send(self.pending)
        self.pending = self.pending[n:]
        self.sent += n
        self.progress()

    def on_read(self):
        data = self.sock.recv(1 << 18)
        if data:
            self.progress()
        self.take(data)

    def take(self, data):
        raise NotImplementedError


class Http(Stream):
    """count times GET /size on one connection; with pipelining all requests go out at once."""

    def __init__(self, sock, size, count=1, pipeline=False):
        self.size, self.left, self.pipeline = size, count, pipeline
        self.request = f"GET /{size} HTTP/1.1\r\nHost: zstack\r\n\r\n".encode()
        out = self.request * (count if pipeline else 1)
        super().__init__(sock, lambda off, n: out[off:off + n], len(out))
        self.head, self.off = b"", None

    def take(self, data):
        expect(data, f"the connection ended {self.left} answers early")
        while data or self.off == self.size:
            if self.off is None:
                data = self.take_head(data)
            else:
                data = self.take_body(data)
            if self.done:
                expect(not data, "more bytes than asked for")
                return

    def take_head(self, data):
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return b""
        head, rest = self.head.split(b"\r\n\r\n", 1)
        expect(head.startswith(b"HTTP/1.1 200 "), f"answer {head[:40]!r}")
        expect(b"Content-Length: %d" % self.size in head, f"wrong length in {head!r}")
        self.head, self.off = b"", 0
        return rest

    def take_body(self, data):
        data, rest = data[:self.size - self.off], data[self.size - self.off:]
        check(data, self.off)
        self.off += len(data)
        if self.off == self.size:
            self.off = None
            self.left -= 1
            self.done = self.left == 0
            if not self.done and not self.pipeline:
                self.sent, self.pending = 0, memoryview(b"")
        return rest


class Echo(Stream):
    """Sends n bytes of the pattern, wants them back, then the end of the stream."""

    def __init__(self, sock, n):
        super().__init__(sock, lab.pattern, n)
        self.off, self.shut = 0, False

    def wants_write(self):
        return not self.shut

    def on_write(self):
        if self.sent < self.n_out:
            super().on_write()
        if self.sent == self.n_out:
            self.sock.shutdown(socket.SHUT_WR)
            self.shut = True

    def take(self, data):
        check(data, self.off)
        self.off += len(data)
        expect(self.off <= self.n_out, "more bytes than sent")
        if not data:
            expect(self.off == self.n_out, f"the end came after {self.off} of {self.n_out} bytes")
            self.done = True


def check(data, off):
    want = lab.pattern(off, len(data))
    if data != want:
        bad = next(i for i in range(len(data)) if data[i] != want[i])
        raise Failure(f"byte {off + bad} is wrong")


def connect(ns, n, port=80, ip=lab.STACK_IP, timeout=30, rcvbuf=None):
    """n connections made side by side; non-blocking sockets."""
    socks = []
    with ns:
        for _ in range(n):
            s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            s.setblocking(False)
            if rcvbuf:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            s.connect_ex((ip, port))
            socks.append(s)
    sel = selectors.DefaultSelector()
    for s in socks:
        sel.register(s, selectors.EVENT_WRITE)
    end = time.monotonic() + timeout
    while sel.get_map():
        events = sel.select(max(0.0, end - time.monotonic()))
        expect(events, f"{len(sel.get_map())} of {n} connections not made in {timeout} s")
        for key, _ in events:
            err = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            expect(err == 0, f"connect: {err}")
            sel.unregister(key.fileobj)
    sel.close()
    return socks


def run(streams, timeout=60):
    """Runs all to their end. Returns the longest silence of any."""
    sel = selectors.DefaultSelector()
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    end = time.monotonic() + timeout
    for s in streams:
        s.last = time.monotonic()
        s.events = both
        sel.register(s.sock, both, s)
    try:
        while sel.get_map():
            events = sel.select(max(0.0, end - time.monotonic()))
            expect(time.monotonic() < end, f"{len(sel.get_map())} of {len(streams)} streams not "
                   f"done in {timeout} s, longest silence {max(s.longest for s in streams):.2f} s")
            for key, mask in events:
                step(sel, key.data, mask)
        return max(s.longest for s in streams)
    finally:
        sel.close()
        for s in streams:
            s.sock.close()


def step(sel, s, mask):
    with contextlib.suppress(BlockingIOError):
        if mask & selectors.EVENT_WRITE and s.wants_write():
            s.on_write()
    with contextlib.suppress(BlockingIOError):
        if mask & selectors.EVENT_READ:
            s.on_read()
    if s.done:
        sel.unregister(s.sock)
        return
    want = selectors.EVENT_READ | (selectors.EVENT_WRITE if s.wants_write() else 0)
    if want != s.events:
        sel.modify(s.sock, want, s)
        s.events = want


# ---- raw frames ----

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(payload, proto, src=lab.KERNEL_IP, dst=lab.STACK_IP, frag=0, ihl=5, total=None):
    def head(ck):
        return struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, 0,
                           20 + len(payload) if total is None else total, 7, frag, 64, proto, ck,
                           socket.inet_aton(src), socket.inet_aton(dst))
    return head(checksum(head(0))) + payload


def tcp(sport, dport, seq, ack, flags, window=1000, options=b"", data=b"", src=lab.KERNEL_IP):
    def segment(ck):
        return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (5 + len(options) // 4) << 4,
                           flags, window, ck, 0) + options + data
    n = len(segment(0))
    pseudo = socket.inet_aton(src) + socket.inet_aton(lab.STACK_IP) + struct.pack("!HH", 6, n)
    return ip4(segment(checksum(pseudo + segment(0))), 6, src)


def garbage(rng):
    """One frame (without Ethernet header) of nonsense: mutated, truncated or plain random."""
    seg = tcp(rng.randrange(65536), rng.choice((80, 7, rng.randrange(65536))),
              rng.getrandbits(32), rng.getrandbits(32), rng.randrange(256),
              options=rng.randbytes(4 * rng.randrange(11)), data=rng.randbytes(rng.randrange(64)))
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(rng.randrange(200))
    if kind == 1:
        return seg[:rng.randrange(len(seg))]
    if kind == 2:
        at = rng.randrange(len(seg))
        return seg[:at] + bytes([seg[at] ^ 1 << rng.randrange(8)]) + seg[at + 1:]
    if kind == 3:
        return ip4(rng.randbytes(rng.randrange(100)), rng.randrange(256))
    if kind == 4:
        return ip4(rng.randbytes(rng.randrange(100)), 6, frag=rng.randrange(65536))
    if kind == 5:
        return ip4(rng.randbytes(40), 17, ihl=rng.randrange(16), total=rng.randrange(65536))
    if kind == 6:
        return ip4(rng.randbytes(rng.randrange(80)), 1, src=rng.choice(
            ("255.255.255.255", "224.0.0.1", "127.0.0.1", lab.STACK_IP, lab.KERNEL_IP)))
    return seg


def send_frames(ns, ifname, dst_mac, frames):
    """frames: (EtherType, payload) each."""
    with ns:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind((ifname, 0))
    src_mac = s.getsockname()[4]
    sent = 0
    with s:
        for ethertype, payload in frames:
            with contextlib.suppress(OSError):   # the kernel refuses frames without a header
                s.send(dst_mac + src_mac + struct.pack("!H", ethertype) + payload)
                sent += 1
    return sent


def garbage_frames(seed, n):
    rng = random.Random(seed)
    for _ in range(n):
        yield rng.choice((0x0800, 0x0800, 0x0800, 0x0806, 0x86DD, rng.randrange(65536))), garbage(rng)


def neighbour_mac(ns, ip=lab.STACK_IP):
    for line in ns.run("ip neigh").splitlines():
        if line.startswith(ip + " ") and "lladdr" in line:
            return bytes.fromhex(line.split("lladdr ")[1].split()[0].replace(":", ""))
    raise Failure(f"{ip} is not in the kernel's neighbour table")
