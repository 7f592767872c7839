#!/usr/bin/env bash
# Measures `logagent transfer`; prints Markdown tables.
#
#   bench/transfer.sh [--documents N] [--rounds N] [--only NAME] [--json FILE] ...
#
# All options are those of bench/transfer.py. Needs: tools/deps.sh build bench, and the servers of
# `tests/backends/backends fetch kafka opensearch`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
cmake --preset release >/dev/null
cmake --build build/release --target logagent logagent_sink >&2
exec python3 bench/transfer.py "$@"
