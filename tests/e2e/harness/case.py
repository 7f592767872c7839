"""A test of the run: how it is declared, what it gets, and what is checked when it ends."""

import shutil
import threading
from pathlib import Path

from .agent import Agent, MockKafka
from .logs import Nginx
from .process import PATIENCE
from .servers import Etcd, Kafka

CASES = []


class Skipped(Exception):
    """The test needs something that this machine does not have."""


def case(sentence, *, needs=(), short=False, full=False, alone=False, by_hand=False):
    """Declares a test. `needs`: kafka, etcd, nginx, logrotate, netns, root. `short`: also in the
    pass under sanitizers; `full`: only with --full; `alone`: no other test beside it, for those
    that measure time; `by_hand`: only with --by-hand, for what few machines allow."""

    def declare(function):
        CASES.append(
            {
                "sentence": sentence,
                "function": function,
                "needs": set(needs),
                "short": short,
                "full": full,
                "alone": alone,
                "by_hand": by_hand,
                "scenario": function.__module__.rsplit(".", 1)[-1],
            }
        )
        return function

    return declare


class SharedKafka:
    """One broker for the whole run, started by the first test that asks."""

    def __init__(self, directory):
        self._directory = directory
        self._lock = threading.Lock()
        self._kafka = None
        self._failure = None

    def get(self):
        with self._lock:
            if self._failure:
                raise Skipped(self._failure)
            if not self._kafka:
                try:
                    self._kafka = Kafka(
                        self._directory,
                    ).start()
                except (RuntimeError, OSError) as error:
                    self._failure = f"no Kafka: {error}"
                    raise Skipped(self._failure) from None
            return self._kafka


class Case:
    """What a test works with. Everything it starts ends with it."""

    def __init__(self, name, directory, binary, shared_kafka, full):
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        self.binary = binary
        self.full = full
        self.patience = PATIENCE
        self._shared_kafka = shared_kafka
        self._agents = []
        self._others = []
        self._numbers = 0

    # --- servers ---

    @property
    def kafka(self):
        return self._shared_kafka.get()

    def own_kafka(self, settings=(), tls=False):
        """A broker that the test may kill."""
        return self._server(Kafka(self.directory / "kafka", settings, tls))

    def etcd(self, settings=(), tls=False):
        return self._server(Etcd(self.directory / "etcd", settings, tls))

    def _server(self, server):
        try:
            server.start()
        except (RuntimeError, OSError) as error:
            raise Skipped(f"no {server.name}: {error}") from None
        self._others.append(server.kill9)
        return server

    def mock_kafka(self, *arguments):
        return self.owns(MockKafka(self.binary, self.directory / "mock", arguments))

    def nginx(self):
        server = Nginx(self.directory / "nginx")
        self._others.append(server.child.kill9)
        return server

    def owns(self, thing):
        """Ends `thing` (it has kill9 or stop) with the test."""
        self._others.append(getattr(thing, "kill9", None) or thing.stop)
        return thing

    # --- names ---

    def topic(self, suffix="", partitions=1, **config):
        """A new topic in the shared broker."""
        name = self.new_name(suffix)
        self.kafka.create({name: partitions}, **config)
        return name

    def new_name(self, suffix=""):
        self._numbers += 1
        return f"{self.name}-{suffix or self._numbers}"

    def log(self, name="app.log"):
        """Path of a log file to write to (not created)."""
        directory = self.directory / "logs"
        directory.mkdir(exist_ok=True)
        return directory / name

    # --- the agent ---

    def agent(self, name="agent", **options):
        agent = Agent(self.binary, self.directory / name, **options)
        self._agents.append(agent)
        return agent

    def finish(self, failed):
        """Stops everything; a sanitizer's finding or a leftover agent that cannot stop fails."""
        complaints = []
        for agent in self._agents:
            if agent.running():
                try:
                    code = agent.stop()
                    if code not in (0, 3):
                        complaints.append(f"the agent ended with {code} on SIGTERM")
                except AssertionError as error:
                    complaints.append(str(error))
                    agent.kill9()
            complaints += agent.sanitizer_findings()[:5]
        for stop in reversed(self._others):
            stop()
        if complaints and not failed:
            raise AssertionError("; ".join(complaints))

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def logs_tail(self):
        """The end of the log of each agent, or of the last few where a test has many."""
        return "".join(
            f"--- end of {agent.directory.name}'s log\n{agent.tail(25)}\n"
            for agent in self._agents[-4:]
        )
