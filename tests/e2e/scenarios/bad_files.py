"""Paths that cannot be collected: each gets a state and a reason, and the others go on."""

import os
import shutil
import socket
import time

from harness.agent import target
from harness.case import Skipped, case
from harness.logs import Writer, append, expect_exactly, lines


@case(
    "a missing file, and a missing directory, are waited for", needs=["kafka", "etcd"], short=True
)
def missing(t):
    etcd, topic = t.etcd(), t.topic()
    log, deep = t.log(), t.directory / "logs" / "later" / "deep" / "app.log"
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic), target(deep, topic)])
    agent.wait_file(log, "waiting")
    agent.wait_file(deep, "waiting")
    append(log, lines(10, "a"))
    t.kafka.wait_count(topic, 10)
    deep.parent.mkdir(parents=True)
    append(deep, lines(10, "b"))
    t.kafka.wait_count(topic, 20, 35)
    assert agent.stop() == 0
    assert sorted(record.value for record in t.kafka.read(topic)) == lines(10, "a") + lines(10, "b")


@case(
    "a directory, FIFO, socket, device, link loop, and paths out of bounds are refused; others go on",
    needs=["kafka", "etcd"],
    short=True,
)
def refused(t):
    etcd, topic, good = t.etcd(), t.topic(), t.log("good.log")
    logs = good.parent
    (logs / "directory").mkdir()
    os.mkfifo(logs / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(logs / "socket"))
    (logs / "loop").symlink_to("loop")
    outside = t.directory.parent / f"outside-{t.name}"
    outside.mkdir()
    append(outside / "app.log", lines(5))
    (logs / "escape").symlink_to(outside / "app.log")
    (logs / "passwd").symlink_to("/etc/passwd")
    append(logs / "original", lines(5))
    os.link(logs / "original", logs / "hardlink")
    bad = [
        logs / name
        for name in ("directory", "fifo", "socket", "loop", "escape", "passwd", "hardlink")
    ]
    bad += [outside / "app.log", "/dev/zero", "/proc/kmsg", "/etc/passwd"]
    if os.geteuid() == 0:
        os.mknod(logs / "device", 0o600 | 0o020000, os.makedev(1, 5))
        bad.append(logs / "device")
    agent = t.agent(
        kafka=t.kafka, etcd=etcd, ini={"allow_paths": f"{t.directory}, /etc, /dev, /proc"}
    )
    writer = t.owns(Writer(good, 500))
    agent.start()
    agent.put([target(path, topic) for path in bad] + [target(good, topic)])
    for path in bad:
        entry = agent.wait_file(path, ("denied", "error"))
        assert entry["last_error"], entry
    began, before = time.monotonic(), t.kafka.count(topic)
    t.kafka.wait_count(topic, before + 1000, 10)
    assert time.monotonic() - began < 5 * t.patience
    written = writer.stop()
    t.kafka.wait_count(topic, len(written))

    (logs / "fifo").unlink()  # it is tried again when it can change
    append(logs / "fifo", lines(7, "fifo"))
    t.kafka.wait_count(topic, len(written) + 7, 40)
    listener.close()
    assert agent.stop() == 0
    expect_exactly(
        [record for record in t.kafka.read(topic) if b"fifo" not in record.value], written
    )


@case(
    "a file without permission is an error with a reason, and is read when it may be",
    needs=["kafka"],
)
def unreadable(t):
    if os.geteuid() == 0:
        # Root reads everything, so the agent runs without the capabilities that let it.
        prefix = [
            "setpriv",
            "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search",
        ]
        if not shutil.which("setpriv"):
            raise Skipped("setpriv is not installed")
    else:
        prefix = []
    topic, log, good = t.topic(), t.log(), t.log("good.log")
    append(log, lines(5, "secret"))
    append(good, lines(5, "good"))
    log.chmod(0)
    agent = t.agent(
        kafka=t.kafka,
        arguments=[
            "--file",
            log,
            "--topic",
            topic,
            "--start",
            "start",
            "--file",
            good,
            "--topic",
            topic,
            "--start",
            "start",
        ],
    )
    agent.start(prefix=prefix)
    t.kafka.wait_count(topic, 5)
    entry = agent.wait_file(log, ("denied", "error"))
    assert "ermission" in entry["last_error"], entry
    log.chmod(0o600)
    t.kafka.wait_count(topic, 10, 40)


@case("a link that is turned to another file is followed, old file first", needs=["kafka"])
def link_swap(t):
    topic, link = t.topic(), t.log("current")
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", link, "--topic", topic, "--start", "start"],
        ini={"allow_paths": t.directory},
    )
    wanted = append(t.log("1"), lines(100, "one"))
    link.symlink_to(t.log("1"))
    agent.start()
    t.kafka.wait_count(topic, 100)
    wanted += append(t.log("1"), lines(100, "one", first=100))
    wanted += append(t.log("2"), lines(100, "two"))
    fresh = t.log("fresh")
    fresh.symlink_to(t.log("2"))
    fresh.rename(link)
    t.kafka.wait_count(topic, 300, 40)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case(
    "odd bytes arrive as they are: NUL within a line, bad UTF-8, CRLF, tabs, long and blank lines",
    needs=["kafka", "etcd"],
)
def odd_bytes(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log("b\xe4d \u20ac name.log")
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, skip_blank=False)])
    wanted = [
        b"nul\0",  # NULs in front of a line are no text
        b"\xff\xfe\x80",
        b"tab\there",
        b" spaces ",
        b"",
        b"x" * 900_000,
        b"\r",
        b"end",
    ]
    with open(log, "ab", buffering=0) as out:
        out.write(
            b"\0nul\0\n\xff\xfe\x80\ntab\there\r\n spaces \n\n" + b"x" * 900_000 + b"\n\r\r\nend\n"
        )
    t.kafka.wait_count(topic, len(wanted))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)
