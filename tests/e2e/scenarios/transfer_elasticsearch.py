"""`logagent transfer` into a real OpenSearch (with --full Elasticsearch, too): what was read is found
once, or is a dead letter."""

import collections
import http.server
import json
import ssl
import subprocess
import threading
import time

from harness.case import case
from harness.process import PATIENCE, wait_for
from harness.search import Elasticsearch, OpenSearch
from harness.transfer import Transfer, produce

GENERATION = "AAAAAAAAAAAAAAAAAAAAA"
DAY = "2026-11-23"
INDEX = "logs-web-2026.11.23"


def keyed(count, life="A", text="line", first=0, service="web"):
    """Records of an agent: lines of one life of a file, with their keys."""
    return [
        (
            json.dumps(
                ["h", service, "/log", GENERATION + life, number * 50, number * 50 + 50],
                separators=(",", ":"),
            ),
            f"{DAY}T20:00:00Z {text} {life} {number:09}",
        )
        for number in range(first, first + count)
    ]


def node(t, kind=OpenSearch, settings=()):
    return t._server(kind(t.directory / kind.name, settings))


def start(t, topic, urls, more="", sink=""):
    text = f"""kafka_addr = {t.kafka.address}
[sink.search]
type = elasticsearch
url = {urls}
{sink}
[route.search]
topics = {topic}
sink = search
batch_age = 200
{more}
"""
    made = Transfer(t.binary, t.directory / "transfer", text)
    t.owns(made)
    return made.start()


def url(of):
    return f"http://{of.address}"


def lag(transfer):
    """Records that are not final; a number beyond all while some partition's is not known."""
    parts = transfer.route("search")["partitions"]
    known = [part["lag"] for part in parts]
    return sum(known) if known and None not in known else 1 << 40


def settled(transfer, wanted):
    def done():
        counts = transfer.route("search")["records"]
        sum_ = counts["accepted"] + counts["repeated"] + counts["dead_letters"]
        return sum_ >= wanted and lag(transfer) == 0 or f"{counts}" and None

    transfer.wait(f"{wanted} records are settled", done, 120)


def stalled(transfer):
    """Why nothing goes; empty = it does."""
    route = transfer.route("search")
    return route["text"] if route["state"] == "stalled" else ""


def expect_each_once(t, topic, server, dead=(), indices="logs-*"):
    """Every record of the topic is found once, or is one of `dead` (offsets of partition 0)."""
    found = server.documents(indices)
    ids = collections.Counter(one["event_id"] for one in found)
    assert not ids or max(ids.values()) == 1, ids.most_common(3)
    places = {(one["kafka"]["partition"], one["kafka"]["offset"]) for one in found}
    source = {(one.partition, one.offset) for one in t.kafka.read(topic)}
    assert places == source - {(0, offset) for offset in dead}, (
        f"{len(places)} found, {len(source)} read, {len(dead)} dead"
    )
    letters = []
    if dead:
        t.kafka.partitions[topic + ".dead"] = t.kafka.partitions[topic]
        letters = t.kafka.read(topic + ".dead")
    assert len(letters) == len(dead), f"{len(letters)} dead letters"
    return found, letters


def told_once_more(t, kind):
    """Records, the same ones again, and kills: each is found once, by the words of its line."""
    server, topic = node(t, kind), t.topic(partitions=2)
    produce(t.kafka, topic, keyed(3000), 0)
    produce(t.kafka, topic, keyed(3000, "B"), 1)
    transfer = start(t, topic, url(server), "dedupe_records = 0\nbatch_records = 200")
    for wanted in (500, 2500):
        transfer.wait("some are found", lambda: server.count() >= wanted, 60)
        transfer.kill9()
        transfer.start()
    settled(transfer, 1)
    wait_for("all are found", lambda: server.count() == 6000, 60)
    # Again from the agent: other offsets, the same documents.
    produce(t.kafka, topic, keyed(500), 0)
    transfer.wait("they are settled", lambda: lag(transfer) == 0 and server.count(), 60)
    assert transfer.stop() == 0
    found = server.documents()
    assert len(found) == 6000 and len({one["event_id"] for one in found}) == 6000
    assert {one["_index"] for one in found} == {INDEX}
    one = server.ask(
        "POST", "/logs-*/_search", {"query": {"match_phrase": {"message": "line B 000000007"}}}
    )["hits"]["hits"]
    assert [hit["_source"]["path"] for hit in one] == ["/log"], one
    assert one[0]["_source"]["@timestamp"] == f"{DAY}T20:00:00.000Z"


