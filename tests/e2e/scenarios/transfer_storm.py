"""Kafka to Storm: each batch is acknowledged by the topology, or tried again, or a dead letter."""

import collections
import json

from harness.case import Skipped, case
from harness.process import wait_for
from harness.storm import Storm, Storm1
from harness.transfer import Transfer, produce


def storm_for(t, kind=Storm, settings=()):
    storm = kind(t.directory / kind.name, settings)
    try:
        return t.owns(storm.start())
    except (RuntimeError, OSError) as error:
        raise Skipped(f"no {kind.name}: {error}") from None


def begin(t, url, topic, function, more="", name="transfer"):
    transfer = Transfer(
        t.binary,
        t.directory / name,
        f"""kafka_addr = {t.kafka.address}
[sink.storm]
type = storm
url = {url}
[route.r]
topics = {topic}
sink = storm
function = {function}
batch_age = 100
{more}
""",
    )
    t.owns(transfer)
    return transfer.start()


def lines(count, size=0):
    return [f"line {number:06} {'x' * size}" for number in range(count)]


def messages(batches):
    """How often the worker saw each line."""
    return collections.Counter(
        one["message"] for batch in batches for one in batch["records"]
    )


def all_settled(transfer, count, records="accepted"):
    def done():
        one = transfer.route("r")
        lag = [part["lag"] for part in one["partitions"]]
        return one["records"][records] >= count and lag and set(lag) == {0}

    transfer.wait(f"{count} are {records} and committed", done, 60)


@case(
    "a topology gets each record in batches with a name; a 2 MiB backlog goes in frames it can read",
    needs=["kafka", "storm"],
    short=True,
)
def acknowledged(t):
    storm, topic = storm_for(t), t.topic(partitions=2)
    wanted = lines(2000, 1000)
    produce(t.kafka, topic, wanted[:1200], 0)
    produce(t.kafka, topic, wanted[1200:], 1)
    transfer = begin(t, storm.url, topic, "ok").wait_ready()
    all_settled(transfer, len(wanted))
    assert transfer.stop() == 0
    batches = storm.batches("ok")
    seen = messages(batches)
    assert set(seen) == set(wanted) and set(seen.values()) == {1}
    for batch in batches:
        offsets = [one["kafka"]["offset"] for one in batch["records"]]
        partition = batch["records"][0]["kafka"]["partition"]
        assert batch["batch_id"] == f"{topic}+{partition}+{offsets[0]}+{offsets[-1]}"
        assert batch["route"] == "r" and offsets == sorted(offsets)
    sizes = [len(json.dumps(batch, separators=(",", ":"))) for batch in batches]
    assert max(sizes) <= 512 << 10, max(sizes)


@case(
    "a topology that fails: dead letters after the attempts; a record too large for a frame, too",
    needs=["kafka", "storm"],
)
def failed(t):
    storm, topic = storm_for(t), t.topic()
    dead = f"{topic}.dead"
    t.kafka.create({dead: 1})
    produce(t.kafka, topic, lines(4))
    more = "attempts = 2\ndead_letter_percent = 100"
    transfer = begin(t, storm.url, topic, "fail", more).wait_ready()
    all_settled(transfer, 4, "dead_letters")
    assert transfer.stop() == 0
    letters = t.kafka.read(dead)
    # Halves of a batch end in any order.
    assert sorted(one.value.decode() for one in letters) == lines(4)
    assert all("logagent.reason=failed_request" in one.headers for one in letters)
    names = collections.Counter(batch["batch_id"] for batch in storm.batches("fail"))
    assert set(names.values()) == {2}, names

    topic = t.topic("large")
    dead = f"{topic}.dead"
    t.kafka.create({dead: 1})
    large = "y" * 600_000
    produce(t.kafka, topic, ["before", large, "behind"])
    transfer = begin(t, storm.url, topic, "ok", more, "large").wait_ready()
    all_settled(transfer, 2)
    wait_for("the large one is a dead letter", lambda: t.kafka.count(dead) == 1)
    assert transfer.stop() == 0
    assert set(messages(storm.batches("ok"))) == {"before", "behind"}
    assert t.kafka.read(dead)[0].value.decode() == large


