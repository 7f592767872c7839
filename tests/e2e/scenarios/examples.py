"""The files of examples/ are complete and work as they lie there."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

from harness.agent import logagent
from harness.case import case
from harness.logs import append, lines
from harness.process import PATIENCE, run, wait_for

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
UNITS = EXAMPLES.parent / "packaging" / "systemd"


def processes_with(text):
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in entry.read_bytes():
                found.append(entry)
        except OSError:
            continue
    return found


@case(
    "examples/quickstart.sh ships every line, shows it, and leaves nothing behind",
    needs=["etcd", "kafka"],
    alone=True,
)
def quickstart(t):
    scratch = t.directory / "scratch"
    scratch.mkdir()
    done = run(
        [EXAMPLES / "quickstart.sh", "--seconds", "12"],
        check=False,
        timeout=90,
        env={**os.environ, "LOGAGENT": str(t.binary), "TMPDIR": str(scratch)},
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said[-3000:] + done.stderr.decode()[-1000:]
    assert said.count("all of them in Kafka, none twice") == 2, said
    assert "throttled" in said, "nothing of the shaping was shown"
    assert re.search(
        r'\["[^"]*","shop","[^"]*access.log","[\w-]{22}",0,\d+\]', said
    ), "no record was shown"
    assert not list(scratch.iterdir()), "the temporary directory stays"
    assert not processes_with(str(scratch)), "a process stays"


@case(
    "examples/pipeline.sh: a line written to a file is found by a search and in HDFS within 10 s",
    needs=["kafka", "hdfs"],
    full=True,
    alone=True,
)
def pipeline(t):
    scratch = t.directory / "scratch"
    scratch.mkdir()
    done = run(
        [EXAMPLES / "pipeline.sh", "--lines", "2000"],
        check=False,
        timeout=600,
        env={**os.environ, "LOGAGENT": str(t.binary), "TMPDIR": str(scratch)},
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said[-3000:] + done.stderr.decode()[-1000:]
    assert "all 2001 lines are in OpenSearch, none twice" in said, said
    for place in ("by a search of OpenSearch", "in a file of HDFS"):
        after = re.search(rf"{place}\S* after (\d+)\.(\d) s", re.sub(r"\x1b\[\d*m", "", said))
        assert after and int(after.group(1)) < 10 * PATIENCE, said
    assert not list(scratch.iterdir()), "the temporary directory stays"


@case("examples/agent.ini and examples/logconfig.json are accepted as they are")
def example_configuration(t):
    done = logagent(
        t.binary,
        "check",
        "-c",
        EXAMPLES / "agent.ini",
        "--logconfig",
        EXAMPLES / "logconfig.json",
        "--json",
    )
    told = json.loads(done.stdout)
    # Nothing is wrong with the files; that no Kafka answers here is another matter.
    wrong = [
        finding
        for finding in json.dumps(told).split("{")
        if '"pointer"' in finding
        and ('"/0' in finding or '"/1' in finding or '"/2' in finding)
        and '"code"' in finding
    ]
    assert not wrong, wrong


@case("the unit file runs the agent under a hardening that it can live with", needs=["kafka"])
def unit_file(t):
    text = (UNITS / "logagent-agent.service").read_text()
    command = re.search(r"^ExecStart=/usr/bin/logagent (.*)$", text, re.MULTILINE).group(1)
    ini = t.directory / "agent.ini"
    shutil.copy(EXAMPLES / "agent.ini", ini)
    topic = t.topic()
    append(t.log(), lines(10))
    command = command.replace("/etc/logagent/agent.ini", str(ini)).split()
    done = logagent(
        t.binary,
        *command,
        "--file",
        t.log(),
        "--topic",
        topic,
        "--start",
        "start",
        "--once",
        "--set",
        f"kafka_addr={t.kafka.address}",
        "--set",
        f"state_dir={t.directory}/state",
        "--set",
        "log=-",
        "--set",
        "status_addr=off",
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert t.kafka.count(topic) == 10


# Presses Ctrl-C in the terminal of a program at given moments; prints how it ended and what is left.
AT_A_TERMINAL = """
import json, os, pty, select, sys, time
moments, command = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if not child:
    os.execv(command[0], command)
began, code = time.monotonic(), None
while code is None and time.monotonic() - began < 60:
    if moments and time.monotonic() - began >= moments[0]:
        os.write(terminal, b"\\x03")
        moments.pop(0)
    try:
        if select.select([terminal], [], [], 0.01)[0]:
            os.read(terminal, 65536)
    except OSError:
        pass
    ended, status = os.waitpid(child, os.WNOHANG)
    code = os.waitstatus_to_exitcode(status) if ended else None
print(code)
sys.exit(code is None)
"""


@case(
    "Ctrl-C ends examples/quickstart.sh at any moment, and twice is not too often",
    needs=["etcd", "kafka"],
    alone=True,
)
def quickstart_interrupted(t):
    for number, moments in enumerate(([0.05], [0.9], [2.0, 2.05], [3], [4, 4.02], [6, 6.1, 6.2])):
        scratch = t.directory / f"scratch-{number}"
        scratch.mkdir()
        done = run(
            [
                sys.executable,
                "-c",
                AT_A_TERMINAL,
                json.dumps(moments),
                str(EXAMPLES / "quickstart.sh"),
            ],
            check=False,
            timeout=90,
            env={**os.environ, "LOGAGENT": str(t.binary), "TMPDIR": str(scratch)},
        )
        assert not done.returncode, (moments, "it does not end")
        # The shell itself may be the one that the signal ends before it has begun.
        assert done.stdout.split()[-1] in (b"130", b"-2"), (moments, done.stdout)
        assert not list(scratch.iterdir()), (moments, "the temporary directory stays")
        wait_for("nothing goes on", lambda: not processes_with(str(scratch)), 5)
