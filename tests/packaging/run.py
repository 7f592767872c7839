#!/usr/bin/env python3
"""Tests of what people install: the static binary, the Debian package, units, containers.

    tests/packaging/run.py [--binary PATH] [--full] [--only TEXT]...

`--full` also builds the Debian package into an empty root of bookworm, installs, runs, upgrades and
removes it there. What needs root or a program that is not there is skipped with the reason; with
CI=true that is a failure.
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))


def tests_of(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from tests_of(one)
        else:
            yield one


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "build" / "release" / "logagent")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    os.environ["LOGAGENT_BINARY"] = str(options.binary.resolve())
    os.environ["LOGAGENT_FULL"] = "yes" if options.full else ""
    found = unittest.TestLoader().discover(str(HERE), pattern="*_test.py")
    chosen = [
        one
        for one in tests_of(found)
        if all(text in f"{one.id()} {one.shortDescription()}" for text in options.only)
    ]
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(chosen))
    unwanted = os.environ.get("CI") == "true" and [
        reason for _, reason in result.skipped if not reason.startswith("only with --full")
    ]
    return 0 if chosen and result.wasSuccessful() and not unwanted else 1


if __name__ == "__main__":
    sys.exit(main())
