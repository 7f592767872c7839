"""etcd down, killed or wiped: what was applied goes on."""

import json
import time

from harness.agent import target
from harness.case import case
from harness.logs import Writer, append, expect_exactly, lines
from harness.process import holds


@case(
    "etcd down at the start: the last good copy is used, and etcd's changes after its return",
    needs=["kafka", "etcd"],
)
def down_at_start(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(100))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 100)
    assert agent.status()["config"]["source"] == "etcd"
    assert agent.stop() == 0
    etcd.kill9()
    append(log, lines(100, first=100))
    agent.start()
    t.kafka.wait_count(topic, 200)
    assert agent.status()["config"]["source"] == "disk"
    etcd.restart()
    agent.wait("etcd is used again", lambda: agent.status()["config"]["source"] == "etcd", 15)
    agent.put([target(log, topic, send_rate=77)])
    assert agent.file(log)["send_rate"] == 77
    append(log, lines(100, first=200))
    t.kafka.wait_count(topic, 300)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(300))


@case(
    "etcd down at the very first start: the agent waits and begins when etcd comes",
    needs=["kafka", "etcd"],
)
def down_at_first_start(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    etcd.kill9()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    holds("it waits", lambda: agent.running() and agent.status()["config"]["state"] == "waiting", 3)
    assert agent.get("/healthz")[0] == 200
    etcd.restart()
    etcd.put(agent.key, [target(log, topic)])
    t.kafka.wait_count(topic, 10, 20)


@case(
    "etcd killed in the middle: lines flow on, and a change made after its return is applied",
    needs=["kafka", "etcd"],
    short=True,
)
def killed_in_the_middle(t):
    etcd, topic = t.etcd(), t.topic()
    writer = t.owns(Writer(t.log(), 500))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 200)
    etcd.kill9()
    t.kafka.wait_count(topic, t.kafka.count(topic) + (10_000 if t.full else 2000), 40)
    assert tailing(agent, t.log())
    etcd.restart()
    began = time.monotonic()
    revision = etcd.put(agent.key, [target(t.log(), topic, send_rate=100_000)])
    agent.wait("the change is applied", lambda: agent.file(t.log())["send_rate"] == 100_000, 15)
    print(f"    applied {time.monotonic() - began:.1f} s after etcd's return, revision {revision}")
    written = writer.stop()
    t.kafka.wait_count(topic, len(written))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), written)


def tailing(agent, log):
    return agent.file(log)["state"] == "tailing"


@case(
    "a wiped etcd stops nothing: collection goes on and the status says config_vanished",
    needs=["kafka", "etcd"],
)
def wiped(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 10)
    etcd.kill9()
    etcd.wipe()
    etcd.restart()
    agent.wait("config_vanished is a problem", lambda: agent.problem("config_vanished"), 40)
    append(log, lines(10, first=10))
    t.kafka.wait_count(topic, 20)
    assert agent.stop() == 0
    agent.start()  # still so after a restart
    append(log, lines(10, first=20))
    t.kafka.wait_count(topic, 30)
    etcd.put(agent.key, [target(log, topic, send_rate=5000)])
    agent.wait(
        "the new value is applied and the problem gone",
        lambda: not agent.problem("config_vanished") and agent.file(log)["send_rate"] == 5000,
        10,
    )
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), lines(30))


@case("compaction while the watch was away: the newest value is applied", needs=["kafka", "etcd"])
def compacted(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    append(log, lines(10))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 10)
    etcd.pause()  # the agent's watch hears nothing of what follows
    etcd.kill9()
    etcd.restart()
    for rate in range(100, 120):
        revision = etcd.put(agent.key, [target(log, topic, send_rate=rate)])
    etcd.compact(revision)
    agent.wait("the newest value is applied", lambda: agent.file(log)["send_rate"] == 119, 35)


@case(
    "_status of the host lies in etcd under a lease and disappears with the agent",
    needs=["kafka", "etcd"],
)
def status_in_etcd(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic), {"service": "s"}])

    def reported():
        text = etcd.get("/logagent/_status/").get("/logagent/_status/testhost")
        return text and json.loads(text)

    report = agent.wait("the host reports", reported, 5)
    assert len(json.dumps(report)) <= 16384
    agent.wait("the refused entry is in it", lambda: "/1" in json.dumps(reported()), 5)
    assert agent.stop() == 0
    assert not etcd.get("/logagent/_status/"), "the status outlives the agent"
