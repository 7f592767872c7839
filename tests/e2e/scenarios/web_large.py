"""`logagent web` and etcd with a large fleet."""

import re
import subprocess
import sys
from pathlib import Path

from harness.case import case

SUPPORT = Path(__file__).resolve().parents[2] / "support"


@case("10,000 hosts and 1,000 services: web stays below 300 MiB and never busy for 50 ms at once",
      needs=["etcd"], full=True, alone=True)
def fleet(t):
    done = subprocess.run(
        [sys.executable, SUPPORT / "fleet_load.py", "--binary", t.binary, "--check"],
        capture_output=True, text=True, timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


@case("etcd serves the watches of 10,000 agents, and each gets its new value",
      needs=["etcd"], full=True, alone=True)
def watches(t):
    done = subprocess.run(
        [sys.executable, SUPPORT / "etcd_watches.py"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "20000 watches" in done.stdout, done.stdout
    assert int(re.findall(r"at most (\d+) MiB", done.stdout)[0]) < 3000, done.stdout
