"""The harness measures others, so it has to be right itself. No agent in here."""

import subprocess

from harness.case import case
from harness.logs import (
    Logrotate,
    append,
    difference,
    expect_exactly,
    expect_no_loss,
    generations,
    lines,
)
from harness.process import wait_for
from harness.servers import Record


@case("the harness reads back exactly the bytes that a producer sent", needs=["kafka"])
def exact_bytes(t):
    topic = t.topic(partitions=3)
    values = [b"plain", b"", b"two\nlines", b"tab\tnul\0end", bytes(range(256)), b"%s %d"]
    for number, value in enumerate(values):
        subprocess.run(
            [
                "kcat",
                "-q",
                "-b",
                t.kafka.address,
                "-P",
                "-t",
                topic,
                "-p",
                str(number % 3),
                "-k",
                f"k {number}",
                "-D",
                "<end>",
                "-H",
                "a=b",
            ],
            input=value or b"x",
            check=True,
        )
    t.kafka.wait_count(topic, len(values))
    records = t.kafka.read(topic)
    assert [record.value for record in records] == [
        values[0],
        values[3],
        b"x",
        values[4],
        values[2],
        values[5],
    ], records
    assert records[0].key == b"k 0" and records[0].headers == "a=b", records[0]
    assert t.kafka.end_offsets(topic) == [2, 2, 2]


@case("the harness sees a missing, an extra, a changed and a swapped record")
def comparisons(t):
    wanted = lines(5)
    assert difference(list(wanted), wanted) is None
    for wrong in (wanted[:4], wanted + [b"x"], wanted[:2] + [b"x"] + wanted[3:], wanted[::-1]):
        assert difference(wrong, wanted)

    def record(at, value, start):
        key = f'["h","s","/p","{"g" * 22}",{start},{start + 1}]'.encode()
        return Record(0, at, key, value, "")

    assert expect_no_loss([record(0, b"a", 0), record(1, b"b", 1)], [b"a", b"b"]) == 0
    assert (
        expect_no_loss([record(0, b"b", 1), record(1, b"a", 0), record(2, b"b", 1)], [b"a", b"b"])
        == 1
    )
    refused = 0
    for bad in (
        [record(0, b"b", 1), record(1, b"a", 0)],  # last copies out of order
        [record(0, b"a", 0)],  # lost
        [record(0, b"a", 0), record(1, b"b", 1), record(2, b"c", 1)],
    ):  # one id, two values
        try:
            expect_no_loss(bad, [b"a", b"b"])
        except AssertionError:
            refused += 1
    assert refused == 3
    try:
        expect_exactly([record(0, b"a", 0)._replace(partition=1), record(1, b"b", 1)], [b"b", b"a"])
        raise RuntimeError("two partitions were accepted")
    except AssertionError:
        pass


@case("the harness drives nginx and logrotate and keeps every line", needs=["nginx", "logrotate"])
def nginx_rotates(t):
    nginx = t.nginx()
    rotate = Logrotate(
        t.directory / "rotate", nginx.log, postrotate=f"kill -USR1 $(cat {nginx.pid_file})"
    )
    for part in range(3):
        nginx.request(5000, first=5000 * part)
        rotate.rotate()
        wait_for("nginx reopened its log", nginx.log.exists)
    nginx.request(1000, first=15000)
    nginx.stop()
    parts = generations(nginx.log)
    assert len(parts) == 4, parts
    assert b"".join(part.read_bytes() for part in parts) == nginx.witness.read_bytes()
    assert nginx.witness.read_bytes().count(b"\n") == 16000


@case("the harness talks to etcd", needs=["etcd"])
def etcd_answers(t):
    etcd = t.etcd()
    first = etcd.put("/logagent/a", [{"x": "\u20ac"}])
    assert etcd.get("/logagent/") == {"/logagent/a": b'[{"x": "\\u20ac"}]'}
    etcd.delete("/logagent/a")
    assert etcd.put("/logagent/b", "1") == first + 2
    etcd.kill9()
    etcd.restart()
    assert etcd.get("/logagent/") == {"/logagent/b": b"1"}
    etcd.kill9()
    etcd.wipe()
    etcd.restart()
    assert etcd.get("/logagent/") == {}


@case("the harness survives a broker that is killed", needs=["kafka"])
def kafka_restarts(t):
    kafka = t.own_kafka()
    kafka.create({"a": 1, "b": 2})
    produced = b"".join(line + b"\n" for line in append(t.log(), lines(1000)))
    subprocess.run(["kcat", "-q", "-b", kafka.address, "-P", "-t", "a"], input=produced, check=True)
    kafka.kill9()
    kafka.restart()
    wait_for("the broker answers", lambda: kafka.end_offsets("a"), 30)
    expect_exactly(kafka.read("a"), lines(1000))
    kafka.delete("a")
