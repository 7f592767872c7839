"""Rollouts, and changes larger than one transaction: against real etcd, with simulated hosts."""

import json
import signal
import threading

from harness.case import Skipped, case
from harness.etcd_cluster import EtcdCluster
from harness.fleet import Fleet
from harness.process import wait_for
from harness.proxy import Proxy
from harness.web import Web

from .web_api import audit, entry, online, service, start


def fleet(t, etcd, count, **more):
    return t.owns(Fleet(etcd, count, **more)).follow()


def everywhere(*paths, **more):
    return service(hosts={"list": ["h*"]}, files=[entry(path) for path in paths], **more)


def settled(web, hosts):
    """Web knows all hosts, and has put nothing more on its way for them."""
    wait_for(
        "all hosts are known",
        lambda: len(web.api("GET", "/hosts?limit=500").json["items"]) >= hosts,
    )


def state_of(web, rollout):
    return web.api("GET", f"/rollouts/{rollout}").json


def wait_state(web, rollout, *states, seconds=40):
    return wait_for(
        f"the rollout is {' or '.join(states)}",
        lambda: (one := state_of(web, rollout))["state"] in states and one,
        seconds,
    )


def begin(web, document, **more):
    """Puts a new definition on its way; quick, since tests wait for it."""
    etag = web.api("GET", f"/services/{document['name']}").etag
    body = {"service": document, "bake_s": 1, "message": "a rollout", **more}
    body["service"] = {key: value for key, value in document.items() if key != "message"}
    fields = {"If_Match": etag} if etag else {"If_None_Match": "*"}
    made = web.api("POST", "/rollouts", body, **fields)
    assert made.status == 201, made
    return made.json


def of(web, action):
    return [one for one in audit(web) if one["action"] == action and one["result"] == "done"]


@case("a rollout reaches one host, then more, then all, and is a revision only then", needs=["etcd"])
def healthy(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 40)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 40)
    made = web.api("PUT", "/services/a", everywhere("/old"), If_None_Match="*")
    assert made.json["rendered"]["written"] == 40, made
    new = {"name": "a", **everywhere("/old", "/new")}

    shown = web.api(
        "POST",
        "/rollouts?dry_run=true",
        {"service": {k: v for k, v in new.items() if k != "message"}, "message": "m"},
        If_Match=made.etag,
    )
    assert shown.status == 200 and len(shown.json["plan"]["hosts"]) == 1, shown
    assert shown.json["stages"][0]["hosts"] == 1 and shown.json["stages"][-1]["hosts"] == 40
    assert web.api("GET", "/rollouts").json["items"] == []

    rollout = begin(web, new, automatic=False)
    assert rollout["stage"] == 0 and rollout["revision"] == 2, rollout
    assert rollout["rendered"]["written"] == 1 and len(hosts.having("/new")) == 1, rollout
    first = hosts.having("/new")
    baking = wait_state(web, rollout["id"], "baking")
    assert (baking["hosts"], baking["reached"], baking["applied"]) == (40, 1, 1), baking

    # While it is on its way nothing else changes the service, and other changes leave it alone.
    etag = web.api("GET", "/services/a").etag
    for refused in (
        web.api("PUT", "/services/a", everywhere("/x"), If_Match=etag),
        web.api("DELETE", "/services/a", If_Match=etag, X_Message="m"),
        web.api(
            "POST",
            "/rollouts",
            {"service": "a", "revision": 1, "message": "m"},
        ),
    ):
        assert refused.status == 409 and refused.json["code"] == "rollout_active", refused
        assert refused.json["id"] == rollout["id"], refused
    other = web.api("PUT", "/services/b", everywhere("/b"), If_None_Match="*")
    assert other.status == 201 and hosts.having("/new") == first, other
    assert hosts.having("/b") == set(hosts.names)

    reached = first
    for number in range(1, len(rollout["stages"])):
        wait_state(web, rollout["id"], "baking")
        more = web.api("POST", f"/rollouts/{rollout['id']}:promote", {"message": "looks good"})
        assert more.status == 200 and more.json["stage"] == number, more
        now = hosts.having("/new")
        assert reached < now and len(now) == rollout["stages"][number]["hosts"], (number, now)
        reached = now
    assert reached == set(hosts.names)
    done = wait_state(web, rollout["id"], "done")
    assert all(one["ended_at"] for one in done["stages"]), done
    after = web.api("GET", "/services/a").json
    assert after["revision"] == 2 and len(after["files"]) == 2, after
    kept = web.api("GET", "/services/a/revisions/2").json
    assert (kept["message"], kept["action"]) == ("a rollout", "rollout.finish"), kept
    assert etcd.get("/logagent/_meta/rolling/") == {}
    assert etcd.get("/logagent/_meta/applies/") == {}
    assert len(of(web, "rollout.create")) == 1 and len(of(web, "rollout.finish")) == 1
    assert len(of(web, "rollout.promote")) == len(rollout["stages"]) - 1
    ended = web.api("POST", f"/rollouts/{rollout['id']}:abort", {"message": "m"})
    assert ended.status == 409 and ended.json["code"] == "rollout_ended", ended


