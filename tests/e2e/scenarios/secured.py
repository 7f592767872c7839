"""Servers with TLS and passwords."""

import os
import re
import shutil
import socket
import time
from pathlib import Path

from harness import certificates
from harness.agent import target
from harness.case import Skipped, case
from harness.logs import append, expect_exactly, lines
from harness.process import Child, free_ports, wait_for
from harness.servers import Etcd, Kafka

BUILT_ETCD = Path.home() / ".cache/logagent-backends/etcd/etcd"


@case(
    "etcd with TLS and client certificates is used; a wrong certificate is refused, with a reason",
    needs=["kafka", "etcd"],
)
def etcd_tls(t):
    etcd, topic = t.etcd(tls=True), t.topic()
    tls = etcd.directory / "tls"
    append(t.log(), lines(10))
    ini = {
        "etcd_addr": f"https://{etcd.address}",
        "etcd_ca": tls / "ca.pem",
        "etcd_cert": tls / "client.crt",
        "etcd_key": tls / "client.key",
    }
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini=ini).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 10)
    agent.put([target(t.log(), topic, send_rate=12)])
    assert agent.stop() == 0

    wrong = {**ini, "etcd_ca": "/etc/ssl/certs/ca-certificates.crt"}
    other = t.agent("other", kafka=t.kafka, etcd=etcd, ini=wrong).start()
    other.wait("the certificate is named", lambda: "certificate" in other.log_text().lower(), 10)
    assert other.status()["config"]["state"] == "waiting"


@case(
    "etcd with a password: the token is renewed when it expires, and a wrong password is reported",
    needs=["kafka", "etcd"],
)
def etcd_password(t):
    etcd, topic = t.etcd(settings=["auth-token=simple", "auth-token-ttl=4"]), t.topic()
    etcd.demand_password("tr0ub4dor&3")
    append(t.log(), lines(10))
    secret = t.directory / "password"
    secret.write_text("tr0ub4dor&3\n")
    secret.chmod(0o600)
    ini = {"etcd_user": "root", "etcd_password_file": secret}
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini=ini).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 10)
    for rate in (11, 12, 13):
        time.sleep(6)  # longer than a token lives
        etcd.log_in("tr0ub4dor&3")
        revision = etcd.put(agent.key, [target(t.log(), topic, send_rate=rate)])
        agent.wait_applied(revision, 8)
    assert agent.file(t.log())["send_rate"] == 13
    assert "tr0ub4dor" not in agent.log_text()

    secret.write_text("wrong\n")
    other = t.agent("other", kafka=t.kafka, etcd=etcd, ini=ini).start()
    other.wait("the refusal is a problem", lambda: other.status()["problems"], 15)
    assert other.status()["config"]["state"] == "waiting"


@case(
    "Kafka with SASL_SSL and SCRAM is used; a wrong password is reported and nothing is lost",
    needs=["kafka"],
)
def kafka_scram(t):
    kafka = t.own_kafka(tls=True)
    kafka.create({"t": 1})
    append(t.log(), lines(1000))
    secret = t.directory / "password"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    agent = t.agent(
        kafka=f"127.0.0.1:{kafka.port + 2}",
        ini={
            "kafka.security.protocol": "SASL_SSL",
            "kafka.sasl.mechanism": "SCRAM-SHA-512",
            "kafka.sasl.username": "alice",
            "kafka.sasl.password_file": secret,
            "kafka.ssl.ca.location": kafka.directory / "tls" / "ca.pem",
            "shutdown_timeout": 2,
        },
        arguments=["--file", t.log(), "--topic", "t", "--start", "start"],
    ).start()
    agent.wait("the refusal is named", lambda: "uthentication" in agent.log_text(), 20)
    assert agent.status()["kafka"]["state"] == "down"
    assert agent.stop() == 3  # lines are there that could not be sent
    secret.write_text("alice-secret\n")
    agent.start()
    kafka.wait_count("t", 1000)
    assert agent.stop() == 0
    expect_exactly(kafka.read("t"), lines(1000))
    assert "alice-secret" not in agent.log_text()


@case("of several etcd endpoints a dead one is passed over", needs=["kafka", "etcd"])
def etcd_failover(t):
    etcd, topic = t.etcd(), t.topic()
    append(t.log(), lines(10))
    addresses = f"127.0.0.1:{free_ports()}, {etcd.address}"
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini={"etcd_addr": addresses}).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 10)


def one_line(agent, pattern):
    """The line of its log that says why; a reason in several pieces does not count."""
    found = [line for line in agent.log_text().splitlines() if re.search(pattern, line)]
    return found[0] if found else None


def secret(t, name, text):
    file = t.directory / name
    file.write_text(text + "\n")
    file.chmod(0o600)
    return file


