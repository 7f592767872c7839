"""What the agent does to its host: one thread, no DNS, no network but the named one, little memory."""

import fcntl
import os
import socket
import struct
import sys
import time
from pathlib import Path

from harness.case import Case, case
from harness.logs import append, lines
from harness.process import run, wait_for


@case("there is one thread besides librdkafka's, and the binary is static", needs=["kafka"])
def threads(t):
    topic = t.topic()
    append(t.log(), lines(1000))
    agent = t.agent(
        kafka=t.kafka, arguments=["--file", t.log(), "--topic", topic, "--start", "start"]
    )
    agent.start()
    t.kafka.wait_count(topic, 1000)
    names = [
        Path(task, "comm").read_text().strip()
        for task in Path(f"/proc/{agent.pid()}/task").iterdir()
    ]
    ours = [name for name in names if not name.startswith("rdk:")]
    assert len(ours) == 1 and len(names) > 1, names
    if t.binary.parent.name == "release":
        mapped = {
            line.split()[-1]
            for line in Path(f"/proc/{agent.pid()}/maps").read_text().splitlines()
            if ".so" in line
        }
        assert not mapped, f"shared libraries: {sorted(mapped)}"


@case(
    "a host without Ethernet and without DNS: loopback only, in a network of its own",
    needs=["netns", "etcd"],
)
def loopback_only(t):
    done = run(
        [
            "unshare",
            "-rmn",
            sys.executable,
            "-c",
            INSIDE.format(
                tests=str(Path(__file__).resolve().parents[1]),
                binary=str(t.binary),
                directory=str(t.directory / "inside"),
            ),
        ],
        check=False,
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0 and "inside: ok" in said, said[-3000:]


# Runs in the new namespaces. Nobody can reach a name server there: there is no route, and
# /etc/resolv.conf is empty.
INSIDE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from scenarios import isolation
isolation.inside(Path({binary!r}), Path({directory!r}))
"""


def inside(binary, directory):
    loopback_up()
    empty = directory.with_name("resolv.conf")
    empty.write_text("")
    target = os.path.realpath("/etc/resolv.conf")
    if os.path.exists(target):
        run(["mount", "--bind", empty, target])
    test = Case("inside", directory, binary, None, False)
    try:
        etcd, broker = test.etcd(), test.mock_kafka("--topic", "demo:1")
        append(test.log(), lines(1000))
        agent = test.agent(kafka=broker, etcd=etcd).start()
        agent.put(
            [{"service": "s", "log_path": str(test.log()), "topic": "demo", "start": "start"}]
        )
        size = test.log().stat().st_size
        agent.wait(
            "all lines are acknowledged", lambda: agent.status()["ledger"]["acked"] == size, 30
        )
        assert agent.stop() == 0
        test.finish(False)
    except BaseException:
        print(test.logs_tail())
        test.finish(True)
        raise
    print("inside: ok")


def loopback_up():
    with socket.socket() as any_socket:
        request = struct.pack("16sh22x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


@case("no library asks a name server for an address that is a number", needs=["kafka", "strace"])
def no_lookups(t):
    topic = t.topic()
    append(t.log(), lines(100))
    trace = t.directory / "trace"
    agent = t.agent(
        kafka=t.kafka, arguments=["--file", t.log(), "--topic", topic, "--start", "start"]
    )
    agent.start(
        prefix=["strace", "-D", "-f", "-qq", "-e", "trace=connect,sendto,openat", "-o", trace]
    )
    t.kafka.wait_count(topic, 100)
    agent.stop()
    text = trace.read_text(errors="replace")
    assert "connect(" in text, "strace saw nothing"
    assert "sin_port=htons(53)" not in text, "a name server was asked"
    # c-ares looks into nsswitch.conf when it starts; only libc loads modules for what it finds there.
    assert "libnss" not in text, "libc's resolver was started"


@case("a catch-up of 200 MB stays within 48 MB of memory", needs=["kafka"], alone=True)
def memory(t):
    topic, log, count = t.topic(partitions=1), t.log(), 1_000_000
    for part in range(10):
        append(log, lines(count // 10, "x", 200, part * count // 10))
    agent = t.agent(kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])
    agent.start()
    t.kafka.wait_count(topic, count, 90)
    peak = agent.memory_kib("VmHWM")
    assert agent.stop() == 0
    if t.patience == 1:
        assert peak <= 48 * 1024, f"{peak} KiB at the peak"
    assert t.kafka.end_offsets(topic) == [count]


@case("2000 idle files cost next to nothing", needs=["kafka"], alone=True)
def idle(t):
    directory = t.log("many").parent / "many"
    directory.mkdir()
    for number in range(2000):
        (directory / f"{number}.log").write_bytes(b"old\n")
    topic = t.topic()
    agent = t.agent(
        kafka=t.kafka, arguments=["--file", directory / "*.log", "--topic", topic]
    ).start()
    wait_for("all files are known", lambda: len(agent.status()["files"]) >= 1000, 10)
    before = cpu_seconds(agent.pid())
    time.sleep(5)  # the time over which it is measured
    used = cpu_seconds(agent.pid()) - before
    assert used < 0.15 * t.patience, f"{used:.2f} s of CPU in 5 s"


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
