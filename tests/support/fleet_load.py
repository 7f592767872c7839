#!/usr/bin/env python3
"""How `logagent web` stands with a large fleet: 10,000 simulated hosts and 1,000 services.

    tests/support/fleet_load.py --binary build/release/logagent [--hosts N] [--services N] [--rounds N]

Starts etcd and one web, writes statuses and definitions as agents and people do, and measures plans,
a change for every host, lists and memory. Prints milliseconds: the middle, the 99th percentile, the
worst, what web used of the CPU for one, and the longest turn of its loop since it began, in processor
time. --check fails where a target is missed that a busy machine does not move: turns and memory.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness.process import memory_kib, wait_for  # noqa: E402
from harness.servers import Etcd  # noqa: E402
from harness.web import Web  # noqa: E402


def status(number):
    address = f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
    return {
        "host": f"app{number % 500}-{number // 500}",
        "instance": f"i{number}",
        "version": "0",
        "ips": [address],
        "state": "healthy",
        "config": {"state": "waiting", "applied": None, "failed": None},
        "errors": [],
        "not_tailing": [],
    }


def definition(number):
    if number == 0:
        hosts = {"list": ["*"]}
    elif number % 3 == 0:
        hosts = {"list": [f"app{number % 500}-*"]}
    elif number % 3 == 1:
        hosts = {"cidr": [f"10.0.{number % 250}.0/24"]}
    else:
        hosts = {"selector": f"host=~app{number % 500}-.*"}
    file = {"log_path": f"/var/log/s{number}.log", "topic": f"t{number % 100}", "send_rate": 1000}
    return {"name": f"s{number:04d}", "hosts": hosts, "files": [file], "source": "ui"}


def cpu_ms(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def longest_turn_ms(web):
    """What web says of its loop."""
    page = web.ask("GET", "/metrics", token=None).body.decode()
    return float(re.search(r"^logagent_web_longest_turn_seconds (\S+)$", page, re.M)[1]) * 1000


def times(web, rounds, action):
    """Wall milliseconds, the CPU milliseconds of web for one round, and its longest turn so far."""
    pid = web.child.pid
    out = []
    before = cpu_ms(pid)
    for round_number in range(rounds):
        begin = time.perf_counter()
        action(round_number)
        out.append((time.perf_counter() - begin) * 1000)
    cpu = (cpu_ms(pid) - before) / rounds
    out.sort()
    late = out[min(len(out) - 1, len(out) * 99 // 100)]
    return f"{out[len(out) // 2]:8.0f} {late:8.0f} {out[-1]:8.0f} {cpu:8.0f} {longest_turn_ms(web):8.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--services", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--log", action="store_true", help="print what web says of long turns")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        etcd = Etcd(Path(scratch) / "etcd")
        etcd.start()
        try:
            run(given, etcd, Path(scratch))
        finally:
            etcd.kill9()


def batches(items, size=60):
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def put_all(etcd, items):
    for batch in batches(items):
        operations = [
            {"requestPut": {"key": etcd._coded(key), "value": etcd._coded(json.dumps(value))}}
            for key, value in batch
        ]
        etcd._post("kv/txn", {"success": operations})


def run(given, etcd, scratch):
    put_all(etcd, [(f"/logagent/_status/{(one := status(i))['host']}", one) for i in range(given.hosts)])
    put_all(
        etcd,
        [(f"/logagent/_meta/services/s{i:04d}", definition(i)) for i in range(given.services)],
    )
    arguments = ["--set", "level=debug"] if given.log else []
    web = Web(given.binary, scratch / "web", etcd, arguments).start()
    web.first_token()
    begin = time.perf_counter()
    wait_for(
        "every host has its key",
        lambda: len(etcd.get("/logagent/_meta/rendered/")) >= given.hosts,
        600,
        1,
    )
    print(f"{given.hosts} new hosts have their keys after {time.perf_counter() - begin:.1f} s")

    def ask(method, path, body=None, **fields):
        answer = web.api(method, path, body, **fields)
        assert answer.status in (200, 201), answer
        return answer

    def plan(number):
        one = definition(0)
        one["files"][0]["send_rate"] = 2000 + number
        made = ask("POST", "/services:plan?dry_run=true", {"services": [one], "message": "m"})
        assert made.json["keys"]["write"] == given.hosts, made.json["keys"]

    def change(number):
        one = definition(0)
        one["files"][0]["send_rate"] = 3000 + number
        done = ask("PUT", f"/services/{one['name']}", {**one, "message": "m"}, If_Match="*")
        assert done.json["rendered"]["written"] == given.hosts, done.json["rendered"]

    print(f"longest turn until then: {longest_turn_ms(web):.0f} ms")
    print("milliseconds                           middle      p99    worst      CPU     turn")
    print(f"plan for every host               {times(web, given.rounds, plan)}")
    print(f"change of every host              {times(web, max(given.rounds // 4, 2), change)}")
    for name, path in (
        ("list of 100 hosts", "/hosts"),
        ("list of 500 hosts", "/hosts?limit=500"),
        ("search in hosts", "/hosts?q=app77&sort=host"),
        ("list of 100 services", "/services"),
        ("search in services", "/services?q=s07&sort=-name"),
        ("status of one service", "/services/s0000/status"),
    ):
        print(f"{name:<33} {times(web, given.rounds * 5, lambda _, path=path: ask('GET', path))}")
    rss = memory_kib(web.child.pid) / 1024
    peak = memory_kib(web.child.pid, "VmHWM") / 1024
    print(f"RSS {rss:.0f} MiB, at most {peak:.0f} MiB; etcd {memory_kib(etcd.pid) / 1024:.0f} MiB")
    turn = longest_turn_ms(web)
    assert web.stop() == 0
    if given.log:
        print(*(line for line in web.output().splitlines() if "long_turn" in line), sep="\n")
    if given.check:
        assert turn < 50, f"the loop did nothing else for {turn:.0f} ms"
        assert peak < 300, f"{peak:.0f} MiB"


if __name__ == "__main__":
    main()
