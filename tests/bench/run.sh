#!/usr/bin/env bash
# Measures the programs on a real API server on this machine, beside a client-go program that does the same, and prints
# one table; the figures also go to build/bench.json. No figure makes it fail. README.md says what is measured and how.
# BENCH_OCCURRENCES, BENCH_PODS, BENCH_UPDATES, BENCH_ROUNDS and BENCH_AUDIT_PODS change the amounts; KEEP=1 leaves the world running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export WORLD_PRESET=release
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh

# The operator gets a port of its own, so that another world on this machine disturbs neither.
# shellcheck disable=SC2317 # called by world_start
world_install() {
    local port
    port=$(cluster_free_ports 1)
    kubectl kustomize manifests/base | sed -E "s/^( *- --listen=.*:|.*containerPort: )8080$/\\1$port/; s/replicas: 2/replicas: 1/" | kubectl apply -f - >/dev/null
    wait_for 60 "kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s"
}

driver=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$driver" ]; then
        kill -TERM "$driver" 2>/dev/null || true
        wait "$driver" 2>/dev/null || true
    fi
    if [ -n "${WORLD:-}" ]; then
        if [ "$status" != 0 ]; then
            printf 'The end of the operator'\''s log:\n' >&2
            operator_log | tail -n 20 >&2
        fi
        if [ "${KEEP:-}" = 1 ]; then
            # shellcheck disable=SC2016 # for the reader's shell
            printf 'It keeps running: export KUBECONFIG=%s PATH=%s:$PATH\n' "$KUBECONFIG" "$ASSETS" >&2
            printf 'To end it: scripts/demo-stop.sh %s, before that: kill %s\n' "$WORLD" "$(cut -d' ' -f1 "$WORLD/pids/bench-nodes")" >&2
            exit "$status"
        fi
        cluster_stop "$WORLD" bench-nodes || true
        world_stop
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2317 # called by wait_for
simulate() { # POD JSON: what the product in the pod is to do
    curl -fsS -X PUT -d "$2" "http://$(kubectl -n proget get pod "$1" -o jsonpath='{.status.podIP}'):$WORLD_PRODUCT_PORT/simulate" >/dev/null
}
# shellcheck disable=SC2317 # called by name
all_healthy() { [ "$(kubectl -n proget get pgc main -o jsonpath='{.status.healthyServers}')" = 3 ]; }

# The demo's three servers, with the heartbeat's usual interval.
demo_servers() {
    kubectl apply -k tests/e2e/manifests/demo >/dev/null
    wait_for 60 simulate proget-0 '{"activate":true}'
    wait_for 120 "kubectl -n proget rollout status statefulset/proget --timeout=1s"
    wait_for 60 all_healthy
    kubectl -n proget patch pgc main --type=merge \
        -p '{"spec":{"heartbeat":{"intervalSeconds":30,"staleAfterSeconds":300}}}' >/dev/null
}

# A hundred more nodes for the pods of others; they take no pods but those that ask for them.
foreign_nodes() {
    cat >"$WORLD/bench-nodes.yaml" <<'END_NODES'
nodes:
- name: bench
  count: 100
  labels: {bench: foreign}
END_NODES
    mkdir -p "$WORLD/bench-state"
    cluster_spawn "$WORLD" bench-nodes "$WORLD_NODES_PROGRAMS/process-nodes" --kubeconfig "$WORLD/cluster/nodes.kubeconfig" \
        --nodes "$WORLD/bench-nodes.yaml" --state "$WORLD/bench-state" --control "$WORLD/bench-control" --lease 40s
}

programs=$(tests/bench/build.sh)
world_build
# shellcheck disable=SC2119 # the usual nodes
NODE_MONITOR_GRACE=60s world_start
# The demo's servers stay off the node on which the driver puts its pods.
kubectl cordon node-e >/dev/null
kubectl cordon node-f >/dev/null
demo_servers
foreign_nodes
wait_for 60 "grep -q 'nodes ready' '$WORLD/logs/bench-nodes.log'"
mkdir -p "$WORLD/bench" build
read -r nodes_pid _ <"$WORLD/pids/process-nodes"
"$programs/bench-driver" --kubeconfig "$KUBECONFIG" --nodes-pid "$nodes_pid" --peer "$programs/bench-peer" \
    --measure "$programs/bench-measure" --audit build/release/cli/kubectl-proget --work "$WORLD/bench" \
    --output build/bench.json --occurrences "${BENCH_OCCURRENCES:-200}" --pods "${BENCH_PODS:-1000}" \
    --updates "${BENCH_UPDATES:-5000}" --rounds "${BENCH_ROUNDS:-2}" --operator build/release/operator/proget-operator \
    --audit-pods "${BENCH_AUDIT_PODS:-10000}" &
driver=$!
status=0
wait "$driver" || status=$?
driver=
exit "$status"
