"""What etcd says is done within 5 s, and what it says wrongly stops nothing."""

import json
import signal
from pathlib import Path

from harness.agent import target
from harness.case import case
from harness.logs import Writer, append, expect_exactly, lines
from harness.process import holds, wait_for

from .observation import parse_metrics


@case(
    "targets added, changed and removed in etcd are applied within 5 s",
    needs=["kafka", "etcd"],
    short=True,
)
def changes_apply(t):
    etcd, one, two = t.etcd(), t.topic("one"), t.topic("two")
    first, second = t.log("first.log"), t.log("second.log")
    append(first, lines(100, "a"))
    append(second, lines(100, "b"))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(first, one)])
    t.kafka.wait_count(one, 100)
    before = agent.file(first)

    agent.put([target(first, one), target(second, two)])  # one more
    t.kafka.wait_count(two, 100)
    after = agent.file(first)
    assert (after["generation"], after["inode"]) == (before["generation"], before["inode"])

    agent.put([target(first, one, send_rate=50), target(second, two)])  # another rate
    assert agent.file(first)["send_rate"] == 50
    assert agent.file(first)["generation"] == before["generation"]

    agent.put([target(second, two)])  # one less
    append(first, lines(100, "a", first=100))
    append(second, lines(100, "b", first=100))
    t.kafka.wait_count(two, 200)
    assert t.kafka.count(one) == 100, "a removed target goes on"

    agent.put([target(first, one), target(second, two)])  # it resumes where it was
    t.kafka.wait_count(one, 200)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(one), lines(200, "a"))
    expect_exactly(t.kafka.read(two), lines(200, "b"))


@case(
    "an empty array and a deleted key stop all targets, and positions stay", needs=["kafka", "etcd"]
)
def empty_and_deleted(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 10)

    agent.put([])
    append(log, lines(10, first=10))
    agent.wait("no file is collected", lambda: not tailed(agent))
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 20)

    etcd.delete(agent.key)
    agent.wait("the deletion is applied", lambda: not tailed(agent), 5)
    append(log, lines(10, first=20))
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 30)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(30))


def tailed(agent):
    return [
        entry for entry in agent.status()["files"] if entry["state"] in ("tailing", "throttled")
    ]


@case(
    "a bad entry is refused alone, with its pointer, a code and a reason", needs=["kafka", "etcd"]
)
def bad_entry(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put(
        [
            target(log, topic),
            {**target("relative/path", topic)},
            {**target(t.log("x"), topic), "send_rate": "fast"},
            {**target(t.log("y"), topic), "sendrate": 3},
        ]
    )
    t.kafka.wait_count(topic, 10)
    errors = agent.status()["config"]["errors"]
    assert all(
        error["key"] == agent.key and error["code"] and error["detail"] for error in errors
    ), errors
    pointers = [error["pointer"] for error in errors]
    assert "/1/log_path" in pointers and "/2/send_rate" in pointers, errors
    assert not [pointer for pointer in pointers if pointer.startswith("/0")], errors
    agent.put([target(log, topic)])
    assert agent.status()["config"]["errors"] == []


@case(
    "a broken document changes nothing and is reported until it is repaired",
    needs=["kafka", "etcd"],
)
def broken_document(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 10)
    applied = agent.status()["config"]["applied"]
    total = 10
    broken = [
        b"",
        b"[{",
        b"{}",
        b"null",
        b"\xff\xfe",
        b'"text"',
        b"[" * 100000,
        b"\0" * 10,
        b'["' + b"x" * 1_400_000,
        b"[] []",
    ]
    for document in broken:
        revision = etcd.put(agent.key, document)
        agent.wait(
            f"{document[:20]!r} is reported",
            lambda: (agent.status()["config"]["failed"] or {}).get("revision")
            in (revision, str(revision)),
            6,
        )
        config = agent.status()["config"]
        assert config["state"] == "failed" and config["applied"] == applied, config
        append(log, lines(5, first=total))
        total += 5
        t.kafka.wait_count(topic, total)
    agent.put([target(log, topic)])
    config = agent.status()["config"]
    assert config["state"] == "applied" and config["failed"] is None, config
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(total))


@case(
    "start: end skips what was there, and a file created later is read from its beginning",
    needs=["kafka", "etcd"],
)
def start_semantics(t):
    etcd, topic = t.etcd(), t.topic()
    old, old_start, late = t.log("old.log"), t.log("old_start.log"), t.log("late.log")
    append(old, lines(50, "skipped"))
    append(old_start, lines(50, "wanted"))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    entries = [{"service": "s", "log_path": str(log), "topic": topic} for log in (old, late)]
    agent.put(entries + [target(old_start, topic)])
    append(late, lines(50, "late"))
    append(old, lines(50, "new"))
    t.kafka.wait_count(topic, 150)
    assert agent.status()["ledger"]["skipped_at_start"] == 50 * len(lines(1, "skipped")[0] + b"\n")
    assert agent.stop() == 0
    found = sorted(record.value for record in t.kafka.read(topic))
    assert found == sorted(lines(50, "late") + lines(50, "new") + lines(50, "wanted"))


@case("a glob picks up new files and leaves excluded ones alone", needs=["kafka", "etcd"])
def globs(t):
    etcd, topic = t.etcd(), t.topic()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log("*.log"), topic, exclude=[str(t.log("debug*"))])])
    for name in ("a.log", "b.log", "debug.log", "c.txt"):
        append(t.log(name), lines(20, name))
    t.kafka.wait_count(topic, 40)
    holds("no excluded file is read", lambda: t.kafka.count(topic) == 40, 1.5)
    assert agent.stop() == 0
    found = sorted(record.value for record in t.kafka.read(topic))
    assert found == sorted(lines(20, "a.log") + lines(20, "b.log"))


