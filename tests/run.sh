#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   tests/run.sh                 everything of a usual change, about half an hour on 2 cores
#   tests/run.sh --quick         without sanitizers and with the short scenarios only
#   tests/run.sh --full          with long outages and soaks, and a build in a bare Debian root
#   tests/run.sh --only PATTERN  unit tests and scenarios whose name has PATTERN
#
# Logs go to build/test-logs/. The last lines name every skipped test with its reason, then
# "N passed, N failed, N skipped". CI=true turns a skip into a failure.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

quick='' full='' only=()
while (($#)); do
    case $1 in
        --quick) quick=yes ;;
        --full) full=yes ;;
        --only) only+=("${2:?--only needs a PATTERN}") && shift ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit ;;
        *) echo "run.sh: unknown option '$1'; allowed: --quick --full --only PATTERN" >&2 && exit 2 ;;
    esac
    shift
done

logs=build/test-logs
results=$logs/results.tsv
rm -rf "$logs"
mkdir -p "$logs"
began=$SECONDS

say() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }
record() { tests/results.py add "$results" "$@"; }

# stage NAME OUTCOME_IF_GOOD COMMAND...: one command, its output in a log, one line in the results.
stage() {
    local name=$1 good=$2 log start=$SECONDS
    shift 2
    log=$logs/${name// /-}.log
    if "$@" >"$log" 2>&1 </dev/null; then
        record "$name" "$good" $((SECONDS - start)) "$name"
        say "$name: good"
        return 0
    fi
    record "$name" failed $((SECONDS - start)) "$name" "see $log"
    say "$name: FAILED, the end of $log:"
    tail -n 40 "$log"
    return 1
}

build() { # PRESET TARGET...
    local preset=$1
    shift
    cmake --preset "$preset" -DLOGAGENT_WERROR=ON && cmake --build --preset "$preset" --target "$@"
}

check_format() {
    local files
    mapfile -t files < <(git ls-files '*.hpp' '*.cpp')
    ((${#files[@]})) || return 1
    clang-format --dry-run -Werror "${files[@]}" && echo "${#files[@]} files"
}

check_scripts() {
    local script
    for script in $(git ls-files '*.sh' tests/backends/backends .ci/run); do
        bash -n "$script" || return 1
    done
    git ls-files '*.py' | xargs python3 -c '
import ast, sys
for path in sys.argv[1:]: ast.parse(open(path, encoding="utf-8").read(), path)'
}

packages() { # the static binary, units, containers, the Debian package
    ((${#only[@]})) || stage packages passed tests/packaging/run.py --binary build/release/logagent ${full:+--full}
}

fuzzers() { # clang takes the preset's own flags, so LOGAGENT_WERROR stays off
    ((${#only[@]})) && return
    stage 'build fuzz' built bash -c 'cmake --preset fuzz && cmake --build --preset fuzz' &&
        stage fuzz passed tests/fuzz/run.sh "$1"
}

pages() { # the browser's part is short; without Chromium it fails, and says what to install
    ((${#only[@]})) || stage pages passed tests/ui/run.sh --binary build/release/logagent
}

check_layers() { tests/layers.py --self-test && tests/layers.py; }

unit() { # STAGE PRESET: one half of the tests on each core
    local name=$1 program=build/$2/logagent_tests halves=$logs/${1// /-} filter=() half running=() code=0
    if [[ ! -x $program ]]; then
        record "$name" failed 0 "$name" "not run: the program was not built"
        return 1
    fi
    if ((${#only[@]})); then filter=("$(printf '~[.]*%s*,' "${only[@]}")"); fi
    # Names, one a line; what has a meaning in a filter is escaped. Hidden ones are parts of others.
    "$program" --list-test-names-only "${filter[@]}" 2>&1 | sed 's/[][\\,"]/\\&/g' |
        awk -v out="$halves" '{ print > (out "-" NR % 2 + 1 ".names") }'
    for half in "$halves"-[12].names; do
        [[ -f $half ]] || continue
        unit_half "$name" "$program" "${half%.names}" &
        running+=($!)
    done
    if ! ((${#running[@]})); then
        ((${#only[@]})) && say "$name: no test matches" && return
        record "$name" failed 0 "$name" "the program lists no test"
        return 1
    fi
    for half in "${running[@]}"; do wait "$half" || code=1; done
    ((code)) || say "$name: good"
    return $code
}

unit_half() { # STAGE PROGRAM LOG_WITHOUT_SUFFIX
    local log=$3 code=0
    "$2" -r xml -d yes -f "$log.names" -o "$log.xml" >"$log.log" 2>&1 </dev/null || code=$?
    tests/results.py catch2 "$results" "$1" "$log.xml" $code && return
    say "$1: FAILED, see $log.xml and the end of $log.log:"
    tail -n 20 "$log.log"
    return 1
}

# Random programs of writers, rotations, crashes and broker errors against a model (tests/model).
model() { # STAGE PRESET PROGRAMS [SEED]
    ((${#only[@]})) && return
    stage "$1" passed env LOGAGENT_MODEL_PROGRAMS="$3" LOGAGENT_MODEL_SEED="${4:-1}" "build/$2/logagent_model"
}

scenarios() { # STAGE PRESET OPTION...
    local name=$1 binary=build/$2/logagent log=$logs/${1// /-}.log options=("${@:3}") pattern
    if [[ ! -x $binary ]]; then
        record "$name" failed 0 "$name" "not run: $binary was not built"
        return 1
    fi
    for pattern in "${only[@]}"; do options+=(--only "$pattern"); done
    if tests/e2e/run.py --binary "$binary" --results "$results" --stage "$name" "${options[@]}" \
        >"$log" 2>&1 </dev/null; then
        say "$name: $(tail -n 1 "$log")"
    else
        say "$name: $(tail -n 1 "$log"); failures in $log:"
        grep -A 40 '^FAILED' "$log" | head -n 200
        return 1
    fi
}

# A cold compiler cache and two cores decide the time: there is one build for what ships and one, with
# sanitizers, for the rest, which runs politely beside those tests that mostly wait; what measures time
# runs alone, afterwards.
main() {
    stage dependencies built tools/deps.sh build || return
    # Without a server its tests are skipped, each with the reason, and everything else still runs.
    tools/deps.sh test >"$logs/servers.log" 2>&1 ||
        say "not everything for the tests could be had: $(tail -n 1 "$logs/servers.log")"
    [[ ! $full ]] || tools/deps.sh full >>"$logs/servers.log" 2>&1 ||
        say "not everything for --full could be had: $(tail -n 1 "$logs/servers.log")"
    stage layers passed check_layers
    if command -v clang-format >/dev/null; then
        stage format passed check_format
    else
        record format skipped 0 format 'clang-format is not installed'
    fi
    stage scripts passed check_scripts
    stage 'build release' built build release logagent package_files
    if [[ $quick ]]; then
        stage 'build debug' built build debug logagent logagent_tests logagent_model
        unit 'unit' debug
        model 'model' debug 10000
        scenarios 'e2e' release --short
        pages
        packages
        documents
        return
    fi
    local asan
    (stage 'build asan' built nice -n 15 bash -c "$(declare -f build); build asan logagent logagent_tests logagent_model") &
    asan=$!
    scenarios 'e2e' release --part beside ${full:+--full}
    pages
    packages
    documents
    wait "$asan"
    unit 'unit asan' asan
    # 10,000 programs, as two halves at once.
    local half
    model 'model asan' asan 5000 1 &
    half=$!
    model 'model asan 2' asan 5000 2
    wait "$half"
    scenarios 'e2e alone' release --part alone ${full:+--full}
    local fuzzing
    if [[ $full ]]; then fuzzers 60; else fuzzers 5; fi &
    fuzzing=$!
    LOGAGENT_TEST_PATIENCE=4 scenarios 'e2e asan' asan --short
    wait "$fuzzing"
    [[ $full ]] || return
    stage 'build debug' built build debug logagent logagent_tests logagent_model
    unit 'unit debug' debug
    model 'model anew' debug 50000 "$(date +%s)"
    stage 'bare Debian' passed tests/fresh.sh
}

documents() {
    ((${#only[@]})) || stage documents passed tests/documents.py --binary build/release/logagent
}

trap 'kill $(jobs -p) 2>/dev/null' EXIT
main
say "logs are in $logs"
tests/results.py table "$results"
