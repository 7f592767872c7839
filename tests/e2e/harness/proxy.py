"""A bad network between the agent and a broker."""

import collections
import socket
import threading
import time

from .process import free_ports


class Proxy:
    """Passes TCP connections on to `target` (a port of 127.0.0.1), as badly as it is told.

    `delay`: seconds added to every byte. `rate`: bytes a second of each connection and direction, 0
    = no limit. `frozen`: nothing passes and nothing is closed, as if a cable were pulled. All may be
    changed at any time. Name it as advertised listener, or clients go past it.
    """

    def __init__(self):
        self.port = free_ports()
        self.address = f"127.0.0.1:{self.port}"
        self.target = None
        self.delay = 0.0
        self.rate = 0
        self.frozen = False
        self._open = set()
        self._stopped = False
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Resets every connection."""
        for each in list(self._open):
            try:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was gone already

    def stop(self):
        self._stopped = True
        self._listener.close()
        self.cut()

    def _accept(self):
        while not self._stopped:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except OSError:
                continue  # the broker is down: the client sees a closed connection
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(side)
            for source, sink in ((client, server), (server, client)):
                waiting, arrived = collections.deque(), threading.Condition()
                for work in (self._receive, self._send):
                    threading.Thread(
                        target=work, args=(source, sink, waiting, arrived), daemon=True
                    ).start()

    def _receive(self, source, sink, waiting, arrived):
        data = b"x"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with arrived:
                # As a full network would: whoever sends faster than it passes has to wait.
                arrived.wait_for(lambda: len(waiting) < 64)
                waiting.append((time.monotonic(), data))
                arrived.notify_all()

    def _send(self, source, sink, waiting, arrived):
        data = b"x"
        while data:
            with arrived:
                arrived.wait_for(lambda: waiting)
                came, data = waiting.popleft()
                arrived.notify_all()
            while self.frozen or time.monotonic() < came + self.delay:
                time.sleep(0.005)
            try:
                if self.rate:
                    time.sleep(len(data) / self.rate)
                if data:
                    sink.sendall(data)
            except OSError:
                data = b""
        for side in (source, sink):
            self._open.discard(side)
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()
