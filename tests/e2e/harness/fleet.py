"""Hosts that are only keys in etcd: they report what web rendered for them, as agents do."""

import json
import threading
import time


class Fleet:
    """Hosts `h000`, `h001`, ... with the addresses 10.9.<n / 250>.<n % 250>.

    Once follow() is called, each host that is not told otherwise reports within some ten
    milliseconds that it has applied what its key holds.
    """

    def __init__(self, etcd, count, prefix="h"):
        self.etcd = etcd
        self.names = [f"{prefix}{number:03d}" for number in range(count)]
        self.address = {
            name: f"10.9.{number // 250}.{number % 250}" for number, name in enumerate(self.names)
        }
        self.deaf = set()  # do not apply anything
        self.refusing = set()  # report a refused entry instead
        self.lost = set()
        self.reported = {}
        self._stop = threading.Event()
        self._thread = None
        for name in self.names:
            self.report(name, None)

    def key(self, name):
        return f"/logagent/{self.address[name]}/logconfig"

    def report(self, name, applied, errors=()):
        """`applied` is a hash, or None where nothing is applied yet."""
        config = {"state": "waiting", "applied": None, "failed": None}
        if applied:
            config = {
                "state": "applied",
                "applied": {"revision": 1, "hash": applied, "at": "2026-01-01T00:00:00Z"},
                "failed": None,
            }
        status = {
            "host": name,
            "instance": "i-" + name,
            "version": "0",
            "ips": [self.address[name]],
            "state": "degraded" if errors else "healthy",
            "config": config,
            "errors": list(errors),
            "not_tailing": [],
        }
        self.etcd.put(f"/logagent/_status/{name}", status)
        self.reported[name] = applied

    def lose(self, *names):
        """The agents die: their leases end."""
        for name in names:
            self.lost.add(name)
            self.etcd.delete(f"/logagent/_status/{name}")

    def rendered(self):
        """Hash of what web wrote last, by host."""
        begin = "/logagent/_meta/rendered/"
        notes = {key[len(begin) :]: value.decode() for key, value in self.etcd.get(begin).items()}
        return {name: notes.get(address) for name, address in self.address.items()}

    def paths(self):
        """What each host collects by its key; None = it has none."""
        keys = self.etcd.get("/logagent/10.9.")
        out = {}
        for name in self.names:
            value = keys.get(self.key(name))
            out[name] = value and [one["log_path"] for one in json.loads(value)]
        return out

    def having(self, path):
        return {name for name, paths in self.paths().items() if paths and path in paths}

    def follow(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        if self._thread:
            self._thread.join()

    kill9 = stop  # for case.owns()

    def _run(self):
        while not self._stop.is_set():
            try:
                self._answer()
            except OSError:
                pass  # etcd is away for a moment
            time.sleep(0.05)

    def _answer(self):
        for name, wanted in self.rendered().items():
            if name in self.deaf or name in self.lost or self.reported[name] == wanted:
                continue
            if name in self.refusing:
                error = {"key": self.key(name), "pointer": "/0/log_path", "code": "denied"}
                self.report(name, None, [{**error, "detail": "not in allow_paths"}])
                self.reported[name] = wanted
            else:
                self.report(name, wanted)
