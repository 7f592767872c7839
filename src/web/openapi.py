#!/usr/bin/env python3
"""Writes the OpenAPI document of the API as a C++ source.

    openapi.py VERSION OUT.cpp      for the build
    openapi.py VERSION -            the document on standard output

Each row of OPERATIONS is one endpoint with an example that really works: the tests carry all of
them out, in this order, against an etcd with one host `web01`. "{name}" in an example is what an
earlier answer held (`take`).
"""

import json
import sys

TAGS = {
    "services": "Files to collect, defined once for many hosts",
    "rollouts": "A definition on its way, stage by stage",
    "hosts": "The inventory, and what each agent reports",
    "keys": "Keys of hosts that are not what web would write",
    "live": "What happens now: events, lines, rates, and why something does not",
    "replays": "Parts of files, sent again",
    "transfer": "Routes from Kafka to where lines are used, and the processes that run them",
    "access": "Who may do what, and who did",
    "process": "This process itself",
}

SERVICE = {
    "description": "the access log of the shop",
    "owner": "team shop",
    "hosts": {"list": ["web*"]},
    "files": [{"log_path": "/var/log/nginx/access.log", "topic": "shop-access", "send_rate": 5000}],
}
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
FLAG = {"type": "boolean"}
ANY = {"type": "object"}


def array(of):
    return {"type": "array", "items": of}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def document(required=(), **properties):
    out = {"type": "object", "properties": properties}
    if required:
        out["required"] = list(required)
    return out


def listing(of):
    token = {"type": ["string", "null"], "description": "of the next page; null at the end"}
    return document(["items", "next_page_token"], items=array(of), next_page_token=token, total=NUMBER)


MESSAGE = {"type": "string", "minLength": 1, "maxLength": 500, "description": "why; it is kept"}

SCHEMAS = {
    "Problem": document(
        ["type", "title", "status", "detail", "request_id"],
        type=TEXT,
        title=TEXT,
        status=NUMBER,
        code={"type": "string", "description": "stable, for programs"},
        detail={"type": "string", "description": "for people"},
        request_id=TEXT,
        errors=array(document(["pointer", "code", "detail"], pointer=TEXT, code=TEXT, detail=TEXT)),
    ),
    "Selection": {
        "description": "The union of its parts: names, addresses and globs; networks; labels",
        **document(list=array(TEXT), cidr=array(TEXT), selector=TEXT),
    },
    "File": {
        "description": "An entry of logconfig, as agents read it; docs/configuration.md has all fields",
        **document(["log_path", "topic"], log_path=TEXT, topic=TEXT, send_rate=NUMBER),
    },
    "Service": document(
        name=TEXT,
        description=TEXT,
        owner=TEXT,
        enabled=FLAG,
        hosts=ref("Selection"),
        files=array(ref("File")),
        labels={"type": "object", "additionalProperties": TEXT},
        source=TEXT,
        revision=NUMBER,
        updated_at=TEXT,
        updated_by=TEXT,
    ),
    "ServiceChange": {
        "allOf": [ref("Service"), document(["message"], message=MESSAGE)],
    },
    "Plan": document(
        keys=ANY, changes=array(ANY), hosts=array(ANY), hosts_omitted=NUMBER, errors=array(ANY),
        warnings=array(ANY), topics=array(ANY), plan_id=TEXT, base_revision=NUMBER, expires_at=TEXT,
    ),
    "Rollout": document(
        id=TEXT, service=TEXT, revision=NUMBER, from_revision=NUMBER,
        state={"enum": ["running", "baking", "paused", "done", "aborted"]},
        stage=NUMBER, stages=array(ANY), bake_s=NUMBER, bake_ends_at={"type": ["string", "null"]},
        patience_s=NUMBER, automatic=FLAG, reason={"type": ["object", "null"]}, created_at=TEXT,
        by=TEXT, message=TEXT, hosts=NUMBER, reached=NUMBER, applied=NUMBER, failed=NUMBER,
        offline=NUMBER,
    ),
    "Host": document(
        host=TEXT, online=FLAG, since=TEXT, primary_ip=TEXT,
        labels={"type": "object", "additionalProperties": TEXT}, status=ANY,
        lag_bytes={"type": ["integer", "null"]},
        services={"type": ["array", "null"], "items": TEXT, "description": "in detail only"},
    ),
    "Route": document(
        name=TEXT, document={"type": ["object", "null"]}, etag={"type": ["string", "null"]},
        revision={"type": ["integer", "null"]},
        state={"enum": ["running", "starting", "stalled", "failed", "stopping", "waiting", "refused",
                        "removing", "idle"]},
        detail=TEXT, group=TEXT, topics=array(TEXT), sink=TEXT, type=TEXT, members=NUMBER,
        partitions=NUMBER, lag={"type": ["integer", "null"]}, lag_s={"type": ["number", "null"]},
        rate={"type": "number"}, dead_letters=NUMBER, rejected=array(ANY), processes=array(ANY),
        refused_by=array(ANY), parts=array(ANY),
    ),
    "RouteChange": {
        "description": "Members as in a section [route.NAME] of transfer.ini",
        **document(
            ["topics", "sink", "message"],
            topics={"oneOf": [array(TEXT), {**TEXT, "description": "names with commas, or ~RE2"}]},
            sink=TEXT, message=MESSAGE, **{"from": {**TEXT, "description": "earliest, latest or a time"}},
        ),
    },
    "Token": document(
        id=TEXT, name=TEXT, role={"enum": ["viewer", "tailer", "editor", "admin"]},
        services=array(TEXT), created_at=TEXT, created_by=TEXT, expires_at={"type": ["string", "null"]},
    ),
    "Results": document(
        items=array(document(kind=TEXT, name=TEXT, result=TEXT, detail=TEXT)), written=NUMBER, plan=ANY,
    ),
}


