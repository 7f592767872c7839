#!/usr/bin/env python3
"""Writes access-log lines, the same ones at every call with the same arguments.

    generate.py FILE LINES [SEED]

Lines have about 154 bytes. A block of 100,000 different lines is repeated, which no codec can see:
its window is far smaller than the block.
"""

import random
import sys

BLOCK = 100_000

PATHS = [
    "/", "/index.html", "/api/v1/items", "/api/v1/items/{}", "/api/v1/orders/{}/lines", "/login",
    "/static/app.{}.js", "/static/site.css", "/images/{}.jpg", "/search?q={}&page=2", "/cart",
]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "Mozilla/5.0 (Macintosh) Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0) Chrome/126.0", "curl/7.88.1", "okhttp/4.12.0", "Go-http-client/1.1",
]
REFERERS = ["-", "https://www.example.org/", "https://www.example.org/shop", "https://search.example/"]
STATUS = [200] * 88 + [304] * 6 + [404] * 4 + [301, 500]


def block(seed):
    pick = random.Random(seed)
    lines = []
    second = 0
    for _ in range(BLOCK):
        second += pick.random() < 0.01
        address = f"10.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randrange(1, 255)}"
        when = f"12/Mar/2026:{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02} +0000"
        path = pick.choice(PATHS).format(pick.randrange(10**6))
        lines.append(
            f'{address} - - [{when}] "GET {path} HTTP/1.1" {pick.choice(STATUS)} '
            f'{pick.randrange(100, 50000)} "{pick.choice(REFERERS)}" "{pick.choice(AGENTS)}" '
            f"{pick.random():.3f} {pick.getrandbits(28):07x}\n"
        )
    return lines


def generate(path, count, seed=1):
    """Writes `count` lines and returns the number of bytes."""
    lines = block(seed)
    whole = "".join(lines).encode()
    with open(path, "wb") as out:
        for _ in range(count // BLOCK):
            out.write(whole)
        out.write("".join(lines[: count % BLOCK]).encode())
        return out.tell()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    size = generate(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 1)
    print(f"{size} bytes, {size / int(sys.argv[2]):.1f} a line")
