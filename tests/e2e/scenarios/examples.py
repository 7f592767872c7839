"""The files of examples/ are complete and work as they lie there."""

import json
import os
import re
import shutil
from pathlib import Path

from harness.agent import logagent
from harness.case import case
from harness.logs import append, lines
from harness.process import run

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


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
    text = (EXAMPLES / "logagent.service").read_text()
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
