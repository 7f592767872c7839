"""A CA and certificates of servers that are wrong in one way each, in the layout of tests/backends."""

import subprocess
from pathlib import Path

RIGHT = "subjectAltName=DNS:localhost,IP:127.0.0.1"
OTHER = "subjectAltName=DNS:other.example"

# name: (subject, names it is for, days it is good). The client has no common name: etcd's gateway
# refuses one that has, as soon as there are users.
KINDS = {
    "server": ("/CN=server", RIGHT, 3650),
    "client": ("/O=client", RIGHT, 3650),
    "expired": ("/CN=expired", RIGHT, -1),
    "stranger": ("/CN=stranger", OTHER, 3650),
}


def _openssl(*words, **options):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **options)


def make(directory):
    """Makes `directory`/tls with ca.pem, and KIND.key, KIND.crt, KIND.pem (both) for each kind."""
    place = Path(directory) / "tls"
    place.mkdir(parents=True, exist_ok=True)
    ca, ca_key = place / "ca.pem", place / "ca.key"
    new = ("-newkey", "rsa:2048", "-nodes", "-subj")
    _openssl("req", "-x509", *new, "/CN=test CA", "-days", 3650, "-keyout", ca_key, "-out", ca)
    for kind, (subject, names, days) in KINDS.items():
        key, request, out = (place / f"{kind}.{end}" for end in ("key", "csr", "crt"))
        _openssl("req", *new, subject, "-keyout", key, "-out", request)
        extensions = place / f"{kind}.ext"
        extensions.write_text(names + "\n", encoding="utf-8")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"),
            *("-days", days, "-out", out, "-extfile", extensions),
        )
        (place / f"{kind}.pem").write_bytes(key.read_bytes() + out.read_bytes())
    return place


def other_ca(directory):
    """The certificate of a CA that signed nothing here."""
    out = Path(directory) / "other-ca.pem"
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other CA"),
        *("-days", 3650, "-keyout", out.with_suffix(".key"), "-out", out),
    )
    return out
