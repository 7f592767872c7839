#!/usr/bin/env python3
"""Checks what the compiler does not: floors, the homes of Beast and librdkafka, forbidden words.

    tests/layers.py               checks the tree this file lies in
    tests/layers.py ROOT          checks another one
    tests/layers.py --self-test   shows that each rule can fail

An include goes down only, or sideways among drivers and within the domain. Prints one line for each
finding, `path:line: what`, and fails if there is one.
"""

import re
import sys
import tempfile
from pathlib import Path

FLOORS = {
    "base": 0,
    "async": 1,
    "dns": 2,
    "os": 2,
    "http": 2,
    "etcd": 2,
    "kafka": 2,
    "delivery": 3,
    "tail": 3,
    "checkpoint": 3,
    "fleet": 3,
    "agent": 4,
    "selftest": 4,
    "demo": 4,
    "web": 4,
    "transfer": 4,
    "cli": 4,
}
FLOOR_NAMES = ["base", "async", "drivers", "domain", "programs"]
DOMAIN, PROGRAMS = 3, 4

# Headers of others that only some places may see: (prefix, allowed paths, why).
HOMES = [
    (
        "boost/beast",
        ("src/http/session.cpp", "src/http/connection.cpp", "src/third_party/boost.cpp"),
        "Beast costs up to 47 s of compile time a file and stays in two of them",
    ),
    ("librdkafka", ("src/kafka/",), "librdkafka stays behind src/kafka"),
    ("boost/asio/experimental", (), "channels lose messages, the rest is not stable"),
]
NO_SOCKETS = ("boost/asio/ip/", "boost/asio/local/", "sys/socket.h", "netinet/")

