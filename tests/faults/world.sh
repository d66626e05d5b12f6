# A world for the fault cases: a real control plane with the operator's manifests, no kubelets, and for each case a
# namespace, two nodes, a fault proxy and an operator of its own, as a process. To be sourced by bash.
# shellcheck shell=bash

world_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$world_here/../.." && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$root/tests/cluster/lib.sh"
# shellcheck source=tests/faults/lib.sh
. "$root/tests/faults/lib.sh"

WORLD_PRESET=${WORLD_PRESET:-asan}

# world_build: FAULTS_OPERATOR runs in the cases; FAULTS_OPERATOR_PLAIN, without sanitizers, where a library is preloaded.
world_build() {
    if [ -z "${FAULTS_OPERATOR:-}" ]; then
        "$root/scripts/build.sh" "$WORLD_PRESET" proget-operator
        FAULTS_OPERATOR=$root/build/$WORLD_PRESET/operator/proget-operator
    fi
    if [ -z "${FAULTS_OPERATOR_PLAIN:-}" ]; then
        "$root/scripts/build.sh" dev proget-operator
        FAULTS_OPERATOR_PLAIN=$root/build/dev/operator/proget-operator
    fi
    FAULTS_PROGRAMS=$("$root/tests/faults/build.sh")
}

# Nobody renews the Leases of these nodes: an hour passes before the control plane takes them for lost.
world_start() {
    local is_new=
    if [ -z "${WORLD:-}" ]; then
        WORLD=$(mktemp -d "${TMPDIR:-/tmp}/proget-faults.XXXXXX")
        NODE_MONITOR_GRACE=1h "$root/tests/cluster/start.sh" "$WORLD/cluster" >&2
        is_new=yes
    fi
    # shellcheck source=/dev/null
    . "$WORLD/cluster/env"
    export KUBECONFIG PATH="$ASSETS:$PATH"
    rm -rf "$WORLD/cases"
    mkdir "$WORLD/cases"
    [ -z "$is_new" ] || world_install
}

# As the base of the manifests has it, but for the Deployment: the operators of the cases are processes.
world_install() {
    local part
    kubectl kustomize "$root/manifests/base" >"$WORLD/base.yaml"
    kubectl create -f "$WORLD/base.yaml" --dry-run=client -o json |
        jq -s '{apiVersion: "v1", kind: "List", items: (map(.items // [.]) | add | map(select(.kind != "Deployment")))}' >"$WORLD/base.json"
    kubectl apply -f "$WORLD/base.json" >/dev/null
    wait_for 30 "kubectl wait --for=condition=Established crd/progetclusters.proget-operator.io --timeout=1s" || return 1
    for part in pods leases; do
        wait_for 20 kubectl get validatingadmissionpolicybinding "proget-operator-$part" || return 1
    done
}

# world_stop: ends everything, keeps nothing.
world_stop() {
    [ -n "${WORLD:-}" ] || return 0
    "$root/tests/cluster/stop.sh" "$WORLD/cluster" || true
    rm -rf "$WORLD"
    WORLD=
}

# --- the API server, as its administrator, past every proxy; curl, since much is looked at often ---------------------
# api PATH [OPTION...]
api() {
    local pki=$WORLD/cluster/pki path=$1
    shift
    curl -sf --max-time 10 --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "$SERVER$path" "$@"
}
api_create() { api "$1" -H 'Content-Type: application/json' -d @- >/dev/null; } # PATH <OBJECT
# api_patch PATH JSON
api_patch() { api "$1" -X PATCH -H 'Content-Type: application/merge-patch+json' -d "$2" >/dev/null; }
api_delete() { api "$1?gracePeriodSeconds=0" -X DELETE >/dev/null; }

# --- a case ------------------------------------------------------------------------------------------------------------
# operator_token [OPTION...]: a token of the operator's ServiceAccount.
# shellcheck disable=SC2120
operator_token() { kubectl -n proget-operator create token proget-operator --duration=2h "$@"; }

