"""Kafka to HDFS: each record in exactly one file, whatever ends in between."""

import json
import random
import re
import time

from harness.case import case
from harness.hdfs import Steps, expect_each_once, own_hdfs, ranges, shared_hdfs
from harness.process import holds, wait_for
from harness.transfer import Transfer, produce

LIFE = "HHHHHHHHHHHHHHHHHHHHH"


def keyed(first, count, life="A", size=100):
    """Records of an agent with a time in each line, ten seconds apart from line to line."""
    records = []
    for number in range(first, first + count):
        key = ["h", "s", "/log", LIFE + life, number * size, (number + 1) * size]
        clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_796_000_000 + 10 * number))
        records.append((json.dumps(key, separators=(",", ":")), f"{clock} {life} {number:09}"))
    return records


def lines(records):
    return [value.encode() for _, value in records]


def route_to(t, url, topic, root, more="", sink_more=""):
    # A stop has the time that a name node needs on a machine that does much else.
    return f"""kafka_addr = {t.kafka.address}
shutdown_timeout = 25
[sink.hadoop]
type = hdfs
url = {url}
user = me
{sink_more}
[route.files]
topics = {topic}
sink = hadoop
root = {root}
{more}
"""


def begin(t, url, topic, root, more="", name="transfer", sink_more=""):
    transfer = Transfer(
        t.binary, t.directory / name, route_to(t, url, topic, root, more, sink_more)
    )
    t.owns(transfer)
    return transfer.start()


def read_everything(hdfs, root):
    return sum(len(each) for each in hdfs.published(root).values())


def wait_published(transfer, hdfs, root, count, seconds=60):
    transfer.wait(
        f"{count} lines are published", lambda: read_everything(hdfs, root) >= count, seconds
    )


@case(
    "records become files by hour of their lines, whole and once, in each kind of file",
    needs=["kafka", "hdfs"],
    short=True,
)
def kinds_of_files(t):
    hdfs, records = shared_hdfs(t), keyed(0, 900)  # two and a half hours
    topic = t.topic(partitions=2)
    produce(t.kafka, topic, records[:500], 0)
    produce(t.kafka, topic, records[500:], 1)
    for kind in ("none", "gzip", "zstd"):
        root = f"/{topic}-{kind}"
        more = f"compress = {kind}\nroll_records = 200\nroll_idle = 1"
        text = route_to(t, hdfs.url, topic, root, more).replace(
            "[route.files]", f"[route.files-{kind}]"
        )
        transfer = Transfer(t.binary, t.directory / kind, text)
        t.owns(transfer)
        transfer.start()
        wait_published(transfer, hdfs, root, 900)
        complete = re.findall(
            r"^logagent_transfer_complete_to_timestamp_seconds{(.*)} (\d+)", transfer.metrics(), re.M
        )
        hours = {int(end) % 3600 == 0 and time.time() - int(end) < 7500 for _, end in complete}
        assert len(complete) == 2 and hours == {True}, complete
        assert transfer.stop() == 0
        files = expect_each_once(hdfs, root, lines(records))
        for path, content in files.items():
            hours = {line[:13].replace(b"T", b"/hour=").decode() for line in content}
            assert hours == {path.split("dt=")[1].rsplit("/", 1)[0]}, f"{path}: {hours}"
        for (_, partition), each in ranges(files).items():
            assert each[0][0] == 0 and each[-1][1] == (499, 399)[partition], each
            assert all(end + 1 == begin for (_, end), (begin, _) in zip(each, each[1:])), each
            assert max(last - first for first, last in each) < 200, each
    # Documents instead of lines.
    root = f"/{topic}-ndjson"
    transfer = begin(t, hdfs.url, topic, root, "format = ndjson\nroll_idle = 1")
    wait_published(transfer, hdfs, root, 900)
    assert transfer.stop() == 0
    documents = [json.loads(one) for each in hdfs.published(root).values() for one in each]
    assert sorted(one["message"].encode() for one in documents) == sorted(lines(records))
    assert len({one["event_id"] for one in documents}) == 900


