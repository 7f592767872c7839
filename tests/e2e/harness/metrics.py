"""Metrics pages as an independent parser understands them: prometheus_client's.

    metrics.py PAGE...      prints {"name": {"type", "labels": {"label": ["value", ...]}}} of all pages

Run as a program of its own, by an interpreter that has the library: Debian's python3, where the one
that runs the tests does not.
"""

import json
import subprocess
import sys
from pathlib import Path


def understand(pages):
    """Families by the names that samples have; fails if a page is not valid."""
    for python in (sys.executable, "/usr/bin/python3"):
        probe = subprocess.run([python, "-c", "import prometheus_client"], capture_output=True)
        if probe.returncode == 0:
            break
    else:
        return None
    done = subprocess.run([python, __file__, *pages], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def read_page(text, into):
    from prometheus_client.parser import text_string_to_metric_families

    assert text.endswith("\n"), "the last line has no end"
    seen = set()
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} has no HELP"
        assert family.type != "unknown", f"{family.name} has no TYPE"
        for sample in family.samples:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in seen, f"twice: {series}"
            seen.add(series)
            is_counter = family.type == "counter"
            assert is_counter == sample.name.endswith("_total"), (sample.name, family.type)
            known = into.setdefault(sample.name, {"type": family.type, "labels": {}})
            assert known["type"] == family.type, sample.name
            for label, value in sample.labels.items():
                values = known["labels"].setdefault(label, [])
                if value not in values:
                    values.append(value)


if __name__ == "__main__":
    found = {}
    for page in sys.argv[1:]:
        read_page(Path(page).read_text(encoding="utf-8"), found)
    print(json.dumps(found))
