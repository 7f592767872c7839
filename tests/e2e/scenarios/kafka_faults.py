"""Kafka down, slow, or without the topic: nothing stops that need not, and nothing is lost."""

import time

from harness.agent import target
from harness.case import case
from harness.logs import (
    Writer,
    append,
    expect_exactly,
    expect_no_loss,
    generations,
    lines,
)
from harness.process import holds, wait_for

MEMORY_KIB = 48 * 1024


@case(
    "Kafka down at the start and in the middle: no exit, memory flat, every line arrives in order",
    needs=["kafka", "etcd"],
    short=True,
)
def outages(t):
    kafka, etcd, down = t.own_kafka(), t.etcd(), 600 if t.full else 10
    kafka.create({"t": 1})
    kafka.kill9()
    writer = t.owns(Writer(t.log(), 1000 if t.full else 5000, size=200))
    agent = t.agent(kafka=kafka, etcd=etcd).start()
    agent.put([target(t.log(), "t")])
    agent.wait("Kafka is reported down", lambda: agent.status()["kafka"]["state"] == "down", 40)
    assert agent.status()["state"] == "degraded"
    writer.wait_written(30_000)
    kafka.restart()
    kafka.wait_count("t", 20_000, 60)
    agent.wait("Kafka is reported up", lambda: agent.status()["kafka"]["state"] == "up")

    calm = agent.memory_kib()
    kafka.kill9()
    until = time.monotonic() + down
    while time.monotonic() < until:
        assert agent.running()
        assert agent.status()["kafka"]["in_flight_bytes"] <= 16 << 20
        time.sleep(0.5)
    peak = agent.memory_kib("VmHWM")
    kafka.restart()
    wait_for("the broker answers", lambda: kafka.end_offsets("t"), 40)
    came_back = time.monotonic()
    before = kafka.count("t")
    kafka.wait_count("t", before + 5000, 30)
    resumed = time.monotonic() - came_back
    written = writer.stop()
    kafka.wait_count("t", len(written), 60)
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), written)
    assert resumed < 10 * t.patience, f"flow was back only after {resumed:.1f} s"
    if t.patience == 1:
        assert peak <= MEMORY_KIB, f"{peak} KiB at the peak, {calm} before the outage"


@case(
    "a log that is rotated five times while Kafka is down arrives whole and in order",
    needs=["kafka"],
)
def rotations_without_kafka(t):
    kafka, log = t.own_kafka(), t.log()
    kafka.create({"t": 1})
    agent = t.agent(kafka=kafka, arguments=["--file", log, "--topic", "t", "--start", "start"])
    agent.start()
    wanted = append(log, lines(500, "before"))
    kafka.wait_count("t", 500)
    kafka.kill9()
    down = time.monotonic()
    for number in range(5):
        wanted += append(log, lines(2000, f"rotation {number}", 100))
        for old in generations(log)[:-1]:
            old.rename(log.with_name(f"{log.name}.{int(old.suffix[1:]) + 1}"))
        log.rename(log.with_name(log.name + ".1"))
        if number == 2:  # half of them happen to an agent that has to find its files again
            agent.kill9()
            agent.start()
    wanted += append(log, lines(500, "after"))
    time.sleep(max(0, down + (1200 if t.full else 15) - time.monotonic()))  # length of the fault
    kafka.restart()
    agent.wait(
        "everything is acknowledged",
        lambda: kafka.count("t") >= len(wanted) and not agent.status()["ledger"]["in_flight"],
        60,
    )
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), wanted)


@case("a paused broker loses nothing", needs=["kafka"])
def paused(t):
    kafka = t.own_kafka()
    kafka.create({"t": 1})
    writer = t.owns(Writer(t.log(), 2000))
    agent = t.agent(kafka=kafka, arguments=["--file", t.log(), "--topic", "t", "--start", "start"])
    agent.start()
    kafka.wait_count("t", 2000)
    kafka.pause()
    try:
        time.sleep(30 if t.full else 8)  # the length of the fault
    finally:
        kafka.resume()
    written = writer.stop()
    kafka.wait_count("t", len(written), 40)
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), written)


@case(
    "three dead topics for a while: the fourth flows at full speed, each is named, each resumes",
    needs=["kafka", "etcd"],
    alone=True,
)
def dead_topics(t):
    etcd, alive = t.etcd(), t.topic("alive")
    dead = [t.new_name(f"dead{number}") for number in range(3)]
    logs = {topic: t.log(f"{topic}.log") for topic in [alive, *dead]}
    stock = 200_000
    for topic, log in logs.items():
        append(log, lines(stock, topic, 150))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    began = time.monotonic()
    agent.put([target(logs[topic], topic) for topic in [*dead, alive]])
    t.kafka.wait_count(alive, stock, 30)
    took = time.monotonic() - began

    def named():
        return {entry["topic"] for entry in agent.status()["kafka"]["blocked"]} == set(dead)

    agent.wait("the dead topics are named", named, 40)
    # While they are dead, the fourth goes on at the writer's speed and is never behind for long.
    writer = t.owns(Writer(logs[alive], 10_000, "live", 100))
    until = time.monotonic() + (120 if t.full else 20)
    while time.monotonic() < until:
        behind = len(writer.written) + stock - t.kafka.count(alive)
        assert behind < 20_000 * t.patience, f"{behind} lines behind"
        assert agent.memory_kib("VmHWM") <= MEMORY_KIB * t.patience
        time.sleep(0.5)
    written = writer.stop()
    t.kafka.wait_count(alive, stock + len(written), 10)
    assert took < 20 * t.patience, f"the stock took {took:.1f} s beside dead topics"

    t.kafka.create({topic: 1 for topic in dead})
    for topic in dead:
        t.kafka.wait_count(topic, stock, 60)
    agent.wait("nothing is blocked", lambda: not agent.status()["kafka"]["blocked"])
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    expect_no_loss(t.kafka.read(alive), lines(stock, alive, 150) + written, duplicates=0)
    for topic in dead:
        expect_exactly(t.kafka.read(topic), lines(stock, topic, 150))


