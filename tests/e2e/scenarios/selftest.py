"""`logagent selftest`: the operator's own torture, and what it says about it."""

import re
import signal
import subprocess

from harness.agent import logagent
from harness.case import case

ROTATIONS = ("rename", "rename, late", "copytruncate", "delete")


def row(said, title):
    """The numbers behind a title of the table: all, then one for each way of rotating."""
    found = re.search(rf"^{re.escape(title)} +(\d[\d ]*)$", said, re.MULTILINE)
    assert found, f"no row '{title}' in:\n{said}"
    return [int(word) for word in found.group(1).split()]


def judged(done, directory):
    """The output of a run that ended well: lossless, and with nothing left."""
    said = done.stdout.decode()
    assert done.returncode == 0, said + done.stderr.decode()
    assert row(said, "lost") == [0, 0, 0, 0, 0], said
    assert row(said, "torn") == [0], said
    written, delivered, cut = (row(said, t) for t in ("written", "delivered", "not collectable"))
    assert [a - b for a, b in zip(written, delivered)] == cut, said
    assert cut[:3] == [cut[0], 0, 0] and cut[4] == 0, said  # only copytruncate cuts
    assert min(written) > 0, said
    assert "verdict: good." in said, said
    assert not any(directory.iterdir()), list(directory.iterdir())
    return said


def place(t):
    directory = t.directory / "disk"
    directory.mkdir()
    return directory


@case("selftest kills, rotates in each way, takes the broker away, and nothing is lost")
def embedded(t):
    directory = place(t)
    done = logagent(t.binary, "selftest", "--dir", directory, "--seconds", "8", timeout=150)
    said = judged(done, directory)
    assert min(row(said, "rotations")) >= 1, said
    assert len(row(said, "rotations")) == 1 + len(ROTATIONS), said
    assert re.search(r"The agent was killed (once|\d+ times)", said), said
    assert re.search(r"the broker went away (once|[1-9]\d* times)", said), said
    assert len(re.findall(r"^ +\d+ +\d+ +\d+ ", said, re.MULTILINE)) >= 8, said  # once a second


@case(
    "selftest with a real Kafka: nothing is lost, and the topic is gone afterwards", needs=["kafka"]
)
def real(t):
    directory = place(t)
    arguments = ("selftest", "--dir", directory, "--seconds", "8", "--kafka", t.kafka.address)
    said = judged(logagent(t.binary, *arguments, timeout=150), directory)
    assert "broker went away" not in said and "could not be deleted" not in said, said


@case("selftest --keep leaves logs, state and the agent's log where it says")
def keep(t):
    directory = place(t)
    arguments = ("selftest", "--dir", directory, "--seconds", "1", "--keep")
    done = logagent(t.binary, *arguments, timeout=150)
    said = done.stdout.decode()
    assert done.returncode == 0, said
    (left,) = directory.iterdir()
    assert f"kept in {left}" in said, said
    assert {"logs", "state", "agent.log"} == {entry.name for entry in left.iterdir()}


@case("selftest asked to end by a signal gives its verdict on what was written so far")
def interrupted(t):
    directory = place(t)
    command = [t.binary, "selftest", "--dir", directory, "--seconds", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        said = ""
        while not re.search(r"^ +\d+ +[1-9]\d* +[1-9]", said, re.MULTILINE):
            said += process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        rest, wrong = process.communicate(timeout=60 * t.patience)
    finally:
        process.kill()
        process.wait()
    said += rest.decode()
    assert process.returncode == 0, said + wrong.decode()
    assert "Ended early, as asked." in said and "verdict: good." in said, said
    assert not any(directory.iterdir())


@case(
    "selftest refuses a place that an agent would not collect, and leaves nothing there", short=True
)
def refused(t):
    file = t.directory / "file"
    file.touch()
    for wrong in ((), ("--dir", "/no/such/place"), ("--dir", file), ("--dir", "/dev/shm")):
        done = logagent(t.binary, "selftest", *wrong)
        assert done.returncode == 2 and b"--dir" in done.stderr, (wrong, done)
        assert not done.stdout, done.stdout
