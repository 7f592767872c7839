#!/usr/bin/env python3
"""Measures what it costs to bring a file of lines into Kafka: this agent, a probe, kcat, rsyslog, syslog-ng.

All entries get the same file and one partition, run after one another in every round (interleaved, so
that a slow minute of the machine hits all of them) and are checked: the partition's end offset must
equal the number of lines. Every run against the mock has a broker process of its own.

CPU is user + system time of the process tree as the kernel counts it at its end; memory is VmHWM.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import generate  # noqa: E402

HERE = Path(__file__).resolve().parent


class Run:
    """A started program: its CPU, memory and time when it has ended."""

    def __init__(self, command, log, **options):
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command, stdout=log, stderr=log, **options)
        self.peak_kb = 0
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()

    def _sample(self):
        # ru_maxrss would count the memory of this script, from before the program was loaded.
        path = f"/proc/{self.process.pid}/status"
        while not self._done.wait(0.02):
            try:
                with open(path) as status:
                    for line in status:
                        if line.startswith("VmHWM:"):
                            self.peak_kb = max(self.peak_kb, int(line.split()[1]))
            except (OSError, ProcessLookupError):
                return

    def stop(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, limit):
        """Returns (exit code, cpu seconds, wall seconds, peak MB); kills at the limit."""
        killer = threading.Timer(limit, self.process.kill)
        killer.start()
        _, status, used = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self.begin
        killer.cancel()
        self._done.set()
        self._watch.join()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode, used.ru_utime + used.ru_stime, wall, self.peak_kb / 1024


class Mock:
    """A mock broker in a process of its own."""

    def __init__(self, binary, topics, nodelay=None, command=()):
        environment = dict(os.environ)
        if nodelay:
            environment["LD_PRELOAD"] = str(nodelay)
        arguments = [str(binary), *command]
        for topic in topics:
            arguments += ["--topic", topic]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
        self.address = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def end_offset(kafka, topic, partition=0):
    answer = subprocess.run(
        ["kcat", "-Q", "-b", kafka, "-t", f"{topic}:{partition}:-1"],
        capture_output=True, text=True, timeout=60,
    )
    try:
        return int(answer.stdout.split("offset")[1].split()[0])
    except (IndexError, ValueError):
        return -1


def rsyslog_config(work, file, kafka, topic, codec):
    servers = ", ".join(f'"{server}"' for server in kafka.split(","))
    path = work / "rsyslog.conf"
    path.write_text(f"""
