"""The API of `logagent web` against a real etcd."""

import concurrent.futures
import json
import signal
import time
from datetime import datetime

from harness.agent import logagent
from harness.case import case
from harness.logs import append, lines
from harness.process import wait_for
from harness.web import Web


def start(t, name="web", etcd=None):
    web = Web(t.binary, t.directory / name, etcd or t.etcd())
    t.owns(web)
    return web.start()


def service(**more):
    return {
        "enabled": True,
        "hosts": {"list": ["web1"]},
        "files": [{"log_path": "/var/log/app.log", "topic": "app"}],
        "message": "a test",
        **more,
    }


def without_outcome(answer):
    """A service as it is stored: what a change did to hosts is only in the answer to it."""
    return {name: value for name, value in answer.json.items() if name != "rendered"}


def audit(web, count=500):
    return web.api("GET", f"/audit?limit={count}").json["items"]


@case(
    "the first start prints one admin token, once, and only its hash is stored",
    needs=["etcd"],
)
def first_token(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    token = web.first_token()
    assert web.api("GET", "/whoami").json["role"] == "admin"
    stored = etcd.get("/logagent/_meta/tokens/")
    assert len(stored) == 1 and token.encode() not in b"".join(stored.values()), stored
    again = start(t, "again", etcd)
    assert again.api("GET", "/whoami", token=token).status == 200
    assert again.stop(signal.SIGINT) == 0
    assert "lgw_" not in again.output()
    assert web.stop() == 0
    assert web.output().count("lgw_") == 1, web.output()


@case("web without etcd says so, and is ready once etcd is there", needs=["etcd"])
def without_etcd(t):
    etcd = t.etcd()
    etcd.stop()
    web = t.owns(Web(t.binary, t.directory / "web", etcd)).start(ready=False)
    wait_for("the server answers", lambda: web.ask("GET", "/healthz").status == 200)
    unready = web.ask("GET", "/readyz")
    assert unready.status == 503 and unready.body.count(b"\n") == 1, unready
    answer = web.api("GET", "/whoami", token="lgw_x")
    assert answer.status == 503 and answer.json["code"] == "not_ready", answer
    etcd.restart()
    web.wait_ready(30)
    web.first_token()
    assert web.api("GET", "/whoami").status == 200
    assert web.stop() == 0


@case("an address that is not loopback, and a bad key, end web with 2 and one line")
def refused(t):
    for arguments, said in (
        (["--listen", "0.0.0.0:9480"], "--listen: listen: '0.0.0.0:9480': not a loopback address"),
        (["--set", "prefx=/a/"], "--set: prefx: there is no such key; did you mean prefix?"),
        (["--set", "kafka.no.such=1"], "kafka.no.such"),
    ):
        done = logagent(t.binary, "web", "--etcd", "127.0.0.1:1", *arguments)
        lines = done.stderr.decode().splitlines()
        assert done.returncode == 2 and len(lines) == 1 and said in lines[0], (arguments, lines)
    taken = t.etcd()
    done = logagent(t.binary, "web", "--etcd", taken.address, "--listen", taken.address)
    assert done.returncode == 2 and b"cannot listen on" in done.stderr, done.stderr


@case(
    "a service is created, read, changed and removed, each against the state it was read in",
    needs=["etcd"],
)
def services(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    web.first_token()
    path = "/services/shop"
    assert web.api("GET", path).status == 404
    missing = web.api("PUT", path, service())
    assert missing.status == 428 and missing.json["code"] == "precondition_required", missing
    stale = web.api("PUT", path, service(), If_Match='"1"')
    assert stale.status == 412 and stale.json["current"] is None, stale

    made = web.api("PUT", path, service(), If_None_Match="*")
    assert made.status == 201 and made.json["revision"] == 1 and made.json["name"] == "shop", made
    assert "message" not in made.json and made.json["rendered"]["written"] == 0, made
    read = web.api("GET", path)
    assert read.json == without_outcome(made) and read.etag == made.etag, (read, made)
    assert web.api("GET", path, If_None_Match=read.etag).status == 304
    assert web.ask("HEAD", "/api/v1" + path).body == b""

    twice = web.api("PUT", path, service(), If_None_Match="*")
    assert twice.status == 412 and twice.etag == made.etag, twice
    assert twice.json["current"] == read.json, twice

    # What was read can be sent back changed.
    changed = web.api("PUT", path, {**read.json, "owner": "me", "message": "m"}, If_Match=read.etag)
    assert changed.status == 200 and changed.json["revision"] == 2, changed
    assert web.api("PUT", path, service(), If_Match=read.etag).status == 412
    dry = web.api(
        "PATCH",
        path + "?dry_run=true",
        {"owner": "you", "message": "m"},
        If_Match=changed.etag,
    )
    assert dry.status == 200 and dry.json["owner"] == "you" and dry.json["dry_run"] is True, dry
    assert web.api("GET", path).json == without_outcome(changed)
    patched = web.api(
        "PATCH",
        path,
        {"owner": None, "description": "d", "message": "m"},
        If_Match=changed.etag,
        Content_Type="application/merge-patch+json",
    )
    assert patched.status == 200 and patched.json["owner"] == "", patched
    assert patched.json["description"] == "d" and patched.json["files"] == made.json["files"]

    no_reason = web.api("DELETE", path, If_Match=patched.etag)
    assert no_reason.status == 422 and no_reason.json["code"] == "message", no_reason
    gone = web.api("DELETE", path, If_Match=patched.etag, X_Message="over")
    assert gone.status == 204 and gone.body == b"", gone
    assert web.api("GET", path).status == 404
    assert etcd.get("/logagent/_meta/services/") == {}

    history = web.api("GET", path + "/revisions").json["items"]
    assert [(one["revision"], one["action"], one["deleted"]) for one in history] == [
        (4, "service.delete", True),
        (3, "service.patch", False),
        (2, "service.put", False),
        (1, "service.put", False),
    ], history
    back = web.api("POST", path + ":rollback", {"revision": 2, "message": "back"})
    assert back.status == 201 and back.json["owner"] == "me" and back.json["revision"] == 5, back
    kept = web.api("GET", path + "/revisions/5").json
    assert kept["message"] == "back" and kept["document"]["owner"] == "me", kept
    deleted = web.api("POST", path + ":rollback", {"revision": 4, "message": "back"})
    assert deleted.status == 409, deleted

    # One record for each change and each refusal, none for a dry run.
    seen = [(one["action"], one["result"]) for one in audit(web) if one["target"] == "shop"]
    assert seen[::-1] == [
        ("service.put", "refused"),  # 428
        ("service.put", "refused"),  # 412
        ("service.put", "done"),
        ("service.put", "refused"),
        ("service.put", "done"),
        ("service.put", "refused"),
        ("service.patch", "done"),
        ("service.delete", "refused"),
        ("service.delete", "done"),
        ("service.rollback", "done"),
        ("service.rollback", "refused"),
    ], seen


@case(
    "of two changes at the same moment one is made and the other gets what is there now",
    needs=["etcd"],
)
def races(t):
    etcd = t.etcd()
    webs = [start(t, f"web{number}", etcd) for number in (1, 2)]
    webs[1].token = webs[0].first_token()
    etag = webs[0].api("PUT", "/services/a", service(), If_None_Match="*").etag
    for number in range(10):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda i: webs[i % 2].api(
                        "PUT", "/services/a", service(owner=f"{number}.{i}"), If_Match=etag
                    ),
                    range(8),
                )
            )
        won = [one for one in answers if one.status == 200]
        lost = [one for one in answers if one.status == 412]
        assert len(won) == 1 and len(lost) == 7, answers
        assert {one.json["current"]["owner"] for one in lost} == {won[0].json["owner"]}
        etag = won[0].etag
    history = webs[0].api("GET", "/services/a/revisions").json["items"]
    assert [one["revision"] for one in history] == list(range(11, 0, -1)), history


