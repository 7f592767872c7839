#!/usr/bin/env bash
# Where the time of a catch-up goes: samples by thread, and how many of them are in our own code.
#
#   bench/profile.sh [LINES]      3,000,000 lines unless told; full keys, no codec, mock broker
#
# Needs: tools/deps.sh build bench, and perf with hardware or software samples.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lines=${1:-3000000}
program=build/release/logagent
cmake --preset release >/dev/null
cmake --build build/release --target logagent >&2

dir=$(mktemp -d)
broker=
clean() {
    [[ ! $broker ]] || kill "$broker" 2>/dev/null || true
    rm -rf "$dir"
}
trap clean EXIT

seq "$lines" | sed 's|.*|10.0.0.1 - - [23/Nov/2026:23:11:00 +0000] "GET /item/& HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"|' >"$dir/access.log"
"$program" mock-kafka --topic profile:1 >"$dir/broker" 2>&1 &
broker=$!
for _ in $(seq 100); do
    address=$(grep -o '127\.0\.0\.1:[0-9]*' "$dir/broker" | head -n 1) && break
    sleep 0.1
done
perf record -q -g -F 999 -o "$dir/samples" "$program" agent --file "$dir/access.log" --topic profile \
    --start start --once --kafka "$address" --set kafka.compression.codec=none \
    --set state_dir="$dir/state" --set status_addr=off >"$dir/agent" 2>&1

share() { # SORT: "percent  name" lines
    perf report -i "$dir/samples" --no-children --stdio -g none --sort "$1" 2>/dev/null |
        sed -n 's/^ *\([0-9.]*\)%  *\(.*[^ ]\) *$/\1 \2/p'
}
echo "samples by thread, in percent"
share comm
echo "samples in functions of logagent itself, in percent (inlined library code included)"
share sym | awk '/logagent::/ {sum += $1} END {printf "%.1f\n", sum}'
echo "the ten first of all functions, in percent"
share sym | head -n 10
