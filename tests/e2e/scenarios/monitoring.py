"""examples/monitoring: rules and dashboard name metrics that exist, and the pages are valid."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from harness.case import Skipped, case
from harness.metrics import understand
from harness.process import Child, free_ports, wait_for
from harness.transfer import Transfer

MONITORING = Path(__file__).resolve().parents[3] / "examples" / "monitoring"
# Names that are there only while there is something to tell, or that Prometheus itself makes.
NOT_ALWAYS = {
    "logagent_problems",
    "logagent_kafka_blocked",
    "logagent_web_tls_certificate_remaining_seconds",
    "logagent_web_tls_certificate_refused",
    "logagent_transfer_complete_to_timestamp_seconds",  # only into HDFS; transfer_hdfs asks for it
    "up",
}
NAME = re.compile(r"\b((?:logagent|process)_[a-z0-9_]+|up)\b(?=\s*[{\[)\s=<>]|$)")
SELECTOR = re.compile(r'\b((?:logagent|process)_[a-z0-9_]+)\{([^}]*)\}')
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
BY_PROMETHEUS = {"job", "instance"}


def rules():
    """Expressions of the alert rules, read as YAML where that is installed."""
    text = (MONITORING / "alerts.yml").read_text()
    program = "import json,sys,yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([python, "-c", program], input=text, capture_output=True, text=True)
        if done.returncode == 0:
            groups = json.loads(done.stdout)["groups"]
            return [rule for group in groups for rule in group["rules"]]
    raise Skipped("no YAML: python3-yaml is not installed")


def panels():
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield "a variable", re.search(r"\((\w+),", variable["definition"]).group(1) + " "
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def unknown(expression, metrics):
    """What the expression asks for and no page has."""
    for name in NAME.findall(expression):
        if name not in metrics and name not in NOT_ALWAYS:
            yield f"no metric {name}"
    for name, matchers in SELECTOR.findall(expression):
        labels = metrics.get(name, {"labels": {}})["labels"]
        if name in NOT_ALWAYS:
            continue
        for label, how, value in MATCHER.findall(matchers):
            if label in BY_PROMETHEUS or value.startswith("$"):
                continue
            if label not in labels:
                yield f"{name} has no label {label}"
            elif how == "=" or re.fullmatch(r"[\w|]+", value):
                missing = set(value.split("|")) - set(labels[label])
                if missing:
                    yield f"{name}: {label} is never {', '.join(sorted(missing))}"


def fetch(address):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer.headers
        return answer.read().decode()


def started_transfer(t, kafka):
    """One that reads all topics of the demo into a file, and has read something."""
    text = f"""kafka_addr = {kafka}
[sink.out]
type = file
path = {t.directory}/documents
[route.all]
topics = ~.*
sink = out
"""
    transfer = Transfer(t.binary, t.directory / "transfer", text)
    t.owns(transfer)
    transfer.start()
    transfer.wait("records are accepted", lambda: transfer.route("all")["records"]["accepted"], 60)
    transfer.wait("the lag is known", lambda: "transfer_lag_records{" in transfer.metrics(), 60)
    return transfer


@case("alert rules and the dashboard ask for metrics that exist, on valid pages", needs=["etcd"])
def everything(t):
    directory = t.directory / "disk"
    directory.mkdir()
    port = free_ports()
    demo = Child(
        [t.binary, "demo", "--dir", directory, "--port", port], t.directory / "demo.out"
    )
    wait_for("a file is throttled", lambda: " throttled " in demo.output(), 60)
    (place,) = directory.iterdir()
    pages = []
    kafka = set()
    for ini in place.glob("*.ini"):
        kafka |= set(re.findall(r"^kafka_addr = (\S+)$", ini.read_text(), re.MULTILINE))
        address = re.search(r"^status_addr = (\S+)$", ini.read_text(), re.MULTILINE).group(1)
        pages.append(t.directory / f"{ini.stem}.metrics")
        pages[-1].write_text(fetch(address))
    pages.append(t.directory / "web.metrics")
    pages[-1].write_text(fetch(f"127.0.0.1:{port}"))
    transfer = started_transfer(t, *kafka)
    pages.append(t.directory / "transfer.metrics")
    pages[-1].write_text(transfer.metrics())
    assert len(pages) == 5, pages
    metrics = understand(pages)
    transfer.stop()
    demo.terminate(60)
    if metrics is None:
        raise Skipped("no prometheus_client: python3-prometheus-client is not installed")
    assert len(metrics) > 50, metrics

    asked = [(rule["alert"], rule["expr"]) for rule in rules()] + list(panels())
    assert len(asked) > 40, asked
    assert sum("logagent_transfer_" in text for _, text in asked) >= 12, asked
    wrong = [f"{where}: {what}" for where, text in asked for what in unknown(text, metrics)]
    assert not wrong, "\n".join(wrong)
    for rule in rules():
        assert rule["annotations"]["summary"] and rule["annotations"]["action"], rule
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), rule
    # The check itself can fail.
    assert list(unknown("rate(logagent_no_such_total[5m])", metrics))
    assert list(unknown('logagent_files{state="gone"} > 0', metrics))
