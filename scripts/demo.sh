#!/usr/bin/env bash
# Shows what the project does, on a real API server on this machine: three ProGet servers go wrong in six ways, each is
# flagged, and clears when it is mended. Ends by itself and cleans up; KEEP=1 leaves everything running to play with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
usage() {
    printf '%s\n' 'usage: demo.sh' \
        'Three ProGet servers on a real API server on this machine go wrong in six ways; each is flagged, and clears when' \
        'it is mended. It takes a few minutes, ends by itself and cleans up.' \
        'Environment: KEEP=1 leaves everything running to play with, and tells how.'
}
if [ $# -gt 0 ]; then
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    esac
    printf 'demo.sh: there are no arguments: %q\n' "$1" >&2
    usage >&2
    exit 2
fi
export WORLD_PRESET=release
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s\n' "$*"; }
# Shows a command as the user would type it, and runs it.
run() {
    printf '%s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" 2>&1 | sed 's/^/  /'
}

# What KEEP=1 is for.
how_to_play() {
    title "It keeps running"
    note "  export KUBECONFIG=$KUBECONFIG PATH=$ASSETS:\$PATH"
    note "  kubectl get progetclusters,pods,events -n proget"
    note "What a pod logs (where the findings say: kubectl logs; these nodes are processes, which it cannot ask):"
    note "  pod_log() { tail -n 20 $WORLD/nodes/logs/\"\$1_\$2_\$(kubectl -n \"\$1\" get pod \"\$2\" -o jsonpath='{.metadata.uid}')\"/*.log; }"
    note "  pod_log proget proget-0"
    note "  pod_log proget-operator $(operator_leader)"
    note "To cause trouble with the nodes and pods:"
    note "  $WORLD_NODES_PROGRAMS/process-nodes ctl --control $WORLD/control help"
    note "To cause trouble with a server's health and licence, and to mend it:"
    note "  simulate() { curl -fsS -X PUT -d \"\$2\" \"http://\$(kubectl -n proget get pod \"\$1\" -o jsonpath='{.status.podIP}'):$WORLD_PRODUCT_PORT/simulate\"; }"
    note "  simulate proget-0 '{\"database\":\"Error\",\"databaseDetail\":\"the database does not answer\"}'   # HealthError"
    note "  simulate proget-0 '{\"database\":\"OK\",\"databaseDetail\":null}'"
    note "  simulate proget-0 '{\"activate\":false}'   # ReactivationRequired, on every machine of that kind"
    note "  simulate proget-0 '{\"activate\":true}'"
}

cleanup() {
    local status=$?
    trap - EXIT
    if [ -n "${WORLD:-}" ] && [ "${KEEP:-}" = 1 ] && [ "$status" = 0 ]; then
        how_to_play
        note "Everything lies in $WORLD. To end it:"
        note "  scripts/demo-stop.sh $WORLD"
        exit 0
    fi
    [ -z "${assets_pid:-}" ] || kill "$assets_pid" 2>/dev/null || true
    [ "$status" = 0 ] || [ -z "${WORLD:-}" ] || { note "The demo failed; the end of the operator's log:"; operator_log | tail -n 20; }
    world_stop
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

world_build

# --- offline -------------------------------------------------------------------------------------------------------
title "1. Without a cluster: manifests full of mistakes"
assets_log=$(mktemp)
(tests/cluster/build.sh >"$assets_log.out" 2>"$assets_log") &
assets_pid=$!
audit=build/release/cli/kubectl-proget
status=0
run "$audit" audit -f manifests/samples/mistakes || status=${PIPESTATUS[0]}
"$audit" audit -f manifests/samples/mistakes -o json >/dev/null || status=$?
note "Exit status $status: there are findings. The same as JSON, for programs:"
run sh -c "$audit audit -f manifests/samples/mistakes -o json | jq -c '.items[0] | {code, severity, object}'"

# --- the world -----------------------------------------------------------------------------------------------------
title "2. A real API server, and the operator as its manifests run it"
if ! wait "$assets_pid"; then
    cat "$assets_log" >&2
    exit 1
fi
assets_pid=
rm -f "$assets_log" "$assets_log.out"
# shellcheck disable=SC2119 # the usual nodes
world_start
# The nodes with another CPU stay free until a server is moved to one.
kubectl cordon node-e >/dev/null
kubectl cordon node-f >/dev/null
run kubectl get nodes
note "These nodes are processes of this machine. Where a finding says 'kubectl logs': it cannot ask them; each pod's log"
note "lies in a folder of $WORLD/nodes/logs."
note "kubectl apply -k manifests/base is done: the operator runs. Now three ProGet servers:"
run kubectl apply -k tests/e2e/manifests/demo
note "A new installation has to be activated once, as on any new machine:"
ready() { wait_for 90 "kubectl -n proget rollout status statefulset/proget --timeout=1s"; }
simulate() { # POD JSON: what the product in the pod is to do
    curl -fsS -X PUT -d "$2" "http://$(kubectl -n proget get pod "$1" -o jsonpath='{.status.podIP}'):$WORLD_PRODUCT_PORT/simulate" >/dev/null
}
wait_for 60 simulate proget-0 '{"activate":true}'
ready

standing() { # CODE: how many findings of it stand
    kubectl -n proget get pgc main -o json | jq --arg code "$1" '[.status.findings[]? | select(.code == $code and .cleared == null)] | length'
}
# shellcheck disable=SC2317 # called by name
is_standing() { [ "$(standing "$1")" -gt 0 ]; }
# shellcheck disable=SC2317
is_clear() { [ "$(standing "$1")" = 0 ]; }

all_healthy() { [ "$(kubectl -n proget get pgc main -o jsonpath='{.status.healthyServers}')" = 3 ]; }
wait_for 60 all_healthy
run kubectl -n proget get progetclusters
run kubectl -n proget get pods -o wide

has_event() { [ -n "$(kubectl -n proget get events --field-selector="reason=$1,involvedObject.name=$2" -o name)" ]; }
# What a user sees of a finding: the Event, the annotation, the status, the log.
see() { # CODE OBJECT-KIND/NAME [POD]
    local code=$1 object=$2 pod=${3:-}
    wait_for 60 "is_standing $code"
    wait_for 10 has_event "$code" "${object#*/}"
    note "${bold}Event$plain"
    run kubectl -n proget get events --field-selector="reason=$code,involvedObject.name=${object#*/}" \
        -o 'custom-columns=TYPE:.type,REASON:.reason,OBJECT:.involvedObject.name,MESSAGE:.message'
    if [ -n "$pod" ]; then
        wait_for 10 "kubectl -n proget get pod $pod -o json | jq -e '.metadata.annotations[\"proget-operator.io/finding.$code\"]'"
        note "${bold}Pod annotations$plain"
        printf '%s$ kubectl -n proget get pod %s -o jsonpath={.metadata.annotations}%s\n' "$dim" "$pod" "$plain"
        kubectl -n proget get pod "$pod" -o json | jq '.metadata.annotations | with_entries(select(.key | startswith("proget-operator.io/")))' |
            sed 's/^/  /'
    fi
    note "${bold}ProGetCluster$plain"
    run kubectl -n proget get progetcluster main
    note "${bold}The operator's log$plain"
    operator_log | grep "code=$code" | tail -n 1 | sed 's/^/  /'
}
cleared() { # CODE
    wait_for 60 "is_clear $1"
    note "Mended. The log says:"
    operator_log | grep "code=$1" | tail -n 1 | sed 's/^/  /'
}
uid_of() { kubectl -n proget get pod "$1" -o jsonpath='{.metadata.uid}'; }
is_replaced() { # POD OLD_UID: another pod of that name runs
    local now
    now=$(kubectl -n proget get pod "$1" -o jsonpath='{.status.phase} {.metadata.uid}') || return 1
    [ "${now% *}" = Running ] && [ "${now#* }" != "$2" ]
}
# Replaces a server's pod, on the nodes named alone.
move() { # POD NODE...
    local pod=$1 node old
    shift
    for node in $(kubectl get nodes -o jsonpath='{.items[*].metadata.name}'); do
        case " $* " in *" $node "*) kubectl uncordon "$node" >/dev/null ;; *) kubectl cordon "$node" >/dev/null ;; esac
    done
    old=$(uid_of "$pod")
    run kubectl -n proget delete pod "$pod"
    wait_for 60 is_replaced "$pod" "$old"
    for node in node-a node-b node-c node-d; do kubectl uncordon "$node" >/dev/null; done
    for node in node-e node-f; do kubectl cordon "$node" >/dev/null; done
}
node_of() { kubectl -n proget get pod "$1" -o jsonpath='{.spec.nodeName}'; }

