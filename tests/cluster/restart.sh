#!/usr/bin/env bash
# Kills kube-apiserver of the control plane that start.sh started in DIR and starts it again, with the same options:
#   restart.sh DIR [SIGNAL [SECONDS]]       default KILL; SECONDS that it stays away, default 0
# Returns once it is ready. etcd and the controllers go on; the log of the killed one stays as kube-apiserver.log.N.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    cluster_say "usage: restart.sh DIR [SIGNAL [SECONDS]]"
    exit 2
fi
directory=$(cd "$1" && pwd)
name=kube-apiserver
read -r pid _ <"$directory/pids/$name"
if ! cluster_runs "$directory" "$name"; then
    cluster_say "control plane: $name of $directory is not running"
    exit 2
fi
# A process tells best how it was started.
mapfile -d '' -t command <"/proc/$pid/cmdline"
# shellcheck source=/dev/null disable=SC2153
server=$(. "$directory/env" && printf '%s' "$SERVER")
kill "-${2:-KILL}" "$pid"
# Its threads may hold the port for a moment after the process itself is dead.
wait_for 20 "! cluster_runs '$directory' '$name' && cluster_port_is_free ${server##*:}"
number=1
while [ -e "$directory/logs/$name.log.$number" ]; do number=$((number + 1)); done
mv "$directory/logs/$name.log" "$directory/logs/$name.log.$number"
cluster_pause "${3:-0}"
cluster_spawn "$directory" "$name" "${command[@]}"
pki=$directory/pki
wait_for 60 "! cluster_runs '$directory' '$name' ||
    curl -sf --cacert '$pki/ca.crt' --cert '$pki/admin.crt' --key '$pki/admin.key' --max-time 5 '$server/readyz'"
cluster_runs "$directory" "$name" || { cluster_say "control plane: $name did not start again: $(tail -n 3 "$directory/logs/$name.log")"; exit 1; }
