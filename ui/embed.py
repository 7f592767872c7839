#!/usr/bin/env python3
"""Makes the files of the pages ready for the program: libraries chosen and adapted, all compressed,
and an assembler file with a table that holds them.

    embed.py --ui ui --modules BUILD/npm/node_modules --out BUILD/ui

Writes OUT/files (what a browser gets), OUT/gz, OUT/assets.S and OUT/assets.inc. The same input gives
the same bytes. Fails if the pages are larger than what was agreed.
"""

import argparse
import gzip
import hashlib
import posixpath
import re
from pathlib import Path

MIME = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# Bytes, compressed: what the first paint needs, all of ours, and the libraries.
FIRST_LIMIT, OWN_LIMIT, VENDOR_LIMIT = 80 << 10, 140 << 10, 35 << 10
LICENSED = ("preact", "htm", "uplot")


def without_map(text):
    return "\n".join(line for line in text.split("\n") if not line.startswith("//# sourceMapping"))


def libraries(modules):
    """The libraries as ES modules that need no import map."""

    def read(path):
        return without_map((modules / path).read_text(encoding="utf-8"))

    hooks = read("preact/hooks/dist/hooks.mjs")
    assert hooks.count('from"preact"') == 1, "the hooks import preact in another way than before"
    plot = read("uplot/dist/uPlot.iife.min.js")
    assert "var uPlot=" in plot, "uPlot is defined in another way than before"
    licenses = [f"{name}\n\n{read(f'{name}/LICENSE')}" for name in LICENSED]
    return {
        "vendor/preact.js": read("preact/dist/preact.mjs"),
        "vendor/hooks.js": hooks.replace('from"preact"', 'from"./preact.js"'),
        "vendor/htm.js": read("htm/dist/htm.mjs"),
        "vendor/uplot.js": plot + "\nexport default uPlot;\n",
        "vendor/uplot.css": read("uplot/dist/uPlot.min.css"),
        "vendor/LICENSES.txt": "\n\n".join(licenses),
    }


def lean(path):
    """A file of ours without comment lines and indentation, which no browser needs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    elif path.suffix != ".js":
        return text
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def first_paint(texts, begin="main.js"):
    """The modules that `begin` imports, and those that they import: all that a browser waits for."""
    found, open_ = set(), [begin]
    while open_:
        name = open_.pop()
        if name in found:
            continue
        found.add(name)
        for target in re.findall(r"(?:from\s*|^import\s*)[\"']([.][^\"']+)[\"']", texts[name], re.MULTILINE):
            open_.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
    return sorted(found)


def own_files(ui):
    found = sorted(path for path in ui.rglob("*") if path.suffix in MIME and path.is_file())
    inside = [path for path in found if "node_modules" not in path.parts]
    return {path.relative_to(ui).as_posix(): lean(path) for path in inside}


def write(path, content):
    """Writes what is new only, so that nothing is built again for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def assembler(names, tree, out):
    # The name of the tree stands in it, so that a compiler's cache never takes it for an older one.
    lines = ['    .section .rodata.logagent_assets,"a",%progbits', f"logagent_asset_tree_{tree}:"]
    for i, name in enumerate(names):
        lines += [
            f"    .globl logagent_asset_{i}_begin, logagent_asset_{i}_end",
            f"logagent_asset_{i}_begin:",
            f'    .incbin "{(out / "gz" / name).as_posix()}.gz"',
            f"logagent_asset_{i}_end:",
        ]
    lines += ['    .section .note.GNU-stack,"",%progbits', ""]
    return "\n".join(lines)


def table(files, tree):
    lines = [f'#define LOGAGENT_ASSET_TREE "{tree}"', "#define LOGAGENT_ASSETS(X) \\"]
    for i, (name, raw) in enumerate(files):
        digest = hashlib.sha256(raw).hexdigest()
        mime = MIME[Path(name).suffix]
        lines.append(f'    X({i}, "{name}", "{mime}", "{digest}", {len(raw)}) \\')
    return "\n".join(lines)[:-2] + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--ui", type=Path, required=True)
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    texts = own_files(chosen.ui) | libraries(chosen.modules)
    # Sorted by bytes, as the program looks them up.
    names = sorted(texts, key=lambda name: name.encode())
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\0{len(texts[name].encode())}\0{texts[name]}".encode())
    tree = whole.hexdigest()[:12]
    preload = first_paint(texts)
    links = "".join(f'<link rel="modulepreload" href="/a/{tree}/{name}">' for name in preload)
    texts["index.html"] = texts["index.html"].replace("</head>", links + "</head>")
    files = [(name, texts[name].replace("@TREE@", tree).encode()) for name in names]
    sizes = {"own": 0, "first": 0, "vendor": 0}
    for name, raw in files:
        packed = gzip.compress(raw, 9, mtime=0)
        write(chosen.out / "files" / name, raw)
        write(chosen.out / "gz" / f"{name}.gz", packed)
        sizes["vendor" if name.startswith("vendor/") else "own"] += len(packed)
        if name in preload and not name.startswith("vendor/"):
            sizes["first"] += len(packed)
    write(chosen.out / "assets.S", assembler(names, tree, chosen.out.resolve()).encode())
    write(chosen.out / "assets.inc", table(files, tree).encode())
    assert sizes["first"] <= FIRST_LIMIT, f"the first paint: {sizes['first']} of {FIRST_LIMIT} bytes"
    assert sizes["own"] <= OWN_LIMIT, f"our pages: {sizes['own']} of {OWN_LIMIT} bytes"
    assert sizes["vendor"] <= VENDOR_LIMIT, f"libraries: {sizes['vendor']} of {VENDOR_LIMIT} bytes"
    print(f"pages: {sizes['own']} bytes of ours, {sizes['first']} of them at first, {sizes['vendor']} of libraries, tree {tree}")


if __name__ == "__main__":
    main()