@case("a rollout goes on by itself, and a new service may come that way", needs=["etcd"])
def automatic(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 12)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 12)
    rollout = begin(web, {"name": "a", **everywhere("/new")}, stages=[{"hosts": 1}, 50, 100])
    assert web.api("GET", "/services/a").status == 404
    done = wait_state(web, rollout["id"], "done")
    assert done["reason"] is None and hosts.having("/new") == set(hosts.names), done
    assert web.api("GET", "/services/a").json["revision"] == 1
    assert web.api("GET", "/rollouts?state=active").json["items"] == []
    assert [one["id"] for one in web.api("GET", "/rollouts?service=a").json["items"]] == [
        rollout["id"]
    ]
    # A revision is rolled out like a definition.
    web.api("PATCH", "/services/a", {"files": [entry("/newer")], "message": "m"}, If_Match="*")
    back = web.api(
        "POST",
        "/rollouts",
        {"service": "a", "revision": 1, "bake_s": 0, "stages": [100], "message": "m"},
    )
    assert back.status == 201, back
    wait_state(web, back.json["id"], "done")
    assert hosts.having("/new") == set(hosts.names) and hosts.having("/newer") == set()


@case("a configuration that a host refuses stops at it, and the others never see it", needs=["etcd"])
def poison(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 30)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 30)
    web.api("PUT", "/services/a", everywhere("/old"), If_None_Match="*")
    before = hosts.paths()
    wait_for("all have applied it", lambda: all(hosts.reported.values()))
    hosts.refusing.update(hosts.names)
    rollout = begin(web, {"name": "a", **everywhere("/etc/shadow")})
    aborted = wait_state(web, rollout["id"], "aborted")
    assert aborted["reason"]["code"] == "failed" and "allow_paths" in aborted["reason"]["detail"]
    assert len(aborted["reason"]["hosts"]) == 1, aborted
    assert hosts.paths() == before
    assert web.api("GET", "/services/a").json["revision"] == 1
    [record] = of(web, "rollout.abort")
    assert record["actor"]["name"] == "web" and "allow_paths" in record["reason"], record
    listed = web.api("GET", f"/rollouts/{rollout['id']}/hosts?state=reverted").json["items"]
    assert [one["host"] for one in listed] == aborted["reason"]["hosts"], listed
    # The service is free again.
    assert web.api("PUT", "/services/a", everywhere("/x"), If_Match="*").status == 200


