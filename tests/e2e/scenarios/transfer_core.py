"""`logagent transfer`: what was read is accepted, a dead letter, or read again; nothing else."""

import base64
import collections
import json
import random
import re
import signal
import time
from pathlib import Path

from harness.case import case
from harness.process import Child, free_ports, run, wait_for
from harness.transfer import Transfer, produce, transaction

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "transfer.ini"
GENERATION = "AAAAAAAAAAAAAAAAAAAAA"


def keyed(count, life="A", size=20, first=0):
    """Records of an agent: lines of one life of a file, with their keys."""
    return [
        (
            json.dumps(
                ["h", "s", "/log", GENERATION + life, number * size, (number + 1) * size],
                separators=(",", ":"),
            ),
            f"line {life} {number:09}",
        )
        for number in range(first, first + count)
    ]


def documents(path):
    """All documents of a file sink; the last line may be cut off after a kill."""
    if not path.exists():
        return []
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def places(found):
    """How often each record of Kafka is in a list of documents."""
    return collections.Counter(
        (one["topic"], one["kafka"]["partition"], one["kafka"]["offset"]) for one in found
    )


def everything(kafka, topic):
    return {(topic, one.partition, one.offset) for one in kafka.read(topic)}


def group(topic):
    """A prefix of groups that no other test of this broker has."""
    return "of." + re.sub("[^a-z0-9.]", "-", topic)


def bulky(size):
    """Text that does not shrink when the client compresses it."""
    return base64.b64encode(random.randbytes(size)).decode()[:size]


def file_route(kafka, topic, path, route="r", more=""):
    return f"""kafka_addr = {kafka.address}
group_prefix = {group(topic)}
[sink.out]
type = file
path = {path}
[route.{route}]
topics = {topic}
sink = out
{more}
"""


def start(t, text, name="transfer", arguments=()):
    made = Transfer(t.binary, t.directory / name, text, arguments)
    t.owns(made)
    return made.start()


def settled(transfer, route, wanted):
    """Whether the route has settled so many records and has nothing pending."""
    one = transfer.route(route)
    counts = one["records"]
    pending = sum(part["pending"] for part in one["partitions"])
    done = counts["accepted"] + counts["repeated"] + counts["dead_letters"]
    return done >= wanted and pending == 0


@case("documents are printed, and a second run goes on where the first one stopped",
      needs=["kafka"], short=True)
def printed(t):
    topic = t.topic(partitions=2)
    produce(t.kafka, topic, keyed(100), 0)

    def printing(wanted, name):
        command = ["transfer", "--topic", topic, "--stdout", "--kafka", t.kafka.address]
        one = Transfer(t.binary, t.directory / name, "")
        t.owns(one)
        one.child = Child([t.binary, *command], one.directory / "documents",
                          stderr=open(one.directory / "err", "wb"))
        path = one.directory / "documents"
        one.wait(f"{wanted} documents", lambda: len(documents(path)) >= wanted, 40)
        assert one.stop() == 0
        return documents(path)

    first = printing(100, "first")
    assert len(first) == 100
    assert first[0]["message"] == "line A 000000000" and first[0]["path"] == "/log"
    produce(t.kafka, topic, keyed(50, "B"), 1)
    second = printing(50, "second")
    assert {one["message"][5] for one in second} == {"B"} and len(second) == 50


