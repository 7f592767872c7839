"""What `logagent web` shows as it happens: events and lines."""

import json
import socket
import time

from harness.case import case
from harness.events import Stream
from harness.agents import applied, define, fleet, online, start
from harness.logs import Writer, append, lines
from harness.process import memory_kib, wait_for


@case(
    "hosts and services that change are told at once, and to a client that was away, once it is "
    "back",
    needs=["etcd"],
)
def events(t):
    etcd = t.etcd()
    web = start(t, etcd)
    assert "events" in web.api("GET", "/whoami").json["features"]
    assert web.api("GET", "/events").status == 400
    assert web.api("GET", "/events?topics=hosts", token=None).status == 401

    stream = Stream(web, "/events?topics=hosts,service:shop")
    assert stream.headers["content-type"] == "text/event-stream", stream.headers
    hello = stream.wait("the first event", lambda s: s.named("hello"))[0]
    assert hello["topics"] == ["hosts", "service:shop"], hello
    etcd.put("/logagent/_status/web1", json.dumps({"host": "web1", "state": "healthy"}))
    told = stream.wait("the host is told", lambda s: s.named("hosts"))[0]["items"]
    assert [one["host"] for one in told] == ["web1"] and told[0]["online"] is True, told
    define(web, "shop", [{"log_path": "/var/log/a.log", "topic": "a"}], ["web1"])
    define(web, "other", [{"log_path": "/var/log/b.log", "topic": "b"}], ["web1"])
    stream.wait("the service is told", lambda s: s.named("service"))
    assert {one["name"] for one in stream.named("service")} == {"shop"}

    last = stream.last_id()
    stream.close()
    etcd.delete("/logagent/_status/web1")
    etcd.put("/logagent/_status/web2", json.dumps({"host": "web2", "state": "degraded"}))
    back = Stream(web, "/events?topics=hosts", Last_Event_ID=str(last))

    def both(stream):
        seen = {
            one["host"]: one["online"] for frame in stream.named("hosts") for one in frame["items"]
        }
        return seen.get("web1") is False and seen.get("web2") is True

    back.wait("what was missed is told", both)
    assert not back.named("reset")
    long_ago = Stream(web, "/events?topics=hosts", Last_Event_ID="0")
    long_ago.wait("it has to read again", lambda s: s.named("reset"))

    # Streams are limited, and those of a token end with it.
    limited = web.new_token("viewer", ["shop"])
    assert Stream(web, "/events?topics=service:other", limited).status == 403
    own = [Stream(web, "/events?topics=service:shop", limited) for _ in range(8)]
    assert {one.status for one in own} == {200}
    ninth = Stream(web, "/events?topics=service:shop", limited)
    assert ninth.status == 429 and ninth.refusal["code"] == "too_many_streams", ninth.refusal
    own.pop().close()

    def room():
        one = Stream(web, "/events?topics=service:shop", limited)
        return one.status == 200 and one

    own.append(wait_for("a place is free again", room))
    token = [
        one for one in web.api("GET", "/tokens").json["items"] if one["services"] == ["shop"]
    ][0]
    assert web.api("DELETE", f"/tokens/{token['id']}", X_Message="over").status in (200, 204)
    wait_for("its streams have ended", lambda: all(one.ended for one in own))
    assert own[0].named("end"), own[0].events


