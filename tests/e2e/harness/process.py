"""Waiting for conditions, free ports, and child processes that never outlive the run."""

import atexit
import http.client
import itertools
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

# Sanitizer builds are slower: every deadline is multiplied by this.
PATIENCE = float(os.environ.get("LOGAGENT_TEST_PATIENCE", "1"))


class Expired(AssertionError):
    """A condition did not come true in time."""


def wait_for(what, probe, seconds=20.0, every=0.03):
    """Returns the first true value of probe(); fails with `what` and the last value seen.

    An exception that says "not yet" (a refused connection, a missing file) counts as false.
    """
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            seen = probe()
            if seen:
                return seen
        except (OSError, ValueError, KeyError, IndexError, http.client.HTTPException) as error:
            seen = f"{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            raise Expired(f"{what}: not within {seconds:g} s; last seen: {str(seen)[:600]}")
        time.sleep(every)


def holds(what, probe, seconds):
    """Fails as soon as probe() is false within `seconds`: for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not probe():
            raise AssertionError(f"{what}: was true only for a while")
        time.sleep(0.1)


_port_lock = threading.Lock()
# Below the range the kernel takes outgoing ports from, another stretch for each run.
_ports = itertools.cycle(range(10000, 31000))
for _ in range(random.SystemRandom().randrange(20000)):
    next(_ports)


def free_ports(count=1):
    """The first of `count` adjacent ports of 127.0.0.1 where nobody listens; never given twice."""
    with _port_lock:
        run = []
        while len(run) < count:
            port = next(_ports)
            run = run + [port] if run and port == run[-1] + 1 else [port]
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    run = []
        return run[0]


_cleanups = []
_cleanup_lock = threading.Lock()


def at_end(action):
    """Runs `action` when the run ends, however it ends; the returned function forgets it."""
    with _cleanup_lock:
        _cleanups.append(action)

    def forget():
        with _cleanup_lock:
            if action in _cleanups:
                _cleanups.remove(action)

    return forget


@atexit.register
def clean_up():
    while True:
        with _cleanup_lock:
            if not _cleanups:
                return
            action = _cleanups.pop()
        try:
            action()
        except Exception as error:  # the others have to go, too
            print(f"clean-up: {error}")


def run(command, *, check=True, timeout=120, **options):
    """subprocess.run with bytes out, a deadline, and an error that shows what the program said."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, timeout=timeout * PATIENCE, **options
    )
    if check and done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace")[-2000:]
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {said}")
    return done


class Child:
    """A program in the background whose output goes to a file."""

    def __init__(self, command, log, **options):
        self.command = [str(part) for part in command]
        self.log = Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=options.pop("stderr", out),
                **options,
            )
        self._forget = at_end(self.kill9)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=30.0):
        """The exit code; minus the signal number if one ended it."""
        try:
            code = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Expired(
                f"{Path(self.command[0]).name} did not end within {seconds:g} s"
            ) from None
        self._forget()
        return code

    def terminate(self, seconds=30.0):
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill9(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self._forget()

    def output(self):
        return self.log.read_bytes().decode(errors="replace")


def memory_kib(pid, field="VmRSS"):
    """A figure of /proc/PID/status: VmRSS is now, VmHWM the peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)