# --- the six troubles ----------------------------------------------------------------------------------------------
title "3.1 Two servers on one node (all other nodes are cordoned, one pod is replaced)"
home=$(node_of proget-1)
move proget-1 "$(node_of proget-0)"
see CoScheduled Pod/proget-1 proget-1
note "Mending it: the node it came from takes it back."
move proget-1 "$home"
cleared CoScheduled

title "3.2 Two encryption keys (the Secret is changed, and one pod restarts)"
key=$(kubectl -n proget get secret proget-encryption-key -o jsonpath='{.data.key}')
other=$(od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n' | base64 -w0)
printf '%s$ kubectl -n proget patch secret proget-encryption-key ...%s\n' "$dim" "$plain"
kubectl -n proget patch secret proget-encryption-key -p "{\"data\":{\"key\":\"$other\"}}" >/dev/null
run kubectl -n proget delete pod proget-2
ready
see EncryptionKeyMismatch ProGetCluster/main proget-2
note "Mending it: the old key again, and that pod once more."
kubectl -n proget patch secret proget-encryption-key -p "{\"data\":{\"key\":\"$key\"}}" >/dev/null
run kubectl -n proget delete pod proget-2
ready
cleared EncryptionKeyMismatch

title "3.3 An eviction (the kubelet runs out of memory)"
nodes evict proget/proget-1 memory >/dev/null
see Evicted Pod/proget-1
ready
note "It stands for 24 hours, and in the history:"
run kubectl -n proget get progetcluster main -o jsonpath='{.status.evictions[0]}'
echo

title "3.4 A PriorityClass that is missing (it is deleted, and a pod is replaced)"
run kubectl delete priorityclass proget
run kubectl -n proget delete pod proget-2 --wait=false
see PriorityClassNotFound StatefulSet/proget
note "Mending it: the class is applied again."
run kubectl apply -k tests/e2e/manifests/demo
ready
cleared PriorityClassNotFound

title "3.5 A move to another CPU costs the activation"
home=$(node_of proget-2)
move proget-2 node-e
see ReactivationRequired Pod/proget-2 proget-2
note "Mending it: the licence is activated on that machine (Admin > License Key & Activation)."
simulate proget-2 '{"activate":true}'
cleared ReactivationRequired

title "3.6 /health reports an error (and nothing is restarted)"
before=$(kubectl -n proget get pods -o jsonpath='{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\n"}{end}')
simulate proget-0 '{"database":"Error","databaseDetail":"the database does not answer"}'
see HealthError Pod/proget-0 proget-0
note "Mending it: the database is back."
simulate proget-0 '{"database":"OK"}'
cleared HealthError
after=$(kubectl -n proget get pods -o jsonpath='{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\n"}{end}')
if [ "$before" != "$after" ]; then
    note "A pod was restarted or replaced, which must never be:"
    note "$before" "$after"
    exit 1
fi
note "The same pods as before, and no container was restarted."

# Its readiness probe has to see it first.
wait_for 60 "kubectl -n proget get progetcluster main -o json | jq -e '.status.healthyServers == 3'" || true
title "That was it"
run kubectl -n proget get progetclusters
[ "${KEEP:-}" = 1 ] || note "To keep it running and play with kubectl: make demo KEEP=1"
