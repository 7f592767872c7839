"""`logagent transfer`: configured, started, asked, stopped, killed."""

import http.client
import json
import os
import signal
import struct
import time
from pathlib import Path

from .process import Child, PATIENCE, at_end, free_ports, run, wait_for


def produce(kafka, topic, records, partition=None, *options):
    """Writes (key, value) pairs or values; kcat waits until they are acknowledged."""
    lines = []
    for record in records:
        key, value = record if isinstance(record, tuple) else ("", record)
        lines.append(f"{key}\x01{value}\n")
    where = [] if partition is None else ["-p", str(partition)]
    run(
        ["kcat", "-q", "-b", kafka.address, "-P", "-t", topic, "-K", "\x01", "-Z", *where]
        # Idempotent: a slow answer must not make two of one.
        + ["-X", "acks=all", "-X", "enable.idempotence=true", *options],
        input="".join(lines).encode(),
    )


class Transfer:
    """One `logagent transfer`. Starting it again goes on with the same state."""

    def __init__(self, binary, directory, text, arguments=()):
        self.binary = Path(binary)
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_ports()
        self.arguments = [str(part) for part in arguments]
        self.child = None
        self.configure(text)
        self._forget = at_end(self.kill9)

    @property
    def ini(self):
        return self.directory / "transfer.ini"

    def configure(self, text):
        self.ini.write_text(
            f"state_dir = {self.directory}/state\nstatus_addr = 127.0.0.1:{self.port}\n{text}"
        )

    def start(self):
        self.child = Child(
            [self.binary, "transfer", "-c", self.ini, *self.arguments],
            self.directory / "out.log",
            env={**os.environ, "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=0"},
        )
        return self

    def output(self):
        return (self.directory / "out.log").read_text(errors="replace")

    def ask(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10 * PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def status(self):
        return json.loads(self.ask("/status")[1])

    def route(self, name):
        """The status of one route; None while there is none."""
        for one in self.status()["routes"]:
            if one["name"] == name:
                return one
        return None

    def metrics(self):
        return self.ask("/metrics")[1]

    def wait_ready(self, seconds=40):
        wait_for("transfer is ready", lambda: self.ask("/readyz")[0] == 200, seconds)
        return self

    def wait(self, what, probe, seconds=30):
        try:
            return wait_for(what, probe, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- transfer said\n{self.output()[-3000:]}") from None

    def running(self):
        return bool(self.child) and self.child.running()

    def stop(self, how=signal.SIGTERM, seconds=30):
        self.child.signal(how)
        code = self.child.wait(seconds)
        self._forget()
        return code

    def kill9(self):
        if self.running():
            self.child.kill9()


def _crc32c(data, _table=[]):
    if not _table:
        for byte in range(256):
            for _ in range(8):
                byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
            _table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _varint(number):
    number = number << 1 if number >= 0 else (-number << 1) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _batch(producer, epoch, sequence, values):
    """A transactional RecordBatch of records without keys."""
    records = b""
    for number, value in enumerate(values):
        body = b"\0" + _varint(0) + _varint(number) + _varint(-1)
        body += _varint(len(value)) + value + _varint(0)
        records += _varint(len(body)) + body
    now = int(time.time() * 1000)
    count = len(values)
    rest = struct.pack(">hiqqqhii", 0x10, count - 1, now, now, producer, epoch, sequence, count)
    rest += records
    head = struct.pack(">ibI", -1, 2, _crc32c(rest))
    return struct.pack(">qi", 0, len(head) + len(rest)) + head + rest


def transaction(kafka, name, topic, partition, values, commit):
    """Writes values in one transaction and commits or aborts it; the plain protocol, since kcat
    cannot abort."""
    text = kafka._text

    def ask(api, version, body, at):
        answer = kafka._request(api, version, body)
        return struct.unpack_from(">h", answer, at)[0], answer

    def begun():
        ask(10, 1, text(name) + b"\1", 4)
        code, answer = ask(22, 0, text(name) + struct.pack(">i", 60000), 4)
        return None if code else struct.unpack_from(">qh", answer, 6)

    producer, epoch = wait_for("a transaction can begin", begun, 40)
    who = text(name) + struct.pack(">qh", producer, epoch)
    where = struct.pack(">i", 1) + text(topic) + struct.pack(">ii", 1, partition)
    wait_for(
        "the partition is part of the transaction",
        lambda: ask(24, 0, who + where, 4 + 4 + 2 + len(topic) + 4 + 4)[0] == 0,
    )
    batch = _batch(producer, epoch, 0, [value.encode() for value in values])
    body = text(name) + struct.pack(">hi", -1, 10000) + struct.pack(">i", 1) + text(topic)
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    code, _ = ask(0, 3, body, 4 + 2 + len(topic) + 4 + 4)
    assert code == 0, f"produce answered {code}"
    wait_for("the transaction ends", lambda: ask(26, 0, who + bytes([commit]), 4)[0] == 0)
