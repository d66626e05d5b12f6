#!/usr/bin/env bash
# Starts a real control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler.
#   start.sh DIR       everything it writes lies in DIR, which must be new, empty, or left by a stopped run
# Leaves DIR/admin.kubeconfig, DIR/nodes.kubeconfig (for process-nodes), DIR/env (KUBECONFIG, ASSETS, SERVER, CA),
# DIR/audit.log and DIR/logs/. Options are variables, see README.md. stop.sh DIR ends it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/certificates.sh
. "$here/certificates.sh"

if [ $# -ne 1 ]; then
    cluster_say "usage: start.sh DIR"
    exit 2
fi
cluster_needs openssl jq curl || exit 2
mkdir -p "$1"
directory=$(cd "$1" && pwd)
for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    if cluster_runs "$directory" "$name"; then
        cluster_say "control plane: $name of $directory is running already; stop.sh $directory first."
        exit 2
    fi
done
assets=$("$here/build.sh")
started_ms=$(cluster_now_ms)

end_all() { "$here/stop.sh" "$directory" || true; }

# fail NAME WHY: the end of its log, and out.
fail() {
    cluster_say "control plane: $1 $2; the end of $directory/logs/$1.log:"
    tail -n 5 "$directory/logs/$1.log" >&2 || true
    return 1
}

# alive_until SECONDS NAME COMMAND...: waits for the command while the program lives; fails as soon as it dies.
alive_until() {
    local limit_s=$1 name=$2
    shift 2
    wait_for "$limit_s" "! cluster_runs '$directory' '$name' || { $*; }" || { fail "$name" "is not ready" || return 1; }
    cluster_runs "$directory" "$name" || fail "$name" "has ended"
}

prepare() {
    rm -rf "${directory:?}"/{etcd,pki,logs,pids,env,audit.log,admin.kubeconfig,nodes.kubeconfig}
    mkdir -p "$directory"/{etcd,pki,logs,pids}
    chmod 700 "$directory/etcd" "$directory/pki"
    certificates_all "$directory/pki"
    cat >"$directory/audit-policy.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
END
}

start_etcd() {
    cluster_spawn "$directory" etcd "$assets/etcd" --name=test --data-dir="$directory/etcd" --unsafe-no-fsync \
        --listen-client-urls="http://127.0.0.1:$etcd_port" --advertise-client-urls="http://127.0.0.1:$etcd_port" \
        --listen-peer-urls="http://127.0.0.1:$peer_port" --initial-advertise-peer-urls="http://127.0.0.1:$peer_port" \
        --initial-cluster="test=http://127.0.0.1:$peer_port" --snapshot-count=10000 --log-level=info
    # Its own log, not the port: an etcd that lost the port to another run must not pass for ready.
    alive_until 20 etcd "grep -q 'ready to serve client requests' '$directory/logs/etcd.log'"
}

start_apiserver() {
    local pki=$directory/pki options=()
    [ -n "${FEATURE_GATES:-}" ] && options+=("--feature-gates=$FEATURE_GATES")
    [ -n "${ADMISSION_OFF:-}" ] && options+=("--disable-admission-plugins=$ADMISSION_OFF")
    [ -n "${TOLERATION_SECONDS:-}" ] && options+=("--default-not-ready-toleration-seconds=$TOLERATION_SECONDS"
        "--default-unreachable-toleration-seconds=$TOLERATION_SECONDS")
    cluster_spawn "$directory" kube-apiserver "$assets/kube-apiserver" \
        --etcd-servers="http://127.0.0.1:$etcd_port" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
        --secure-port="$secure_port" --endpoint-reconciler-type=none --authorization-mode=Node,RBAC \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/service-account.pub" \
        --service-account-signing-key-file="$pki/service-account.key" --service-cluster-ip-range=10.0.0.0/24 \
        --event-ttl="${EVENT_TTL:-1h}" --allow-privileged=true --profiling=false --shutdown-delay-duration=0s \
        --audit-policy-file="$directory/audit-policy.yaml" --audit-log-path="$directory/audit.log" \
        --audit-log-mode=blocking --audit-log-format=json "${options[@]}"
    local client="curl -sf --cacert '$pki/ca.crt' --cert '$pki/admin.crt' --key '$pki/admin.key' --max-time 5"
    alive_until 60 kube-apiserver "$client '$server/readyz'"
}

start_controllers() {
    local pki=$directory/pki name
    for name in kube-controller-manager kube-scheduler; do
        kubeconfig_write "$pki" "$name" "$server" "$pki/$name.kubeconfig"
    done
    cluster_spawn "$directory" kube-controller-manager "$assets/kube-controller-manager" \
        --kubeconfig="$pki/kube-controller-manager.kubeconfig" --use-service-account-credentials \
        --service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" \
        --leader-elect=false --secure-port=0 --allocate-node-cidrs=false --profiling=false --kube-api-qps=200 \
        --kube-api-burst=400 --node-monitor-grace-period="${NODE_MONITOR_GRACE:-10s}" \
        --node-monitor-period="${NODE_MONITOR_PERIOD:-2s}"
    cluster_spawn "$directory" kube-scheduler "$assets/kube-scheduler" --secure-port=0 --leader-elect=false \
        --kubeconfig="$pki/kube-scheduler.kubeconfig" --profiling=false --kube-api-qps=200 --kube-api-burst=400
    local client="curl -sf --cacert '$pki/ca.crt' --cert '$pki/admin.crt' --key '$pki/admin.key' --max-time 5"
    # Pods can be created from the moment that the namespace has its ServiceAccount and the CA's ConfigMap.
    alive_until 30 kube-controller-manager "$client '$server/api/v1/namespaces/default/serviceaccounts/default' &&
        $client '$server/api/v1/namespaces/default/configmaps/kube-root-ca.crt'"
    cluster_runs "$directory" kube-scheduler || fail kube-scheduler "has ended"
}

attempt() {
    local ports
    ports=$(cluster_free_ports 3)
    read -r etcd_port peer_port secure_port <<<"$ports"
    server=https://127.0.0.1:$secure_port
    prepare && start_etcd && start_apiserver || return 1
    kubeconfig_write "$directory/pki" admin "$server" "$directory/admin.kubeconfig"
    kubeconfig_write "$directory/pki" process-nodes "$server" "$directory/nodes.kubeconfig"
    [ "${CONTROLLERS:-yes}" = no ] || start_controllers
}

trap 'end_all; exit 130' INT TERM
for round in 1 2 3; do
    if attempt; then
        cat >"$directory/env" <<END
export KUBECONFIG='$directory/admin.kubeconfig'
export ASSETS='$assets'
export SERVER='$server'
export CA='$directory/pki/ca.crt'
END
        printf 'control plane: ready in %d ms at %s, state in %s\n' "$(($(cluster_now_ms) - started_ms))" "$server" "$directory"
        exit 0
    fi
    end_all
    # Only a port that somebody took in between is worth another round.
    grep -qs 'address already in use' "$directory"/logs/*.log || break
    cluster_say "control plane: a port was taken meanwhile (round $round of 3)"
done
exit 1
