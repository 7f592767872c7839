#!/usr/bin/env python3
"""Writes the tables of src/transfer/gb18030.cpp from Python's own codec.

    gb18030_table.py OUT

Two arrays: `two_bytes`, a code point for each pair of bytes (lead 81-FE, trail 40-7E and 80-FE; 0 where
the pair means nothing), and `four_byte_ranges`, {first number, first code point} of each run of four-byte
forms up to U+FFFF; where a run means nothing, its code point is 0. Beyond U+FFFF the form is counted.
"""

import sys
from pathlib import Path

TRAILS = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
FOUR_BYTE_FORMS = 39420  # 81308130 to 8431A439


def decoded(form):
    try:
        text = form.decode("gb18030")
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 else 0


def two_bytes():
    for lead in range(0x81, 0xFF):
        for trail in TRAILS:
            code = decoded(bytes((lead, trail)))
            assert code <= 0xFFFF
            yield code


def four_bytes():
    for number in range(FOUR_BYTE_FORMS):
        rest, fourth = divmod(number, 10)
        rest, third = divmod(rest, 126)
        first, second = divmod(rest, 10)
        yield decoded(bytes((0x81 + first, 0x30 + second, 0x81 + third, 0x30 + fourth)))


def ranges(codes):
    """A new range begins where a code does not follow the one before it."""
    before = None
    for number, code in enumerate(codes):
        follows = before is not None and code == (before + 1 if before else 0)
        if not follows:
            yield number, code
        before = code


def rows(items, width):
    items = list(items)
    for at in range(0, len(items), width):
        yield "    " + ",".join(items[at : at + width]) + ","


def main(out):
    lines = ["constexpr std::uint16_t two_bytes[] = {"]
    lines += rows((str(code) for code in two_bytes()), 20)
    lines += ["};", "", "constexpr four_byte_range four_byte_ranges[] = {"]
    lines += rows((f"{{{number},{code}}}" for number, code in ranges(four_bytes())), 8)
    lines += ["};", ""]
    Path(out).write_text("\n".join(lines), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
