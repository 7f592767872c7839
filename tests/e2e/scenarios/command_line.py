"""The commands as a user types them."""

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import termios
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
    for command in (
        (),
        ("agent",),
        ("check",),
        ("status",),
        ("selftest",),
        ("mock-kafka",),
        ("version",),
    ):
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


def printing(t, *more):
    return [
        t.binary,
        *("agent", "--file", t.log(), "--topic", "demo", "--start", "start", "--output", "-"),
        *("--set", f"state_dir={t.directory}/state", "--set", "status_addr=off"),
        *more,
    ]


@case("--output - into a pipe that nobody reads any more ends at once with 3", short=True)
def output_into_closed_pipe(t):
    append(t.log(), lines(200_000))
    # The time-out of a stop must not be waited for: nobody will ever take the rest.
    command = printing(t, "--set", "shutdown_timeout=3600")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        running.stdout.readline()
        running.stdout.close()
        try:
            assert running.wait(timeout=30) == 3, running.returncode
        finally:
            running.kill()


@case("closed standard descriptors get neither lines nor log into the state", short=True)
def closed_descriptors(t):
    append(t.log(), lines(10))
    for closed in ((1,), (0, 1, 2), (2,)):
        done = subprocess.run(
            printing(t, "--once"),
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: [os.close(fd) for fd in closed],
            timeout=30,
        )
        assert done.returncode == (3 if 1 in closed else 0), (closed, done.returncode)
        lock = (t.directory / "state" / "lock").read_text()
        assert lock.strip().isdigit() and lock.count("\n") == 1, (closed, lock)


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


@case("status --watch draws again each second, survives a restart, and Ctrl-C ends it with 0")
def status_watch(t):
    (t.directory / "l.json").write_text(
        json.dumps([{"service": "s", "log_path": str(t.log()), "topic": "x"}])
    )
    agent = t.agent(kafka="127.0.0.1:1", arguments=["--logconfig", t.directory / "l.json"]).start()
    command = [t.binary, "status", "--addr", f"127.0.0.1:{agent.port}", "--watch"]
    watching = t.owns(Child(command, t.directory / "watched"))
    wait_for("it draws", lambda: watching.output().count("testhost") >= 2, 10)
    assert "\x1b" not in watching.output(), "escape sequences in a file"
    append(t.log(), lines(10))
    lag = f" {t.log().stat().st_size} B "
    wait_for("it draws what is new", lambda: lag in watching.output(), 10)
    agent.stop()
    wait_for("it says that nobody answers", lambda: "no agent answers" in watching.output(), 10)
    agent.start()
    drawn = watching.output().count("testhost")
    wait_for("it draws again", lambda: watching.output().count("testhost") > drawn, 10)
    watching.signal(signal.SIGINT)
    assert watching.wait(5) == 0


@case("status --watch has the whole terminal, follows its size, and gives it back at q and SIGTERM")
def status_on_a_terminal(t):
    (t.directory / "l.json").write_text(
        json.dumps([{"service": "s", "log_path": str(t.log()), "topic": "x"}])
    )
    agent = t.agent(kafka="127.0.0.1:1", arguments=["--logconfig", t.directory / "l.json"]).start()
    command = [t.binary, "status", "--addr", f"127.0.0.1:{agent.port}", "--watch"]
    agent.wait("it answers", lambda: agent.status()["host"], 10)
    for ending in (b"q", signal.SIGTERM):
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(slave)
        drawing = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        try:
            seen = b""
            os.set_blocking(master, False)

            def look():
                nonlocal seen
                try:
                    seen += os.read(master, 65536)
                except BlockingIOError:
                    pass
                return seen

            def widest(of):
                pictures = of.replace(b"\x1b[H", b"\n")
                plain = re.sub(rb"\x1b\[[?0-9;]*[A-Za-z]", b"", pictures).decode()
                return max(map(len, plain.splitlines()))

            wait_for("it draws over the last", lambda: look().count(b"\x1b[H") >= 3, 10)
            assert seen.startswith(b"\x1b[?1049h") and seen.count(b"\x1b[2J") == 1, seen
            assert b"testhost" in seen and b"1 file: " in seen and b"q quits" in seen, seen
            assert widest(seen) == 80, seen
            assert not termios.tcgetattr(slave)[3] & termios.ECHO
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 40, 0, 0))
            begin = len(seen)
            drawing.send_signal(signal.SIGWINCH)
            wait_for("it is drawn anew", lambda: look().count(b"\x1b[J", begin) >= 2, 10)
            picture = seen[begin:].split(b"\x1b[H")[-1]
            assert widest(picture) == 40 and picture.count(b"\n") <= 5, picture
            if isinstance(ending, bytes):
                os.write(master, ending)
            else:
                drawing.send_signal(ending)
            assert drawing.wait(5) == 0
            assert look().endswith(b"\x1b[?1049l"), seen[-100:]
            assert termios.tcgetattr(slave) == before
        finally:
            drawing.kill()
            drawing.wait()
            os.close(slave)
            os.close(master)


