#!/usr/bin/env bash
# Lets every fuzzer run for some seconds, from the committed corpus. What it finds lies in
# build/fuzz/findings/; new inputs that reach more code are kept in build/fuzz/corpus/.
#
#   tests/fuzz/run.sh [SECONDS]      5 each unless told; needs `cmake --build --preset fuzz`
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=${1:-5}
[[ $seconds =~ ^[0-9]+$ ]] || { echo "fuzz: '$seconds' are no seconds" >&2 && exit 2; }
shopt -s nullglob
programs=(build/fuzz/tests/fuzz/fuzz_*)
mapfile -t programs < <(printf '%s\n' "${programs[@]}" | grep -v '\.a$')
((${#programs[@]})) || { echo "fuzz: nothing is built; cmake --preset fuzz && cmake --build --preset fuzz" >&2 && exit 1; }

failed=0
for program in "${programs[@]}"; do
    name=${program##*/fuzz_}
    work=build/fuzz/corpus/$name findings=build/fuzz/findings/$name-
    mkdir -p "$work" build/fuzz/findings
    log=build/fuzz/$name.log
    # UTF-8 and JSON are mostly short; a limit keeps the inputs many. malloc_limit finds sizes that are believed.
    if "$program" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 \
        -artifact_prefix="$findings" -print_final_stats=1 "$work" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        printf '%-14s %s executions, no finding\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")"
    else
        printf '%-14s FAILED, the end of %s:\n' "$name" "$log"
        tail -n 30 "$log"
        failed=1
    fi
done
exit $failed
