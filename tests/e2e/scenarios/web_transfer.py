"""Routes of `logagent transfer` in `logagent web`, with a real transfer and a real Kafka."""

import json
import subprocess

from harness.agents import applied, define, fleet, online, start
from harness.case import case
from harness.logs import append, lines
from harness.process import free_ports, wait_for
from harness.transfer import Transfer, produce

from .transfer_core import bulky, documents, group

KEY = "/logagent/_transfer/routes/"


def mover(t, etcd, topic, more="", name="transfer"):
    """A transfer that takes its routes from etcd; sinks `out` (a file), `relay` (Kafka), `away`."""
    made = Transfer(
        t.binary,
        t.directory / name,
        f"""kafka_addr = {t.kafka.address}
group_prefix = {group(topic)}
etcd_addr = {etcd.address}
[sink.out]
type = file
path = {t.directory}/out.log
[sink.relay]
type = kafka
kafka_addr = {t.kafka.address}
[sink.away]
type = kafka
kafka_addr = 127.0.0.1:{free_ports()}
{more}
""",
    )
    return t.owns(made).start()


def processes(web):
    return web.api("GET", "/transfer/processes").json["items"]


def route(web, name):
    answer = web.api("GET", f"/transfer/routes/{name}")
    return answer.json if answer.status == 200 else None


def until(web, name, what, holds):
    return wait_for(what, lambda: (seen := route(web, name)) and holds(seen) and seen, 60)


def put(web, name, document, **fields):
    return web.api("PUT", f"/transfer/routes/{name}", {"message": "a test", **document}, **fields)


def pointers(answer):
    assert answer.status == 422, answer
    return [one["pointer"] for one in answer.json["errors"]]


@case("a route is defined in web, run by transfer, and shown as wanted, as taken and as it goes",
      needs=["etcd", "kafka"])
