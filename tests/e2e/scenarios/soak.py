"""Everything at once: writers, all kinds of rotation, kills, outages, changes of configuration.

What happens, and when, follows from a seed. Time is cut into rounds; each has files and topics of
its own, ends with everything written, acknowledged and compared, and leaves nothing behind, so that
a run of hours needs no more memory or disk than one of a minute. LOGAGENT_SOAK_SECONDS and
LOGAGENT_SOAK_SEED set length and seed; tests/soak.sh does so.
"""

import gzip
import http.client
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

from harness.case import case
from harness.logs import append, expect_no_loss, lines, parse_key
from harness.process import wait_for

ROUND = 60.0  # seconds of trouble; settling and comparing come on top
FILES = 5
LINES_A_TICK = 40  # at most, of one file
TICK = 0.05


class Log:
    """One log file with its writer, who does what programs and rotation tools do."""

    def __init__(self, directory, topic, dice):
        directory.mkdir(parents=True)
        self.path = directory / "app.log"
        self.topic = topic
        self.dice = dice
        self.written = []
        self.half = b""  # of a line whose rest comes later
        self.rotations = 0

    def write(self):
        new = lines(
            self.dice.randint(0, LINES_A_TICK), self.path.parent.name, 60, len(self.written)
        )
        if not new:
            return
        data = self.half + b"".join(line + b"\n" for line in new)
        self.half = b""
        if self.dice.random() < 0.2:
            cut = self.dice.randint(1, len(new[-1]))
            data, self.half = data[:-cut], data[-cut:]
        with open(self.path, "ab", buffering=0) as out:
            out.write(data)
        self.written += new

    def end_line(self):
        if self.half:
            with open(self.path, "ab", buffering=0) as out:
                out.write(self.half)
            self.half = b""

    def rename(self):
        """As logrotate does: app.log.1 becomes app.log.2, and so on."""
        self.end_line()
        if not self.path.exists():
            return
        self.rotations += 1
        old = [each for each in self.path.parent.glob("app.log.*") if each.suffix[1:].isdigit()]
        for each in sorted(old, key=lambda each: -int(each.suffix[1:])):
            each.rename(each.with_suffix(f".{int(each.suffix[1:]) + 1}"))
        self.path.rename(self.path.with_name("app.log.1"))

    def rename_dated(self):
        self.end_line()
        if self.path.exists():
            self.rotations += 1
            self.path.rename(self.path.with_name(f"app.log-2026{self.rotations:04d}"))

    def rename_and_compress(self):
        """Compressed at once, with whatever of it was not read yet."""
        self.end_line()
        if self.path.exists():
            self.rotations += 1
            old = self.path.with_name(f"app.log-2026{self.rotations:04d}")
            self.path.rename(old)
            with gzip.open(str(old) + ".gz", "wb") as packed:
                packed.write(old.read_bytes())
            old.unlink()

    # Only for files of which everything is acknowledged: what these do cannot be read afterwards.

    def copy_and_truncate(self):
        if self.path.exists():
            self.rotations += 1
            shutil.copyfile(self.path, self.path.with_name(f"app.log-2026{self.rotations:04d}"))
            os.truncate(self.path, 0)

    def delete(self):
        self.path.unlink(missing_ok=True)

    def replace(self):
        """Another file is renamed over the log."""
        fresh = self.path.with_name("fresh.tmp")
        new = lines(5, self.path.parent.name, 60, len(self.written))
        self.written += append(fresh, new)
        fresh.rename(self.path)

    def compress_and_prune(self):
        old = [each for each in self.path.parent.iterdir() if each.name.startswith("app.log")]
        for number, each in enumerate(sorted(each for each in old if each != self.path)):
            if number == 0 and each.suffix != ".gz":
                with gzip.open(str(each) + ".gz", "wb") as packed:
                    packed.write(each.read_bytes())
            each.unlink()


