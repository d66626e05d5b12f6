# etcd is restored from a copy: versions and objects go back. What is true then is published, whatever was said before.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

command_of() { # PROGRAM: its command line, to start it by again
    mapfile -d '' -t "$2" <"/proc/$(cut -d' ' -f1 "$WORLD/cluster/pids/$1")/cmdline"
}
etcd_command=() server_command=()
stop_both() {
    cluster_stop "$WORLD/cluster" kube-apiserver
    cluster_stop "$WORLD/cluster" etcd
}
start_both() {
    cluster_spawn "$WORLD/cluster" etcd "${etcd_command[@]}"
    wait_for 20 "grep -q 'ready to serve client requests' '$WORLD/cluster/logs/etcd.log'"
    cluster_spawn "$WORLD/cluster" kube-apiserver "${server_command[@]}"
    WITHIN=60 ok "etcd and the API server have started" api /readyz
}
found_again() { # on proget-3, and said once
    cluster_json | jq -e '[.status.findings[] | select(.code == "CoScheduled" and .object.name == "proget-3" and .announced != null)] | length == 1' &&
        api "/apis/events.k8s.io/v1/namespaces/$NS/events" |
        jq -e '[.items[] | select(.reason == "CoScheduled" and .regarding.name == "proget-3" and .action == "Detected")] | length == 1'
}
gone() { # POD...: nothing stands of them
    cluster_json | jq -e --args '[.status.findings[] | select(.object.name as $name | $ARGS.positional | index($name))] == []' "$@"
}
case_start || return
crowd
through "before the copy is made"
command_of kube-apiserver server_command
command_of etcd etcd_command
stop_both
cp -a "$WORLD/cluster/etcd" "$RUN/etcd"
start_both
ok "in step with it again" "log_lines 'the API server is back' 1"

# --- what happens after the copy: the crowd is gone, then another one comes ---
mend
through "after the copy"
crowd
through "after the copy"
pod_make proget-3 b
ok "another finding, after the copy" found_again
for version in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kubectl -n "$NS" create configmap "m-$version" >/dev/null # so that the versions are well ahead
done
stop_both
rm -rf "$WORLD/cluster/etcd"
cp -a "$RUN/etcd" "$WORLD/cluster/etcd"
start_both
crowds=1 mends=0
WITHIN=60 ok_log "that it was restored is noticed, and told" 1 'its database was restored'
WITHIN=60 ok "what was true then is what is published now" crowded
ok "nothing stands of what is no longer there" gone proget-3 extra-2
ok "the members are those that there are" members 3
mend
through "after the restoration"
pod_make proget-3 b
ok "what was found after the copy is announced anew when it comes again" found_again
holds "the same process" operator_same
