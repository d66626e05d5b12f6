#!/usr/bin/env bash
# Stops the control plane that start.sh started in DIR, each program in order, etcd last, and waits for each.
# State, logs and the audit log stay in DIR; removing them is the caller's business.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -d "$1" ]; then
    echo "usage: stop.sh DIR (the folder that was given to start.sh)" >&2
    exit 2
fi
directory=$(cd "$1" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
status=0
for name in kube-scheduler kube-controller-manager kube-apiserver etcd; do
    cluster_stop "$directory" "$name" || status=1
done
exit $status
