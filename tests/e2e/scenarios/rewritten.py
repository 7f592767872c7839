"""Files whose bytes are replaced under the agent's eyes, or while it blinks."""

import os
import shutil
import signal

from harness.case import case
from harness.logs import append, expect_exactly, lines


def follow(t, topic, log):
    return t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])


def all_acked(agent, log):
    entry = agent.file(log)
    return entry["acked_offset"] == entry["size"] == log.stat().st_size


@case(
    "copied, truncated and grown past the position between two looks: what is missing is counted",
    needs=["kafka"],
)
def regrown(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log).start()
    first = append(log, lines(1000, "first"))
    t.kafka.wait_count(topic, 1000)
    agent.child.signal(signal.SIGSTOP)
    unread = append(log, lines(200, "unread"))
    shutil.copyfile(log, log.with_name("app.log.1"))
    os.truncate(log, 0)
    second = append(log, lines(3000, "second"))
    agent.child.signal(signal.SIGCONT)
    t.kafka.wait_count(topic, 4000)
    agent.wait("everything is acknowledged", lambda: all_acked(agent, log))
    agent.wait("nothing is in flight", lambda: not agent.status()["ledger"]["in_flight"])
    ledger = agent.status()["ledger"]
    assert agent.stop() == 0
    values = [record.value for record in t.kafka.read(topic)]
    found = [value for value in values if value in set(unread)]
    assert [value for value in values if value not in set(unread)] == first + second
    assert found == unread[: len(found)], "what was saved of the copy has holes"
    lost = sum(len(line) + 1 for line in unread[len(found) :])
    assert ledger["truncated_away"] == lost, (ledger, lost)


@case(
    "a log that is deleted and made again, often with the same inode, is read from its beginning",
    needs=["kafka"],
)
def same_inode(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log).start()
    wanted = []
    for number in range(8):
        wanted += append(log, lines(50, f"life {number}"))
        t.kafka.wait_count(topic, len(wanted))
        assert agent.stop() == 0  # so that nobody holds the inode
        log.unlink()
        wanted += append(log, lines(100, f"life {number}, while stopped"))
        agent.start()
        t.kafka.wait_count(topic, len(wanted))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case("a log that begins like the one before it is not taken for it", needs=["kafka"])
def equal_heads(t):
    topic, log = t.topic(), t.log()
    banner = lines(100, "the same banner", 60)
    agent = follow(t, topic, log).start()
    wanted = append(log, banner + lines(10, "one"))
    t.kafka.wait_count(topic, len(wanted))
    log.rename(log.with_name("app.log.1"))
    wanted += append(log, banner + lines(10, "two"))
    t.kafka.wait_count(topic, len(wanted))
    assert agent.stop() == 0
    log.rename(log.with_name("app.log.2"))
    wanted += append(log, banner + lines(10, "three"))
    agent.start()
    t.kafka.wait_count(topic, len(wanted))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case(
    "what was written and deleted while the agent was down is gone, the new log is read from 0",
    needs=["kafka"],
)
def deleted_while_down(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log).start()
    first = append(log, lines(100, "first"))
    agent.wait_file(log, "tailing")
    agent.wait("it is acknowledged", lambda: all_acked(agent, log))
    agent.child.signal(signal.SIGSTOP)
    append(log, lines(50, "nobody saw these"))
    agent.kill9()
    log.unlink()
    second = append(log, lines(100, "second"))
    agent.start()
    t.kafka.wait_count(topic, 200)
    append(log, lines(1, "last"))
    t.kafka.wait_count(topic, 201)
    agent.wait("nothing is in flight", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    values = list(dict.fromkeys(record.value for record in t.kafka.read(topic)))
    assert values == first + second + lines(1, "last")


@case(
    "the known rest of a file that was deleted while the agent was down stands in the ledger",
    needs=["kafka"],
    full=True,
)
def vanished(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log)
    agent.arguments += ["--rate", "100"]
    append(log, lines(2000, "slow"))
    agent.start()
    agent.wait("some lines are acknowledged", lambda: agent.file(log)["acked_offset"] > 0)
    assert agent.stop() == 0
    acked = sum(len(record.value) + 1 for record in t.kafka.read(topic))
    size = log.stat().st_size
    log.unlink()
    agent.start()
    ledger = agent.wait(
        "the loss is counted",
        lambda: agent.status()["ledger"]["vanished"] and agent.status()["ledger"],
        120,  # a minute is left for finding it under another name
    )
    assert ledger["vanished"] == size - acked, (ledger, size, acked)
