"""Servers with TLS and passwords."""

import time

from harness.agent import target
from harness.case import case
from harness.logs import append, expect_exactly, lines
from harness.process import free_ports


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
