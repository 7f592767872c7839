"""`logagent web`: started on an etcd, asked through its API, stopped."""

import http.client
import json
import os
import re
import signal
import ssl
from pathlib import Path

from .process import Child, PATIENCE, at_end, free_ports, wait_for

TOKEN = re.compile(r"the admin token is (lgw_[A-Za-z0-9_-]+)")


class Answer:
    """Status, fields (names in lower case) and body of an answer."""

    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def etag(self):
        return self.fields.get("etag")

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Web:
    """One `logagent web`. Starting it again serves the same etcd."""

    def __init__(self, binary, directory, etcd, arguments=(), ca=None):
        self.binary = Path(binary)
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.etcd = etcd
        self.port = free_ports()
        self.arguments = [str(part) for part in arguments]
        self.ca = ca  # of its certificate; None = plain http
        self.child = None
        self.token = None
        self._forget = at_end(self.kill9)

    def start(self, *, ready=True):
        self.child = Child(
            [
                str(self.binary),
                "web",
                "--listen",
                f"127.0.0.1:{self.port}",
                "--etcd",
                getattr(self.etcd, "address", self.etcd),
                *self.arguments,
            ],
            self.directory / "web.out",
            env={**os.environ, "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=0"},
        )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=20):
        wait_for("web is ready", lambda: self.ask("GET", "/readyz").status == 200, seconds)

    def first_token(self):
        """The admin token of the first start; taken for further requests."""
        found = wait_for("the first token is printed", lambda: TOKEN.findall(self.output()))
        assert len(found) == 1, f"printed {len(found)} times"
        self.token = found[0]
        return self.token

    def output(self):
        return (self.directory / "web.out").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        self.child.signal(how)
        code = self.child.wait(15)
        self._forget()
        return code

    def kill9(self):
        if self.child and self.child.running():
            self.child.kill9()

    def ask(self, method, path, body=None, *, token="", **fields):
        """One request. `token`: "" = its own, None = none; If_Match="..." gives If-Match."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        token = self.token if token == "" else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection(20 * PATIENCE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def connection(self, timeout):
        if not self.ca:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=context
        )

    def api(self, method, path, body=None, **options):
        return self.ask(method, "/api/v1" + path, body, **options)

    def new_token(self, role, services=("*",)):
        made = self.api(
            "POST",
            "/tokens",
            {"name": f"a {role}", "role": role, "services": list(services), "message": "test"},
        )
        assert made.status == 201, made
        return made.json["token"]
