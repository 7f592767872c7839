"""Three etcd members on loopback."""

import os
import shutil
from pathlib import Path

from .process import Child, free_ports, wait_for
from .servers import Etcd


def etcd_program():
    """Where etcd is: ETCD_BIN, what the backends fetched, or the one on the path."""
    cache = os.environ.get("LOGAGENT_BACKENDS_CACHE", Path.home() / ".cache/logagent-backends")
    for place in (os.environ.get("ETCD_BIN"), Path(cache) / "etcd/etcd", shutil.which("etcd")):
        if place and Path(place).exists():
            return str(place)
    raise RuntimeError("etcd is not installed")


class EtcdCluster(Etcd):
    """Asked through the first member that answers; `address` names all three."""

    def __init__(self, directory, settings=()):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.tls = False
        self.ports = [free_ports(2) for _ in range(3)]
        self.members = [None] * 3

    def start(self):
        program = etcd_program()
        peers = ",".join(
            f"m{i}=http://127.0.0.1:{port + 1}" for i, port in enumerate(self.ports)
        )
        for i, port in enumerate(self.ports):
            client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
            self.members[i] = Child(
                [
                    program,
                    f"--name=m{i}",
                    f"--data-dir={self.directory / f'm{i}'}",
                    f"--listen-client-urls={client}",
                    f"--advertise-client-urls={client}",
                    f"--listen-peer-urls={peer}",
                    f"--initial-advertise-peer-urls={peer}",
                    f"--initial-cluster={peers}",
                    *[f"--{one}" for one in self.settings],
                ],
                self.directory / f"m{i}.out",
            )
        wait_for("the cluster has a leader", lambda: self.leader() is not None, 30)
        return self

    def _status(self, i):
        return self._ask(i, "maintenance/status", {})

    def _ask(self, i, path, body):
        self.port = self.ports[i]
        return Etcd._post(self, path, body)

    def _post(self, path, body):
        failure = None
        for i, member in enumerate(self.members):
            if not member.running():
                continue
            try:
                return self._ask(i, path, body)
            except OSError as error:
                failure = error
        raise failure or OSError("no member of etcd is running")

    def leader(self):
        """The number of the member that leads."""
        ids = {}
        wanted = None
        for i, member in enumerate(self.members):
            if member and member.running():
                status = self._status(i)
                ids[status["header"]["member_id"]] = i
                wanted = status.get("leader")
        return ids.get(wanted)

    def kill_member(self, i):
        self.members[i].kill9()

    def kill9(self):
        for member in self.members:
            if member and member.running():
                member.kill9()

    @property
    def address(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)
