# A token that is not accepted: once; and for as long as nobody writes another one into its file.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
change
through "without a fault"
# --- a single 401, to a read and to a write ---
faults_rule '{"match":{"form":"watch","resource":"pods"},"when":{"atMost":1},"fault":{"kind":"status","preset":"401"}}' >/dev/null
faults_rule '{"match":{"methods":["PATCH"]},"when":{"atMost":1},"fault":{"kind":"status","preset":"401"}}' >/dev/null
faults_rule '{"match":{"methods":["POST"]},"when":{"atMost":1},"fault":{"kind":"status","preset":"401"}}' >/dev/null
apply pods '{"kind":"cut-stream"}'
change
through "401 once to a watch, a status and an Event"
holds "all three were sent" fired status 3
faults_clear
# --- a token that the server no longer knows: it was bound to something that is gone ---
read_before=$(reads pods)
kubectl -n proget-operator create secret generic "$NS" >/dev/null
operator_token --bound-object-kind=Secret --bound-object-name="$NS" >"$RUN/token.new"
mv "$RUN/token.new" "$RUN/token"
kubectl -n proget-operator delete secret "$NS" >/dev/null
bad=$(cat "$RUN/token")
refused() { [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA" -H "Authorization: Bearer $bad" "$SERVER/version")" = 401 ]; }
WITHIN=60 ok "the token in the file is no longer accepted" refused
WITHIN=70 ok "the operator has taken it up" '[ "$(faults_counts "[.requests[] | select(.status == 401 and .verb == \"list\") | .count] | add // 0")" -gt 0 ]'
faults_act cut >/dev/null
change
ok "it is said that it gets nowhere" "log_lines 'the API server is out of reach' 1 || log_lines 'does not serve everything' 1"
grep -E 'out of reach|serve everything' "$OPERATOR_LOG" | sed 's/^/      | /'
holds "nothing is written with it" '! said_so_far'
operator_token >"$RUN/token.new" && mv "$RUN/token.new" "$RUN/token"
WITHIN=60 through "with the next token in the file"
ok_log "its end is told" 1 'the API server is back'
holds "no call was lost for it, nor made twice" said_so_far
holds "nothing was read anew" '[ "$(reads pods)" = "$read_before" ]'
holds "no token in the log" "! grep -qF \"\$bad\" '$OPERATOR_LOG'"
holds "the same process" operator_same