# Words that code may not use: (pattern, allowed paths, why).
WORDS = [
    (r"\bgetaddrinfo\s*\(", (), "blocks, and breaks a static binary"),
    (r"\basync_resolve\b|\b(?:tcp|udp)::resolver\b", (), "starts a thread that calls getaddrinfo"),
    (r"\bstd::j?thread\b(?!::)|\bpthread_create\b|\bstd::async\b", (), "there is one thread"),
    (r"\bstd::(?:\w+_)?mutex\b|\bstd::condition_variable\w*", (), "there is one thread"),
    (
        r"\bstd::atomic\w*",
        ("src/kafka/name_cache.hpp", "src/kafka/name_cache.cpp"),
        "there is one thread; librdkafka's reach us through a descriptor",
    ),
    (r"\basio::detached\b", (), "an exception would be lost; use async::task_group"),
    (r"\brd_kafka_flush\s*\(", (), "blocks the loop; drain events instead"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
# Comments, strings and characters, so that words inside them do not count. A quote inside a number
# (1'000) is no character.
QUIET = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<raw>[^(\s]{0,16})\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
BAD_NAME = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?)(?:_|$)")


def without_text(source):
    """The code with comments and literals blanked, every line still where it was."""
    return QUIET.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def folder_of(path):
    """The floor's folder a file belongs to: src/X/... or include/logagent/X/..., else None."""
    parts = Path(path).parts
    inside = parts[1:] if parts[0] == "src" else parts[2:]
    return inside[0] if len(inside) > 1 else None


def allowed(path, homes):
    return any(path == home or (home.endswith("/") and path.startswith(home)) for home in homes)


def check_include(path, name, ours):
    for prefix, homes, why in HOMES:
        if name.startswith(prefix) and not allowed(path, homes):
            yield f"includes {name}: {why}"
    here = folder_of(path)
    if FLOORS.get(here) == DOMAIN and name.startswith(NO_SOCKETS):
        yield f"includes {name}: the domain has no sockets"
    if not ours:
        return
    parts = name.split("/")
    there = parts[1] if parts[0] == "logagent" and len(parts) > 2 else parts[0]
    if parts[0] != "logagent" and len(parts) == 1:
        return  # a neighbour in the same folder, or a generated file
    if there not in FLOORS:
        yield f"includes {name}: no floor is known for '{there}'"
        return
    if path.startswith("include/") and parts[0] != "logagent":
        yield f"includes {name}: a public header must not need a private one"
    if here is None:  # main.cpp and the precompiled header stand above all floors
        return
    if here not in FLOORS:
        yield f"no floor is known for '{here}'; add it to tests/layers.py and CMakeLists.txt"
        return
    if FLOORS[there] > FLOORS[here]:
        yield (
            f"includes {name}: up from {FLOOR_NAMES[FLOORS[here]]} ({here}) "
            f"to {FLOOR_NAMES[FLOORS[there]]} ({there})"
        )
    elif FLOORS[there] == PROGRAMS and there != here and here != "cli":
        yield f"includes {name}: programs never include each other"


def check_file(path, source):
    """Yields (line, text) for each finding in one file; `path` is relative, with slashes."""
    if BAD_NAME.search(Path(path).stem) or any(
        BAD_NAME.search(part) for part in Path(path).parts[:-1]
    ):
        yield 1, "a name that only says that it helps"
    for match in INCLUDE.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        for text in check_include(path, match.group(2), match.group(1) == '"'):
            yield line, text
    code = without_text(source)
    for pattern, homes, why in WORDS:
        if allowed(path, homes):
            continue
        for match in re.finditer(pattern, code):
            yield code.count("\n", 0, match.start()) + 1, f"uses {match.group().strip()}: {why}"
    at = 0
    for statement in re.split(r"([;{}])", code):
        if statement.count("co_await") > 1:
            second = at + statement.rindex("co_await")
            yield (
                code.count("\n", 0, second) + 1,
                "two co_await in one statement: g++ 12 frees some temporaries twice",
            )
        at += len(statement)


def check_tree(root):
    findings = []
    files = 0
    for top in ("include", "src"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in (".hpp", ".cpp", ".h", ".c"):
                continue
            files += 1
            path = file.relative_to(root).as_posix()
            source = file.read_text(encoding="utf-8", errors="replace")
            findings += [f"{path}:{line}: {text}" for line, text in check_file(path, source)]
    return files, findings


# --- self test -----------------------------------------------------------------------------------

BAD = {
    "src/base/a.cpp": ('#include "logagent/os/file.hpp"\n', "up from base (base) to drivers (os)"),
    "src/os/a.cpp": ('#include "tail/reader.hpp"\n', "up from drivers (os) to domain (tail)"),
    "include/logagent/tail/a.hpp": ('#include "logagent/agent/agent.hpp"\n', "to programs (agent)"),
    "include/logagent/os/b.hpp": ('#include "os/private.hpp"\n', "must not need a private one"),
    "src/web/a.cpp": ('#include "logagent/agent/agent.hpp"\n', "programs never include each other"),
    "src/agent/a.cpp": ('#include "logagent/cli/run.hpp"\n', "programs never include each other"),
    "src/novel/a.cpp": ('#include "logagent/base/json.hpp"\n', "no floor is known for 'novel'"),
    "src/os/b.cpp": ('#include "logagent/novel/x.hpp"\n', "no floor is known for 'novel'"),
    "src/http/client.cpp": ("#include <boost/beast/http.hpp>\n", "Beast costs"),
    "src/agent/b.cpp": ("#include <librdkafka/rdkafka.h>\n", "behind src/kafka"),
    "include/logagent/kafka/a.hpp": ("#include <librdkafka/rdkafka.h>\n", "behind src/kafka"),
    "src/async/a.cpp": ("#include <boost/asio/experimental/channel.hpp>\n", "lose messages"),
    "src/delivery/a.cpp": ("#include <boost/asio/ip/tcp.hpp>\n", "no sockets"),
    "src/dns/a.cpp": ("int x = getaddrinfo (a, b, c, d);\n", "uses getaddrinfo"),
    "src/dns/b.cpp": ("resolver.async_resolve(h, p, t);\n", "uses async_resolve"),
    "src/dns/c.cpp": ("asio::ip::tcp::resolver r{io};\n", "uses tcp::resolver"),
    "src/os/c.cpp": ("std::thread worker;\n", "there is one thread"),
    "src/os/d.cpp": ("std::lock_guard<std::mutex> l(m);\n", "uses std::mutex"),
    "src/os/e.cpp": ("std::shared_mutex m;\n", "uses std::shared_mutex"),
    "src/kafka/a.cpp": ("std::atomic<int> n;\n", "reach us through a descriptor"),
    "src/kafka/b.cpp": ("rd_kafka_flush(rk, 10);\n", "drain events"),
    "src/etcd/a.cpp": ("co_spawn(ex, f(), asio::detached);\n", "task_group"),
    "src/etcd/b.cpp": ("auto x = g(co_await a(),\n co_await b());\n", "two co_await"),
    "src/base/string_utils.cpp": ("\n", "only says that it helps"),
}
GOOD = {
    "src/agent/a.cpp": '#include "logagent/tail/reader.hpp"\n#include "logagent/base/json.hpp"\n',
    "src/cli/a.cpp": '#include "logagent/agent/agent.hpp"\n#include "x.hpp"\n',
    "src/etcd/a.cpp": '#include "logagent/http/client.hpp"\n',
    "src/tail/a.cpp": '#include "logagent/checkpoint/state.hpp"\n#include "tail/private.hpp"\n',
    "src/main.cpp": '#include "logagent/cli/run.hpp"\n#include "logagent_version.hpp"\n',
    "src/http/session.cpp": "#include <boost/beast/http.hpp>\n",
    "src/kafka/a.cpp": "#include <librdkafka/rdkafka.h>\n",
    "src/kafka/name_cache.cpp": "std::atomic<const names*> current;\n",
    "src/dns/a.cpp": (
        "// getaddrinfo( and std::mutex are forbidden\n/* std::thread\n */\n"
        'auto t = "std::mutex"; ares_getaddrinfo(c, n); std::this_thread::get_id();\n'
        "int n = 1'000'000; char q = '\"'; std::thread::id i;\n"
        'auto r = R"(co_await co_await std::mutex)";\n'
        "co_await a();\nco_await b();\n"
    ),
}


def self_test():
    failed = []
    for path, (source, expected) in BAD.items():
        texts = [text for _, text in check_file(path, source)]
        if not any(expected in text for text in texts):
            failed.append(f"{path}: expected '{expected}', found {texts}")
    for path, source in GOOD.items():
        failed += [f"{path}: unexpected '{text}'" for _, text in check_file(path, source)]
    with tempfile.TemporaryDirectory() as scratch:
        bad = Path(scratch, "src", "base", "x.cpp")
        bad.parent.mkdir(parents=True)
        bad.write_text('\n#include "logagent/os/file.hpp"\n')
        files, findings = check_tree(Path(scratch))
        if files != 1 or len(findings) != 1 or not findings[0].startswith("src/base/x.cpp:2: "):
            failed.append(f"a tree with one bad file gave {files} files, {findings}")
    for line in failed:
        print(f"layers: self test: {line}", file=sys.stderr)
    print(f"layers: self test: {len(BAD) + len(GOOD) + 1} cases, {len(failed)} failed")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    files, findings = check_tree(root)
    if not files:
        findings = [f"{root}: no source files, so nothing was checked"]
    for line in findings:
        print(line)
    print(f"layers: {files} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
