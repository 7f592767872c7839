"""Real servers, started by tests/backends/backends: Kafka and etcd."""

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from .process import PATIENCE, at_end, free_ports, run, wait_for

BACKENDS = Path(__file__).resolve().parents[2] / "backends" / "backends"


class Backend:
    """One server in one directory. Its data survives stop() and kill9()."""

    name = ""
    ports = 1

    def __init__(self, directory, settings=(), tls=False):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(self.ports)
        self.settings = settings
        self.tls = tls
        self.pid = None
        self._forget = at_end(self.kill9)

    def _call(self, command, *arguments):
        environment = dict(os.environ)
        if Path("/usr/bin/etcd").exists():
            environment.setdefault("ETCD_BIN", "/usr/bin/etcd")
        # Not captured by pipes: the server inherits them and would keep them open.
        log = self.directory / "backends.log"
        with open(log, "wb") as out:
            code = subprocess.call(
                [BACKENDS, command, self.name, "--dir", self.directory, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
            )
        said = log.read_text(errors="replace")
        if code:
            raise RuntimeError(f"{self.name} {command}: {said.strip()[-500:]}")
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def start(self):
        arguments = ["--port-base", str(self.port), "--timeout", str(int(90 * PATIENCE))]
        for setting in self.settings:
            arguments += ["--set", setting]
        if self.tls:
            arguments.append("--tls")
        self.pid = int(self._call("start", *arguments)["PID"])
        return self

    def stop(self):
        self._call("stop")
        self._forget()

    def kill9(self):
        self._call("kill9")
        self._forget()

    def restart(self):
        self._forget = at_end(self.kill9)
        return self.start()

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Record(NamedTuple):
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: str


class KafkaClient:
    """Topics, end offsets and records of a broker, without a Java start for each question."""

    def __init__(self, address):
        self.address = address
        self.partitions = {}

    # A few requests of the protocol in their last versions with plain (not compact) fields.

    def _request(self, api, version, body):
        host, port = self.address.rsplit(":", 1)
        frame = struct.pack(">hhih4s", api, version, 1, 4, b"e2e!") + body
        with socket.create_connection((host, int(port)), timeout=20) as broker:
            broker.sendall(struct.pack(">i", len(frame)) + frame)
            size = struct.unpack(">i", self._exactly(broker, 4))[0]
            return self._exactly(broker, size)[4:]

    @staticmethod
    def _exactly(connection, size):
        data = b""
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return data

    @staticmethod
    def _text(value):
        raw = value.encode()
        return struct.pack(">h", len(raw)) + raw

    def create(self, topics, **config):
        """Creates topics, {name: partitions}, at once. Settings: max_message_bytes=1000."""
        settings = struct.pack(">i", len(config))
        for name, value in config.items():
            settings += self._text(name.replace("_", ".")) + self._text(str(value))
        body = struct.pack(">i", len(topics))
        for name, partitions in topics.items():
            body += self._text(name) + struct.pack(">ihi", partitions, 1, 0) + settings
        answer = self._request(19, 4, body + struct.pack(">i?", 20000, False))
        count, at = struct.unpack_from(">i", answer, 4)[0], 8
        for _ in range(count):
            size = struct.unpack_from(">h", answer, at)[0]
            name = answer[at + 2 : at + 2 + size].decode()
            error, message = struct.unpack_from(">hh", answer, at + 2 + size)
            at += 2 + size + 4 + max(message, 0)
            if error:
                raise RuntimeError(f"topic {name} was not created: error {error}")
        self.partitions.update(topics)
        for name in topics:
            wait_for(f"topic {name} has leaders", lambda: self.end_offsets(name) is not None)

    def delete(self, *topics):
        body = struct.pack(">i", len(topics)) + b"".join(map(self._text, topics))
        self._request(20, 1, body + struct.pack(">i", 20000))

    def add_partitions(self, topic, count):
        """Makes the topic have `count` partitions."""
        body = struct.pack(">i", 1) + self._text(topic) + struct.pack(">ii", count, -1)
        answer = self._request(37, 0, body + struct.pack(">i?", 20000, False))
        error = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(topic.encode()))[0]
        assert error == 0, f"{topic} got no more partitions: error {error}"
        self.partitions[topic] = count
        wait_for(f"topic {topic} has leaders", lambda: self.end_offsets(topic) is not None)

    def alter(self, topic, **config):
        """Sets settings of a topic: max_message_bytes=1000."""
        body = struct.pack(">ib", 1, 2) + self._text(topic) + struct.pack(">i", len(config))
        for name, value in config.items():
            body += self._text(name.replace("_", ".")) + b"\0" + self._text(str(value))
        answer = self._request(44, 0, body + b"\0")
        error = struct.unpack_from(">h", answer, 4 + 4)[0]
        assert error == 0, f"the settings of {topic} were not changed: error {error}"

    def deny_writing(self, topic):
        """Needs a broker with an authorizer. Holds for everybody."""
        rule = struct.pack(">ib", 1, 2) + self._text(topic) + b"\3"  # a topic, of exactly that name
        rule += self._text("User:*") + self._text("*") + bytes([4, 2])  # WRITE, DENY
        answer = self._request(30, 1, rule)
        error = struct.unpack_from(">h", answer, 8)[0]
        assert error == 0, f"the rule for {topic} was not made: error {error}"

    def allow_writing(self, topic):
        """Takes away every rule of the topic."""
        rule = struct.pack(">ib", 1, 2) + self._text(topic) + b"\3"
        rule += struct.pack(">hh", -1, -1) + bytes([1, 1])  # any user, host, operation, kind
        answer = self._request(31, 1, rule)
        error = struct.unpack_from(">h", answer, 8)[0]
        assert error == 0, f"the rules of {topic} were not removed: error {error}"

    def end_offsets(self, topic):
        """One number for each partition; None while one of them has no leader."""
        count = self.partitions[topic]
        body = struct.pack(">ii", -1, 1) + self._text(topic) + struct.pack(">i", count)
        body += b"".join(struct.pack(">iq", partition, -1) for partition in range(count))
        answer = self._request(2, 1, body)
        at = 4 + 2 + len(topic.encode()) + 4
        offsets = [0] * count
        for partition, error, _, offset in struct.iter_unpack(
            ">ihqq", answer[at : at + 22 * count]
        ):
            if error:
                return None
            offsets[partition] = offset
        return offsets

    def count(self, topic):
        """Records in the topic; 0 while the broker cannot say."""
        return sum(self.end_offsets(topic) or [0])

    def wait_count(self, topic, wanted, seconds=30.0):
        def enough():
            return self.count(topic) >= wanted or f"{self.count(topic)} of {wanted}" and None

        try:
            wait_for(f"{wanted} records in {topic}", enough, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error} ({self.count(topic)} are there)") from None

    def read(self, topic):
        """All records, by partition and offset, with the exact bytes of key and value."""
        if not self.count(topic):
            return []
        done = run(
            [
                "kcat",
                "-q",
                "-b",
                self.address,
                "-C",
                "-t",
                topic,
                "-o",
                "beginning",
                "-e",
                "-X",
                "fetch.wait.max.ms=20",
                "-f",
                "%p %o %K %S %h\n%k%s",
            ]
        )
        records, at, data = [], 0, done.stdout
        while at < len(data):
            line = data.index(b"\n", at)
            head = data[at:line].split(b" ", 4)
            partition, offset, key_size, size = map(int, head[:4])
            at = line + 1
            key = data[at : at + key_size] if key_size >= 0 else None
            at += max(key_size, 0)
            records.append(
                Record(
                    partition,
                    offset,
                    key,
                    data[at : at + max(size, 0)],
                    head[4].decode(errors="replace"),
                )
            )
            at += max(size, 0)
        return sorted(records, key=lambda record: record[:2])


