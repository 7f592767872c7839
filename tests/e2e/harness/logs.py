"""Things that write logs (nginx, plain writers, logrotate) and exact comparisons with Kafka."""

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

from .process import Child, free_ports, run, wait_for

# --- writers -------------------------------------------------------------------------------------


def lines(count, tag="line", size=0, first=0):
    """`count` different lines without line ends; at least `size` bytes each."""
    return [
        f"{tag} {number:08d} ".encode().ljust(size, b".") for number in range(first, first + count)
    ]


def append(path, new_lines, end=b"\n"):
    """Appends lines as a program with an open log would, a few thousand in one write."""
    with open(path, "ab", buffering=0) as log:
        for at in range(0, len(new_lines), 2000):
            log.write(b"".join(line + end for line in new_lines[at : at + 2000]))
    return new_lines


class Writer:
    """Writes numbered lines at a steady pace until stopped; knows every line it wrote."""

    def __init__(self, path, lines_per_second, tag="line", size=80):
        self.path = Path(path)
        self.pace = lines_per_second
        self.tag = tag
        self.size = size
        self.written = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        began = time.monotonic()
        with open(self.path, "ab", buffering=0) as log:
            while not self._stop.wait(0.02):
                due = int((time.monotonic() - began) * self.pace) - len(self.written)
                if due > 0:
                    new = lines(due, self.tag, self.size, len(self.written))
                    log.write(b"".join(line + b"\n" for line in new))
                    self.written += new

    def wait_written(self, count, seconds=60.0):
        wait_for(f"{count} lines are written", lambda: len(self.written) >= count, seconds)

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.written


