#!/usr/bin/env python3
"""Writes the bill of materials of one binary as SPDX 2.3 JSON: what was linked, in which version.

    tools/sbom.py --source DIR --version V --commit C --binary FILE --linked FILE.map
                  --headers FILE... --librdkafka DIR --output FILE.spdx.json

The archives come from the map that the linker wrote, the packages they belong to and their
versions from dpkg, librdkafka and the libraries of the pages from the lock files of npm. An archive
that nobody can account for is an error: a list with a hole is worse than none.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

# Debian's source package: the licence in SPDX's words, and where it comes from.
LICENSES = {
    "boost1.81": ("BSL-1.0", "https://www.boost.org"),
    "c-ares": ("MIT", "https://c-ares.org"),
    "cli11": ("BSD-3-Clause", "https://github.com/CLIUtils/CLI11"),
    "gcc-12": ("GPL-3.0-or-later WITH GCC-exception-3.1", "https://gcc.gnu.org"),
    "glibc": ("LGPL-2.1-or-later", "https://www.gnu.org/software/libc"),
    "libseccomp": ("LGPL-2.1-only", "https://github.com/seccomp/libseccomp"),
    "libzstd": ("BSD-3-Clause", "https://github.com/facebook/zstd"),
    "openssl": ("Apache-2.0", "https://www.openssl.org"),
    "re2": ("BSD-3-Clause", "https://github.com/google/re2"),
    "xxhash": ("BSD-2-Clause", "https://github.com/Cyan4973/xxHash"),
    "zlib": ("Zlib", "https://zlib.net"),
}


def packages_of(files):
    """{file: (binary package, version, source package, source version, architecture)} from dpkg."""
    owners, found = {}, {}
    said = subprocess.run(
        ["dpkg-query", "-S", *files], capture_output=True, text=True, check=False
    ).stdout
    for line in said.splitlines():
        package, _, file = line.partition(": ")
        owners[file] = package.split(",")[0]
    shape = "${Package}\t${Version}\t${source:Package}\t${source:Version}\t${Architecture}"
    for file, package in owners.items():
        said = subprocess.run(
            ["dpkg-query", "-W", "-f", shape, package], capture_output=True, text=True, check=True
        ).stdout
        found[file] = said.split("\t")
    return found


PLACED = re.compile(r"(/[^\s()]+\.[ao])(?:\([^)]+\))?:\(")  # "/usr/lib/libz.a(inflate.o):(.text)"


def linked_files(map_file, build):
    """Archives and objects of which something got into the program and that the build did not
    make. An archive that was offered, and of which nothing was taken, is no part of it."""
    names = set()
    with open(map_file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := PLACED.search(line):
                names.add(found.group(1))
    files = {Path(os.path.realpath(name)) for name in names}
    return {file for file in files if file.exists() and build not in file.parents}


def package(name, version, license_name, home, purl, checksum=None):
    out = {
        "SPDXID": "SPDXRef-" + name.replace("/", "-").replace("@", "").replace("_", "-"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": home or "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license_name,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
    }
    if checksum:
        out["checksums"] = [checksum]
    return out


def debian_packages(files):
    """One SPDX package for each Debian source package that owns one of `files`."""
    owners = packages_of([str(file) for file in files])
    missing = [str(file) for file in files if str(file) not in owners]
    if missing:
        sys.exit(f"sbom: nobody accounts for what was linked: {', '.join(missing)}")
    out = {}
    for name, version, source, _, architecture in owners.values():
        if source not in LICENSES:
            sys.exit(f"sbom: the licence of {source} (linked from {name}) is not in the table")
        license_name, home = LICENSES[source]
        purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}&distro=bookworm"
        out[source] = package(source, version, license_name, home, purl)
    return list(out.values())


def npm_package(lock, name, shown=None, version=None, license_name=None):
    """What a lock file says; `shown` when only a part of the npm package is used."""
    entry = json.loads(lock.read_text(encoding="utf-8"))["packages"]["node_modules/" + name]
    algorithm, _, digest = entry["integrity"].partition("-")
    checksum = {
        "algorithm": algorithm.upper(),
        "checksumValue": base64.b64decode(digest).hex(),
    }
    purl = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
    return package(
        shown or name,
        version or entry["version"],
        license_name or entry["license"],
        None,
        purl,
        checksum,
    )


def page_libraries(source):
    """Of the pages only what is installed without the parts for development."""
    wanted = json.loads((source / "ui/package.json").read_text(encoding="utf-8"))["dependencies"]
    return [npm_package(source / "ui/package-lock.json", name) for name in sorted(wanted)]


def librdkafka(source, root):
    version = root.name.partition("-")[2]
    lock = source / "third_party/package-lock.json"
    return npm_package(
        lock, "@confluentinc/kafka-javascript", "librdkafka", version, "BSD-2-Clause"
    )


def document(options, parts):
    binary = options.binary.read_bytes()
    sha256 = hashlib.sha256(binary).hexdigest()
    # The same sources give the same list: the time is that of the commit, where one is known.
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(
        ["git", "log", "-1", "--format=%ct"],
        cwd=options.source,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    created = datetime.fromtimestamp(int(seconds or 0), timezone.utc)
    own = package(
        "logagent",
        options.version,
        "Apache-2.0",
        None,
        f"pkg:generic/logagent@{options.version}?vcs_revision={options.commit}",
        {"algorithm": "SHA256", "checksumValue": sha256},
    )
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"logagent-{options.version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/logagent-{options.version}-{sha256}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: logagent-sbom"],
        },
        "documentDescribes": [own["SPDXID"]],
        "packages": [own, *parts],
        "relationships": [
            {
                "spdxElementId": own["SPDXID"],
                "relationshipType": "STATIC_LINK",
                "relatedSpdxElement": part["SPDXID"],
            }
            for part in parts
        ],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("source", "binary", "librdkafka", "output"):
        parser.add_argument("--" + name, type=Path, required=True)
    for name in ("version", "commit", "linked"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--headers", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    files = linked_files(options.linked, options.binary.resolve().parent)
    kafka = {file for file in files if options.librdkafka.resolve() in file.parents}
    files |= {Path(os.path.realpath(header)) for header in options.headers}
    parts = debian_packages(sorted(files - kafka))
    parts += [librdkafka(options.source, options.librdkafka)] if kafka else []
    parts += page_libraries(options.source)
    parts.sort(key=lambda part: part["name"])
    text = json.dumps(document(options, parts), indent=1) + "\n"
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
