"""The Debian package: what is in it, and its life on a machine that has nothing else."""

import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from surroundings import BINARY, ROOT, needs, run

BUILD = BINARY.parent
PROGRAMS = [
    name
    for name in ("agent", "web", "transfer")
    if (ROOT / f"examples/{name}.ini").exists()
    and (ROOT / f"src/cli/{name}_command.cpp").exists()
]


def make_package():
    """Makes it with cpack, once for all tests."""
    if not hasattr(make_package, "made"):
        for old in BUILD.glob("logagent_*.deb"):
            old.unlink()
        run("cpack", "-G", "DEB", cwd=BUILD, timeout=300)
        (make_package.made,) = BUILD.glob("logagent_*.deb")
    return make_package.made


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists(), "not the build of a release")
class Contents(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="logagent-package-")
        self.addCleanup(self.place.cleanup)
        self.root = Path(self.place.name)
        run("dpkg-deb", "-R", make_package(), self.root)

    @needs("cpack", "dpkg-deb")
    def test_files(self):
        """It brings program, units, configuration, pages, completion and the bill of materials."""
        wanted = [
            "usr/bin/logagent",
            "usr/share/bash-completion/completions/logagent",
            "usr/share/zsh/vendor-completions/_logagent",
            "usr/share/man/man1/logagent.1.gz",
            "usr/share/doc/logagent/copyright",
            "usr/share/doc/logagent/changelog.gz",
            "usr/share/doc/logagent/logagent.spdx.json",
        ]
        for name in PROGRAMS:
            wanted += [
                f"usr/lib/systemd/system/logagent-{name}.service",
                f"etc/logagent/{name}.ini",
                f"usr/share/man/man1/logagent-{name}.1.gz",
            ]
        for name in wanted:
            self.assertTrue((self.root / name).is_file(), name)
        own = {str(file.relative_to(self.root)) for file in self.root.rglob("*") if file.is_file()}
        odd = [
            name
            for name in own - set(wanted)
            if not name.startswith(("DEBIAN/", "usr/share/man/man1/logagent-"))
        ]
        self.assertEqual(odd, [])
        for name in PROGRAMS:
            ini = (self.root / f"etc/logagent/{name}.ini").read_text(encoding="utf-8")
            if name != "agent":
                # What its unit makes, and nothing that belongs to another user.
                self.assertRegex(ini, rf"(?m)^state_dir = /var/lib/logagent-{name}\b")
                self.assertNotIn("/var/lib/logagent/", ini)
        page = gzip.open(self.root / "usr/share/man/man1/logagent-agent.1.gz", "rt").read()
        self.assertIn("LOGAGENT\\-AGENT", page)

    @needs("cpack", "dpkg-deb")
    def test_control(self):
        """Configuration is kept over upgrades; modes, owners and dependencies are as they should be."""
        conffiles = (self.root / "DEBIAN/conffiles").read_text(encoding="utf-8").split()
        self.assertEqual(conffiles, [f"/etc/logagent/{name}.ini" for name in PROGRAMS])
        control = (self.root / "DEBIAN/control").read_text(encoding="utf-8")
        self.assertRegex(control, r"(?m)^Package: logagent$")
        self.assertRegex(control, r"(?m)^Depends: adduser$")
        self.assertRegex(control, r"(?m)^Architecture: (amd64|arm64)$")
        for line in run("dpkg-deb", "-c", make_package()).splitlines():
            mode, owner = line.split()[:2]
            self.assertEqual(owner, "root/root", line)
            self.assertRegex(mode, r"^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x)$", line)
            self.assertEqual(mode == "-rwxr-xr-x", line.endswith("/usr/bin/logagent"), line)
        for name in ("postinst", "prerm", "postrm"):
            script = self.root / "DEBIAN" / name
            self.assertTrue(os.access(script, os.X_OK), name)
            run("sh", "-n", script)
            self.assertIn("\nset -e\n", script.read_text(encoding="utf-8"))
        # It holds the very program that the other tests are about.
        self.assertEqual((self.root / "usr/bin/logagent").read_bytes(), BINARY.read_bytes())

    @needs("cpack", "dpkg-deb", "lintian", full=True)
    def test_lintian(self):
        """lintian finds no error but those that a static program cannot avoid."""
        done = subprocess.run(
            ["lintian", "--fail-on", "none", "--tag-display-limit", "0", make_package()],
            capture_output=True,
            text=True,
            check=False,
        )
        accepted = (
            "statically-linked-binary",
            "embedded-library",
            "no-changelog",
            "no-copyright-file",
            "maintainer-address",
            "changelog-file-missing",
            "debian-changelog-file-missing",
            "initial-upload",
            "bogus-mail-host",  # whoever builds it is the maintainer
        )
        errors = [line for line in done.stdout.splitlines() if line.startswith("E: ")]
        self.assertEqual([line for line in errors if not any(x in line for x in accepted)], [])


