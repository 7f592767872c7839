"""Sending a part of a log again: the same keys, exact counts, nothing of the agent's own is moved."""

import datetime
import gzip
import json
import signal
import subprocess

from harness.agent import logagent
from harness.case import case
from harness.logs import Writer, append, expect_exactly, lines, parse_key
from harness.process import Child

BEGIN = datetime.datetime(2026, 11, 23, 20, tzinfo=datetime.timezone.utc)


def follow(t, topic, log, **options):
    return t.agent(
        kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"], **options
    )


def replay(t, agent, log, *arguments):
    """Runs it to its end; returns (exit code, standard output, standard error)."""
    done = logagent(t.binary, "replay", "-c", agent.ini, "--path", log, *arguments)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def good(t, agent, log, *arguments):
    code, out, errors = replay(t, agent, log, *arguments)
    assert code == 0, f"it ended with {code}: {out}{errors}"
    return out


def pairs(records):
    return [(record.key, record.value) for record in records]


def stamped(count, tag, first=0):
    """Lines one second apart with the number of the second in them."""
    return [
        (BEGIN + datetime.timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        + f" {tag} {number}".encode()
        for number in range(first, first + count)
    ]


def pack(file):
    """As gzip does it, but with the time of now: a copy by other means has lost it."""
    file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()


def moment(second):
    return (BEGIN + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def acked(agent, log):
    entry = agent.file(log)
    return entry["acked_offset"] == log.stat().st_size and entry


@case(
    "a replayed range has the keys of the first sending while the agent runs on untouched",
    needs=["kafka"],
    short=True,
)
def same_keys(t):
    topic, log = t.topic(partitions=3), t.log()
    wanted = append(log, lines(2000, "old", 60))
    agent = follow(t, topic, log).start()
    t.kafka.wait_count(topic, 2000)
    before = agent.wait("all is acknowledged", lambda: acked(agent, log))
    first = t.kafka.read(topic)
    out = good(t, agent, log, "--offset", f"0:{log.stat().st_size}", "--same-topic")
    assert "2000 records" in out and before["generation"] in out, out
    assert f"of {log.stat().st_size} bytes: {log.stat().st_size} acknowledged\n" in out, out
    assert t.kafka.count(topic) == 4000
    after = agent.file(log)
    assert after["acked_offset"] == before["acked_offset"], (before, after)
    assert agent.status()["ledger"]["acked"] == log.stat().st_size
    second = t.kafka.read(topic)[2000:]
    assert pairs(second) == pairs(first)
    assert {record.partition for record in second} == {first[0].partition}
    wanted += append(log, lines(10, "new"))
    t.kafka.wait_count(topic, 4010)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic)[4000:], wanted[2000:])


@case("a replay under load neither disturbs the agent nor is disturbed by it", needs=["kafka"])
def under_load(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    old = append(log, lines(20000, "old", 100))
    writer = t.owns(Writer(log, 2000))
    agent = follow(t, topic, log).start()
    t.kafka.wait_count(topic, 20000)
    size = sum(len(line) + 1 for line in old)
    out = good(t, agent, log, "--offset", f"0:{size}", "--topic", again)
    assert "20000 records" in out, out
    written = writer.stop()
    t.kafka.wait_count(topic, 20000 + len(written))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), old + written)
    expect_exactly(t.kafka.read(again), old)


