#!/usr/bin/env python3
"""Checks what the documents say: links lead somewhere, and commands that claim to run do run.

    tests/documents.py [--binary PATH]

docs/guarantees.md names tests, as `scenario: sentence` or `[tag] sentence`: each of them must exist.

A block that begins with ```sh run is executed by bash in an empty directory, with `logagent` on the
path; all such blocks of one document share the directory, in order.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README_LINES = 150


def anchors(text):
    """The names that headings of a page can be linked by."""
    headings = re.findall(r"^#+ +(.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def broken_links(page, root):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            yield f"{page.relative_to(root)}: no file behind the link '{target}'"
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{page.relative_to(root)}: no heading behind the link '{target}'"


def run_blocks(page, binary, root):
    blocks = [
        body
        for kind, body in BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind.split() == ["sh", "run"]
    ]
    scratch = Path(tempfile.mkdtemp(prefix="logagent-documents-"))
    (scratch / "bin").mkdir()
    (scratch / "bin" / "logagent").symlink_to(binary)
    (scratch / "work").mkdir()
    environment = {
        **os.environ,
        "PATH": f"{scratch}/bin:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(scratch / "state"),
        "ROOT": str(root),
    }
    try:
        for number, body in enumerate(blocks, 1):
            place = f"{page.relative_to(root)}, block {number}"
            # Its own session: what it leaves in the background ends with it.
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", body],
                cwd=scratch / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                said, _ = process.communicate(timeout=60)
                if process.returncode:
                    yield f"{place} ended with {process.returncode}: {said.strip()[-800:]}"
            except subprocess.TimeoutExpired:
                yield f"{place} did not end within 60 s"
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            print(f"{place}: ran")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


TEST_CASE = re.compile(
    r'TEST_CASE(?:_METHOD)?\(\s*(?:[\w:]+,\s*)?((?:"(?:[^"\\]|\\.)*"\s*)+),\s*"(\[[^"]*)"'
)
CITED = re.compile(r"`((?:\[\w+\] |[a-z_]+: )[^`]+)`")


def tests_of(root):
    """The names of all tests as a document cites them."""
    for options in (["--full"], ["--by-hand", "--full"]):
        yield from subprocess.run(
            [sys.executable, root / "tests" / "e2e" / "run.py", "--list", *options],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
    for source in (root / "tests").rglob("*_test.cpp"):
        for name, tags in TEST_CASE.findall(source.read_text(encoding="utf-8")):
            sentence = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', name))
            for tag in re.findall(r"\[\w+\]", tags):
                yield f"{tag} {sentence}"


def unknown_tests(page, root):
    """Tests that the page names and nobody has written."""
    known = set(tests_of(root))
    cited = CITED.findall(page.read_text(encoding="utf-8"))
    if len(cited) < 20:
        yield f"{page.relative_to(root)}: names only {len(cited)} tests"
    for name in cited:
        # Words of a configuration, such as `start: end`, look like short names of tests.
        if name not in known and len(name) > 25:
            yield f"{page.relative_to(root)}: there is no test '{name}'"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "build" / "release" / "logagent")
    options = parser.parse_args()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    findings = []
    for page in (ROOT / name for name in listed):
        findings += broken_links(page, ROOT)
        findings += run_blocks(page, options.binary.resolve(), ROOT)
    findings += unknown_tests(ROOT / "docs" / "guarantees.md", ROOT)
    length = len((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    if length > README_LINES:
        findings.append(f"README.md has {length} lines, {README_LINES} are allowed")
    for line in findings:
        print(line)
    print(f"documents: {len(listed)} pages, {len(findings)} findings")
    return 1 if findings or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
