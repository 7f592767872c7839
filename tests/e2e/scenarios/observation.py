"""What the agent says about itself: metrics, health, log, ledger."""

import json
import re
import socket
import time

from harness.case import case
from harness.logs import Writer, append, lines
from harness.process import free_ports

SAMPLE = re.compile(
    r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? '
    r"([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|Inf)|NaN)$"
)


def parse_metrics(text):
    """{name: {labels: value}} of Prometheus text; fails on what Prometheus would refuse."""
    assert text.endswith("\n"), "no newline at the end"
    types, families = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"two TYPE lines for {name}"
            assert kind in ("counter", "gauge", "histogram", "summary"), line
            types[name] = kind
        elif line.startswith("#") or not line:
            continue
        else:
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line}"
            name, labels, value = match.groups()
            family = re.sub(r"_(?:bucket|sum|count)$", "", name) if name not in types else name
            assert family in types, f"no TYPE for {name}"
            assert (labels or "") not in families.setdefault(name, {}), f"twice: {line}"
            families[name][labels or ""] = float(value)
            if types[family] == "counter":
                assert name.endswith("_total"), f"counter without _total: {name}"
    return families


@case("/metrics is valid Prometheus text and agrees with /status", needs=["kafka"], short=True)
def metrics(t):
    topic = t.topic()
    append(t.log('we"ird\\name.log'), lines(500))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", t.log('we"ird\\name.log'), "--topic", topic, "--start", "start"],
    ).start()
    t.kafka.wait_count(topic, 500)
    size = t.log('we"ird\\name.log').stat().st_size
    agent.wait("all is acknowledged", lambda: agent.status()["ledger"]["acked"] == size)
    families = parse_metrics(agent.metrics())
    assert families and all(
        name.startswith(("logagent_", "process_")) for name in families
    ), sorted(families)
    assert "logagent_loop_stall_seconds_max" in families, sorted(families)
    assert families["logagent_loop_stall_seconds_max"][""] < 1.0 * t.patience
    assert any(
        size in values.values() for values in families.values()
    ), "the acked bytes are missing"


@case("/healthz, /readyz and unknown paths answer, and bad requests do not hurt", needs=["kafka"])
def health(t):
    agent = t.agent(kafka=t.kafka, arguments=["--file", t.log(), "--topic", t.topic()]).start()
    assert agent.get("/healthz")[0] == 200
    agent.wait("it is ready", lambda: agent.get("/readyz")[0] == 200, 10)
    assert agent.get("/nothing")[0] == 404
    for bad in (
        b"\0\0\0\0",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    ):
        with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as peer:
            peer.settimeout(10)
            try:
                peer.sendall(bad)
                peer.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := peer.recv(65536):
                    answer += piece
            except OSError:
                answer = b""  # closed in the middle of our nonsense
        assert not answer.startswith(b"HTTP/1.1 200"), (bad[:30], answer[:200])
    assert agent.status()["host"] == "testhost"


@case(
    "idle and slow connections to the status server are closed and do not block others",
    needs=["kafka"],
)
def slow_peers(t):
    agent = t.agent(kafka=t.kafka, arguments=["--file", t.log(), "--topic", t.topic()]).start()
    peers = [socket.create_connection(("127.0.0.1", agent.port), timeout=60) for _ in range(20)]
    for peer in peers:
        peer.sendall(b"GET /sta")
    assert agent.status()["host"] == "testhost"
    for peer in peers:
        peer.settimeout(45 * t.patience)
        try:
            while peer.recv(4096):
                pass
        except ConnectionResetError:
            pass
        peer.close()
    agent.status()


