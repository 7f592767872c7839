#!/usr/bin/env python3
"""The workloads beside catching up: what the agent costs and how fast it is in daily life.

    scenarios.py idle | many | trickle | burst | down | kill | rate | sizes | paced | partitions |
                 brokers | cold | latency | stall [options]      default: all

idle     10,000 files that nobody writes: CPU, memory, time until all are tailed
many     the same with 1000 and with 100,000 files, of which an agent reads 20,000
trickle  1000 files, 1 line/s each: CPU, p50 and p99 from write to delivery
burst    200 files go from nothing to 100 MB/s for 10 s: peak memory, time to drain
down     the broker is gone while a writer goes on: peak memory, everything arrives afterwards
kill     SIGKILL in the middle of 1000 lines/s: nothing is lost, how much comes twice, how soon it flows
rate     send_rate of 1 to 100,000 lines/s over 10 s: deviation
sizes    catching up with lines of 100 B to 16 KB: CPU for a GB
paced    a backlog and 1 MB/s, for one file and for the host: rate, CPU, context switches
partitions  1000 files, 1 line/s each, spread over 1, 12 and 100 partitions: CPU
brokers  the same over 12 partitions of 1 and of 3 brokers: CPU
cold     catching up with a file that is not in the page cache
latency  one file with 100, 1000 and 10,000 lines/s, window 0: p50, p99 and p99.9
stall    longest stall of the loop that the agent reports, after all of the above

Prints a Markdown table with the targets beside the values; --json for the raw ones. The exit code
says whether all targets were met.
"""

import argparse
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure import HERE, Mock, end_offset  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
LINE = b"x" * 153 + b"\n"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Agent:
    """The agent in the background with a logconfig, its metrics and its own bookkeeping of CPU."""

    def __init__(self, binary, work, kafka, targets, settings=()):
        self.status = f"127.0.0.1:{free_port()}"
        config = work / "logconfig.json"
        config.write_text(json.dumps(targets))
        command = [str(binary), "agent", "--logconfig", str(config), "--kafka", kafka,
                   "--set", f"state_dir={work}/state", "--set", f"status_addr={self.status}"]
        for setting in settings:
            command += ["--set", setting]
        self.log = open(work / "agent.log", "w")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def switches(self):
        """Context switches of all threads."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        texts = [(task / "status").read_text() for task in tasks]
        return sum(int(n) for text in texts for n in re.findall(r"ctxt_switches:\s+(\d+)", text))

    def memory_mb(self, what="VmHWM"):
        """Peak memory; VmRSS: what it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+)", status).group(1)) / 1024

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.status}{path}", timeout=5) as answer:
            return answer.read().decode()

    def metric(self, name):
        found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics"), re.M)
        return float(found.group(1)) if found else float("nan")

    def until_tailing(self, files, limit=60):
        """Seconds from the start of the program until it tails that many files."""
        while time.monotonic() - self.begin < limit:
            if self.process.poll() is not None:
                raise RuntimeError(f"the agent ended with {self.process.returncode}")
            try:
                state = json.loads(self.get("/status?limit=20000"))
                if sum(file["state"] == "tailing" for file in state["files"]) >= files:
                    return time.monotonic() - self.begin
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"not {files} files after {limit} s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Scene:
    """A work directory, a broker and a place for results."""

    def __init__(self, given):
        self.given = given
        self.rows = []
        self.stalls = {}

    def value(self, name, value, target, unit, digits=2):
        """`target` None: there is none, the figure is only told."""
        met = target is None or value <= target
        self.rows.append({"what": name, "value": round(value, 4), "target": target, "unit": unit,
                          "met": met})
        print(f"  {name}: {value:.{digits}f} {unit} (target {target})"
              f"{'' if met else '  MISSED'}", file=sys.stderr, flush=True)

    def mock(self, topic, brokers=1):
        bench = self.given.build / "bench"
        return Mock(bench / "logagent_mock", [topic], bench / "liblogagent_nodelay.so",
                    ["--brokers", str(brokers)])

    def latency(self, kafka, topic, logs, files, rate, partitions=1):
        """What bench/latency.cpp says of lines that it writes into these files."""
        answer = subprocess.run(
            [self.given.build / "bench" / "logagent_latency", "--kafka", kafka, "--topic", topic,
             "--partitions", str(partitions), "--dir", logs, "--files", str(files),
             "--rate", str(rate), "--seconds", str(self.given.seconds)],
            capture_output=True, text=True, check=True)
        return json.loads(answer.stdout)

    def agent(self, work, kafka, targets, settings=()):
        return Agent(self.given.agent, work, kafka, targets, settings)

    def leave(self, name, agent):
        self.stalls[name] = agent.metric("logagent_loop_stall_seconds_max")


