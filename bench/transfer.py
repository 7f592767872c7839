#!/usr/bin/env python3
"""Measures what it costs to bring records from a real Kafka to a sink.

The records are lines of 200 bytes under the keys of an agent, sent by `logagent agent` into one topic
with four partitions, lz4. Every run reads all of them as a new consumer group and is checked: the sink
must have got each once. The sink that only answers (bench/sink.cpp) is a process of its own. Entries are
interleaved, so that a slow minute of the machine hits all of them.

CPU is user + system time of the transfer process with all its threads, start and stop included; memory
is VmHWM.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import generate  # noqa: E402
from measure import Run, end_offset, machine, median  # noqa: E402

HERE = Path(__file__).resolve().parent
BACKENDS = HERE.parent / "tests" / "backends" / "backends"
LINE = 200
PARTITIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def backend(command, *arguments, **options):
    done = subprocess.run(
        [BACKENDS, command, *map(str, arguments)], capture_output=True, text=True, **options
    )
    if done.returncode:
        sys.exit(f"backends {command}: {done.stderr}")
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def cpu_of(pid):
    """Seconds of a process with all its threads, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Sink:
    """A server that only answers."""

    def __init__(self, build, *arguments):
        self.process = subprocess.Popen(
            [build / "bench" / "logagent_sink", *arguments], stdout=subprocess.PIPE, text=True
        )
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats", timeout=60) as answer:
            return json.load(answer)

    def cpu(self):
        return cpu_of(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Source:
    """The topic that all runs read."""

    def __init__(self, given, work):
        self.kafka, self.documents = given.kafka, given.documents
        self.topic = f"bench-transfer-{os.getpid()}"
        file = work / "lines.log"
        block = [line.rstrip("\n")[: LINE - 1].ljust(LINE - 1, "x") for line in self.block()]
        with open(file, "w") as out:
            for start in range(0, self.documents, len(block)):
                part = block[: min(len(block), self.documents - start)]
                out.write("\n".join(part) + "\n")
        subprocess.run(given.create_topic.format(topic=self.topic), shell=True, check=True,
                       stdout=subprocess.DEVNULL)
        config = work / "logconfig.json"
        config.write_text(json.dumps([{
            "service": "bench", "log_path": str(file), "topic": self.topic, "start": "start",
            "partition": "spread",
        }]))
        subprocess.run(
            [given.build / "logagent", "agent", "--logconfig", config, "--once", "--kafka",
             self.kafka, "--set", f"state_dir={work}/agent", "--set", "status_addr=off"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        file.unlink()
        have = sum(end_offset(self.kafka, self.topic, part) for part in range(PARTITIONS))
        assert have == self.documents, f"{have} of {self.documents} records in Kafka"

    @staticmethod
    def block():
        made = generate.block(7)
        return made if isinstance(made, list) else made.splitlines()


def transfer(given, work, text):
    """A started transfer with this configuration; a new group each time."""
    work.mkdir()
    ini = work / "transfer.ini"
    ini.write_text(
        f"kafka_addr = {given.kafka}\ngroup_prefix = bench-{os.getpid()}-{time.monotonic_ns()}\n"
        f"state_dir = {work}/state\nstatus_addr = off\n{text}"
    )
    log = open(work / "log", "w")
    command = [given.program, "transfer", "-c", ini]
    if given.perf:
        command = ["perf", "record", "-q", "-g", "-F", "999", "-o", given.perf, *command]
    return Run(command, log)


def finish(run, limit=60):
    run.stop()
    code, cpu, wall, peak = run.wait(limit)
    return {"exit": code, "cpu_s": round(cpu, 3), "wall_s": round(wall, 2), "peak_mb": round(peak, 1)}


def until(what, reached, limit):
    deadline = time.monotonic() + limit
    while not reached():
        if time.monotonic() > deadline:
            print(f"  {what}: not reached within {limit} s", file=sys.stderr)
            return
        time.sleep(0.1)


def search_run(given, source, work, more=""):
    with Sink(given.build) as sink:
        run = transfer(given, work, f"""
[sink.s]
type = elasticsearch
url = {sink.url}
[route.r]
topics = {source.topic}
sink = s
{more}
""")
        until("documents", lambda: sink.stats()["documents"] >= source.documents, given.limit)
        result = finish(run)
        seen = sink.stats()
        result.update(
            ok=seen["documents"] == source.documents and result["exit"] == 0,
            count=seen["documents"], seconds=seen["seconds"], sink_cpu_s=sink.cpu(),
            mb=seen["bytes"] / 1e6,
        )
    return result


def hadoop_run(given, source, work, more=""):
    with Sink(given.build) as sink:
        run = transfer(given, work, f"""
[sink.s]
type = hdfs
url = {sink.url}
[route.r]
topics = {source.topic}
sink = s
root = /logs
roll_bytes = {128 << 20}
roll_idle = 1
{more}
""")
        until("lines", lambda: sink.stats()["file_lines"] >= source.documents, given.limit)
        result = finish(run)
        seen = sink.stats()
        result.update(
            ok=seen["file_lines"] == source.documents and result["exit"] == 0,
            count=seen["file_lines"], seconds=seen["seconds"], sink_cpu_s=sink.cpu(),
            mb=seen["file_bytes"] / 1e6,
        )
    return result


def four_routes(given, source, work):
    """Two sinks that answer, one that never does, and files: each route has the whole backlog."""
    with Sink(given.build) as sink, Sink(given.build, "--stall") as stalled:
        run = transfer(given, work, f"""
[sink.search]
type = elasticsearch
url = {sink.url}
[sink.stalled]
type = elasticsearch
url = {stalled.url}
[sink.hadoop]
type = hdfs
url = {sink.url}
[route.plain]
topics = {source.topic}
sink = search
[route.packed]
topics = {source.topic}
sink = search
gzip = true
[route.stalled]
topics = {source.topic}
sink = stalled
[route.files]
topics = {source.topic}
sink = hadoop
root = /logs
roll_idle = 1
""")
        # Lines of a packed body cannot be counted from outside; its requests come with the others.
        def done():
            seen = sink.stats()
            return seen["file_lines"] >= source.documents and seen["documents"] >= source.documents

        until("files and documents", done, given.limit)
        time.sleep(3)
        result = finish(run)
        seen = sink.stats()
        result.update(ok=done() and result["exit"] == 3, count=seen["documents"],
                      seconds=seen["seconds"], sink_cpu_s=sink.cpu(), mb=seen["bytes"] / 1e6)
    return result


def open_search(given, source, work):
    """Against a real OpenSearch on the same machine, with the JVM's own compilers."""
    directory = work.parent / "opensearch"
    environment = {**os.environ, "_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4"}
    where = backend("start", "opensearch", "--dir", directory, "--port-base", 9471, "--timeout", 180,
                    env=environment)
    pid = int((directory / "opensearch.pid").read_text().split()[0])
    url = next(value for value in where.values() if value.startswith("http"))
    try:
        before = cpu_of(pid)
        run = transfer(given, work, f"""
[sink.s]
type = elasticsearch
url = {url}
[route.r]
topics = {source.topic}
sink = s
from = earliest
index = logs-bench
""")

        def count():
            try:
                with urllib.request.urlopen(url + "/logs-bench/_refresh", timeout=60, data=b""):
                    pass
                with urllib.request.urlopen(url + "/logs-bench/_count", timeout=60) as answer:
                    return json.load(answer)["count"]
            except OSError:
                return 0

        deadline = time.monotonic() + given.limit
        begin = time.monotonic()
        while count() < source.documents and time.monotonic() < deadline:
            time.sleep(2)
        seconds = time.monotonic() - begin
        result = finish(run)
        result.update(count=count(), seconds=round(seconds, 1), sink_cpu_s=cpu_of(pid) - before, mb=0)
        result["ok"] = result["count"] == source.documents and result["exit"] == 0
    finally:
        backend("stop", "opensearch", "--dir", directory)
    return result


ENTRIES = {
    "elasticsearch": search_run,
    "elasticsearch, gzip": lambda *rest: search_run(*rest, "gzip = true"),
    "hdfs, raw": hadoop_run,
    "hdfs, ndjson": lambda *rest: hadoop_run(*rest, "format = ndjson"),
    "hdfs, raw, zstd": lambda *rest: hadoop_run(*rest, "compress = zstd"),
    "four routes": four_routes,
    "opensearch": open_search,
}


def summary(results):
    table = ["| entry | CPU s (min to max) | records/CPU s | records/s | MB/CPU s | MB/s | peak MB | "
             "CPU s of the sink | runs |", "|---|---|---|---|---|---|---|---|---|"]
    for name in (name + which for name in ENTRIES for which in ("", " (other)")):
        runs = [one for one in results if one["entry"] == name]
        good = [one for one in runs if one["ok"]]
        if not runs:
            continue
        if not good:
            table.append(f"| {name} | FAILED | | | | | | | 0/{len(runs)} ok |")
            continue
        cpu = [one["cpu_s"] for one in good]
        mid = {key: median([one[key] for one in good])
               for key in ("cpu_s", "seconds", "count", "mb", "sink_cpu_s")}
        table.append(
            f"| {name} | {mid['cpu_s']:.2f} ({min(cpu):.2f} to {max(cpu):.2f}) | "
            f"{mid['count'] / mid['cpu_s']:,.0f} | {mid['count'] / mid['seconds']:,.0f} | "
            f"{mid['mb'] / mid['cpu_s']:.0f} | {mid['mb'] / mid['seconds']:.0f} | "
            f"{max(one['peak_mb'] for one in good):.0f} | {mid['sink_cpu_s']:.2f} | "
            f"{len(good)}/{len(runs)} ok |")
    return "\n".join(table)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # with the broker's end
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", type=Path, default=HERE.parent / "build" / "release")
    options.add_argument("--documents", type=int, default=2_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", action="append", help="entries with exactly this name")
    options.add_argument("--skip", action="append", default=[], help="entries to leave out")
    options.add_argument("--kafka", help="a real broker; default: one is started")
    options.add_argument("--create-topic", metavar="COMMAND",
                         help="shell command that makes the topic {topic} at that broker")
    options.add_argument("--json", type=Path, help="where the single results go")
    options.add_argument("--limit", type=int, default=300, help="seconds for one run")
    options.add_argument("--other", type=Path, help="measure this program beside ours, too")
    options.add_argument("--perf", metavar="FILE", help="record samples of transfer into FILE")
    given = options.parse_args()
    programs = {"": given.build / "logagent"}
    if given.other:
        programs[" (other)"] = given.other
    chosen = [name for name in ENTRIES
              if (not given.only or name in given.only) and name not in given.skip]
    results = []
    with tempfile.TemporaryDirectory(prefix="logagent-bench-") as directory:
        work = Path(directory)
        own = work / "kafka"
        if not given.kafka:
            where = backend("start", "kafka", "--dir", own, "--port-base", 9461, "--timeout", 180)
            given.kafka = where.get("KAFKA", next(iter(where.values())))
            given.create_topic = (f"{BACKENDS} topic {{topic}} --dir {own} --partitions {PARTITIONS} "
                                  "--port-base 9461")
        try:
            source = Source(given, work)
            for number in range(given.rounds):
                for name, which in ((name, which) for name in chosen for which in programs):
                    place = work / f"run-{len(results)}"
                    given.program = programs[which]
                    result = ENTRIES[name](given, source, place)
                    name += which
                    result.update(entry=name, round=number)
                    results.append(result)
                    print(f"round {number + 1}: {name:28} cpu {result['cpu_s']:6.2f} s  "
                          f"{result['count'] / result['cpu_s']:9.0f} records/CPU s  "
                          f"peak {result['peak_mb']:4.0f} MB  {'ok' if result['ok'] else 'FAILED'}",
                          file=sys.stderr, flush=True)
                    if not result["ok"]:
                        print(result, (place / "log").read_text()[-2000:], file=sys.stderr)
        finally:
            if own.exists():
                backend("stop", "kafka", "--dir", own)
    print(f"{given.documents} records of {LINE} bytes, {PARTITIONS} partitions; {given.rounds} rounds, "
          f"interleaved; {machine()}\n\n" + summary(results))
    if given.json:
        given.json.write_text(json.dumps({"documents": given.documents, "machine": machine(),
                                          "results": results}, indent=1))
    return 0 if all(one["ok"] for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