@case(
    "a line larger than the topic allows is cut and counted, its neighbours are untouched",
    needs=["kafka"],
)
def oversize_cut(t):
    topic, log = t.topic(max_message_bytes=20_000), t.log()
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    agent.start()
    big = b"B" * 100_000
    append(log, [b"before", big, b"after"])
    t.kafka.wait_count(topic, 3, 60)
    cut = agent.wait("the cut bytes are counted", lambda: agent.status()["ledger"]["cut"])
    assert agent.stop() == 0
    before, middle, after = [record.value for record in t.kafka.read(topic)]
    assert (before, after) == (b"before", b"after")
    assert big.startswith(middle) and 15_000 < len(middle) < 20_000, len(middle)
    assert cut == len(big) - len(middle), (cut, len(middle))  # the line end is no byte of the line


@case(
    "oversize: dead_letter sends the line to TOPIC.dead with its reason and range",
    needs=["kafka", "etcd"],
)
def dead_letter(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    t.kafka.create({topic + ".dead": 1})
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, max_line_bytes=1000, oversize="dead_letter")])
    append(log, [b"before", b"X" * 5000, b"after"])
    t.kafka.wait_count(topic, 2)
    t.kafka.wait_count(topic + ".dead", 1)
    letter = t.kafka.read(topic + ".dead")[0]
    assert letter.value and set(letter.value) == {ord("X")}, letter.value[:50]
    assert (
        "logagent.reason=" in letter.headers and "logagent.range=" in letter.headers
    ), letter.headers
    ledger = agent.wait(
        "it is counted",
        lambda: agent.status()["ledger"]["dead_letter"] and agent.status()["ledger"],
    )
    assert ledger["dead_letter"] == 5001, ledger
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), [b"before", b"after"])


@case(
    "a 50 MB line without an end does not hurt memory or the lines of others",
    needs=["kafka", "etcd"],
)
def endless_line(t):
    etcd, topic, log, other = t.etcd(), t.topic(), t.log(), t.log("other.log")
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, max_line_bytes=10_000), target(other, topic)])
    with open(log, "ab", buffering=0) as out:
        for _ in range(50):
            out.write(b"Z" * 1_000_000)
        append(other, lines(100, "other"))
        t.kafka.wait_count(topic, 100)
        out.write(b"\n")
    append(log, [b"next"])
    t.kafka.wait_count(topic, 102)
    if t.patience == 1:
        assert agent.memory_kib("VmHWM") <= MEMORY_KIB
    assert agent.stop() == 0
    values = [record.value for record in t.kafka.read(topic)]
    assert values[-1] == b"next" or b"next" in values
    assert sorted(map(len, values))[-1] <= 10_000


@case("a topic that is deleted and made again is served again", needs=["kafka"])
def recreated_topic(t):
    kafka = t.own_kafka()
    kafka.create({"t": 1})
    writer = t.owns(Writer(t.log(), 200))
    agent = t.agent(kafka=kafka, arguments=["--file", t.log(), "--topic", "t", "--start", "start"])
    agent.start()
    kafka.wait_count("t", 200)
    kafka.delete("t")
    agent.wait("the topic is blocked", lambda: agent.status()["kafka"]["blocked"], 60)
    kafka.create({"t": 1})
    kafka.wait_count("t", 500, 60)
    agent.wait("nothing is blocked", lambda: not agent.status()["kafka"]["blocked"])
    written = writer.stop()
    agent.wait(
        "everything is acknowledged",
        lambda: agent.file(t.log())["acked_offset"] == t.log().stat().st_size,
        40,
    )
    assert agent.stop() == 0
    values = [record.value for record in kafka.read("t")]
    assert written[-len(set(values)) :] == list(dict.fromkeys(values)), "what came after has holes"


@case(
    "lines keep flowing while a partition's share of the budget is stuck", needs=["kafka", "etcd"]
)
def stuck_share(t):
    etcd, alive, dead = t.etcd(), t.topic("alive"), t.new_name("dead")
    append(t.log("dead.log"), lines(300_000, "dead", 200))  # 60 MB for nobody
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini={"in_flight_bytes": 4 << 20}).start()
    agent.put([target(t.log("dead.log"), dead), target(t.log("alive.log"), alive)])
    agent.wait("the dead topic is named", lambda: agent.status()["kafka"]["blocked"], 40)
    append(t.log("alive.log"), lines(50_000, "alive", 200))
    t.kafka.wait_count(alive, 50_000, 20)
    holds("the agent runs", agent.running, 1)
    expect_exactly(t.kafka.read(alive), lines(50_000, "alive", 200))
    agent.put([target(t.log("alive.log"), alive)])
