#!/usr/bin/env bash
# The hour mark: 200 files rotate and burst at once. Four ways to bring an hour of logs into Kafka, with
# CPU, load and network bytes once a second; prints a Markdown table and draws docs/images/hour-mark.svg.
#
#   bench/hour-mark.sh [--svg FILE] [--json FILE] [--files N] [--agent FILE] ...
#
# An hour is 60 seconds here. All options are those of bench/hour_mark.py. As root, or where users may have
# network namespaces, it runs in one of its own, so that only its own bytes are counted.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
if [[ " $* " != *" --agent "* ]]; then
    cmake --preset release >/dev/null
    cmake --build build/release --target logagent logagent_mock logagent_nodelay >&2
fi
own=()
for flags in -n -rn; do
    if unshare $flags true 2>/dev/null; then
        own=(unshare $flags bash -c 'ip link set lo up && exec "$0" "$@"')
        break
    fi
done
exec "${own[@]}" python3 bench/hour_mark.py "$@"