@case("documents in OpenSearch are found by a search, once each, over kills and repetitions",
      needs=["kafka"], short=True)
def found_once(t):
    told_once_more(t, OpenSearch)


@case("documents in Elasticsearch are found by a search, once each, over kills and repetitions",
      needs=["kafka"], full=True)
def found_once_in_elasticsearch(t):
    told_once_more(t, Elasticsearch)


@case("a conflict is a dead letter; a blocked and a closed index stall and lose nothing",
      needs=["kafka"])
def conflict_and_blocks(t):
    server, topic = node(t), t.topic()
    server.ask("PUT", "/logs-numbers-2026.11.23",
               {"mappings": {"properties": {"message": {"type": "long"}}}})
    produce(t.kafka, topic, keyed(100) + keyed(3, "N", service="numbers") + keyed(100, "B"))
    transfer = start(t, topic, url(server))
    settled(transfer, 203)
    server.set_index(INDEX, blocks_write=True)
    produce(t.kafka, topic, keyed(100, "C"))
    transfer.wait("the block is told", lambda: "blocked by" in stalled(transfer))
    assert transfer.ask("/readyz")[0] == 503
    server.set_index(INDEX, blocks_write=False)
    settled(transfer, 303)
    transfer.wait("it flows again", lambda: not stalled(transfer))
    server.ask("POST", f"/{INDEX}/_close")
    produce(t.kafka, topic, keyed(100, "D"))
    transfer.wait("the closed index is told", lambda: "index_closed" in stalled(transfer))
    server.ask("POST", f"/{INDEX}/_open")
    settled(transfer, 403)
    assert transfer.stop() == 0
    _, letters = expect_each_once(t, topic, server, dead=(100, 101, 102))
    for letter in letters:
        assert "mapper_parsing_exception" in letter.headers, letter.headers
        assert letter.value.endswith(b"N %09d" % (letters.index(letter)))


@case("a server that takes little at a time gets little; a document beyond its limits is a dead letter",
      needs=["kafka"])
def pressure_and_size(t):
    server = node(t, settings=["indexing_pressure.memory.limit=60kb",
                               "http.max_content_length=100kb"])
    topic = t.topic()
    produce(t.kafka, topic, keyed(200) + keyed(1, "X", "x" * 70_000) + keyed(200, "B")
            + keyed(1, "Y", "y" * 150_000) + keyed(200, "C"))
    transfer = start(t, topic, url(server))
    settled(transfer, 602)
    assert not stalled(transfer)
    retried = transfer.route("search")["at_sink"]["retried"]
    assert retried["throttled"] > 0 and retried["split"] > 0, retried
    assert transfer.stop() == 0
    _, letters = expect_each_once(t, topic, server, dead=(200, 401))
    reasons = sorted(letter.headers for letter in letters)
    assert any("rejected_execution_exception" in one for one in reasons), reasons
    assert any("too_large" in one for one in reasons), reasons


@case("documents that a full queue rejects go again alone, until all are there", needs=["kafka"])
def rejected_items(t):
    server = node(t, settings=["thread_pool.write.size=1", "thread_pool.write.queue_size=1"])
    server.ask("PUT", "/_index_template/shards",
               {"index_patterns": ["many*"], "priority": 500,
                "template": {"settings": {"number_of_shards": 8}}})
    topic = t.topic()
    produce(t.kafka, topic, keyed(800))
    transfer = start(t, topic, url(server), "index = many\nbatch_records = 100")
    settled(transfer, 800)
    assert transfer.route("search")["at_sink"]["retried"]["rejected_items"] > 0
    assert transfer.stop() == 0
    expect_each_once(t, topic, server, indices="many")


