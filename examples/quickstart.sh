#!/usr/bin/env bash
# The whole of logagent on one machine in half a minute: etcd holds the targets, a sample service
# writes logs, the agent ships them to an embedded broker, and you watch them arrive.
#
#   examples/quickstart.sh [--seconds N]      default: 30; Ctrl-C ends it earlier
#
# Installs and builds what is missing (some minutes the first time). Everything listens on 127.0.0.1,
# lives in one temporary directory, and is gone afterwards.
set -euo pipefail

seconds=30
case ${1:-} in
    '') ;;
    --seconds) seconds=${2:?--seconds needs a number} ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
[[ $seconds =~ ^[0-9]+$ ]] && ((seconds >= 10)) || { echo "quickstart: --seconds needs 10 or more" >&2 && exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
[[ -t 1 ]] || bold='' dim='' green='' yellow='' plain=''
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# --- 1. install and build ---------------------------------------------------------------------------

logagent=${LOGAGENT:-$root/build/release/logagent}
work=''
clean() {
    trap '' INT TERM # once more Ctrl-C must not leave anything behind
    trap - EXIT
    local tries
    kill $(jobs -p) 2>/dev/null || true
    for ((tries = 0; tries < 50; tries++)); do # 5 s, then by force
        [[ $(jobs -pr) ]] || break
        sleep 0.1
    done
    kill -9 $(jobs -pr) 2>/dev/null || true
    wait 2>/dev/null || true
    [[ ! $work ]] || rm -rf "$work"
}
trap clean EXIT
trap 'echo; clean; exit 130' INT TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/logagent-quickstart.XXXXXX")

quietly() { # WHAT COMMAND...
    printf '%-28s' "$1"
    local start=$SECONDS
    "${@:2}" >"$work/step.log" 2>&1 || { echo "failed:" && tail -n 30 "$work/step.log" && exit 1; }
    printf '%sdone%s %s%d s%s\n' "$green" "$plain" "$dim" $((SECONDS - start)) "$plain"
}
compile() { cmake --preset release && cmake --build --preset release; }
heading 'logagent quickstart'
quietly 'dependencies' tools/deps.sh build quickstart
[[ ${LOGAGENT:-} ]] || quietly 'build (minutes, once)' compile

# --- 2. etcd, a broker, and targets for this host ---------------------------------------------------

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}
await() { # SECONDS WHAT COMMAND...
    local until=$((SECONDS + $1))
    until "${@:3}" >/dev/null 2>&1; do
        ((SECONDS < until)) || { echo "quickstart: $2 did not come up:"; tail -n 5 "$work"/*.log 2>/dev/null; exit 1; }
        sleep 0.1
    done
}

client=http://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port)
etcd --name quickstart --data-dir "$work/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "quickstart=$peer" \
    >"$work/etcd.log" 2>&1 &
etcdctl() { ETCDCTL_API=3 command etcdctl --endpoints "$client" "$@" >/dev/null; }
await 20 etcd etcdctl endpoint health

"$logagent" mock-kafka --topic web:3 --topic debug:1 >"$work/broker" 2>"$work/broker.log" &
await 10 'the broker' grep -q '^bootstrap=' "$work/broker"
broker=$(sed -n 's/^bootstrap=//p' "$work/broker")

mkdir "$work/logs"
access=$work/logs/access.log debug=$work/logs/debug.log key=/logagent/10.0.0.1/logconfig held=300
targets() { # SEND_RATE_OF_DEBUG
    etcdctl put "$key" '[
  {"service": "shop", "log_path": "'"$access"'", "topic": "web"},
  {"service": "shop", "log_path": "'"$debug"'", "topic": "debug", "send_rate": '"$1"'}
]'
}
targets $held
status_addr=127.0.0.1:$(free_port)
cat >"$work/agent.ini" <<INI
etcd_addr      = ${client#http://}
etcd_timeout   = 5
etcd_watch_key = /logagent/%s/logconfig     # %s = the address of the host
kafka_addr     = $broker
log            = $work/agent.log
level          = info
ips            = 10.0.0.1
state_dir      = $work/state
status_addr    = $status_addr
allow_paths    = $work/logs
INI
"$logagent" agent -c "$work/agent.ini" 2>"$work/agent.err" &
agent=$!
applied() { curl -sf "http://$status_addr/status" | grep -Eq '"state": ?"applied"'; }
await 15 'the agent' applied # before the service writes: what exists by then is not collected

heading 'Running'
cat <<RUNNING
  etcd     $client      key $key
             access.log -> topic web      no limit
             debug.log  -> topic debug    send_rate $held lines/s
  broker   $broker (embedded)
  agent    http://$status_addr/status
RUNNING

# --- 3. a service writes, two consumers count -------------------------------------------------------

serve() { # FILE LINES_A_TENTH TEXT: appends to FILE.written, too, which nobody collects
    local number=0 at
    while sleep 0.1; do
        for ((at = 0; at < $2; at++)); do
            printf '%(%FT%T)T %s %d\n' -1 "$3" $((++number))
        done | tee -a "$1.written" >>"$1"
    done
}
serve "$access" 20 'GET /cart 200 customer' &
writers=($!)
serve "$debug" 100 'DEBUG cache miss' &
writers+=($!)
for topic in web debug; do
    kcat -q -u -b "$broker" -C -t $topic -o beginning -f '%k\t%s\n' >"$work/$topic" 2>"$work/$topic.err" &
done

lines_of() { if [[ -f $1 ]]; then wc -l <"$1"; else echo 0; fi; }
throttled() {
    curl -sf "http://$status_addr/status" | python3 -c '
import json, sys
for file in json.load(sys.stdin)["files"]:
    if file["topic"] == "debug":
        print(file["state"], "%.1f" % file["throttled_seconds"])'
}
began=$SECONDS rotated='' lifted=''
row() {
    local state held_for
    read -r state held_for < <(throttled) || state='' held_for=0
    printf '  %3d s %10d %9d %13d %9d   %s%s%s %s s\n' $((SECONDS - began)) "$(lines_of "$access.written")" \
        "$(lines_of "$work/web")" "$(lines_of "$debug.written")" "$(lines_of "$work/debug")" \
        "$yellow" "$state" "$plain" "$held_for"
}
heading 'Lines            access.log              debug.log'
printf '  %s  time    written  in Kafka       written  in Kafka   held back%s\n' "$dim" "$plain"
while ((SECONDS - began < seconds)); do
    sleep 2
    kill -0 $agent 2>/dev/null || { echo 'the agent ended:' && tail -n 5 "$work/agent.log" "$work/agent.err" && exit 1; }
    row
    if [[ ! $rotated ]] && ((SECONDS - began >= seconds / 3)); then
        mv "$access" "$access.1"
        echo "        access.log was rotated, as logrotate does it"
        rotated=yes
    fi
    if [[ ! $lifted ]] && ((SECONDS - began >= 2 * seconds / 3)); then
        targets 0
        echo "        send_rate of debug.log was set to 0 in etcd"
        lifted=yes
    fi
done

# --- 4. the service stops; is everything there? -----------------------------------------------------

kill "${writers[@]}" && wait "${writers[@]}" 2>/dev/null || true
complete() {
    [[ $(lines_of "$access.written") == "$(lines_of "$work/web")" &&
        $(lines_of "$debug.written") == "$(lines_of "$work/debug")" ]]
}
for ((tries = 0; tries < 100; tries++)); do
    complete && break
    sleep 0.1
done
row
heading 'One record: its key is [host, service, path, generation, start, end], its value the line'
IFS=$'\t' read -r record_key value <"$work/web"
printf '  %s\n  %s\n' "$record_key" "$value"

heading 'What logagent status says'
"$logagent" status --addr "$status_addr" | sed "s|$work/||g; s/^/  /"

result=0
heading 'Result'
for pair in "access.log web" "debug.log debug"; do
    read -r file topic <<<"$pair"
    if cmp -s <(sort "$work/logs/$file.written") <(cut -f2- "$work/$topic" | sort); then
        printf '  %s%-10s %d lines written, all of them in Kafka, none twice%s\n' "$green" "$file" \
            "$(lines_of "$work/logs/$file.written")" "$plain"
    else
        printf '  %-10s %d lines written, %d in Kafka: they differ\n' "$file" \
            "$(lines_of "$work/logs/$file.written")" "$(lines_of "$work/$topic")"
        result=1
    fi
done
exit $result
