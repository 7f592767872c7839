"""`logagent demo`: all of it on one machine, and nothing left of it."""

import os
import re
import signal
import time
import urllib.request
from pathlib import Path

from harness.agent import logagent
from harness.case import case
from harness.process import Child, free_ports, wait_for


def place(t):
    directory = t.directory / "disk"
    directory.mkdir(exist_ok=True)
    return directory


def start(t, *arguments, number=0):
    command = [t.binary, "demo", "--dir", place(t), "--port", free_ports(), *arguments]
    return Child(command, t.directory / f"demo-{number}.out")


def children(t):
    """Command lines of what was started for the demo: each names its directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{place(t)}/logagent-demo-" in line:
            found.append((int(entry.name), line))
    return found


def nothing_is_left(t):
    assert not children(t), children(t)
    assert not list(place(t).iterdir()), list(place(t).iterdir())


def until_ready(demo):
    """What it printed until the table with all five services is there."""
    services = ("shop-access", "orders", "payments", "stock-import", "messages")
    wait_for(
        "all services are shown", lambda: all(f" {name} " in demo.output() for name in services), 60
    )
    return demo.output()


@case("the demo collects five services with three agents, shows them, and leaves nothing", needs=["etcd"])
def whole(t):
    demo = start(t, "--seconds", "12")
    said = until_ready(demo)
    page, token = re.search(r"(http://127.0.0.1:\d+)/#token=(lgw_\S+)", said).groups()
    asked = urllib.request.Request(
        page + "/api/v1/hosts", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        hosts = answer.read().decode()
    for name in ("web-1", "app-1", "batch-1", "192.0.2.31"):
        assert name in hosts, hosts
    with urllib.request.urlopen(page + "/", timeout=10) as answer:
        assert b"logagent" in answer.read()
    code = demo.wait(60)
    said = demo.output()
    assert code == 0, said
    rows = {
        row[1]: row
        for row in re.findall(
            r"^(\S+) +(\S+) +(\S+) +(\w+) +(\d+) +(\S+) +([\d.]+ \w+) +([\d.]+ \w+)$",
            said,
            re.MULTILINE,
        )
    }
    assert rows["stock-import"][3] == "throttled" and rows["stock-import"][5] == "25", said
    assert all(row[6] != "0 B" for row in rows.values()), said
    written, acked, lost = re.search(
        r"(\d+) lines written, (\d+) records acknowledged .*, (.*) lost", said
    ).groups()
    assert int(written) > int(acked) > 100 and lost == "0 B", said
    assert "Nothing is left" in said, said
    nothing_is_left(t)


@case("Ctrl-C ends the demo at any moment, a second one at once, and nothing is left", needs=["etcd"])
def interrupted(t):
    moments = (0.02, 0.3, 0.6, 1.0, 2.5) if not t.full else [0.1 * n for n in range(40)]
    for number, moment in enumerate(moments):
        demo = start(t, number=number)
        time.sleep(moment)  # the point is any moment, not a state
        demo.signal(signal.SIGINT)
        if number % 2:
            demo.signal(signal.SIGINT)
        code = demo.wait(40)
        assert code in (0, -signal.SIGINT), (moment, code, demo.output())
        wait_for("the children are gone", lambda: not children(t))
        nothing_is_left(t)


@case("the demo ends when one of its programs does, and says which and why", needs=["etcd"])
def broken(t):
    demo = start(t)
    until_ready(demo)
    (etcd,) = [pid for pid, line in children(t) if "--data-dir" in line]
    os.kill(etcd, signal.SIGKILL)
    assert demo.wait(60) == 1, demo.output()
    assert "failed: etcd was killed by signal 9 by itself" in demo.output(), demo.output()
    nothing_is_left(t)


@case("a demo that was killed takes its programs along", needs=["etcd"])
def killed(t):
    demo = start(t)
    until_ready(demo)
    assert len(children(t)) == 5, children(t)
    demo.kill9()
    wait_for("the children are gone", lambda: not children(t))


@case("the demo without etcd says in one line how to get it", short=True)
def without_etcd(t):
    done = logagent(t.binary, "demo", env={**os.environ, "PATH": str(t.directory)})
    assert done.returncode == 2 and not done.stdout, done
    assert done.stderr.count(b"\n") == 1 and b"apt-get install etcd-server" in done.stderr, done
    missing = logagent(t.binary, "demo", "--dir", "/no/such/place")
    assert missing.returncode == 2 and b"--dir: /no/such/place" in missing.stderr, missing
