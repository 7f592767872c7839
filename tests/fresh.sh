#!/usr/bin/env bash
# Proves that a bare Debian bookworm is enough: makes a minimal root with mmdebstrap, copies this
# checkout into it, runs tools/deps.sh, builds the release and tries it.
#
#   tests/fresh.sh                     dependencies, release build, a first try
#   tests/fresh.sh --all [OPTION]...   and then the README's two commands in there: the quickstart,
#                                      and tests/run.sh with these options
#
# Needs root and mmdebstrap. Mirrors, proxies and certificates are those of this machine: apt's come
# from its own configuration, those of npm and maven from the files and variables of this user. The
# root and its mounts are gone afterwards; KEEP=1 leaves the root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { echo "fresh: $*"; }

case ${1:-} in
    '' | --all) ;;
    *) say "unknown option '$1'; allowed: --all" && exit 2 ;;
esac
((EUID == 0)) || { say "needs root" && exit 1; }
# In a mount namespace of its own nothing stays mounted, however this script ends.
[[ ${FRESH_INSIDE:-} ]] || FRESH_INSIDE=yes exec unshare --mount --propagation private "$0" "$@"

root=$(mktemp -d "${TMPDIR:-/var/tmp}/logagent-fresh.XXXXXX")
chmod 755 "$root"
clean() {
    local status=$?
    umount -R "$root" 2>/dev/null || true
    if [[ ${KEEP:-} ]]; then
        say "kept: $root"
    elif ! mountpoint -q "$root"; then
        rm -rf --one-file-system "$root"
    fi
    exit "$status"
}
trap clean EXIT

# What apt itself uses for Debian on this machine, and how it gets there.
sources() {
    apt-get indextargets --format '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sed -n 's/^Debian|//p' | grep -E ' bookworm(-updates|-security)?(/updates)? ' | sort -u
}
settings() { apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' || true; }

sources >"$root.list"
settings >"$root.conf"
trap 'rm -f "$root.list" "$root.conf"; clean' EXIT
if [[ ! -s $root.list ]]; then
    say "apt of this machine has no source of Debian bookworm" && exit 1
fi
say "minimal root from $(wc -l <"$root.list") sources of this machine"
mmdebstrap --quiet --variant=minbase --aptopt="$root.conf" bookworm "$root" "$root.list"
say "$(chroot "$root" dpkg-query -W | wc -l) packages, $(du -sm "$root" | cut -f1) MB"

# The way to the registries: names, certificates, and what the clients are told.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
fi
for file in .npmrc .m2/settings.xml; do
    if [[ -f $HOME/$file ]]; then
        mkdir -p "$root/root/$(dirname "$file")"
        cp "$HOME/$file" "$root/root/$file"
    fi
done
pass=()
while IFS='=' read -r name _; do
    case ${name,,} in
        http_proxy | https_proxy | no_proxy | npm_config_* | maven_opts | maven_args | node_extra_ca_certs | ssl_cert_file)
            pass+=("$name=${!name}")
            ;;
    esac
done < <(env)

mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
# A clone, as a user has it, with what is not committed here on top.
git clone -q --depth 1 "file://$here" "$root/src"
git -C "$here" ls-files -z -co --exclude-standard |
    tar -C "$here" --null -T - --ignore-failed-read -c | tar -C "$root/src" -x

# As a container has it, in place of chroot, which forbids user namespaces and leaves no mount for "/".
enter='cd "$1" && shift && mkdir -p .outside && pivot_root . .outside && umount -l /.outside && exec "$@"'
inside() { # COMMAND...: in the root, with a clean environment
    unshare --mount --propagation private bash -euc "$enter" enter "$root" \
        env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}" "${pass[@]}" \
        bash -euo pipefail -c 'cd /src && "$@"' fresh "$@"
}

try() {
    local out=/tmp/records
    printf 'first line\nsecond line\n' >"$root/tmp/app.log"
    inside build/release/logagent version
    inside sh -c "build/release/logagent agent --file /tmp/app.log --topic demo --service try \
        --start start --output - --once >$out"
    [[ $(cut -f2 "$root$out" | tr '\n' ' ') == 'first line second line ' ]] || {
        say "the try printed something else: $(<"$root$out")"
        return 1
    }
    # Static: it runs in a root that holds nothing else.
    mkdir "$root/empty"
    cp "$root/src/build/release/logagent" "$root/empty/"
    chroot "$root/empty" /logagent version
}

began=$SECONDS
inside tools/deps.sh build
say "dependencies are there after $((SECONDS - began)) s"
inside cmake --preset release >/dev/null
inside cmake --build --preset release
say "built after $((SECONDS - began)) s"
try
if [[ ${1:-} == --all ]]; then
    inside examples/quickstart.sh
    inside tests/run.sh "${@:2}"
fi
say "good: $((SECONDS - began)) s in a bare root"