class Soak:
    def __init__(self, t, seed):
        self.t = t
        self.dice = random.Random(seed)
        self.kafka = t.own_kafka()
        self.etcd = t.etcd()
        self.agent = t.agent(kafka=self.kafka, etcd=self.etcd)
        self.logs = []
        self.done = Counter()
        self.duplicates = self.restarts = self.revision = 0
        self.figures = []  # of the agent at the end of each round
        self.peak_kib = 0

    # --- trouble ---

    def events(self):
        quiet = [Log.copy_and_truncate, Log.delete, Log.replace, Log.compress_and_prune]
        return [
            (30, "rename", lambda: self.dice.choice(self.logs).rename()),
            (10, "dated", lambda: self.dice.choice(self.logs).rename_dated()),
            (8, "compressed", lambda: self.dice.choice(self.logs).rename_and_compress()),
            *((4, each.__name__, lambda each=each: self.when_settled(each)) for each in quiet),
            (6, "kill -9", self.kill9),
            (3, "restart", self.restart),
            (3, "broker paused", self.pause_broker),
            (1, "broker killed", self.kill_broker),
            (2, "agent paused", self.pause_agent),
            (2, "etcd killed", self.kill_etcd),
            (8, "configuration", self.configure),
        ]

    def when_settled(self, action):
        """Does `action` to a file that is idle and acknowledged; the others go on meanwhile."""
        log = self.dice.choice(self.logs)
        log.end_line()
        others = [each for each in self.logs if each is not log]
        deadline = time.monotonic() + 15 * self.t.patience
        journal = self.agent.settings["state_dir"] / "positions.journal"
        acked = None  # when that was first seen; a later write of the journal holds it
        while acked is None or journal.stat().st_mtime <= acked + 0.1:
            if time.monotonic() > deadline:
                self.done["not settled"] += 1
                return
            for each in others:
                each.write()
            time.sleep(4 * TICK)
            if acked is None and self.acked(log):
                acked = time.time()
        action(log)

    def acked(self, log):
        """Every line is in Kafka, and the agent knows it: only then may they leave the disk."""
        try:
            entries = [e for e in self.agent.status()["files"] if e["path"] == str(log.path)]
        except (OSError, http.client.HTTPException):
            return False
        if not all(entry["acked_offset"] == entry["size"] for entry in entries):
            return False
        if not self.kafka.end_offsets(log.topic):
            return False
        stored = {record.value for record in self.kafka.read(log.topic)}
        return stored.issuperset(log.written)

    def write_for(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for log in self.logs:
                log.write()
            time.sleep(TICK)

    def wait_applied(self):
        # Before a target was applied for the first time what was rotated away is no part of it; and
        # what was born, rotated and compressed before anybody looks is known to nobody.
        self.agent.wait_applied(self.revision, 20)

    def start_agent(self):
        self.agent.start()
        self.wait_applied()

    def kill9(self):
        self.note_peak()
        self.agent.kill9()
        self.restarts += 1
        self.write_for(self.dice.uniform(0, 1))
        if self.dice.random() < 0.5:
            happens = self.dice.choice([Log.rename, Log.rename_dated, Log.rename_and_compress])
            happens(self.dice.choice(self.logs))
            self.write_for(0.1)
        self.start_agent()

    def restart(self):
        self.note_peak()
        assert self.agent.stop(30) in (0, 3)
        self.write_for(self.dice.uniform(0, 0.5))
        self.start_agent()

    def pause_broker(self):
        self.kafka.pause()
        try:
            self.write_for(self.dice.uniform(0.5, 6))
        finally:
            self.kafka.resume()

    def kill_broker(self):
        self.kafka.kill9()
        self.write_for(self.dice.uniform(0, 3))
        self.kafka.restart()

    def pause_agent(self):
        self.agent.child.signal(signal.SIGSTOP)
        self.write_for(self.dice.uniform(0.1, 3))
        self.agent.child.signal(signal.SIGCONT)

    def kill_etcd(self):
        self.etcd.kill9()
        self.write_for(self.dice.uniform(0, 2))
        self.etcd.restart()

    def configure(self):
        """New limits for some, and another target comes or goes."""
        entries = [
            {
                "service": "s",
                "log_path": str(log.path),
                "topic": log.topic,
                "start": "start",
                "send_rate": self.dice.choice([0, 0, 2000, 100_000]),
            }
            for log in self.logs
        ]
        if self.dice.random() < 0.5:
            entries.append({"log_path": str(self.t.log("never.log")), "topic": self.logs[0].topic})
        self.revision = self.etcd.put(self.agent.key, entries)

    # --- rounds ---

    def round(self, number, seconds):
        topics = {f"r{number}-{index}": 1 for index in range(2)}
        wait_for("the broker makes topics", lambda: self.kafka.create(topics) is None, 60)
        self.logs = [
            Log(self.t.log(f"r{number}") / f"f{index}", f"r{number}-{index % 2}", self.dice)
            for index in range(FILES)
        ]
        self.configure()
        if self.agent.running():
            self.wait_applied()
        else:
            self.start_agent()
        weights, names, actions = zip(*self.events())
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.write_for(self.dice.uniform(0.05, 0.6))
            chosen = self.dice.choices(range(len(actions)), weights)[0]
            self.done[names[chosen]] += 1
            actions[chosen]()
        self.settle(number)
        self.compare()
        self.look_at_the_agent()
        shutil.rmtree(self.t.log(f"r{number}"))

    def settle(self, number):
        for log in self.logs:
            log.end_line()
        self.configure()

        def settled():
            late = [log.path.parent.name for log in self.logs if not self.acked(log)]
            ledger = self.agent.status()["ledger"]
            if late or ledger["unread"] or ledger["in_flight"]:
                raise KeyError(f"{late} are not whole, {ledger}")
            return True

        self.agent.wait("everything is acknowledged", settled, 120)

    def compare(self):
        for topic in sorted({log.topic for log in self.logs}):
            by_path = {}
            for record in self.kafka.read(topic):
                by_path.setdefault(parse_key(record)["path"], []).append(record)
            for log in (each for each in self.logs if each.topic == topic):
                self.duplicates += expect_no_loss(by_path.pop(str(log.path), []), log.written)
            assert not by_path, f"records of {list(by_path)}, which nobody named"
        ledger = self.agent.status()["ledger"]
        gone = {name: ledger[name] for name in ("truncated_away", "vanished", "abandoned")}
        assert not any(gone.values()), f"the ledger claims losses: {gone}"

    def note_peak(self):
        self.peak_kib = max(self.peak_kib, self.agent.memory_kib("VmHWM"))

    def look_at_the_agent(self):
        process = Path(f"/proc/{self.agent.pid()}")
        watches = sum(
            info.read_text().count("inotify wd:") for info in process.joinpath("fdinfo").iterdir()
        )
        state = self.agent.settings["state_dir"]
        self.note_peak()
        self.figures.append(
            {
                "descriptors": len(list(process.joinpath("fd").iterdir())),
                "watches": watches,
                "memory_kib": self.agent.memory_kib(),
                "state_bytes": sum(each.stat().st_size for each in state.iterdir()),
            }
        )

    def verdict(self):
        # A kill repeats what was sent in the last second or so and what was in flight; throttled
        # files and outages leave more of that, never more than the budget and a second's reading.
        most = (self.restarts + 1) * 20_000 * self.t.patience
        assert self.duplicates <= most, f"{self.duplicates} duplicates, {self.restarts} kills"
        if self.t.patience == 1:
            assert self.peak_kib <= 48 * 1024, f"{self.peak_kib} KiB"
        first, last = self.figures[0], self.figures[-1]
        allowed = {"descriptors": 30, "watches": 30, "memory_kib": 16_384, "state_bytes": 2 << 20}
        for name, slack in allowed.items():
            assert last[name] <= first[name] + slack, f"{name}: {[f[name] for f in self.figures]}"
        assert last["state_bytes"] <= 4 << 20 and last["descriptors"] < 200, last


@case(
    "everything at once: 0 lost, 0 torn, few repeated, and nothing grows", needs=["kafka", "etcd"]
)
def everything(t):
    seconds = float(os.environ.get("LOGAGENT_SOAK_SECONDS", "600" if t.full else "60"))
    seed = os.environ.get("LOGAGENT_SOAK_SEED") or str(random.SystemRandom().randrange(10**9))
    soak = Soak(t, seed)
    number = 0
    try:
        while seconds > 0:
            soak.round(number, min(ROUND, seconds))
            seconds -= ROUND
            number += 1
        assert soak.agent.stop() == 0
        soak.verdict()
    except Exception as error:
        raise AssertionError(f"seed {seed}, round {number}, {dict(soak.done)}: {error}") from error
    print(
        f"soak, seed {seed}: {number} rounds, {dict(soak.done)}; {soak.duplicates} duplicates, "
        f"peak {soak.peak_kib} KiB, at the end {soak.figures[-1]}",
        flush=True,
    )