def target(path, topic, **more):
    return {"service": "bench", "log_path": str(path), "topic": topic, "start": "start", **more}


def until_delivered(kafka, topic, lines, limit):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if end_offset(kafka, topic) >= lines:
            return True
        time.sleep(0.1)
    return False


def idle_files(scene, work, present, read, started, cpu, memory):
    logs = work / "logs"
    logs.mkdir(parents=True)
    for number in range(present):
        (logs / f"{number}.log").write_bytes(LINE)
    name = f"{present:,} idle files"
    with scene.mock("idle:1") as broker:
        with scene.agent(work, broker.address, [target(logs / "*.log", "idle")]) as agent:
            scene.value(f"{name}: started", agent.until_tailing(read), started, "s")
            until_delivered(broker.address, "idle", read, 60)
            time.sleep(5)
            before, switches, begin = agent.cpu(), agent.switches(), time.monotonic()
            time.sleep(scene.given.seconds * 3)  # at least one sweep
            seconds = time.monotonic() - begin
            scene.value(f"{name}: CPU", (agent.cpu() - before) / seconds * 100, cpu, "% of a core")
            scene.value(f"{name}: context switches", (agent.switches() - switches) / seconds, None,
                        "/s", 0)
            scene.value(f"{name}: memory", agent.memory_mb("VmRSS"), memory, "MB", 1)
            scene.value(f"{name}: peak memory", agent.memory_mb(), memory, "MB", 1)
            scene.leave(name, agent)


def idle(scene, work):
    idle_files(scene, work, 10_000, 10_000, started=1.0, cpu=0.3, memory=30)


def many(scene, work):
    idle_files(scene, work / "few", 1000, 1000, started=0.2, cpu=0.1, memory=20)
    # More than 20,000 files are not read; the others are counted and named as a problem. Each takes
    # a descriptor, and some hundred are left for everything else.
    most = min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500)
    idle_files(scene, work / "many", 100_000, most, started=2.0, cpu=0.6, memory=60)


def trickle(scene, work):
    for name, settings, limits in (
        ("window 10 ms", (), (1.5, 30)),
        ("window 0", ("read_window_ms=0", "kafka.linger.ms=0"), (None, 2)),
    ):
        logs = work / name.replace(" ", "-")
        logs.mkdir()
        for number in range(1000):
            (logs / f"{number}.log").touch()
        with scene.mock("trickle:1") as broker:
            part = work / f"agent-{len(settings)}"
            part.mkdir()
            with scene.agent(part, broker.address, [target(logs / "*.log", "trickle")],
                             settings) as agent:
                agent.until_tailing(1000)
                before, begin = agent.cpu(), time.monotonic()
                seen = scene.latency(broker.address, "trickle", logs, 1000, 1000)
                used = (agent.cpu() - before) / (time.monotonic() - begin) * 100
                lost = seen["written"] - seen["received"]
                scene.value(f"1000 files x 1 line/s, {name}: lines missing", lost, 0, "lines", 0)
                scene.value(f"1000 files x 1 line/s, {name}: p99", seen["p99_ms"], limits[1], "ms")
                if limits[0]:
                    scene.value(f"1000 files x 1 line/s, {name}: CPU", used, limits[0], "% of a core")
                scene.leave(f"trickle {name}", agent)


