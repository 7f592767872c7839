#!/usr/bin/env python3
"""Runs the end-to-end scenarios against a built logagent.

    tests/e2e/run.py [--binary PATH] [--only TEXT]... [--full] [--short] [--by-hand]
                     [--jobs N] [--list]

Real servers only: Kafka and etcd from tests/backends, nginx and logrotate from Debian. A test whose
server cannot be had is skipped, with the reason; with CI=true that counts as a failure. The
directory of a failed test stays. LOGAGENT_TEST_PATIENCE=3 multiplies every deadline.
"""

import argparse
import concurrent.futures
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from harness.case import CASES, Case, SharedKafka, Skipped  # noqa: E402
from harness.process import clean_up  # noqa: E402

PROGRAMS = {
    "kafka": ("java", "kcat"),
    "hdfs": ("java", "curl", "zstd"),
    "storm": ("java", "curl"),
    "storm1": ("java", "curl"),
    "nginx": ("nginx",),
    "logrotate": ("logrotate",),
    "strace": ("strace",),
    "netns": ("unshare",),
}


def missing(needs):
    """Why a test cannot run here; None if it can."""
    for need in sorted(needs):
        for program in PROGRAMS.get(need, ()):
            if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                return f"no {need}: the program {program} is not installed"
    if "etcd" in needs and not (
        os.environ.get("ETCD_BIN")
        or Path("/usr/bin/etcd").exists()
        or Path.home().joinpath(".cache/logagent-backends/etcd/etcd").exists()
    ):
        return "no etcd: neither /usr/bin/etcd nor a built one"
    if "root" in needs and os.geteuid() != 0:
        return "needs root"
    if "netns" in needs and subprocess.call(["unshare", "-rn", "true"], stderr=subprocess.DEVNULL):
        return "no network namespaces for this user"
    return None


def slug(sentence):
    return re.sub(r"[^a-z0-9]+", "-", sentence.lower()).strip("-")[:40].strip("-")


