"""What steers a fleet besides single services: sync, labels, export, drift, search, ctl, doctor."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.agent import logagent
from harness.case import Skipped, case
from harness.fleet import Fleet
from harness.logs import append, lines
from harness.process import wait_for
from harness.transfer import Transfer
from harness.web import Web

from .web_api import audit, entry, online, service, start, status_of

ROOT = Path(__file__).resolve().parents[3]


def hosts(etcd, *numbers):
    for number in numbers:
        etcd.put(f"/logagent/_status/web{number}", status_of(f"web{number}", f"10.0.0.{number}"))


def known(web, count):
    """Web has stored what it has learned of so many hosts."""
    wait_for(
        f"{count} hosts are known", lambda: len(web.etcd.get("/logagent/_meta/hosts/")) >= count
    )


def definition(name, *paths, **more):
    out = {"name": name, "hosts": {"list": ["web*"]}, "files": [entry(path) for path in paths]}
    return {**out, **more}


def results(answer):
    return {one["name"]: one["result"] for one in answer.json["items"]}


def config(etcd, number):
    key = f"/logagent/10.0.0.{number}/logconfig"
    value = etcd.get(key).get(key)
    return value and [one["log_path"] for one in json.loads(value)]


@case("a source brings its services to a list, and touches no other ones", needs=["etcd"])
def sync_services(t):
    etcd = t.etcd()
    hosts(etcd, 1, 2)
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 2)
    assert web.api("PUT", "/services/mine", definition("mine", "/mine", message="m"),
                   If_None_Match="*").status == 201
    many = [definition(f"s{number:02d}", f"/s{number:02d}") for number in range(45)]
    body = {"services": [*many, definition("mine", "/other")], "message": "nightly"}
    first = web.api("PUT", "/services:sync?source=cmdb&prune=true", body)
    assert first.status == 207, first
    seen = results(first)
    assert seen.pop("mine") == "failed" and set(seen.values()) == {"created"}, seen
    assert len(config(etcd, 1)) == 46 and "/other" not in config(etcd, 1)
    body = {"services": many[5:] + [definition("new", "/new")], "message": "nightly"}
    rehearsed = web.api("PUT", "/services:sync?source=cmdb&prune=true&dry_run=true", body)
    assert len([one for one in rehearsed.json["items"] if one["result"] == "deleted"]) == 5
    assert rehearsed.json["plan"]["hosts"], rehearsed
    again = web.api("PUT", "/services:sync?source=cmdb&prune=true", body)
    assert again.status == 200, again
    seen = list(results(again).values())
    assert (seen.count("unchanged"), seen.count("deleted"), seen.count("created")) == (40, 5, 1)
    assert web.api("GET", "/services/mine").json["files"][0]["log_path"] == "/mine"
    assert web.api("GET", "/services/new").json["source"] == "cmdb"
    # One that clashes with somebody's fails alone.
    clash = [definition("new", "/new"), definition("clash", "/mine"), definition("fine", "/fine")]
    mixed = web.api("PUT", "/services:sync", {"source": "cmdb", "services": clash, "message": "m"})
    assert results(mixed) == {"new": "unchanged", "clash": "failed", "fine": "created"}, mixed
    bad = web.api("PUT", "/services:sync", {"services": [], "message": "m"})
    assert bad.status == 422 and bad.json["code"] == "source", bad


@case("hosts and labels come from a CMDB, and services follow", needs=["etcd"])
def sync_hosts(t):
    etcd = t.etcd()
    hosts(etcd, 1, 2, 3)
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 3)
    prod = service(hosts={"selector": "env=prod"}, files=[entry("/a")])
    assert web.api("PUT", "/services/a", prod, If_None_Match="*").status == 201
    wanted = [
        {"host": "web1", "labels": {"env": "prod"}},
        {"host": "web2", "labels": {"env": "test"}},
        {"host": "db1", "ips": ["10.0.0.9"], "primary_ip": "10.0.0.9", "labels": {"env": "prod"}},
    ]
    body = {"source": "cmdb", "hosts": wanted, "message": "nightly"}
    done = web.api("PUT", "/hosts:sync", body)
    assert done.status == 200 and done.json["written"] == 2, done
    assert results(done) == {"web1": "changed", "web2": "changed", "db1": "created"}, done
    assert (config(etcd, 1), config(etcd, 2), config(etcd, 9)) == (["/a"], None, ["/a"])
    again = web.api("PUT", "/hosts:sync", body)
    assert set(results(again).values()) == {"unchanged"}, again
    gone = web.api("PUT", "/hosts:sync", {**body, "hosts": wanted[:2], "prune": True})
    assert results(gone)["db1"] == "deleted", gone
    other = web.api("PUT", "/hosts:sync", {**body, "source": "other", "hosts": wanted[:1]})
    assert other.status == 207 and results(other) == {"web1": "failed"}, other

    labelled = web.api(
        "POST", "/hosts:label",
        {"hosts": ["web2", "web3", "nobody"], "labels": {"env": "prod"}, "message": "m"},
    )
    assert results(labelled) == {"web2": "changed", "web3": "changed", "nobody": "failed"}
    assert labelled.status == 207 and (config(etcd, 2), config(etcd, 3)) == (["/a"], ["/a"])
    by_label = {"selector": "env=prod,host!=web1", "labels": {"env": None}, "message": "m"}
    cleared = web.api("POST", "/hosts:label", by_label)
    assert config(etcd, 2) == config(etcd, 3) == [] and cleared.status == 200, cleared
    for bad in ({"labels": {}}, {"selector": "=", "labels": {}}, {"hosts": ["a"]}):
        assert web.api("POST", "/hosts:label", {**bad, "message": "m"}).status == 422, bad


def agent_forgets(web, etcd):
    """The agent is asked, and does it; web waits 5 s for the answer, a busy machine may need more."""
    asked = web.api("POST", "/hosts/testhost:forget", {"message": "m"})
    assert asked.status == 504 or (asked.status, asked.json["state"]) == (200, "done"), asked
    wait_for(
        "the agent has done it",
        lambda: any(b'"done"' in value for value in etcd.get("/logagent/_result/testhost/").values()),
    )


@case("a host that is gone is forgotten: its keys are emptied, and it does not come back",
      needs=["etcd"])
def forget(t):
    etcd = t.etcd()
    hosts(etcd, 1, 2)
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 2)
    web.api("PUT", "/services/a", service(hosts={"list": ["web*"]}, files=[entry("/a")]),
            If_None_Match="*")
    etcd.delete("/logagent/_status/web2")
    wait_for("it is offline", lambda: not web.api("GET", "/hosts/web2").json["online"])
    done = web.api("POST", "/hosts/web2:forget", {"message": "scrapped"})
    assert done.status == 200 and done.json["state"] == "done", done
    assert config(etcd, 2) == [] and config(etcd, 1) == ["/a"]
    wait_for("it is not listed", lambda: web.api("GET", "/hosts/web2").status == 404)
    assert "/logagent/_meta/hosts/web2" not in etcd.get("/logagent/_meta/hosts/")
    assert web.api("POST", "/hosts/web2:forget", {"message": "m"}).status == 404
    agent = t.agent(kafka=t.mock_kafka("--topic", "app"), etcd=etcd).start()
    online(web)
    agent_forgets(web, etcd)
    assert agent.stop() == 0


@case("what was exported is the same after an import into an empty etcd", needs=["etcd"])
def export(t):
    etcd = t.etcd()
    hosts(etcd, 1, 2)
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 2)
    for name in ("a", "b"):
        body = service(hosts={"selector": "env=prod"}, files=[entry(f"/{name}")], owner="me")
        assert web.api("PUT", f"/services/{name}", body, If_None_Match="*").status == 201
    web.api("PATCH", "/hosts/web1/labels", {"labels": {"env": "prod"}, "message": "m"})
    exported = web.api("GET", "/export")
    assert "attachment" in exported.fields["content-disposition"], exported
    bundle = exported.json
    before = config(etcd, 1)
    assert len(bundle["services"]) == 2 and before == ["/a", "/b"], bundle

    for key in etcd.get("/logagent/_meta/"):
        if "/services/" in key or "/hosts/" in key or "/rendered/" in key or "/rev/" in key:
            etcd.delete(key)
    etcd.delete("/logagent/10.0.0.1/logconfig")
    shown = web.api("POST", "/import?dry_run=true", {**bundle, "message": "m"})
    assert shown.status == 200 and shown.json["dry_run"], shown
    back = web.api("POST", "/import", {**bundle, "message": "moved"})
    assert back.status == 200, back
    assert config(etcd, 1) == before
    assert web.api("GET", "/export").json == bundle


@case("keys that people wrote become services without a change for agents; drift is repaired",
      needs=["etcd"])
def drift(t):
    etcd = t.etcd()
    hosts(etcd, 1, 2, 3)
    written = [{"service": "x", "log_path": "/x", "topic": "x", "send_rate": 0}]
    for number in (1, 2):
        etcd.put(f"/logagent/10.0.0.{number}/logconfig", written)
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 3)
    shown = web.api("POST", "/drift:adopt?dry_run=true", {"addresses": [], "message": "m"})
    assert shown.status == 200 and [one["name"] for one in shown.json["services"]] == ["x"], shown
    assert etcd.get("/logagent/_meta/services/") == {}
    done = web.api("POST", "/drift:adopt", {"addresses": [], "message": "m"})
    assert done.status == 200, done
    [made] = done.json["services"]
    assert made["files"][0]["log_path"] == "/x", made
    assert [config(etcd, number) for number in (1, 2, 3)] == [["/x"], ["/x"], None]
    assert web.api("GET", "/drift").json["items"] == []
    assert web.api("GET", "/services/x/revisions").json["items"][0]["action"] == "drift.adopt"

    etcd.put("/logagent/10.0.0.1/logconfig", "[]")
    items = {one["address"]: one for one in web.api("GET", "/drift").json["items"]}
    assert items["10.0.0.1"]["action"] == "held:drift" and items["10.0.0.1"]["stored"] == []
    repaired = web.api(
        "POST", "/drift:repair", {"addresses": ["10.0.0.1", "10.0.0.9"], "message": "m"}
    )
    assert [(one["address"], one["result"]) for one in repaired.json["items"]] == [
        ("10.0.0.1", "written"),
        ("10.0.0.9", "unchanged"),
    ], repaired
    assert config(etcd, 1) == ["/x"]
    for bad in ({}, {"addresses": ["x"]}, {"addresses": [], "all": True}):
        assert web.api("POST", "/drift:repair", {**bad, "message": "m"}).status == 422, bad


@case("lists are searched, narrowed and sorted, and say how services stand on their hosts",
      needs=["etcd"])
def search(t):
    etcd = t.etcd()
    fleet = t.owns(Fleet(etcd, 4)).follow()
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 4)
    everywhere = {"list": ["h*"]}
    fleet.refusing.add("h001")
    fleet.deaf.add("h002")
    body = service(hosts=everywhere, files=[entry("/var/log/Nginx.log")], owner="Team Web")
    web.api("PUT", "/services/shop", body, If_None_Match="*")
    web.api("PUT", "/services/bank", service(enabled=False), If_None_Match="*")
    fleet.lose("h003")

    def status():
        return web.api("GET", "/services/shop/status").json

    wait_for(
        "h000 has applied, h001 has not, h003 is gone",
        lambda: (s := status())["applied"] and s["failed"] and s["offline"],
    )
    seen = status()
    assert (seen["hosts"], seen["applied"], seen["waiting"], seen["offline"]) == (
        4, 1, ["h002"], ["h003"],
    ), seen
    [failed] = seen["failed"]
    assert failed["host"] == "h001" and "allow_paths" in failed["detail"], seen
    [listed] = web.api("GET", "/services?q=nginx%20team").json["items"]
    assert listed["name"] == "shop" and listed["status"] == {
        "hosts": 4, "applied": 1, "failed": 1, "waiting": 1, "offline": 1,
    }, listed

    def names(query, what="services", key="name"):
        return [one[key] for one in web.api("GET", f"/{what}?{query}").json["items"]]

    assert names("state=failed") == ["shop"] and names("state=disabled") == ["bank"]
    assert names("state=applied") == [] and names("sort=-name") == ["shop", "bank"]
    assert names("q=nobody") == []
    assert names("q=h00", "hosts", "host") == fleet.names
    assert names("sort=-host", "hosts", "host") == fleet.names[::-1]
    assert names("state=offline", "hosts", "host") == ["h003"]
    assert names("state=degraded", "hosts", "host") == ["h001"]
    assert names("selector=host=~h00[12]", "hosts", "host") == ["h001", "h002"]
    page = web.api("GET", "/hosts?sort=host&limit=3").json
    assert page["total"] == 4 and len(page["items"]) == 3
    rest = web.api("GET", f"/hosts?sort=host&limit=3&page_token={page['next_page_token']}").json
    assert [one["host"] for one in rest["items"]] == ["h003"] and rest["next_page_token"] is None
    for bad in ("state=odd", "sort=size"):
        assert web.api("GET", "/hosts?" + bad).status == 400
    assert web.api("GET", "/hosts?selector==").status == 422

    mine = [one["target"] for one in web.api("GET", "/audit?q=bank").json["items"]]
    assert mine == ["bank"], mine
    assert len(web.api("GET", "/audit?actor=first%20start&limit=1").json["items"]) == 1
    assert web.api("GET", "/audit?actor=nobody").json["items"] == []

    desired = web.api("GET", "/hosts/h000/config").json
    assert desired["entries"][0]["log_path"] == "/var/log/Nginx.log", desired
    assert desired["hash"] == fleet.reported["h000"], desired
    assert web.api("GET", "/hosts/h000/config?view=applied").json["hash"] == desired["hash"]
    assert web.api("GET", "/hosts/h000/config?view=odd").status == 400

    web.api("PATCH", "/services/shop", {"owner": "me", "message": "m"}, If_Match="*")
    diff = web.api("GET", "/services/shop/diff").json
    assert (diff["from"], diff["to"]) == (1, 2), diff
    assert [one["field"] for one in diff["fields"]] == ["owner"], diff
    assert web.api("GET", "/services/shop/diff?from=1&to=9").status == 404


@case("old revisions and records are removed, the newest stay", needs=["etcd"])
def pruned(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    web.first_token()
    for number in range(8):
        fields = {"If_Match": "*"} if number else {"If_None_Match": "*"}
        web.api("PUT", "/services/a", service(owner=str(number)), **fields)
    etcd.put("/logagent/_meta/audit/00000000010000000000000001", {"action": "old"})
    assert web.stop() == 0
    web.arguments += ["--set", "keep_revisions=3"]
    web.start()
    wait_for("old ones are gone", lambda: len(etcd.get("/logagent/_meta/rev/a/")) == 3)
    kept = web.api("GET", "/services/a/revisions").json["items"]
    assert [one["revision"] for one in kept] == [8, 7, 6], kept
    assert "/logagent/_meta/audit/00000000010000000000000001" not in etcd.get("/logagent/_meta/audit/")
    assert len(audit(web)) == 8


@case("revisions that are too old are removed, but for the last ten", needs=["etcd"])
def pruned_by_age(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    web.first_token()
    for number in range(14):
        fields = {"If_Match": "*"} if number else {"If_None_Match": "*"}
        web.api("PUT", "/services/a", service(owner=str(number)), **fields)
    web.api("PUT", "/services/b", service(owner="b"), If_None_Match="*")
    assert web.stop() == 0

    def make_older(name, *numbers):
        """Writes all of them again, in order: the newest is the one that was written last."""
        prefix = f"/logagent/_meta/rev/{name}/"
        stored = {int(key.rsplit("/", 1)[1]): text for key, text in etcd.get(prefix).items()}
        for number in sorted(stored):
            document = json.loads(stored[number])
            if number in numbers:
                document["at"] = "2001-02-03T04:05:06.789Z"
            etcd.put(prefix + str(number), json.dumps(document))

    make_older("a", 1, 2, 5, 6)
    make_older("b", 1)
    web.arguments += ["--set", "revision_days=30"]
    web.start()
    # The third is young: what is newer than it is not looked at, even if its time is odd.
    wait_for("old ones are gone", lambda: len(etcd.get("/logagent/_meta/rev/a/")) == 12)
    kept = web.api("GET", "/services/a/revisions").json["items"]
    assert [one["revision"] for one in kept] == [*range(14, 2, -1)], kept
    assert len(etcd.get("/logagent/_meta/rev/b/")) == 1
    assert web.stop() == 0
    make_older("a", 3, 4)
    web.start()
    wait_for("the last ten stay", lambda: len(etcd.get("/logagent/_meta/rev/a/")) == 10)
    back = {"revision": 5, "message": "m"}
    again = web.api("POST", "/services/a:rollback", back)
    assert again.status == 200, again


def ctl(t, web, *words, code=0, stdin=None, token=None):
    secret = t.directory / "token"
    secret.write_text((token or web.token) + "\n")
    secret.chmod(0o600)
    done = subprocess.run(
        [t.binary, "ctl", "--server", f"http://127.0.0.1:{web.port}", "--token-file", secret,
         *map(str, words)],
        input=stdin, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == code, (words, done)
    return done.stdout if code == 0 else done.stderr


@case("logagent ctl does with words what the API does, and says what went wrong", needs=["etcd"])
def ctl_words(t):
    etcd = t.etcd()
    fleet = t.owns(Fleet(etcd, 3)).follow()
    web = start(t, etcd=etcd)
    web.first_token()
    known(web, 3)
    shop = t.directory / "shop.json"
    shop.write_text(json.dumps({"name": "shop", "hosts": {"list": ["h*"]}, "files": [entry("/a")]}))
    rehearsed = json.loads(
        ctl(t, web, "services", "apply", "-f", shop, "-m", "m", "--dry-run", "-o", "json")
    )
    assert rehearsed["dry_run"] and len(rehearsed["plan"]["hosts"]) == 3
    assert etcd.get("/logagent/_meta/services/") == {}
    ctl(t, web, "services", "apply", "-f", shop, "-m", "first")
    table = wait_for(
        "all have applied it",
        lambda: (text := ctl(t, web, "services", "list")).split()[11:14] == ["3", "3", "0"] and text,
    )
    assert table.splitlines()[0].split()[:3] == ["NAME", "REVISION", "HOSTS"], table
    both = json.dumps([
        {"name": "shop", "hosts": {"list": ["h*"]}, "files": [entry("/b")]},
        {"name": "bank", "hosts": {"list": ["h000"]}, "files": [entry("/bank")]},
    ])
    applied = json.loads(ctl(t, web, "services", "apply", "-f", "-", "-m", "two", stdin=both))
    assert applied["revisions"] == {"shop": 2, "bank": 1}, applied
    assert fleet.having("/b") == set(fleet.names)
    changed = json.loads(ctl(t, web, "services", "diff", "shop", "1", "2", "-o", "json"))
    assert changed["entries"], changed
    ctl(t, web, "services", "rollback", "shop", "1", "-m", "back")
    assert fleet.having("/a") == set(fleet.names)
    ctl(t, web, "hosts", "label", "h000", "env=prod", "-m", "m")
    assert '"env":"prod"' in ctl(t, web, "hosts", "list", "env=prod")
    begun = json.loads(ctl(
        t, web, "rollout", "start", "-f", "-", "-m", "m", "-o", "json",
        stdin=json.dumps({"service": "shop", "revision": 2, "bake_s": 0, "stages": [100]}),
    ))
    wait_for("it is done", lambda: "done" in ctl(t, web, "rollout", "list"))
    assert "applied" in ctl(t, web, "rollout", "hosts", begun["id"])
    made = json.loads(ctl(t, web, "tokens", "create", "ci", "viewer", "-m", "m"))
    refused = ctl(t, web, "services", "delete", "shop", "-m", "m", code=1, token=made["token"])
    assert "has the role viewer" in refused, refused
    assert "ci" in ctl(t, web, "tokens", "list")
    exported = ctl(t, web, "export")
    assert "unchanged" in ctl(t, web, "import", "-f", "-", "-m", "m", stdin=exported)
    ctl(t, web, "services", "delete", "shop", "-m", "over")
    assert fleet.having("/b") == set()
    assert "service.delete" in ctl(t, web, "audit", "over")
    bad = t.directory / "bad.json"
    bad.write_text(json.dumps({"name": "x", "files": [{"log_path": "rel", "topic": "t"}]}))
    assert "/files/0/log_path" in ctl(t, web, "services", "apply", "-f", bad, "-m", "m", code=1)
    assert "-m TEXT is needed" in ctl(t, web, "services", "delete", "bank", code=2)
    assert "did you mean services" in ctl(t, web, "service", "list", code=2)
    plain = logagent(t.binary, "ctl", "--server", "http://192.0.2.1:1", "whoami",
                     env={**os.environ, "LOGAGENT_TOKEN": "x"})
    assert plain.returncode == 2 and b"in the clear" in plain.stderr, plain


@case("the doctor says what is wrong with an etcd, and that nothing is", needs=["etcd"])
def doctor(t):
    etcd = t.etcd()

    def examine(*more):
        done = logagent(t.binary, "web", "--etcd", etcd.address, "--doctor", *more)
        return done.returncode, done.stdout.decode()

    code, text = examine()
    assert code == 1 and "anybody who reaches etcd may write" in text, text
    assert "one member" in text and "of its quota of 2048 MiB" in text, text
    etcd.compact(etcd.put("/x", "y"))
    assert "etcd keeps 0 old revisions" in examine()[1]
    before = etcd.get("/logagent/")
    etcd.demand_password("tr0ub4dor&3")
    secret = t.directory / "password"
    secret.write_text("tr0ub4dor&3\n")
    secret.chmod(0o600)
    code, text = examine("--set", "etcd_user=root", "--set", f"etcd_password_file={secret}")
    assert code == 0 and "nobody may write without a password" in text, text
    code, text = examine()
    assert code == 1 and "may not write below its prefix" in text, text
    assert etcd.get("/logagent/") == before


@case("with the roles of examples/etcd-roles.sh an agent works, and can do nothing else",
      needs=["etcd"])
def roles(t):
    if not shutil.which("etcdctl"):
        raise Skipped("no etcdctl")
    etcd = t.etcd()

    def script(*words, stdin=None, user="root:password-of-root", code=0):
        done = subprocess.run(
            ["bash", ROOT / "examples/etcd-roles.sh", *words], input=stdin, text=True,
            capture_output=True, timeout=60,
            env={**os.environ, "ETCDCTL_ENDPOINTS": f"http://{etcd.address}",
                 "ETCDCTL_API": "3", **({"ETCDCTL_USER": user} if user else {})},
        )
        assert done.returncode == code, (words, done)
        return done.stdout

    script("agents", stdin="password-of-all\n", user=None)
    script("agent", "testhost", "10.1.2.3", stdin="password-of-one\n", user=None)
    script("web", stdin="password-of-web\n", user=None)
    script("transfer", stdin="password-of-transfer\n", user=None)
    etcd.demand_password("password-of-root")

    def password(name, text):
        file = t.directory / name
        file.write_text(text + "\n")
        file.chmod(0o600)
        return file

    web = start_as(t, etcd, password("secret-web", "password-of-web"))
    web.first_token()
    log = t.log()
    append(log, lines(5))
    kafka = t.mock_kafka("--topic", "app")
    script("check", "logagent-transfer:password-of-transfer", user=None)
    mover = Transfer(t.binary, t.directory / "transfer", f"""kafka_addr = {kafka.address}