@case(
    "/status has every field of its contract and the ledger's classes add up",
    needs=["kafka", "etcd"],
)
def contract(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    old = append(log, lines(100, "old"))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([{"service": "web", "log_path": str(log), "topic": topic, "drop": ["^drop "]}])
    append(log, lines(50, "keep") + lines(50, "drop") + [b"", b""])
    t.kafka.wait_count(topic, 50)
    size = log.stat().st_size

    def settled():
        arrived = agent.file(log)["acked_offset"] == size
        # What was a problem in the first moment is one until they are looked at again.
        return arrived and not agent.status()["problems"] and agent.status()

    status = agent.wait("everything is settled", settled)
    assert set(status) >= {
        "host",
        "instance",
        "version",
        "ips",
        "started",
        "state",
        "problems",
        "config",
        "kafka",
        "ledger",
        "files",
    }, sorted(status)
    assert set(status["config"]) >= {"source", "state", "applied", "failed", "errors"}, status[
        "config"
    ]
    assert set(status["config"]["applied"]) >= {"revision", "hash", "at"}, status["config"]
    assert set(status["kafka"]) >= {"state", "in_flight_bytes", "requests_per_s", "blocked"}
    entry = status["files"][0]
    assert set(entry) >= {
        "path",
        "service",
        "topic",
        "state",
        "generation",
        "inode",
        "size",
        "read_offset",
        "acked_offset",
        "lag_bytes",
        "hole_bytes",
        "lines_per_s",
        "bytes_per_s",
        "send_rate",
        "throttled_seconds",
        "eta_to_loss_s",
        "last_error",
    }, sorted(entry)
    ledger = status["ledger"]
    line = len(b"drop 00000000 \n")
    assert ledger["skipped_at_start"] == sum(len(text) + 1 for text in old), ledger
    assert ledger["filtered"] == 50 * line and ledger["blank"] == 2, ledger
    classes = {name: value for name, value in ledger.items() if name != "lines"}
    assert sum(classes.values()) == size, (classes, size)
    assert status["ips"] == ["10.1.2.3"] and status["state"] == "healthy", status


@case("the ledger holds at every moment, under load, rotation and a restart", needs=["kafka"])
def ledger_always(t):
    topic, log = t.topic(), t.log()
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    writer = t.owns(Writer(log, 5000))
    agent.start()
    for number in range(40):
        low = log.stat().st_size
        ledger = agent.status()["ledger"]
        total = sum(value for name, value in ledger.items() if name != "lines")
        # `unread` is known up to the last look; the file may have grown since.
        assert total <= log.stat().st_size and total >= low - 5000 * 200, (ledger, low)
        if number == 20:
            assert agent.stop() == 0
            agent.start()
            agent.wait("it found its place again", lambda: agent.status()["ledger"]["acked"])
        time.sleep(0.05)
    writer.stop()
    agent.wait(
        "the ledger ends at the size",
        lambda: agent.status()["ledger"]["acked"] == log.stat().st_size,
    )


@case("the agent's own log does not grow with the data, at debug and trace either", needs=["kafka"])
def log_volume(t):
    topic, log = t.topic(), t.log()
    agent = t.agent(
        kafka=t.kafka,
        ini={"level": "trace"},
        arguments=["--file", log, "--topic", topic, "--start", "start"],
    ).start()
    append(log, lines(1000, "first"))
    t.kafka.wait_count(topic, 1000)
    before = len(agent.log_text())
    append(log, lines(300_000, "second", 100))
    t.kafka.wait_count(topic, 301_000, 30)
    grown = len(agent.log_text()) - before
    assert grown < 50_000, f"{grown} bytes of log for 30 MB of data"
    assert b"second" not in agent.log_text().encode(), "a collected line is in the log"


@case("one record of the agent's log is one line, whatever a path holds")
def log_escapes(t):
    log = t.log("new\nline\x1b[31m.log")
    agent = t.agent(kafka="127.0.0.1:1", arguments=["--logconfig", t.directory / "l.json"])
    (t.directory / "l.json").write_text(
        json.dumps(
            [{"service": "s\nFAKE", "log_path": str(log), "topic": "x"}, {"log_path": "a\nFAKE"}]
        )
    )
    agent.start()
    agent.wait("it has logged", lambda: len(agent.log_text().splitlines()) > 2)
    assert "\x1b" not in agent.log_text()
    assert not [line for line in agent.log_text().splitlines() if line.startswith(("FAKE", "line"))]


@case(
    "secrets appear neither in the log nor in /status nor among the arguments",
    needs=["kafka", "etcd"],
)
def secrets(t):
    etcd = t.etcd()
    secret = t.directory / "password"
    secret.write_text("tr0ub4dor&3\n")
    secret.chmod(0o600)
    agent = t.agent(
        kafka=t.kafka,
        etcd=etcd,
        ini={"level": "trace", "etcd_user": "root", "etcd_password_file": secret},
    ).start()
    agent.wait("it has tried etcd", lambda: "etcd" in agent.log_text(), 10)
    told = agent.log_text() + json.dumps(agent.status()) + agent.metrics()
    assert "tr0ub4dor" not in told


class ServiceManager:
    """The socket on which systemd listens to a service."""

    def __init__(self, directory):
        # A path of a socket may have 107 bytes; an abstract name needs no file either.
        self.name = f"@logagent-{directory.name[:20]}-{free_ports()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:])
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        """Everything that was heard so far, oldest first."""
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard

    def kill9(self):
        self.socket.close()


@case("systemd hears READY, a STATUS that follows what happens, WATCHDOG and STOPPING", short=True)
def service_manager(t):
    systemd = t.owns(ServiceManager(t.directory))
    config = t.directory / "logconfig.json"
    entry = {"service": "s", "log_path": str(t.log()), "topic": "demo"}
    config.write_text(json.dumps([entry]))
    broker = t.mock_kafka("--topic", "demo:1")
    agent = t.agent(
        kafka=broker,
        arguments=["--logconfig", config],
        environment={"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "3000000"},
    ).start()
    agent.wait("READY is told", lambda: "READY=1" in systemd.listen(), 10)
    agent.wait("a watchdog is fed", lambda: systemd.listen().count("WATCHDOG=1") >= 3, 10)

    def statuses():
        return [text for text in systemd.listen() if text.startswith("STATUS=")]

    agent.wait("STATUS tells the files", lambda: "1 file" in statuses()[-1], 10)
    config.write_text(json.dumps([entry, {**entry, "log_path": str(t.log("other.log"))}]))
    agent.wait("STATUS tells a change", lambda: "2 files" in statuses()[-1], 10)
    broker.kill9()
    agent.wait("STATUS tells that Kafka is down", lambda: "Kafka" in statuses()[-1], 40)
    assert systemd.heard.count("READY=1") == 1, systemd.heard
    agent.stop()
    assert "STOPPING=1" in systemd.listen(), systemd.heard


@case("a start without etcd is no failed start for systemd, and the STATUS says what is missing")
def ready_without_etcd(t):
    systemd = t.owns(ServiceManager(t.directory))
    agent = t.agent(
        kafka="127.0.0.1:1",
        etcd="127.0.0.1:1",
        environment={"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "3000000"},
    ).start()
    # systemd kills a service that is not ready within TimeoutStartSec, and stops at the fifth time.
    agent.wait("READY is told", lambda: "READY=1" in systemd.listen(), 10)
    agent.wait("STATUS names etcd", lambda: "etcd" in "".join(systemd.listen()), 10)
    assert agent.get("/readyz")[0] == 503