@case("what cannot work at all ends with 2 at once, and says what to change")
def refused_starts(t):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    (t.directory / "file").write_text("")
    (t.directory / "broken.json").write_text("[{")
    file = ["--file", t.log(), "--topic", "x", "--kafka", "127.0.0.1:1"]
    state = ["--set", f"state_dir={t.directory}/state"]
    quiet = ["--set", "status_addr=off"]
    for arguments, named in (
        ([*file, *state, "--set", f"status_addr=127.0.0.1:{port}"], str(port)),
        ([*file, *state, *quiet, "--set", f"log={t.directory}"], str(t.directory)),
        ([*file, *quiet, "--set", f"state_dir={t.directory}/file"], "file"),
        ([*file, *quiet, "--set", "state_dir=/proc/logagent"], "/proc/logagent"),
        (["--logconfig", t.directory / "broken.json", *file[4:], *state, *quiet], "broken.json"),
        (["--logconfig", t.directory / "absent.json", *file[4:], *state, *quiet], "absent.json"),
        ([*file, *state, *quiet, "--set", "kafka.security.protocol=SASL_SSL"], "sasl"),
        ([*file, *state, *quiet, "--set", "kafka.plugin.library.paths=/x.so"], "plugin"),
        (["--file", t.log(), *state, *quiet, "--kafka", "127.0.0.1:1"], "--topic"),
    ):
        done = logagent(t.binary, "agent", *arguments, timeout=10)
        said = done.stderr.decode()
        assert done.returncode == 2, (arguments, done.returncode, said)
        assert named in said and len(said.strip().splitlines()) == 1, (arguments, said)
    taken.close()


@case("--once ends with 1 for a file that could not be read, the others are sent")
def once_unreadable(t):
    append(t.log("good.log"), lines(10))
    done = logagent(
        t.binary,
        "agent",
        "--file",
        t.log("absent.log"),
        "--file",
        t.log("good.log"),
        "--start",
        "start",
        "--output",
        "-",
        "--once",
        timeout=20,
    )
    assert done.returncode == 1, (done.returncode, words(done))
    assert done.stdout.count(b"\n") == 10, words(done)
    assert b"absent.log" in done.stderr, words(done)


@case("a reader of --output that goes away ends the agent, not in success")
def reader_gone(t):
    append(t.log(), lines(200_000))
    # A user's `| head -n 1`.
    done = subprocess.run(
        f"'{t.binary}' agent --file '{t.log()}' --start start --output - --once | head -n 1; "
        'echo "${PIPESTATUS[0]}"',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        timeout=9 * t.patience,  # it does not wait for shutdown_timeout
    )
    assert done.stdout.splitlines()[-1] == b"3", done.stdout[-500:] + done.stderr[-500:]


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


@case("mock-kafka ends at once, whoever is connected")
def mock_end(t):
    for _ in range(8):
        broker = t.mock_kafka("--topic", "demo:3")
        command = ["kcat", "-q", "-b", broker.address, "-t", "demo"]
        reading = t.owns(Child([*command, "-C", "-u"], t.directory / "read"))
        writing = subprocess.Popen(
            [*command, "-P"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(BrokenPipeError):
            for line in lines(2000):
                writing.stdin.write(line + b"\n")
                writing.stdin.flush()
        wait_for("records come", lambda: len(reading.output().splitlines()) > 100, 10)
        broker.process.send_signal(signal.SIGINT)  # as the terminal tells everybody
        assert broker.stop() == 0
        writing.kill()
        writing.communicate()
        reading.kill9()


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