@case(
    "a client that takes nothing is cut, and the others go on",
    needs=["etcd"],
)
def slow_client(t):
    etcd = t.etcd()
    web = start(t, etcd)
    with socket.create_connection(("127.0.0.1", web.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(
            b"GET /api/v1/events?topics=hosts HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer " + web.token.encode() + b"\r\n\r\n"
        )
        other = Stream(web, "/events?topics=hosts")
        padding = "x" * 200

        def metric(name):
            text = web.ask("GET", "/metrics").body.decode()
            return [
                float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)
            ][0]

        def cut():
            # More than its socket holds, again and again.
            for number in range(40):
                problems = [{"code": "c", "text": padding * 5, "since": str(time.time())}] * 5
                etcd.put(
                    f"/logagent/_status/web{number}",
                    json.dumps({"host": f"web{number}", "problems": problems}),
                )
            return metric("logagent_web_slow_streams_total") == 1

        wait_for("the slow client is cut", cut, 60)
        assert metric("logagent_web_streams") == 1
    before = len(other.events)
    etcd.put("/logagent/_status/web1", json.dumps({"host": "web1", "state": "new"}))
    other.wait("the other one goes on", lambda s: len(s.events) > before)


@case(
    "lines of three agents show up while they are written, by service, host, file, text and pattern",
    needs=["etcd", "kafka"],
)
def tail(t):
    etcd = t.etcd()
    names = ["web1", "web2", "web3"]
    topic = t.topic(partitions=6)
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, names, kafka=t.kafka)
    online(web, names)
    log, other_log = t.log("shop.log"), t.log("pay.log")
    append(log, lines(10, "before"))
    append(other_log, lines(10, "before"))
    define(web, "pay", [{"log_path": str(other_log), "topic": topic}], ["web1"])
    made = define(web, "shop", [{"log_path": str(log), "topic": topic, "send_rate": 0}])
    applied(web, made.etag, names)

    service = Stream(web, "/tail?service=shop")
    one_host = Stream(web, "/tail?host=web2")
    chosen = Stream(web, "/tail?service=shop&q=needle")
    pattern = Stream(web, "/tail?service=shop&re=%5Eline+0000000%5B1-3%5D")
    streams = (service, one_host, chosen, pattern)
    assert {one.status for one in streams} == {200}, [one.refusal for one in streams]

    def following(stream):
        append(log, lines(1, "probe needle line 00000001"))
        return stream.texts()

    for stream in (service, one_host, chosen):
        stream.wait("it follows", following, 40)
    began = time.monotonic()
    append(log, lines(20))
    append(log, [b"a needle at the end"])
    append(other_log, lines(5, "secret"))
    wanted = {text.decode() for text in lines(20)}

    def all_lines(stream):
        seen = {}
        for line in stream.lines():
            seen.setdefault(line["host"], set()).add(line["text"])
        return len(seen) == 3 and all(texts >= wanted for texts in seen.values())

    service.wait("lines of all three", all_lines)
    took = time.monotonic() - began
    assert took < 15 * t.patience, took  # seconds, not the half minute of a status
    pattern.wait("those that fit", lambda s: len(s.texts()) >= 9)
    chosen.wait(
        "the text", lambda s: [x for x in s.texts() if x.startswith("a needle")] == ["a needle at the end"] * 3
    )
    assert {line["host"] for line in one_host.lines()} == {"web2"}
    assert all("needle" in text for text in chosen.texts())
    assert {text[:13] for text in pattern.texts()} == {f"line 0000000{n}" for n in (1, 2, 3)}
    assert not any("before" in text or "secret" in text for text in service.texts())
    assert {line["service"] for line in service.lines()} == {"shop"}
    first = service.lines()[-1]
    assert first["path"] == str(log) and first["end"] > first["start"] and not first["cut"], first
    # Only what agents write to is read: three hosts, so at most three of the six partitions.
    def narrowed(stream):
        status = stream.named("status")[-1]
        count = status["partitions"].get(topic)
        return count is not None and count <= 3 and status

    status = service.wait("only the partitions that are written are read", narrowed, 60)
    assert status["source"] == "kafka" and status["complete"] is True, status

    # Who looked at what is on record.
    seen = [one for one in web.api("GET", "/audit").json["items"] if one["action"] == "tail.start"]
    assert len(seen) == 4 and {one["result"] for one in seen} == {"done"}, seen
    assert {one["target"] for one in seen} == {"shop", "web2"}, seen

    # And who may: not a viewer, nor a token for other services.
    viewer = web.new_token("viewer")
    assert Stream(web, "/tail?service=shop", viewer).status == 403
    stranger = Stream(web, "/tail?host=web1", web.new_token("tailer", ["pay"]))
    stranger.wait("the scope is known", lambda s: s.named("status"))
    stranger.wait(
        "only the lines it may see",
        lambda s: append(log, lines(1, "shop")) and append(other_log, lines(1, "pay")) and s.texts(),
        40,
    )
    assert {line["service"] for line in stranger.lines()} == {"pay"}, stranger.lines()
    assert Stream(web, "/tail?q=x").status == 422
    pattern.close()
    missing = wait_for(
        "a place is free", lambda: (s := Stream(web, "/tail?service=nobody")).status == 200 and s
    )
    problem = missing.wait("a reason", lambda s: s.named("problem"))[-1]
    assert problem["code"] == "nothing_collected", problem

    # Lines beside events, in one stream.
    one_host.close()
    both = "/events?topics=hosts,tail:7&host=web3"
    together = wait_for("a place is free", lambda: (s := Stream(web, both)).status == 200 and s)
    hello = together.wait("it begins", lambda s: s.named("hello"))[0]
    assert hello["topics"] == ["hosts", "tail:7"], hello
    together.wait("its lines", lambda s: append(log, lines(1, "both")) and s.texts(), 40)
    assert {line["host"] for line in together.lines()} == {"web3"}, together.lines()
    etcd.put("/logagent/_status/web9", json.dumps({"host": "web9", "state": "healthy"}))
    together.wait(
        "its events",
        lambda s: any(one["host"] == "web9" for e in s.named("hosts") for one in e["items"]),
    )
    last = [one for one in web.api("GET", "/audit").json["items"] if one["action"] == "tail.start"][0]
    assert last["target"] == "web3" and last["host"] == "web3", last
    assert Stream(web, "/events?topics=tail:1,tail:2&host=web3").status == 400
    assert Stream(web, "/events?topics=tail:1").status == 422
    refused = Stream(web, both, viewer)
    assert refused.status == 403 and refused.refusal["code"] == "role", refused.refusal


