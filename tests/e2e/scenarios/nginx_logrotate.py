"""The main job on real input: nginx writes, logrotate rotates, etcd steers, Kafka holds."""

import threading
import time

from harness.case import case
from harness.logs import (
    Logrotate,
    append,
    expect_exactly,
    expect_keys,
    generations,
    lines,
    parse_key,
)
from harness.process import wait_for


def nginx_case(t, requests, per_second, rotations):
    nginx, etcd, topic = t.nginx(), t.etcd(), t.topic(partitions=3)
    rotate = Logrotate(
        t.directory / "rotate", nginx.log, postrotate=f"kill -USR1 $(cat {nginx.pid_file})"
    )
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([{"service": "shop", "log_path": str(nginx.log), "topic": topic, "start": "start"}])

    load = threading.Thread(target=nginx.request, args=(requests, per_second))
    load.start()
    lag_per_rotation = requests / per_second / (rotations + 1)
    for _ in range(rotations):
        time.sleep(lag_per_rotation)  # the pace of the test, no synchronisation
        rotate.rotate()
    load.join()
    nginx.stop()

    parts = [part.read_bytes() for part in generations(nginx.log)]
    wanted = b"".join(parts).splitlines()
    assert b"".join(parts) == nginx.witness.read_bytes(), "the test itself lost lines"
    assert len(wanted) == requests and len(parts) == rotations + 1

    t.kafka.wait_count(topic, requests, 60)
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    ledger = agent.status()["ledger"]
    assert ledger["acked"] == sum(map(len, parts)), ledger
    assert ledger["lines"]["read"] == ledger["lines"]["acked"] == requests, ledger
    assert agent.stop() == 0
    records = t.kafka.read(topic)
    expect_exactly(records, wanted)
    expect_keys(records, host="testhost", service="shop", path=nginx.log, content=parts)


@case(
    "200,000 requests through nginx while logrotate rotates arrive byte for byte and in order",
    needs=["kafka", "etcd", "nginx", "logrotate"],
    alone=True,
)
def nginx_and_logrotate(t):
    nginx_case(t, 200_000, 12_000, rotations=6)


@case(
    "a short nginx run with two rotations arrives byte for byte and in order",
    needs=["kafka", "etcd", "nginx", "logrotate"],
    short=True,
)
def nginx_and_logrotate_short(t):
    nginx_case(t, 20_000, 4_000, rotations=2)


def fast_rotation(t, rotations, per_second):
    topic, log = t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    agent.start()
    agent.wait_file(log, "waiting")
    wanted = []
    for number in range(rotations + 1):
        wanted += append(log, lines(200, first=200 * number))
        time.sleep(1 / per_second)  # how long this file is the log
        if number < rotations:
            for old in generations(log)[:-1]:
                old.rename(log.with_name(f"{log.name}.{int(old.suffix[1:]) + 1}"))
            log.rename(log.with_name(log.name + ".1"))
    t.kafka.wait_count(topic, len(wanted), 30)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case("a log that is rotated 5 times a second loses nothing", needs=["kafka"])
def five_rotations_a_second(t):
    fast_rotation(t, 25, 5)


@case("a log that is rotated 30 times a second loses nothing", needs=["kafka"])
def thirty_rotations_a_second(t):
    fast_rotation(t, 60, 30)


KEPT = 10  # rotated files of a log, then the oldest is deleted


@case("30,000 rotations of 100 small files leave memory as it was", needs=["kafka"], full=True)
def many_rotations(t):
    topic, logs = t.topic(), [t.log(f"{number}.log") for number in range(100)]
    pattern = logs[0].with_name("*.log")
    agent = t.agent(
        kafka=t.kafka, arguments=["--file", pattern, "--topic", topic, "--start", "start"]
    ).start()
    wanted = {str(log): [] for log in logs}
    peaks = []
    for number in range(300):
        begin = time.monotonic()
        for log in logs:
            wanted[str(log)] += append(log, lines(3, log.name, first=3 * number))
            log.rename(log.with_name(f"{log.name}.{number}"))
            log.with_name(f"{log.name}.{number - KEPT}").unlink(missing_ok=True)
        # An even pace: as many generations are known at each moment.
        time.sleep(max(0.0, begin + 1 - time.monotonic()))
        peaks.append(agent.memory_kib("VmHWM"))
    t.kafka.wait_count(topic, 300 * 300, 60)
    agent.wait("nothing is in flight", lambda: not agent.status()["ledger"]["in_flight"])
    found = {path: [] for path in wanted}
    for record in t.kafka.read(topic):
        found[parse_key(record)["path"]].append(record)
    for path, records in found.items():
        expect_exactly(records, wanted[path])
    # A deleted generation is known for a minute and a sweep, in case it turns up somewhere, and the heap
    # takes as long again to find its size: then as much comes as goes.
    assert peaks[-1] <= peaks[200] + 1024, peaks
    assert agent.stop() == 0


@case(
    "a writer that keeps the renamed file open for a while loses nothing",
    needs=["kafka"],
    short=True,
)
def late_writer(t):
    topic, log = t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    agent.start()
    wanted = append(log, lines(100, "before"))
    t.kafka.wait_count(topic, 100)
    with open(log, "ab", buffering=0) as old:
        log.rename(log.with_name(log.name + ".1"))
        new = append(log, lines(100, "new"))
        late = lines(100, "late")
        for line in late:
            old.write(line + b"\n")
            time.sleep(0.005)
    t.kafka.wait_count(topic, 300)
    assert agent.stop() == 0
    values = [record.value for record in t.kafka.read(topic)]
    assert values[:100] == wanted and sorted(values[100:]) == sorted(new + late)
    assert [value for value in values if value in set(late)] == late, "the old file is out of order"


@case("a file that is deleted while it is read arrives to its last line", needs=["kafka"])
def deleted_file(t):
    topic, log = t.topic(), t.log()
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", log, "--topic", topic, "--start", "start", "--rate", "2000"],
    )
    agent.start()
    first = append(log, lines(3000, "first"))
    agent.wait("it is being read", lambda: 0 < t.kafka.count(topic) < 3000)
    log.unlink()
    second = append(log, lines(500, "second"))
    t.kafka.wait_count(topic, 3500, 20)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), first + second)


@case(
    "copytruncate between two looks loses only what it cut, and says how much",
    needs=["kafka", "logrotate"],
)
def copytruncate(t):
    topic, log = t.topic(), t.log()
    rotate = Logrotate(t.directory / "rotate", log, mode="copytruncate")
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    agent.start()
    wanted = append(log, lines(1000, "first"))
    t.kafka.wait_count(topic, 1000)
    rotate.rotate()
    wait_for("the log is empty", lambda: log.stat().st_size == 0)
    wanted += append(log, lines(500, "second"))
    t.kafka.wait_count(topic, 1500)
    assert agent.status()["ledger"]["truncated_away"] == 0
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)
