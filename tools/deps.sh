#!/usr/bin/env bash
# Installs everything that building, testing and benchmarking logagent needs. Idempotent; the only
# script of the project that installs anything. Needs root for apt; the rest goes into a cache
# directory outside the tree.
#
#   tools/deps.sh [build] [test] [bench]      default: build test
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LOGAGENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/logagent}
rdkafka_version=2.15.1

build_packages=(
    ca-certificates ccache cmake g++ git make mold ninja-build pkg-config python3
    libboost1.81-dev libboost-filesystem1.81-dev libboost-json1.81-dev libboost-log1.81-dev
    libboost-thread1.81-dev libboost-url1.81-dev
    libc-ares-dev libcli11-dev libre2-dev libssl-dev libutfcpp-dev libxxhash-dev libzstd-dev
    zlib1g-dev catch2 librapidcheck-dev
)
test_packages=(
    clang-format curl etcd-client etcd-server kcat logrotate maven mmdebstrap nginx-light
    openjdk-17-jdk-headless openssl procps strace
)
bench_packages=(kcat rsyslog rsyslog-kafka time)

say() { echo "deps: $*" >&2; }

missing() { # PACKAGE...: those that are not installed
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            echo "$package"
    done
}

install_packages() {
    local wanted
    mapfile -t wanted < <(missing "$@")
    ((${#wanted[@]})) || return 0
    say "installing ${wanted[*]}"
    # A package that brings a service must not start it on the machine that builds.
    local policy=/usr/sbin/policy-rc.d own_policy=
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        own_policy=yes
    fi
    local status=0
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } \
        >&2 || status=$?
    [[ -z $own_policy ]] || rm -f "$policy"
    return "$status"
}

need_npm() { # the newer packages of nodejs bring npm along, Debian's does not
    command -v npm >/dev/null || install_packages nodejs npm
}

# librdkafka's whole source lies in Confluent's npm package, pinned by version and integrity hash in
# third_party/package-lock.json. Debian's 2.0.2 has bugs that lose an idempotent producer.
build_rdkafka() {
    local stamp prefix=$cache/librdkafka-$rdkafka_version work
    stamp=$(sha256sum <"$here/third_party/package-lock.json" | cut -c1-16)
    [[ -f $prefix/stamp && $(<"$prefix/stamp") == "$stamp" ]] && return
    need_npm
    say "building librdkafka $rdkafka_version (about a minute)"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/build.XXXXXX")
    cp "$here"/third_party/{package.json,package-lock.json,.npmrc} "$work"
    (
        cd "$work"
        npm ci --ignore-scripts >&2
        cd node_modules/@confluentinc/kafka-javascript/deps/librdkafka
        ./configure --prefix="$work/out" --disable-gssapi --disable-curl --enable-static \
            --disable-debug-symbols
        make -j"$(nproc)" -C src
        make -C src install
    ) >"$work/log" 2>&1 || {
        tail -n 30 "$work/log" >&2
        say "librdkafka did not build; the whole log is $work/log"
        return 1
    }
    rm -f "$work"/out/lib/*.so*
    cp "$work"/node_modules/@confluentinc/kafka-javascript/deps/librdkafka/LICENSES.txt "$work/out/"
    echo "$stamp" >"$work/out/stamp"
    rm -rf "$prefix"
    mv "$work/out" "$prefix"
    rm -rf "$work"
}

main() {
    local part
    (($#)) || set -- build test
    for part in "$@"; do
        case $part in
            build)
                install_packages "${build_packages[@]}"
                build_rdkafka
                ;;
            test)
                install_packages "${test_packages[@]}"
                "$here/tests/backends/backends" fetch kafka >&2
                ;;
            bench) install_packages "${bench_packages[@]}" ;;
            *)
                say "unknown part '$part'; allowed: build test bench"
                exit 2
                ;;
        esac
    done
}

main "$@"
