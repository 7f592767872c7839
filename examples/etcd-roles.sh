#!/usr/bin/env bash
# Users and roles in etcd for logagent, so that a stolen agent password opens as little as possible.
#
#   etcd-roles.sh web              a user `logagent-web` that may do everything below the prefix
#   etcd-roles.sh agents           one user `logagent-agent` for all agents
#   etcd-roles.sh agent HOST IP... a user `logagent-agent-HOST` of its own for one agent
#   etcd-roles.sh transfer       a user `logagent-transfer` for all processes of transfer
#   etcd-roles.sh enable           turns authentication on; needs a user `root` with the role root
#   etcd-roles.sh check USER:PASSWORD   shows what that user may not do
#
# Passwords are read from standard input, one line. ETCDCTL_ENDPOINTS, ETCDCTL_USER and the like are
# etcdctl's own. PREFIX is /logagent/ unless it is set.
#
# What an agent may do:
#   read   its key, <PREFIX><IP>/logconfig      (with `agents`: the keys of all agents)
#   read   its commands, <PREFIX>_cmd/<host>/   (with `agent` it also writes them: an agent keeps a
#                                                command that it has accepted alive by its lease)
#   write  <PREFIX>_status/<host> and <PREFIX>_result/<host>/
# What transfer may do: read <PREFIX>_transfer/routes/, and write <PREFIX>_transfer/status/ where each
# process shows itself.
# Nothing else: neither tokens, nor definitions, nor the audit, all of which lie below <PREFIX>_meta.
set -euo pipefail
export ETCDCTL_API=3
prefix=${PREFIX:-/logagent/}

die() {
    echo "etcd-roles.sh: $*" >&2
    exit 1
}

# The first key behind all that begin with $1.
behind() {
    local last=${1: -1}
    printf '%s%b' "${1%?}" "\\x$(printf '%x' $(($(printf '%d' "'$last") + 1)))"
}

# grant ROLE KIND FIRST [END]
grant() {
    etcdctl role grant-permission "$1" "$2" "$3" ${4:+"$4"} >/dev/null
}

grant_below() {
    grant "$1" "$2" "$3" "$(behind "$3")"
}

new_role() {
    etcdctl role get "$1" >/dev/null 2>&1 || etcdctl role add "$1" >/dev/null
}

new_user() {
    local user=$1 role=$2 password
    IFS= read -r password || die "a password is needed on standard input"
    ((${#password} >= 8)) || die "the password has less than 8 characters"
    if etcdctl user get "$user" >/dev/null 2>&1; then
        etcdctl user passwd --interactive=false "$user" <<<"$password" >/dev/null
    else
        etcdctl user add --interactive=false "$user" <<<"$password" >/dev/null
    fi
    etcdctl user grant-role "$user" "$role" >/dev/null
    echo "user $user with role $role"
}

web() {
    new_role logagent-web
    grant_below logagent-web readwrite "$prefix"
    new_user logagent-web logagent-web
}

agents() {
    new_role logagent-agent
    # Addresses begin with a digit or one of a-f; what begins with _ is ours.
    grant logagent-agent read "${prefix}0" "${prefix}_"
    grant logagent-agent read "${prefix}a" "${prefix}g"
    grant_below logagent-agent read "${prefix}_cmd/"
    grant_below logagent-agent readwrite "${prefix}_status/"
    grant_below logagent-agent readwrite "${prefix}_result/"
    new_user logagent-agent logagent-agent
}

agent() {
    local host=$1 role=logagent-agent-$1 ip
    shift
    (($#)) || die "which addresses does $host have?"
    new_role "$role"
    for ip in "$@"; do
        grant_below "$role" read "$prefix$ip/"
    done
    grant_below "$role" readwrite "${prefix}_cmd/$host/"
    grant_below "$role" readwrite "${prefix}_result/$host/"
    grant "$role" readwrite "${prefix}_status/$host"
    # Where another agent has the same name it reports as <host>~<8 digits>.
    grant_below "$role" readwrite "${prefix}_status/$host~"
    new_user "$role" "$role"
}

transfer() {
    new_role logagent-transfer
    grant_below logagent-transfer read "${prefix}_transfer/routes/"
    grant_below logagent-transfer readwrite "${prefix}_transfer/status/"
    new_user logagent-transfer logagent-transfer
}

# Each of these must fail.
check() {
    local user=$1 failed=0 key
    for key in _meta/tokens/ _meta/services/ _meta/audit/; do
        if ETCDCTL_USER=$user etcdctl get --prefix "$prefix$key" >/dev/null 2>&1; then
            echo "may read $prefix$key"
            failed=1
        fi
    done
    for key in 10.0.0.1/logconfig _meta/tokens/x; do
        # The condition never holds, so nothing is written even where it is allowed.
        if printf 'version("%s") < "0"\n\nput %s x\n\n\n' "$prefix$key" "$prefix$key" |
            ETCDCTL_USER=$user etcdctl txn >/dev/null 2>&1; then
            echo "may write $prefix$key"
            failed=1
        fi
    done
    ((failed)) || echo "may neither read what is below ${prefix}_meta nor write a configuration"
    return "$failed"
}

case ${1:-} in
    web | agents | transfer) "$1" ;;
    agent) shift && (($#)) || die "which host?"; agent "$@" ;;
    enable) etcdctl auth enable ;;
    check) check "${2:?USER:PASSWORD}" ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
