"""The units of systemd: complete, hardened, and in agreement with the programs."""

import re
import subprocess
import unittest

from surroundings import BINARY, ROOT, needs, run

UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))
MOST_EXPOSURE = 2.0
EXPLOITED = ("ptrace", "mount", "open_by_handle_at", "bpf", "reboot", "init_module", "chown")


def value(text, key):
    return re.findall(rf"(?m)^{key}=(.*)$", text)


class Units(unittest.TestCase):
    def test_there_are_three(self):
        """There is one for each program that runs for long."""
        self.assertEqual(
            [unit.name for unit in UNITS],
            ["logagent-agent.service", "logagent-transfer.service", "logagent-web.service"],
        )

    @needs("systemd-analyze")
    def test_exposure(self):
        """systemd-analyze rates each of them 2.0 or better."""
        for unit in UNITS:
            said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
            rating = float(re.search(r"Overall exposure level .*: ([\d.]+)", said).group(1))
            self.assertLessEqual(rating, MOST_EXPOSURE, unit.name)

    @needs("systemd-analyze")
    def test_verify(self):
        """systemd has no complaint about them but that the program is not installed."""
        for unit in UNITS:
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", unit],
                capture_output=True,
                text=True,
                check=False,
            )
            own = [line for line in done.stderr.splitlines() if unit.name in line]
            left = [line for line in own if "/usr/bin/logagent is not executable" not in line]
            self.assertEqual([line for line in left if "Failed to create" not in line], [])

    @needs("systemd-analyze")
    def test_system_calls(self):
        """What a unit allows holds what the program asks for at start, and nothing dangerous."""
        for unit in UNITS:
            allowed = self.allowed_calls(unit.read_text(encoding="utf-8"))
            for call in ("io_submit", "inotify_add_watch", "openat2", "seccomp", "execve"):
                self.assertIn(call, allowed, unit.name)
            self.assertIn("landlock_restrict_self", allowed)
            for call in EXPLOITED:
                self.assertNotIn(call, allowed, unit.name)

    def allowed_calls(self, text):
        """The lines of SystemCallFilter in their order, groups resolved."""
        out = set()
        for line in value(text, "SystemCallFilter"):
            takes_away = line.startswith("~")
            calls = set()
            for word in line.lstrip("~").split():
                calls |= self.group(word) if word.startswith("@") else {word}
            out = out - calls if takes_away else out | calls
        return out

    def group(self, name):
        out = set()
        for line in run("systemd-analyze", "syscall-filter", name).splitlines()[1:]:
            word = line.strip()
            if word.startswith("#") or not word:
                continue
            out |= self.group(word) if word.startswith("@") and word != name else {word}
        return out

    def test_programs(self):
        """Each starts a command of the program as its own user, with the file of its name."""
        users = set()
        for unit in UNITS:
            text = unit.read_text(encoding="utf-8")
            name = unit.stem.partition("-")[2]
            self.assertEqual(
                value(text, "ExecStart"),
                [f"/usr/bin/logagent {name} -c /etc/logagent/{name}.ini"],
            )
            (user,) = value(text, "User")
            self.assertEqual(value(text, "StateDirectory"), [user])
            users.add(user)
            if (ROOT / f"src/cli/{name}_command.cpp").exists():
                self.assertIn("--config FILE", run(BINARY, name, "--help"))
        self.assertEqual(len(users), 3)
        script = (ROOT / "packaging/debian/postinst").read_text(encoding="utf-8")
        for user in users:
            self.assertRegex(script, rf"\b{user}\b")