class Kafka(Backend, KafkaClient):
    name = "kafka"
    ports = 3

    def __init__(self, directory, settings=(), tls=False, ports=3):
        self.ports = ports
        Backend.__init__(self, directory, settings, tls)
        KafkaClient.__init__(self, f"127.0.0.1:{self.port}")

    address = None  # an attribute of KafkaClient here, not the property of Backend


class Etcd(Backend):
    name = "etcd"
    ports = 2

    token = None

    def _post(self, path, body):
        scheme, context = "http", None
        if self.tls:
            tls = self.directory / "tls"
            scheme, context = "https", ssl.create_default_context(cafile=tls / "ca.pem")
            context.load_cert_chain(tls / "client.pem")
        request = urllib.request.Request(
            f"{scheme}://127.0.0.1:{self.port}/v3/{path}", json.dumps(body).encode()
        )
        if self.token:
            request.add_header("Authorization", self.token)
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return json.load(answer)

    def demand_password(self, password, user="root"):
        """Turns authentication on; from then on this object asks as that user."""
        self._post("auth/user/add", {"name": user, "password": password})
        self._post("auth/role/add", {"name": "root"})
        self._post("auth/user/grant", {"user": user, "role": "root"})
        self._post("auth/enable", {})
        self.log_in(password, user)

    def add_user(self, user, password, rights):
        """A user whose role may do "READ", "WRITE" or "READWRITE" below each prefix."""
        self._post("auth/user/add", {"name": user, "password": password})
        self._post("auth/role/add", {"name": user})
        for prefix, kind in rights.items():
            end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            permission = {
                "permType": kind,
                "key": self._coded(prefix),
                "range_end": self._coded(end),
            }
            self._post("auth/role/grant", {"name": user, "perm": permission})
        self._post("auth/user/grant", {"user": user, "role": user})

    def log_in(self, password, user="root"):
        self.token = None
        self.token = self._post("auth/authenticate", {"name": user, "password": password})["token"]

    @staticmethod
    def _coded(text):
        raw = text if isinstance(text, bytes) else text.encode()
        return base64.b64encode(raw).decode()

    def put(self, key, value):
        """Stores text or bytes as they are, anything else as JSON."""
        if not isinstance(value, (str, bytes)):
            value = json.dumps(value)
        return int(
            self._post("kv/put", {"key": self._coded(key), "value": self._coded(value)})["header"][
                "revision"
            ]
        )

    def delete(self, key):
        self._post("kv/deleterange", {"key": self._coded(key)})

    def get(self, prefix):
        """Keys that begin with `prefix`, with their values."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self._post("kv/range", {"key": self._coded(prefix), "range_end": self._coded(end)})
        return {
            base64.b64decode(kv["key"]).decode(): base64.b64decode(kv.get("value", ""))
            for kv in answer.get("kvs", [])
        }

    def compact(self, revision):
        self._post("kv/compaction", {"revision": str(revision), "physical": True})

    def wipe(self):
        """Forgets everything; to be called while it is stopped."""
        shutil.rmtree(self.directory / "data")