def kafka_with_wrong_doors(t):
    """A broker whose listeners EXPIRED and STRANGER show a certificate that is wrong in that way."""
    tls = certificates.make(t.directory / "kafka")
    kafka = Kafka(t.directory / "kafka", tls=True, ports=5)
    doors = {name: kafka.port + 3 + at for at, name in enumerate(("expired", "stranger"))}
    listeners = f"PLAINTEXT://127.0.0.1:{kafka.port},CONTROLLER://127.0.0.1:{kafka.port + 1}"
    listeners += f",SASL_SSL://127.0.0.1:{kafka.port + 2}"
    protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL"
    settings = []
    for name, port in doors.items():
        listeners += f",{name.upper()}://127.0.0.1:{port}"
        protocols += f",{name.upper()}:SASL_SSL"
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        settings += [
            f"listener.name.{name}.ssl.keystore.location={tls / name}.pem",
            f"listener.name.{name}.scram-sha-512.sasl.jaas.config={module}",
            f"listener.name.{name}.sasl.enabled.mechanisms=SCRAM-SHA-512",
        ]
    kafka.settings = [
        f"listeners={listeners}",
        f"listener.security.protocol.map={protocols}",
        *settings,
    ]
    try:
        kafka.start()
    except (RuntimeError, OSError) as error:
        raise Skipped(f"no kafka: {error}") from None
    t.owns(kafka)
    return kafka, doors


@case(
    "Kafka over SASL_SSL: SCRAM and PLAIN work; each wrong way says why in a line and sends nothing",
    needs=["kafka"],
)
def kafka_wrong_ways(t):
    kafka, doors = kafka_with_wrong_doors(t)
    kafka.create({"scram": 1, "plain": 1, "wrong": 1})
    append(t.log(), lines(100))
    right = secret(t, "right", "alice-secret")
    wrong = secret(t, "wrong", "not-the-secret")
    ca = kafka.directory / "tls" / "ca.pem"

    def agent(name, topic="wrong", port=kafka.port + 2, **changed):
        ini = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "alice",
            "sasl.password_file": right,
            "ssl.ca.location": ca,
            **{key.replace("_", ".", 1): value for key, value in changed.items()},
        }
        return t.agent(
            name,
            kafka=f"127.0.0.1:{port}",
            ini={**{f"kafka.{key}": value for key, value in ini.items()}, "shutdown_timeout": 1},
            arguments=["--file", t.log(), "--topic", topic, "--start", "start"],
        ).start()

    good = [agent("scram", "scram"), agent("plain", "plain", sasl_mechanism="PLAIN")]
    authentication = r"SASL authentication error|uthentication failed"
    bad = {
        authentication: [
            agent("scram-wrong", **{"sasl_password_file": wrong}),
            agent("plain-wrong", **{"sasl_mechanism": "PLAIN", "sasl_password_file": wrong}),
            agent("nobody", **{"sasl_username": "mallory"}),
        ],
        r"certificate verify failed|self.signed|unable to get local issuer": [
            agent("unknown-ca", **{"ssl_ca.location": certificates.other_ca(t.directory)})
        ],
        r"certificate has expired|certificate verify failed": [
            agent("expired", port=doors["expired"])
        ],
        r"IP address mismatch|ostname mismatch|certificate verify failed": [
            agent("stranger", port=doors["stranger"])
        ],
        # Never in the clear, neither to a door that would take it nor at one that wants TLS.
        r"SSL handshake failed|wrong version number|packet length|Disconnected|disconnected": [
            agent("tls-to-plain", port=kafka.port),
        ],
    }
    for one, topic in zip(good, ("scram", "plain")):
        kafka.wait_count(topic, 100)
        assert one.stop() == 0
    for pattern, agents in bad.items():
        for one in agents:
            line = one.wait(f"{one.directory.name} says why", lambda: one_line(one, pattern), 30)
            assert one.status()["kafka"]["state"] == "down", one.directory.name
            assert "alice-secret" not in one.log_text() and "not-the-secret" not in one.log_text()
            assert len(line) < 1000, line
            assert one.stop() == 3
    assert kafka.count("wrong") == 0


@case(
    "a plaintext client at a door that wants TLS sends nothing, and the log says what is wrong",
    needs=["kafka"],
)
def kafka_plain_to_tls(t):
    kafka = t.own_kafka(tls=True)
    kafka.create({"t": 1})
    append(t.log(), lines(10))
    agent = t.agent(
        kafka=f"127.0.0.1:{kafka.port + 2}",
        ini={"shutdown_timeout": 1},
        arguments=["--file", t.log(), "--topic", "t", "--start", "start"],
    ).start()
    agent.wait("it says so", lambda: one_line(agent, r"may want TLS.*security\.protocol"), 30)
    assert "security.protocol" in agent.problem("kafka_down")["text"]
    assert agent.stop() == 3
    assert kafka.count("t") == 0


def etcd_with(t, name, certificate="server"):
    """An etcd with TLS that shows this certificate and demands one of its clients."""
    directory = t.directory / name
    tls = certificates.make(directory)
    for end in ("crt", "key", "pem"):
        (tls / f"server.{end}").write_bytes((tls / f"{certificate}.{end}").read_bytes())
    etcd = Etcd(directory, tls=True)
    etcd.tls_directory = tls
    return etcd


