"""The release binary needs nothing of its host."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from surroundings import BINARY, ROOT, needs, run

MOST_BYTES = 25 << 20
# Whatever asks the name services of the host. The C library keeps a dlopen of its own for iconv; the
# linker sends everybody else's to __wrap_dlopen, and test_empty_root sees that nothing is loaded.
FORBIDDEN = re.compile(
    r"^(getaddrinfo|gethostby\w+|getserv(by|ent)\w*|getpw\w+|getgr(nam|gid|ent)\w*|"
    r"__nss_(?!database_fork)\w+|_nss_\w+|__getaddrinfo\w*)$"
)


class Static(unittest.TestCase):
    def test_elf(self):
        """It is a stripped, hardened static-pie without interpreter or needed libraries."""
        said = run("readelf", "-hldSW", BINARY)
        self.assertRegex(said, r"Type:\s+DYN")
        self.assertNotIn("INTERP", said)
        self.assertNotIn("(NEEDED)", said)
        self.assertNotIn(".symtab", said)
        self.assertIn("GNU_RELRO", said)
        self.assertRegex(said, r"FLAGS_1\).*NOW")
        self.assertRegex(said, r"GNU_STACK.* RW +0x")
        self.assertNotIn("TEXTREL", said)

    def test_size(self):
        """It has at most 25 MB."""
        self.assertLessEqual(BINARY.stat().st_size, MOST_BYTES)

    def test_ldd(self):
        """ldd finds nothing dynamic in it."""
        done = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=False)
        self.assertRegex(done.stdout + done.stderr, "statically linked|not a dynamic executable")

    def test_symbols(self):
        """Its symbols, which lie beside it, name no plug-ins and no name service of the C library."""
        symbols = run("nm", f"{BINARY}.debug").splitlines()
        names = {line.split()[-1] for line in symbols}
        self.assertGreater(len(names), 10_000)
        self.assertLessEqual({"__wrap_getaddrinfo", "__wrap_dlopen", "__wrap_dlsym"}, names)
        self.assertEqual(sorted(name for name in names if FORBIDDEN.match(name)), [])

    @needs("strace", "chroot", root=True)
    def test_empty_root(self):
        """In a root that holds only it and a configuration it collects a file and opens no library."""
        with tempfile.TemporaryDirectory(prefix="logagent-empty-") as name:
            root = Path(name)
            shutil.copy(BINARY, root / "logagent")
            lines = [f"line {number}" for number in range(1000)]
            (root / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
            # mock-kafka runs outside. No name: nothing in there says which server to ask.
            broker = subprocess.Popen(
                [BINARY, "mock-kafka", "--topic", "t:1"], stdout=subprocess.PIPE, text=True
            )
            try:
                address = broker.stdout.readline().strip().partition("=")[2]
                port = address.rpartition(":")[2]
                (root / "agent.ini").write_text(
                    f"kafka_addr = 127.0.0.1:{port}\nstate_dir = /state\nstatus_addr = off\n",
                    encoding="utf-8",
                )
                trace = root.with_suffix(".trace")
                words = "/logagent agent -c /agent.ini --file /app.log --topic t --start start --once"
                run(
                    *("strace", "-f", "-qq", "-o", trace),
                    *("-e", "trace=open,openat,openat2,execve,connect"),
                    *("chroot", root, *words.split()),
                )
            finally:
                broker.kill()
                broker.wait()
                broker.stdout.close()
            calls = trace.read_text(encoding="utf-8", errors="replace")
            trace.unlink()
            self.assertTrue((root / "state").is_dir())
            own = calls[calls.index('execve("/logagent"') :]
            self.assertIn("/app.log", own)
            # Not nsswitch.conf: c-ares itself looks there for its order, and loads nothing.
            for wrong in (r"\.so", r"ld\.so", "gconv", "nscd", "locale-archive"):
                self.assertNotRegex(own, wrong)

    def test_versions(self):
        """What it says of itself and its bill of materials agree, and no part lacks a licence."""
        told = json.loads(run(BINARY, "version", "--json"))
        self.assertRegex(told["commit"], "^[0-9a-f]{12}$|^unknown$")
        bill = json.loads(Path(f"{BINARY}.spdx.json").read_text(encoding="utf-8"))
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        parts = {part["name"]: part for part in bill["packages"]}
        self.assertEqual(parts["logagent"]["versionInfo"], told["version"])
        for name, library in {
            "boost1.81": "Boost",
            "librdkafka": "librdkafka",
            "openssl": "OpenSSL",
            "c-ares": "c-ares",
            "zlib": "zlib",
            "libzstd": "zstd",
            "xxhash": "xxHash",
            "cli11": "CLI11",
            "glibc": "glibc",
            "libseccomp": "libseccomp",
        }.items():
            version = parts[name]["versionInfo"].partition(":")[2] or parts[name]["versionInfo"]
            version = re.sub(r"[-+~].*", "", version)
            self.assertTrue(
                version.startswith(told["libraries"][library])
                or told["libraries"][library].startswith(version),
                f"{name}: {version} in the list, {told['libraries'][library]} in the program",
            )
        for name in ("preact", "htm", "uplot", "re2", "gcc-12"):
            self.assertIn(name, parts)
        for part in bill["packages"]:
            self.assertNotIn(part["licenseDeclared"], ("", "NOASSERTION"))
            self.assertTrue(part["externalRefs"][0]["referenceLocator"].startswith("pkg:"))
        identities = [part["SPDXID"] for part in bill["packages"]]
        self.assertEqual(len(identities), len(set(identities)))
        for relation in bill["relationships"]:
            self.assertIn(relation["relatedSpdxElement"], identities)

    def test_sources_ask_no_name_service(self):
        """No source of ours calls what a static binary cannot have."""
        banned = re.compile(r"\b(getaddrinfo|gethostbyname|getpwnam|getgrnam|dlopen|async_resolve)\(")
        for source in (ROOT / "src").rglob("*.cpp"):
            if source.name == "static_libc.cpp":
                continue
            text = re.sub(r"//.*", "", source.read_text(encoding="utf-8"))
            self.assertIsNone(banned.search(text), f"{source}: {banned.search(text)}")


class Texts(unittest.TestCase):
    def commands(self):
        page = run(BINARY, "man")
        return [name.replace("\\", "") for name in re.findall(r"\.BR logagent\\-(\S+)", page)]

    @needs("man")
    def test_pages(self):
        """Every command has a manual page that man formats without a warning."""
        names = self.commands()
        self.assertIn("agent", names)
        self.assertIn("web", names)
        environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""}
        for words in (["man"], *(["man", "--command", name] for name in names)):
            page = run(BINARY, *words)
            done = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"],
                input=page,
                capture_output=True,
                text=True,
                check=False,
                env=environment,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)

    @needs("bash")
    def test_bash(self):
        """The completion for bash is a script without errors."""
        done = subprocess.run(
            ["bash", "-n"],
            input=run(BINARY, "completion"),
            text=True,
            capture_output=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @needs("zsh")
    def test_zsh(self):
        """The completion for zsh is loaded by its own machinery."""
        with tempfile.TemporaryDirectory() as place:
            Path(place, "_logagent").write_text(
                run(BINARY, "completion", "--shell", "zsh"), encoding="utf-8"
            )
            script = (
                f"fpath=({place} $fpath); autoload -Uz compinit; compinit -D -u; "
                "print -r -- $_comps[logagent]; autoload +X _logagent && print loaded"
            )
            said = run("zsh", "-f", "-c", script)
            self.assertEqual(said.split(), ["_logagent", "loaded"])
