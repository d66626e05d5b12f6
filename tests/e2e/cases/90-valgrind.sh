# A whole life of the operator and of a sidecar under valgrind, with the credentials that they have in a cluster: no error
# of memory, no leak, and an end with status 0. Runs the build `dev`: valgrind and the sanitizers do not go together.
# shellcheck shell=bash

valgrind_operator_is_gone() { [ -z "$(kubectl -n proget-operator get pods -o name)" ]; }
# valgrind_kubeconfig FILE NAMESPACE TOKEN: this server, with that token.
valgrind_kubeconfig() {
    kubectl config view --raw --flatten --minify -o json | jq --arg namespace "$2" --arg token "$3" '
        .users = [{name: "by-token", user: {token: $token}}]
        | .contexts[0].context.user = "by-token" | .contexts[0].context.namespace = $namespace' >"$1"
    chmod 600 "$1"
}
# valgrind_run NAME PROGRAM ARGUMENT...: in the background, bounded; sets valgrind_pid. Output in $WORLD/logs.
valgrind_run() {
    local name=$1
    shift
    timeout 600 valgrind --error-exitcode=99 --leak-check=full --num-callers=30 --log-file="$WORLD/logs/valgrind-$name" "$@" \
        >"$WORLD/logs/valgrind-$name.log" 2>&1 </dev/null &
    valgrind_pid=$!
}
# valgrind_ended NAME PID: TERM, and what came of it.
valgrind_ended() {
    local status=0
    kill -TERM "$2" 2>/dev/null
    wait "$2" || status=$?
    holds "the $1 under valgrind: exit status 0 after SIGTERM" "[ $status = 0 ]"
    holds "the $1 under valgrind: no error and no leak" grep -qE 'ERROR SUMMARY: 0 errors' "$WORLD/logs/valgrind-$1"
    if [ "$status" != 0 ] || ! grep -qE 'ERROR SUMMARY: 0 errors' "$WORLD/logs/valgrind-$1"; then
        head -n 80 "$WORLD/logs/valgrind-$1" | sed 's/^/  /'
        tail -n 5 "$WORLD/logs/valgrind-$1.log" | sed 's/^/  /'
    fi
}
valgrind_move() { # POD NODE: replaces the pod, on that node alone
    local node old
    for node in $(kubectl get nodes -o jsonpath='{.items[*].metadata.name}'); do
        [ "$node" = "$2" ] || kubectl cordon "$node" >/dev/null
    done
    old=$(uid_of "$1")
    kubectl -n "$NS" delete pod "$1" --wait=false >/dev/null
    wait_for 60 running "$1" "$old"
    for node in $(kubectl get nodes -o jsonpath='{.items[*].metadata.name}'); do kubectl uncordon "$node" >/dev/null; done
}
valgrind_member() { # POD: with a heartbeat of the sidecar that is run by hand
    cluster_json | jq -e --arg name "$1" '.status.members[]? | select(.name == $name and .heartbeat == "Fresh" and .keyFingerprint != null)'
}
valgrind_log() { grep -qF -- "$2" "$WORLD/logs/valgrind-$1.log"; }
valgrind_lease_gone() { [ "$(kubectl -n "$NS" get lease proget-proget-0 -o jsonpath="{.metadata.uid}" 2>/dev/null)" != "$1" ]; }

# shellcheck disable=SC2154 # set by world.sh
"$root/scripts/build.sh" dev proget-operator proget-sidecar
kubectl -n proget-operator scale deployment/proget-operator --replicas=0 >/dev/null
wait_for 60 valgrind_operator_is_gone
valgrind_kubeconfig "$WORLD/valgrind-operator.kubeconfig" proget-operator "$(kubectl -n proget-operator create token proget-operator --duration=1h)"
read -r port <<<"$(cluster_free_ports 1)"
listen=127.0.0.1:$port
valgrind_run operator "$root/build/dev/operator/proget-operator" --kubeconfig "$WORLD/valgrind-operator.kubeconfig" --listen "$listen" --leader-elect
operator_pid=$valgrind_pid
WITHIN=90 ok "the operator under valgrind is ready" curl -fsS --max-time 5 "http://$listen/readyz"