def query(name, schema, text):
    return {"name": name, "in": "query", "schema": schema, "description": text}


def header(name, text):
    return {"name": name, "in": "header", "schema": TEXT, "description": text}


LIMIT = [
    query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, "items a page"),
    query("page_token", TEXT, "of the page before; it pins one moment where it can"),
]
DRY = query("dry_run", FLAG, "say what would happen, and change nothing")
MATCH = [
    header("If-Match", "the ETag of what is changed"),
    header("If-None-Match", "* to create"),
]
REASON = {**header("X-Message", "why; it is kept"), "required": True}
ONCE = header("Idempotency-Key", "carried out once in 24 hours under one key")


def op(method, path, tag, role, summary, **more):
    return {"method": method, "path": path, "tag": tag, "role": role, "summary": summary, **more}


def change(schema=None, **properties):
    return schema or document(["message"], message=MESSAGE, **properties)


OPERATIONS = [
    op("GET", "/healthz", "process", None, "Whether the process is there", text=True),
    op("GET", "/readyz", "process", None, "Whether it can serve: etcd answers", text=True, also=[503]),
    op("GET", "/version", "process", None, "Version and commit", answer=document(version=TEXT, commit=TEXT)),
    op("GET", "/metrics", "process", None, "Prometheus text", text=True),
    op("GET", "/openapi.json", "process", None, "This document", answer=ANY),
    op("GET", "/api/v1/whoami", "access", "viewer", "Whom the token or session belongs to",
       answer=document(token_id=TEXT, name=TEXT, role=TEXT, services=array(TEXT), session=FLAG,
                       expires_at={"type": ["string", "null"]}, version=TEXT, features=array(TEXT)),
       ctl="whoami"),
    op("GET", "/api/v1/services", "services", "viewer", "All services that the token is for",
       parameters=LIMIT + [query("q", TEXT, "words that must be in it"),
                           query("state", {"enum": ["failed", "waiting", "offline", "applied", "disabled",
                                                    "enabled"]}, "how its hosts stand"),
                           query("sort", {"enum": ["name", "-name", "updated_at", "-updated_at"]}, "order")],
       answer=listing(ref("Service")), ctl="services list"),
    op("PUT", "/api/v1/services/{name}", "services", "editor", "Create or replace a service",
       parameters=MATCH + [DRY], path_example={"name": "shop"}, headers={"If-None-Match": "*"},
       body=ref("ServiceChange"), example={**SERVICE, "message": "collect the access log"}, status=201,
       answer=ref("Service"), also=[200, 409, 412, 428], etag="shop", ctl="services apply -f shop.json"),
    op("GET", "/api/v1/services/{name}", "services", "viewer", "One service, with its ETag",
       path_example={"name": "shop"}, answer=ref("Service"), also=[304], ctl="services get shop"),
    op("PATCH", "/api/v1/services/{name}", "services", "editor", "Change parts of it (JSON Merge Patch)",
       parameters=MATCH + [DRY], path_example={"name": "shop"}, headers={"If-Match": "*"},
       body=ref("ServiceChange"), example={"owner": "team web", "message": "it moved"},
       media="application/merge-patch+json", answer=ref("Service"), also=[409, 412, 428]),
    op("GET", "/api/v1/services/{name}/status", "services", "viewer", "Who has applied it, who has not",
       path_example={"name": "shop"}, answer=ANY, ctl="services status shop"),
    op("GET", "/api/v1/services/{name}/revisions", "services", "viewer", "Its history, newest first",
       path_example={"name": "shop"}, answer=listing(ANY), ctl="services history shop"),
    op("GET", "/api/v1/services/{name}/revisions/{revision}", "services", "viewer", "One revision",
       path_example={"name": "shop", "revision": 1}, answer=ANY),
    op("GET", "/api/v1/services/{name}/diff", "services", "viewer", "What two revisions differ in",
       parameters=[query("from", NUMBER, "the one before `to`"), query("to", NUMBER, "the last one")],
       path_example={"name": "shop"}, query={"from": 1, "to": 2}, answer=ANY, ctl="services diff shop 1 2"),
    op("POST", "/api/v1/services/{name}:rollback", "services", "editor", "An old definition as a new revision",
       parameters=[MATCH[0], DRY, ONCE], path_example={"name": "shop"}, body=change(revision=NUMBER),
       example={"revision": 1, "message": "the other owner was right"}, answer=ref("Service"),
       also=[201, 409, 412], ctl="services rollback shop 1"),
    op("POST", "/api/v1/services:plan", "services", "editor", "What definitions would do together",
       parameters=[DRY], body=change(services=array(ref("Service")), take_over=array(TEXT), repair_drift=FLAG,
                                     empty_orphans=FLAG),
       example={"services": [{"name": "bank", **SERVICE, "files": [
           {"log_path": "/var/log/bank.log", "topic": "bank"}]}], "message": "the bank"},
       status=201, also=[200], answer=ref("Plan"), take={"plan": "/plan_id"}),
    op("POST", "/api/v1/plans/{id}:apply", "services", "editor", "Carry out exactly what was shown",
       parameters=[DRY, ONCE], path_example={"id": "{plan}"}, answer=ANY, also=[409]),
    op("PUT", "/api/v1/services:sync", "services", "editor", "Bring the services of one source to a list",
       parameters=[DRY, query("source", TEXT, "whose they are"), query("prune", FLAG, "remove its others")],
       query={"source": "cmdb", "prune": "true"}, body=change(services=array(ref("Service"))),
       example={"services": [{"name": "mail", **SERVICE, "files": [
           {"log_path": "/var/log/mail.log", "topic": "mail"}]}], "message": "from the CMDB"},
       answer=ref("Results"), also=[207]),
    op("POST", "/api/v1/rollouts", "rollouts", "editor", "Begin a rollout with its first stage",
       parameters=MATCH + [DRY, ONCE], headers={"If-Match": "*"},
       body=change(service={"oneOf": [ref("Service"), TEXT]}, revision=NUMBER,
                   stages=array({"oneOf": [{"type": "integer", "minimum": 0, "maximum": 100}, ANY]}),
                   bake_s=NUMBER, patience_s=NUMBER, automatic=FLAG),
       example={"service": {"name": "shop", **SERVICE, "owner": "team shop and web"},
                "stages": [{"hosts": 1}, 5, 25, 100], "bake_s": 300, "message": "carefully"},
       status=201, also=[200, 409, 412, 428], answer=ref("Rollout"), take={"rollout": "/id"},
       ctl="rollout start -f shop.json"),
    op("GET", "/api/v1/rollouts", "rollouts", "viewer", "Rollouts, newest first",
       parameters=LIMIT + [query("service", TEXT, "of this one"),
                           query("state", {"enum": ["active", "running", "paused", "done", "aborted"]}, "")],
       answer=listing(ref("Rollout")), ctl="rollout list"),
    op("GET", "/api/v1/rollouts/{id}", "rollouts", "viewer", "One rollout, with its definition",
       path_example={"id": "{rollout}"}, answer=ref("Rollout"), ctl="rollout get ID"),
    op("GET", "/api/v1/rollouts/{id}/hosts", "rollouts", "viewer", "How each host of it stands",
       parameters=LIMIT + [query("state", {"enum": ["pending", "written", "applied", "failed", "offline",
                                                    "reverted"]}, "")],
       path_example={"id": "{rollout}"}, answer=listing(ANY), ctl="rollout hosts ID"),
    op("POST", "/api/v1/rollouts/{id}:pause", "rollouts", "editor", "Stop where it is",
       parameters=[DRY, ONCE], path_example={"id": "{rollout}"}, body=change(),
       example={"message": "over the weekend"}, answer=ref("Rollout"), also=[409], ctl="rollout pause ID"),
    op("POST", "/api/v1/rollouts/{id}:resume", "rollouts", "editor", "Go on with the stage",
       parameters=[DRY, ONCE], path_example={"id": "{rollout}"}, body=change(),
       example={"message": "it is Monday"}, answer=ref("Rollout"), also=[409], ctl="rollout resume ID"),
    op("POST", "/api/v1/rollouts/{id}:promote", "rollouts", "editor", "The next stage, or the end, now",
       parameters=[DRY, ONCE], path_example={"id": "{rollout}"}, body=change(),
       example={"message": "looks good"}, answer=ref("Rollout"), also=[409], ctl="rollout promote ID",
       query={"dry_run": "true"}),
    op("POST", "/api/v1/rollouts/{id}:abort", "rollouts", "editor", "Back to the old definition",
       parameters=[DRY, ONCE], path_example={"id": "{rollout}"}, body=change(),
       example={"message": "it does not"}, answer=ref("Rollout"), also=[409], ctl="rollout abort ID"),
    op("GET", "/api/v1/hosts", "hosts", "viewer", "Hosts that have or had an agent, or that a CMDB named",
       parameters=LIMIT + [query("q", TEXT, "words that must be in it"),
                           query("state", {"enum": ["online", "offline", "healthy", "degraded", "unknown"]}, ""),
                           query("selector", TEXT, "env=prod,idc!=bj,host=~web-.*"),
                           query("sort", {"enum": ["host", "-host", "lag_bytes", "-lag_bytes", "since",
                                                   "-since"]}, "order")],
       answer=listing(ref("Host")), ctl="hosts list"),
    op("POST", "/api/v1/hosts:match", "hosts", "viewer", "Which hosts a selection means",
       body=ref("Selection"), example={"list": ["web*"]}, answer=document(total=NUMBER, items=array(TEXT))),
    op("PUT", "/api/v1/hosts:sync", "hosts", "admin", "Bring the hosts of one source to a list",
       parameters=[DRY], body=change(source=TEXT, prune=FLAG, hosts=array(ANY)),
       example={"source": "cmdb", "hosts": [{"host": "web01", "labels": {"env": "prod"}}],
                "message": "nightly"}, answer=ref("Results"), also=[207]),
    op("POST", "/api/v1/hosts:label", "hosts", "admin", "Set labels of many hosts",
       parameters=[DRY, ONCE], body=change(hosts=array(TEXT), selector=TEXT, labels=ANY),
       example={"selector": "env=prod", "labels": {"idc": "bj"}, "message": "they are there"},
       answer=ref("Results"), also=[207]),
    op("GET", "/api/v1/hosts/{host}", "hosts", "viewer", "One host", path_example={"host": "web01"},
       answer=ref("Host"), ctl="hosts get web01"),
    op("GET", "/api/v1/hosts/{host}/config", "hosts", "viewer", "What it should have, and what it has",
       parameters=[query("view", {"enum": ["desired", "applied", "effective"]}, "desired")],
       path_example={"host": "web01"}, query={"view": "desired"}, answer=ANY),
    op("PATCH", "/api/v1/hosts/{host}/labels", "hosts", "admin", "Set its labels; null removes one",
       parameters=[DRY], path_example={"host": "web01"}, body=change(labels=ANY),
       example={"labels": {"rack": "7", "idc": None}, "message": "it moved"}, answer=ANY,
       ctl="hosts label web01 rack=7"),
    op("POST", "/api/v1/hosts/{host}:forget", "hosts", "admin",
       "An agent gives up targets whose key is gone; a host that is gone leaves the inventory",
       parameters=[DRY, ONCE], path_example={"host": "web01"}, query={"dry_run": "true"}, body=change(),
       example={"message": "rebuilt"}, answer=ANY, also=[504], ctl="hosts forget web01"),
    op("GET", "/api/v1/hosts/{host}/files", "hosts", "viewer", "Its files: positions, lag, rates",
       parameters=LIMIT + [query("q", TEXT, "a part of the path")], path_example={"host": "web01"},
       answer=listing(ANY)),
    op("GET", "/api/v1/paths", "hosts", "editor", "Files that the agent may read",
       parameters=[query("host", TEXT, "which agent"), query("glob", TEXT, "an absolute path or glob"),
                   query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200}, "files")],
       status=404, also=[200, 409, 504], answer=document(items=array(ANY), more=FLAG)),
    op("GET", "/api/v1/events", "live", "viewer", "Hosts, services and rollouts as they change",
       parameters=[query("topics", TEXT, "hosts,service:NAME,rollout:ID,tail:NAME"),
                   query("service", TEXT, "of a tail, as host, path, q and re of /api/v1/tail"),
                   query("host", TEXT, "of a tail"), query("path", TEXT, "of a tail"),
                   query("q", TEXT, "of a tail"), query("re", TEXT, "of a tail"),
                   header("Last-Event-ID", "of the last event that the client has")],
       stream=True, status=400, also=[200, 429]),
    op("GET", "/api/v1/tail", "live", "tailer", "Lines as they arrive in Kafka",
       parameters=[query("service", TEXT, "of this service"), query("host", TEXT, "of this host"),
                   query("path", TEXT, "of this file, or glob"), query("q", TEXT, "text that is in the line"),
                   query("re", TEXT, "RE2 that is found in the line")],
       stream=True, status=422, also=[200, 429], ctl="tail service=shop"),
    op("GET", "/api/v1/rates", "live", "viewer", "What is written, sent, held back, and when it is through",
       parameters=[query("service", TEXT, "of this service"), query("host", TEXT, "or of this host"),
                   query("send_rate", {"type": "integer", "minimum": 0, "maximum": 1000000000},
                         "what this limit would do")],
       query={"service": "shop", "send_rate": "5000"}, answer=ANY),
    op("GET", "/api/v1/why", "live", "viewer", "Why a log is not there",
       parameters=[query("host", TEXT, "the host"), query("path", TEXT, "the file, absolute")],
       query={"host": "nobody", "path": "/var/log/nginx/access.log"}, answer=ANY),
    op("POST", "/api/v1/replays", "replays", "editor", "Send a part of a file again",
       parameters=[DRY, ONCE],
       body=change(host=TEXT, path=TEXT, generation=TEXT, offset=TEXT, since=TEXT, until=TEXT, last=TEXT,
                   topic=TEXT, same_topic=FLAG, rate=NUMBER),
       example={"host": "web01", "path": "/var/log/nginx/access.log", "last": "10M", "same_topic": True,
                "message": "the index was lost"},
       status=201, also=[200, 409, 504], answer=ANY, take={"replay": "/id"}),
    op("GET", "/api/v1/replays", "replays", "viewer", "Replays, newest first", parameters=LIMIT,
       answer=listing(ANY)),
    op("GET", "/api/v1/replays/{id}", "replays", "viewer", "One replay, and how far it is",
       path_example={"id": "{replay}"}, answer=ANY),
    op("POST", "/api/v1/replays/{id}:cancel", "replays", "editor", "End it", parameters=[DRY, ONCE],
       path_example={"id": "{replay}"}, body=change(), example={"message": "enough"}, answer=ANY, also=[409]),
    op("PUT", "/api/v1/transfer/routes/{name}", "transfer", "editor", "Create or replace a route",
       parameters=[*MATCH, DRY], path_example={"name": "shop-search"}, body=ref("RouteChange"),
       headers={"If-None-Match": "*"},
       example={"topics": ["shop-access"], "sink": "search", "from": "latest", "message": "make it searchable"},
       status=201, also=[200, 409, 412, 428], answer=ANY, ctl="routes apply -f route.json"),
    op("GET", "/api/v1/transfer/routes", "transfer", "viewer", "Routes: what is wanted, who runs it, how far it is",
       parameters=LIMIT + [query("q", TEXT, "words that must be in it"), query("state", TEXT, "only those"),
                           query("sort", TEXT, "name, -name, lag, -lag")],
       answer=listing(ref("Route")), ctl="routes list"),
    op("GET", "/api/v1/transfer/routes/{name}", "transfer", "viewer", "One route, with its processes and partitions",
       path_example={"name": "shop-search"}, answer=ref("Route"), ctl="routes get shop-search"),
    op("GET", "/api/v1/transfer/processes", "transfer", "viewer", "Processes of transfer, and the sinks they have",
       parameters=LIMIT, answer=listing(ANY), ctl="routes processes"),
    op("DELETE", "/api/v1/transfer/routes/{name}", "transfer", "editor", "Remove it: it drains and stops",
       parameters=[MATCH[0], REASON, DRY], path_example={"name": "shop-search"},
       headers={"If-Match": "*", "X-Message": "not needed"}, status=204, also=[200, 409, 412, 428],
       ctl="routes delete shop-search"),
    op("GET", "/api/v1/drift", "keys", "viewer", "Keys that are not what is rendered", answer=listing(ANY),
       ctl="drift"),
    op("POST", "/api/v1/drift:repair", "keys", "editor", "Write them as they are rendered",
       parameters=[DRY, ONCE], body=change(addresses=array(TEXT)),
       example={"addresses": ["10.0.0.1"], "message": "nobody edits keys"}, answer=ANY),
    op("POST", "/api/v1/drift:adopt", "keys", "editor", "Make services of keys that people wrote",
       parameters=[DRY, ONCE], body=change(addresses=array(TEXT)),
       example={"addresses": [], "message": "from now on here"}, answer=ANY),
    op("GET", "/api/v1/export", "keys", "viewer", "All services and labels", answer=ANY, ctl="export"),
    op("POST", "/api/v1/import", "keys", "editor", "Bring in what was exported",
       parameters=[DRY, ONCE], body=change(version=NUMBER, services=array(ref("Service")), hosts=array(ANY)),
       example={"version": 1, "services": [{"name": "disk", **SERVICE, "files": [
           {"log_path": "/var/log/disk.log", "topic": "disk"}]}], "hosts": [], "message": "moved here"},
       answer=ref("Results"), also=[207], ctl="import -f export.json"),
    op("DELETE", "/api/v1/services/{name}", "services", "editor", "Remove it: its hosts stop collecting",
       parameters=[MATCH[0], REASON, DRY], path_example={"name": "disk"},
       headers={"If-Match": "*", "X-Message": "not needed"}, status=204, also=[200, 409, 412, 428],
       ctl="services delete disk"),
    op("GET", "/api/v1/tokens", "access", "admin", "Tokens, never their secrets", answer=listing(ref("Token")),
       ctl="tokens list"),
    op("POST", "/api/v1/tokens", "access", "admin", "Make a token; it is in the answer, once",
       parameters=[DRY, ONCE], body=change(name=TEXT, role=TEXT, services=array(TEXT), expires_s=NUMBER),
       example={"name": "ci", "role": "editor", "services": ["shop*"], "message": "deployments"},
       status=201, also=[200], answer=ref("Token"), take={"token": "/id"}, ctl="tokens create ci editor 'shop*'"),
    op("DELETE", "/api/v1/tokens/{id}", "access", "admin", "Remove it",
       parameters=[REASON, DRY], path_example={"id": "{token}"}, headers={"X-Message": "not needed"}, status=204,
       also=[200, 409], ctl="tokens delete ID"),
    op("GET", "/api/v1/audit", "access", "admin", "Every change, done or refused, newest first",
       parameters=LIMIT + [query("q", TEXT, "words that must be in it"), query("actor", TEXT, "by whom"),
                           query("object", TEXT, "of what")], answer=listing(ANY), ctl="audit"),
    op("POST", "/api/v1/session", "access", None, "Log in: a cookie for a token", body=document(["token"], token=TEXT),
       example={"token": "lgw_mistyped"}, status=401, also=[200, 403, 429], answer=ANY),
    op("DELETE", "/api/v1/session", "access", "viewer", "Log out", status=204),
]

