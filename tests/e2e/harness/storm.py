"""The DRPC service of Storm, with a worker that serves the functions ok, echo, fail and hang."""

import json

from .process import PATIENCE, at_end
from .servers import Backend


class Storm(Backend):
    """Storm 2. `only` in kill9() and restart(): "drpc" or "worker"."""

    name = "storm"
    ports = 3

    def start(self, only=None):
        arguments = ["--port-base", str(self.port), "--timeout", str(int(90 * PATIENCE))]
        for setting in self.settings:
            arguments += ["--set", setting]
        if only:
            arguments += ["--only", only]
        self.pid = int(self._call("start", *arguments)["DRPC_PID"])
        return self

    def kill9(self, only=None):
        self._call("kill9", *(["--only", only] if only else []))
        if not only:
            self._forget()

    def stop(self, only=None):
        self._call("stop", *(["--only", only] if only else []))
        if not only:
            self._forget()

    def restart(self, only=None):
        if not only:
            self._forget = at_end(self.kill9)
        return self.start(only)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port + 2}"

    def batches(self, function):
        """What the worker was asked, in order."""
        path = self.directory / f"{function}.requests"
        if not path.exists():
            return []
        lines = path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


class Storm1(Storm):
    """Storm 1.2.4 with its own HTTP port."""

    name = "storm1"
