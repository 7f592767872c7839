"""kill -9 of transfer while agents send, and send again: each event once in a search, once in files."""

import collections
import json
import random
import time

from harness.case import case
from harness.hdfs import shared_hdfs
from harness.search import OpenSearch
from harness.transfer import Transfer, produce

PARTITIONS = 3
SIZE = 100


def event_id(life, number):
    return f"KKKKKKKKKKKKKKKKKKKKK{life}:{number * SIZE}:{(number + 1) * SIZE}"


def keyed(life, first, count):
    """Records of an agent: one life of a file for each partition."""
    records = []
    for number in range(first, first + count):
        key = ["h", "k", "/log", "KKKKKKKKKKKKKKKKKKKKK" + life, number * SIZE, (number + 1) * SIZE]
        clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_796_000_000 + number // 100))
        records.append((json.dumps(key, separators=(",", ":")), f"{clock} {life} {number:09}"))
    return records


def once(found, wanted, where):
    """`found`: an event_id for each document."""
    counts = collections.Counter(found)
    repeated = [one for one, count in counts.most_common(3) if count > 1]
    assert not repeated, f"{where}: twice: {repeated}"
    missing, foreign = wanted - counts.keys(), counts.keys() - wanted
    assert not missing and not foreign, f"{where}: {len(missing)} missing, {len(foreign)} foreign"


def documents_in(hdfs, root):
    for path in hdfs.files(root):
        if not any(part.startswith("_") for part in path.split("/")):
            for line in hdfs.read(path).splitlines():
                yield json.loads(line)


def settled(transfer):
    """Whether everything in Kafka is final, for both routes."""
    routes = [transfer.route(name) for name in ("search", "files")]
    lags = [part["lag"] for one in routes if one for part in one["partitions"]]
    return len(lags) == 2 * PARTITIONS and set(lags) == {0}


@case(
    "kill -9 while agents send, and send again: each event is found once, and once in the files",
    needs=["kafka", "hdfs"],
)
def killed(t):
    kills, each = (50, 1_000_000 // 50 // PARTITIONS) if t.full else (5, 2000)
    search, hdfs = t._server(OpenSearch(t.directory / "opensearch")), shared_hdfs(t)
    topic, root = t.topic(partitions=PARTITIONS), f"/{t.new_name('kills')}"
    transfer = Transfer(
        t.binary,
        t.directory / "transfer",
        f"""kafka_addr = {t.kafka.address}
[sink.find]
type = elasticsearch
url = http://{search.address}
[sink.hadoop]
type = hdfs
url = {hdfs.url}
user = me
[route.search]
topics = {topic}
sink = find
index = logs-{{service}}
batch_records = 500
batch_age = 100
[route.files]
topics = {topic}
sink = hadoop
root = {root}
format = ndjson
roll_records = {each // 2}
roll_idle = 1
""",
    )
    t.owns(transfer)
    transfer.start()
    wanted, sent, draw = set(), 0, random.Random(6)
    for number in range(kills):
        before = search.count()
        for partition, life in enumerate("ABC"):
            part = keyed(life, number * each, each)
            # What was not acknowledged is sent again: the last fifth, once more.
            produce(t.kafka, topic, part + part[-each // 5 :], partition)
            wanted |= {event_id(life, number * each + at) for at in range(each)}
            sent += len(part) + each // 5
        transfer.wait("more is found", lambda: search.count() > before, 120)
        time.sleep(draw.random())  # the moment is the test
        transfer.kill9()
        transfer.start()
    transfer.wait("everything is final", lambda: settled(transfer), 900 if t.full else 120)
    assert transfer.stop() == 0
    # Oracle: what agents wrote, not what transfer says.
    stored = t.kafka.count(topic)
    assert stored == sent, f"{stored} records are in Kafka, {sent} were sent"
    once((one["event_id"] for one in search.documents()), wanted, "OpenSearch")
    places, ids = [], []
    for one in documents_in(hdfs, root):
        ids.append(one["event_id"])
        places.append((one["kafka"]["partition"], one["kafka"]["offset"]))
    assert len(set(places)) == len(places), "an offset is in two files"
    once(ids, wanted, "HDFS")
