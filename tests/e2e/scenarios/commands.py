"""Commands from etcd: accepted, carried out, answered; nothing they say widens what is allowed."""

import json
import os
import signal
from pathlib import Path

from harness.agent import target
from harness.case import case
from harness.logs import append, expect_exactly, lines
from harness.process import wait_for


def ulid(number):
    return f"01J{number:023d}"


class Desk:
    """Gives commands to one agent and reads its answers."""

    def __init__(self, agent, host="testhost"):
        self.agent = agent
        self.etcd = agent.etcd
        self.host = host
        self.given = 0

    def key(self, name, kind="_cmd"):
        return f"/logagent/{kind}/{self.host}/{name}"

    def give(self, command, arguments=None, **more):
        self.given += 1
        name = ulid(self.given)
        value = {
            "instance": self.agent.status()["instance"],
            "command": command,
            "arguments": arguments or {},
            **more,
        }
        self.etcd.put(self.key(name), value)
        return name

    def result(self, name):
        found = self.etcd.get(self.key(name, "_result"))
        return json.loads(found[self.key(name, "_result")])

    def pending(self):
        return list(self.etcd.get(self.key("")))

    def wait(self, name, *states, seconds=30.0, probe=None):
        """Waits until the answer has one of the states and, if given, `probe` likes it."""

        def look():
            answer = self.result(name)
            if answer["state"] in states and (probe is None or probe(answer)):
                return answer
            raise KeyError(json.dumps(answer))

        return self.agent.wait(f"{name} is {' or '.join(states)}", look, seconds)

    def call(self, command, arguments=None, **more):
        """The final answer."""
        return self.wait(self.give(command, arguments, **more), "done", "failed")


def pairs(records):
    return [(record.key, record.value) for record in records]


def collecting(t, count, topic, log, **options):
    """An agent that has collected `count` lines of the log."""
    wanted = append(log, lines(count, "line", 60))
    agent = t.agent(kafka=t.kafka, etcd=t.etcd(), **options).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, count)
    agent.wait(
        "all is acknowledged",
        lambda: agent.file(log)["acked_offset"] == log.stat().st_size,
    )
    return agent, wanted


@case(
    "a replay by command has the keys of the first sending and exact counts",
    needs=["kafka", "etcd"],
    short=True,
)
def replay(t):
    topic, log = t.topic(partitions=3), t.log()
    agent, _ = collecting(t, 3000, topic, log)
    first = t.kafka.read(topic)
    before = agent.file(log)
    desk = Desk(agent)
    name = desk.give("replay", {"path": str(log), "offset": "0:", "same_topic": True})
    answer = desk.wait(name, "done", "failed")
    assert answer["state"] == "done", answer
    progress = answer["progress"]
    size = log.stat().st_size
    assert progress["records"] == 3000, answer
    assert (progress["bytes"], progress["acked"], progress["total_bytes"]) == (size,) * 3, answer
    assert answer["plan"]["topic"] == topic, answer
    assert t.kafka.count(topic) == 6000
    assert pairs(t.kafka.read(topic)[3000:]) == pairs(first)
    after = agent.file(log)
    assert (after["generation"], after["acked_offset"]) == (
        before["generation"],
        before["acked_offset"],
    )
    assert agent.status()["ledger"]["acked"] == size
    assert desk.pending() == [], "an answered command is still there"
    # The answer is known: the same command once more is not carried out again.
    desk.etcd.put(
        desk.key(name),
        {"command": "replay", "arguments": {"path": str(log), "offset": "0:", "same_topic": True}},
    )
    assert desk.call("rescan")["state"] == "done"
    assert t.kafka.count(topic) == 6000
    # A plan alone sends nothing.
    plan = desk.call("replay", {"path": str(log), "last": 1000, "topic": topic, "dry_run": True})
    assert plan["state"] == "done" and plan["plan"]["bytes"] >= 1000, plan
    assert t.kafka.count(topic) == 6000