@case("hosts that fall silent abort a rollout; if the others do so too, it pauses", needs=["etcd"])
def silent(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 40)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 40)
    web.api("PUT", "/services/a", everywhere("/old"), If_None_Match="*")
    new = {"name": "a", **everywhere("/new")}
    rollout = begin(web, new, bake_s=3600, stages=[50, 100])
    wait_state(web, rollout["id"], "baking")
    inside = sorted(hosts.having("/new"))
    hosts.lose(*inside[:3])
    aborted = wait_state(web, rollout["id"], "aborted")
    assert aborted["reason"]["code"] == "heartbeat", aborted
    assert sorted(aborted["reason"]["hosts"]) == inside[:3], aborted
    assert hosts.having("/new") == set() and hosts.having("/old") == set(hosts.names)

    # Those that were away before it began are no reason for anything, and do not hold it up.
    rollout = begin(web, new, bake_s=3600, stages=[50, 100])
    baking = wait_state(web, rollout["id"], "baking")
    assert baking["offline"] == len(hosts.having("/new") & hosts.lost), baking
    outside = sorted(set(hosts.names) - hosts.having("/new") - hosts.lost)
    hosts.lose(*outside[: len(outside) // 2])
    hosts.lose(*sorted(hosts.having("/new") - hosts.lost)[:2])
    paused = wait_state(web, rollout["id"], "paused")
    assert paused["reason"]["code"] == "fleet", paused
    before = hosts.having("/new")
    again = web.api("POST", f"/rollouts/{rollout['id']}:resume", {"message": "a cable, repaired"})
    assert again.status == 200 and again.json["state"] == "running", again
    wait_state(web, rollout["id"], "baking")
    assert hosts.having("/new") == before
    hand = web.api("POST", f"/rollouts/{rollout['id']}:pause", {"message": "for the night"})
    assert hand.json["state"] == "paused" and hand.json["reason"]["code"] == "person", hand
    over = web.api("POST", f"/rollouts/{rollout['id']}:abort", {"message": "not needed"})
    assert over.json["state"] == "aborted" and hosts.having("/new") == set(), over


@case("a host that does not answer pauses the rollout and is named", needs=["etcd"])
def unanswered(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 6)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 6)
    hosts.deaf.add("h003")
    new = {"name": "a", **everywhere("/new")}
    rollout = begin(web, new, patience_s=8, stages=[100])
    paused = wait_state(web, rollout["id"], "paused")
    assert paused["reason"]["code"] == "silent" and paused["reason"]["hosts"] == ["h003"], paused
    assert (paused["reached"], paused["applied"]) == (6, 5), paused
    hosts.deaf.clear()
    web.api("POST", f"/rollouts/{rollout['id']}:resume", {"message": "repaired"})
    wait_state(web, rollout["id"], "done")


@case("what cannot be rolled out is refused before any host sees it", needs=["etcd"])
def refused(t):
    etcd = t.etcd()
    fleet(t, etcd, 4)
    web = start(t, etcd=etcd)
    web.first_token()
    settled(web, 4)
    taken = web.api("PUT", "/services/a", everywhere("/a"), If_None_Match="*")
    clash = {k: v for k, v in everywhere("/a").items() if k != "message"}
    for body, fields, status, code in (
        ({"service": {"name": "b", **clash}}, {"If_None_Match": "*"}, 409, "plan_errors"),
        ({"service": {"name": "a", **clash}}, {}, 428, "precondition_required"),
        ({"service": {"name": "a", **clash}}, {"If_None_Match": "*"}, 412, "stale"),
        ({"service": {"name": "a", "fils": []}}, {"If_Match": taken.etag}, 422, "invalid"),
        ({"service": "a", "revision": 9}, {}, 404, "not_found"),
        ({"service": "a"}, {}, 422, "invalid"),
        ({"service": {"name": "b", **clash}, "stages": [5, 5, 100]}, {}, 422, "invalid"),
        ({"service": {"name": "b", **clash}, "stages": [5]}, {}, 422, "invalid"),
        ({"service": {"name": "b", **clash}, "bake": 5}, {}, 422, "invalid"),
    ):
        answer = web.api("POST", "/rollouts", {**body, "message": "m"}, **fields)
        assert (answer.status, answer.json["code"]) == (status, code), (body, answer)
    assert web.api("GET", "/rollouts").json["items"] == []
    assert web.api("GET", "/rollouts/none").status == 404
    shop = web.new_token("editor", ["shop*"])
    answer = web.api(
        "POST", "/rollouts", {"service": "a", "revision": 1, "message": "m"}, token=shop
    )
    assert answer.status == 403, answer


@case(
    "web is killed in the middle of rollouts, again and again: another one finishes each of them",
    needs=["etcd"],
)
def killed_rollouts(t):
    etcd = t.etcd()
    hosts = fleet(t, etcd, 150)
    webs = [start(t, f"web{number}", etcd) for number in (1, 2)]
    webs[1].token = webs[0].first_token()
    settled(webs[0], 150)
    for number in range(3):
        path = f"/new{number}"
        rollout = begin(webs[number % 2], {"name": "a", **everywhere(path)}, bake_s=1)
        wait_for("some hosts have it", lambda: len(hosts.having(path)) > 1 + number * 10, 60)
        # Whoever leads now does not any more.
        leader = etcd.get("/logagent/_meta/leader")
        assert len(leader) == 1, leader
        for web in webs:
            web.kill9()
        webs[(number + 1) % 2].start()
        alive = webs[(number + 1) % 2]
        done = wait_state(alive, rollout["id"], "done", seconds=60)
        assert done["reason"] is None, done
        assert hosts.having(path) == set(hosts.names)
        webs[number % 2].start()
    assert etcd.get("/logagent/_meta/applies/") == {}
    assert len(of(webs[0], "rollout.create")) == len(of(webs[0], "rollout.finish")) == 3


def change_all(web, path, answers):
    """Changes the service for all hosts; the answer may never come."""
    try:
        answers.append(
            web.api("PATCH", "/services/a", {"files": [entry(path)], "message": path}, If_Match="*")
        )
    except (OSError, ValueError) as error:
        answers.append(error)


@case(
    "web is killed at each step of a change for many hosts: every key is the old or the new one, "
    "another web finishes it, and there is one audit record",
    needs=["etcd"],
)
def killed_apply(t):
    etcd = t.etcd()
    count = 240
    hosts = fleet(t, etcd, count)
    # A way that is long enough for a kill between one transaction and the next.
    proxy = t.owns(Proxy())
    proxy.target = etcd.port
    webs = [start(t, f"web{number}", proxy.address) for number in (1, 2)]
    webs[1].token = webs[0].first_token()
    settled(webs[0], count)
    proxy.delay = 0.05
    made = webs[0].api("PUT", "/services/a", everywhere("/p0"), If_None_Match="*")
    assert made.json["rendered"]["written"] == count, made
    interrupted = 0
    for number, least in enumerate((1, 60, 120, 180), 1):
        old, new = f"/p{number - 1}", f"/p{number}"
        victim, other = webs[number % 2], webs[(number + 1) % 2]
        answers = []
        caller = threading.Thread(target=change_all, args=(victim, new, answers))
        caller.start()
        # Killed at what is seen in etcd, so at another step each time.
        wait_for("it has come so far", lambda: len(hosts.having(new)) >= least, every=0.001)
        victim.kill9()
        caller.join()
        paths = hosts.paths()
        assert all(one in ([old], [new]) for one in paths.values()), paths
        interrupted += any(one == [old] for one in paths.values())
        wait_for("the other web finishes it", lambda: len(hosts.having(new)) == count, 40)
        wait_for("nothing is left", lambda: etcd.get("/logagent/_meta/applies/") == {})
        records = [one for one in audit(other) if one["message"] == new]
        assert len(records) == 1, records
        assert other.api("GET", "/drift").json["items"] == []
        victim.start()
    assert interrupted, "no kill came in time"


@case(
    "one of three etcd members is killed in the middle of a change: it is made, once, everywhere",
    needs=["etcd"],
)
def killed_member(t):
    etcd = EtcdCluster(t.directory / "cluster")
    t.owns(etcd)
    try:
        etcd.start()
    except RuntimeError as error:
        raise Skipped(str(error)) from None
    count = 240
    hosts = fleet(t, etcd, count)
    web = t.owns(Web(t.binary, t.directory / "web", etcd)).start()
    web.first_token()
    settled(web, count)
    made = web.api("PUT", "/services/a", everywhere("/p0"), If_None_Match="*")
    assert made.status == 201, made
    wait_for("all have it", lambda: len(hosts.having("/p0")) == count)
    answers = []
    caller = threading.Thread(target=change_all, args=(web, "/p1", answers))
    caller.start()
    wait_for("it has begun", lambda: len(hosts.having("/p1")) >= 60, every=0.001)
    etcd.kill_member(etcd.leader())
    caller.join()
    wait_for("it is made everywhere", lambda: len(hosts.having("/p1")) == count, 60)
    records = [one for one in audit(web) if one["message"] == "/p1" and one["result"] == "done"]
    assert len(records) == 1, records
    rollout = begin(web, {"name": "a", **everywhere("/p2")}, stages=[50, 100])
    wait_state(web, rollout["id"], "done", seconds=60)
    assert hosts.having("/p2") == set(hosts.names)


@case("two webs, two changes for all hosts at the same time: both are everywhere", needs=["etcd"])
def crossing(t):
    etcd = t.etcd()
    count = 200
    hosts = fleet(t, etcd, count)
    webs = [start(t, f"web{number}", etcd) for number in (1, 2)]
    webs[1].token = webs[0].first_token()
    settled(webs[0], count)
    settled(webs[1], count)
    answers = []

    def put(web, name):
        answers.append(
            web.api("PUT", f"/services/{name}", everywhere(f"/{name}"), If_None_Match="*")
        )

    callers = [
        threading.Thread(target=put, args=(web, name)) for web, name in zip(webs, ("a", "b"))
    ]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert [one.status for one in answers] == [201, 201], answers
    wait_for("all have both", lambda: len(hosts.having("/a") & hosts.having("/b")) == count)
    assert webs[0].api("GET", "/drift").json["items"] == []
    for web in webs:
        assert web.stop(signal.SIGTERM) == 0


@case("a real agent goes through a rollout, and a path that it denies ends one", needs=["etcd"])
def real_agent(t):
    etcd = t.etcd()
    web = start(t, etcd=etcd)
    web.first_token()
    agent = t.agent(kafka=t.mock_kafka("--topic", "app"), etcd=etcd).start()
    online(web)
    log = t.log()
    log.write_text("one\n")
    here = {"list": ["testhost"]}
    good = {"name": "a", **service(hosts=here, files=[entry(log)])}
    rollout = begin(web, good)
    wait_state(web, rollout["id"], "done")
    agent.wait_file(log, "tailing")
    before = etcd.get(agent.key)
    bad = {"name": "a", **service(hosts=here, files=[entry(log), entry("/etc/shadow")])}
    rollout = begin(web, bad, bake_s=5)
    aborted = wait_state(web, rollout["id"], "aborted")
    assert aborted["reason"]["code"] == "failed", aborted
    assert "/etc/shadow" in aborted["reason"]["detail"], aborted
    assert json.loads(list(etcd.get(agent.key).values())[0]) == json.loads(
        list(before.values())[0]
    )