# --- two servers; the sidecar of the first is run by hand: in the pods, nothing stands behind the container of that name ---
key=0f1e2d3c4b5a69788796a5b4c3d2e1f0
namespace_make
INTERVAL=2 cluster_manifest | kubectl apply -f - >/dev/null
REPLICAS=2 SPREAD=none servers_manifest |
    jq '.spec.template.spec.initContainers[0].image = "registry.invalid/by-hand:1.0.0"' | kubectl apply -f - >/dev/null
wait_for 60 running proget-0
wait_for 60 running proget-1
node=$(node_of proget-0)
[ "$(node_of proget-1)" != "$node" ] || valgrind_move proget-1 "$(kubectl get nodes -o json | jq -r --arg node "$node" '[.items[].metadata.name | select(. != $node)][0]')"
home=$(node_of proget-1) ip=$(kubectl -n "$NS" get pod proget-0 -o jsonpath='{.status.podIP}') uid=$(uid_of proget-0)
printf '%s' "$key" >"$WORLD/valgrind-key"
valgrind_kubeconfig "$WORLD/valgrind-sidecar.kubeconfig" "$NS" \
    "$(kubectl -n "$NS" create token default --bound-object-kind=Pod --bound-object-name=proget-0 --bound-object-uid="$uid")"
POD_NAME=proget-0 POD_NAMESPACE=$NS POD_UID=$uid POD_IP=$ip NODE_NAME=$node PROGET_ENCRYPTION_KEY=$key \
    PROGET_SIDECAR_URL=http://$ip:$WORLD_PRODUCT_PORT PROGET_SIDECAR_KUBECONFIG=$WORLD/valgrind-sidecar.kubeconfig \
    PROGET_SIDECAR_KEY_FILE=$WORLD/valgrind-key PROGET_SIDECAR_CPUINFO=$WORLD/nodes/nodes/$node/cpuinfo \
    valgrind_run sidecar "$root/build/dev/sidecar/proget-sidecar"
sidecar_pid=$valgrind_pid
WITHIN=90 ok "the sidecar under valgrind makes the heartbeat of proget-0" valgrind_member proget-0

# --- what comes and goes ---
valgrind_move proget-1 "$node"
WITHIN=90 ok "CoScheduled is raised on proget-1" finding CoScheduled proget-1
WITHIN=90 ok "CoScheduled is raised on proget-0" finding CoScheduled proget-0
WITHIN=60 ok "and said" event CoScheduled proget-1 Warning
WITHIN=60 ok "and annotated" annotation proget-0 status error
simulate proget-0 '{"database":"Error","databaseDetail":"no route"}'
WITHIN=90 ok "HealthError is raised on proget-0" finding HealthError proget-0
printf '%s' "${key//0/1}" >"$WORLD/valgrind-key"
WITHIN=90 ok "EncryptionKeyDrift is raised on proget-0" finding EncryptionKeyDrift proget-0
valgrind_move proget-1 "$home"
WITHIN=90 ok "CoScheduled is cleared" no_finding CoScheduled
WITHIN=60 ok "and said to be over on proget-0" resolved CoScheduled proget-0
simulate proget-0 '{"database":"OK"}'
printf '%s' "$key" >"$WORLD/valgrind-key"
WITHIN=90 ok "HealthError is cleared" no_finding HealthError
WITHIN=90 ok "EncryptionKeyDrift is cleared" no_finding EncryptionKeyDrift

# --- the pod of the sidecar goes, and with it its token and its Lease; the cluster goes ---
lease=$(kubectl -n "$NS" get lease proget-proget-0 -o jsonpath='{.metadata.uid}')
nodes evict "$NS/proget-0" memory >/dev/null
WITHIN=90 ok "Evicted is raised" finding Evicted "" NodePressure
WITHIN=60 ok "the pod's Lease goes with it" valgrind_lease_gone "$lease"
holds "a sidecar without a pod does not end" kill -0 "$sidecar_pid"
valgrind_ended sidecar "$sidecar_pid"
kubectl -n "$NS" delete progetcluster main >/dev/null
WITHIN=90 ok "the operator lets go of the cluster" valgrind_log operator "its ProGetCluster is gone"
valgrind_ended operator "$operator_pid"

kubectl -n proget-operator scale deployment/proget-operator --replicas=2 >/dev/null
WITHIN=60 ok "the operator in the cluster is back" kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s
rm -f "$WORLD"/valgrind-*
unset listen port operator_pid sidecar_pid valgrind_pid key node home ip uid lease
