#!/usr/bin/env python3
"""The hour mark: what the full hour does to a host, by four ways of bringing its logs into Kafka.

batch      the old way: at the mark the files of the past hour are uploaded, eight at a time, by kcat
unlimited  logagent without limits: lines go as they are written, the burst as it comes
file       logagent with send_rate for each file
host       logagent with max_send_rate_bytes for the host

200 files get 10 lines a second each; at the mark all are renamed and get 1500 lines each within two
seconds. An hour is 60 seconds. Every way brings the same number of lines an hour. Once a second: CPU of
what sends, runnable tasks of the machine, bytes on the loopback interface (all of them: the script is
best run in a network namespace of its own, see hour-mark.sh).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import generate  # noqa: E402
from measure import HERE, Mock, end_offset  # noqa: E402
from scenarios import Agent, target  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
BASE, BURST, BURST_SECONDS, BEFORE, AFTER, HOUR = 10, 1500, 2, 10, 50, 60
SEND_RATE, HOST_RATE = 60, 2_000_000
WAYS = {
    "batch": "hourly upload, as in the old system",
    "unlimited": "agent without limits",
    "file": f"agent, send_rate {SEND_RATE} lines/s a file",
    "host": f"agent, max_send_rate_bytes {HOST_RATE / 1e6:g} MB/s",
}
COLOURS = {"batch": "#c0392b", "unlimited": "#d68910", "file": "#1e8449", "host": "#2457a7"}


def loopback_bytes():
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            return int(figures.split()[8])
    return 0


def cpu_of(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


class Uploads:
    """kcat over and over: eight at a time until every file is sent."""

    def __init__(self, kafka, topic, files):
        self.command = ["kcat", "-P", "-b", kafka, "-t", topic, "-p", "0", "-z", "lz4", "-l"]
        self.waiting = list(files)
        self.running = []
        self.used = 0.0

    def step(self):
        for process in list(self.running):
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if not done:
                continue
            self.used += usage.ru_utime + usage.ru_stime
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"kcat ended with {process.returncode}")
            self.running.remove(process)
        while self.waiting and len(self.running) < 8:
            self.running.append(
                subprocess.Popen([*self.command, str(self.waiting.pop())], stderr=subprocess.DEVNULL)
            )
        return bool(self.waiting or self.running)

    def cpu(self):
        return self.used + sum(cpu_of(process.pid) for process in self.running)


class Writers:
    """The services: one step every 100 ms."""

    def __init__(self, directory, count, lines):
        self.paths = [directory / f"{number}.log" for number in range(count)]
        self.files = [open(path, "ab", buffering=0) for path in self.paths]
        self.lines, self.at, self.written = lines, 0, 0

    def put(self, each):
        for file in self.files:
            begin = self.at % (len(self.lines) - each)
            file.write(b"".join(self.lines[begin : begin + each]))
            self.at += each
        self.written += each * len(self.files)

    def rotate(self):
        for number, path in enumerate(self.paths):
            path.rename(f"{path}.1")
            self.files[number].close()
            self.files[number] = open(path, "ab", buffering=0)


def play(way, given, work):
    lines = [line.encode() for line in generate.block(7)]
    logs = work / "logs"
    logs.mkdir()
    writers = Writers(logs, given.files, lines)
    if way == "batch":
        writers.put(BASE * HOUR + BURST)  # the hour that is uploaded at the mark
    bench = given.build / "bench"
    preload = bench / "liblogagent_nodelay.so"
    with Mock(bench / "logagent_mock", ["hour:1"], preload if preload.exists() else None) as broker:
        if way == "batch":
            return record(way, given, writers, broker, None)
        limits = {"send_rate": SEND_RATE} if way == "file" else {}
        settings = [f"max_send_rate_bytes={HOST_RATE}"] if way == "host" else []
        with Agent(given.agent, work, broker.address, [target(logs / "*.log", "hour", **limits)],
                   settings) as agent:
            agent.until_tailing(given.files)
            return record(way, given, writers, broker, agent)


def record(way, given, writers, broker, agent):
    uploads = Uploads(broker.address, "hour", []) if way == "batch" else None
    cpu = uploads.cpu if uploads else agent.cpu
    samples, computed, drained, uploading = [], None, None, False
    begin = time.monotonic()
    step, mark = 0, None
    last = (begin, cpu(), loopback_bytes())
    while True:
        now = time.monotonic() - begin
        if now >= BEFORE and mark is None:
            mark = time.monotonic()
            writers.rotate()
            if uploads:
                uploads.waiting = [f"{path}.1" for path in writers.paths]
                uploading = True
        bursting = mark is not None and time.monotonic() - mark < BURST_SECONDS
        writers.put(BASE // 10 + (BURST // (BURST_SECONDS * 10) if bursting else 0))
        if uploads and uploading and not uploads.step():
            uploading, drained = False, time.monotonic() - mark
        if agent and mark and drained is None and not bursting and step % 3 == 0:
            lag = agent.metric("logagent_ledger_unread_bytes")
            limit = {"file": SEND_RATE * given.files * 154, "host": HOST_RATE}.get(way)
            if computed is None and limit:
                computed = lag / (limit - BASE * given.files * 154) + time.monotonic() - mark
            if lag < 2 * BASE * given.files * 154 * 0.2:
                drained = time.monotonic() - mark
        if time.monotonic() - last[0] >= 1:
            moment, used, sent = time.monotonic(), cpu(), loopback_bytes()
            seconds = moment - last[0]
            running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[0]) - 1
            samples.append({"t": round(moment - begin - BEFORE, 2),
                            "cpu": (used - last[1]) / seconds * 100,
                            "bytes": (sent - last[2]) / seconds, "running": running})
            last = (moment, used, sent)
        if now > BEFORE + AFTER:
            break
        step += 1
        time.sleep(max(0.0, begin + step * 0.1 - time.monotonic()))
    wanted = writers.written
    if uploads:  # the rest would go at the next mark
        wanted = sum(Path(f"{path}.1").read_bytes().count(b"\n") for path in writers.paths)
    arrived = wait_for(broker.address, wanted)
    return {"way": way, "samples": samples, "lines": wanted, "missing": wanted - arrived,
            "computed_s": computed, "drained_s": drained}


def wait_for(kafka, wanted):
    deadline = time.monotonic() + 60
    while (arrived := end_offset(kafka, "hour")) < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return arrived


def nice_top(value):
    for step in (1, 2, 4, 8, 12, 16, 20, 40, 60, 80, 100, 160, 200, 400):
        if value <= step:
            return step
    return value


def panel(results, key, scale, title, unit, y, height=170, width=760, left=60):
    top = nice_top(max(sample[key] / scale for result in results for sample in result["samples"]))
    span = BEFORE + AFTER
    x = lambda t: left + (t + BEFORE) / span * width  # noqa: E731
    level = lambda value: y + height - value / top * height  # noqa: E731
    out = [f'<text x="{left}" y="{y - 8}" font-weight="600">{title}</text>']
    for part in range(5):
        value = top * part / 4
        out.append(f'<line x1="{left}" x2="{left + width}" y1="{level(value):.1f}" '
                   f'y2="{level(value):.1f}" stroke="#8884" />')
        out.append(f'<text x="{left - 8}" y="{level(value) + 4:.1f}" text-anchor="end">'
                   f'{value:g}{unit if part == 4 else ""}</text>')
    out.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{y}" y2="{y + height}" '
               'stroke="#888" stroke-dasharray="4 3" />')
    for result in results:
        points = " ".join(f'{x(sample["t"]):.1f},{level(sample[key] / scale):.1f}'
                          for sample in result["samples"])
        out.append(f'<polyline points="{points}" fill="none" stroke-width="2" '
                   f'stroke="{COLOURS[result["way"]]}" />')
    for second in range(-BEFORE, AFTER + 1, 10):
        out.append(f'<text x="{x(second):.1f}" y="{y + height + 16}" text-anchor="middle">'
                   f'{"the mark" if second == 0 else f"{second:+d} s"}</text>')
    return out


def draw(results):
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 540" font-size="12" '
           'font-family="system-ui, sans-serif" role="img" aria-label="Network and CPU at the hour mark">',
           '<rect width="860" height="540" fill="#fff" />']
    for number, result in enumerate(results):
        at = 60 + number % 2 * 380, 22 + number // 2 * 20
        out.append(f'<line x1="{at[0]}" x2="{at[0] + 24}" y1="{at[1] - 4}" y2="{at[1] - 4}" '
                   f'stroke-width="3" stroke="{COLOURS[result["way"]]}" />')
        out.append(f'<text x="{at[0] + 32}" y="{at[1]}">{WAYS[result["way"]]}</text>')
    out += panel(results, "bytes", 1e6, "Network, MB/s", "", 90)
    out += panel(results, "cpu", 1, "CPU of what sends, % of a core", "", 320)
    return "\n".join(out + ["</svg>"]) + "\n"


def table(results):
    rows = ["| way | network peak MB/s | CPU peak % of a core | lines | missing | drained after, computed | drained after |",
            "|---|---|---|---|---|---|---|"]
    for result in results:
        peak = {key: max(sample[key] for sample in result["samples"]) for key in ("bytes", "cpu")}
        seconds = lambda value: "-" if value is None else f"{value:.1f} s"  # noqa: E731
        rows.append(f"| {WAYS[result['way']]} | {peak['bytes'] / 1e6:.1f} | {peak['cpu']:.0f} | {result['lines']} | "
                    f"{result['missing']} | {seconds(result['computed_s'])} | {seconds(result['drained_s'])} |")
    return "\n".join(rows)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    options.add_argument("--build", type=Path, default=HERE.parent / "build" / "release")
    options.add_argument("--agent", type=Path, help="default: BUILD/logagent")
    options.add_argument("--files", type=int, default=200)
    options.add_argument("--svg", type=Path, default=HERE.parent / "docs" / "images" / "hour-mark.svg")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    given.agent = given.agent or given.build / "logagent"
    unknown = [way for way in given.ways if way not in WAYS]
    if unknown:
        options.error(f"unknown way {unknown[0]}; there are {', '.join(WAYS)}")
    results = []
    for way in given.ways or WAYS:
        with tempfile.TemporaryDirectory(prefix="logagent-hour-") as directory:
            results.append(play(way, given, Path(directory)))
        print(f"{way}: done", file=sys.stderr, flush=True)
    print(table(results))
    given.svg.write_text(draw(results))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    return 1 if any(result["missing"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
