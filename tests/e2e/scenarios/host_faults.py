"""The host around the agent: stopped, out of descriptors or watches, files that cannot be read."""

import time
from pathlib import Path

from harness.agent import target
from harness.case import case
from harness.logs import Writer, append, expect_exactly, expect_no_loss, lines
from harness.process import wait_for


def file_arguments(topic, *logs):
    return [word for log in logs for word in ("--file", log, "--topic", topic, "--start", "start")]


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@case(
    "an agent that stood still for a while goes on where it was and takes the newest configuration",
    needs=["kafka", "etcd"],
)
def stood_still(t):
    etcd, topic, log = t.etcd(), t.topic(), t.log()
    writer = t.owns(Writer(log, 500))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(log, topic)])
    t.kafka.wait_count(topic, 500)
    agent.child.signal(19)  # SIGSTOP
    more = t.log("more.log")
    append(more, lines(100, "more"))
    for _ in range(20):
        etcd.put(agent.key, [target(log, topic, send_rate=_ + 1_000_000)])
    revision = etcd.put(agent.key, [target(log, topic), target(more, topic + "-more")])
    t.kafka.create({topic + "-more": 1})
    time.sleep(60 if t.full else 12)  # the length of the fault; longer than a socket time-out
    agent.child.signal(18)  # SIGCONT
    agent.wait_applied(revision, 35)
    t.kafka.wait_count(topic + "-more", 100)
    written = writer.stop()
    t.kafka.wait_count(topic, len(written))
    used = cpu_seconds(agent.pid())
    time.sleep(2)  # over which it is measured: no timers that catch up
    assert cpu_seconds(agent.pid()) - used < 0.5 * t.patience
    assert agent.stop() == 0
    expect_no_loss(t.kafka.read(topic), written)


@case(
    "too few inotify watches: the files are polled, a problem says so, nothing is lost",
    needs=["kafka", "netns"],
)
def few_watches(t):
    topic, count = t.topic(), 15
    logs = [t.log(f"{number}") / "app.log" for number in range(count)]
    wanted = []
    for number, log in enumerate(logs):
        log.parent.mkdir()
        wanted += append(log, lines(10, f"{number:02d} before"))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", t.log("*") / "app.log", "--topic", topic, "--start", "start"],
    )
    limit = 'echo 5 >/proc/sys/user/max_inotify_watches && exec "$@"'
    agent.start(prefix=["unshare", "-Ur", "sh", "-c", limit, "sh"])
    t.kafka.wait_count(topic, len(wanted), 20)
    for number, log in enumerate(logs):
        wanted += append(log, lines(10, f"{number:02d} after"))
    t.kafka.wait_count(topic, len(wanted), 45)
    for log in logs[10:]:
        log.rename(log.with_name("app.log.1"))
        wanted += append(log, lines(10, f"{log.parent.name} rotated"))
    t.kafka.wait_count(topic, len(wanted), 45)
    assert agent.problem("inotify") or agent.problem("polled"), agent.status()["problems"]
    assert agent.stop() == 0
    assert sorted(record.value for record in t.kafka.read(topic)) == sorted(wanted)


@case(
    "more changes than inotify can hold are found by looking: no line and no rotation is missed",
    needs=["kafka"],
)
def overflow(t):
    topic, logs = t.topic(), [t.log("a.log"), t.log("b.log")]
    queued = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    agent = t.agent(kafka=t.kafka, arguments=file_arguments(topic, *logs))
    wanted = [line for log in logs for line in append(log, lines(10, log.name))]
    agent.start()
    t.kafka.wait_count(topic, 20)
    agent.child.signal(19)  # SIGSTOP: it takes no events while they pile up
    outs = [open(log, "ab", buffering=0) for log in logs]
    for number in range(queued // 2 + 1000):  # alternating, or the kernel merges them
        for log, out in zip(logs, outs):
            line = lines(1, f"{log.name} piled up", 0, number)[0]
            out.write(line + b"\n")
            wanted.append(line)
    for log, out in zip(logs, outs):
        log.rename(log.with_name(log.name + ".1"))
        wanted += append(log, lines(10, f"{log.name} new"))
        out.close()
    agent.child.signal(18)
    t.kafka.wait_count(topic, len(wanted), 40)
    assert agent.stop() == 0
    records = t.kafka.read(topic)
    for log in logs:
        own = log.name.encode()
        expect_exactly(
            [record for record in records if record.value.startswith(own)],
            [line for line in wanted if line.startswith(own)],
        )


@case(
    "too few descriptors: some files wait, others flow, and all arrive when there are some",
    needs=["kafka"],
)
def few_descriptors(t):
    topic, count = t.topic(), 60
    logs = [t.log(f"{number:02d}.log") for number in range(count)]
    for number, log in enumerate(logs):
        append(log, lines(10, f"{number:02d}"))
    agent = t.agent(
        kafka=t.kafka,
        arguments=["--file", t.log("*.log"), "--topic", topic, "--start", "start"],
    )
    agent.start(prefix=["prlimit", "--nofile=72:72"])

    def exhausted():
        states = [entry["state"] for entry in agent.status()["files"]]
        return states.count("tailing") > 5 and len(states) - states.count("tailing") > 5

    agent.wait("some are read and some are not", exhausted, 30)
    assert [entry for entry in agent.status()["files"] if "descriptor" in entry["last_error"]]

    def all_arrived():  # files that are gone and sent give their descriptors to those that wait
        for entry in agent.status()["files"]:
            if entry["state"] == "tailing" and entry["acked_offset"] == entry["size"] > 0:
                Path(entry["path"]).unlink(missing_ok=True)
        return t.kafka.count(topic) == 10 * count

    wait_for("all have arrived", all_arrived, 90, every=1)
    assert agent.stop() == 0
    expected = [line for number in range(count) for line in lines(10, f"{number:02d}")]
    assert sorted(record.value for record in t.kafka.read(topic)) == sorted(expected)


@case(
    "a file that cannot be read for a while is named, others flow, and it arrives whole afterwards",
    needs=["kafka", "strace"],
)
def read_errors(t):
    topic, other = t.topic(), t.topic("other")
    bad, good = t.log("bad.log"), t.log("good.log")
    wanted = append(bad, lines(5000, "bad"))
    writer = t.owns(Writer(good, 500))
    agent = t.agent(
        kafka=t.kafka, arguments=[*file_arguments(topic, bad), *file_arguments(other, good)]
    )
    calls = "preadv2,pread64,read"
    agent.start(
        prefix=["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", bad]
        + ["-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when=2..6"]
    )
    entry = agent.wait_file(bad, "error", 20)
    assert "nput/output" in entry["last_error"] or "EIO" in entry["last_error"], entry
    t.kafka.wait_count(other, 1000)
    t.kafka.wait_count(topic, len(wanted), 90)
    written = writer.stop()
    t.kafka.wait_count(other, len(written))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)
    expect_no_loss(t.kafka.read(other), written, duplicates=0)