class Nginx:
    """A real nginx with one worker that writes the same access log twice: `log` is rotated and
    collected, `witness` is only for the comparison."""

    def __init__(self, directory):
        self.directory = Path(directory)
        (self.directory / "logs").mkdir(parents=True)
        self.log = self.directory / "logs" / "access.log"
        self.witness = self.directory / "witness.log"
        self.pid_file = self.directory / "nginx.pid"
        self.port = free_ports()
        scratch = "".join(
            f"    {kind}_temp_path {self.directory}/tmp;\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(
            f"daemon off;\nworker_processes 1;\n{user}pid {self.pid_file};\n"
            f"error_log {self.directory}/error.log warn;\nevents {{ worker_connections 256; }}\n"
            f"http {{\n{scratch}"
            f"    access_log {self.log} combined;\n    access_log {self.witness} combined;\n"
            f"    keepalive_requests 100000000;\n"
            f"    server {{ listen 127.0.0.1:{self.port}; location / {{ return 204; }} }}\n}}\n"
        )
        self.child = Child(
            ["nginx", "-p", self.directory, "-c", self.directory / "nginx.conf"],
            self.directory / "nginx.out",
        )
        wait_for("nginx listens", self._listens, 10)

    def _listens(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def request(self, count, per_second=0, first=0):
        """Sends `count` different requests over one connection, pipelined; returns when all are
        answered. The first is the number in the first request's path."""
        agents = (
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
            "curl/8.4",
            'quote"d\\agent',
            "k\xe4se/\u20ac",
            "",
        )
        began, sent, answer_size = time.monotonic(), 0, 0
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as server:
            while sent < count:
                batch = min(100, count - sent)
                server.sendall(
                    b"".join(
                        f"GET /item/{number}?q={number * 2654435761 % 2**32:x} HTTP/1.1\r\nHost: shop\r\n"
                        f"User-Agent: {agents[number % 5]}\r\n\r\n".encode()
                        for number in range(first + sent, first + sent + batch)
                    )
                )
                wanted = batch * answer_size if answer_size else 1
                got = b""
                while len(got) < wanted or not got.endswith(b"\r\n\r\n"):
                    piece = server.recv(1 << 16)
                    assert piece, "nginx closed the connection"
                    got += piece
                    if not answer_size and b"\r\n\r\n" in got:  # all answers have the same length
                        answer_size = got.index(b"\r\n\r\n") + 4
                        wanted = batch * answer_size
                assert got.count(b"HTTP/1.1 204") == batch
                sent += batch
                if per_second:
                    ahead = sent / per_second - (time.monotonic() - began)
                    if ahead > 0:
                        time.sleep(ahead)

    def stop(self):
        """Ends nginx after it has written what it was asked."""
        self.child.signal(signal.SIGQUIT)
        self.child.wait(15)


class Logrotate:
    """The real logrotate with its own state file; rotates one log whenever told."""

    def __init__(self, directory, log, *, postrotate="", mode="create 0644", keep=50):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "logrotate.conf"
        script = f"    postrotate\n        {postrotate}\n    endscript\n" if postrotate else ""
        self.config.write_text(
            f"{log} {{\n    rotate {keep}\n    {mode}\n    missingok\n{script}}}\n"
        )
        self.config.chmod(0o600)

    def rotate(self):
        run(["logrotate", "-f", "-s", self.directory / "logrotate.state", self.config])


def generations(log):
    """The rotated files of a log and the log itself, oldest first: access.log.2, .1, access.log."""
    log = Path(log)
    old = [file for file in log.parent.glob(log.name + ".*") if file.suffix[1:].isdigit()]
    return sorted(old, key=lambda file: -int(file.suffix[1:])) + [log]


# --- comparisons ---------------------------------------------------------------------------------

KEY_FIELDS = ("host", "service", "path", "generation", "start", "end")


def parse_key(record):
    fields = json.loads(record.key)
    assert isinstance(fields, list) and len(fields) == 6, f"key {record.key}"
    compact = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    assert record.key == compact, f"key {record.key} is not compact JSON"
    return dict(zip(KEY_FIELDS, fields))


def difference(found, wanted):
    """One line on the first difference of two lists; None if they are equal."""
    if found == wanted:
        return None
    for at, (left, right) in enumerate(zip(found, wanted)):
        if left != right:
            return (
                f"number {at} is {left[:200]!r} instead of {right[:200]!r} "
                f"({len(found)} found, {len(wanted)} wanted)"
            )
    if len(found) < len(wanted):
        return f"{len(found)} found, {len(wanted)} wanted; the first missing: {wanted[len(found)][:200]!r}"
    return (
        f"{len(found)} found, {len(wanted)} wanted; the first extra: {found[len(wanted)][:200]!r}"
    )


def expect_exactly(records, wanted):
    """Every line once, in order, in one partition, nothing else."""
    wrong = difference([record.value for record in records], wanted)
    assert not wrong, f"records differ from the lines: {wrong}"
    used = {record.partition for record in records}
    assert len(used) <= 1, f"one file went to the partitions {sorted(used)}"


def expect_no_loss(records, wanted, *, duplicates=None):
    """Every line at least once and the last copies in order; equal ids mean equal bytes. Returns
    the number of duplicates, which may be limited."""
    last = {}
    for record in records:
        key = parse_key(record)
        identity = (key["generation"], key["start"], key["end"])
        if identity in last:
            assert last[identity].value == record.value, f"two values under one id {identity}"
            del last[identity]  # the last copy decides the order
        last[identity] = record
    wrong = difference([record.value for record in last.values()], wanted)
    assert not wrong, f"last copies differ from the lines: {wrong}"
    extra = len(records) - len(last)
    assert duplicates is None or extra <= duplicates, f"{extra} duplicates, {duplicates} allowed"
    return extra


def expect_keys(records, *, host, service, path, content):
    """Keys of the default kind: the ranges follow each other and name exactly the record's bytes.
    `content`: list of the bytes of each generation, oldest first."""
    order, at = [], {}
    for record in records:
        key = parse_key(record)
        assert (key["host"], key["service"], key["path"]) == (host, service, str(path)), record.key
        generation, start, end = key["generation"], key["start"], key["end"]
        assert len(generation) == 22, f"generation '{generation}'"
        if generation not in at:
            order.append(generation)
            at[generation] = 0
        whole = content[len(order) - 1]
        assert order[-1] == generation, "an older generation came after a newer one"
        assert start == at[generation], f"a range begins at {start} instead of {at[generation]}"
        assert whole[start:end].rstrip(b"\r\n") == record.value, f"{record.key} names other bytes"
        at[generation] = end
    ends = [at[generation] for generation in order]
    sizes = [len(part) for part in content if part]
    assert ends == sizes, f"generations end at {ends} instead of {sizes}"
