# A server that cannot show who it is gets nothing; a server that cannot be reached is asked again.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
change
through "without a fault"
# A CA of the same name: whoever sits in between has one as well.
mkdir "$RUN/foreign"
certificates_authority "$RUN/foreign"
certificates_issue "$RUN/foreign" server /CN=fault-proxy "extendedKeyUsage=serverAuth"$'\n'"subjectAltName=IP:127.0.0.1"
faults_act certificate certificate="$RUN/foreign/server.crt" key="$RUN/foreign/server.key" >/dev/null
faults_act cut >/dev/null
faults_ctl reset-counts >/dev/null
change
ok_log "a certificate of another CA is refused, which is said once" 1 'the API server is out of reach'
holds "with what to look at" "grep -F 'out of reach' '$OPERATOR_LOG' | grep -F 'is not signed by the CA in' | grep -qF '$FAULTS_CA'"
holds "it was tried" '[ "$(faults_counts .connections.accepted)" -gt 0 ]'
holds "and nothing was sent to it" '[ "$(faults_counts ".requests | length")" = 0 ]'
faults_act certificate certificate="$FAULTS_DIRECTORY/server.crt" key="$FAULTS_DIRECTORY/server.key" >/dev/null
through "the right certificate again"
WITHIN=60 ok_log "its end is told, once" 1 'the API server is back'
faults_act handshakes refuse=true >/dev/null
faults_act cut >/dev/null
change
ok "handshakes that fail are told" "log_lines 'the API server is out of reach' 2"
faults_act handshakes refuse=false >/dev/null
through "handshakes again"
WITHIN=60 ok "which is told as well" "log_lines 'the API server is back' 2"
faults_act listener open=false >/dev/null
faults_act cut >/dev/null
change
ok "connections that are refused are told" "log_lines 'the API server is out of reach' 3"
faults_act listener open=true >/dev/null
through "a listener again"
WITHIN=60 ok_log "as is the end of each" 3 'the API server is back'
grep -F 'out of reach' "$OPERATOR_LOG" | sed 's/^/      | /'
holds "the same process" operator_same