@case(
    "hostile lines reach a client whole or cut, as valid JSON, and nothing else is harmed",
    needs=["etcd", "kafka"],
)
def hostile_lines(t):
    etcd = t.etcd()
    topic = t.topic()
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    log.touch()
    made = define(web, "shop", [{"log_path": str(log), "topic": topic}])
    applied(web, made.etag, ["web1"])
    stream = Stream(web, "/tail?service=shop")
    stream.wait("it follows", lambda s: append(log, [b"probe"]) and s.texts(), 40)
    hostile = [
        b"<script>alert(1)</script><img src=x onerror=1>",
        "bidi \u202e\u2066 end".encode(),
        b"nul \0 and escape \x1b[31m",
        b"not UTF-8: \xff\xfe\xc3",
        b"quotes \" and \\ and \x7f",
        b"long " + b"x" * 900_000,
        b"data: not an event\r",
        b"last",
    ]
    append(log, hostile)
    stream.wait("the last one", lambda s: "last" in s.texts())
    texts = [text for text in stream.texts() if text != "probe"]
    assert texts[0] == hostile[0].decode() and texts[1] == hostile[1].decode(), texts[:2]
    assert texts[2] == "nul \0 and escape \x1b[31m", texts[2]
    assert texts[3] == "not UTF-8: \ufffd\ufffd\ufffd", texts[3]
    assert texts[4] == hostile[4].decode(), texts[4]
    long = [line for line in stream.lines() if line["text"].startswith("long")][0]
    assert long["cut"] and len(long["text"]) == 8192 and long["size"] == 900_005, long["size"]
    assert texts[6].startswith("data: not an event"), texts[6]
    assert not stream.ended


@case(
    "of 20,000 lines a second a thousand are shown, it says so, and memory stays flat",
    needs=["etcd", "kafka"],
    alone=True,
)
def sampled(t):
    etcd = t.etcd()
    topic = t.topic()
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    log.touch()
    made = define(web, "shop", [{"log_path": str(log), "topic": topic}])
    applied(web, made.etag, ["web1"])
    stream = Stream(web, "/tail?service=shop")
    stream.wait("it follows", lambda s: append(log, [b"probe"]) and s.texts(), 40)
    writer = Writer(log, 20_000, size=200)
    try:
        stream.wait(
            "the rate is told", lambda s: any(one["rate"] > 8000 for one in s.named("status")), 60
        )
        before = memory_kib(web.child.pid)
        frames = len(stream.named("status"))
        stream.wait("ten seconds more", lambda s: len(s.named("status")) >= frames + 10, 60)
        grown = memory_kib(web.child.pid) - before
    finally:
        writer.stop()
    statuses = stream.named("status")[frames:]
    per_second = [two["shown"] - one["shown"] for one, two in zip(statuses, statuses[1:])]
    assert max(per_second) <= 1500 and sum(per_second) / len(per_second) <= 1200, per_second
    assert min(one["sampling"] for one in statuses) < 0.5, statuses
    assert statuses[-1]["dropped"] > 10_000, statuses[-1]
    assert grown < 20 * 1024, f"{grown} KiB more after ten seconds"


@case(
    "an agent that is killed is told as offline once its lease has ended",
    needs=["etcd", "kafka"],
)
def killed(t):
    etcd = t.etcd()
    web = start(t, etcd)
    agent = fleet(t, etcd, ["web1"], kafka=t.kafka)[0]
    online(web, ["web1"])
    stream = Stream(web, "/events?topics=hosts")
    agent.kill9()

    def offline(stream):
        return any(
            one["host"] == "web1" and one["online"] is False
            for frame in stream.named("hosts")
            for one in frame["items"]
        )

    stream.wait("the host is offline", offline, 60)