@case(
    "a process that is killed between any two steps of publishing leaves each record in one file",
    needs=["kafka", "hdfs"],
)
def killed_between_steps(t):
    hdfs, topic, root = shared_hdfs(t), t.topic(), f"/{t.new_name('steps')}"
    records = keyed(300, 240)
    produce(t.kafka, topic, records)
    steps = ["LISTSTATUS", "CREATE", "GETFILESTATUS", "MKDIRS", "RENAME"]
    kills = [(op, when) for op in steps for when in ("before", "after")]
    if not t.full:
        kills = [("CREATE", "after"), ("RENAME", "before"), ("RENAME", "after")]
    left, transfer = list(kills), None

    def at(op, path, when):
        if not left or (op, when) != left[0] or not transfer.running():
            return False
        left.pop(0)
        transfer.child.process.kill()
        return True

    proxy = t.owns(Steps(hdfs, at))
    text = route_to(t, proxy.url, topic, root, "roll_records = 60\nroll_idle = 1")
    transfer = Transfer(t.binary, t.directory / "transfer", text)
    t.owns(transfer)
    for number in range(len(kills)):
        transfer.start()
        wait_for(f"kill {kills[number]}", lambda: not transfer.running(), 60)
        transfer.child.process.wait()
    transfer.start()
    wait_published(transfer, hdfs, root, len(records))
    assert transfer.stop() == 0
    assert not left
    expect_each_once(hdfs, root, lines(records))