def burst(scene, work):
    logs = work / "logs"
    logs.mkdir()
    names = [logs / f"{number}.log" for number in range(200)]
    for name in names:
        name.touch()
    with scene.mock("burst:1") as broker:
        with scene.agent(work, broker.address, [target(logs / "*.log", "burst")]) as agent:
            agent.until_tailing(200)
            files = [open(name, "ab", buffering=0) for name in names]
            block = LINE * 32
            lines, begin = 0, time.monotonic()
            while time.monotonic() - begin < 10:
                for file in files:
                    file.write(block)
                    lines += 32
                ahead = lines * len(LINE) / 100e6 - (time.monotonic() - begin)
                if ahead > 0:
                    time.sleep(ahead)
            written = time.monotonic()
            done = until_delivered(broker.address, "burst", lines, 120)
            scene.value("hour burst: peak memory", agent.memory_mb(), 48, "MB", 0)
            scene.value("hour burst: drained after", time.monotonic() - written, 5, "s")
            scene.value("hour burst: lines missing",
                        0 if done else lines - end_offset(broker.address, "burst"), 0, "lines", 0)
            scene.leave("burst", agent)


def down(scene, work):
    """The broker is stopped, not ended: a mock that starts anew would have other ports and no lines."""
    log = work / "down.log"
    log.touch()
    with scene.mock("down:1") as broker, open(log, "ab", buffering=0) as file:
        with scene.agent(work, broker.address, [target(log, "down")]) as agent:
            agent.until_tailing(1)
            broker.process.send_signal(signal.SIGSTOP)
            begin, lines = time.monotonic(), 0
            while time.monotonic() - begin < scene.given.outage:
                file.write(LINE * 6500)  # 10 MB/s
                lines += 6500
                time.sleep(0.1)
            scene.value("broker down: peak memory", agent.memory_mb(), 48, "MB", 0)
            broker.process.send_signal(signal.SIGCONT)
            begin = time.monotonic()
            until_delivered(broker.address, "down", 1, 60)
            scene.value("broker down: first line after", time.monotonic() - begin, 15, "s")
            done = until_delivered(broker.address, "down", lines, 300)
            scene.value("broker down: lines missing",
                        0 if done else lines - end_offset(broker.address, "down"), 0, "lines", 0)
            scene.leave("down", agent)


class Writer(threading.Thread):
    """Numbered lines at an even rate, in turn into some files."""

    def __init__(self, paths, lines_per_s, seconds):
        super().__init__()
        self.files = [open(path, "ab", buffering=0) for path in paths]
        self.rate, self.total = lines_per_s, lines_per_s * seconds

    def run(self):
        begin = time.monotonic()
        for number in range(self.total):
            ahead = begin + number / self.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            self.files[number % len(self.files)].write(b"%099d\n" % number)
        for file in self.files:
            file.close()


def kill(scene, work):
    logs = work / "logs"
    logs.mkdir()
    names = [logs / f"{number}.log" for number in range(8)]
    for name in names:
        name.touch()
    targets = [target(logs / "*.log", "kill")]
    rate_wanted, seconds = 1000, 20
    with scene.mock("kill:8") as broker:
        writer = Writer(names, rate_wanted, seconds)
        with scene.agent(work, broker.address, targets) as first:
            first.until_tailing(8)
            writer.start()
            time.sleep(seconds / 2)
            first.process.kill()
            first.process.wait()
        with scene.agent(work, broker.address, targets) as agent:
            begin = time.monotonic()
            while True:
                try:
                    if agent.metric("logagent_lines_acked_total") > 0:
                        break
                except OSError:
                    pass
                time.sleep(0.01)
            scene.value("after SIGKILL: first line acknowledged after", time.monotonic() - begin, 5, "s")
            writer.join()
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                read = subprocess.run(
                    ["kcat", "-C", "-b", broker.address, "-t", "kill", "-o", "beginning", "-e", "-q"],
                    capture_output=True, timeout=60, check=True).stdout.split()
                if len(set(read)) >= writer.total:
                    break
                time.sleep(0.5)
            scene.value("after SIGKILL: lines missing", writer.total - len(set(read)), 0, "lines", 0)
            scene.value("after SIGKILL: lines that came twice", len(read) - len(set(read)),
                        1.2 * rate_wanted, "lines", 0)
            scene.leave("kill", agent)


def rate(scene, work):
    for wanted in (1, 10, 100, 1000, 10_000, 100_000):
        part = work / str(wanted)
        part.mkdir()
        log = part / "rate.log"
        log.write_bytes(LINE * max(1000, wanted * 25))
        with scene.mock("rate:1") as broker:
            with scene.agent(part, broker.address,
                             [target(log, "rate", send_rate=wanted)]) as agent:
                until_delivered(broker.address, "rate", 1, 30)
                time.sleep(2)
                first, begin = end_offset(broker.address, "rate"), time.monotonic()
                time.sleep(10)
                last, end = end_offset(broker.address, "rate"), time.monotonic()
                seconds = end - begin
                # Asking takes some milliseconds and a batch is up to 100 ms of the rate.
                error = max(0.0, abs(last - first - wanted * seconds) - 1) / (wanted * seconds) * 100
                scene.value(f"send_rate {wanted}: deviation over {seconds:.1f} s", error, 2, "%")
                scene.leave(f"rate {wanted}", agent)