etcd_addr = {etcd.address}
etcd_user = logagent-transfer
etcd_password_file = {password("secret-transfer", "password-of-transfer")}
[sink.out]
type = file
path = {t.directory}/out.log
""")
    t.owns(mover).start()
    wait_for("transfer shows itself", lambda: web.api("GET", "/transfer/processes").json["items"])
    for user, secret in (
        ("logagent-agent", "password-of-all"),
        ("logagent-agent-testhost", "password-of-one"),
    ):
        script("check", f"{user}:{secret}", user=None)
        ini = {"etcd_user": user, "etcd_password_file": password("secret-" + user, secret)}
        agent = t.agent(user, kafka=kafka, etcd=etcd, ini=ini).start()
        online(web)
        body = service(hosts={"list": ["testhost"]}, files=[entry(log)])
        fields = {"If_Match": "*"} if user != "logagent-agent" else {"If_None_Match": "*"}
        made = web.api("PUT", "/services/a", {**body, "owner": user}, **fields)
        assert made.status in (200, 201), made
        agent.wait_file(log, "tailing")
        agent.wait("all is sent", lambda: agent.status()["ledger"]["unread"] == 0
                   and agent.status()["ledger"]["in_flight"] == 0)
        if user != "logagent-agent":
            agent_forgets(web, etcd)
        assert agent.stop() == 0
        wait_for("it is offline", lambda: not web.api("GET", "/hosts/testhost").json["online"])
    assert script("check", "logagent-web:password-of-web", user=None, code=1).count("may write") == 2


def start_as(t, etcd, password_file):
    web = Web(t.binary, t.directory / "web-as", etcd,
              ["--set", "etcd_user=logagent-web", "--set", f"etcd_password_file={password_file}"])
    t.owns(web)
    return web.start()
