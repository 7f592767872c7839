#!/usr/bin/env python3
"""What etcd's JSON gateway costs for the watches of a large fleet.

    tests/support/etcd_watches.py [--agents N]

Starts etcd and opens one stream for each simulated agent, as an agent does: with a watch of its key
and one of its commands. Prints etcd's memory before, with all streams idle, and after every agent got
a new value, and how long that took. Needs as many descriptors as agents, for each of the two.
"""

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness.process import memory_kib  # noqa: E402
from harness.servers import Etcd  # noqa: E402


def coded(text):
    return base64.b64encode(text.encode()).decode()


def address(number):
    return f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def watches(number):
    """The body that opens both watches of one agent."""
    key = f"/logagent/{address(number)}/logconfig"
    commands = f"/logagent/_cmd/app{number}/"
    end = commands[:-1] + chr(ord(commands[-1]) + 1)
    created = [
        {"create_request": {"key": coded(key), "progress_notify": True}},
        {"create_request": {"key": coded(commands), "range_end": coded(end), "progress_notify": True}},
    ]
    return "".join(json.dumps(one) for one in created).encode()


class Watches:
    """Streams to one etcd, and what came through them."""

    def __init__(self, port):
        self.port = port
        self.created = 0
        self.got = set()
        self.tasks = []

    async def open(self, number, gate):
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            body = watches(number)
            writer.write(
                b"POST /v3/watch HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            seen = b""
            while seen.count(b'"created":true') < 2:
                piece = await reader.read(4096)
                assert piece, f"etcd ended the stream of agent {number}: {seen[:300]}"
                seen += piece
            self.created += 2
        self.tasks.append(asyncio.create_task(self.follow(number, reader, writer)))

    async def follow(self, number, reader, writer):
        while piece := await reader.read(65536):
            if b'"events"' in piece:
                self.got.add(number)

    async def open_all(self, count):
        gate = asyncio.Semaphore(100)
        await asyncio.gather(*(self.open(number, gate) for number in range(count)))

    async def write_all(self, etcd, count, value, patience=300):
        """A new value for every agent; returns the seconds until the last one had it."""
        begin = time.perf_counter()
        loop = asyncio.get_running_loop()
        for first in range(0, count, 60):
            operations = [
                {
                    "requestPut": {
                        "key": coded(f"/logagent/{address(number)}/logconfig"),
                        "value": coded(value),
                    }
                }
                for number in range(first, min(first + 60, count))
            ]
            await loop.run_in_executor(None, etcd._post, "kv/txn", {"success": operations})
        written = time.perf_counter() - begin
        while len(self.got) < count:
            assert time.perf_counter() - begin < patience, f"{len(self.got)} of {count} have it"
            await asyncio.sleep(0.05)
        return written, time.perf_counter() - begin


async def measure(etcd, count):
    pid = etcd.pid
    print(f"etcd alone: RSS {memory_kib(pid) / 1024:.0f} MiB")
    streams = Watches(etcd.port)
    begin = time.perf_counter()
    await streams.open_all(count)
    print(
        f"{count} streams with {streams.created} watches, opened in "
        f"{time.perf_counter() - begin:.1f} s: RSS {memory_kib(pid) / 1024:.0f} MiB"
    )
    value = json.dumps([{"log_path": f"/var/log/s{i}.log", "topic": f"t{i}"} for i in range(30)])
    written, arrived = await streams.write_all(etcd, count, value)
    print(
        f"a value of {len(value)} bytes for each: written in {written:.1f} s, the last one has it "
        f"after {arrived:.1f} s: RSS {memory_kib(pid) / 1024:.0f} MiB, "
        f"at most {memory_kib(pid, 'VmHWM') / 1024:.0f} MiB"
    )
    for task in streams.tasks:
        task.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        etcd = Etcd(Path(scratch) / "etcd")
        etcd.start()
        try:
            asyncio.run(measure(etcd, given.agents))
        finally:
            etcd.kill9()


if __name__ == "__main__":
    main()