class Runner:
    def __init__(self, options):
        self.options = options
        self.scratch = Path(tempfile.mkdtemp(prefix="logagent-e2e-"))
        self.kafka = SharedKafka(self.scratch / "shared-kafka")
        self.results = []  # (outcome, sentence, seconds, reason)
        self.lock = threading.Lock()
        self.number = 0
        self.kept = []

    def run(self, cases):
        if any("kafka" in case["needs"] for case in cases) and not missing({"kafka"}):
            threading.Thread(target=self._warm_up, daemon=True).start()
        beside = [case for case in cases if not case["alone"]]
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for _ in pool.map(self.run_one, beside):
                pass
        for case in cases:
            if case["alone"]:
                self.run_one(case)

    def _warm_up(self):
        try:
            self.kafka.get()
        except Skipped:
            pass  # each test that needs it says so

    def run_one(self, case):
        began = time.monotonic()
        reason = missing(case["needs"])
        if reason:
            return self.report(case, "skipped", began, reason)
        with self.lock:
            self.number += 1
            name = f"{self.number:02d}-{slug(case['sentence'])}"
            test = Case(
                name, self.scratch / name, self.options.binary, self.kafka, self.options.full
            )
        outcome, text = "passed", ""
        try:
            case["function"](test)
        except Skipped as why:
            outcome, text = "skipped", str(why)
        except Exception as error:
            outcome, text = "failed", self.explain(error)
        try:
            test.finish(outcome == "failed")
        except Exception as error:
            outcome, text = "failed", f"{text}\n{self.explain(error)}".strip()
        if outcome == "failed":
            self.kept.append(test.directory)
            text += f"\n{test.logs_tail()}--- kept: {test.directory}"
        else:
            test.remove()
        self.report(case, outcome, began, text)

    @staticmethod
    def explain(error):
        """What went wrong and in which line of the scenario."""
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if "/scenarios/" in frame.filename
        ]
        where = "".join(f" [{Path(frame.filename).name}:{frame.lineno}]" for frame in frames[-2:])
        if not isinstance(error, AssertionError):
            return "".join(traceback.format_exception(error)).rstrip()
        text = str(error)
        if not text and frames:  # a bare assert: the condition, and what its names stood for
            step = error.__traceback__
            while step.tb_next and not (
                step.tb_frame.f_code.co_filename == frames[-1].filename
                and step.tb_lineno == frames[-1].lineno
            ):
                step = step.tb_next
            names = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", frames[-1].line or ""))
            seen = {name: step.tb_frame.f_locals.get(name) for name in names}
            shown = [
                f"{name} = {repr(value)[:200]}" for name, value in seen.items() if value is not None
            ]
            text = f"{frames[-1].line}: {', '.join(shown)}"
        return f"{text}{where}"

    def report(self, case, outcome, began, text):
        seconds = time.monotonic() - began
        with self.lock:
            self.results.append((outcome, case["sentence"], seconds, text))
            mark = {"passed": "ok     ", "failed": "FAILED ", "skipped": "skipped"}[outcome]
            print(f"{mark} {seconds:6.1f} s  {case['scenario']}: {case['sentence']}", flush=True)
            if text:
                print("    " + text.replace("\n", "\n    "), flush=True)

    def finish(self):
        clean_up()
        if not self.kept:
            shutil.rmtree(self.scratch, ignore_errors=True)
        else:
            shutil.rmtree(self.scratch / "shared-kafka", ignore_errors=True)
        if self.options.results:
            with open(self.options.results, "a") as out:
                for outcome, sentence, seconds, text in self.results:
                    first = text.splitlines()[0] if text else ""
                    out.write(
                        f"{self.options.stage}\t{outcome}\t{seconds:.1f}\t{sentence}\t{first}\n"
                    )
        count = {
            outcome: sum(1 for result in self.results if result[0] == outcome)
            for outcome in ("passed", "failed", "skipped")
        }
        print(", ".join(f"{number} {outcome}" for outcome, number in count.items()))
        bad = count["failed"] + (count["skipped"] if os.environ.get("CI") == "true" else 0)
        return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=ROOT / "build" / "release" / "logagent", type=Path)
    parser.add_argument(
        "--only", action="append", default=[], help="scenario or part of a sentence"
    )
    parser.add_argument("--full", action="store_true", help="with the long versions")
    parser.add_argument("--short", action="store_true", help="only the tests for a sanitizer pass")
    parser.add_argument(
        "--by-hand", action="store_true", help="only what few machines allow; as root"
    )
    parser.add_argument(
        "--part",
        choices=("beside", "alone"),
        help="only tests that may, or may not, have others beside them",
    )
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--results", help="append one line for each test to this file")
    parser.add_argument("--stage", default="e2e", help="first field of those lines")
    options = parser.parse_args()
    options.binary = options.binary.resolve()

    for file in sorted((HERE / "scenarios").glob("*.py")):
        importlib.import_module(f"scenarios.{file.stem}")
    wanted = [part.lower() for part in options.only]
    cases = [
        case
        for case in CASES
        if (options.full or not case["full"])
        and case["by_hand"] == options.by_hand
        and (not options.short or case["short"])
        and (not options.part or case["alone"] == (options.part == "alone"))
        and (
            not wanted
            or any(part in f"{case['scenario']}: {case['sentence']}".lower() for part in wanted)
        )
    ]
    if not cases:
        print("0 passed, 0 failed, 0 skipped")
        return 0 if wanted else 1
    if options.list:
        for case in cases:
            print(f"{case['scenario']}: {case['sentence']}")
        return 0
    if not options.binary.exists():
        print(f"{options.binary} is not built", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell that starts this in the background lets it ignore SIGINT, and so would all programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runner = Runner(options)
    try:
        runner.run(cases)
    finally:
        code = runner.finish()
    return code


if __name__ == "__main__":
    sys.exit(main())
