"""Dockerfile, compose file and Kubernetes example: every command and key in them exists."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from surroundings import BINARY, ROOT, run

try:
    import yaml
except ImportError:
    yaml = None

COMPOSE = ROOT / "examples" / "compose.yaml"
SIDECAR = ROOT / "examples" / "kubernetes" / "sidecar.yaml"


def documents(path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def unknown_flags(words):
    """Flags behind a command of logagent that its help does not name."""
    known = run(BINARY, words[0], "--help")
    flags = [word for word in words[1:] if word.startswith("-")]
    return [flag for flag in flags if not re.search(rf"(^|[\s,]){flag}([\s,]|$)", known)]


def complaints(program, ini, logconfig=None):
    """What the program says of a configuration; files it names need not exist."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, f"{program}.ini")
        file.write_text(ini, encoding="utf-8")
        if program != "agent":
            # It would serve; a second listen address that cannot be used ends it after the check.
            words = [program, "-c", file, "--set", "no_such_key=1"]
            done = subprocess.run(
                [BINARY, *words], capture_output=True, text=True, check=False, timeout=20
            )
            return [line for line in done.stderr.splitlines() if "no_such_key" not in line]
        words = ["check", "-c", file, "--set", "kafka_addr=127.0.0.1:1"]
        if logconfig:
            Path(place, "logconfig.json").write_text(logconfig, encoding="utf-8")
            words += ["--logconfig", Path(place, "logconfig.json")]
        done = subprocess.run(
            [BINARY, *words], capture_output=True, text=True, check=False, timeout=30
        )
        return [] if done.returncode == 0 else done.stdout.splitlines()


def hardened(container, pod=None):
    """What a Kubernetes container lacks of the restricted profile."""
    own = container.get("securityContext", {})
    shared = (pod or {}).get("securityContext", {})
    missing = []
    if own.get("readOnlyRootFilesystem") is not True:
        missing.append("readOnlyRootFilesystem")
    if own.get("allowPrivilegeEscalation") is not False:
        missing.append("allowPrivilegeEscalation")
    if own.get("capabilities", {}).get("drop") != ["ALL"]:
        missing.append("capabilities")
    if shared.get("runAsNonRoot") is not True:
        missing.append("runAsNonRoot")
    if shared.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        missing.append("seccompProfile")
    return missing


@unittest.skipUnless(yaml, "the module yaml is not installed")
class Containers(unittest.TestCase):
    def test_compose(self):
        """examples/compose.yaml: known flags, keys that the programs accept, mounts that exist."""
        (whole,) = documents(COMPOSE)
        seen = set()
        for name, service in whole["services"].items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue(source.startswith("/") or source in whole["volumes"], volume)
            if service["image"] != "logagent":
                continue
            words = service["command"]
            seen.add(words[0])
            self.assertEqual(unknown_flags(words), [], name)
            check = service.get("healthcheck", {}).get("test")
            if check:
                self.assertEqual(check[:2], ["CMD", "/logagent"])
                self.assertEqual(unknown_flags(check[2:]), [])
            self.assertTrue(service["read_only"])
            self.assertEqual(service["cap_drop"], ["ALL"])
            for config in service["configs"]:
                self.assertIn(config["target"], words)
                content = whole["configs"][config["source"]]["content"]
                self.assertEqual(complaints(words[0], content), [], name)
        self.assertLessEqual({"agent", "web"}, seen)

    def test_sidecar(self):
        """examples/kubernetes/sidecar.yaml: a restricted pod whose configuration the agent accepts."""
        whole = {one["kind"]: one for one in documents(SIDECAR)}
        pod = whole["Pod"]["spec"]
        data = whole["ConfigMap"]["data"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            self.assertLessEqual(mounted, volumes)
        agent = next(one for one in pod["containers"] if one["image"] == "logagent")
        self.assertEqual(hardened(agent, pod), [])
        self.assertEqual(unknown_flags(agent["args"]), [])
        probe = agent["readinessProbe"]["exec"]["command"]
        self.assertEqual(probe[0], "/logagent")
        self.assertEqual(unknown_flags(probe[1:]), [])
        mounts = {mount["mountPath"]: mount for mount in agent["volumeMounts"]}
        for word in agent["args"]:
            if word.startswith("/"):
                place, _, name = word.rpartition("/")
                self.assertIn(place, mounts)
                self.assertIn(name, data)
        self.assertEqual(complaints("agent", data["agent.ini"], data["logconfig.json"]), [])
        # The state is made in a directory of its own, since the volume's belongs to root.
        state = re.search(r"state_dir\s*=\s*(\S+)", data["agent.ini"]).group(1)
        self.assertIn(str(Path(state).parent), mounts)
        grace = int(re.search(r"shutdown_timeout\s*=\s*(\d+)", data["agent.ini"]).group(1))
        self.assertGreater(pod["terminationGracePeriodSeconds"], grace)

    def test_wrong_key_is_found(self):
        """The check of keys and flags can fail."""
        self.assertTrue(complaints("agent", "kafka_addr = a:1\nkafak_addr = b:1\n"))
        self.assertTrue(complaints("web", "etcd_addr = a:1\nlistn = 127.0.0.1:1\n"))
        self.assertEqual(unknown_flags(["agent", "--no-such"]), ["--no-such"])
        self.assertEqual(len(hardened({})), 5)


class Dockerfile(unittest.TestCase):
    def test_last_stage(self):
        """The image is the program and certificates, runs as nobody, and asks itself how it is."""
        text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        stage = text[text.index("FROM scratch") :]
        self.assertRegex(stage, r"(?m)^USER 65532:65532$")
        check = re.search(r'(?m)^HEALTHCHECK .*CMD \["/logagent", (.*)\]$', stage).group(1)
        self.assertEqual(unknown_flags(re.findall(r'"([^"]*)"', check)), [])
        command = re.search(r"(?m)^CMD \[(.*)\]$", stage).group(1)
        self.assertEqual(unknown_flags(re.findall(r'"([^"]*)"', command)), [])
        for source in re.findall(r"build/release/(\S+) /out", text):
            self.assertTrue((BINARY.parent / source).exists(), source)