@case(
    "kills at random moments while records come: each record is in one file",
    needs=["kafka", "hdfs"],
)
def killed_at_random(t):
    hdfs, topic, root = shared_hdfs(t), t.topic(partitions=3), f"/{t.new_name('random')}"
    kills, total = (50, 300_000) if t.full else (3, 30_000)
    draw = random.Random(0)
    transfer = begin(t, hdfs.url, topic, root, "roll_bytes = 40000\nroll_idle = 1")
    records = []
    for number in range(kills):
        for partition in range(3):
            part = keyed(number * total // kills // 3, total // kills // 3, "ABC"[partition])
            produce(t.kafka, topic, part, partition)
            records += part
        before = read_everything(hdfs, root)
        transfer.wait("some is published", lambda: read_everything(hdfs, root) > before, 60)
        time.sleep(draw.random())  # the moment is the test
        transfer.kill9()
        transfer.start()
    wait_published(transfer, hdfs, root, len(records), 120)
    assert transfer.stop() == 0
    expect_each_once(hdfs, root, lines(records))


@case(
    "members come, go and are killed: each record is in one file", needs=["kafka", "hdfs"]
)
def rebalanced(t):
    hdfs, topic, root = shared_hdfs(t), t.topic(partitions=6), f"/{t.new_name('members')}"
    records, more = [], "roll_records = 300\nroll_idle = 1"

    def write(number):
        for partition in range(6):
            part = keyed(number * 1000, 1000, "ABCDEF"[partition])
            produce(t.kafka, topic, part, partition)
            records.extend(part)

    def member(name):
        return begin(t, hdfs.url, topic, root, more, name).wait_ready()

    write(0)
    first = member("first")
    second = member("second")
    write(1)
    wait_for("the second has partitions", lambda: second.route("files")["partitions"], 40)
    write(2)
    first.kill9()
    third = member("third")
    write(3)
    wait_published(third, hdfs, root, len(records), 90)
    assert second.stop() == 0 and third.stop() == 0
    expect_each_once(hdfs, root, lines(records))


@case(
    "a range that was begun is finished under its old layout after the route was changed",
    needs=["kafka", "hdfs"],
)
def changed_layout(t):
    hdfs, topic = shared_hdfs(t), t.topic()
    old, new = f"/{t.new_name('old')}", f"/{t.new_name('new')}"
    records, done = keyed(0, 100), []
    produce(t.kafka, topic, records)
    transfer = None

    def at(op, path, when):
        if op == "RENAME" and when == "after" and not done:
            done.append(path)
            transfer.child.process.kill()
            return True
        return bool(done) and op == "RENAME"

    proxy = t.owns(Steps(hdfs, at))
    text = route_to(t, proxy.url, topic, old, "roll_records = 60\nroll_idle = 3600")
    transfer = Transfer(t.binary, t.directory / "transfer", text)
    t.owns(transfer)
    transfer.start()
    wait_for("it is killed after its first RENAME", lambda: not transfer.running(), 60)
    transfer.child.process.wait()
    transfer.configure(route_to(t, hdfs.url, topic, new, "compress = gzip\nroll_idle = 1"))
    transfer.start()
    wait_published(transfer, hdfs, new, 40)
    assert transfer.stop() == 0
    expect_each_once(hdfs, old, lines(records[:60]))
    files = expect_each_once(hdfs, new, lines(records[60:]))
    assert all(path.endswith(".log.gz") for path in files)


@case(
    "DataNode and NameNode killed, safe mode, a name that is taken: it waits, says why, goes on",
    needs=["kafka", "hdfs"],
)
def faults(t):
    hdfs, topic, root = own_hdfs(t), t.topic(), "/logs"
    records = []

    def write(count=60):
        part = keyed(len(records), count)
        produce(t.kafka, topic, part)
        records.extend(part)

    def published():
        wait_published(transfer, hdfs, root, len(records), 90)

    def stalls(text):
        transfer.wait(
            f"the status says {text}", lambda: text in (transfer.route("files")["text"] or ""), 60
        )

    transfer = begin(t, hdfs.url, topic, root, "roll_records = 60\nroll_idle = 1")
    write()
    published()

    hdfs.kill9("datanode")
    write()
    stalls("Connection refused")
    hdfs.restart("datanode")
    published()

    hdfs.kill9("namenode")
    write()
    stalls("Connection refused")
    hdfs.restart("namenode")
    published()

    hdfs.safe_mode(True)
    write()
    stalls("SafeMode")
    hdfs.safe_mode(False)
    published()

    # The name of the next range, taken by a file of somebody else.
    (where, each), = ranges(hdfs.published(root)).items()
    first = each[-1][1] + 1
    name = f"{where[0]}+{where[1]}+{first:020}+{first + 59:020}.log"
    hour = time.strftime("dt=%Y-%m-%d/hour=%H", time.gmtime(1_796_000_000 + 10 * len(records)))
    taken = f"{root}/{topic}/{hour}/{name}"
    hdfs.create(taken, b"not ours\n")
    write()
    stalls("has that name")
    assert hdfs.read(taken) == b"not ours\n"
    hdfs.delete(taken)
    published()
    assert transfer.route("files")["state"] == "running"
    assert transfer.stop() == 0
    expect_each_once(hdfs, root, lines(records))


@case(
    "a DataNode whose name does not resolve: the status says what to do, the rewrite map cures it",
    needs=["kafka", "hdfs"],
)
def unresolvable(t):
    hdfs, topic = own_hdfs(t, ["dfs.datanode.hostname=dn7.invalid"]), t.topic()
    records = keyed(0, 50)
    produce(t.kafka, topic, records)
    transfer = begin(t, hdfs.url, topic, "/logs", "roll_idle = 1")
    transfer.wait("the status names the host",
                  lambda: "dn7.invalid" in (transfer.route("files")["text"] or ""), 60)
    assert "rewrite" in transfer.route("files")["text"]
    assert transfer.stop() == 3
    more = "rewrite = dn7.invalid=127.0.0.1"
    transfer.configure(route_to(t, hdfs.url, topic, "/logs", "roll_idle = 1", more))
    transfer.start()
    transfer.wait("everything is published", lambda: len(hdfs.files("/logs/" + topic)) > 0, 60)
    assert transfer.stop() == 0