@case(
    "etcd with TLS, client certificates and a user for one prefix: the agent gets what it needs, "
    "and nothing beyond",
    needs=["kafka", "etcd"],
)
def etcd_users(t):
    etcd, topic = etcd_with(t, "etcd"), t.topic()
    tls = etcd.tls_directory
    etcd.start()
    t.owns(etcd)
    etcd.add_user(
        "web-1",
        "agent-secret",
        {
            "/logagent/10.1.2.3/": "READ",
            "/logagent/_status/testhost": "READWRITE",
            "/logagent/_cmd/testhost/": "READWRITE",
            "/logagent/_result/testhost/": "READWRITE",
        },
    )
    etcd.demand_password("root-secret")
    append(t.log(), lines(10))
    ini = {
        "etcd_addr": f"https://{etcd.address}",
        "etcd_ca": tls / "ca.pem",
        "etcd_cert": tls / "client.crt",
        "etcd_key": tls / "client.key",
        "etcd_user": "web-1",
        "etcd_password_file": secret(t, "password", "agent-secret"),
    }
    agent = t.agent(kafka=t.kafka, etcd=etcd, ini=ini).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 10)
    agent.wait("its status is there", lambda: etcd.get("/logagent/_status/testhost"), 15)
    assert "agent-secret" not in agent.log_text()

    # The same user on a host with another address may not read that host's key.
    other = t.agent("other", kafka=t.kafka, etcd=etcd, ini=ini, ip="10.9.9.9").start()
    line = other.wait("the refusal", lambda: one_line(other, "permission denied"), 15)
    assert len(line) < 1000, line
    assert other.status()["config"]["state"] == "waiting"


@case(
    "every wrong way to an etcd with TLS is refused with a reason in one line, and no lines flow",
    needs=["kafka", "etcd"],
)
def etcd_wrong_ways(t):
    servers = {
        "server": etcd_with(t, "etcd"),
        "expired": etcd_with(t, "etcd-expired", "expired"),
        "stranger": etcd_with(t, "etcd-stranger", "stranger"),
    }
    topic = t.topic()
    for name, etcd in servers.items():
        try:
            # The probe of the kit would refuse these certificates as the agent does.
            etcd.start() if name == "server" else start_unseen(etcd)
        except (RuntimeError, OSError) as error:
            raise Skipped(f"no etcd: {error}") from None
        t.owns(etcd)
    servers["server"].put("/logagent/10.1.2.3/logconfig", [target(t.log(), topic)])
    append(t.log(), lines(10))

    def agent(name, server="server", scheme="https", **changed):
        etcd = servers[server]
        tls = etcd.tls_directory
        ini = {
            "etcd_addr": f"{scheme}://{etcd.address}",
            "etcd_ca": tls / "ca.pem",
            "etcd_cert": tls / "client.crt",
            "etcd_key": tls / "client.key",
            **changed,
        }
        return t.agent(name, kafka=t.kafka, etcd=etcd, ini=ini).start()

    bad = {
        "unknown-ca": ("certificate", {"etcd_ca": certificates.other_ca(t.directory)}),
        "no-certificate": ("certificate|alert", {"etcd_cert": None, "etcd_key": None}),
        "expired": ("expired", {"server": "expired"}),
        "stranger": ("mismatch|does not match|not for|name", {"server": "stranger"}),
        "plain": ("400|HTTP|closed|EOF|end of stream|malformed", {"scheme": "http"}),
    }
    agents = {name: agent(name, **changed) for name, (_, changed) in bad.items()}
    for name, one in agents.items():
        line = one.wait(f"{name} says why", lambda: one_line(one, rf"etcd.*({bad[name][0]})"), 20)
        assert len(line) < 1000, line
        assert one.status()["config"]["state"] == "waiting", name
    assert t.kafka.count(topic) == 0


def start_unseen(etcd):
    """Starts one whose certificate nobody should accept, so that a probe over TLS cannot be used."""
    tls = etcd.tls_directory
    url, peer = f"https://{etcd.address}", f"http://127.0.0.1:{etcd.port + 1}"
    program = os.environ.get("ETCD_BIN") or shutil.which("etcd") or BUILT_ETCD
    child = Child(
        [
            *(program, "--name", "test", "--data-dir", etcd.directory / "data"),
            *("--listen-client-urls", url, "--advertise-client-urls", url),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"test={peer}"),
            *("--cert-file", tls / "server.crt", "--key-file", tls / "server.key"),
            *("--client-cert-auth", "--trusted-ca-file", tls / "ca.pem"),
        ],
        etcd.directory / "etcd.log",
    )
    etcd._forget()  # the kit knows nothing of this process
    etcd.kill9 = child.kill9

    def listens():
        with socket.create_connection(("127.0.0.1", etcd.port), timeout=1):
            return True

    wait_for("etcd listens", listens, 20)
