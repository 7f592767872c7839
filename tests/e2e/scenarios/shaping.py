"""Rates: exact over 10 s, smooth, changed without reopening, and nobody else's business."""

import time

from harness.agent import target
from harness.case import case
from harness.logs import append, expect_exactly, lines


def arrivals(t, topic, seconds, every=0.1):
    """(time, count) samples of a topic's end over some seconds."""
    samples, began = [], time.monotonic()
    while not samples or samples[-1][0] < seconds:
        count = t.kafka.count(topic)
        samples.append((time.monotonic() - began, count))
        time.sleep(every)
    return samples


def measured(samples):
    """Lines per second by a straight line through all samples, so that one late one does little."""
    times, counts = zip(*samples)
    middle, mean = sum(times) / len(times), sum(counts) / len(counts)
    return sum((x - middle) * (y - mean) for x, y in samples) / sum(
        (x - middle) ** 2 for x in times
    )


@case(
    "send_rate is kept within 2 % or one line over 10 s, for slow, usual and fast rates",
    needs=["kafka", "etcd"],
    alone=True,
)
def accuracy(t):
    etcd, agent = t.etcd(), None
    rates = [1, 10, 333, 5000, 50_000]
    topics = {rate: t.topic(f"r{rate}") for rate in rates}
    for rate in rates:
        append(t.log(f"{rate}.log"), lines(rate * 16 + 10, str(rate), 60))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log(f"{rate}.log"), topics[rate], send_rate=rate) for rate in rates])
    for rate in rates:
        t.kafka.wait_count(topics[rate], 1)
    time.sleep(1)  # past the burst of the beginning
    began = time.monotonic()
    first = {rate: (time.monotonic(), t.kafka.count(topics[rate])) for rate in rates}
    samples = {rate: [] for rate in rates}
    while time.monotonic() - began < 10:
        for rate in rates:
            samples[rate].append((time.monotonic() - began, t.kafka.count(topics[rate])))
        time.sleep(0.05)
    wrong = []
    for rate in rates:
        seconds = samples[rate][-1][0] - (first[rate][0] - began)
        sent = samples[rate][-1][1] - first[rate][1]
        # Samples are taken while batches are under way, hence the straight line for fast rates.
        found = measured(samples[rate]) if rate >= 100 else sent / seconds
        if abs(found - rate) > max(0.02 * rate, 1.05 / seconds):
            wrong.append(f"{rate}/s came as {found:.2f}/s")
    assert not wrong, wrong
    entry = agent.file(t.log("333.log"))
    assert entry["state"] == "throttled" and entry["throttled_seconds"] > 5, entry
    assert abs(entry["lines_per_s"] - 333) < 34, entry


@case("send_rate_bytes is kept, beside the line limit", needs=["kafka", "etcd"], alone=True)
def byte_rate(t):
    etcd, topic = t.etcd(), t.topic()
    size = append(t.log(), lines(40_000, "b", 99)) and 100  # with its line end
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log(), topic, send_rate_bytes=200_000, send_rate=1_000_000)])
    t.kafka.wait_count(topic, 1000)
    rate = measured(arrivals(t, topic, 8)) * size
    assert abs(rate - 200_000) < 0.03 * 200_000, f"{rate:.0f} bytes/s"


@case("a throttled file does not slow its neighbour", needs=["kafka", "etcd"], alone=True)
def neighbour(t):
    etcd, slow, fast = t.etcd(), t.topic("slow"), t.topic("fast")
    append(t.log("slow.log"), lines(200_000, "slow", 200))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log("slow.log"), slow, send_rate=10), target(t.log("fast.log"), fast)])
    t.kafka.wait_count(slow, 5)
    began = time.monotonic()
    append(t.log("fast.log"), lines(200_000, "fast", 200))
    t.kafka.wait_count(fast, 200_000, 20)
    assert time.monotonic() - began < 6 * t.patience
    worst = 0
    for number in range(20):  # single lines pass at once, too
        began = time.monotonic()
        append(t.log("fast.log"), lines(1, "single", first=number))
        t.kafka.wait_count(fast, 200_001 + number, 5)
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.5 * t.patience, f"a line took {worst:.3f} s"
    assert t.kafka.count(slow) < 10 * 40