@case(
    "a change that touches one of many files leaves the others' descriptors and offsets alone",
    needs=["kafka", "etcd"],
)
def untouched_files(t):
    etcd, topic = t.etcd(), t.topic()
    logs = [t.log(f"{number}.log") for number in range(20)]
    for log in logs:
        append(log, lines(10, log.name))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic) for log in logs])
    t.kafka.wait_count(topic, 200)
    before = descriptors(agent, logs)
    assert len(before) == 20, before
    agent.put([target(log, topic, send_rate=7 if log is logs[3] else 0) for log in logs])
    assert descriptors(agent, logs) == before
    agent.put([target(log, topic) for log in logs[1:]])
    wait_for(
        "only the removed file is closed",
        lambda: descriptors(agent, logs)
        == {fd: path for fd, path in before.items() if path != str(logs[0])},
    )


def descriptors(agent, logs):
    names = {str(log) for log in logs}
    found = {}
    for link in Path(f"/proc/{agent.pid()}/fd").iterdir():
        try:
            path = str(link.readlink())
        except OSError:
            continue
        if path in names:
            found[link.name] = path
    return found


@case(
    "the largest value that etcd takes is applied, or refused entry by entry, without a long stall",
    needs=["kafka", "etcd"],
)
def largest_value(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    wide = [
        target(t.log(f"{number}.log"), topic, exclude=[f"{name:0>90}" for name in range(60)])
        for number in range(199)
    ]
    agent.put([target(log, topic), *wide])
    t.kafka.wait_count(topic, 10)
    assert len(agent.status()["files"]) == 200

    many = [target(log, topic)] + [{"log_path": "/x"}] * 70_000
    assert 1_300_000 < len(json.dumps(many)) < 1_500_000
    agent.put(many)
    errors = agent.status()["config"]["errors"]
    assert 0 < len(errors) <= 1000 and errors[0]["pointer"].startswith("/1"), len(errors)

    twice = (
        json.dumps([target(log, topic)])[:-1] + ', {"topic": "a", "topic": "b"}, {"topic": 1e999}]'
    )
    revision = etcd.put(agent.key, twice)
    agent.wait_applied(revision)
    told = {error["pointer"]: error for error in agent.status()["config"]["errors"]}
    assert any(pointer.startswith("/1") for pointer in told), told
    assert any(pointer.startswith("/2") for pointer in told), told
    append(log, lines(10, first=10))
    t.kafka.wait_count(topic, 20)
    stall = parse_metrics(agent.metrics())["logagent_loop_stall_seconds_max"][""]
    print(f"    longest stall {stall * 1000:.0f} ms")
    assert stall < 0.5 * t.patience, stall


@case("--logconfig is watched, and a change is applied", needs=["kafka"])
def watched_file(t):
    topic, log, other = t.topic(), t.log(), t.log("other.log")
    append(log, lines(10))
    append(other, lines(10, "other"))
    config = t.directory / "logconfig.json"
    config.write_text(json.dumps([target(log, topic)]))
    agent = t.agent(kafka=t.kafka, arguments=["--logconfig", config]).start()
    t.kafka.wait_count(topic, 10)
    replacement = config.with_name("new")
    replacement.write_text(json.dumps([target(log, topic), target(other, topic)]))
    replacement.rename(config)
    t.kafka.wait_count(topic, 20, 5)
    assert agent.status()["config"]["source"] == "file"
    config.write_text("[{")
    agent.wait(
        "the broken file is reported", lambda: agent.status()["config"]["state"] == "failed", 6
    )
    append(log, lines(10, first=10))
    t.kafka.wait_count(topic, 30)


@case("SIGHUP reads the local file again and stops nothing", needs=["kafka"])
def sighup(t):
    topic = t.topic()
    writer = t.owns(Writer(t.log(), 500))
    config = t.directory / "logconfig.json"
    config.write_text(json.dumps([target(t.log(), topic)]))
    agent = t.agent(kafka=t.kafka, arguments=["--logconfig", config]).start()
    t.kafka.wait_count(topic, 200)
    generation = agent.file(t.log())["generation"]
    for _ in range(3):
        agent.child.signal(signal.SIGHUP)
        t.kafka.wait_count(topic, t.kafka.count(topic) + 200)
    assert agent.file(t.log())["generation"] == generation
    written = writer.stop()
    t.kafka.wait_count(topic, len(written))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), written)


@case(
    "the keys of all addresses are merged; of two for one file the lowest address wins",
    needs=["kafka", "etcd"],
)
def several_addresses(t):
    etcd, topic = t.etcd(), t.topic()
    one, two, both = t.log("one.log"), t.log("two.log"), t.log("both.log")
    for log in (one, two, both):
        append(log, lines(10, log.name))
    etcd.put("/logagent/10.0.0.9/logconfig", [target(one, topic), target(both, topic, send_rate=9)])
    etcd.put(
        "/logagent/10.0.0.10/logconfig", [target(two, topic), target(both, topic, send_rate=10)]
    )
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini={"ips": "10.0.0.9, 10.0.0.10"}).start()
    t.kafka.wait_count(topic, 30)
    assert agent.file(both)["send_rate"] == 9
    status = agent.status()
    told = json.dumps(status["problems"] + status["config"]["errors"])
    assert "conflict" in told and str(both) in told, told


@case(
    "1000 changes of the configuration in a burst end in the last one and reopen nothing",
    needs=["kafka", "etcd"],
)
def storm(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 10)
    before = descriptors(agent, [log])
    for number in range(1000):
        revision = etcd.put(agent.key, [target(log, topic, send_rate=1000 + number)])
    agent.wait_applied(revision, 6)
    assert agent.file(log)["send_rate"] == 1999
    assert descriptors(agent, [log]) == before