@case(
    "no topology for the function, then one; server and worker killed: nothing is lost",
    needs=["kafka", "storm"],
)
def interrupted(t):
    storm, topic = storm_for(t), t.topic()
    produce(t.kafka, topic, lines(100))
    # Nobody serves it: requests hang until our own time-out.
    transfer = begin(t, storm.url, topic, "nobody", "timeout = 1000").wait_ready()
    transfer.wait(
        "the status asks for a topology",
        lambda: "Does a topology with the function nobody run?" in transfer.route("r")["text"],
        40,
    )
    assert transfer.route("r")["records"]["accepted"] == 0
    assert transfer.stop() == 3

    text = transfer.ini.read_text().split("\n", 2)[2]
    transfer.configure(text.replace("function = nobody", "function = ok"))
    transfer.start().wait_ready()
    all_settled(transfer, 100)

    storm.kill9("worker")
    produce(t.kafka, topic, [f"worker {number}" for number in range(50)])
    transfer.wait("a time-out is told", lambda: transfer.route("r")["text"], 40)
    storm.restart("worker")
    all_settled(transfer, 150)

    storm.kill9("drpc")
    produce(t.kafka, topic, [f"server {number}" for number in range(50)])
    transfer.wait(
        "the lost server is told", lambda: "refused" in transfer.route("r")["text"], 40
    )
    storm.restart("drpc")
    all_settled(transfer, 200)
    assert transfer.stop() == 0
    seen = messages(storm.batches("ok"))
    assert len(seen) == 200
    # A batch may be seen again, then under the name that it had.
    records = {}
    for batch in storm.batches("ok"):
        again = records.setdefault(batch["batch_id"], batch["records"])
        assert again == batch["records"]


@case(
    "of two servers one is stopped: all goes to the other, and it is used again when it is back",
    needs=["kafka", "storm"],
)
def two_servers(t):
    one, topic = storm_for(t), t.topic()
    two = Storm(t.directory / "second")
    t.owns(two.start())
    produce(t.kafka, topic, lines(300))
    urls = f"{one.url}, {two.url}"
    transfer = begin(t, urls, topic, "ok", "batch_records = 10").wait_ready()
    all_settled(transfer, 300)
    assert one.batches("ok") and two.batches("ok")
    one.stop("drpc")
    produce(t.kafka, topic, [f"alone {number}" for number in range(300)])
    all_settled(transfer, 600)
    assert not transfer.route("r")["text"]
    one.restart("drpc")
    before = len(one.batches("ok"))

    def used_again():
        produce(t.kafka, topic, ["more"] * 40)
        return len(one.batches("ok")) > before

    wait_for("the first server is used again", used_again, 60, every=0.5)
    assert transfer.stop() == 0
    seen = messages(one.batches("ok") + two.batches("ok"))
    assert all(f"alone {number}" in seen for number in range(300))


@case(
    "Storm 1 says 500 to everything: records pass, and what hangs or fails is told",
    needs=["kafka", "storm1"],
    full=True,
)
def storm_1(t):
    storm, topic = storm_for(t, Storm1), t.topic()
    produce(t.kafka, topic, lines(500))
    transfer = begin(t, storm.url, topic, "ok").wait_ready()
    all_settled(transfer, 500)
    assert transfer.stop() == 0
    assert len(messages(storm.batches("ok"))) == 500
    other = t.topic()
    produce(t.kafka, other, lines(10))
    transfer = begin(t, storm.url, other, "fail", name="fail").wait_ready()
    transfer.wait("the failure is told", lambda: "HTTP 500" in transfer.route("r")["text"], 40)
    assert transfer.route("r")["records"]["dead_letters"] == 0
    assert transfer.stop() == 3
