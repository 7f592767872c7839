#!/usr/bin/env bash
# Tests of the pages.
#
#   tests/ui/run.sh                  what needs no browser: texts, differences, merges
#   tests/ui/run.sh --binary FILE    and the pages of this program in Chromium, with etcd and agents
#   tests/ui/run.sh --binary FILE --images docs/images     and keeps pictures of the screens
#
# The libraries of the browser tests come by lock file into build/ui-tests. LOGAGENT_UI_DIR=ui shows the
# pages of the tree instead of those in the program; LOGAGENT_PATIENCE=4 waits longer on a slow machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

binary='' images=''
while (($#)); do
    case $1 in
        --binary) binary=${2:?--binary needs a FILE} && shift ;;
        --images) images=${2:?--images needs a DIRECTORY} && shift ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit ;;
        *) echo "run.sh: unknown option '$1'; allowed: --binary --images" >&2 && exit 2 ;;
    esac
    shift
done

node --test tests/ui/texts.test.mjs tests/ui/pure.test.mjs
[[ $binary ]] || exit 0

modules=build/ui-tests
if ! cmp -s ui/package-lock.json $modules/package-lock.json; then
    rm -rf $modules
    mkdir -p $modules
    cp ui/package.json ui/package-lock.json ui/.npmrc $modules/
    (cd $modules && npm ci --ignore-scripts --loglevel=error) || {
        rm -rf $modules # the next run begins anew
        exit 1
    }
fi
LOGAGENT_BINARY=$binary LOGAGENT_SCREENSHOTS=$images node --test --test-concurrency=2 --test-reporter=spec \
    tests/ui/{browser,screens,fleet,first_day,pictures}.test.mjs
