"""`logagent web` under TLS, asked by Python's ssl, the openssl command and `logagent ctl`."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import time

from harness import certificates
from harness.agent import logagent
from harness.case import case
from harness.events import Stream
from harness.process import PATIENCE, run, wait_for
from harness.web import Web

HELLO = b"\x16\x03\x01\x02\x00\x01"  # the beginning of a handshake that does not go on


class Served:
    """A web under TLS whose certificate a test may replace."""

    def __init__(self, t, kind="server", arguments=(), *, start=True):
        self.tls = certificates.make(t.directory)
        self.cert, self.key = t.directory / "web.crt", t.directory / "web.key"
        self.install(kind)
        pair = ["--set", f"tls_cert={self.cert}", "--set", f"tls_key={self.key}"]
        self.web = t.owns(
            Web(t.binary, t.directory / "web", t.etcd(), [*pair, *arguments], self.tls / "ca.pem")
        )
        if start:
            self.web.start()
            self.web.first_token()

    def install(self, kind):
        self.put(self.tls / f"{kind}.crt", self.cert)
        self.put(self.tls / f"{kind}.key", self.key)

    def put(self, source, target):
        new = target.with_suffix(".new")
        shutil.copyfile(source, new)
        new.chmod(0o600)
        os.replace(new, target)

    def shown(self):
        """The certificate that a new connection gets, in PEM."""
        return ssl.get_server_certificate(("127.0.0.1", self.web.port))

    def pem(self, kind):
        return ssl.DER_cert_to_PEM_cert(
            ssl.PEM_cert_to_DER_cert((self.tls / f"{kind}.crt").read_text())
        )

    def metric(self, name):
        text = self.web.ask("GET", "/metrics").body.decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))

    def said(self, pattern):
        return re.findall(pattern, self.web.output(), re.MULTILINE)


def refused_by(port, context, name):
    """Why a client does not talk to the server."""
    with socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name):
                return None
        except ssl.SSLCertVerificationError as error:
            return error.verify_message


def until_closed(port, data):
    with socket.create_connection(("127.0.0.1", port), 20 * PATIENCE) as plain:
        plain.sendall(data)
        got = b""
        while piece := plain.recv(65536):
            got += piece
        return got


@case(
    "under TLS the API answers those who trust its CA, tells browsers to stay with https, and "
    "keeps sessions in cookies that only https carries",
    needs=["etcd"],
)
def served(t):
    served = Served(t)
    web = served.web
    answer = web.api("GET", "/whoami")
    assert answer.status == 200 and answer.json["role"] == "admin", answer
    assert answer.fields["strict-transport-security"] == "max-age=31536000", answer.fields
    assert web.ask("GET", "/").status == 200
    assert served.said(r"web\.started: .* https://127\.0\.0\.1:\d+/"), web.output()

    made = web.api("POST", "/session", {"token": web.token}, token=None)
    flags = [part.strip() for part in made.fields["set-cookie"].split(";")]
    assert flags[0].startswith("__Host-logagent-session="), flags
    wanted = {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"}
    assert wanted <= set(flags) and not any(one.startswith("Domain") for one in flags), flags
    here = f"127.0.0.1:{web.port}"

    def log_out(cookie, origin):
        return web.api("DELETE", "/session", token=None, Cookie=cookie, Origin=origin).status

    assert log_out("logagent-session=" + flags[0].split("=", 1)[1], f"https://{here}") == 401
    for stranger in (f"http://{here}", "https://evil.example", "null"):
        assert log_out(flags[0], stranger) == 403, stranger
    assert log_out(flags[0], f"https://{here}") == 204
    assert log_out(flags[0], f"https://{here}") == 401

    # Names that the certificate is not for, as a page that rebinds its own name would send.
    assert web.ask("GET", "/healthz", Host="evil.example").status == 421
    assert web.ask("GET", "/healthz", Host=f"localhost:{web.port}").status == 200

    stranger = ssl.create_default_context(cafile=str(certificates.other_ca(t.directory)))
    assert "issuer" in refused_by(web.port, stranger, "localhost")
    right = ssl.create_default_context(cafile=str(web.ca))
    assert "mismatch" in refused_by(web.port, right, "other.example")
    assert refused_by(web.port, right, "localhost") is None
    assert web.stop() == 0


@case("openssl agrees on TLS 1.2 and 1.3 with HTTP/1.1, and on nothing older", needs=["etcd"])
def by_openssl(t):
    web = Served(t).web

    def client(*words):
        return run(
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-brief"),
                *("-CAfile", web.ca, "-verify_return_error", "-verify_hostname", "localhost"),
                *words,
            ],
            input=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            check=False,
        )

    for version in ("-tls1_2", "-tls1_3"):
        done = client(version, "-alpn", "h2,http/1.1", "-ign_eof")
        said = done.stderr + done.stdout
        assert done.returncode == 0 and b"Verification: OK" in said, said
        assert b"HTTP/1.1 200" in done.stdout, done.stdout
    done = client("-alpn", "h2,http/1.1", "-ign_eof")
    brief = run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-alpn", "h2,http/1.1"],
        input=b"",
        check=False,
    )
    assert b"ALPN protocol: http/1.1" in brief.stdout, brief.stdout[-2000:]
    for words in (
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES256-SHA:ECDHE-RSA-AES256-SHA"],
        ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"],
        ["-alpn", "h2"],
    ):
        assert client(*words).returncode != 0, words


@case(
    "plain HTTP at the port of TLS gets one short answer, and slow handshakes hold nobody up",
    needs=["etcd"],
)
def others(t):
    served = Served(t)
    web = served.web
    plain = until_closed(web.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert plain.startswith(b"HTTP/1.1 400") and b"use https://" in plain, plain
    assert b"Strict-Transport" not in plain, plain
    assert until_closed(web.port, b"POST /x HTTP/1.1\r\n" + b"x" * 100_000).startswith(b"HTTP/1.1 400")
    for garbage in (b"\0" * 100, b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100):
        until_closed(web.port, garbage)

    # More of them than there is room for.
    slow = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(320)]
    try:
        for one in slow[::2]:
            one.sendall(HELLO)
        for _ in range(10):
            begin = time.monotonic()
            assert web.api("GET", "/whoami").status == 200
            assert time.monotonic() - begin < 2 * PATIENCE
        ended = time.monotonic()
        for one in slow:
            one.settimeout(20 * PATIENCE)
            try:
                while one.recv(1000):
                    pass
            except ConnectionResetError:
                pass
        assert time.monotonic() - ended < 10 * PATIENCE, "they were not ended in time"
    finally:
        for one in slow:
            one.close()
    assert served.metric("logagent_web_tls_handshake_failures_total") > 3
    wait_for("they are gone", lambda: served.metric("logagent_web_connections") <= 1)
    # However many there are, the log gets a few lines.
    assert len(served.said("web.handshake: no TLS with 127.0.0.1: ")) <= 12, web.output()
    assert served.said("the client speaks plain HTTP")


@case(
    "a certificate is replaced under way, without a restart, by itself and on SIGHUP; a broken one "
    "is not taken, and one line says why",
    needs=["etcd"],
)
def replaced(t):
    served = Served(t)
    web = served.web
    days = served.metric("logagent_web_tls_certificate_remaining_seconds") / 86400
    assert 3648 < days <= 3650, days
    stream = Stream(web, "/events?topics=hosts")
    assert stream.status == 200

    served.install("stranger")
    wait_for("the new one is shown", lambda: served.shown() == served.pem("stranger"))
    assert len(served.said("web.certificate: .*is valid until")) == 2, web.output()

    # A connection that is open goes on.
    web.etcd.put("/logagent/_status/web1", json.dumps({"host": "web1", "state": "healthy"}))
    stream.wait("the host is told", lambda s: s.named("hosts"))
    assert not stream.ended

    served.put(served.tls / "server.crt", served.cert)  # the key is still the other one's
    complaint = r"web\.certificate: TLS: the key \S+web\.key does not belong to the certificate"
    wait_for("it says so", lambda: served.said(complaint + r" \S+; the certificate from before"))
    assert served.shown() == served.pem("stranger")
    served.put(served.tls / "server.key", served.key)
    wait_for("the pair is whole", lambda: served.shown() == served.pem("server"))
    assert len(served.said(complaint)) == 1, web.output()
    assert served.metric("logagent_web_tls_certificate_refused") == 0

    served.cert.write_text("hello\n")
    web.child.signal(signal.SIGHUP)
    wait_for("it says so", lambda: served.said(r"the certificate \S+ is not one in PEM"))
    assert served.shown() == served.pem("server")
    assert served.metric("logagent_web_tls_certificate_refused") == 1

    served.install("expired")
    web.child.signal(signal.SIGHUP)
    expired = r"web\.certificate: \S+web\.crt has expired at \d{4}-\d\d-\d\dT\d\d:\d\dZ: every client"
    wait_for("it says so", lambda: served.said(expired))
    assert served.shown() == served.pem("expired")
    served.install("server")
    web.child.signal(signal.SIGHUP)
    wait_for("it is good again", lambda: served.shown() == served.pem("server"))
    assert not stream.ended
    assert web.stop() == 0
    wait_for("the stream has ended", lambda: stream.ended)


@case(
    "what is wrong with TLS at the start is one line and 2; an expired certificate is a warning; "
    "another address than loopback is served with it",
    needs=["etcd"],
)
def at_start(t):
    served = Served(t, "expired", start=False)
    web = served.web
    web.arguments += ["--set", f"listen=0.0.0.0:{web.port}"]

    def refusal(*more):
        done = logagent(t.binary, "web", "--etcd", web.etcd.address, *web.arguments, *more)
        said = done.stderr.decode().splitlines()
        assert done.returncode == 2 and len(said) == 1, (done.returncode, said)
        return said[0]

    assert "cannot read the key /nowhere: No such file" in refusal("--set", "tls_key=/nowhere")
    other = served.tls / "server.key"
    assert "does not belong to the certificate" in refusal("--set", f"tls_key={other}")
    locked = t.directory / "locked.key"
    run(["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", other, "-out", locked])
    assert "has a passphrase; allowed:" in refusal("--set", f"tls_key={locked}")

    served.key.chmod(0o640)
    web.start(ready=False)
    wait_for("it serves", lambda: served.said("web.started: .*https://0.0.0.0:"))
    assert served.said(r"WARN +web\.certificate: \S+web\.crt has expired at "), web.output()
    assert served.said(r"WARN +web\.key: tls_key: \S+web\.key can be read by others"), web.output()
    assert web.stop() == 0


@case(
    "with tls_client_ca only clients with its certificate are served, and they need a token too",
    needs=["etcd"],
)
def client_certificates(t):
    served = Served(t, start=False)
    web = served.web
    web.arguments += ["--set", f"tls_client_ca={web.ca}"]
    web.start(ready=False)
    token = web.first_token()
    client = served.tls / "client.pem"

    def ask(with_certificate, authorization):
        context = ssl.create_default_context(cafile=str(web.ca))
        if with_certificate:
            context.load_cert_chain(client)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", web.port, timeout=20 * PATIENCE, context=context
        )
        try:
            connection.request("GET", "/api/v1/whoami", headers=authorization)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    bearer = {"Authorization": f"Bearer {token}"}
    assert ask(True, bearer) == 200
    assert ask(True, {}) == 401
    assert ask(False, bearer) is None
    secret = t.directory / "token"
    secret.write_text(token)
    ctl = ("ctl", "whoami", "--server", f"https://localhost:{web.port}", "--token-file", secret)
    done = logagent(t.binary, *ctl, "--ca-file", web.ca, "--cert", client, check=True)
    assert json.loads(done.stdout)["role"] == "admin"
    bare = logagent(t.binary, *ctl, "--ca-file", web.ca)
    said = bare.stderr.decode().splitlines()
    assert bare.returncode == 1 and len(said) == 1 and "certificate" in said[0], said


@case(
    "ctl checks the server's certificate, and says in one line what is wrong with it",
    needs=["etcd"],
)
def by_ctl(t):
    served = Served(t)
    web = served.web
    secret = t.directory / "token"
    secret.write_text(web.token + "\n")

    def ctl(*words, server=f"https://localhost:{web.port}", ca=web.ca):
        trusted = ["--ca-file", ca] if ca else []
        done = logagent(
            t.binary, "ctl", *words, "--server", server, "--token-file", secret, *trusted
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode().splitlines()

    code, out, err = ctl("whoami")
    assert code == 0 and json.loads(out)["role"] == "admin", (out, err)
    assert ctl("whoami", server=f"https://127.0.0.1:{web.port}")[0] == 0
    assert ctl("services", "list")[0] == 0

    def refused(*parts, **options):
        code, out, err = ctl("whoami", **options)
        assert code == 1 and not out and len(err) == 1, (code, out, err)
        for part in parts:
            assert part in err[0], err
        assert web.token not in err[0]

    refused("certificate", "issuer", "--ca-file", ca=certificates.other_ca(t.directory))
    refused("certificate", "issuer", "--ca-file", ca=None)
    refused("/nowhere", "No such file", ca="/nowhere")
    health = ("status", "--health", "--addr", f"https://localhost:{web.port}")
    assert logagent(t.binary, *health, "--ca-file", web.ca).returncode == 0
    done = logagent(t.binary, *health)
    assert done.returncode == 1 and b"certificate verify failed" in done.stdout + done.stderr, done
    refused("TLS only", "https://", server=f"http://localhost:{web.port}")
    served.install("stranger")
    wait_for("another name", lambda: served.shown() == served.pem("stranger"))
    refused("localhost", "mismatch")
    refused("127.0.0.1", "mismatch", server=f"https://127.0.0.1:{web.port}")
    served.install("expired")
    wait_for("an expired one", lambda: served.shown() == served.pem("expired"))
    refused("certificate has expired")