def defined(t):
    etcd, topic, other = t.etcd(), t.topic(), t.topic("other")
    web = start(t, etcd)
    wanted = {"topics": [topic], "sink": "out"}
    alone = put(web, "live?dry_run=true", wanted, If_None_Match="*")
    assert alone.status == 200 and alone.json["warnings"][0]["code"] == "no_process", alone
    assert etcd.get(KEY) == {}
    transfer = mover(t, etcd, topic)
    wait_for("the process shows itself", lambda: processes(web), 30)
    shown = processes(web)[0]
    assert {one["name"]: one["type"] for one in shown["sinks"]} == {
        "out": "file", "relay": "kafka", "away": "kafka"}, shown

    # Refused before anything is written, with the place.
    for bad, pointer in (
        ({"sink": "serach"}, "/sink"),
        ({"tpoics": "x"}, "/tpoics"),
        ({"root": "/logs"}, "/root"),
        ({"sink": "relay"}, "/topic"),
        ({"dead_letter_percent": 500}, "/dead_letter_percent"),
        ({"from": "yesterday"}, "/from"),
        ({"name": "another"}, "/name"),
    ):
        assert pointers(put(web, "live", {**wanted, **bad}, If_None_Match="*")) == [pointer], bad
    unknown = put(web, "live", {**wanted, "sink": "serach"}, If_None_Match="*").json["errors"][0]
    assert unknown["code"] == "unknown_sink" and "out (file)" in unknown["detail"], unknown
    assert pointers(put(web, "Live", wanted, If_None_Match="*")) == [""]
    assert put(web, "live", wanted).status == 428
    assert put(web, "live", wanted, If_Match="*").status == 412
    assert etcd.get(KEY) == {}

    made = put(web, "live", wanted, If_None_Match="*")
    assert made.status == 201 and made.json["warnings"] == [], made
    assert made.json["runs_on"] == [{"instance": shown["instance"], "host": shown["host"]}], made
    assert json.loads(etcd.get(KEY)[KEY + "live"]) == wanted
    produce(t.kafka, topic, [f"line {number}" for number in range(500)])
    seen = until(web, "live", "it runs and is through", lambda one: one["state"] == "running"
                 and one["lag"] == 0 and one["processes"][0]["accepted"] == 500)
    assert seen["document"] == wanted and seen["partitions"] == 1 and seen["members"] == 1, seen
    assert seen["processes"][0]["revision"] == seen["revision"], seen
    assert seen["parts"][0]["end"] == 500 and seen["group"] == f"{group(topic)}.live", seen
    assert seen["etag"] == made.etag == web.api("GET", "/transfer/routes/live").etag

    # Another one wins; who comes late sees what is there.
    late = put(web, "live", wanted, If_None_Match="*")
    assert late.status == 412 and late.json["current"] == wanted and late.etag == made.etag, late
    changed = put(web, "live", {**wanted, "topics": [topic, other]}, If_Match=made.etag)
    assert changed.status == 200, changed
    assert put(web, "live", wanted, If_Match=made.etag).status == 412
    until(web, "live", "the change is taken", lambda one: one["state"] == "running"
          and one["processes"][0]["revision"] == one["revision"] == changed.json["revision"])
    produce(t.kafka, other, ["of the other"])
    wait_for("the other topic is read", lambda: len(documents(t.directory / "out.log")) == 501, 60)

    # By hand, and wrong: what ran goes on, and web says so.
    etcd.put(KEY + "live", {"topics": [topic], "sink": "nowhere"})
    refused = until(web, "live", "the refusal is shown", lambda one: one["state"] == "refused")
    assert "nowhere" in refused["detail"] and refused["members"] == 1, refused
    assert refused["processes"][0]["current"] is False, refused
    assert [one["name"] for one in web.api("GET", "/transfer/routes?state=refused").json["items"]] \
        == ["live"]
    put(web, "live", wanted, If_Match="*")
    until(web, "live", "it runs again", lambda one: one["state"] == "running")

    # What a process has stopped doing is seen at once, and what dies after its lease.
    assert transfer.stop() == 0
    wait_for("nobody runs it", lambda: route(web, "live")["state"] == "idle", 10)
    transfer.start()
    until(web, "live", "somebody runs it", lambda one: one["state"] == "running")
    transfer.kill9()
    wait_for("it is missed", lambda: not processes(web), 40)
    transfer.start()
    until(web, "live", "it is back", lambda one: one["state"] == "running")
    gone = web.api("DELETE", "/transfer/routes/live", If_Match="*", X_Message="not needed")
    assert gone.status == 204, gone
    transfer.wait("it is removed", lambda: transfer.route("live") is None, 40)
    wait_for("web has forgotten it", lambda: route(web, "live") is None, 30)
    assert transfer.stop() == 0
    acts = [(one["action"], one["result"]) for one in web.api("GET", "/audit").json["items"]]
    assert acts.count(("route.put", "done")) == 3, acts
    assert acts.count(("route.delete", "done")) == 1 and acts.count(("route.put", "refused")) >= 9


@case("who may read and change routes, and the same from the command line",
      needs=["etcd", "kafka"])
