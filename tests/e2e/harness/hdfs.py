"""A NameNode and a DataNode of Hadoop, and what lies in them."""

import collections
import gzip
import http.server
import json
import os
import re
import threading
import urllib.error
import urllib.parse
import urllib.request

from .case import Skipped
from .process import PATIENCE, at_end, free_ports, run
from .servers import Backend

NAME = re.compile(
    r"^(?P<id>[A-Za-z0-9_-]+)\+(?P<partition>\d+)\+(?P<first>\d{20})\+(?P<last>\d{20})\.log"
)
_shared = []
_shared_lock = threading.Lock()


class Hdfs(Backend):
    """`only` in kill9() and restart(): "namenode" or "datanode"."""

    name = "hdfs"
    ports = 5

    def start(self, only=None):
        arguments = ["--port-base", str(self.port), "--timeout", str(int(90 * PATIENCE))]
        for setting in self.settings:
            arguments += ["--set", setting]
        if only:
            arguments += ["--only", only]
        said = self._call("start", *arguments)
        self.namenode_pid = int(said["NAMENODE_PID"])
        return self

    def kill9(self, only=None):
        self._call("kill9", *(["--only", only] if only else []))
        if not only:
            self._forget()

    def restart(self, only=None):
        if not only:
            self._forget = at_end(self.kill9)
        return self.start(only)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, op, **parameters):
        query = urllib.parse.urlencode({"op": op, **parameters})
        url = f"{self.url}/webhdfs/v1{urllib.parse.quote(path)}?{query}"
        request = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(request, timeout=20 * PATIENCE) as answer:
            return answer.read()

    def status(self, path):
        """None where there is nothing."""
        try:
            return json.loads(self.ask("GET", path, "GETFILESTATUS"))["FileStatus"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def create(self, path, content):
        """Makes a file of its own."""
        where = json.loads(self.ask("PUT", path, "CREATE", noredirect="true", overwrite="true"))
        request = urllib.request.Request(where["Location"], data=content, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        urllib.request.urlopen(request, timeout=20 * PATIENCE).close()

    def delete(self, path):
        self.ask("DELETE", path, "DELETE", recursive="true")

    def files(self, path):
        """Paths of all files below a directory."""
        try:
            answer = json.loads(self.ask("GET", path, "LISTSTATUS"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        found = []
        for one in answer["FileStatuses"]["FileStatus"]:
            below = path.rstrip("/") + "/" + one["pathSuffix"]
            found += self.files(below) if one["type"] == "DIRECTORY" else [below]
        return found

    def read(self, path):
        """The content, unpacked."""
        content = self.ask("GET", path, "OPEN")
        if path.endswith(".gz"):
            return gzip.decompress(content)
        if path.endswith(".zst"):
            return run(["zstd", "-dc"], input=content).stdout
        return content

    def published(self, root):
        """What readers take: {path: lines}. Names that begin with "_" are not for them."""
        return {
            path: self.read(path).splitlines()
            for path in self.files(root)
            if not any(part.startswith("_") for part in path.split("/"))
        }

    def unfinished(self, root):
        return self.files(f"{root}/_tmp")

    def safe_mode(self, on):
        """By Hadoop's own administration program."""
        cache = os.environ.get(
            "LOGAGENT_BACKENDS_CACHE", os.path.expanduser("~/.cache/logagent-backends")
        )
        run(
            ["java", "-cp", f"{self.directory}/conf:{cache}/hdfs/lib/*"]
            + ["org.apache.hadoop.hdfs.tools.DFSAdmin", "-safemode", "enter" if on else "leave"]
        )


def shared_hdfs(t):
    """One for all tests that leave it alone; started by the first that asks."""
    with _shared_lock:
        if not _shared:
            directory = t.directory.parent / "shared-hdfs"
            _shared.append(started(Hdfs(directory)))
        return _shared[0]


def own_hdfs(t, settings=()):
    """One that the test may kill."""
    return t.owns(started(Hdfs(t.directory / "hdfs", settings)))


def started(hdfs):
    try:
        return hdfs.start()
    except (RuntimeError, OSError) as error:
        raise Skipped(f"no hdfs: {error}") from None


def ranges(paths):
    """{(topic id, partition): [(first, last), ...]} out of names, sorted, each once."""
    found = collections.defaultdict(set)
    for path in paths:
        name = NAME.match(path.rsplit("/", 1)[1])
        assert name, f"{path} is not a name of ours"
        where = (name["id"], int(name["partition"]))
        found[where].add((int(name["first"]), int(name["last"])))
    return {where: sorted(each) for where, each in found.items()}


def expect_each_once(hdfs, root, wanted):
    """Every line of `wanted` stands in exactly one published file, and nothing else does; ranges of
    a partition do not overlap; no unfinished file is left."""
    files = hdfs.published(root)
    counted = collections.Counter(line for lines in files.values() for line in lines)
    twice = {line: count for line, count in counted.items() if count > 1}
    assert not twice, f"{len(twice)} lines are there more than once: {list(twice.items())[:5]}"
    missing = set(wanted) - set(counted)
    assert not missing, f"{len(missing)} lines are missing: {sorted(missing)[:5]}"
    more = set(counted) - set(wanted)
    assert not more, f"{len(more)} lines are nobody's: {sorted(more)[:5]}"
    for where, each in ranges(files).items():
        for (_, last), (first, _) in zip(each, each[1:]):
            assert last < first, f"{where}: {each} overlap"
    assert not hdfs.unfinished(root), hdfs.unfinished(root)
    return files


class Steps:
    """Stands before the NameNode and lets a test act between two of its requests.

    `at(op, path, when)` is called for each request with "before" and "after" it was served; true
    closes the connection without an answer.
    """

    def __init__(self, hdfs, at):
        self.port = free_ports()
        self.log = []
        steps = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                path, _, query = self.path.partition("?")
                op = urllib.parse.parse_qs(query)["op"][0]
                path = urllib.parse.unquote(path).removeprefix("/webhdfs/v1")
                steps.log.append(f"{op} {path}")
                if at(op, path, "before"):
                    self.close_connection = True
                    return
                request = urllib.request.Request(hdfs.url + self.path, method=self.command)
                try:
                    answer = urllib.request.urlopen(request, timeout=20 * PATIENCE)
                except urllib.error.HTTPError as error:
                    answer = error
                body = answer.read()
                if at(op, path, "after"):
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
