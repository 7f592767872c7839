"""The agent killed at one system call after the other: what is in Kafka and in the state is enough.

`strace` kills it on entering the N-th call of a kind in one of its threads, so that call has not
happened. The usual run takes every call that changes the state, and every tenth of the others;
--full takes them all.
"""

import collections
import concurrent.futures
import re
import signal
from typing import NamedTuple

from harness.case import case
from harness.logs import append, expect_no_loss, lines, parse_key
from harness.process import wait_for

CALLS = (
    "write,writev,pwrite64,ftruncate,fsync,fdatasync,io_submit,rename,renameat,unlinkat,"
    "sendmsg,sendto"
)
# Of event descriptors, pipes, the log, brokers, and those who ask for the status: many of each.
OF_EVERYTHING = ("write", "writev", "sendmsg", "sendto")
PART = 200  # lines written at a time
MOST = 40  # calls of one kind; those behind are mostly answers to the questions of this test


class Point(NamedTuple):
    known: bool  # it starts with a state, or without one
    call: str
    of_the_state: bool  # only calls that concern a file of the state are counted
    number: int

    def name(self):
        return f"{'known' if self.known else 'fresh'}-{self.call}-{self.of_the_state}-{self.number}"


@case(
    "killed at its N-th write, sync, rename or send, the agent goes on and nothing is lost",
    needs=["kafka", "strace"],
)
def every_call(t):
    topic = t.topic(partitions=1)
    points = []
    for known in (False, True):
        counts = calls_of(t, topic, known)
        assert counts["write", True] and counts["io_submit", True], counts
        assert counts["sendmsg", False], counts
        for place, ((call, of_the_state), count) in enumerate(sorted(counts.items())):
            step = 1 if t.full or of_the_state else 10
            first = 1 + (3 * place) % min(step, count)
            points += [
                Point(known, call, of_the_state, number)
                for number in range(first, min(count, MOST) + 1, step)
            ]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        killed = list(pool.map(lambda point: one_crash(t, topic, point), points))
    # How many calls there are varies, so that the last ones are not always reached. What is synced
    # once a second by io_submit is synced by fsync only if the agent ends before that.
    for point, hit in zip(points, killed):
        sure = point.of_the_state and point.number == 1 and point.call != "fsync"
        assert hit or not sure, f"{point.name()} was not killed"
    hits = sum(hit for point, hit in zip(points, killed) if not point.of_the_state)
    assert hits >= 4, f"of all the other calls only {hits} were reached"

    by_path = collections.defaultdict(list)
    for record in t.kafka.read(topic):
        by_path[parse_key(record)["path"]].append(record)
    for point in points:
        wanted = [line for part in "abc" for line in part_of(point, part)]
        sent_twice = 2 * PART if point.known else 3 * PART  # all of the life that was killed
        try:
            expect_no_loss(by_path[str(log_of(t, point))], wanted, duplicates=sent_twice)
        except AssertionError as error:
            raise AssertionError(f"killed at {point.name()}: {error}") from None


def log_of(t, point):
    directory = t.log(point.name())
    directory.mkdir(exist_ok=True)
    return directory / "app.log"


def part_of(point, part):
    return lines(PART, f"{point.name()} {part}")


def make_agent(t, topic, point):
    return t.agent(
        f"agent-{point.name()}",
        kafka=t.kafka,
        arguments=["--file", log_of(t, point), "--topic", topic, "--start", "start"],
    )


def calls_of(t, topic, known):
    """{(call, of the state): calls of the busiest thread} in a life that nobody ends."""
    point, trace = Point(known, "none", False, 0), t.directory / f"calls-{known}"
    agent = make_agent(t, topic, point)
    first_life(t, agent, point)
    tracer = ["strace", "-D", "-f", "-y", "-qq", "--seccomp-bpf", "-o", trace]
    assert second_life(t, agent, [*tracer, "-e", f"trace={CALLS}"], point) == 0
    seen = collections.Counter()
    state = re.escape(str(agent.settings["state_dir"]))
    for line in trace.read_text(errors="replace").splitlines():
        call = re.match(r"(\d+) +(\w+)\(", line)
        if call:
            of_the_state = bool(re.search(state, line)) or call[2] not in OF_EVERYTHING
            seen[call[1], call[2], of_the_state] += 1
    most = collections.Counter()
    for (_, call, of_the_state), count in seen.items():
        most[call, of_the_state] = max(most[call, of_the_state], count)
    for call in OF_EVERYTHING:  # those are counted without looking at the file
        if most[call, True]:
            most[call, False] += most[call, True]
    return most


def one_crash(t, topic, point):
    """A life that is killed and one that makes up for it; a good one before both, if it is known."""
    agent = make_agent(t, topic, point)
    first_life(t, agent, point)
    tracer = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"]
    tracer += ["-e", f"trace={point.call}"]
    tracer += ["-e", f"inject={point.call}:signal=SIGKILL:when={point.number}"]
    if point.of_the_state and point.call in OF_EVERYTHING:
        state = agent.settings["state_dir"]
        for name in ("positions.journal", "positions.journal.new", "instance.new"):
            tracer += ["-P", state / name]
    ended = second_life(t, agent, tracer, point)
    assert ended in (0, -signal.SIGKILL), f"{point.name()}: it ended with {ended}"
    whole_life(agent)
    return ended == -signal.SIGKILL


def first_life(t, agent, point):
    append(log_of(t, point), part_of(point, "a"))
    if point.known:
        whole_life(agent)


def whole_life(agent):
    """Sends everything that is there and ends."""
    agent.arguments.append("--once")
    agent.start(ready=False)
    ended = agent.ended(60)
    agent.arguments.remove("--once")
    assert ended == 0, f"--once ended with {ended}: {agent.tail(8)}"


def second_life(t, agent, tracer, point):
    """Lines, a save, a rotation, lines, a save, a stop; returns how it ended."""
    log, journal = log_of(t, point), agent.settings["state_dir"] / "positions.journal"
    part_size = log.stat().st_size
    append(log, part_of(point, "b"))
    agent.start(ready=False, prefix=tracer)

    def until(what, probe):
        wait_for(what, lambda: not agent.running() or probe(), 40)

    def acked(parts):
        return agent.status()["ledger"]["acked"] == parts * part_size

    def saved_since(size):
        return journal.stat().st_size > size

    for parts in (2, 3):
        until("the lines are acknowledged", lambda: acked(parts))
        size = journal.stat().st_size if journal.exists() else 0
        if parts == 2:
            # An agent that died before it had a state may take what is rotated for an old file.
            if point.known or agent.running():
                log.rename(log.with_name("app.log.1"))
            append(log, part_of(point, "c"))
        else:
            until("the positions are saved", lambda: saved_since(size))
    if agent.running():
        agent.child.signal(signal.SIGTERM)
    return agent.ended(30)
