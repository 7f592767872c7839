"""Stopping and starting: what was acknowledged is not sent again, what was not is sent."""

import signal
import time

from harness.case import case
from harness.logs import Writer, append, expect_exactly, expect_no_loss, lines, parse_key
from harness.process import holds


def follow(t, topic, log, **options):
    return t.agent(
        kafka=options.pop("kafka", None) or t.kafka,
        arguments=["--file", log, "--topic", topic, "--start", "start"],
        **options,
    )


@case(
    "a restart by SIGTERM under load loses nothing and repeats nothing", needs=["kafka"], short=True
)
def sigterm(t):
    topic = t.topic()
    writer = t.owns(Writer(t.log(), 2000))
    agent = follow(t, topic, t.log())
    for _ in range(4):
        before = t.kafka.count(topic)
        agent.start()
        t.kafka.wait_count(topic, before + 1500)
        assert agent.stop(12) == 0
    written = writer.stop()
    agent.start()
    t.kafka.wait_count(topic, len(written))
    assert agent.stop() == 0
    records = t.kafka.read(topic)
    expect_exactly(records, written)
    assert len({parse_key(record)["generation"] for record in records}) == 1


@case(
    "kill -9 under load, many times, loses nothing; repeats have the same ids and are few",
    needs=["kafka"],
    short=True,
)
def kill9(t):
    topic, rounds, pace = t.topic(), 100 if t.full else 5, 3000
    writer = t.owns(Writer(t.log(), pace))
    agent = follow(t, topic, t.log())
    for number in range(rounds):
        before, length = t.kafka.count(topic), 1.5 + 0.137 * (number % 9)
        agent.start()
        began = time.monotonic()
        agent.wait(
            "lines arrive for a while",
            lambda: t.kafka.count(topic) > before + 1000 and time.monotonic() > began + length,
        )
        agent.kill9()
    written = writer.stop()
    agent.start()
    agent.wait("everything is read and acknowledged", lambda: all_acked(agent, t.log()))
    assert agent.stop() == 0
    extra = expect_no_loss(t.kafka.read(topic), written)
    # Positions are saved once a second; the backlog of a restart, sent at once, comes on top.
    assert extra <= rounds * 3 * pace * t.patience, f"{extra} duplicates of {len(written)} lines"


def all_acked(agent, log):
    entry = agent.file(log)
    return entry["size"] == entry["acked_offset"] == log.stat().st_size


@case("a half-written line is sent once, whole, also over a restart", needs=["kafka"])
def half_line(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log).start()
    append(log, [b"first"])
    with open(log, "ab", buffering=0) as out:
        out.write(b"sec")
        t.kafka.wait_count(topic, 1)
        assert agent.stop() == 0
        agent.start()
        agent.wait("the rest is waited for", lambda: agent.file(log)["size"] == 9)
        out.write(b"ond\nthird\r\n\n")
    t.kafka.wait_count(topic, 3)
    ledger = agent.wait(
        "the blank line is counted",
        lambda: agent.status()["ledger"]["blank"] and agent.status()["ledger"],
    )
    assert ledger["blank"] == 1 and ledger["acked"] == log.stat().st_size - 1, ledger
    assert agent.stop() == 0
    records = t.kafka.read(topic)
    expect_exactly(records, [b"first", b"second", b"third"])
    key = parse_key(records[2])
    assert (key["start"], key["end"]) == (13, 20), key  # the line end belongs to the range


@case(
    "a generation that was rotated away while the agent was down is collected, in order",
    needs=["kafka"],
)
def rotated_while_down(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log).start()
    wanted = append(log, lines(1000, "a"))
    t.kafka.wait_count(topic, 1000)
    assert agent.stop() == 0
    wanted += append(log, lines(500, "b"))  # its tail, written after the stop
    log.rename(log.with_name("app.log.2"))
    wanted += append(log, lines(500, "c"))  # born and rotated away while nobody looked
    log.rename(log.with_name("app.log.1"))
    wanted += append(log, lines(500, "d"))
    agent.start()
    t.kafka.wait_count(topic, 2500)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case("two agents cannot share one state directory: the second ends with 2 and names the first")
def two_agents(t):
    log, out = t.log(), []
    append(log, lines(1))
    for name in ("first", "second"):
        out.append(
            t.agent(
                name,
                kafka="127.0.0.1:1",
                ini={"state_dir": t.directory / "state"},
                arguments=["--file", log, "--topic", "x"],
            )
        )
    out[0].start()
    out[1].start(ready=False)
    assert out[1].ended(10) == 2
    assert str(out[0].pid()) in out[1].log_text(), out[1].log_text()
    assert out[0].running()


@case(
    "SIGTERM while Kafka is down ends with 3 at the deadline, and nothing is lost", needs=["kafka"]
)
def stop_without_kafka(t):
    kafka = t.own_kafka()
    kafka.create({"t": 1})
    agent = follow(t, "t", t.log(), kafka=kafka, ini={"shutdown_timeout": 3}).start()
    wanted = append(t.log(), lines(1000, "before"))
    kafka.wait_count("t", 1000)
    kafka.kill9()
    wanted += append(t.log(), lines(1000, "while down"))
    agent.wait("lines are in flight", lambda: agent.status()["ledger"]["in_flight"])
    began = time.monotonic()
    assert agent.stop(15) == 3
    assert 2 < time.monotonic() - began < 6 * t.patience
    kafka.restart()
    agent.start()
    kafka.wait_count("t", 2000, 40)
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), wanted, duplicates=0)


@case("a second SIGTERM stops at once", needs=["kafka"])
def second_sigterm(t):
    kafka = t.own_kafka()
    kafka.create({"t": 1})
    agent = follow(t, "t", t.log(), kafka=kafka, ini={"shutdown_timeout": 60}).start()
    append(t.log(), lines(100))
    kafka.wait_count("t", 100)
    kafka.kill9()
    append(t.log(), lines(100))
    agent.wait("lines are in flight", lambda: agent.status()["ledger"]["in_flight"])
    agent.child.signal(signal.SIGTERM)
    holds("it drains", agent.running, 2)
    began = time.monotonic()
    agent.child.signal(signal.SIGTERM)
    assert agent.ended(5) == 3
    assert time.monotonic() - began < 2 * t.patience
