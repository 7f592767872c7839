"""The disk that holds the positions: full, failing, read-only, damaged. Lines flow on."""

import os

from harness.case import case
from harness.logs import Writer, append, expect_exactly, expect_no_loss, lines


def follow(t, topic, log, **options):
    return t.agent(
        kafka=t.kafka, arguments=["--file", log, "--topic", topic, "--start", "start"], **options
    )


def all_acked(agent, log):
    entry = agent.file(log)
    return entry["acked_offset"] == entry["size"] == log.stat().st_size


@case(
    "a full disk under the state: lines flow, a problem says so, and it ends with the fullness",
    needs=["kafka", "netns"],
)
def full_disk(t):
    topic, log = t.topic(), t.log()
    agent = follow(t, topic, log)
    state = agent.settings["state_dir"]
    state.mkdir(mode=0o700)
    # A small disk of its own that only the agent sees; we reach it through /proc.
    mount = f'mount -t tmpfs -o size=512k,mode=700 none "{state}" && exec "$@"'
    agent.start(prefix=["unshare", "-rm", "sh", "-c", mount, "sh"])
    inside = f"/proc/{agent.pid()}/root{state}"
    wanted = append(log, lines(500, "before"))
    t.kafka.wait_count(topic, 500)
    with open(f"{inside}/filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 512)
        except OSError:
            pass  # full
    # Positions change until the space behind the last one is used up, too.
    while not agent.problem("journal"):
        wanted += append(log, lines(500, "while full", first=len(wanted)))
        t.kafka.wait_count(topic, len(wanted))
        assert len(wanted) < 1_000_000, "a full disk is no problem"
    assert agent.status()["state"] == "degraded"
    os.unlink(f"{inside}/filler")
    agent.wait("the problem is over", lambda: not agent.problem("journal"), 40)
    wanted += append(log, lines(500, "after"))
    t.kafka.wait_count(topic, len(wanted))
    assert agent.stop() == 0
    expect_exactly(t.kafka.read(topic), wanted)


@case(
    "syncs of the state that fail are reported, and kill -9 then loses nothing",
    needs=["kafka", "strace"],
)
def failing_syncs(t):
    topic, log = t.topic(), t.log()
    writer = t.owns(Writer(log, 1000))
    agent = follow(t, topic, log)
    # Without asynchronous syncs it syncs at once, and that fails for a while.
    agent.start(
        prefix=["strace", "-D", "-f", "-qq", "-o", "/dev/null"]
        + ["-e", "trace=io_submit,fdatasync", "-e", "inject=io_submit:error=EIO"]
        + ["-e", "inject=fdatasync:error=EIO:when=3..6"]
    )
    agent.wait("it is reported", lambda: "sync" in str(agent.problem("journal")), 60)
    before = t.kafka.count(topic)
    t.kafka.wait_count(topic, before + 1000)
    agent.wait("it is over", lambda: not agent.problem("journal"), 90)
    agent.kill9()
    written = writer.stop()
    agent.start()
    agent.wait("all is acknowledged", lambda: all_acked(agent, log))
    assert agent.stop() == 0
    expect_no_loss(t.kafka.read(topic), written, duplicates=3000 * t.patience)


@case(
    "a state directory that cannot be written ends the agent with 2 before it reads anything",
    needs=["netns"],
)
def read_only(t):
    log = t.log()
    append(log, lines(10))
    agent = t.agent(kafka="127.0.0.1:1", arguments=["--file", log, "--topic", "t"])
    state = agent.settings["state_dir"]
    state.mkdir(mode=0o700)
    mount = f'mount --bind "{state}" "{state}" && mount -o remount,bind,ro "{state}" && exec "$@"'
    agent.start(ready=False, prefix=["unshare", "-rm", "sh", "-c", mount, "sh"])
    assert agent.ended(10) == 2
    assert str(state) in agent.log_text(), agent.log_text()
    assert "tail.opened" not in agent.log_text()


@case(
    "a damaged journal is reported and costs at most a second sending of what it covered",
    needs=["kafka"],
)
def damaged(t):
    def flip(data):
        data[len(data) // 2] ^= 0x40
        return data

    damages = {
        "a bit is flipped": flip,
        "the end is torn off": lambda data: data[: len(data) - 7],
        "it is empty": lambda data: data[:0],
        "its head is overwritten": lambda data: b"\0" * 100 + data[100:],
        "something follows it": lambda data: data + b"\xff" * 1000,
    }
    for number, (what, damage) in enumerate(damages.items()):
        topic, log = t.topic(), t.log(f"{number}.log")
        agent = follow(t, topic, log)
        agent.directory = t.directory / f"agent{number}"
        agent.directory.mkdir()
        state = agent.directory / "state"
        agent.settings.update(state_dir=state, log=agent.directory / "agent.log")
        wanted = []
        for part in range(3):
            wanted += append(log, lines(300, f"part {part}"))
            agent.start()
            agent.wait("all is acknowledged", lambda: all_acked(agent, log))
            assert agent.stop() == 0
        journal = state / "positions.journal"
        journal.write_bytes(damage(bytearray(journal.read_bytes())))
        wanted += append(log, lines(300, "after"))
        agent.start()
        agent.wait("all is acknowledged", lambda: all_acked(agent, log))
        assert "checkpoint.loaded" in agent.log_text(), f"{what}: not a word in the log"
        assert agent.stop() == 0
        records = t.kafka.read(topic)
        values = [record.value for record in records]
        assert list(dict.fromkeys(values)) == wanted, f"{what}: lines are missing"
        assert len(records) <= 2 * len(wanted), f"{what}: {len(records)} records"
        # The state is good again: another start repeats nothing.
        agent.start()
        agent.wait("all is acknowledged", lambda: all_acked(agent, log))
        assert agent.stop() == 0
        assert t.kafka.count(topic) == len(records), f"{what}: repeated once more"