@case("a node that is killed or stopped in the middle of requests costs nothing but time",
      needs=["kafka"])
def node_killed_and_stopped(t):
    server, topic, written = node(t), t.topic(), 0

    def write(life, count=4000):
        nonlocal written
        produce(t.kafka, topic, keyed(count, life, "line " + 100 * "z"))
        written += count

    write("A")
    transfer = start(t, topic, url(server), "batch_records = 100\ntimeout = 5000")
    transfer.wait("requests are answered", lambda: server.count() >= 200, 60)
    server.kill9()
    write("B")
    transfer.wait("the loss of the node is told", lambda: server.address in stalled(transfer))
    server.restart()
    transfer.wait("requests are answered again", lambda: server.count() >= 4400, 90)
    server.pause()
    since = time.monotonic()
    try:
        write("C")
        # Longer than the time of a request, so that requests end without an answer.
        transfer.wait("the silence is told", lambda: "no answer" in stalled(transfer), 90)
        if t.full:
            wait_for("a minute of silence", lambda: time.monotonic() - since > 60, 120)
            assert transfer.running() and "no answer" in stalled(transfer)
    finally:
        server.resume()
    settled(transfer, written)
    assert transfer.stop() == 0
    expect_each_once(t, topic, server)


class Stub:
    """A small server that takes documents from those who know the password."""

    def __init__(self, context=None, password=None):
        stub = self
        self.lines = 0
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.seen.append(self.headers.get("Authorization"))
                documents = body.count(b"\n") // 2
                answer = {"errors": False, "items": [{"create": {"status": 201}}] * documents}
                good = password is None or self.headers.get("Authorization") == password
                if good:
                    stub.lines += documents
                else:
                    answer = {"error": {"type": "security_exception", "reason": "who?"}}
                text = json.dumps(answer, separators=(",", ":")).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    def kill9(self):
        self.server.shutdown()
        self.server.server_close()


@case("a wrong password stalls until the right one is written", needs=["kafka"], short=True)
def wrong_password(t):
    topic, secret = t.topic(), t.directory / "password"
    secret.write_text("sesame-1\n")
    secret.chmod(0o600)
    stub = t.owns(Stub(password="Basic d3JpdGVyOnJpZ2h0"))  # writer:right
    produce(t.kafka, topic, keyed(50))
    transfer = start(t, topic, f"http://{stub.address}", "install_template = false",
                     f"user = writer\npassword_file = {secret}")
    transfer.wait("the refusal is told", lambda: "401" in stalled(transfer))
    assert stub.lines == 0
    secret.write_text("right\n")
    settled(transfer, 50)
    assert transfer.stop() == 0
    assert stub.lines == 50
    said = transfer.output()
    assert "sesame" not in said and "d3Jpd" not in said, "a secret is in the log"


@case("a server with a certificate of an unknown authority gets nothing", needs=["kafka"], short=True)
def unknown_authority(t):
    topic, tls = t.topic(), t.directory / "tls"
    tls.mkdir()

    def certificate(name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", tls / f"{name}.key",
             "-out", tls / f"{name}.pem"],
            check=True, capture_output=True, timeout=60 * PATIENCE,
        )

    certificate("theirs")
    certificate("another")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "theirs.pem", tls / "theirs.key")
    stub = t.owns(Stub(context))
    produce(t.kafka, topic, keyed(20))
    transfer = start(t, topic, f"https://{stub.address}", "install_template = false",
                     f"ca = {tls}/another.pem")
    transfer.wait("the certificate is told", lambda: "certificate" in stalled(transfer))
    assert not stub.seen and transfer.route("search")["records"]["accepted"] == 0
    assert transfer.stop() in (0, 3)
    transfer.configure(transfer.ini.read_text().split("\n", 2)[2].replace("another.pem", "theirs.pem"))
    transfer.start()
    settled(transfer, 20)
    assert transfer.stop() == 0
    assert stub.lines == 20