@case("five kills while records are written and read: nothing is lost", needs=["kafka"])
def killed(t):
    topic, out = t.topic(partitions=3), t.directory / "out.log"
    total = 30_000
    for partition in range(3):
        produce(t.kafka, topic, keyed(total // 3, "ABC"[partition]), partition)
    transfer = start(t, file_route(t.kafka, topic, out))
    for number in range(1, 6):
        wanted = total * number // 7
        transfer.wait("some more is written", lambda: len(documents(out)) >= wanted, 60)
        transfer.kill9()
        transfer.start()
    transfer.wait("all is written", lambda: len(places(documents(out))) == total, 60)
    transfer.wait("all is settled", lambda: [0, 0, 0] == [
        part["lag"] for part in transfer.route("r")["partitions"]], 40)
    assert transfer.stop() == 0
    found = places(documents(out))
    assert set(found) == everything(t.kafka, topic)
    # A graceful stop commits all of it: nothing comes again.
    before = len(documents(out))
    transfer.start().wait_ready()
    produce(t.kafka, topic, keyed(10, "D"), 0)
    transfer.wait("new records are written", lambda: len(documents(out)) >= before + 10)
    assert transfer.stop() == 0
    assert len(documents(out)) == before + 10


@case("members come and go: every record is written once", needs=["kafka"])
def rebalanced(t):
    topic, total = t.topic(partitions=6), 0
    paths = []

    def member(number):
        paths.append(t.directory / f"out{number}.log")
        return start(t, file_route(t.kafka, topic, paths[-1]), f"member{number}").wait_ready()

    def write(life):
        nonlocal total
        for partition in range(6):
            produce(t.kafka, topic, keyed(500, life + "ABCDEF"[partition])[:500], partition)
        total += 3000

    def all_of_them():
        return [one for path in paths for one in documents(path)]

    first = member(0)
    write("")
    second = member(1)
    wait_for("the second has partitions", lambda: second.route("r")["partitions"], 40)
    # The lives of files differ from round to round: else they would be dropped as sent twice.
    for round_, life in enumerate("ab"):
        for partition in range(6):
            records = [
                (key.replace(GENERATION + "ABCDEF"[partition],
                             GENERATION[1:] + life + "ABCDEF"[partition]), value)
                for key, value in keyed(500, "ABCDEF"[partition])
            ]
            produce(t.kafka, topic, records, partition)
        total += 3000
        if round_ == 0:
            third = member(2)
            wait_for("the third has partitions", lambda: third.route("r")["partitions"], 40)
            assert first.stop() == 0
    wait_for("all is written", lambda: len(places(all_of_them())) >= total, 60)
    assert second.stop() == 0 and third.stop() == 0
    found = places(all_of_them())
    assert set(found) == everything(t.kafka, topic) and len(found) == total
    assert max(found.values()) == 1, found.most_common(3)
    assert all(documents(path) for path in paths), "a member did nothing"


@case("the broker is killed and comes back: nothing is lost, and reading goes on",
      needs=["kafka"])
def broker_restarted(t):
    kafka, out = t.own_kafka(["broker.session.timeout.ms=3000"]), t.directory / "out.log"
    kafka.create({"t": 2})
    produce(kafka, "t", keyed(1000), 0)
    transfer = start(t, file_route(kafka, "t", out)).wait_ready()
    transfer.wait("the first are written", lambda: len(documents(out)) == 1000)
    kafka.kill9()
    transfer.wait("the loss of the broker is told", lambda: transfer.route("r")["kafka"], 40)
    kafka.restart()
    wait_for("the broker answers", lambda: kafka.end_offsets("t"), 60)
    produce(kafka, "t", keyed(1000, "B"), 1)
    transfer.wait("the next are written", lambda: len(places(documents(out))) == 2000, 90)
    assert transfer.stop() == 0
    assert set(places(documents(out))) == everything(kafka, "t")


@case("records that an agent sends twice are dropped, also when the first time was before a restart",
      needs=["kafka"], short=True)
def resent(t):
    topic, out = t.topic(), t.directory / "out.log"
    produce(t.kafka, topic, keyed(300), 0)
    produce(t.kafka, topic, keyed(100), 0)  # again
    transfer = start(t, file_route(t.kafka, topic, out)).wait_ready()
    transfer.wait("all is settled", lambda: settled(transfer, "r", 400))
    assert transfer.route("r")["records"]["repeated"] == 100
    assert 'logagent_transfer_repeated_total{route="r"} 100' in transfer.metrics()
    assert transfer.stop() == 0
    produce(t.kafka, topic, keyed(350), 0)  # 300 of them again
    transfer.start().wait_ready()
    transfer.wait("all is settled", lambda: settled(transfer, "r", 350))
    assert transfer.route("r")["records"]["repeated"] == 300
    assert transfer.stop() == 0
    messages = collections.Counter(one["message"] for one in documents(out))
    assert len(messages) == 350 and max(messages.values()) == 1


@case("a topic that is deleted and made anew is read from its beginning", needs=["kafka"])
def made_anew(t):
    topic, out = t.topic(), t.directory / "out.log"
    produce(t.kafka, topic, [f"old {number}" for number in range(50)])
    transfer = start(t, file_route(t.kafka, topic, out)).wait_ready()
    transfer.wait("the old ones are written", lambda: len(documents(out)) == 50)
    transfer.wait("they are committed", lambda: all(
        part["committed"] == 50 for part in transfer.route("r")["partitions"]))
    t.kafka.delete(topic)

    def again():
        try:
            t.kafka.create({topic: 1})
            return True
        except RuntimeError:
            return False

    wait_for("the topic can be made again", again)
    # More than before: the old position would be in the middle of it.
    produce(t.kafka, topic, [f"new {number}" for number in range(80)])
    transfer.wait("the new ones are written", lambda: len(
        {one["message"] for one in documents(out)}) == 130, 90)
    assert transfer.stop() == 0


@case("partitions that are added are read from their beginning, with from = latest too",
      needs=["kafka"])
def partitions_added(t):
    topic, out = t.topic(), t.directory / "out.log"
    produce(t.kafka, topic, ["before"])
    transfer = start(t, file_route(t.kafka, topic, out, more="from = latest")).wait_ready()
    transfer.wait("it has its partition", lambda: transfer.route("r")["partitions"])
    produce(t.kafka, topic, ["after"])
    transfer.wait("the first is written", lambda: len(documents(out)) == 1)
    t.kafka.add_partitions(topic, 3)
    for partition in (1, 2):
        produce(t.kafka, topic, [f"added {partition}"], partition)
    transfer.wait("the added ones are written", lambda: len(documents(out)) == 3, 60)
    assert transfer.stop() == 0
    assert sorted(one["message"] for one in documents(out)) == ["added 1", "added 2", "after"]


@case("records of an aborted transaction are not delivered, and hold nothing up", needs=["kafka"])
def aborted(t):
    topic, out = t.topic(), t.directory / "out.log"
    produce(t.kafka, topic, ["one"])
    transaction(t.kafka, t.new_name("tx"), topic, 0, ["never"] * 10, commit=False)
    transaction(t.kafka, t.new_name("tx"), topic, 0, ["two", "three"], commit=True)
    transfer = start(t, file_route(t.kafka, topic, out)).wait_ready()
    transfer.wait("what was committed is written", lambda: len(documents(out)) == 3)
    transaction(t.kafka, t.new_name("tx"), topic, 0, ["never"], commit=False)
    produce(t.kafka, topic, ["four"])
    transfer.wait("the next is written", lambda: len(documents(out)) == 4)
    assert [one["message"] for one in documents(out)] == ["one", "two", "three", "four"]
    transfer.wait("there is no lag", lambda: transfer.route("r")["partitions"][0]["lag"] == 0)
    assert transfer.stop() == 0


def relay(kafka, topic, target, more=""):
    return f"""kafka_addr = {kafka.address}
group_prefix = {group(topic)}
[sink.there]
type = kafka
kafka_addr = {kafka.address}
[route.relay]
topics = {topic}
sink = there
topic = {target}
{more}
"""


@case("what a sink refuses lies in the dead letter topic, whole, and with its reason; the rest "
      "arrives", needs=["kafka"], short=True)
def dead_letters(t):
    topic, target = t.topic(partitions=2), t.topic("target", max_message_bytes=1000)
    good = keyed(200)
    bad = [(f"bad {number}", bulky(1500)) for number in range(20)]
    for partition in range(2):
        produce(t.kafka, topic, good[partition::2] + bad[partition::2], partition)
    transfer = start(t, relay(t.kafka, topic, target)).wait_ready()
    transfer.wait("all is settled", lambda: settled(transfer, "relay", 220), 60)
    one = transfer.route("relay")
    assert one["records"]["dead_letters"] == 20 and one["records"]["accepted"] == 200
    transfer.wait("it is committed", lambda: all(
        part["committed"] == 110 for part in transfer.route("relay")["partitions"]))
    assert transfer.stop() == 0
    arrived = {(record.key, record.value) for record in t.kafka.read(target)}
    assert arrived == {(key.encode(), value.encode()) for key, value in good}
    t.kafka.partitions[topic + ".dead"] = 2
    letters = t.kafka.read(topic + ".dead")
    assert {(one.key, one.value) for one in letters} == {
        (key.encode(), value.encode()) for key, value in bad
    }
    headers = dict(part.split("=", 1) for part in letters[0].headers.split(","))
    assert headers["logagent.reason"] == "MSG_SIZE_TOO_LARGE"
    assert headers["logagent.route"] == "relay" and headers["logagent.sink"] == "there"
    sources = {part for one in letters for part in one.headers.split(",") if "source" in part}
    dead = {(record.partition, record.offset) for record in t.kafka.read(topic)
            if record.key.startswith(b"bad")}
    assert sources == {f"logagent.source={topic}/{at}/{offset}" for at, offset in dead}

    listed = run([t.binary, "transfer", "-c", transfer.ini, "--dead-letters", topic, "--list"])
    lines = listed.stdout.decode().splitlines()
    assert len(lines) == 21 and "MSG_SIZE_TOO_LARGE" in lines[1], listed.stdout[:500]

    # The target takes more now: what lies there is sent again, and only once.
    t.kafka.alter(target, max_message_bytes=10000)
    for wanted in (20, 0):
        retried = run([t.binary, "transfer", "-c", transfer.ini, "--dead-letters", topic, "--retry"])
        assert f"{wanted} accepted" in retried.stdout.decode(), retried
    assert len(t.kafka.read(target)) == 220


@case("a route whose sink refuses everything stalls instead of draining its topic into dead "
      "letters", needs=["kafka"])
def guarded(t):
    topic, target = t.topic(), t.topic("target", max_message_bytes=200)
    produce(t.kafka, topic, [bulky(500) for _ in range(400)])
    transfer = start(t, relay(t.kafka, topic, target))
    transfer.wait("the route stalls",
                  lambda: "dead_letter_percent" in transfer.route("relay")["text"], 40)
    status, why = transfer.ask("/readyz")
    assert status == 503 and "dead_letter_percent" in why, why
    assert transfer.route("relay")["records"]["dead_letters"] <= 100
    t.kafka.alter(target, max_message_bytes=10000)
    transfer.wait("what was held is accepted", lambda: settled(transfer, "relay", 400), 80)
    assert transfer.stop() == 0
    t.kafka.partitions[topic + ".dead"] = 1
    assert len(t.kafka.read(target)) + len(t.kafka.read(topic + ".dead")) == 400


@case("a sink that is away stalls its own route only, with its memory bounded", needs=["kafka"])
def slow_sink(t):
    topic, out = t.topic(partitions=2), t.directory / "out.log"
    value = "x" * 1000
    for partition in range(2):
        produce(t.kafka, topic, [value] * 20_000, partition)
    text = file_route(t.kafka, topic, out) + f"""
[sink.away]
type = kafka
kafka_addr = 127.0.0.1:{free_ports()}
[route.away]
topics = {topic}
sink = away
topic = nowhere
"""
    transfer = start(t, text.replace("kafka_addr", "in_flight_bytes = 8388608\nkafka_addr", 1))
    transfer.wait("the good route is through", lambda: settled(transfer, "r", 40_000), 90)
    away = transfer.wait("the other one pauses", lambda: (
        transfer.route("away")["pauses"] and transfer.route("away")))
    assert away["state"] == "stalled" and away["text"], away
    assert away["in_flight_bytes"] <= away["in_flight_bytes_most"] + (1 << 20), away
    assert away["records"]["accepted"] == 0
    assert set(places(documents(out))) == everything(t.kafka, topic)
    assert transfer.stop() == 3, "records are pending"


@case("bad routes and sinks are refused one by one, the others run; check explains",
      needs=["kafka"], short=True)
def refused(t):
    topic, out = t.topic(), t.directory / "out.log"
    produce(t.kafka, topic, ["one"])
    text = file_route(t.kafka, topic, out) + """
[sink.odd]
type = hadoop
[route.odd]
topics = ~(
sink = out
[route.lost]
topics = t
sink = odd
"""
    transfer = start(t, text)
    transfer.wait("the good route runs", lambda: len(documents(out)) == 1)
    complaints = "\n".join(transfer.status()["refused"])
    for part in ("sink.odd is not used", "type: 'hadoop'", "route.odd is not used", "topics: '~('",
                 "route.lost is not used", "sink: 'odd'"):
        assert part in complaints, complaints
    assert transfer.ask("/readyz")[0] == 503
    assert transfer.ask("/healthz")[0] == 200
    assert transfer.stop() == 0
    checked = run([t.binary, "check", "-c", transfer.ini], check=False)
    said = checked.stdout.decode()
    assert checked.returncode == 2 and "'hadoop'" in said and "transfer.ini:" in said, said
    good = Transfer(t.binary, t.directory / "good", file_route(t.kafka, topic, out))
    checked = run([t.binary, "check", "-c", good.ini])
    assert "route.r" in checked.stdout.decode(), checked.stdout
    nothing = Transfer(t.binary, t.directory / "nothing", "kafka_addr = 127.0.0.1:1\n").start()
    assert nothing.child.wait(10) == 2
    assert "there is no route" in nothing.output()


@case("routes in etcd are followed: added, changed, refused, removed", needs=["kafka", "etcd"])
def followed(t):
    etcd, topics = t.etcd(), [t.topic("a"), t.topic("b")]
    out = t.directory / "out.log"
    for topic in topics:
        produce(t.kafka, topic, [f"of {topic}"])
    text = f"""kafka_addr = {t.kafka.address}
group_prefix = {group(topics[0])}
etcd_addr = {etcd.address}
[sink.out]
type = file
path = {out}
"""
    transfer = start(t, text)
    key = "/logagent/_transfer/routes/live"
    etcd.put(key, {"topics": topics[:1], "sink": "out"})

    def messages():
        return {one["message"] for one in documents(out)}

    transfer.wait("the route is added", lambda: messages() == {f"of {topics[0]}"}, 40)
    etcd.put(key, {"topics": topics, "sink": "out"})
    transfer.wait("the route is changed", lambda: len(messages()) == 2, 40)
    etcd.put(key, {"topics": topics, "sink": "elsewhere"})
    transfer.wait("a bad value is told", lambda: "elsewhere" in str(transfer.status()["refused"]))
    assert transfer.route("live")["state"] == "running"
    etcd.kill9()
    assert transfer.stop() == 0
    transfer.start()  # from the copy
    transfer.wait("it runs without etcd", lambda: transfer.route("live")["partitions"], 40)
    etcd.restart()
    transfer.wait("etcd is back", lambda: not transfer.status()["etcd"], 40)
    etcd.delete(key)
    transfer.wait("the route is removed", lambda: transfer.route("live") is None, 40)
    assert transfer.stop() == 0
    assert len(documents(out)) == 2, "something was written twice"


@case("an expression takes topics that are made later, and never dead letters", needs=["kafka"])
def pattern(t):
    stem, out = t.new_name("many"), t.directory / "out.log"
    t.kafka.create({stem + ".one": 1, stem + ".one.dead": 1})
    produce(t.kafka, stem + ".one", ["one"])
    produce(t.kafka, stem + ".one.dead", ["never"])
    transfer = start(t, file_route(t.kafka, f"~{stem.replace('.', '[.]')}.*", out)).wait_ready()
    transfer.wait("the first is written", lambda: len(documents(out)) == 1)
    t.kafka.create({stem + ".two": 1})
    produce(t.kafka, stem + ".two", ["two"])
    transfer.wait("the second is written", lambda: len(documents(out)) == 2, 60)
    assert transfer.stop() == 0
    assert {one["message"] for one in documents(out)} == {"one", "two"}


@case("a second signal stops at once, and what was not accepted is read at the next start",
      needs=["kafka"])
def stopped_twice(t):
    topic = t.topic()
    produce(t.kafka, topic, ["x"] * 10)
    text = f"""kafka_addr = {t.kafka.address}
group_prefix = {group(topic)}
shutdown_timeout = 60
[sink.away]
type = kafka
kafka_addr = 127.0.0.1:{free_ports()}
[route.away]
topics = {topic}
sink = away
topic = nowhere
"""
    transfer = start(t, text)
    transfer.wait("records are pending", lambda: sum(
        part["pending"] for part in transfer.route("away")["partitions"]) == 10, 40)
    transfer.child.signal(signal.SIGTERM)
    transfer.wait("it is stopping", lambda: transfer.route("away")["state"] == "stopping")
    began = time.monotonic()
    assert transfer.stop() == 3
    assert time.monotonic() - began < 20 * t.patience
    left = re.findall(r"transfer.left: route away: \S+: (\d+) records from offset", transfer.output())
    assert sum(int(count) for count in left) == 10, transfer.output()


@case("examples/transfer.ini is accepted as it is, and delivers", needs=["kafka"])
def example(t):
    checked = run([t.binary, "check", "-c", EXAMPLE])
    assert "route.web" in checked.stdout.decode(), checked.stdout
    t.kafka.create({"web": 1, "app": 1, "web-copy": 1})
    produce(t.kafka, "web", keyed(20))
    produce(t.kafka, "app", keyed(20, "B"))
    out = t.directory / "archive.ndjson"
    transfer = Transfer(t.binary, t.directory / "transfer", "")
    t.owns(transfer)
    settings = [f"kafka_addr={t.kafka.address}", f"sink.other-cluster.kafka_addr={t.kafka.address}",
                f"sink.archive.path={out}", f"state_dir={t.directory}/state",
                f"status_addr=127.0.0.1:{transfer.port}"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    transfer.child = Child([t.binary, "transfer", "-c", EXAMPLE, *arguments],
                           transfer.directory / "out.log")
    transfer.wait("all is archived", lambda: len(documents(out)) == 40, 40)
    t.kafka.wait_count("web-copy", 20)
    assert transfer.stop() == 0
    assert [one.key for one in t.kafka.read("web-copy")] == [key.encode() for key, _ in keyed(20)]