@case(
    "a changed rate applies at once, without opening the file again",
    needs=["kafka", "etcd"],
    alone=True,
)
def changed_rate(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(100_000, "x", 80))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic, send_rate=100)])
    t.kafka.wait_count(topic, 100)
    before = agent.file(log)
    agent.put([target(log, topic, send_rate=2000)])
    rate = measured(arrivals(t, topic, 4))
    assert abs(rate - 2000) < 100, f"{rate:.0f} lines/s"
    agent.put([target(log, topic, send_rate=50)])
    time.sleep(0.5)  # what was under way
    rate = measured(arrivals(t, topic, 4))
    assert abs(rate - 50) < 8, f"{rate:.0f} lines/s"
    after = agent.file(log)
    assert (after["inode"], after["generation"]) == (before["inode"], before["generation"])
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 100_000, 15)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(100_000, "x", 80))


@case(
    "max_send_rate_bytes limits the host and is shared fairly", needs=["kafka", "etcd"], alone=True
)
def host_ceiling(t):
    etcd, topics = t.etcd(), [t.topic(f"{number}") for number in range(3)]
    for number, topic in enumerate(topics):
        append(t.log(f"{number}.log"), lines(60_000, str(number), 99))
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini={"max_send_rate_bytes": 300_000}).start()
    agent.put([target(t.log(f"{number}.log"), topic) for number, topic in enumerate(topics)])
    for topic in topics:
        t.kafka.wait_count(topic, 300)
    began, before = time.monotonic(), [t.kafka.count(topic) for topic in topics]
    time.sleep(8)  # the time over which the rate is measured
    seconds = time.monotonic() - began
    rates = [(t.kafka.count(topic) - count) * 100 / seconds for topic, count in zip(topics, before)]
    assert abs(sum(rates) - 300_000) < 0.05 * 300_000, rates
    assert min(rates) > 0.7 * max(rates), rates


@case(
    "a stop does not wait for a throttled file, and the rest comes after the start", needs=["kafka"]
)
def stop_throttled(t):
    topic, log = t.topic(), t.log()
    append(log, lines(3000))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", log, "--topic", topic, "--start", "start", "--rate", "500"],
    ).start()
    t.kafka.wait_count(topic, 500)
    began = time.monotonic()
    assert agent.stop() in (0, 3)
    assert time.monotonic() - began < 3 * t.patience
    agent.start()
    t.kafka.wait_count(topic, 3000, 20)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(3000))


@case("a line passes from the file to Kafka in well under a second", needs=["kafka"], alone=True)
def latency(t):
    topic = t.topic()
    agent = t.agent(kafka=t.kafka, arguments=["--file", t.log(), "--topic", topic]).start()
    agent.wait_file(t.log(), "waiting")
    # The first line after a start also waits for the producer's id, which the client asks for every
    # 500 ms until a broker answers; that is not the latency this is about.
    append(t.log(), lines(1))
    t.kafka.wait_count(topic, 1, 5)
    worst = 0
    for number in range(1, 51):
        began = time.monotonic()
        append(t.log(), lines(1, first=number))
        t.kafka.wait_count(topic, number + 1, 5)
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.5 * t.patience, f"a line took {worst:.3f} s"


@case(
    "live_first: new lines pass a backlog at once, kill -9 loses nothing of either",
    needs=["kafka", "etcd"],
    alone=True,
)
def live_first(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    written = append(log, lines(100_000, "old", 80))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    wanted = target(log, topic, send_rate=2000, start="start", overload="live_first")
    agent.put([wanted])
    agent.wait("the backlog is passed over", lambda: agent.file(log)["hole_bytes"] > 5_000_000)

    def send_new(number):
        """New lines arrive though the backlog would take most of a minute."""
        new = lines(20, f"new{number}", 80)
        size = log.stat().st_size + len(new) * 81
        written.extend(append(log, new))
        agent.wait(
            "the new lines are acknowledged", lambda: agent.file(log)["acked_offset"] == size, 5
        )
        return agent.file(log)["hole_bytes"]

    left = [send_new(number) for number in range(5)]
    assert left == sorted(left, reverse=True) and left[-1] > 1_000_000, left
    ledger = agent.status()["ledger"]
    classes = sum(value for name, value in ledger.items() if name != "lines")
    assert classes == log.stat().st_size, (classes, ledger)
    agent.kill9()
    agent.start()
    agent.wait("the hole is known again", lambda: 0 < agent.file(log)["hole_bytes"] <= left[0])
    left = [send_new(number) for number in range(5, 10)]
    assert left == sorted(left, reverse=True) and left[-1] > 0, left
    agent.put([dict(wanted, send_rate=0)])
    agent.wait("the hole is filled", lambda: agent.file(log)["hole_bytes"] == 0)
    assert agent.stop() == 0
    arrived = [record.value for record in t.kafka.read(topic)]
    assert sorted(set(arrived)) == sorted(written), (len(set(arrived)), len(written))
    # What was acknowledged within the second before the kill, and what was in flight.
    assert len(arrived) - len(written) < 2 * 2000, len(arrived)
