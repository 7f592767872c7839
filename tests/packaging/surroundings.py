"""What all tests of packages share: the binary, and why something cannot be tested here."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("LOGAGENT_BINARY", ROOT / "build/release/logagent"))
FULL = bool(os.environ.get("LOGAGENT_FULL"))


def run(*words, **options):
    """Runs a program; its output as text, and a failure with what it said."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=options.pop("timeout", 60),
        **options,
    )
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def needs(*programs, root=False, full=False):
    """Skips a test that cannot run here."""
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return unittest.skip(f"the program {program} is not installed")
    if root and os.geteuid() != 0:
        return unittest.skip("needs root")
    if full and not FULL:
        return unittest.skip("only with --full")
    return lambda test: test