global(workDirectory="{work}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="omkafka")
main_queue(queue.type="fixedArray" queue.size="100000" queue.dequeueBatchSize="4096"
           queue.workerThreads="1" queue.timeoutShutdown="60000")
template(name="raw" type="string" string="%msg%")
input(type="imfile" file="{file}" tag="bench" maxSubmitAtOnce="4096")
action(type="omkafka" broker=[{servers}] topic="{topic}" partitions.number="1" template="raw"
       resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="{work}/failed"
       confParam=["compression.codec={codec}", "linger.ms=5", "acks=all",
                  "queue.buffering.max.messages=100000"])
""")
    return path


def syslog_ng_root():
    """Where tools/deps.sh unpacked it; None where it did not."""
    cache = os.environ.get("LOGAGENT_CACHE") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "logagent")
    root = Path(cache) / "syslog-ng"
    return root if (root / "usr/sbin/syslog-ng").exists() else None


def syslog_ng_config(work, file, kafka, topic, codec):
    path = work / "syslog-ng.conf"
    path.write_text(f"""
@version: 3.38
options {{ log-msg-size(65536); stats-freq(0); }};
source lines {{
    file("{file}" follow-freq(1) flags(no-parse) log-fetch-limit(1000) log-iw-size(100000));
}};
destination kafka {{
    kafka-c(bootstrap-servers("{kafka}") topic("{topic}") message("$MESSAGE")
            flush-timeout-on-shutdown(60000)
            config("acks"("all") "linger.ms"("5") "compression.codec"("{codec}")
                   "queue.buffering.max.messages"("100000")));
}};
log {{ source(lines); destination(kafka); flags(flow-control); }};
""")
    return path


def syslog_ng(root, work, file, kafka, topic, codec):
    libraries = [root / "usr/lib/syslog-ng", root / "usr/lib/x86_64-linux-gnu",
                 root / "lib/x86_64-linux-gnu"]
    modules, = (root / "usr/lib/syslog-ng").glob("[0-9]*")
    return ["env", f"LD_LIBRARY_PATH={':'.join(map(str, libraries))}",
            str(root / "usr/sbin/syslog-ng"), "-F", "--no-caps", "--module-path", str(modules),
            "-f", str(syslog_ng_config(work, file, kafka, topic, codec)),
            "-R", str(work / "persist"), "-p", str(work / "pid"), "-c", str(work / "control")]


class Entry:
    """Something to measure: `command` gets the work directory, the file, the broker and the topic."""

    def __init__(self, name, command, ends=True, payload_key="none", codec="none"):
        self.name, self.command, self.ends = name, command, ends
        self.key, self.codec = payload_key, codec


def logconfig(work, file, topic, key):
    path = work / "logconfig.json"
    path.write_text(json.dumps([
        {"service": "bench", "log_path": str(file), "topic": topic, "key": key, "start": "start"}
    ]))
    return path


def entries(build, agent, codecs, keys):
    probe = build / "bench" / "logagent_probe"
    found = []
    for codec in codecs:
        for key in keys:
            for api, name in (("bare", "probe"), ("producer", "probe through our producer")):
                found.append(Entry(
                    name, lambda work, file, kafka, topic, codec=codec, key=key, api=api: [
                        str(probe), "--kafka", kafka, "--topic", topic, "--codec", codec,
                        "--key", key, "--api", api, str(file)], True, key, codec))
            if agent:
                found.append(Entry(
                    "logagent", lambda work, file, kafka, topic, codec=codec, key=key: [
                        str(agent), "agent", "--logconfig", str(logconfig(work, file, topic, key)),
                        "--once", "--kafka", kafka, "--set", f"kafka.compression.type={codec}",
                        "--set", f"state_dir={work}/state", "--set", "status_addr=off"],
                    True, key, codec))
        found.append(Entry(
            "kcat -P -l", lambda work, file, kafka, topic, codec=codec: [
                "kcat", "-P", "-b", kafka, "-t", topic, "-p", "0", "-z", codec, "-l",
                "-X", "linger.ms=5", "-X", "acks=all", str(file)], True, "none", codec))
        found.append(Entry(
            "rsyslog", lambda work, file, kafka, topic, codec=codec: [
                "rsyslogd", "-n", "-i", str(work / "pid"),
                "-f", str(rsyslog_config(work, file, kafka, topic, codec))], False, "none", codec))
        if root := syslog_ng_root():
            found.append(Entry(
                "syslog-ng", lambda work, file, kafka, topic, codec=codec: syslog_ng(
                    root, work, file, kafka, topic, codec), False, "none", codec))
    return found


def measure(entry, file, lines, kafka, topic, limit):
    with tempfile.TemporaryDirectory(prefix="logagent-bench-") as directory:
        work = Path(directory)
        # On disk all the same when the run has failed, so that it can be read.
        with open(work / "log", "w+") as log:
            run = Run(entry.command(work, file, kafka, topic), log)
            if not entry.ends:
                deadline = time.monotonic() + limit
                while time.monotonic() < deadline and end_offset(kafka, topic) < lines:
                    time.sleep(0.5)
                run.stop()
            code, cpu, wall, peak = run.wait(limit)
            delivered = end_offset(kafka, topic)
            log.seek(0)
            said = log.read()[-2000:]
    result = {
        "entry": entry.name, "key": entry.key, "codec": entry.codec, "cpu_s": round(cpu, 3),
        "wall_s": round(wall, 2), "peak_mb": round(peak, 1), "lines": delivered,
        "ok": delivered == lines and (code == 0 or not entry.ends),
    }
    if not result["ok"]:
        result["exit"], result["log"] = code, said
        print(f"  {entry.name}: exit {code}, {delivered} of {lines} lines\n{said}", file=sys.stderr)
    return result


def median(values):
    return statistics.median(values) if values else float("nan")


def summary(results, payload):
    rows = {}
    for result in results:
        rows.setdefault((result["codec"], result["key"], result["entry"]), []).append(result)

    def cpu(codec, key, entry):
        good = [run["cpu_s"] for run in rows.get((codec, key, entry), []) if run["ok"]]
        return median(good) if good else None

    def ratio(own, other):
        return f"{own / other:.2f}" if own and other else "-"

    table = ["| codec | key | entry | CPU s (min to max) | s/GB | wall s | peak MB | of probe | "
             "of kcat | of rsyslog | of syslog-ng | lines |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for (codec, key, entry), runs in sorted(rows.items()):
        good = [run for run in runs if run["ok"]]
        own = cpu(codec, key, entry)
        if not good:
            table.append(f"| {codec} | {key} | {entry} | FAILED | | | | | | | | |")
            continue
        spread = [run["cpu_s"] for run in good]
        table.append(
            f"| {codec} | {key} | {entry} | {own:.2f} ({min(spread):.2f} to {max(spread):.2f}) | "
            f"{own / payload * 1e9:.2f} | {median([run['wall_s'] for run in good]):.1f} | "
            f"{max(run['peak_mb'] for run in good):.0f} | {ratio(own, cpu(codec, key, 'probe'))} | "
            f"{ratio(own, cpu(codec, 'none', 'kcat -P -l'))} | "
            f"{ratio(own, cpu(codec, 'none', 'rsyslog'))} | "
            f"{ratio(own, cpu(codec, 'none', 'syslog-ng'))} | {len(good)}/{len(runs)} ok |")
    return "\n".join(table)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown CPU")
    return f"{os.cpu_count()} x {model}, kernel {os.uname().release}"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", type=Path, default=HERE.parent / "build" / "release")
    options.add_argument("--agent", type=Path, help="default: BUILD/logagent")
    options.add_argument("--lines", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--codec", action="append", help="none, lz4, ...; default: none and lz4")
    options.add_argument("--key", action="append", help="none, full; default: both")
    options.add_argument("--only", action="append", help="entries whose name contains this")
    options.add_argument("--skip", action="append", default=[], help="entries to leave out")
    options.add_argument("--kafka", help="a real broker; default: a mock broker for each run")
    options.add_argument("--create-topic", metavar="COMMAND",
                         help="shell command that makes the topic {topic} at that broker")
    options.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "logagent-bench")
    options.add_argument("--json", type=Path, help="where the single results go")
    options.add_argument("--limit", type=int, default=900, help="seconds for one run")
    given = options.parse_args()

    agent = given.agent or given.build / "logagent"
    if not agent.exists() or subprocess.run([agent, "agent", "--help"],
                                            capture_output=True).stdout == b"":
        print(f"{agent} has no agent; it is left out", file=sys.stderr)
        agent = None
    chosen = [
        entry for entry in entries(given.build, agent, given.codec or ["none", "lz4"],
                                   given.key or ["none", "full"])
        if (not given.only or any(part in entry.name for part in given.only))
        and not any(part in entry.name for part in given.skip)
    ]
    given.dir.mkdir(parents=True, exist_ok=True)
    file = given.dir / "access.log"
    payload = generate.generate(file, given.lines)
    file.read_bytes() if payload < 1 << 30 else None  # into the page cache

    results = []
    mock = given.build / "bench" / "logagent_mock"
    for number in range(given.rounds):
        for entry in chosen:
            topic = f"bench-{os.getpid()}-{len(results)}"
            if given.kafka:
                if given.create_topic:
                    subprocess.run(given.create_topic.format(topic=topic), shell=True, check=True)
                result = measure(entry, file, given.lines, given.kafka, topic, given.limit)
            else:
                with Mock(mock, [f"{topic}:1"]) as broker:
                    result = measure(entry, file, given.lines, broker.address, topic, given.limit)
            result["round"] = number
            results.append(result)
            print(f"round {number + 1}: {entry.codec:5} {entry.key:5} {entry.name:28} "
                  f"cpu {result['cpu_s']:7.2f} s  wall {result['wall_s']:6.1f} s  "
                  f"peak {result['peak_mb']:5.0f} MB  {'ok' if result['ok'] else 'FAILED'}",
                  file=sys.stderr, flush=True)
    where = given.kafka or "mock broker in its own process"
    text = (f"{given.lines} lines, {payload} bytes; {given.rounds} rounds, interleaved; {where}; "
            f"{machine()}\n\n" + summary(results, payload))
    print(text)
    if given.json:
        given.json.write_text(json.dumps({"lines": given.lines, "bytes": payload, "broker": where,
                                          "machine": machine(), "results": results}, indent=1))
    return 0 if all(result["ok"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
