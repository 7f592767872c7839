"""What is a record where a line of the file is not: container formats, groups, UTF-16, pieces."""

import json
import os
import random

from harness.case import case
from harness.logs import append, expect_exactly, expect_no_loss, parse_key

STAMP = b"2026-01-02T03:04:05.678901234Z "


def target(log, topic, **more):
    return {"service": "s", "log_path": str(log), "topic": topic, "start": "start", **more}


def stack_trace(number, depth):
    """The lines of one event, as a Java program prints them."""
    return [
        b"2026-01-02 03:04:05 ERROR request %d failed" % number,
        b"java.lang.IllegalStateException: no",
        *(b"\tat com.example.Shop.step%d(Shop.java:%d)" % (at, number) for at in range(depth)),
        b"",
        b"Caused by: nothing",
    ]


def in_parts(line, stream):
    """CRI lines of one line, with at most 100 bytes of it in each."""
    pieces = [line[at : at + 100] for at in range(0, len(line), 100)] or [b""]
    for at, piece in enumerate(pieces):
        tag = b"F" if at + 1 == len(pieces) else b"P"
        yield STAMP + stream + b" " + tag + b" " + piece


def acknowledged(agent):
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])


@case(
    "decode: cri joins parts, each stream by itself, and counts lines that are no CRI",
    needs=["kafka", "etcd"],
    short=True,
)
def container_parts(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, decode="cri")])
    rng, written, wanted = random.Random(4), [], []
    for number in range(2000):
        out = b"out %d " % number + b"x" * rng.randrange(400)
        err = b"err %d " % number + b"y" * rng.randrange(400)
        parts = {b"out": list(in_parts(out, b"stdout")), b"err": list(in_parts(err, b"stderr"))}
        while parts[b"out"] or parts[b"err"]:
            name = rng.choice([name for name in parts if parts[name]])
            written.append(parts[name].pop(0))
            if not parts[name]:
                wanted.append(out if name == b"out" else err)
        if number % 100 == 0:
            written.append(b"no CRI %d" % number)
            wanted.append(written[-1])
    for at in range(0, len(written), 501):
        append(log, written[at : at + 501])
    t.kafka.wait_count(topic, len(wanted))
    acknowledged(agent)
    size = os.path.getsize(log)
    agent.wait("every byte is acked", lambda: agent.status()["ledger"]["acked"] == size)
    assert "\nlogagent_undecodable_lines_total 20\n" in agent.metrics()
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case("stack traces are one record each, over kill -9 and a rotation", needs=["kafka", "etcd"])
def traces(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    rule = {"start": r"^\d{4}-\d\d-\d\d ", "timeout_ms": 1500}
    agent.put([target(log, topic, multiline=rule)])
    events = [stack_trace(number, number % 40) for number in range(300)]
    wanted = [b"\n".join(event) for event in events]
    for event in events[:100]:
        append(log, event)
    append(log, events[100][:3])
    t.kafka.wait_count(topic, 100)
    agent.kill9()  # in the middle of an event
    append(log, events[100][3:])
    for event in events[101:200]:
        append(log, event)
    agent.start()
    t.kafka.wait_count(topic, 199)
    os.rename(log, f"{log}.1")
    for event in events[200:]:
        append(log, event)
    size = os.path.getsize(f"{log}.1") + os.path.getsize(log)
    agent.wait("every byte is acked", lambda: agent.status()["ledger"]["acked"] == size, 40)
    assert agent.stop() == 0
    expect_no_loss(t.kafka.read(topic), wanted, duplicates=100)


@case("docker lines are decoded before they are joined", needs=["kafka", "etcd"])
def docker_traces(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    rule = {"start": r"^\d{4}-", "timeout_ms": 1000}
    agent.put([target(log, topic, decode="docker", multiline=rule)])
    events = [stack_trace(number, 5) for number in range(200)]
    for event in events:
        text = [line.decode() + "\n" for line in event]
        pieces = [piece for line in text for piece in (line[:20], line[20:]) if piece]
        append(log, [json.dumps({"log": p, "stream": "stderr"}).encode() for p in pieces])
    t.kafka.wait_count(topic, len(events), 40)
    acknowledged(agent)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), [b"\n".join(event) for event in events])