def rights(t):
    etcd, topic = t.etcd(), t.topic()
    web = start(t, etcd)
    wanted = {"topics": [topic], "sink": "out"}
    tokens = {
        "nobody": None,
        "viewer": web.new_token("viewer"),
        "editor": web.new_token("editor"),
        "shop editor": web.new_token("editor", ["shop*"]),
        "admin": web.token,
    }
    seen = {
        name: [
            web.api("GET", "/transfer/routes", token=token).status,
            web.api("GET", "/transfer/processes", token=token).status,
            put(web, "x?dry_run=true", wanted, token=token, If_None_Match="*").status,
            web.api("DELETE", "/transfer/routes/x", token=token, If_Match="*",
                    X_Message="m").status,
        ]
        for name, token in tokens.items()
    }
    assert seen == {
        "nobody": [401, 401, 401, 401],
        "viewer": [200, 200, 403, 403],
        "editor": [200, 200, 200, 404],
        "shop editor": [200, 200, 403, 403],
        "admin": [200, 200, 200, 404],
    }, seen

    token_file = t.directory / "token"
    token_file.write_text(web.token + "\n")
    token_file.chmod(0o600)

    def ctl(*words, code=0, stdin=None):
        done = subprocess.run(
            [t.binary, "ctl", "--server", f"http://127.0.0.1:{web.port}", "--token-file",
             token_file, *words],
            input=stdin, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == code, (words, done)
        return done.stdout + done.stderr

    document = json.dumps({"name": "shop", **wanted})
    dry = ctl("routes", "apply", "-f", "-", "-m", "why", "--dry-run", stdin=document)
    assert "no_process" in dry and etcd.get(KEY) == {}, dry
    ctl("routes", "apply", "-f", "-", "-m", "why", stdin=document)
    assert json.loads(etcd.get(KEY)[KEY + "shop"]) == wanted
    mover(t, etcd, topic)
    until(web, "shop", "it runs", lambda one: one["state"] == "running")
    table = ctl("routes", "list")
    assert "shop" in table and "running" in table and topic in table, table
    assert "out" in ctl("routes", "processes", "-o", "json")
    printed = ctl("routes", "get", "shop")
    ctl("routes", "apply", "-f", "-", "-m", "as it was", stdin=printed)
    wrong = json.dumps({"name": "shop", **wanted, "sink": "serach"})
    told = ctl("routes", "apply", "-f", "-", "-m", "why", stdin=wrong, code=1)
    assert "/sink: no process of transfer that runs has a sink 'serach'" in told, told
    ctl("routes", "delete", "shop", "-m", "over")
    assert etcd.get(KEY) == {}


@case("a route of a local file is shown, and wins over one of its name in etcd",
      needs=["etcd", "kafka"])
def local(t):
    etcd, topic = t.etcd(), t.topic()
    web = start(t, etcd)
    mover(t, etcd, topic, f"[route.mine]\ntopics = {topic}\nsink = out\n")
    seen = until(web, "mine", "the local route runs", lambda one: one["state"] == "running")
    assert seen["document"] is None and seen["etag"] is None, seen
    assert seen["processes"][0]["source"] == "file" and seen["topics"] == [topic], seen
    made = put(web, "mine", {"topics": [topic], "sink": "out"}, If_None_Match="*")
    assert [one["code"] for one in made.json["warnings"]] == ["local_route"], made
    seen = until(web, "mine", "it is refused", lambda one: one["state"] == "refused")
    assert "local file" in seen["detail"], seen


@case("why a log is not there, behind Kafka: no route, a sink that is away, a sink that refuses",
      needs=["etcd", "kafka"])
def reasons(t):
    etcd, topic = t.etcd(), t.topic()
    target = t.topic("target", max_message_bytes=1000)
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    append(log, lines(10))
    made = define(web, "shop", [{"log_path": str(log), "topic": topic, "start": "start"}])
    applied(web, made.etag, ["web1"])
    t.kafka.wait_count(topic, 10)

    def why():
        answer = web.api("GET", f"/why?host=web1&path={log}")
        assert answer.status == 200, answer
        return answer.json

    def broken(step, code):
        def there():
            said = why()
            found = [one for one in said["steps"] if one["step"] == step][0]
            return said["broken"] == step and found["code"] == code and found

        found = wait_for(f"{step} is the reason: {code}", there, 60)
        assert found["remedy"], found
        return found

    said = why()
    assert said["broken"] is None and said["steps"][8]["code"] == "no_transfer", said
    transfer = mover(t, etcd, topic)
    assert topic in broken("transfer", "no_route")["text"]
    assert put(web, "shop", {"topics": [topic], "sink": "away", "topic": target},
               If_None_Match="*").status == 201
    stalled = broken("sink", "sink_stalled")
    assert "away" in stalled["text"] and "nothing is lost" in stalled["remedy"], stalled
    assert put(web, "shop", {"topics": [topic], "sink": "relay", "topic": target},
               If_Match="*").status == 200
    wait_for("all is well", lambda: (said := why())["broken"] is None
             and [one["state"] for one in said["steps"]][8:] == ["ok", "ok"], 60)
    t.kafka.wait_count(target, 10)
    append(log, [bulky(1500).encode()])
    rejected = broken("sink", "rejected")
    assert "MSG_SIZE_TOO_LARGE" in rejected["text"], rejected
    assert f"--dead-letters {topic} --list" in rejected["remedy"], rejected
    seen = until(web, "shop", "it is counted", lambda one: one["dead_letters"] == 1)
    assert seen["rejected"][0]["topic"] == topic and seen["rejected"][0]["count"] == 1, seen
    assert transfer.stop() == 0
    broken("transfer", "route_idle")
