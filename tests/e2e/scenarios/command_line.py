"""The commands as a user types them."""

import json
import socket
import subprocess
import time

from harness.agent import logagent
from harness.case import case
from harness.logs import append, expect_exactly, lines, parse_key
from harness.process import Child, free_ports, wait_for


def words(done):
    return (done.stdout + done.stderr).decode(errors="replace")


def collect_once(t, *arguments, **options):
    """Reads files from their start to their end, with state of its own; `arguments` say which."""
    state = f"state_dir={t.directory}/state"
    common = ("--once", "--set", state, "--set", "status_addr=off")
    return logagent(t.binary, "agent", "--start", "start", *arguments, *common, **options)


@case("version, help and unknown words answer as promised", short=True)
def version_and_help(t):
    version = logagent(t.binary, "version")
    assert version.returncode == 0 and b"logagent" in version.stdout, words(version)
    described = json.loads(logagent(t.binary, "version", "--json", check=True).stdout)
    assert described["version"].encode() in version.stdout, described
    for command in ((), ("agent",), ("check",), ("status",), ("mock-kafka",), ("version",)):
        done = logagent(t.binary, *command, "--help")
        assert done.returncode == 0 and len(done.stdout) > 60, (command, words(done))
    for wrong in (
        ("agnet",),
        ("agent", "--flie", "x"),
        ("agent", "-c", "/no/such/file.ini"),
        ("status", "x", "y"),
    ):
        done = logagent(t.binary, *wrong)
        assert done.returncode == 2 and done.stderr, (wrong, done.returncode, words(done))
    assert "agent" in words(logagent(t.binary, "agnet")), "no hint for a misspelt command"


@case("--output - --once prints key, tab and value of every line and ends with 0", short=True)
def output_once(t):
    log = t.log()
    append(log, lines(5000))
    arguments = ("--file", log, "--topic", "demo", "--service", "web", "--output", "-")
    done = collect_once(t, *arguments, check=True)
    keys, values = zip(*(line.split(b"\t", 1) for line in done.stdout.splitlines()))
    assert list(values) == lines(5000)
    at = 0
    for key in keys:
        host, service, path, generation, start, end = json.loads(key)
        assert (service, path, start) == ("web", str(log), at) and host and len(generation) == 22
        at = end
    assert at == log.stat().st_size
    again = collect_once(t, *arguments, check=True)
    assert again.stdout == b"", "acknowledged lines were printed twice"


@case(
    "--file with --once sends to Kafka, waits for all acknowledgements and ends with 0",
    needs=["kafka"],
)
def file_once(t):
    one, two = t.topic("one"), t.topic("two")
    append(t.log("1.log"), lines(20_000, "1"))
    append(t.log("2.log"), lines(10, "2"))
    first = ("--file", t.log("1.log"), "--topic", one)
    second = ("--file", t.log("2.log"), "--topic", two, "--service", "second")
    collect_once(t, *first, *second, "--kafka", t.kafka.address, check=True)
    expect_exactly(t.kafka.read(one), lines(20_000, "1"))
    records = t.kafka.read(two)
    expect_exactly(records, lines(10, "2"))
    assert parse_key(records[0])["service"] == "second"


@case("--rate limits a --file", needs=["kafka"])
def file_rate(t):
    topic = t.topic()
    append(t.log(), lines(1000))
    began = time.monotonic()
    file = ("--file", t.log(), "--topic", topic, "--rate", "250")
    collect_once(t, *file, "--kafka", t.kafka.address, check=True)
    assert 3.4 < time.monotonic() - began < 6 * t.patience
    expect_exactly(t.kafka.read(topic), lines(1000))


@case("the INI of the article works as printed, comments at the ends of lines included")
def article_ini(t):
    ini = t.directory / "agent.ini"
    ini.write_text(
        "etcd_addr = 127.0.0.1:1        # etcd address\n"
        "etcd_timeout = 5               # seconds\n"
        "etcd_watch_key = /logagent/%s/logconfig  # one key for each host\n"
        "\n"
        "kafka_addr = 127.0.0.1:1       # broker\n"
        "thread_num = 4                 # consumers\n"
        f"log = {t.directory}/agent.log   # where it writes\n"
        "level = debug                  # how much\n"
    )
    port = free_ports()
    child = t.owns(
        Child(
            [
                t.binary,
                "agent",
                "-c",
                ini,
                "--set",
                f"state_dir={t.directory}/state",
                "--set",
                f"status_addr=127.0.0.1:{port}",
            ],
            t.directory / "out",
        )
    )
    wait_for(
        "it serves", lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, 10
    )
    assert child.running()
    assert child.terminate() in (0, 3)
    assert (t.directory / "agent.log").read_text().count("thread_num") == 1


@case("a wrong INI ends with 2 and one line that names file, line, value and what is allowed")
def wrong_ini(t):
    for text, named in (
        ("levle = info\n", "levle"),
        ("level = loud\n", "loud"),
        ("etcd_timeout = soon\n", "soon"),
        ("in_flight_bytes = -3\n", "-3"),
        ("status_addr = nowhere\n", "nowhere"),
        ("no equals sign\n", ""),
        ("kafka.bootstrap.servers = x\n", "kafka.bootstrap.servers"),
    ):
        ini = t.directory / "wrong.ini"
        ini.write_text("kafka_addr = 127.0.0.1:9092\n" + text)
        done = logagent(t.binary, "agent", "-c", ini, timeout=10)
        said = done.stderr.decode().strip()
        assert done.returncode == 2, (text, done.returncode, said)
        assert "wrong.ini" in said and "2" in said and named in said, (text, said)
        assert len(said.splitlines()) == 1, said


