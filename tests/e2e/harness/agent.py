"""The program under test: started with a configuration, watched through /status, stopped."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .process import Child, PATIENCE, at_end, free_ports, memory_kib, run, wait_for

SANITIZER = re.compile(r"^.*(?:ERROR: \w+Sanitizer|runtime error:).*$", re.MULTILINE)


def target(log, topic, **more):
    """An entry of a logconfig that collects a file from its start."""
    return {"service": "s", "log_path": str(log), "topic": topic, "start": "start", **more}


class Agent:
    """One agent with its own directory. Starting it again goes on with the same state."""

    def __init__(
        self,
        binary,
        directory,
        *,
        kafka=None,
        etcd=None,
        ip="10.1.2.3",
        arguments=(),
        ini=None,
        environment=None,
        use_file=True,
    ):
        self.binary = Path(binary)
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = f"/logagent/{ip}/logconfig"
        self.etcd = etcd
        self.port = free_ports()
        self.arguments = [str(part) for part in arguments]
        self.environment = environment or {}
        self.settings = {
            "host": "testhost",
            "ips": ip,
            "state_dir": self.directory / "state",
            "status_addr": f"127.0.0.1:{self.port}",
            "allow_paths": self.directory.parent,
            "log": self.directory / "agent.log",
            "level": "info",
            "shutdown_timeout": 10,
        }
        if kafka:
            self.settings["kafka_addr"] = getattr(kafka, "address", kafka)
        if etcd:
            self.settings["etcd_addr"] = getattr(etcd, "address", etcd)
            self.settings["etcd_timeout"] = 5
            self.settings["etcd_watch_key"] = "/logagent/%s/logconfig"
        self.settings.update(ini or {})
        self.use_file = use_file
        self.child = None
        self.exits = []  # how each of its lives ended

    # --- life ---

    @property
    def ini(self):
        return self.directory / "agent.ini"

    def write_ini(self):
        self.ini.write_text(
            "".join(
                f"{key} = {value}\n" for key, value in self.settings.items() if value is not None
            )
        )

    def command(self):
        self.write_ini()
        configuration = ["-c", self.ini] if self.use_file else []
        return [str(part) for part in [self.binary, "agent", *configuration, *self.arguments]]

    def start(self, *, ready=True, prefix=()):
        assert not (self.child and self.child.running()), "the agent runs already"
        # Warnings of leaks at the end would hide the exit code; the process ends by _exit anyway.
        environment = {
            **os.environ,
            "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=0",
            **self.environment,
        }
        self.child = Child(
            [*prefix, *self.command()], self.directory / "agent.out", env=environment
        )
        if ready:
            self.wait("the status server answers", lambda: self.status() is not None, 15)
        return self

    def running(self):
        return self.child is not None and self.child.running()

    def stop(self, seconds=25.0):
        """SIGTERM; returns the exit code."""
        self.child.signal(signal.SIGTERM)
        return self.ended(seconds)

    def ended(self, seconds=25.0):
        code = self.child.wait(seconds)
        self.exits.append(code)
        return code

    def kill9(self):
        self.child.kill9()
        self.exits.append(-signal.SIGKILL)

    def pid(self):
        return self.child.pid

    def memory_kib(self, field="VmRSS"):
        return memory_kib(self.child.pid, field)

    # --- what it says ---

    def get(self, path, timeout=5.0):
        """(status code, body) of its own server."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=timeout * PATIENCE
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def status(self):
        code, body = self.get("/status")
        assert code == 200, f"/status answered {code}: {body[:300]}"
        return json.loads(body)

    def file(self, path, topic=None):
        """The entry of one file in /status; KeyError while there is none."""
        for entry in self.status()["files"]:
            if entry["path"] == str(path) and topic in (None, entry["topic"]):
                return entry
        raise KeyError(f"{path} is not among the files of /status")

    def problem(self, code):
        """The problem with that code; None while there is none."""
        return next((entry for entry in self.status()["problems"] if entry["code"] == code), None)

    def wait(self, what, probe, seconds=20.0):
        def look():
            if not self.child.running():
                code = self.child.wait()
                raise AssertionError(f"{what}: the agent ended with {code}: {self.tail(8)}")
            return probe()

        return wait_for(what, look, seconds)

    def wait_file(self, path, state, seconds=20.0, topic=None):
        """Waits until the file is in that state (or one of several) and returns its entry."""
        states = (state,) if isinstance(state, str) else state

        def look():
            entry = self.file(path, topic)
            if entry["state"] in states:
                return entry
            raise KeyError(json.dumps(entry))

        return self.wait(f"{Path(path).name} is {' or '.join(states)}", look, seconds)

    def wait_applied(self, revision=0, seconds=5.0):
        """Waits until a configuration of at least this revision is applied; 5 s are promised."""

        def look():
            config = self.status()["config"]
            applied = config["applied"]
            if config["state"] == "applied" and int(applied["revision"] or 0) >= revision:
                return config
            raise KeyError(json.dumps(config))

        return self.wait(f"configuration of revision {revision} is applied", look, seconds)

    def put(self, entries, *, wait=True):
        """Puts its logconfig into etcd and waits until it is applied; returns the seconds it took."""
        began = time.monotonic()
        revision = self.etcd.put(self.key, entries)
        if wait:
            self.wait_applied(revision)
        return time.monotonic() - began

    def metrics(self):
        code, body = self.get("/metrics")
        assert code == 200, f"/metrics answered {code}"
        return body.decode()

    def log_text(self):
        text = ""
        for name in ("agent.log", "agent.out"):
            file = self.directory / name
            if file.exists():
                text += file.read_bytes().decode(errors="replace")
        return text

    def tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def sanitizer_findings(self):
        return SANITIZER.findall(self.log_text())


class MockKafka:
    """`logagent mock-kafka`: the embedded broker, in its own process."""

    def __init__(self, binary, directory, arguments=()):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [str(binary), "mock-kafka", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(directory / "mock-kafka.log", "ab"),
        )
        self._forget = at_end(self.kill9)
        first = self.process.stdout.readline().decode().strip()
        assert first.startswith("bootstrap="), f"mock-kafka began with '{first}'"
        self.address = first.split("=", 1)[1]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10 * PATIENCE)
        self._forget()
        return code

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self._forget()


def logagent(binary, *arguments, check=False, **options):
    """One command that ends by itself."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **options.pop("env", {})}
    return run([binary, *arguments], check=check, env=environment, **options)
