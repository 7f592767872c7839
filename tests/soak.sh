#!/usr/bin/env bash
# Everything at once against real Kafka and etcd: writers, all kinds of rotation, kill -9, outages and
# changes of configuration, mixed by a seed. Ends with what happened, and 0 if nothing was lost or torn.
#
#   tests/soak.sh [SECONDS] [SEED]        default: 60 seconds and a random seed, which is printed
#
# LOGAGENT_BINARY=PATH takes another program than build/release/logagent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-60} in
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit ;;
    *[!0-9]*) echo "soak.sh: SECONDS is a number, not '$1'" >&2 && exit 2 ;;
esac
export LOGAGENT_SOAK_SECONDS=${1:-60} LOGAGENT_SOAK_SEED=${2:-}
exec python3 tests/e2e/run.py --binary "${LOGAGENT_BINARY:-build/release/logagent}" --only 'soak: '
