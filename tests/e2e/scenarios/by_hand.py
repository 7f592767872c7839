"""What a machine for tests usually may not do: loop devices, control groups, the clock. By hand, as
root: tests/e2e/run.py --by-hand. The rest of the suite has the parts of it that can be had anywhere.
"""

import fcntl
import os
import struct
import time
from pathlib import Path

from harness.case import Skipped, case
from harness.logs import Writer, append, expect_no_loss, lines
from harness.process import run

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN; 2 = without writing the file system's own journal


def all_acked(agent, log):
    entry = agent.file(log)
    return entry["acked_offset"] == entry["size"] == log.stat().st_size


class SmallDisk:
    """An ext4 in a file, with the power switch that loop devices have."""

    def __init__(self, directory):
        self.image, self.mount = directory / "disk", directory / "mount"
        self.mount.mkdir()
        with open(self.image, "wb") as out:
            out.truncate(64 << 20)
        run(["mkfs.ext4", "-q", self.image])
        self.switch_on()

    def switch_on(self):
        run(["mount", "-o", "loop", self.image, self.mount])

    def cut_power(self):
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", 2))
        finally:
            os.close(handle)

    def switch_off(self):
        run(["umount", self.mount])

    def stop(self):
        run(["umount", "-l", self.mount], check=False)


@case(
    "power cuts of the disk with the state lose nothing and repeat a few seconds at most",
    needs=["kafka", "root"],
    by_hand=True,
)
def power_cut(t):
    disk = t.owns(SmallDisk(t.directory))
    topic, log, pace, rounds = t.topic(), t.log(), 1000, 5
    writer = t.owns(Writer(log, pace))
    agent = t.agent(
        kafka=t.kafka,
        ini={"state_dir": disk.mount / "state"},
        arguments=["--file", log, "--topic", topic, "--start", "start"],
    )
    for number in range(rounds):
        before = t.kafka.count(topic)
        agent.start()
        t.kafka.wait_count(topic, before + 2000 + 300 * number)
        disk.cut_power()
        agent.wait("the failure is reported", lambda: agent.problem("journal"), 10)
        agent.kill9()
        disk.switch_off()
        disk.switch_on()
    written = writer.stop()
    agent.start()
    agent.wait("everything is acknowledged", lambda: all_acked(agent, log))
    assert agent.stop() == 0
    extra = expect_no_loss(t.kafka.read(topic), written)
    assert extra <= rounds * 5 * pace * t.patience, f"{extra} duplicates"
    run(["umount", disk.mount])


def control_group(name, limit):
    """The file through which a process enters a group with that much memory."""
    for directory, file in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = directory / name
        try:
            group.mkdir(exist_ok=True)
            (group / file).write_text(str(limit))
            return group
        except OSError:
            continue
    raise Skipped("no control group with a limit of memory can be made")


@case(
    "a control group of 64 MB is enough for a backlog behind a dead broker",
    needs=["kafka", "root"],
    by_hand=True,
)
def memory_limit(t):
    group = control_group(f"logagent-{os.getpid()}", 64 << 20)
    kafka, log = t.own_kafka(), t.log()
    kafka.create({"t": 1})
    wanted = append(log, lines(500_000, "backlog", 200))
    agent = t.agent(kafka=kafka, arguments=["--file", log, "--topic", "t", "--start", "start"])
    enter = f'echo $$ >{group}/cgroup.procs && exec "$@"'
    agent.start(prefix=["sh", "-c", enter, "sh"])
    kafka.wait_count("t", 1000)
    kafka.kill9()
    time.sleep(20)  # the length of the fault
    assert agent.running(), "the agent was killed"
    kafka.restart()
    kafka.wait_count("t", len(wanted), 120)
    agent.wait("everything is acknowledged", lambda: all_acked(agent, log))
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), wanted)
    group.rmdir()


@case(
    "the clock jumps by a day, forth and back: flow and rates stay as they were",
    needs=["kafka", "root"],
    by_hand=True,
)
def clock_jump(t):
    if os.environ.get("LOGAGENT_MAY_SET_CLOCK") != "yes":
        raise Skipped("sets the clock of this machine; allow it with LOGAGENT_MAY_SET_CLOCK=yes")
    topic, log, limited = t.topic(), t.log(), t.log("limited.log")
    slow = t.topic("limited")
    append(limited, lines(20_000, "limited"))
    writer = t.owns(Writer(log, 500))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", log, "--topic", topic, "--start", "start"]
        + ["--file", limited, "--topic", slow, "--start", "start", "--rate", "200"],
    ).start()
    t.kafka.wait_count(topic, 500)
    real, began, first = time.time(), time.monotonic(), t.kafka.count(slow)
    try:
        for jump in (86_400, -86_400):
            time.clock_settime(time.CLOCK_REALTIME, real + jump + time.monotonic() - began)
            before = t.kafka.count(topic)
            t.kafka.wait_count(topic, before + 2000, 20)
    finally:
        time.clock_settime(time.CLOCK_REALTIME, real + time.monotonic() - began)
    took, sent = time.monotonic() - began, t.kafka.count(slow) - first
    written = writer.stop()
    t.kafka.wait_count(topic, len(written))
    assert 0.9 * 200 * took < sent < 1.1 * 200 * took + 100, f"{sent} lines in {took:.1f} s"
    expect_no_loss(t.kafka.read(topic), written, duplicates=0)