def catch_up(scene, work, log, kafka, topic, lines):
    """CPU and wall seconds of an agent that reads a whole file, without keys and compression."""
    config = work / "once.json"
    config.write_text(json.dumps([target(log, topic, key="none")]))
    command = [scene.given.agent, "agent", "--logconfig", config, "--kafka", kafka, "--once",
               "--set", f"state_dir={work}/state", "--set", "status_addr=off",
               "--set", "kafka.compression.codec=none"]
    begin = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or end_offset(kafka, topic) != lines:
        raise RuntimeError(f"ended with {process.returncode}, {end_offset(kafka, topic)} of {lines}")
    return used.ru_utime + used.ru_stime, wall


def sizes(scene, work):
    for size, count, most in ((100, 2_000_000, 4.0), (512, 400_000, 1.4), (1024, 200_000, 1.05),
                              (16_384, 12_500, 0.55)):
        part = work / str(size)
        part.mkdir()
        log = part / "sizes.log"
        block = b"".join(os.urandom(size // 2).hex().encode()[: size - 1] + b"\n"
                         for _ in range(max(1, 2_000_000 // size)))
        with open(log, "wb") as out:
            for _ in range(size * count // len(block) + 1):
                out.write(block)
            out.truncate(size * count)
        with scene.mock("sizes:1") as broker:
            cpu, _ = catch_up(scene, part, log, broker.address, "sizes", count)
        log.unlink()
        scene.value(f"lines of {size} B", cpu / (size * count) * 1e9, most, "CPU s/GB")


def paced(scene, work):
    for name, files, more, settings in (
        ("of a backlog", 1, {"send_rate_bytes": 1_000_000}, ()),
        ("for the host, 4 backlogs", 4, {}, ("max_send_rate_bytes=1000000",)),
    ):
        part = work / str(files)
        logs = part / "logs"
        logs.mkdir(parents=True)
        for number in range(files):
            (logs / f"{number}.log").write_bytes(LINE * (650_000 // files))  # 100 MB
        with scene.mock("paced:1") as broker:
            with scene.agent(part, broker.address, [target(logs / "*.log", "paced", **more)],
                             settings) as agent:
                until_delivered(broker.address, "paced", 1, 30)
                time.sleep(2)
                first = end_offset(broker.address, "paced")
                cpu, switches, begin = agent.cpu(), agent.switches(), time.monotonic()
                time.sleep(scene.given.seconds)
                seconds = time.monotonic() - begin
                sent = (end_offset(broker.address, "paced") - first) * len(LINE) / seconds
                scene.value(f"1 MB/s {name}: rate error", abs(sent / 1e6 - 1) * 100, 2, "%")
                scene.value(f"1 MB/s {name}: CPU", (agent.cpu() - cpu) / seconds * 100, 0.5,
                            "% of a core")
                scene.value(f"1 MB/s {name}: context switches",
                            (agent.switches() - switches) / seconds, 60, "/s", 0)
                scene.leave(f"paced {name}", agent)


def spread_cpu(scene, work, partitions_wanted, brokers_wanted):
    """The share of a core for 1000 lines/s from 1000 files, not bound to a partition."""
    logs = work / "logs"
    logs.mkdir(parents=True)
    for number in range(1000):
        (logs / f"{number}.log").touch()
    with scene.mock(f"spread:{partitions_wanted}", brokers_wanted) as broker:
        with scene.agent(work, broker.address,
                         [target(logs / "*.log", "spread", partition="spread")]) as agent:
            agent.until_tailing(1000)
            before, begin = agent.cpu(), time.monotonic()
            seen = scene.latency(broker.address, "spread", logs, 1000, 1000, partitions_wanted)
            used = (agent.cpu() - before) / (time.monotonic() - begin)
    if seen["received"] != seen["written"]:
        raise RuntimeError(f"{seen['received']} of {seen['written']} lines")
    return used


def partitions(scene, work):
    used = {count: spread_cpu(scene, work / str(count), count, 1) for count in (1, 12, 100)}
    for count in (12, 100):
        scene.value(f"{count} partitions instead of 1: CPU", used[count] / used[1], 1.3, "times")


def brokers(scene, work):
    used = {count: spread_cpu(scene, work / str(count), 12, count) for count in (1, 3)}
    scene.value("3 brokers instead of 1, 12 partitions: CPU", used[3] / used[1], 1.3, "times")


def cold(scene, work):
    log = work / "cold.log"
    with open(log, "wb") as out:
        for _ in range(100):
            out.write(LINE * 20_000)
        out.flush()
        os.fsync(out.fileno())
        os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with scene.mock("cold:1") as broker:
        cpu, wall = catch_up(scene, work, log, broker.address, "cold", 2_000_000)
    scene.value("cold file of 308 MB: CPU", cpu / 0.308, 4.0, "CPU s/GB")
    scene.value("cold file of 308 MB: time", wall, 10, "s")


def latency(scene, work):
    for rate_wanted, p50, p99 in ((100, 2, 5), (1000, 2, 5), (10_000, 2, 5)):
        part = work / str(rate_wanted)
        logs = part / "logs"
        logs.mkdir(parents=True)
        (logs / "0.log").touch()
        with scene.mock("latency:1") as broker:
            with scene.agent(part, broker.address, [target(logs / "0.log", "latency")],
                             ("read_window_ms=0", "kafka.linger.ms=0")) as agent:
                agent.until_tailing(1)
                seen = scene.latency(broker.address, "latency", logs, 1, rate_wanted)
                name = f"{rate_wanted} lines/s into one file"
                scene.value(f"{name}: p50", seen["p50_ms"], p50, "ms")
                scene.value(f"{name}: p99", seen["p99_ms"], p99, "ms")
                scene.value(f"{name}: p99.9", seen["p999_ms"], None, "ms")


def stall(scene, work):
    del work
    for name, seconds in scene.stalls.items():
        scene.value(f"longest stall of the loop, {name}", seconds * 1000, 50, "ms", 1)


SCENES = {"idle": idle, "many": many, "trickle": trickle, "burst": burst, "down": down,
          "kill": kill, "rate": rate, "sizes": sizes, "paced": paced, "partitions": partitions,
          "brokers": brokers, "cold": cold, "latency": latency, "stall": stall}


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scene", nargs="*", metavar="SCENE")
    options.add_argument("--build", type=Path, default=HERE.parent / "build" / "release")
    options.add_argument("--agent", type=Path, help="default: BUILD/logagent")
    options.add_argument("--seconds", type=int, default=10, help="of a measurement")
    options.add_argument("--outage", type=int, default=60, help="seconds without a broker")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    given.agent = given.agent or given.build / "logagent"
    unknown = [name for name in given.scene if name not in SCENES]
    if unknown:
        options.error(f"unknown scene {unknown[0]}; there are {', '.join(SCENES)}")
    if not given.agent.exists():
        options.error(f"{given.agent} does not exist; build it or name one with --agent")

    scene = Scene(given)
    failed = []
    for name, play in SCENES.items():
        if given.scene and name not in given.scene and name != "stall":
            continue
        print(name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="logagent-scene-") as directory:
            try:
                play(scene, Path(directory))
            except (RuntimeError, OSError, subprocess.CalledProcessError) as failure:
                failed.append(name)
                log = Path(directory) / "agent.log"
                said = log.read_text()[-2000:] if log.exists() else ""
                print(f"  FAILED: {failure}\n{said}", file=sys.stderr)
    print("| what | value | target | met |\n|---|---|---|---|")
    for row in scene.rows:
        wanted = "-" if row["target"] is None else f"<= {row['target']}"
        met = "-" if row["target"] is None else "yes" if row["met"] else "**no**"
        print(f"| {row['what']} | {row['value']} {row['unit']} | {wanted} | {met} |")
    for name in failed:
        print(f"| {name} | did not run | | **no** |")
    if given.json:
        given.json.write_text(json.dumps({"rows": scene.rows, "failed": failed}, indent=1))
    return 0 if not failed and all(row["met"] for row in scene.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