# proxy_start NAME: a proxy, with a kubeconfig $RUN/NAME.kubeconfig for an operator behind it.
proxy_start() {
    faults_start "$WORLD/cluster" "$CASE-$1" || return 1
    operator_kubeconfig "$1"
}
# operator_kubeconfig NAME: behind the proxy that is chosen; the token is in $RUN/token.
operator_kubeconfig() {
    faults_kubeconfig "$RUN/token" "$RUN/$1.kubeconfig"
    sed -i 's/^  context: {cluster: faults,/& namespace: proget-operator,/' "$RUN/$1.kubeconfig"
}
# operator_direct: an operator that is started from now on has no proxy before it. It finds the API server where that is.
operator_direct() {
    sed "s|server: \"[^\"]*\"|server: \"$SERVER\"|; s|certificate-authority: \"[^\"]*\"|certificate-authority: \"$CA\"|" \
        "$RUN/proxy.kubeconfig" >"$RUN/direct.kubeconfig"
    OPERATOR_BEHIND=direct
}
proxy_use() { faults_use "$CASE-$1"; }

# operator_start [NAME [OPTION...]]: in the namespace of the case alone, so that several cases go side by side.
# OPERATOR_WRAP: what the program is started by (an array). Chooses it: OPERATOR, OPERATOR_LOG.
operator_start() {
    local name=${1:-operator} port
    shift $(($# < 1 ? 0 : 1))
    port=$(cluster_free_ports 1)
    operator_use "$name"
    cluster_spawn "$RUN" "$name" ${OPERATOR_WRAP[@]+"${OPERATOR_WRAP[@]}"} "${OPERATOR_PROGRAM:-$FAULTS_OPERATOR}" \
        --kubeconfig "$RUN/${OPERATOR_BEHIND:-proxy}.kubeconfig" --namespace "$NS" --listen "127.0.0.1:${port% }" "$@"
    cp "$RUN/pids/$name" "$RUN/$name.born"
}
operator_use() { OPERATOR=$1 OPERATOR_LOG=$RUN/logs/$1.log; }
operator_pid() { cut -d' ' -f1 "$RUN/pids/$OPERATOR"; }
operator_ready() { grep -qE '^[^ ]+ info +in step with' "$OPERATOR_LOG"; }
# The same process as ever, not one that was started again.
operator_same() { cluster_runs "$RUN" "$OPERATOR" && cmp "$RUN/pids/$OPERATOR" "$RUN/$OPERATOR.born"; }

# case_open [PROXY...]: what every case begins with, but for the operator.
case_open() {
    local name
    RUN=$WORLD/cases/$CASE
    (umask 077 && mkdir -p "$RUN/logs" "$RUN/pids")
    # shellcheck disable=SC2034 # cases.sh counts in them
    crowds=0 mends=0
    kubectl create namespace "$NS" >/dev/null
    # Without it no pod is let in.
    wait_for 60 api "/api/v1/namespaces/$NS/serviceaccounts/default"
    node_make a
    node_make b
    cluster_make
    pod_make proget-0 a
    pod_make proget-1 b
    (umask 077 && operator_token >"$RUN/token")
    [ $# -gt 0 ] || set -- proxy
    for name; do proxy_start "$name"; done
}

# case_start [OPTION...]: the same with an operator behind the proxy, once it has published what there is.
case_start() {
    case_open
    operator_start operator "$@"
    WITHIN=30 ok "in step" "operator_ready && members 2"
    operator_ready
}

# case_close: the operator ends as it should; what it said stands as it was said.
case_close() {
    local file
    faults_clear || true
    for file in "$RUN"/*.born; do
        operator_use "$(basename "$file" .born)"
        cluster_runs "$RUN" "$OPERATOR" || continue
        cluster_stop "$RUN" "$OPERATOR"
        ok "$OPERATOR ends on SIGTERM, without a complaint about memory" "! grep -qE '$SANITIZER_WORDS' '$OPERATOR_LOG'"
    done
    for file in "$WORLD/cluster/faults-$CASE-"*; do
        cluster_stop "$file" fault-proxy
    done
    kubectl delete namespace "$NS" --wait=false >/dev/null 2>&1 || true
    kubectl delete node "$NS-a" "$NS-b" "$NS-c" --ignore-not-found --wait=false >/dev/null 2>&1 || true
}
SANITIZER_WORDS='ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|Assertion .* failed'