REASONS = {
    200: "Done, or with dry_run what would be", 201: "Made", 204: "Done", 207: "Done in part; see the items",
    304: "Not changed since", 400: "Not readable", 401: "No token, or a wrong one", 403: "Not allowed",
    404: "There is no such thing", 409: "In conflict with what is there", 410: "The page is gone",
    412: "It was changed meanwhile; `current` is how it is", 415: "Another Content-Type is needed",
    421: "Another Host is needed", 422: "A mistake in the request", 428: "If-Match is needed",
    429: "Too many tries", 503: "etcd does not answer", 504: "The agent does not answer",
}


def responses(row):
    success = row.get("status", 200)
    out = {}
    for status in sorted({success, *row.get("also", []), *([] if row["role"] is None else [401, 403]), 400, 404, 422,
                          503}):
        content = {}
        if status < 400 and row.get("stream"):
            content = {"text/event-stream": {"schema": TEXT}}
        elif status < 400:
            if row.get("text"):
                content = {"text/plain": {"schema": TEXT}}
            elif status != 204 and "answer" in row:
                content = {"application/json": {"schema": row["answer"]}}
        elif status >= 400:
            content = {"application/problem+json": {"schema": ref("Problem")}}
        if status == 503 and row.get("text"):
            content = {"text/plain": {"schema": TEXT}}
        out[str(status)] = {"description": REASONS[status], **({"content": content} if content else {})}
    out["default"] = {
        "description": "A problem of RFC 9457",
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    return out


def operation(row):
    examples = row.get("path_example", {})
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": NUMBER if value == 1 else TEXT,
         "example": value}
        for name, value in examples.items()
    ] + [dict(one) for one in row.get("parameters", [])]
    for one in parameters:
        if one["in"] == "query" and one["name"] in row.get("query", {}):
            one["example"] = row["query"][one["name"]]
        if one["in"] == "header" and one["name"] in row.get("headers", {}):
            one["example"] = row["headers"][one["name"]]
    out = {
        "operationId": (row["method"] + row["path"]).replace("/api/v1", "").replace("/", "_").replace(":", "_")
        .replace("{", "").replace("}", "").replace(".", "_").lower(),
        "tags": [row["tag"]],
        "summary": row["summary"],
        "x-example-status": row.get("status", 200),
        "responses": responses(row),
    }
    if parameters:
        out["parameters"] = parameters
    if row["role"]:
        out["x-role"] = row["role"]
        out["security"] = [{"token": []}, {"session": []}]
    if "ctl" in row:
        out["x-ctl"] = "logagent ctl " + row["ctl"]
    if "take" in row:
        out["x-example-take"] = row["take"]
    if "body" in row:
        media = row.get("media", "application/json")
        out["requestBody"] = {
            "required": True,
            "content": {media: {"schema": row["body"], "example": row["example"]}},
        }
    return out


def whole(version):
    paths = {}
    for row in OPERATIONS:
        paths.setdefault(row["path"], {})[row["method"].lower()] = operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "logagent web",
            "version": version,
            "description": "Define a service once for all machines, and see it applied on every one.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "x-example-order": [f"{row['method']} {row['path']}" for row in OPERATIONS],
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-logagent-session"},
            },
        },
    }


def as_source(text):
    """A string in pieces that every compiler takes."""
    pieces = [text[i : i + 12000] for i in range(0, len(text), 12000)]
    body = "\n".join(f'    R"~~~~({piece})~~~~"' for piece in pieces)
    return (
        '#include "web/openapi.hpp"\n\nnamespace logagent::web {\n\n'
        f"std::string_view openapi_document() {{\n    return\n{body};\n}}\n\n}}  // namespace logagent::web\n"
    )


def main():
    version, out = sys.argv[1:]
    text = json.dumps(whole(version), ensure_ascii=False, separators=(",", ":"))
    if out == "-":
        print(text)
        return
    with open(out, "w", encoding="utf-8") as file:
        file.write(as_source(text + "\n"))


if __name__ == "__main__":
    main()
