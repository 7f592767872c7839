"""Rates, files, replays and reasons in `logagent web`, with real agents."""

import json
import os

from harness.case import case
from harness.agents import applied, define, fleet, online, start
from harness.logs import Writer, append, lines
from harness.process import wait_for

STATS = "_logagent.stats"


@case(
    "rates, lag and the time until it is sent are known from what agents publish",
    needs=["etcd", "kafka"],
)
def rates(t):
    etcd = t.etcd()
    kafka = t.own_kafka()
    topic = t.new_name()
    kafka.create({topic: 1, STATS: 2})
    web = start(t, etcd, kafka)
    assert "rates" in web.api("GET", "/whoami").json["features"]
    names = ["web1", "web2"]
    fleet(t, etcd, names, kafka=kafka)
    online(web, names)
    log = t.log()
    log.touch()
    made = define(web, "shop", [{"log_path": str(log), "topic": topic, "send_rate": 50}])
    applied(web, made.etag, names)
    writer = Writer(log, 200, size=100)
    try:

        def held_back():
            now = web.api("GET", "/rates?service=shop").json["now"]
            return (
                now
                and now["hosts"] == 2
                and now["lag_bytes"] > 20_000
                and 60 < now["sent"] < 140
                and 250 < now["offered"] < 600
                and now
            )

        now = wait_for("both hosts are held back", held_back, 60)
        assert now["limit"] == 100 and now["files"] == 2 and now["throttled"] > 0.3, now
        # It only grows: never, unless the limit is raised.
        assert now["drain_s"] is None, now
        # What the overview colours hosts by.
        listed = web.api("GET", "/hosts?sort=-lag_bytes").json["items"]
        assert [one["host"] for one in listed] and all(one["lag_bytes"] > 0 for one in listed), listed
        assert web.api("GET", "/hosts/web1").json["lag_bytes"] > 0
        preview = web.api("GET", "/rates?service=shop&send_rate=2000").json["preview"]
        assert preview["drain_s"] is not None and preview["files_throttled"] == 0, preview
        low = web.api("GET", "/rates?service=shop&send_rate=10").json["preview"]
        assert low["drain_s"] is None and low["files_throttled"] == 2 and low["sent"] <= 20, low
    finally:
        writer.stop()

    def drains():
        now = web.api("GET", "/rates?service=shop").json["now"]
        return now and now["drain_s"] and now

    now = wait_for("nothing is written any more, so it drains", drains, 30)
    line = 101
    assert 0.5 < now["drain_s"] / (now["lag_bytes"] / 2 / (50 * line)) < 2, now
    past = wait_for(
        "the past is kept",
        lambda: len((past := web.api("GET", "/rates?service=shop").json)["at"]) >= 2 and past,
        40,
    )
    assert past["step_s"] == 10 and len(past["sent"]) == len(past["at"]) == len(past["lag_bytes"])
    assert [one for one in past["sent"] if one], past
    host = web.api("GET", "/rates?host=web1").json["now"]
    assert host["hosts"] == 1 and host["files"] == 1, host
    detail = web.api("GET", "/hosts/web1").json
    assert detail["services"] == ["shop"], detail
    hidden = web.api("GET", "/hosts/web1", token=web.new_token("viewer", ["x"])).json
    assert hidden["services"] == [], hidden

    files = web.api("GET", "/hosts/web1/files").json
    assert files["complete"] is True and len(files["items"]) == 1, files
    file = files["items"][0]
    assert file["path"] == str(log) and file["service"] == "shop" and file["topic"] == topic, file
    assert file["size"] == os.path.getsize(log) and file["send_rate"] == 50, file
    assert web.api("GET", "/rates").status == 400
    assert web.api("GET", "/rates?service=shop", token=web.new_token("viewer", ["x"])).status == 403
    assert web.api("GET", "/hosts/nobody/files").status == 404


@case(
    "without a topic for figures nothing is made, and web says what to do",
    needs=["etcd", "kafka"],
)
def no_stats(t):
    etcd = t.etcd()
    kafka = t.own_kafka()
    web = start(t, etcd, kafka)
    topic = t.new_name()
    kafka.create({topic: 1})
    agent = fleet(t, etcd, ["web1"], kafka=kafka)[0]
    online(web, ["web1"])
    good, bad = t.log("good.log"), t.log("bad.log")
    append(good, lines(10))
    made = define(
        web,
        "shop",
        [
            {"log_path": str(path), "topic": topic, "start": "start"} for path in (good, bad)
        ],
    )
    applied(web, made.etag, ["web1"])
    kafka.wait_count(topic, 10)
    said = wait_for(
        "Kafka was asked",
        lambda: STATS in (web.api("GET", "/rates?host=web1").json["trouble"] or "")
        and web.api("GET", "/rates?host=web1").json,
        30,
    )
    assert said["now"] is None and "make it" in said["trouble"], said
    assert web.api("GET", "/hosts").json["items"][0]["lag_bytes"] is None

    # The status names those that are not well.
    def named():
        files = web.api("GET", "/hosts/web1/files").json
        return files["items"] and files

    files = wait_for("the missing file is named", named, 60)
    assert files["complete"] is False, files
    assert [one["path"] for one in files["items"]] == [str(bad)], files
    kafka.partitions[STATS] = 1
    assert kafka.end_offsets(STATS) is None, "somebody has made the topic"
    assert agent.running()


