#!/usr/bin/env bash
# Two operators behind the fault proxy, every fault and a few hundred pods at random, from one seed; at quiet points all
# that was published is compared with what a fresh operator computes, and the books on Events have to balance.
# STORM_SECONDS (120) is about how long it takes, STORM_SEED the seed, STORM_OPERATOR another proget-operator than that
# of WORLD_PRESET (asan), STORM_LOG_LEVEL the operators' (info). Ends with "N passed, M failed"; a failing run keeps its logs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$root/tests/cluster/lib.sh"
# shellcheck source=tests/faults/lib.sh
. "$here/lib.sh"
cluster_needs jq curl openssl || exit 2

seed=${STORM_SEED:-$((RANDOM * 32768 + RANDOM))}
seconds=${STORM_SECONDS:-120}
preset=${WORLD_PRESET:-asan}
printf 'storm: seed %s\n' "$seed"

work=$(mktemp -d "${TMPDIR:-/tmp}/proget-storm.XXXXXX")
driver=
# shellcheck disable=SC2317 # run by the trap
finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$driver" ] && kill -TERM "$driver" 2>/dev/null; then
        wait "$driver" || true
    fi
    faults_stop storm 2>/dev/null || true
    faults_stop fresh 2>/dev/null || true
    "$root/tests/cluster/stop.sh" "$work/cluster" || true
    if [ "$status" -eq 0 ]; then
        rm -rf "$work"
    else
        # What client-go says of connections that broke is of no interest, a panic is.
        grep -v 'request.go' "$work/logs/driver.err" 2>/dev/null | tail -n 30 >&2 || true
        printf 'storm: logs, weather and evidence are kept in %s\n' "$work"
    fi
    printf 'storm: seed %s; to have it again: STORM_SEED=%s STORM_SECONDS=%s %s\n' "$seed" "$seed" "$seconds" tests/faults/storm.sh
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

operator=${STORM_OPERATOR:-}
if [ -z "$operator" ]; then
    "$root/scripts/build.sh" "$preset" proget-operator
    operator=$root/build/$preset/operator/proget-operator
fi
program=${STORM_PROGRAM:-$("$here/build.sh" storm)/storm}
mkdir "$work/logs"
# Nobody renews these nodes' Leases.
NODE_MONITOR_GRACE=24h "$root/tests/cluster/start.sh" "$work/cluster" >&2
# shellcheck source=/dev/null
. "$work/cluster/env"
export KUBECONFIG PATH="$ASSETS:$PATH"
kubectl kustomize "$root/manifests/base" >"$work/manifests.yaml"
# All but the Deployment: the storm starts the operators itself.
kubectl create --dry-run=client -f "$work/manifests.yaml" -o json | jq -c 'select(.kind != "Deployment")' | kubectl apply -f - >/dev/null
kubectl wait --for=condition=Established crd/progetclusters.proget-operator.io --timeout=20s >/dev/null

faults_start "$work/cluster" fresh
fresh=$FAULTS_DIRECTORY fresh_server=$FAULTS_SERVER
faults_start "$work/cluster" storm --seed "$seed"
# A second certificate, to be changed to while it storms.
faults_certificate "$work/cluster" "$FAULTS_DIRECTORY" second
read -r apiserver _ <"$work/cluster/pids/kube-apiserver"
etcd=$(tr '\0' '\n' <"/proc/$apiserver/cmdline" | sed -n 's/^--etcd-servers=//p')
cat >"$work/restart" <<END
#!/bin/sh
exec '$root/tests/cluster/restart.sh' '$work/cluster'
END
chmod +x "$work/restart"

# A round takes about 25 s, and its quiet point about 20: the Lease of a leader that was killed lasts 15.
"$program" --kubeconfig "$KUBECONFIG" --etcd "$etcd" --proxy "$FAULTS_DIRECTORY" --proxy-server "$FAULTS_SERVER" \
    --fresh "$fresh" --fresh-server "$fresh_server" --operator "$operator" --restart "$work/restart" --work "$work/logs" \
    --log-level "${STORM_LOG_LEVEL:-info}" --seed "$seed" --rounds "$(((seconds + 44) / 45))" \
    2>"$work/logs/driver.err" &
driver=$!
status=0
wait "$driver" || status=$?
driver=
exit "$status"
