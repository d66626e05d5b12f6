# A world to test in: a real control plane, process nodes, and the operator as its own manifests run it. To be sourced
# by bash. Needs the programs built (WORLD_PRESET, default asan). Everything lies in WORLD, a folder of its own.
# shellcheck shell=bash

world_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$world_here/../.." && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$root/tests/cluster/lib.sh"

WORLD_PRESET=${WORLD_PRESET:-asan}

world_build() {
    "$root/scripts/build.sh" "$WORLD_PRESET" proget-operator proget-sidecar kubectl-proget
}

# Six nodes: a to d with one CPU, e and f with another.
world_nodes() {
    local name
    printf 'nodes:\n'
    for name in node-a node-b node-c node-d; do
        printf -- '- {name: %s, cpu: {vendor: GenuineIntel, family: 6, model: 106, stepping: 6}}\n' "$name"
    done
    for name in node-e node-f; do
        printf -- '- {name: %s, cpu: {vendor: AuthenticAMD, family: 25, model: 1, stepping: 1}}\n' "$name"
    done
}

# world_start [NODES_FILE]: sets WORLD, KUBECONFIG, PATH and WORLD_PRODUCT_PORT, and returns when the operator is ready.
world_start() {
    WORLD=$(mktemp -d "${TMPDIR:-/tmp}/proget-world.XXXXXX")
    # Containers run as their own users: they have to pass through.
    chmod 755 "$WORLD"
    "$root/tests/cluster/start.sh" "$WORLD/cluster" >&2
    # shellcheck source=/dev/null
    . "$WORLD/cluster/env"
    export KUBECONFIG PATH="$ASSETS:$PATH"
    if [ $# -gt 0 ]; then cp "$1" "$WORLD/nodes.yaml"; else world_nodes >"$WORLD/nodes.yaml"; fi
    WORLD_NODES_PROGRAMS=$("$root/tests/nodes/build.sh")
    # All pods share this machine's addresses: ports are free ones, so that two worlds can live side by side.
    read -r WORLD_OPERATOR_PORT WORLD_PRODUCT_PORT < <(cluster_free_ports 2)
    mkdir -p "$WORLD/nodes" "$WORLD/logs" "$WORLD/pids" "$WORLD/activations"
    chmod 777 "$WORLD/activations"
    cluster_spawn "$WORLD" process-nodes "$WORLD_NODES_PROGRAMS/process-nodes" \
        --kubeconfig "$WORLD/cluster/nodes.kubeconfig" --nodes "$WORLD/nodes.yaml" --state "$WORLD/nodes" \
        --control "$WORLD/control" --product-port "$WORLD_PRODUCT_PORT" --activations "$WORLD/activations" \
        --pass-environment ASAN_OPTIONS --pass-environment UBSAN_OPTIONS \
        --programs "*proget-operator=$root/build/$WORLD_PRESET/operator/proget-operator" \
        --programs "*proget-sidecar=$root/build/$WORLD_PRESET/sidecar/proget-sidecar" \
        --programs "*inedo/proget=$WORLD_NODES_PROGRAMS/simulated-proget" \
        --programs "*inedo/buildmaster=$WORLD_NODES_PROGRAMS/simulated-proget" \
        --programs "*inedo/otter=$WORLD_NODES_PROGRAMS/simulated-proget"
    wait_for 30 "kubectl wait --for=condition=Ready node --all --timeout=1s" || return 1
    world_install
}

world_install() {
    kubectl kustomize "$root/manifests/base" |
        sed -E "s/^( *- --listen=).*:8080\$/\1\$(PROCESS_POD_IP):$WORLD_OPERATOR_PORT/; s/(containerPort: )8080\$/\1$WORLD_OPERATOR_PORT/" |
        kubectl apply -f - >/dev/null
    wait_for 60 "kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s" || return 1
}

# world_stop: ends everything, keeps nothing.
world_stop() {
    [ -n "${WORLD:-}" ] || return 0
    cluster_stop "$WORLD" process-nodes || true
    "$root/tests/cluster/stop.sh" "$WORLD/cluster" || true
    rm -rf "$WORLD"
    WORLD=
}

# nodes COMMAND...: tells the process nodes what is to happen.
nodes() { "$WORLD_NODES_PROGRAMS/process-nodes" ctl --control "$WORLD/control" "$@"; }

# The pod that leads, as soon as there is one.
operator_leader() { kubectl -n proget-operator get lease proget-operator -o jsonpath='{.spec.holderIdentity}' | sed 's/_[^_]*$//'; }
operator_leads() { kubectl -n proget-operator get pod "$(operator_leader)" >/dev/null 2>&1; }
operator_pod() {
    wait_for 40 operator_leads && operator_leader
}

# The operators' log, of every pod that there was, the leading one's last: what comes is always at the end.
operator_log() {
    local leader
    leader=$(operator_leader 2>/dev/null || true)
    find "$WORLD/nodes/logs" -path '*/proget-operator_*/proget-operator.log' -printf '%T@ %p\n' 2>/dev/null | sort -n |
        cut -d' ' -f2- | awk -v leader="_${leader:-none}_" 'index($0, leader) { last = last $0 "\n"; next } { print } END { printf "%s", last }' |
        xargs -r cat
}