@case(
    "a replay through web: estimate, progress, exact counts, cancel, and who may",
    needs=["etcd", "kafka"],
)
def replays(t):
    etcd = t.etcd()
    topic, side = t.topic(), t.topic("side")
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    append(log, lines(5000, size=80))
    made = define(web, "shop", [{"log_path": str(log), "topic": topic, "start": "start"}])
    applied(web, made.etag, ["web1"])
    t.kafka.wait_count(topic, 5000)

    found = web.api("GET", f"/paths?host=web1&glob={log.parent}/*.log")
    assert [one["path"] for one in found.json["items"]] == [str(log)], found
    assert found.json["items"][0]["size"] == os.path.getsize(log), found
    assert web.api("GET", "/paths?host=web1&glob=/etc/*").json["items"] == []
    assert web.api("GET", "/paths?host=nobody&glob=/a").status == 404

    order = {"host": "web1", "path": str(log), "offset": "0:40500", "topic": side, "rate": 0}
    estimate = web.api("POST", "/replays?dry_run=true", {**order, "message": "how much?"})
    assert estimate.status == 200 and estimate.json["plan"]["topic"] == side, estimate
    assert estimate.json["plan"]["bytes"] == 40_500, estimate
    assert web.api("GET", "/replays").json["items"] == []
    created = web.api("POST", "/replays", {**order, "message": "once more"})
    assert created.status == 201 and created.json["state"] == "sent", created
    path = f"/replays/{created.json['id']}"

    def finished(path):
        shown = web.api("GET", path).json
        return shown["state"] in ("done", "failed", "cancelled") and shown

    shown = wait_for("it is done", lambda: finished(path), 60)
    assert shown["state"] == "done" and shown["progress"]["records"] == 500, shown
    assert shown["progress"]["bytes"] == 40_500 and shown["by"] == "first start", shown
    assert t.kafka.count(side) == 500
    wanted = [line.encode() if isinstance(line, str) else line for line in lines(500, size=80)]
    assert [record.value for record in t.kafka.read(side)] == wanted
    assert t.kafka.count(topic) == 5000, "live offsets moved"

    slow = web.api("POST", "/replays", {**order, "rate": 1, "message": "slow"})
    path = f"/replays/{slow.json['id']}"
    wait_for("it runs", lambda: web.api("GET", path).json["state"] == "running", 60)
    cancelled = web.api("POST", path + ":cancel", {"message": "enough"})
    assert cancelled.status == 200, cancelled
    shown = wait_for("it is over", lambda: finished(path), 60)
    assert shown["state"] == "cancelled", shown
    assert web.api("POST", path + ":cancel", {"message": "again"}).status == 409
    items = web.api("GET", "/replays").json["items"]
    assert [one["state"] for one in items] == ["cancelled", "done"], items

    # Refused before anything is sent, or by the agent.
    for wrong in ({"offset": "0:1", "last": "1"}, {"offset": "0:1", "same_topic": True}, {"x": 1}):
        answer = web.api("POST", "/replays", {**order, **wrong, "message": "m"})
        assert answer.status == 422, (wrong, answer)
    denied = web.api(
        "POST", "/replays?dry_run=true", {**order, "path": "/etc/passwd", "message": "m"}
    )
    assert denied.status == 422, denied
    own, other = web.new_token("editor", ["shop"]), web.new_token("editor", ["pay"])
    same = {"host": "web1", "path": str(log), "last": "100", "same_topic": True, "message": "m"}
    assert web.api("POST", "/replays", {**order, "message": "m"}, token=own).status == 403
    assert web.api("POST", "/replays", same, token=other).status == 403
    mine = web.api("POST", "/replays?dry_run=true", same, token=own)
    assert mine.status == 200, mine
    assert web.api("POST", "/replays", same, token=web.new_token("tailer")).status == 403
    acts = [one["action"] for one in web.api("GET", "/audit").json["items"]]
    assert acts.count("replay.cancel") == 2 and acts.count("replay.create") >= 4, acts


@case(
    "why a log is not there: the first broken step is named, with what to do",
    needs=["etcd", "kafka"],
)
def reasons(t):
    etcd = t.etcd()
    topic = t.topic()
    web = start(t, etcd, t.kafka)
    agent = fleet(t, etcd, ["web1"], kafka=t.kafka)[0]
    online(web, ["web1"])
    log = t.log()
    append(log, lines(10))

    def why(path=log, host="web1"):
        answer = web.api("GET", f"/why?host={host}&path={path}")
        assert answer.status == 200, answer
        return answer.json

    def broken(step, path=log, host="web1", code=None):
        def there():
            said = why(path, host)
            found = [one for one in said["steps"] if one["step"] == step][0]
            return said["broken"] == step and code in (None, found["code"]) and found

        found = wait_for(f"{step} is the reason", there, 60)
        assert found["remedy"] and found["state"] == "broken", found
        return found

    assert broken("rendered", host="nobody")["code"] == "no_agent"
    assert broken("rendered")["code"] == "not_defined"
    made = define(
        web,
        "shop",
        [
            {"log_path": str(log), "topic": topic, "start": "start"},
            {"log_path": str(t.log("missing.log")), "topic": topic},
            {"log_path": "/etc/hostname", "topic": topic},
            {"log_path": str(t.log("nowhere.log")), "topic": t.new_name("nowhere")},
        ],
        ["web1"],
    )
    applied(web, made.etag, ["web1"])
    well = why()
    assert well["broken"] is None and well["service"] == "shop" and well["topic"] == topic, well
    assert [one["state"] for one in well["steps"]][:5] == ["ok"] * 5, well
    broken("exists", t.log("missing.log"))
    assert "deny_paths" in broken("allowed", "/etc/hostname")["remedy"]
    append(t.log("nowhere.log"), lines(1))
    assert "make the topic" in broken("topic", t.log("nowhere.log"))["remedy"]
    key = "/logagent/10.1.0.1/logconfig"
    etcd.put(key, json.dumps([]))
    broken("rendered", code="not_written")
    agent.kill9()
    broken("rendered", code="agent_away")
    assert web.api("GET", "/why?host=web1").status == 400
