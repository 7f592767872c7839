"""A stream of server-sent events of `logagent web`, read by a thread."""

import http.client
import json
import socket
import threading

from .process import PATIENCE, wait_for


class Stream:
    """Follows `path` until close(). Events are (name, id, data) with data read as JSON."""

    def __init__(self, web, path, token="", **fields):
        self.events = []
        self.status = None
        self.refusal = None
        self.ended = False
        token = web.token if token == "" else token
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connection = web.connection(60 * PATIENCE)
        self._connection.request("GET", "/api/v1" + path, headers=headers)
        # The answer takes the socket over.
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.headers = {name.lower(): value for name, value in self._answer.getheaders()}
        if self.status != 200:
            self.refusal = json.loads(self._answer.read())
            self._connection.close()
            self.ended = True
            return
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        name, number, data = "message", None, []
        try:
            while True:
                line = self._answer.readline()
                if not line:
                    break
                line = line.rstrip(b"\n").decode()
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("data: "):
                    data.append(line[6:])
                elif not line and data:
                    self.events.append((name, number, json.loads("\n".join(data))))
                    name, number, data = "message", None, []
        except (OSError, ValueError, http.client.HTTPException):
            pass
        self.ended = True

    def named(self, name):
        return [data for event, _, data in list(self.events) if event == name]

    def wait(self, what, ready, seconds=20.0):
        return wait_for(what, lambda: ready(self), seconds)

    def last_id(self):
        return [number for _, number, _ in list(self.events) if number is not None][-1]

    # --- of a tail ---

    def lines(self):
        return [line for frame in self.named("lines") for line in frame]

    def texts(self):
        return [line["text"] for line in self.lines()]

    def close(self):
        # Only this ends a read of another thread.
        if not self.ended:
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        return self
