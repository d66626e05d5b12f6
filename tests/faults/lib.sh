# Functions that run the fault proxy beside a control plane of tests/cluster; to be sourced by bash after its lib.sh.
# shellcheck shell=bash

faults_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! declare -F cluster_spawn >/dev/null; then
    # shellcheck source=tests/cluster/lib.sh
    . "$faults_here/../cluster/lib.sh"
fi
# shellcheck source=tests/cluster/certificates.sh
. "$faults_here/../cluster/certificates.sh"

# faults_certificate CLUSTER_DIR FOLDER NAME: a server certificate for the proxy, signed by the cluster's authority.
faults_certificate() {
    cp "$1/pki/ca.crt" "$1/pki/ca.key" "$2/"
    certificates_issue "$2" "$3" /CN=fault-proxy \
        "extendedKeyUsage=serverAuth"$'\n'"subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:apiserver.test"
    rm "$2/ca.key"
}

# faults_start CLUSTER_DIR [NAME [OPTION...]]: starts a proxy (NAME, default "faults"; several may run at once) in front of
# the control plane that start.sh started in CLUSTER_DIR, and chooses it. OPTIONs go to the proxy (--seed 7).
faults_start() {
    local cluster=$1 name=${2:-faults} folder upstream
    shift $(($# < 2 ? $# : 2))
    folder=$(cd "$cluster" && pwd)/faults-$name
    FAULTS_PROGRAMS=$("$faults_here/build.sh")
    rm -rf "$folder"
    (umask 077 && mkdir -p "$folder/logs" "$folder/pids")
    faults_certificate "$cluster" "$folder" server
    # shellcheck source=/dev/null disable=SC2153
    upstream=$(. "$cluster/env" && printf '%s' "$SERVER")
    cluster_spawn "$folder" fault-proxy "$FAULTS_PROGRAMS/fault-proxy" --upstream "$upstream" \
        --upstream-ca "$folder/ca.crt" --listen 127.0.0.1:0 --certificate "$folder/server.crt" \
        --key "$folder/server.key" --control "$folder/control" --log "$folder/logs/faults.log" "$@"
    if ! wait_for 10 "! cluster_runs '$folder' fault-proxy || grep -q '^127' '$folder/logs/fault-proxy.log'" ||
        ! cluster_runs "$folder" fault-proxy; then
        cluster_say "fault proxy: did not start: $(tail -n 3 "$folder/logs/fault-proxy.log")"
        return 1
    fi
    FAULTS_CLUSTER=$(dirname "$folder")
    faults_use "$name"
}

# faults_use NAME: that proxy is the one that the other functions talk to.
# Sets FAULTS_SERVER (https://127.0.0.1:PORT), FAULTS_CONTROL, FAULTS_DIRECTORY and FAULTS_CA.
faults_use() {
    FAULTS_DIRECTORY=$FAULTS_CLUSTER/faults-$1
    FAULTS_CONTROL=$FAULTS_DIRECTORY/control
    FAULTS_CA=$FAULTS_DIRECTORY/ca.crt
    FAULTS_SERVER=https://$(head -n 1 "$FAULTS_DIRECTORY/logs/fault-proxy.log")
    export FAULTS_SERVER FAULTS_CONTROL FAULTS_DIRECTORY FAULTS_CA
}

faults_ctl() { "$FAULTS_PROGRAMS/fault-proxy" ctl --control "$FAULTS_CONTROL" "$@"; }

# faults_rule JSON: adds a rule, prints its id.
faults_rule() {
    local answer
    answer=$(faults_ctl add "$1") && jq -r .id <<<"$answer"
}

# faults_clear: no rule is left, nothing is stalled, refused or closed.
faults_clear() { faults_ctl clear >/dev/null && faults_ctl act calm >/dev/null; }

# faults_counts [FILTER]: the counts, or what a jq filter takes from them.
faults_counts() { faults_ctl counts | jq -r "${1:-.}"; }

# faults_act NAME [KEY=VALUE...] or faults_act JSON.
faults_act() { faults_ctl act "$@"; }

# faults_kubeconfig TOKEN FILE: how our programs reach the API server through the proxy. TOKEN may be a file with it.
faults_kubeconfig() {
    local credential
    if [ -f "$1" ]; then credential="tokenFile: $(realpath "$1")"; else credential="token: $1"; fi
    (umask 077 && cat >"$2") <<END_OF_CONFIG
apiVersion: v1
kind: Config
clusters:
- name: faults
  cluster: {server: "$FAULTS_SERVER", certificate-authority: "$FAULTS_CA"}
users:
- name: faults
  user: {$credential}
contexts:
- name: faults
  context: {cluster: faults, user: faults}
current-context: faults
END_OF_CONFIG
}

# faults_stop [NAME]: ends that proxy (default: the chosen one); its folder stays, with the log.
faults_stop() {
    local folder=$FAULTS_DIRECTORY
    [ $# -gt 0 ] && folder=$FAULTS_CLUSTER/faults-$1
    cluster_stop "$folder" fault-proxy
}
