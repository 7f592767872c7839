"""The OpenAPI document: complete, and every example in it works."""

import json
import os
import re
import subprocess
from pathlib import Path

from harness.case import Skipped, case

from .web_api import start, status_of


def pointer(document, path):
    for part in path.strip("/").split("/"):
        document = document[part]
    return document


def filled(value, taken):
    """The text with {name} replaced by what an earlier answer held."""
    return re.sub(r"\{(\w+)\}", lambda found: str(taken[found[1]]), str(value))


@case("every example of the OpenAPI document is carried out and answers as it says", needs=["etcd"])
def examples(t):
    etcd = t.etcd()
    for number in (1, 2, 3):
        etcd.put(
            f"/logagent/_status/web0{number}", status_of(f"web0{number}", f"10.0.0.{number}")
        )
    web = start(t, etcd=etcd)
    document = web.ask("GET", "/openapi.json", token=None).json
    web.first_token()
    assert document["openapi"] == "3.1.0", document["info"]
    taken = {}
    for row in document["x-example-order"]:
        method, path = row.split(" ", 1)
        operation = document["paths"][path][method.lower()]
        headers, query = {}, []
        for one in operation.get("parameters", []):
            if "example" not in one:
                continue
            value = filled(one["example"], taken)
            if one["in"] == "path":
                path = path.replace("{" + one["name"] + "}", value)
            elif one["in"] == "query":
                query.append(f"{one['name']}={value}")
            else:
                headers[one["name"].replace("-", "_")] = value
        body = None
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            body = json.dumps(content["example"])
            headers["Content_Type"] = media
        target = path + ("?" + "&".join(query) if query else "")
        token = "" if "security" in operation else None
        if path == "/api/v1/session" and method == "POST":
            headers["Sec_Fetch_Site"] = "same-origin"
        answer = web.ask(method, target, body, token=token, **headers)
        assert answer.status == operation["x-example-status"], (row, target, answer)
        assert str(answer.status) in operation["responses"], row
        said = operation["responses"][str(answer.status)].get("content", {})
        got = answer.fields.get("content-type", "").split(";")[0]
        assert got in said or (not said and not answer.body), (row, got, said)
        for name, place in operation.get("x-example-take", {}).items():
            taken[name] = pointer(answer.json, place)


def schemathesis():
    """What tools/deps.sh installed, or None."""
    cache = os.environ.get("LOGAGENT_CACHE") or (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "logagent"
    )
    found = sorted(Path(cache).glob("schemathesis-*/bin/schemathesis"))
    return found[-1] if found else None


@case("no request that a machine makes up brings an answer that is not in the document",
      needs=["etcd"])
def made_up(t):
    program = schemathesis()
    if not program:
        raise Skipped("schemathesis is not installed: tools/deps.sh test")
    etcd = t.etcd()
    etcd.put("/logagent/_status/web01", status_of("web01", "10.0.0.1"))
    web = start(t, etcd=etcd)
    web.first_token()
    done = subprocess.run(
        [program, "run", f"http://127.0.0.1:{web.port}/openapi.json", "--max-examples=10",
         "--seed=1", "--phases=examples,fuzzing", "--checks=not_a_server_error,content_type_conformance",
         f"--header=Authorization: Bearer {web.token}", "--no-color",
         "--exclude-path-regex=(tail|events|forget|paths|why|replays)$", "--request-timeout=20"],
        capture_output=True, text=True, timeout=600, cwd=t.directory,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert web.ask("GET", "/readyz").status == 200
    assert web.stop() == 0
