#!/usr/bin/env bash
# Measures the agent against a bare probe, kcat and rsyslog; prints a Markdown table.
#
#   bench/run.sh [--lines N] [--rounds N] [--codec C] [--key K] [--kafka ADDR] [--json FILE] ...
#
# All options are those of bench/measure.py. Needs: tools/deps.sh build bench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
cmake --preset release >/dev/null
cmake --build build/release --target logagent logagent_probe logagent_mock >&2
exec python3 bench/measure.py "$@"