def debian_sources():
    """What apt uses for bookworm on this machine, as lines of sources.list."""
    said = run(
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    )
    lines = {line.partition("|")[2] for line in said.splitlines() if line.startswith("Debian|")}
    return [line for line in sorted(lines) if re.search(r" bookworm(-updates|-security)?[ /]", line)]


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists(), "not the build of a release")
class Life(unittest.TestCase):
    @needs("mmdebstrap", "etcd", root=True, full=True)
    def test_life(self):
        """Install, edit two lines, start: lines arrive. Upgrade keeps the edits, removal the data."""
        with tempfile.TemporaryDirectory(prefix="logagent-life-", dir="/var/tmp") as name:
            os.chmod(name, 0o755)
            self.root = Path(name, "root")
            self.make_root(Path(name))
            self.children = []
            try:
                self.live()
            finally:
                for child in reversed(self.children):
                    child.kill()
                    child.wait()

    def make_root(self, place):
        listed = place / "sources.list"
        listed.write_text("\n".join(debian_sources()) + "\n", encoding="utf-8")
        settings = place / "apt.conf"
        said = run("apt-config", "dump")
        wanted = [x for x in said.splitlines() if re.match(r"Acquire::(https?|Check-|Retries)", x)]
        settings.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        run(
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--aptopt={settings}"),
            *("--include=adduser", "bookworm", self.root, listed),
            timeout=600,
        )

    def inside(self, *words):
        return run("chroot", self.root, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *words)

    def start(self, *words, **options):
        child = subprocess.Popen([str(word) for word in words], **options)
        self.children.append(child)
        return child

    def edit(self, pattern, line):
        ini = self.root / "etc/logagent/agent.ini"
        text, count = re.subn(pattern, line, ini.read_text(encoding="utf-8"), flags=re.MULTILINE)
        self.assertEqual(count, 1, pattern)
        ini.write_text(text, encoding="utf-8")

    def status(self):
        return json.loads(self.inside("/usr/bin/logagent", "status", "--json"))

    def wait(self, what, test):
        deadline = time.monotonic() + 60
        while not test():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.2)

    def start_servers(self):
        """etcd and a broker of the host; returns their addresses."""
        ports = (23790 + os.getpid() % 1000, 24790 + os.getpid() % 1000)
        client, peer = (f"http://127.0.0.1:{port}" for port in ports)
        self.start(
            *("etcd", "--data-dir", self.root.parent / "etcd", "--listen-client-urls", client),
            *("--advertise-client-urls", client, "--listen-peer-urls", peer),
            *("--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        broker = self.start(
            BINARY, "mock-kafka", "--topic", "t:1", stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(broker.stdout.close)
        kafka = broker.stdout.readline().strip().partition("=")[2]
        etcdctl = ("etcdctl", "--endpoints", client)
        self.etcdctl = lambda *words: subprocess.run(
            [*etcdctl, *words],
            env={**os.environ, "ETCDCTL_API": "3"},
            capture_output=True,
            check=False,
        )
        self.wait("etcd", lambda: self.etcdctl("endpoint", "health").returncode == 0)
        return client.partition("//")[2], kafka

    def run_unit(self):
        """The agent as its unit starts it: user, capability, command. No systemd runs in here."""
        unit = (self.root / "usr/lib/systemd/system/logagent-agent.service").read_text("utf-8")
        command = re.search(r"(?m)^ExecStart=(.*)$", unit).group(1).split()
        (user,) = re.findall(r"(?m)^User=(.*)$", unit)
        state = self.root / "var/lib/logagent"
        if not state.exists():
            self.inside("install", "-d", "-m", "0700", "-o", user, "-g", user, "/var/lib/logagent")
        return self.start(
            *("chroot", self.root, "setpriv", "--reuid", user, "--regid", user, "--clear-groups"),
            *("--inh-caps", "-all,+dac_read_search", "--ambient-caps", "-all,+dac_read_search"),
            *("--bounding-set", "-all,+dac_read_search", "--no-new-privs", *command),
            stderr=subprocess.DEVNULL,
        )

    def live(self):
        package = self.root / "tmp/logagent.deb"
        shutil.copy(make_package(), package)
        for place in ("proc", "dev"):
            run("mount", "--rbind", "--make-rslave", f"/{place}", self.root / place)
            self.addCleanup(run, "umount", "-l", self.root / place)
        try:
            self.whole_life()
        finally:
            self.doCleanups()

    def whole_life(self):
        self.inside("dpkg", "-i", "/tmp/logagent.deb")
        self.inside("id", "logagent")
        self.assertIn("logagent ", self.inside("/usr/bin/logagent", "version"))
        etcd, kafka = self.start_servers()
        self.edit(r"^etcd_addr = .*$", f"etcd_addr = {etcd}")
        self.edit(r"^kafka_addr = .*$", f"kafka_addr = {kafka}")

        agent = self.run_unit()
        ready = lambda: agent.poll() is None and self.answers()  # noqa: E731
        self.wait("the agent", ready)
        log = self.root / "var/log/app.log"
        entry = [{"service": "s", "log_path": "/var/log/app.log", "topic": "t"}]
        for address in self.status()["ips"]:
            self.etcdctl("put", f"/logagent/{address}/logconfig", json.dumps(entry))
        self.wait("applied", lambda: self.status()["config"]["state"] == "applied")
        # Nobody but root may read it: the one capability is for that.
        log.touch(mode=0o600)
        with open(log, "a", encoding="utf-8") as out:
            out.writelines(f"line {number}\n" for number in range(100))
        self.wait("the lines", lambda: self.status()["ledger"]["lines"]["acked"] == 100)
        layers = {one["name"]: one for one in self.status()["hardening"]["layers"]}
        self.assertEqual(layers["capabilities"]["detail"], "CAP_DAC_READ_SEARCH")
        self.assertTrue(layers["system_calls"]["active"], layers)
        agent.terminate()
        self.assertEqual(agent.wait(20), 0)

        self.inside("dpkg", "-i", "/tmp/logagent.deb")
        ini = self.root / "etc/logagent/agent.ini"
        self.assertIn(f"kafka_addr = {kafka}", ini.read_text(encoding="utf-8"))
        self.inside("dpkg", "-r", "logagent")
        self.assertFalse((self.root / "usr/bin/logagent").exists())
        self.assertTrue(ini.exists())
        self.assertTrue(any((self.root / "var/lib/logagent").iterdir()))
        self.inside("dpkg", "-P", "logagent")
        self.assertFalse((self.root / "etc/logagent").exists())
        self.assertFalse((self.root / "var/lib/logagent").exists())

    def answers(self):
        try:
            return bool(self.status())
        except AssertionError:
            return False