@case(
    "a replay by command goes on after kill -9 of the agent, and ends with exact counts",
    needs=["kafka", "etcd"],
)
def killed(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, wanted = collecting(t, 4000, topic, log)
    size = log.stat().st_size
    desk = Desk(agent)
    arguments = {"path": str(log), "last": "1G", "topic": again, "rate": 400}
    name = desk.give("replay", arguments)
    waiting = desk.give("replay", {**arguments, "rate": 0})
    desk.wait(name, "running", probe=lambda answer: answer["progress"]["records"] >= 500)
    assert desk.result(waiting)["state"] == "accepted"
    agent.kill9()
    sent = t.kafka.count(again)
    assert 500 <= sent < 4000, sent
    append(log, lines(1000, "later", 60))  # no part of what was ordered
    agent.start()
    answer = desk.wait(name, "done", "failed", seconds=60)
    assert answer["state"] == "done", answer
    progress = answer["progress"]
    assert (progress["records"], progress["bytes"]) == (4000, size), answer
    records = t.kafka.read(again)
    first = {record.key: record.value for record in records}
    assert [first[key] for key in sorted(first, key=lambda key: json.loads(key)[4])][:4000] == wanted
    # What was sent twice is what was under way at the end, not all of it.
    answer = desk.wait(waiting, "done", "failed")
    assert answer["state"] == "done" and answer["progress"]["records"] >= 4000, answer
    ours = len(records) if len(records) < 8000 else None
    assert ours is None or ours < 4000 + 1500, ours
    assert desk.pending() == []


@case(
    "a replay that was under way when the agent stopped goes on at the next start",
    needs=["kafka", "etcd"],
)
def stopped(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, wanted = collecting(t, 3000, topic, log)
    desk = Desk(agent)
    name = desk.give("replay", {"path": str(log), "offset": "0:", "topic": again, "rate": 500})
    desk.wait(name, "running", probe=lambda answer: answer["progress"]["records"] >= 500)
    assert agent.stop() == 0
    sent = t.kafka.count(again)
    assert sent < 3000
    assert desk.result(name)["state"] == "running"
    agent.start()
    answer = desk.wait(name, "done", "failed", seconds=60)
    assert answer["state"] == "done" and answer["progress"]["records"] == 3000, answer
    # A stop in good order repeats nothing.
    expect_exactly(t.kafka.read(again), wanted)


def process_of(agent):
    """The pid of the replay's process; None while there is none."""
    pid = agent.pid()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


@case(
    "a replay whose process is told to end goes on; one whose process dies fails",
    needs=["kafka", "etcd"],
)
def process_ends(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, wanted = collecting(t, 2000, topic, log)
    desk = Desk(agent)
    arguments = {"path": str(log), "offset": "0:", "topic": again, "rate": 400}
    name = desk.give("replay", arguments)
    t.kafka.wait_count(again, 100)
    os.kill(process_of(agent), signal.SIGTERM)  # as systemd does it, which tells every process
    answer = desk.wait(name, "done", "failed")
    assert answer["state"] == "done" and answer["progress"]["records"] == 2000, answer
    expect_exactly(t.kafka.read(again), wanted)
    name = desk.give("replay", arguments)
    t.kafka.wait_count(again, 2100)
    os.kill(process_of(agent), signal.SIGKILL)
    answer = desk.wait(name, "done", "failed")
    assert answer["code"] == "process" and "signal 9" in answer["text"], answer
    assert process_of(agent) is None
    # Nothing of it is left behind when the agent is killed.
    name = desk.give("replay", arguments)
    child = agent.wait("it runs again", lambda: process_of(agent))
    agent.kill9()
    wait_for("the process is gone", lambda: not Path(f"/proc/{child}").exists())


@case("deleting a command cancels its replay, also while the agent is down", needs=["kafka", "etcd"])
def cancelled(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, wanted = collecting(t, 5000, topic, log)
    desk = Desk(agent)
    arguments = {"path": str(log), "offset": "0:", "topic": again, "rate": 300}
    name, behind = desk.give("replay", arguments), desk.give("replay", arguments)
    desk.wait(name, "running", probe=lambda answer: answer["progress"]["records"] >= 100)
    desk.etcd.delete(desk.key(behind))
    answer = desk.wait(behind, "failed")
    assert answer["code"] == "cancelled" and "progress" not in answer, answer
    desk.etcd.delete(desk.key(name))
    answer = desk.wait(name, "failed")
    assert answer["code"] == "cancelled", answer
    sent = answer["progress"]["records"]
    assert 100 <= sent < 5000, answer
    # Counted is what was acknowledged, and nothing comes behind it.
    expect_exactly(t.kafka.read(again), wanted[:sent])

    name = desk.give("replay", arguments)
    desk.wait(name, "running", probe=lambda answer: answer["progress"]["records"] >= 100)
    agent.kill9()
    desk.etcd.delete(desk.key(name))
    agent.start()
    assert desk.wait(name, "failed")["code"] == "cancelled"
    assert desk.pending() == []


@case("no command reads or sends what the local file does not allow", needs=["kafka", "etcd"])
def denied(t):
    topic, other, log = t.topic(), t.topic("other"), t.log()
    secret = t.directory / "elsewhere" / "secret.log"
    secret.parent.mkdir()
    append(secret, lines(10, "secret"))
    (log.parent / "link.log").symlink_to(secret)
    agent, _ = collecting(
        t, 10, topic, log, ini={"allow_paths": log.parent, "allow_topics": f"{topic}, sub-*"}
    )
    desk = Desk(agent)
    for path in (secret, log.parent / "link.log", log.parent / ".." / "elsewhere" / "secret.log"):
        answer = desk.call("replay", {"path": str(path), "offset": "0:", "topic": topic})
        assert answer["state"] == "failed" and answer["code"] == "refused", answer
        assert "allow_paths" in answer["text"], answer
    answer = desk.call("replay", {"path": str(log), "offset": "0:", "topic": other})
    assert answer["code"] == "refused" and "allow_topics" in answer["text"], answer
    answer = desk.call("replay", {"path": str(log), "offset": "99999:", "topic": topic})
    assert answer["code"] == "refused" and "is behind" in answer["text"], answer
    assert t.kafka.count(topic) == 10 and t.kafka.count(other) == 0

    answer = desk.call("paths", {"glob": str(t.directory / "**" / "*.log")})
    assert [entry["path"] for entry in answer["paths"]] == [str(log)], answer
    answer = desk.call("paths", {"glob": str(secret)})
    assert answer["state"] == "done" and answer["paths"] == [], answer


@case("hundreds of commands at once are all answered", needs=["kafka", "etcd"])
def many(t):
    agent = t.agent(kafka=t.kafka, etcd=t.etcd()).start()
    desk = Desk(agent)
    names = [desk.give("explode") for _ in range(300)]
    for name in names:
        assert desk.wait(name, "failed")["code"] == "unknown_command"
    assert desk.pending() == []


@case("paths lists what a glob reaches, with sizes, up to a limit", needs=["kafka", "etcd"])
def paths(t):
    agent = t.agent(kafka=t.kafka, etcd=t.etcd()).start()
    for number in range(20):
        append(t.log(f"{number:02}.log"), lines(number + 1, "line", 9))
    desk = Desk(agent)
    every = str(t.log().parent / "*.log")
    answer = desk.call("paths", {"glob": every})
    assert answer["state"] == "done" and answer["more"] is False, answer
    listed = answer["paths"]
    assert [entry["path"] for entry in listed] == [str(t.log(f"{n:02}.log")) for n in range(20)]
    assert [entry["size"] for entry in listed] == [
        t.log(f"{n:02}.log").stat().st_size for n in range(20)
    ]
    answer = desk.call("paths", {"glob": every, "limit": 7})
    assert len(answer["paths"]) == 7 and answer["more"] is True, answer


@case("rescan looks at everything and says when it has", needs=["kafka", "etcd"])
def rescan(t):
    topic, log = t.topic(), t.log()
    agent, _ = collecting(t, 10, topic, log)
    answer = Desk(agent).call("rescan")
    assert answer["state"] == "done" and answer["files"] == 1, answer


@case(
    "forget stops targets whose key has vanished with a wiped etcd, for good",
    needs=["kafka", "etcd"],
)
def forget(t):
    topic, log = t.topic(), t.log()
    agent, _ = collecting(t, 10, topic, log)
    etcd = agent.etcd
    desk = Desk(agent)
    assert desk.call("forget")["forgotten"] is False
    etcd.stop()
    etcd.wipe()
    etcd.restart()
    agent.wait("it says so", lambda: agent.problem("config_vanished"), 60)
    assert agent.file(log)["state"] == "tailing"
    answer = desk.call("forget")
    assert answer["state"] == "done" and answer["forgotten"] is True, answer
    agent.wait("no file is collected", lambda: not agent.status()["files"])
    assert agent.problem("config_vanished") is None
    # Nor would a start without etcd bring it back.
    copy = agent.directory / "state" / "last_good.json"
    assert str(log) not in copy.read_text(), copy.read_text()


@case("what is no command fails with a code and a text, and nothing else stops", needs=["kafka", "etcd"])
def mistakes(t):
    topic, log = t.topic(), t.log()
    agent, wanted = collecting(t, 10, topic, log)
    desk = Desk(agent)
    good = {"path": str(log), "offset": "0:", "topic": topic}
    for command, arguments, code, part in (
        ("explode", {}, "unknown_command", "explode"),
        ("tap", {"path": str(log)}, "not_supported", "not supported yet"),
        ("replay", {}, "arguments", "/arguments/path"),
        ("replay", {**good, "path": "app.log"}, "arguments", "absolute"),
        ("replay", {**good, "offset": "5"}, "refused", "--offset"),
        ("replay", {**good, "last": 5}, "arguments", "which part"),
        ("replay", {**good, "same_topic": True}, "arguments", "where to"),
        ("replay", {**good, "rate": -1}, "arguments", "/arguments/rate"),
        ("replay", {**good, "sudo": True}, "arguments", "/arguments/sudo"),
        ("replay", {**good, "topic": "not-there"}, "refused", "does not exist"),
        ("replay", {**good, "path": str(log) + "\n--rate"}, "refused", "no such file"),
        ("paths", {"glob": "*.log"}, "arguments", "absolute"),
        ("rescan", {"x": 1}, "arguments", "/arguments/x"),
    ):
        answer = desk.call(command, arguments)
        assert answer["state"] == "failed" and answer["code"] == code, answer
        assert part in answer["text"], answer
    answer = desk.call("rescan", instance="another")
    assert answer["code"] == "other_instance", answer
    for value, code in ((b"{", "syntax"), (b"[]", "syntax"), (b"x" * 1_000_000, "too_large")):
        desk.given += 1
        name = ulid(desk.given)
        desk.etcd.put(desk.key(name), value)
        assert desk.wait(name, "failed")["code"] == code
    assert t.kafka.count(topic) == 10
    wanted += append(log, lines(10, "new"))
    t.kafka.wait_count(topic, 20)
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case("a replay by command is kept within the host's ceiling", needs=["kafka", "etcd"], alone=True)
def ceiling(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, _ = collecting(t, 2000, topic, log, ini={"max_send_rate_bytes": 80_000})
    desk = Desk(agent)
    answer = desk.call("replay", {"path": str(log), "offset": "0:", "topic": again, "rate": 0})
    assert answer["state"] == "done", answer
    size = log.stat().st_size
    took = seconds(answer["ended"]) - seconds(answer["started"])
    assert took >= 0.8 * (size - 10_000) / 20_000, (took, size)
    assert t.kafka.count(again) == 2000


def seconds(text):
    hours, minutes, rest = text[11:-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


@case("a stuck etcd does not stop a replay, and the answer comes when it is back", needs=["kafka", "etcd"])
def etcd_away(t):
    topic, again, log = t.topic(), t.topic("again"), t.log()
    agent, wanted = collecting(t, 2000, topic, log)
    desk = Desk(agent)
    name = desk.give("replay", {"path": str(log), "offset": "0:", "topic": again, "rate": 300})
    t.kafka.wait_count(again, 100)
    agent.etcd.stop()
    assert t.kafka.count(again) < 2000, "etcd went away too late for this test"
    t.kafka.wait_count(again, 2000)
    agent.etcd.restart()
    answer = desk.wait(name, "done", "failed", seconds=60)
    assert answer["state"] == "done" and answer["progress"]["records"] == 2000, answer
    expect_exactly(t.kafka.read(again), wanted)