@case("UTF-16 arrives as UTF-8, by its mark or by configuration", needs=["kafka", "etcd"])
def wide_text(t):
    etcd = t.etcd()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    text = [f"line {number} \u00e4\u20ac\U0001f600\u0a0a" for number in range(5000)]
    kinds = {
        "mark": ("\ufeff", "utf-16-le", {}),
        "little": ("", "utf-16-le", {"charset": "utf-16le"}),
        "big": ("", "utf-16-be", {"charset": "utf-16be"}),
    }
    logs = {kind: (t.log(f"{kind}.log"), t.topic(kind)) for kind in kinds}
    agent.put([target(log, topic, **kinds[kind][2]) for kind, (log, topic) in logs.items()])
    for kind, (log, topic) in logs.items():
        content = (kinds[kind][0] + "\r\n".join(text) + "\r\n").encode(kinds[kind][1])
        for at in range(0, len(content), 50_001):  # in the middle of a character, too
            with open(log, "ab") as file:
                file.write(content[at : at + 50_001])
    for _, topic in logs.values():
        t.kafka.wait_count(topic, len(text))
    assert agent.stop() == 0
    for _, topic in logs.values():
        expect_exactly(t.kafka.read(topic), [line.encode() for line in text])


@case(
    "oversize: split sends 100 MB without a line end in pieces, while another file flows",
    needs=["kafka", "etcd"],
)
def pieces(t):
    etcd, topic, log, other = t.etcd(), t.topic(), t.log(), t.log("other.log")
    second = t.topic()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, oversize="split"), target(other, second)])
    block = "".join(f"{number:06d} h\u00e4\u20ac\U0001f600 " for number in range(50_000)).encode()
    blocks = 100_000_000 // len(block) + 1
    with open(log, "ab") as file:
        file.write(b"before\n")
        for _ in range(blocks):
            file.write(block)
        file.write(b"\nafter\n")
    append(other, [b"beside it"])
    t.kafka.wait_count(second, 1)
    size = os.path.getsize(log)
    agent.wait("every byte is acked", lambda: agent.status()["ledger"]["acked"] == size + 10, 90)
    peak = agent.memory_kib("VmHWM")
    assert agent.stop() == 0
    records = t.kafka.read(topic)
    keys = [parse_key(record) for record in records]
    for last, next_one in zip(keys, keys[1:]):
        assert last["end"] == next_one["start"], (last, next_one)
    assert keys[-1]["end"] == size
    for record in records:
        record.value.decode()
    assert records[0].value == b"before" and records[-1].value == b"after"
    whole = b"".join(record.value for record in records[1:-1])
    assert whole == block * blocks, f"{len(whole)} bytes of {len(block) * blocks}"
    assert len(records) < 110, len(records)
    assert peak < 64 * 1024 or t.patience > 1, f"{peak} KiB"


@case("a hole of NULs after copytruncate is passed over and counted", needs=["kafka", "etcd"])
def nul_hole(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    with open(log, "wb", buffering=0) as file:  # without O_APPEND
        file.write(b"".join(b"old %06d\n" % number for number in range(300_000)))
        t.kafka.wait_count(topic, 300_000)
        acknowledged(agent)
        hole = file.tell()
        os.truncate(log, 0)
        file.write(b"new 1\nnew 2\n")
    t.kafka.wait_count(topic, 300_002)
    ledger = agent.wait(
        "the hole is counted",
        lambda: agent.status()["ledger"]["blank"] and agent.status()["ledger"],
    )
    assert agent.stop() == 0
    assert ledger["blank"] == hole, (ledger, hole)
    records = t.kafka.read(topic)
    assert [record.value for record in records[-2:]] == [b"new 1", b"new 2"]
    assert [parse_key(record)["start"] for record in records[-2:]] == [hole, hole + 6]
