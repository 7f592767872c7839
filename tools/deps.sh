#!/usr/bin/env bash
# Installs everything that building, testing and benchmarking logagent needs. Idempotent; the only
# script of the project that installs anything. Debian packages need root or sudo; the rest goes into
# a cache directory outside the tree.
#
#   tools/deps.sh [build] [test] [full] [quickstart] [pipeline] [bench]      default: build test
#
# Downloads come from the Debian, npm and Maven registries that this machine's clients are set up for.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LOGAGENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/logagent}
rdkafka_version=2.15.1

build_packages=(
    ca-certificates ccache cmake g++ git make mold ninja-build pkg-config python3
    libboost1.81-dev libboost-filesystem1.81-dev libboost-json1.81-dev libboost-log1.81-dev
    libboost-thread1.81-dev libboost-url1.81-dev
    libc-ares-dev libcli11-dev libre2-dev libseccomp-dev libssl-dev libutfcpp-dev libxxhash-dev libzstd-dev
    zlib1g-dev catch2 librapidcheck-dev
)
test_packages=(
    chromium-headless-shell clang-16 clang-format curl etcd-client etcd-server kcat libclang-rt-16-dev lintian logrotate
    man-db maven mmdebstrap nginx-light openjdk-17-jdk-headless openssl procps python3
    python3-prometheus-client python3-venv python3-yaml strace systemd
    util-linux zsh zstd
)
quickstart_packages=(curl etcd-client etcd-server kcat python3)
pipeline_packages=(curl maven openjdk-17-jdk-headless openssl)
bench_packages=(kcat rsyslog rsyslog-kafka time)
# Debian does not let rsyslog and syslog-ng be installed side by side, so this one is only unpacked.
syslog_ng_packages=(libivykis0 libnet1 libpcre3 libwrap0 syslog-ng-core syslog-ng-mod-rdkafka)

say() { echo "deps: $*" >&2; }

missing() { # PACKAGE...: those that are not installed
    comm -13 <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' | sort -u) <(printf '%s\n' "$@" | sort -u)
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "needs root or sudo for: $*"
        return 1
    fi
}

apt() { # silent unless it fails
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

install_packages() {
    local wanted
    mapfile -t wanted < <(missing "$@")
    ((${#wanted[@]})) || return 0
    say "installing ${wanted[*]}"
    # A package that brings a service must not start it on the machine that builds.
    local policy=/usr/sbin/policy-rc.d own_policy= status=0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        own_policy=yes
    fi
    { apt update && apt install -y --no-install-recommends "${wanted[@]}"; } || status=$?
    [[ -z $own_policy ]] || as_root rm -f "$policy"
    ((status == 0)) || say "apt-get could not install all of: ${wanted[*]}"
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
    mkdir -p "$cache"
    exec 9>"$cache/lock" # two runs at once: the second one finds the work done
    flock 9
    [[ -f $prefix/stamp && $(<"$prefix/stamp") == "$stamp" ]] && return
    need_npm
    say "building librdkafka $rdkafka_version (about a minute)"
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

# The API tests' only Python package that Debian does not have. Without it they are skipped.
schemathesis_version=4.32.5
install_schemathesis() {
    local venv=$cache/schemathesis-$schemathesis_version
    [[ -x $venv/bin/schemathesis ]] && return
    say "installing schemathesis $schemathesis_version"
    rm -rf "$venv"
    { python3 -m venv "$venv" && "$venv/bin/pip" install -q "schemathesis==$schemathesis_version"; } >&2 || {
        rm -rf "$venv"
        say "schemathesis could not be installed; the test that needs it will be skipped"
    }
}

unpack_syslog_ng() {
    local prefix=$cache/syslog-ng work package
    [[ -x $prefix/usr/sbin/syslog-ng ]] && return
    say "unpacking syslog-ng"
    work=$(mktemp -d "$cache/syslog-ng.XXXXXX")
    if (
        cd "$work"
        apt-get -qq download "${syslog_ng_packages[@]}"
        for package in *.deb; do dpkg -x "$package" root; done
    ) >&2; then
        rm -rf "$prefix"
        mv "$work/root" "$prefix"
    else
        say "syslog-ng could not be had; the benchmark leaves it out"
    fi
    rm -rf "$work"
}

main() {
    local part
    (($#)) || set -- build test
    for part in "$@"; do
        case $part in
            build)
                install_packages "${build_packages[@]}"
                need_npm # for the libraries of the pages
                build_rdkafka
                ;;
            test)
                install_packages "${test_packages[@]}"
                "$here/tests/backends/backends" fetch kafka opensearch hdfs storm >&2
                install_schemathesis
                ;;
            full) "$here/tests/backends/backends" fetch elasticsearch storm1 >&2 ;; # what only run.sh --full needs
            pipeline)
                install_packages "${pipeline_packages[@]}"
                "$here/tests/backends/backends" fetch kafka opensearch hdfs >&2
                ;;
            quickstart) install_packages "${quickstart_packages[@]}" ;;
            bench)
                install_packages "${bench_packages[@]}"
                mkdir -p "$cache"
                unpack_syslog_ng
                ;;
            *)
                say "unknown part '$part'; allowed: build test full quickstart pipeline bench"
                exit 2
                ;;
        esac
    done
}

main "$@"
