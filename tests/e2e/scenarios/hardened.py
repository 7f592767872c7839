"""What the programs give up at start; that the forbidden acts fail is tests/os/confinement_test.cpp, and
for transfer tests/transfer/rights_test.cpp."""

import os
import re
from pathlib import Path

from harness.agent import target
from harness.case import case
from harness.logs import append, lines
from harness.transfer import Transfer, produce
from harness.web import Web

READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH


def rights(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return {
        name: int(value, 16 if name.startswith("Cap") else 10)
        for name, value in re.findall(r"^(Cap\w+|NoNewPrivs|Seccomp):\s+(\w+)$", text, re.MULTILINE)
    }


def check_rights(pid, layers, most_capabilities):
    """What the kernel says of a process agrees with what the process says of itself."""
    has = rights(pid)
    for thread in os.listdir(f"/proc/{pid}/task"):
        assert rights(f"{pid}/task/{thread}") == has, "a thread has other rights"
    assert has["NoNewPrivs"] == (1 if "no_new_privileges" in layers else 0), has
    assert has["Seccomp"] == (2 if "system_calls" in layers else 0), has
    if "capabilities" in layers:
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert has[name] & ~most_capabilities == 0, has


@case(
    "a hardened agent has the rights that its status tells, in every thread, and still ships lines",
    needs=["kafka", "etcd"],
    short=True,
)
def agent_rights(t):
    etcd, topic = t.etcd(), t.topic()
    append(t.log(), lines(100))
    agent = t.agent(kafka=t.kafka, etcd=etcd).start()
    agent.put([target(t.log(), topic)])
    t.kafka.wait_count(topic, 100)
    told = agent.status()["hardening"]
    assert told["mode"] == "on", told
    active = {layer["name"] for layer in told["layers"] if layer["active"]}
    assert {"no_new_privileges", "capabilities"} <= active, told
    check_rights(agent.pid(), active, READ_ANY_FILE)
    for name in active:
        assert name in agent.log_text()
    # A later file and a rotation are read as ever.
    os.rename(t.log(), f"{t.log()}.1")
    append(t.log(), lines(50))
    t.kafka.wait_count(topic, 150)


@case("hardening = off keeps all rights, and the log and the status say so", needs=["etcd"])
def agent_unhardened(t):
    mock = t.mock_kafka("--topic", "t:1")
    agent = t.agent(kafka=mock, etcd=t.etcd(), ini={"hardening": "off"}).start()
    assert agent.status()["hardening"] == {"mode": "off", "layers": []}
    assert "hardening is off" in agent.log_text()
    assert rights(agent.pid())["Seccomp"] == 0


@case("a hardened web has no rights left and serves", needs=["etcd"])
def web_rights(t):
    web = Web(t.binary, t.directory / "web", t.etcd())
    t.owns(web)
    web.start()
    line = re.search(r"hardening: ([^;\n]*)", web.output())
    assert line, web.output()[-1000:]
    names = ("no_new_privileges", "capabilities", "system_calls")
    active = {name for name in names if name in line.group(1)}
    assert "capabilities" in active
    check_rights(web.child.pid, active, 0)


@case(
    "a hardened transfer has no rights left, in every thread, and delivers, after kill -9 too",
    needs=["kafka", "etcd"],
)
def transfer_rights(t):
    topic, out = t.topic(), t.directory / "out" / "documents"
    out.parent.mkdir()
    produce(t.kafka, topic, [f"line {number}" for number in range(50)])
    etcd = t.etcd()
    text = f"""kafka_addr = {t.kafka.address}
group_prefix = {topic}
etcd_addr = {etcd.address}
[sink.out]
type = file
path = {out}
[route.r]
topics = {topic}
sink = out
"""
    transfer = Transfer(t.binary, t.directory / "transfer", text)
    t.owns(transfer)
    transfer.start().wait_ready()
    line = re.search(r"hardening: ([^;\n]*)", transfer.output())
    assert line, transfer.output()[-1000:]
    names = ("no_new_privileges", "capabilities", "system_calls")
    active = {name for name in names if name in line.group(1)}
    assert {"no_new_privileges", "capabilities"} <= active
    check_rights(transfer.child.pid, active, 0)
    transfer.wait("50 documents", lambda: out.exists() and out.read_text().count("\n") == 50)
    transfer.kill9()
    produce(t.kafka, topic, [f"line {number}" for number in range(50, 80)])
    transfer.start().wait_ready()
    transfer.wait(
        "all lines", lambda: len({*re.findall(r"line \d+", out.read_text())}) == 80
    )
    transfer.stop()
    transfer.configure(text.replace("[sink.out]", "hardening = off\n[sink.out]"))
    transfer.start().wait_ready()
    assert "hardening is off" in transfer.output()
    assert rights(transfer.child.pid)["Seccomp"] == 0
