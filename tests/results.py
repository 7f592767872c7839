#!/usr/bin/env python3
"""Collects what the stages of tests/run.sh found; one line a test in one file.

    tests/results.py add FILE STAGE OUTCOME SECONDS NAME [REASON]   one check
    tests/results.py catch2 FILE STAGE XML EXIT_CODE                the tests of a unit test program
    tests/results.py table FILE                                     the table, failures, skips, counts

OUTCOME is passed, failed, skipped or built (a build that worked: shown, not counted). A unit test that
cannot run here says WARN("skipped: REASON").
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import OrderedDict
from pathlib import Path

OUTCOMES = ("passed", "failed", "skipped")


def write(file, rows):
    with open(file, "a", encoding="utf-8") as out:
        for row in rows:
            out.write("\t".join(" ".join(str(field).split()) for field in row) + "\n")


def add(file, stage, outcome, seconds, name, reason=""):
    if outcome not in (*OUTCOMES, "built"):
        sys.exit(f"unknown outcome '{outcome}'")
    write(file, [(stage, outcome, seconds, name, reason)])


def complete(text):
    """The report of a program that died has open elements; closes them."""
    text = re.sub(r"<[^>]*$", "", text)
    unclosed = []
    for match in re.finditer(r"<(/?)([A-Za-z]\w*)[^>]*?(/?)>", text):
        if match.group(3):
            continue
        if not match.group(1):
            unclosed.append(match.group(2))
        elif unclosed and unclosed[-1] == match.group(2):
            unclosed.pop()
    return text + "".join(f"</{name}>" for name in reversed(unclosed))


def first_failure(case):
    for found in case.iter():
        where = f"{Path(found.get('filename', '')).name}:{found.get('line')}: "
        if found.tag == "Expression" and found.get("success") == "false":
            extra = found.find("Exception")
            if extra is None:
                extra = found.find("FatalErrorCondition")
            text = (found.findtext("Expanded") or "") if extra is None else (extra.text or "")
            return f"{where}{(found.findtext('Original') or '').strip()} with {text.strip()}"
        if found.tag in ("Failure", "Exception", "FatalErrorCondition"):
            return where + (found.text or "").strip()
    return "no detail in the report"


def catch2(file, stage, report, code):
    text = (
        Path(report).read_text(encoding="utf-8", errors="replace") if Path(report).exists() else ""
    )
    text = re.sub(r"[^\t\n\r\x20-\ufffd]", "?", text)
    rows, bad = [], 0
    if "<TestCase" in text:
        # What a program prints into its own report (a sanitizer's last words) is no element.
        root = ElementTree.fromstring(complete(text))
        for case in root.iter("TestCase"):
            name, result = case.get("name"), case.find("OverallResult")
            said = [(warning.text or "").strip() for warning in case.iter("Warning")]
            skips = [line.split(":", 1)[1].strip() for line in said if line.startswith("skipped:")]
            if result is None:
                rows.append(
                    (stage, "failed", 0, name, f"the program ended with {code} in the middle of it")
                )
            elif result.get("success") != "true":
                rows.append(
                    (stage, "failed", result.get("durationInSeconds", 0), name, first_failure(case))
                )
            elif skips:
                rows.append((stage, "skipped", 0, name, skips[0]))
            else:
                rows.append((stage, "passed", result.get("durationInSeconds", 0), name, ""))
            bad += rows[-1][1] == "failed"
    if not rows or (int(code) and not bad):
        rows.append(
            (stage, "failed", 0, "the unit test program", f"it ended with {code}; see its log")
        )
        bad += 1
    write(file, rows)
    return 1 if bad else 0


def table(file):
    rows = []
    if Path(file).exists():
        rows = [line.split("\t") for line in Path(file).read_text(encoding="utf-8").splitlines()]
    stages = OrderedDict()
    for stage, outcome, seconds, *_ in rows:
        line = stages.setdefault(stage, {"seconds": 0.0})
        line[outcome] = line.get(outcome, 0) + 1
        line["seconds"] += float(seconds)
    print(f"\n{'stage':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for stage, line in stages.items():
        print(
            f"{stage:<16}"
            + "".join(
                f"{line.get(outcome) or '-':>{width}}"
                for outcome, width in zip(OUTCOMES, (8, 8, 9))
            )
            + f"{line['seconds']:9.1f}"
        )
    for outcome in ("failed", "skipped"):
        found = [row for row in rows if row[1] == outcome]
        if found:
            print(f"\n{outcome}:")
        for stage, _, _, name, *reason in found:
            print(f"  {stage}: {name}" + (f": {reason[0][:300]}" if reason and reason[0] else ""))
    count = {outcome: sum(1 for row in rows if row[1] == outcome) for outcome in OUTCOMES}
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    if count["skipped"] and os.environ.get("CI") == "true":
        return 1
    return 1 if count["failed"] or not count["passed"] else 0


def main(arguments):
    if len(arguments) >= 2 and arguments[0] in ("add", "catch2", "table"):
        return globals()[arguments[0]](*arguments[1:]) or 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
