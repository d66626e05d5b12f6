# Two operators of which one acts: the way of the one who leads is cut, then it is stopped for longer than its Lease, then
# it ends while the other one sees the pods late.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

lease_holder() { api /apis/coordination.k8s.io/v1/namespaces/proget-operator/leases/proget-operator | jq -r '.spec.holderIdentity // ""'; }
leads() { operator_use "$1" && [ "$(grep -E 'leading from now on|no longer leading' "$OPERATOR_LOG" | tail -n 1 | grep -c 'leading from now on')" = 1 ]; }
written_by() { # NAME: writes of that operator that reached its proxy, the election's own apart
    proxy_use "$1"
    faults_counts '[.requests[] | select(.verb != "watch" and .verb != "list" and .verb != "get" and (.path | contains("/leases") | not)) | .count] | add // 0'
}
case_open one two
POD_NAME=one OPERATOR_BEHIND=one operator_start one --leader-elect
WITHIN=30 ok "the first one leads" "leads one && members 2"
POD_NAME=two OPERATOR_BEHIND=two operator_start two --leader-elect
operator_use two
WITHIN=30 ok "the second one is in step, and stands by" "operator_ready && log_lines 'info  standing by' 1"
change
through "with two"
holds "of which one alone wrote" '[ "$(written_by two)" = 0 ]'

# --- the way of the leader is cut ---
proxy_use one
faults_act listener open=false >/dev/null
faults_act cut >/dev/null
cut_ms=$(cluster_now_ms)
change
operator_use one
WITHIN=15 ok_log "cut off, it steps down by itself" 1 'no longer leading'
holds "within 12 s of its last write" '[ $(($(cluster_now_ms) - cut_ms)) -lt 13500 ]'
operator_use two
WITHIN=25 ok_log "the other one takes over" 1 'leading from now on'
operator_use two
through "from one leader to the next"
proxy_use one
faults_act listener open=true >/dev/null
operator_use one
WITHIN=40 ok "the first one is back, and stands by" "log_lines 'the API server is back' 1 && log_lines 'info  standing by' 1"
written_before=$(written_by one)
change
through "with the other leader"
holds "the first one wrote nothing" '[ "$(written_by one)" = "$written_before" ]'

# --- the leader is stopped, as a machine is that is suspended ---
operator_use two
two_pid=$(operator_pid)
written_before=$(written_by two)
kill -STOP "$two_pid"
change
operator_use one
WITHIN=30 ok "the one that was stopped is succeeded" leads one
through "while the leader is stopped"
kill -CONT "$two_pid"
operator_use two
WITHIN=20 ok_log "awake again, it sees at once that its time is over" 1 'no longer leading'
change
through "after that"
holds "it wrote nothing since it was stopped" '[ "$(written_by two)" = "$written_before" ]'
change
operator_use one
through "with the first leader again"

# --- the leader ends while the one that stands by has yet to see what it said ---
proxy_use two
ok "what happens to pods reaches the one that stands by nine seconds late" apply pods '{"kind":"hold","ms":9000}'
jq -n --arg ns "$NS" '{apiVersion: "v1", kind: "Event", metadata: {name: "mount.1", namespace: $ns}, reason: "FailedMount", type: "Warning",
    message: "x", involvedObject: {kind: "Pod", namespace: $ns, name: "nobody"}}' | api_create "/api/v1/namespaces/$NS/events"
change
operator_use one
through "while the other one does not see it"
for name in one two; do
    operator_use "$name"
    holds "$name is the same process" operator_same
done
operator_use two
watched_before=$(grep -c 'watching this cluster' "$OPERATOR_LOG")
judged_by_two() { operator_use two && [ "$(grep -c 'watching this cluster' "$OPERATOR_LOG")" -gt "$watched_before" ]; }
ends_said() { grep -cE 'CoScheduled' <(grep -E 'resolved: |no longer reported: ' "$OPERATOR_LOG"); }
ended_before=$(ends_said || true)
operator_use one
cluster_stop "$RUN" one
holds "it ends without a complaint about memory" "! grep -qE '$SANITIZER_WORDS' '$OPERATOR_LOG'"
operator_use two
WITHIN=10 ok "a leader that ends gives the Lease up, and the other one leads at once" leads two
WITHIN=15 ok "it judges once it has seen as much as the one before" judged_by_two
holds "and takes nothing for mended or deleted that it had not seen yet" '[ "$(ends_said)" = "$ended_before" ]'
through "from a leader to one that was behind"
change
through "after the end of one"