@case(
    "check names all problems at once and ends with 2; a good configuration gives 0",
    needs=["kafka"],
)
def check_command(t):
    good, log = t.topic(), t.log()
    append(log, lines(10))
    ini = t.directory / "agent.ini"
    ini.write_text(
        f"kafka_addr = {t.kafka.address}\nstate_dir = {t.directory}/state\n"
        f"allow_paths = {t.directory}\n"
    )
    config = t.directory / "logconfig.json"
    config.write_text(json.dumps([{"service": "s", "log_path": str(log), "topic": good}]))
    done = logagent(t.binary, "check", "-c", ini, "--logconfig", config)
    assert done.returncode == 0, words(done)
    assert str(log) in words(done) and good in words(done), words(done)
    told = json.loads(
        logagent(t.binary, "check", "-c", ini, "--logconfig", config, "--json").stdout
    )
    assert told, told

    config.write_text(
        json.dumps(
            [
                {"service": "s", "log_path": "relative", "topic": good},
                {"service": "s", "log_path": str(log), "topic": "not/a topic"},
                {"service": "s", "log_path": str(log)},
                {"service": "s", "log_path": str(log), "topic": good, "send_rate": -1},
            ]
        )
    )
    done = logagent(t.binary, "check", "-c", ini, "--logconfig", config)
    said = words(done)
    assert done.returncode == 2, (done.returncode, said)
    for pointer in ("/0/log_path", "/1/topic", "/2/topic", "/3/send_rate"):
        assert pointer in said, (pointer, said)
    told = json.loads(
        logagent(t.binary, "check", "-c", ini, "--logconfig", config, "--json").stdout
    )
    assert "/3/send_rate" in json.dumps(told), told

    ini.write_text("levle = info\nlevel = loud\nkafka_addr = 127.0.0.1:9092\n")
    done = logagent(t.binary, "check", "-c", ini)
    assert done.returncode == 2 and "levle" in words(done) and "loud" in words(done), words(done)


@case("check tells that a topic does not exist", needs=["kafka"])
def check_topic(t):
    ini, config, absent = (
        t.directory / "agent.ini",
        t.directory / "logconfig.json",
        t.new_name("absent"),
    )
    ini.write_text(
        f"kafka_addr = {t.kafka.address}\nallow_paths = {t.directory}\n"
        f"state_dir = {t.directory}/state\n"
    )
    config.write_text(json.dumps([{"service": "s", "log_path": str(t.log()), "topic": absent}]))
    done = logagent(t.binary, "check", "-c", ini, "--logconfig", config)
    assert absent in words(done) and "exist" in words(done), words(done)


@case("status prints a table of files, and says so when no agent answers", needs=["kafka"])
def status_table(t):
    topic = t.topic()
    append(t.log(), lines(1000))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", t.log(), "--topic", topic, "--start", "start", "--rate", "100"],
    ).start()
    t.kafka.wait_count(topic, 100)
    done = logagent(t.binary, "status", "--addr", f"127.0.0.1:{agent.port}")
    said = words(done)
    assert done.returncode == 0, said
    assert (
        str(t.log()) in said and topic in said and "throttled" in said and "testhost" in said
    ), said
    done = logagent(t.binary, "status", "--addr", f"127.0.0.1:{free_ports()}", timeout=15)
    assert done.returncode == 1 and done.stderr, (done.returncode, words(done))


@case("mock-kafka prints its address first, takes topics, and the agent sends to it", short=True)
def mock(t):
    broker = t.mock_kafka("--brokers", "2", "--topic", "demo:3")
    metadata = json.loads(
        subprocess.run(
            ["kcat", "-b", broker.address, "-L", "-J"], check=True, capture_output=True, timeout=20
        ).stdout
    )
    topics = {topic["topic"]: len(topic["partitions"]) for topic in metadata["topics"]}
    assert topics.get("demo") == 3 and len(metadata["brokers"]) == 2, metadata
    append(t.log(), lines(1000))
    file = ("--file", t.log(), "--topic", "demo")
    collect_once(t, *file, "--kafka", broker.address, check=True)
    done = subprocess.run(
        ["kcat", "-q", "-b", broker.address, "-C", "-t", "demo", "-o", "beginning", "-e"],
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert done.stdout.splitlines() == lines(1000)
    assert broker.stop() == 0


@case("deny_paths holds for files that the user names himself")
def denied_file(t):
    done = collect_once(t, "--file", "/etc/passwd", "--output", "-", timeout=20)
    assert b"root:" not in done.stdout, "a denied file was printed"
    assert done.returncode != 0 and b"/etc/passwd" in done.stderr, (done.returncode, words(done))


@case("an unknown topic with --once does not end in success", needs=["kafka"])
def once_unknown_topic(t):
    append(t.log(), lines(10))
    agent = t.agent(
        kafka=t.kafka,
        arguments=[
            "--file",
            t.log(),
            "--topic",
            t.new_name("absent"),
            "--start",
            "start",
            "--once",
        ],
    ).start()
    agent.wait("it is blocked", lambda: agent.status()["kafka"]["blocked"], 40)
    assert agent.stop() == 3