@case(
    "rotated and compressed generations keep their keys, and --last reaches over them",
    needs=["kafka"],
    short=True,
)
def rotated(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent = follow(t, topic, log).start()
    wanted = []
    for number, name in enumerate(("app.log.2", "app.log.1", None)):
        wanted += append(log, lines(1000, f"life {number}", 50))
        t.kafka.wait_count(topic, len(wanted))
        agent.wait("all is acknowledged", lambda: acked(agent, log))
        if name:
            log.rename(log.with_name(name))
            append(log, [])
    first = t.kafka.read(topic)
    assert len({parse_key(record)["generation"] for record in first}) == 3
    assert agent.stop() == 0
    pack(log.with_name("app.log.2"))
    run = subprocess.run(["zstd", "-q", "--rm", log.with_name("app.log.1")], check=False)
    assert run.returncode == 0, "zstd"
    out = good(t, agent, log, "--last", "1G", "--topic", again)
    assert "3000 records" in out and "app.log.2.gz" in out and "app.log.1.zst" in out, out
    assert "not in the journal" not in out, out
    assert pairs(t.kafka.read(again)) == pairs(first)
    # One generation of them, by its name, and only a part of it.
    key = parse_key(first[500])
    part = t.topic("part")
    out = good(
        t,
        agent,
        log,
        *("--generation", key["generation"], "--offset", f"{key['start'] + 3}:{key['end'] + 1}"),
        *("--topic", part),
    )
    assert pairs(t.kafka.read(part)) == pairs(first[500:502])


@case("lines are chosen by their own times, over generations, and not one more", needs=["kafka"])
def by_time(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent = follow(t, topic, log).start()
    wanted = append(log, stamped(40000, "a"))
    t.kafka.wait_count(topic, 40000)
    agent.wait("all is acknowledged", lambda: acked(agent, log))
    log.rename(log.with_name("app.log.1"))
    wanted += append(log, stamped(40000, "b", 40000))
    t.kafka.wait_count(topic, 80000)
    agent.wait("all is acknowledged", lambda: acked(agent, log))
    span = ("--since", moment(39000), "--until", moment(41500))
    out = good(t, agent, log, *span, "--topic", again)
    assert "2500 records" in out, out
    expect_exactly(t.kafka.read(again), wanted[39000:41500])
    pack(log.with_name("app.log.1"))
    from_packed = t.topic("packed")
    good(t, agent, log, *span, "--topic", from_packed)
    assert pairs(t.kafka.read(from_packed)) == pairs(t.kafka.read(again))
    assert agent.stop() == 0


@case("lines that are not in the order of time are chosen one by one", needs=["kafka"])
def unsorted_times(t):
    topic, log = t.topic(), t.log()
    some = stamped(3000, "x")
    shuffled = append(log, [some[number * 7 % 3000] for number in range(3000)])
    agent = follow(t, t.topic("unused"), log)
    agent.write_ini()
    span = ("--since", moment(100), "--until", moment(160))
    out = good(t, agent, log, *span, "--topic", topic)
    assert "60 records" in out, out
    assert "is not in the journal" in out, out
    chosen = set(some[100:160])
    expect_exactly(t.kafka.read(topic), [line for line in shuffled if line in chosen])
    # What no agent has sent has an id too, the same one each time.
    second = t.topic("second")
    good(t, agent, log, *span, "--topic", second)
    assert pairs(t.kafka.read(second)) == pairs(t.kafka.read(topic))


@case("records are those of the target: its format, its key, its masks", needs=["kafka", "etcd"])
def of_the_target(t):
    topic, log = t.topic(), t.log()
    etcd = t.etcd()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    entry = {
        "service": "shop",
        "log_path": str(log.parent / "*.log"),
        "topic": topic,
        "format": "json",
        "key": "id",
        "drop": ["debug"],
        "mask": [{"match": "secret", "with": "***"}],
    }
    agent.put([entry])
    append(log, [b"one secret", b"debug two", b"three"])
    t.kafka.wait_count(topic, 2)
    agent.wait("all is acknowledged", lambda: acked(agent, log))
    out = good(t, agent, log, "--offset", "0:", "--same-topic")
    assert "2 records" in out and "10 filtered" in out and "service shop" in out, out
    records = t.kafka.read(topic)
    assert len(records) == 4
    assert [record.key for record in records[2:]] == [record.key for record in records[:2]]
    values = [json.loads(record.value) for record in records]
    for value in values:
        value.pop("@timestamp")
    assert values[2:] == values[:2]
    assert values[2]["message"] == "one ***", values[2]


@case("a replay keeps to its rate, and Ctrl-C stops it in good order", needs=["kafka"])
def rate_and_cancel(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    wanted = append(log, lines(5000, "line", 50))
    agent = follow(t, topic, log).start()
    t.kafka.wait_count(topic, 5000)
    agent.wait("all is acknowledged", lambda: acked(agent, log))
    command = [t.binary, "replay", "-c", agent.ini, "--path", log, "--offset", "0:"]
    command += ["--topic", again, "--rate", "500"]
    child = t.owns(Child([str(part) for part in command], t.directory / "replay.out"))
    t.kafka.wait_count(again, 300)
    child.signal(signal.SIGINT)
    assert child.wait(15) == 3
    text = (t.directory / "replay.out").read_text()
    sent = t.kafka.count(again)
    assert sent < 5000
    assert "cancelled\n" in text and f"{sent} records" in text, text
    expect_exactly(t.kafka.read(again), wanted[:sent])
    # The last line says how to go on; together they are the whole.
    rest = text.strip().splitlines()[-1]
    assert rest.startswith("goes on with: "), rest
    good(t, agent, log, *rest[len("goes on with: ") :].split(), "--topic", again)
    expect_exactly(t.kafka.read(again), wanted)


@case("a dry run prints the plan and sends nothing", needs=["kafka"])
def dry_run(t):
    topic, log = t.topic(), t.log()
    append(log, lines(1000, "line", 99))
    agent = follow(t, topic, log).start()
    t.kafka.wait_count(topic, 1000)
    generation = agent.wait("all is acknowledged", lambda: acked(agent, log))["generation"]
    out = good(t, agent, log, "--offset", "150:250", "--same-topic", "--dry-run", "--rate", "2")
    for part in (f"to topic {topic}", generation, "100:300", "200 bytes, about 2 lines", "1.0 s"):
        assert part in out, f"{part} is missing in: {out}"
    assert t.kafka.count(topic) == 1000


@case("Kafka going away in the middle of a replay loses nothing", needs=["kafka"])
def outage(t):
    kafka, log = t.own_kafka(), t.log()
    kafka.create({"again": 1})
    wanted = append(log, lines(3000, "line", 50))
    agent = t.agent(kafka=kafka, arguments=["--file", log, "--topic", "x"])
    agent.write_ini()
    command = [t.binary, "replay", "-c", agent.ini, "--path", log, "--offset", "0:"]
    command += ["--topic", "again", "--rate", "500"]
    child = t.owns(Child([str(part) for part in command], t.directory / "replay.out"))
    kafka.wait_count("again", 500)
    kafka.kill9()
    kafka.restart()
    assert child.wait(60) == 0, (t.directory / "replay.out").read_text()
    assert "3000 records" in (t.directory / "replay.out").read_text()
    records = kafka.read("again")
    last = {record.key: record.value for record in records}
    assert [last[key] for key in sorted(last, key=lambda key: json.loads(key)[4])] == wanted


@case("a truncated file ends a replay with 1 and a reason", needs=["kafka"])
def truncated(t):
    again, log = t.topic("again"), t.log()
    append(log, lines(20000, "line", 100))
    agent = follow(t, "unused", log)
    agent.write_ini()
    command = [t.binary, "replay", "-c", agent.ini, "--path", log, "--offset", "0:"]
    command += ["--topic", again, "--rate", "500"]
    child = t.owns(Child([str(part) for part in command], t.directory / "replay.out"))
    t.kafka.wait_count(again, 100)
    log.write_bytes(b"another life\n")
    assert child.wait(30) == 1
    text = (t.directory / "replay.out").read_text()
    assert "truncated while it was read" in text, text
    assert all(record.value.startswith(b"line") for record in t.kafka.read(again))


@case("each mistake is one clear line and exit code 2", needs=["kafka"])
def mistakes(t):
    topic, log = t.topic(), t.log()
    append(log, lines(10, "line"))
    agent = follow(t, topic, log)
    agent.write_ini()
    to = ("--topic", topic)
    for arguments, part in (
        (("--offset", "0:"), "--same-topic"),
        (("--offset", "0:", "--same-topic"), "give --topic"),
        (to, "--last SIZE"),
        (("--offset", "5", *to), "--offset: '5' is no range"),
        (("--offset", "99999:", *to), "is behind"),
        (("--last", "lots", *to), "--last"),
        (("--since", "noon", *to), "--since"),
        (("--since", "1h", *to), "carry no time stamp"),
        (("--offset", "0:", "--generation", "A" * 22, *to), "A" * 22),
        (("--offset", "0:", "--topic", "no/topic"), "--topic"),
        (("--offset", "0:", "--topic", "not-there"), "topic not-there does not exist"),
        (("--offset", "0:", *to, "--logconfig", "/not/there"), "/not/there"),
        (("--offset", "0:", *to, "--set", "what=ever"), "what"),
    ):
        code, _, errors = replay(t, agent, log, *arguments)
        shown = [line for line in errors.splitlines() if line]
        assert code == 2 and len(shown) == 1 and part in shown[0], (arguments, code, errors)
    code, _, errors = replay(t, agent, t.log("missing.log"), "--offset", "0:", *to)
    assert code == 2 and "missing.log" in errors, errors
    assert t.kafka.count(topic) == 0