@case("a list shows one moment, page by page", needs=["etcd"])
def pages(t):
    web = start(t)
    web.first_token()
    names = [f"s{number:02d}" for number in range(25)]
    for name in names:
        assert web.api("PUT", f"/services/{name}", service(), If_None_Match="*").status == 201
    first = web.api("GET", "/services?limit=10").json
    for name in ("s00", "s12"):
        etag = web.api("GET", f"/services/{name}").etag
        assert web.api("DELETE", f"/services/{name}", If_Match=etag, X_Message="m").status == 204
    assert web.api("PUT", "/services/s11a", service(), If_None_Match="*").status == 201
    listed, token = [one["name"] for one in first["items"]], first["next_page_token"]
    while token:
        page = web.api("GET", f"/services?limit=10&page_token={token}").json
        listed += [one["name"] for one in page["items"]]
        token = page["next_page_token"]
    assert listed == names, listed
    now = [one["name"] for one in web.api("GET", "/services?limit=500").json["items"]]
    assert now == sorted(set(names) - {"s00", "s12"} | {"s11a"}), now

    token = first["next_page_token"]
    web.etcd.compact(web.etcd.put("/logagent/x", "1"))
    gone = web.api("GET", f"/services?page_token={token}")
    assert gone.status == 410 and gone.json["code"] == "page_expired", gone
    for bad in ("limit=0", "limit=501", "limit=x", "page_token=x"):
        assert web.api("GET", "/services?" + bad).status == 400

    audits = web.api("GET", "/audit?limit=20").json
    rest = web.api("GET", f"/audit?limit=500&page_token={audits['next_page_token']}").json
    ids = [one["id"] for one in audits["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 28, (len(ids), ids)


@case(
    "each role may do what it is for, and a limited token only that for its services",
    needs=["etcd"],
)
def roles(t):
    web = start(t)
    web.first_token()
    for name in ("shop-eu", "bank"):
        assert web.api("PUT", f"/services/{name}", service(), If_None_Match="*").status == 201
    tokens = {
        "nobody": None,
        "viewer": web.new_token("viewer"),
        "tailer": web.new_token("tailer"),
        "editor": web.new_token("editor"),
        "admin": web.new_token("admin"),
        "shop editor": web.new_token("editor", ["shop*"]),
        "shop admin": web.new_token("admin", ["shop*", "x"]),
    }
    asked = {
        "GET /whoami": (None, {}),
        "GET /services": (None, {}),
        "GET /services/bank": (None, {}),
        "GET /services/shop-eu": (None, {}),
        "GET /services/bank/revisions": (None, {}),
        "PATCH /services/bank?dry_run=true": ({"message": "m"}, {"If_Match": "*"}),
        "PATCH /services/shop-eu?dry_run=true": ({"message": "m"}, {"If_Match": "*"}),
        "GET /hosts": (None, {}),
        "GET /tokens": (None, {}),
        "POST /tokens?dry_run=true": ({"name": "n", "role": "viewer", "message": "m"}, {}),
        "GET /audit": (None, {}),
    }
    seen = {}
    for question, (body, fields) in asked.items():
        method, path = question.split()
        seen[question] = [
            web.api(method, path, body, token=token, **fields).status for token in tokens.values()
        ]
    assert seen == {
        "GET /whoami": [401, 200, 200, 200, 200, 200, 200],
        "GET /services": [401, 200, 200, 200, 200, 200, 200],
        "GET /services/bank": [401, 200, 200, 200, 200, 403, 403],
        "GET /services/shop-eu": [401, 200, 200, 200, 200, 200, 200],
        "GET /services/bank/revisions": [401, 200, 200, 200, 200, 403, 403],
        "PATCH /services/bank?dry_run=true": [401, 403, 403, 200, 200, 403, 403],
        "PATCH /services/shop-eu?dry_run=true": [401, 403, 403, 200, 200, 200, 200],
        "GET /hosts": [401, 200, 200, 200, 200, 200, 200],
        "GET /tokens": [401, 403, 403, 403, 200, 403, 403],
        "POST /tokens?dry_run=true": [401, 403, 403, 403, 200, 403, 403],
        "GET /audit": [401, 403, 403, 403, 200, 403, 403],
    }, json.dumps(seen, indent=1)
    shown = web.api("GET", "/services", token=tokens["shop editor"]).json["items"]
    assert [one["name"] for one in shown] == ["shop-eu"], shown
    refused = web.api(
        "DELETE", "/services/bank", token=tokens["viewer"], X_Message="m", If_Match="*"
    )
    assert refused.status == 403
    last = audit(web, 1)[0]
    assert (last["result"], last["status"], last["actor"]["name"]) == ("refused", 403, "a viewer")


@case("a removed token opens nothing any more, at no web", needs=["etcd"])
def removed_tokens(t):
    etcd = t.etcd()
    web, other = start(t, etcd=etcd), start(t, "other", etcd)
    admin = web.first_token()
    viewer = web.new_token("viewer")
    for each in (web, other):
        wait_for("known", lambda: each.api("GET", "/whoami", token=viewer).status == 200)
    listed = web.api("GET", "/tokens").json["items"]
    assert viewer not in json.dumps(listed) and "sha256" not in json.dumps(listed), listed
    token_id = next(one["id"] for one in listed if one["role"] == "viewer")
    assert web.api("DELETE", f"/tokens/{token_id}", X_Message="m").status == 204
    assert web.api("GET", "/whoami", token=viewer).status == 401
    wait_for("removed", lambda: other.api("GET", "/whoami", token=viewer).status == 401)
    last = web.api("DELETE", "/tokens/first", X_Message="m")
    assert last.status == 409 and last.json["code"] == "last_admin", last
    for bad in (
        {"name": "n", "role": "owner"},
        {"name": "", "role": "admin"},
        {"name": "n", "role": "admin", "services": []},
        {"name": "n", "role": "admin", "serviecs": ["*"]},
        {"name": "n", "role": "admin", "expires_s": 0},
    ):
        answer = web.api("POST", "/tokens", {**bad, "message": "m"})
        assert answer.status == 422 and answer.json["errors"], answer
    assert admin not in web.output().replace(admin, "", 1)


@case("a request with an Idempotency-Key is carried out once", needs=["etcd"])
def once(t):
    web = start(t)
    web.first_token()
    etag = web.api("PUT", "/services/a", service(owner="x"), If_None_Match="*").etag
    assert web.api("PUT", "/services/a", service(owner="y"), If_Match=etag).status == 200
    back = {"revision": 1, "message": "m"}
    first = web.api("POST", "/services/a:rollback", back, Idempotency_Key="k")
    again = web.api("POST", "/services/a:rollback", back, Idempotency_Key="k")
    assert first.status == 200 and again.status == 200, (first, again)
    assert (again.json, again.etag) == (without_outcome(first), first.etag), (first, again)
    assert again.fields["idempotent-replay"] == "true"
    assert len(web.api("GET", "/services/a/revisions").json["items"]) == 3
    other = web.api("POST", "/services/a:rollback", {**back, "revision": 2}, Idempotency_Key="k")
    assert other.status == 422 and other.json["code"] == "idempotency_key", other
    short = {"name": "s", "role": "viewer", "expires_s": 600, "message": "m"}
    short = web.api("POST", "/tokens", short).json
    asked = web.api("GET", "/whoami", token=short["token"])
    assert asked.json["expires_at"] == short["expires_at"] is not None, (asked, short)
    assert web.api("DELETE", f"/tokens/{short['id']}", X_Message="m").status == 204
    token = {"name": "n", "role": "viewer", "message": "m"}
    assert web.api("POST", "/tokens", token, Idempotency_Key="t").status == 201
    assert web.api("POST", "/tokens", token, Idempotency_Key="t").json["code"] == "done_before"
    assert len(web.api("GET", "/tokens").json["items"]) == 2


@case("a session lets a page of this server in, and no other one", needs=["etcd"])
def sessions(t):
    web = start(t)
    token = web.first_token()
    own = {"Sec_Fetch_Site": "same-origin"}
    foreign = web.api("POST", "/session", {"token": token}, token=None, Sec_Fetch_Site="cross-site")
    assert foreign.status == 403, foreign
    entered = web.api("POST", "/session", {"token": token}, token=None, **own)
    assert entered.status == 200, entered
    cookie = entered.fields["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and token not in cookie, cookie
    cookie = cookie.split(";")[0]
    who = web.api("GET", "/whoami", token=None, Cookie=cookie)
    assert who.json["session"] is True and who.json["role"] == "admin", who
    assert web.api("GET", "/whoami").json["expires_at"] is None
    ends = datetime.fromisoformat(who.json["expires_at"].replace("Z", "+00:00")).timestamp()
    assert 0 < 12 * 3600 - (ends - time.time()) < 60, who

    def change(**fields):
        return web.api(
            "PUT", "/services/a", service(), token=None, Cookie=cookie, If_None_Match="*", **fields
        )

    for fields in ({}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = change(**fields)
        assert answer.status == 403 and answer.json["code"] == "cross_site", answer
    assert change(**own).status == 201
    stored = web.etcd.get("/logagent/_meta/sessions/")
    secret = cookie.split("=")[1]
    assert len(stored) == 1 and secret not in str(stored), stored
    left = web.api("DELETE", "/session", token=None, Cookie=cookie, **own)
    assert left.status == 204 and "Max-Age=0" in left.fields["set-cookie"], left
    assert web.api("GET", "/whoami", token=None, Cookie=cookie).status == 401
    for _ in range(5):
        wrong = web.api("POST", "/session", {"token": "lgw_wrong"}, token=None, **own)
        assert wrong.status == 401, wrong
    held = web.api("POST", "/session", {"token": token}, token=None, **own)
    assert held.status == 429 and int(held.fields["retry-after"]) >= 1, held


@case("what is no proper request is refused as a problem, whoever notices it", needs=["etcd"])
def improper(t):
    web = start(t)
    web.first_token()
    for expected, answer in (
        (404, web.api("GET", "/nothing")),
        (405, web.api("POST", "/hosts", {})),
        (413, web.api("PUT", "/services/a", {"message": "x" * (1 << 20)}, If_None_Match="*")),
        (415, web.api("PUT", "/services/a", "{}", Content_Type="text/plain")),
        (400, web.api("PUT", "/services/a", "{", Content_Type="application/json")),
        (421, web.api("GET", "/whoami", Host="evil.example")),
        (431, web.api("GET", "/whoami", X_Long="x" * 9000)),
        (404, web.api("GET", "/services/a%2Fb")),
    ):
        assert answer.status == expected, (expected, answer)
        problem = answer.json
        assert answer.fields["content-type"] == "application/problem+json", answer
        assert problem["status"] == expected and problem["detail"] and problem["title"], problem
        assert problem["request_id"] == answer.fields["x-request-id"], answer
        assert "default-src 'none'" in answer.fields["content-security-policy"]
        assert answer.fields["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.fields
    assert web.api("POST", "/hosts", {}).fields["allow"] == "GET, HEAD"
    named = web.api("GET", "/whoami", X_Request_Id="mine-1")
    assert named.fields["x-request-id"] == "mine-1"
    metrics = web.ask("GET", "/metrics", token=None).body.decode()
    assert 'logagent_web_responses_total{status="405"}' in metrics, metrics


@case("a bad definition is refused with a pointer to each mistake", needs=["etcd"])
def bad_definition(t):
    web = start(t)
    web.first_token()
    bad = service(
        name="other",
        filess=[],
        files=[{"log_path": "relative", "topic": "app"}, {"log_path": "/a", "topic": "no topic"}],
        hosts={"cidr": ["10.0.0.1/8"], "selector": "a=~("},
    )
    answer = web.api("PUT", "/services/shop", bad, If_None_Match="*")
    assert answer.status == 422, answer
    pointers = [error["pointer"] for error in answer.json["errors"]]
    for wanted in (
        "/name",
        "/filess",
        "/files/0/log_path",
        "/files/1/topic",
        "/hosts/cidr/0",
        "/hosts/selector",
    ):
        assert wanted in pointers, (wanted, answer.json["errors"])
    assert all(error["code"] and error["detail"] for error in answer.json["errors"])
    assert web.etcd.get("/logagent/_meta/services/") == {}


def entry(log, topic="app", **more):
    return {"log_path": str(log), "topic": topic, "start": "start", **more}


def online(web, host="testhost"):
    return wait_for(
        f"{host} is online",
        lambda: next(
            (
                one
                for one in web.api("GET", "/hosts").json["items"]
                if one["host"] == host and one["online"]
            ),
            None,
        ),
    )


@case(
    "a service put through the API is what a real agent applies, byte by byte",
    needs=["etcd"],
)
def agent_applies(t):
    etcd, log = t.etcd(), t.log()
    append(log, lines(10))
    web = start(t, etcd=etcd)
    web.first_token()
    agent = t.agent(kafka=t.mock_kafka("--topic", "app"), etcd=etcd).start()
    online(web)

    planned = web.api(
        "PUT",
        "/services/shop?dry_run=true",
        service(files=[entry(log)], hosts={"list": ["testhost"]}),
        If_None_Match="*",
    )
    assert planned.status == 200, planned
    [host] = planned.json["plan"]["hosts"]
    seen = (host["host"], host["address"], host["action"])
    assert seen == ("testhost", "10.1.2.3", "write"), host
    assert [change["kind"] for change in host["diff"]] == ["added"], host
    assert etcd.get(agent.key) == {}

    made = web.api(
        "PUT",
        "/services/shop",
        service(files=[entry(log)], hosts={"list": ["testhost"]}),
        If_None_Match="*",
    )
    assert made.status == 201 and made.json["rendered"]["written"] == 1, made
    expected = (
        '[{"service":"shop","log_path":"%s","topic":"app","send_rate":0,"start":"start"}]' % log
    )
    assert etcd.get(agent.key)[agent.key].decode() == expected
    agent.wait_applied(int(made.etag.strip('"')))
    agent.wait_file(log, "tailing")
    agent.wait("all is sent", lambda: agent.status()["ledger"]["lines"]["acked"] == 10)

    faster = web.api(
        "PATCH", "/services/shop", {"files": [entry(log, send_rate=50)], "message": "m"},
        If_Match=made.etag,
    )
    assert faster.status == 200 and faster.json["rendered"]["written"] == 1, faster
    agent.wait("the new rate", lambda: agent.file(log)["send_rate"] == 50, 5)

    back = web.api("POST", "/services/shop:rollback", {"revision": 1, "message": "m"})
    assert back.status == 200, back
    agent.wait("the old rate", lambda: not agent.file(log)["send_rate"], 5)
    assert etcd.get(agent.key)[agent.key].decode() == expected

    gone = web.api("DELETE", "/services/shop", If_Match=back.etag, X_Message="over")
    assert gone.status == 204, gone
    assert etcd.get(agent.key)[agent.key] == b"[]"
    agent.wait(
        "nothing is collected",
        lambda: not [one for one in agent.status()["files"] if one["state"] == "tailing"],
        5,
    )
    agent.kill9()
    wait_for(
        "the host is offline",
        lambda: not web.api("GET", "/hosts/testhost").json["online"],
        60,
    )


def status_of(host, *ips):
    return {"host": host, "instance": "i" + host, "version": "0", "ips": list(ips)}


@case("a plan is applied as it was shown, or not at all", needs=["etcd"])
def plans(t):
    etcd = t.etcd()
    for number in (1, 2, 3):
        etcd.put(f"/logagent/_status/web{number}", status_of(f"web{number}", f"10.0.0.{number}"))
    etcd.put("/logagent/10.0.0.3/logconfig", [{"service": "x", "log_path": "/x", "topic": "x"}])
    web = start(t, etcd=etcd)
    web.first_token()
    everywhere = {"list": ["web*"]}
    question = {
        "services": [
            {"name": "a", "hosts": everywhere, "files": [entry("/var/log/a")]},
            {"name": "b", "hosts": {"list": ["web1"]}, "files": [entry("/var/log/b")]},
        ],
        "message": "two services",
    }

    def plan(**more):
        made = web.api("POST", "/services:plan", {**question, **more})
        assert made.status == 201, made
        return made.json

    def keys():
        return {
            key: json.loads(value)
            for key, value in etcd.get("/logagent/1").items()
            if key.endswith("/logconfig")
        }

    before = keys()
    made = plan()
    actions = {one["host"]: (one["action"], len(one["diff"])) for one in made["hosts"]}
    assert actions == {
        "web1": ("write", 2),
        "web2": ("write", 1),
        "web3": ("held:hand_written", 2),
    }, made
    assert keys() == before and etcd.get("/logagent/_meta/services/") == {}

    # Somebody writes one of the keys: what was shown is not what would happen.
    etcd.put("/logagent/10.0.0.2/logconfig", "[]")
    moved = web.api("POST", f"/plans/{made['plan_id']}:apply")
    assert moved.status == 409 and moved.json["code"] == "plan_moved", moved
    assert etcd.get("/logagent/_meta/services/") == {}

    made = plan()
    viewer = web.new_token("editor")
    assert web.api("POST", f"/plans/{made['plan_id']}:apply", token=viewer).status == 403
    done = web.api("POST", f"/plans/{made['plan_id']}:apply")
    assert done.status == 200 and done.json["written"] == 2, done
    assert done.json["revisions"] == {"a": 1, "b": 1}, done
    assert [(one["host"], one["reason"]) for one in done.json["held"]] == [
        ("web3", "hand_written")
    ], done
    after = keys()
    assert [one["log_path"] for one in after["/logagent/10.0.0.1/logconfig"]] == [
        "/var/log/a",
        "/var/log/b",
    ], after
    assert [one["log_path"] for one in after["/logagent/10.0.0.2/logconfig"]] == ["/var/log/a"]
    assert after["/logagent/10.0.0.3/logconfig"] == before["/logagent/10.0.0.3/logconfig"]
    assert web.api("POST", f"/plans/{made['plan_id']}:apply").status == 404
    kept = web.api("GET", "/services/a/revisions/1").json
    assert (kept["message"], kept["action"]) == ("two services", "plan.apply"), kept

    # The key that somebody wrote by hand is taken over only when that is asked for.
    drift = web.api("GET", "/drift").json["items"]
    assert [(one["host"], one["action"]) for one in drift] == [("web3", "held:hand_written")], drift
    taken = web.api(
        "POST", "/services:plan", {"services": [], "take_over": ["10.0.0.3"], "message": "m"}
    ).json
    assert web.api("POST", f"/plans/{taken['plan_id']}:apply").json["written"] == 1
    assert [one["log_path"] for one in keys()["/logagent/10.0.0.3/logconfig"]] == ["/var/log/a"]
    assert web.api("GET", "/drift").json["items"] == []

    # A key of ours that somebody changed is drift, and stays until it is repaired.
    etcd.put("/logagent/10.0.0.1/logconfig", "[]")
    drift = web.api("GET", "/drift").json["items"]
    assert [(one["host"], one["action"], one["drift"]) for one in drift] == [
        ("web1", "held:drift", True)
    ], drift
    repair = web.api(
        "POST", "/services:plan", {"services": [], "repair_drift": True, "message": "m"}
    ).json
    assert web.api("POST", f"/plans/{repair['plan_id']}:apply").json["written"] == 1
    assert keys()["/logagent/10.0.0.1/logconfig"] == after["/logagent/10.0.0.1/logconfig"]

    clash = {"name": "c", "hosts": everywhere, "files": [entry("/var/log/a")], "message": "m"}
    refused = web.api("PUT", "/services/c", clash, If_None_Match="*")
    assert refused.status == 409 and refused.json["errors"][0]["code"] == "conflict", refused
    assert "/var/log/a" in refused.json["detail"], refused
    assert web.api("GET", "/services/c").status == 404


@case(
    "a change for more hosts than one transaction takes reaches all of them",
    needs=["etcd"],
)
def many_hosts(t):
    etcd = t.etcd()
    count = 200
    for number in range(count):
        etcd.put(
            f"/logagent/_status/h{number:03d}", status_of(f"h{number:03d}", f"10.1.0.{number}")
        )
    web = start(t, etcd=etcd)
    web.first_token()
    every = {"cidr": ["10.1.0.0/16"]}
    made = web.api(
        "PUT", "/services/a", service(hosts=every, files=[entry("/var/log/a")]), If_None_Match="*"
    )
    assert made.status == 201 and made.json["rendered"]["written"] == count, made
    keys = {k: v for k, v in etcd.get("/logagent/10.").items()}
    assert len(keys) == count and len(set(keys.values())) == 1, len(keys)
    assert len(etcd.get("/logagent/_meta/rendered/")) == count
    assert len(audit(web)) == 1
    gone = web.api("DELETE", "/services/a", If_Match=made.etag, X_Message="m")
    assert gone.status == 204, gone
    assert set(etcd.get("/logagent/10.").values()) == {b"[]"}


@case(
    "a host that comes later gets its key by itself, and labels decide what it is",
    needs=["etcd"],
)
def later_hosts(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    web.first_token()
    chosen = {"selector": "env=prod"}
    made = web.api(
        "PUT", "/services/a", service(hosts=chosen, files=[entry("/a")]), If_None_Match="*"
    )
    assert made.json["rendered"]["written"] == 0, made
    every = web.api(
        "PUT", "/services/b", service(hosts={"list": ["*"]}, files=[entry("/b")]), If_None_Match="*"
    )
    assert every.status == 201, every

    def paths(address="10.0.0.1"):
        key = f"/logagent/{address}/logconfig"
        return [one["log_path"] for one in json.loads(etcd.get(key)[key])]

    etcd.put("/logagent/_status/h1", status_of("h1", "10.0.0.1"))
    wait_for("the new host has its key", lambda: paths() == ["/b"])
    labels = {"labels": {"env": "prod"}, "message": "m"}
    shown = web.api("PATCH", "/hosts/h1/labels?dry_run=true", labels)
    assert shown.status == 200 and len(shown.json["hosts"]) == 1 and paths() == ["/b"], shown
    done = web.api("PATCH", "/hosts/h1/labels", labels)
    assert done.status == 200 and done.json["rendered"]["written"] == 1, done
    assert paths() == ["/a", "/b"]
    for bad in ({"labels": {"env": 1}}, {"labels": []}, {"label": {}}):
        answer = web.api("PATCH", "/hosts/h1/labels", {**bad, "message": "m"})
        assert answer.status == 422 and answer.json["errors"], answer
    assert web.api("GET", "/hosts/h1").json["labels"] == {"env": "prod"}

    etcd.put("/logagent/_status/h1", status_of("h1", "10.0.0.9"))  # it has moved
    wait_for("the key moves with it", lambda: paths("10.0.0.9") == ["/a", "/b"])
    drift = web.api("GET", "/drift").json["items"]  # nobody has the old address any more
    assert [(one["address"], one["action"]) for one in drift] == [("10.0.0.1", "held:orphan")]

    # A definition that vanished behind our back stops nothing by itself.
    etcd.delete("/logagent/_meta/services/b")
    etcd.put("/logagent/_status/h2", status_of("h2", "10.0.0.2"))
    hosts = "/logagent/_meta/hosts/"
    wait_for("h2 is known", lambda: hosts + "h2" in etcd.get(hosts))
    etcd.put("/logagent/_status/h1", status_of("h1", "10.0.0.9", "10.0.0.10"))
    wait_for(
        "the other address is learned",
        lambda: "10.0.0.10" in str(etcd.get("/logagent/_meta/hosts/h1")),
    )
    assert paths("10.0.0.9") == ["/a", "/b"]
    again = web.api(
        "PUT", "/services/c", service(hosts=chosen, files=[entry("/c")]), If_None_Match="*"
    )
    assert again.status == 201 and paths("10.0.0.9") == ["/a", "/c"], again
    actions = [one["action"] for one in audit(web)]
    assert actions.count("hosts.render") == 2, actions
