"""`logagent ctl` against a real web, with real agents and Kafka behind it."""

import json
import re
import signal

from harness.agent import logagent
from harness.agents import applied, define, fleet, online, start
from harness.case import case
from harness.logs import Writer, append, lines
from harness.process import Child, wait_for


def client(t, web, role="admin"):
    """Runs ctl with a token of that role; expects the exit code."""
    secret = t.directory / f"{role}.token"
    secret.write_text((web.token if role == "admin" else web.new_token(role)) + "\n")
    where = ("--server", f"http://127.0.0.1:{web.port}", "--token-file", secret)

    def ctl(*words, code=0):
        done = logagent(t.binary, "ctl", *words, *where)
        said = done.stderr.decode()
        assert done.returncode == code, (words, done.returncode, said)
        return done.stdout.decode() if code == 0 else said

    ctl.where = where
    return ctl


@case(
    "ctl replay start sends a part of a log again, get and list show how far it is, cancel ends it",
    needs=["etcd", "kafka"],
)
def replay(t):
    etcd = t.etcd()
    topic, side = t.topic(), t.topic("side")
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    append(log, lines(2000, size=80))
    made = define(web, "shop", [{"log_path": str(log), "topic": topic, "start": "start"}])
    applied(web, made.etag, ["web1"])
    t.kafka.wait_count(topic, 2000)
    ctl = client(t, web)

    # The members that the help names are those that the API takes.
    text = " ".join(ctl("--help").split())
    for name in ("host", "path", "last", "since", "until", "offset", "topic", "same_topic", "rate"):
        assert f'"{name}"' in text, (name, text)
    order = t.directory / "replay.json"

    def write(**members):
        order.write_text(json.dumps({"host": "web1", "path": str(log), **members}))

    write(offset="0:40500", topic=side, rate=0)
    planned = json.loads(ctl("replay", "start", "-f", order, "--dry-run", "-m", "how much?"))
    assert planned["plan"]["bytes"] == 40_500, planned
    assert "-m TEXT is needed" in ctl("replay", "start", "-f", order, code=2)
    number = json.loads(ctl("replay", "start", "-f", order, "-m", "once more"))["id"]

    def finished():
        shown = json.loads(ctl("replay", "get", number))
        return shown["state"] in ("done", "failed") and shown

    shown = wait_for("it is done", finished, 60)
    assert shown["state"] == "done" and shown["progress"]["records"] == 500, shown
    wanted = [line.encode() if isinstance(line, str) else line for line in lines(500, size=80)]
    assert [record.value for record in t.kafka.read(side)] == wanted
    table = ctl("replay", "list").splitlines()
    assert len(table) == 2 and number in table[1] and " done " in table[1], table

    write(last="40500", topic=side, rate=1)
    slow = json.loads(ctl("replay", "start", "-f", order, "-m", "slowly"))["id"]
    wait_for("it runs", lambda: json.loads(ctl("replay", "get", slow))["state"] == "running", 60)
    ctl("replay", "cancel", slow, "-m", "enough")
    wait_for(
        "it is over", lambda: json.loads(ctl("replay", "get", slow))["state"] == "cancelled", 60
    )

    write(arguments={"last": "1", "topic": side})
    said = ctl("replay", "start", "-f", order, "-m", "m", code=1)
    assert "/arguments" in said, said
    write(last="1", topic=side)
    said = client(t, web, "viewer")("replay", "start", "-f", order, "-m", "m", code=1)
    assert "needs editor" in said and said.count("\n") == 1, said


@case(
    "ctl tail prints lines as they arrive, until Ctrl-C or until its token is removed",
    needs=["etcd", "kafka"],
)
def tail(t):
    etcd = t.etcd()
    topic = t.topic()
    web = start(t, etcd, t.kafka)
    fleet(t, etcd, ["web1"], kafka=t.kafka)
    online(web, ["web1"])
    log = t.log()
    append(log, lines(10, "before"))
    made = define(web, "shop", [{"log_path": str(log), "topic": topic}])
    applied(web, made.etag, ["web1"])
    ctl = client(t, web, "tailer")
    said = ctl("tail", "service=shop", "re=(", code=1)
    assert "/re" in said and said.count("\n") == 1, said

    def follow(*words):
        name = "-".join(word.split("=")[0] for word in words)
        return Child([t.binary, "ctl", "tail", *words, *ctl.where], t.directory / f"{name}.out")

    def shown(child):
        return child.log.read_text(errors="replace").splitlines()

    everything, chosen = follow("service=shop"), follow("host=web1", "q=7 .")
    writer = Writer(log, 200)
    try:
        for child in (everything, chosen):
            wait_for("lines are printed", lambda: len(shown(child)) > 20, 60)
        form = re.compile(rf"web1 {re.escape(str(log))}  .+")
        for line in shown(everything)[:-1]:
            assert form.fullmatch(line), line
        assert not [line for line in shown(everything) if "before" in line]
        assert all("7 ." in line for line in shown(chosen)[:-1]), shown(chosen)
        everything.signal(signal.SIGINT)
        assert everything.wait(10) == 0, shown(everything)[-1]
        items = web.api("GET", "/tokens").json["items"]
        own = [one["id"] for one in items if one["role"] == "tailer"][0]
        assert web.api("DELETE", f"/tokens/{own}", X_Message="over").status in (200, 204)
        assert chosen.wait(20) == 0, shown(chosen)[-1]
    finally:
        writer.stop()
    none = re.compile(r"^logagent_web_tails 0$", re.MULTILINE)
    wait_for("no tail is left", lambda: none.search(web.ask("GET", "/metrics").body.decode()))
