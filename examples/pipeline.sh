#!/usr/bin/env bash
# A line's whole way on one machine: written to a log file, collected by `logagent agent`, through a real
# Kafka, brought by `logagent transfer` into a real OpenSearch and a real HDFS, and found in both.
#
#   examples/pipeline.sh [--lines N]      default: 1000 lines, and one that is looked for
#
# Installs, builds and downloads what is missing (some minutes the first time). Needs 2 GB of memory.
# Everything listens on 127.0.0.1, lives in one temporary directory, and is gone afterwards.
set -euo pipefail

lines=1000
case ${1:-} in
    '') ;;
    --lines) lines=${2:?--lines needs a number} ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
[[ $lines =~ ^[0-9]{1,7}$ ]] || { echo "pipeline: --lines needs a number" >&2 && exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'
[[ -t 1 ]] || bold='' dim='' green='' plain=''
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# --- 1. install, build, clean up --------------------------------------------------------------------

logagent=${LOGAGENT:-$root/build/release/logagent}
backends=$root/tests/backends/backends
servers=(kafka opensearch hdfs)
work='' programs=()
clean() {
    trap '' INT TERM # once more Ctrl-C must not leave anything behind
    trap - EXIT
    local server program
    for program in "${programs[@]}"; do
        kill "$program" 2>/dev/null || true
    done
    [[ $work ]] || return 0
    for server in "${servers[@]}"; do
        "$backends" kill9 "$server" --dir "$work/$server" >/dev/null 2>&1 || true
    done
    for program in "${programs[@]}"; do
        kill -9 "$program" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
trap 'echo; clean; exit 130' INT TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/logagent-pipeline.XXXXXX")

failed() { echo "$1:" && tail -n 30 "${@:2}" && exit 1; }
quietly() { # WHAT COMMAND...
    printf '%-28s' "$1"
    local start=$SECONDS
    "${@:2}" >"$work/step.log" 2>&1 || failed 'failed' "$work/step.log"
    printf '%sdone%s %s%d s%s\n' "$green" "$plain" "$dim" $((SECONDS - start)) "$plain"
}
compile() { cmake --preset release && cmake --build --preset release --target logagent; }

heading 'logagent pipeline'
quietly 'packages and servers' tools/deps.sh build pipeline
[[ ${LOGAGENT:-} ]] || quietly 'build (minutes, once)' compile

# --- 2. the servers ---------------------------------------------------------------------------------

free_ports() { # COUNT: the first of so many
    local port at
    while port=$((20000 + RANDOM % 10000)); do
        for ((at = port; at < port + $1; at++)); do
            (: <>"/dev/tcp/127.0.0.1/$at") 2>/dev/null && continue 2
        done
        echo "$port" && return
    done
}
kafka_port=$(free_ports 3) search_port=$(free_ports 2) hdfs_port=$(free_ports 5)
server() { # NAME PORT
    "$backends" start "$1" --dir "$work/$1" --port-base "$2" --timeout 180
}
quietly 'Kafka' server kafka "$kafka_port"
quietly 'OpenSearch' server opensearch "$search_port"
quietly 'HDFS' server hdfs "$hdfs_port"
quietly 'topic web' "$backends" topic web --dir "$work/kafka" --partitions 3
kafka=127.0.0.1:$kafka_port search=http://127.0.0.1:$search_port hdfs=http://127.0.0.1:$hdfs_port

# --- 3. the agent and transfer ----------------------------------------------------------------------

log=$work/logs/access.log
mkdir "$work/logs" && : >"$log"
XDG_STATE_HOME=$work/agent "$logagent" agent --file "$log" --topic web --service shop --start start \
    --kafka "$kafka" --set status_addr=off >"$work/agent.log" 2>&1 &
programs+=($!)

status=127.0.0.1:$(free_ports 1)
cat >"$work/transfer.ini" <<INI
kafka_addr  = $kafka
state_dir   = $work/state
status_addr = $status

[sink.search]
type = elasticsearch
url  = $search

[sink.hadoop]
type = hdfs
url  = $hdfs

[route.search]
topics    = web
sink      = search
batch_age = 200
index     = logs-{service}-{yyyy.MM.dd}

[route.files]
topics   = web
sink     = hadoop
root     = /logs
roll_age = 2
INI
"$logagent" transfer -c "$work/transfer.ini" >"$work/transfer.log" 2>&1 &
programs+=($!)
ready() { [[ $(curl -s -o /dev/null -w '%{http_code}' "http://$status/readyz") == 200 ]]; }
for ((tries = 0; tries < 600; tries++)); do
    ready && break
    sleep 0.1
done
ready || failed 'transfer is not ready' "$work/transfer.log" "$work/agent.log"

heading 'Running'
cat <<RUNNING
  log file     $log
  agent        lines of it -> topic web of Kafka at $kafka
  transfer     topic web -> OpenSearch $search, index logs-shop-<day>
               topic web -> HDFS       $hdfs, files below /logs/web
               http://$status/status
RUNNING

# --- 4. a line is written, and looked for -----------------------------------------------------------

mark=needle-$RANDOM$RANDOM
found_by_search() {
    curl -s "$search/logs-shop-*/_search?q=message:%22$mark%22&filter_path=hits.hits._index,hits.hits._source" |
        grep -q "$mark"
}
entries() { # DIRECTORY: the names in it
    curl -s "$hdfs/webhdfs/v1$1?op=LISTSTATUS" | grep -o '"pathSuffix":"[^"]*"' | cut -d'"' -f4
}
found_in_file() {
    local day hour file
    for day in $(entries /logs/web); do
        for hour in $(entries "/logs/web/$day"); do
            for file in $(entries "/logs/web/$day/$hour"); do
                hdfs_file=/logs/web/$day/$hour/$file
                curl -sL "$hdfs/webhdfs/v1${hdfs_file//+/%2B}?op=OPEN" | grep -q "$mark" && return
            done
        done
    done
    return 1
}
now_ms() { date +%s%3N; }
for ((number = 1; number <= lines; number++)); do
    printf '%(%FT%T%z)T GET /cart/%d 200\n' -1 "$number"
done >>"$log"
began=$(now_ms)
printf '%(%FT%T%z)T GET /%s 200\n' -1 "$mark" >>"$log"

searched='' filed=''
for ((tries = 0; tries < 600; tries++)); do
    [[ $searched ]] || { found_by_search && searched=$(($(now_ms) - began)); }
    [[ $filed ]] || { found_in_file && filed=$(($(now_ms) - began)); }
    [[ $searched && $filed ]] && break
    sleep 0.1
done
[[ $searched && $filed ]] || failed 'the line did not arrive everywhere' "$work/agent.log" "$work/transfer.log"

heading 'Found'
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }
printf '  %sby a search of OpenSearch%s after %s\n' "$green" "$plain" "$(seconds "$searched")"
printf '    %s\n' "$(curl -s "$search/logs-shop-*/_search?q=message:%22$mark%22&filter_path=hits.hits._source")"
printf '  %sin a file of HDFS%s after %s\n' "$green" "$plain" "$(seconds "$filed")"
printf '    %s\n' "$hdfs_file"

all_searched() {
    curl -s -X POST "$search/logs-shop-*/_refresh" >/dev/null
    [[ $(curl -s "$search/logs-shop-*/_count?filter_path=count") == "{\"count\":$((lines + 1))}" ]]
}
for ((tries = 0; tries < 300; tries++)); do
    all_searched && break
    sleep 0.1
done
all_searched || failed "OpenSearch does not have $((lines + 1)) documents" "$work/transfer.log"
printf '  %sall %d lines are in OpenSearch, none twice%s\n' "$green" $((lines + 1)) "$plain"
