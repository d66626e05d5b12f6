# The API server's name: not known at first, then known, then gone, then that of another address.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_open
# hosts WORDS: in place, since that file is what the operator has instead of its own.
hosts() { printf '%s\n' "127.0.0.1 localhost" "$@" >"$RUN/hosts"; }
hosts
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$RUN/resolv.conf"
sed -i "s|https://127.0.0.1:|https://apiserver.test:|" "$RUN/proxy.kubeconfig"
OPERATOR_WRAP=(unshare --mount)
[ "$(id -u)" = 0 ] || OPERATOR_WRAP+=(--map-root-user)
OPERATOR_WRAP+=(sh -c "mount --bind '$RUN/hosts' /etc/hosts && mount --bind '$RUN/resolv.conf' /etc/resolv.conf && exec \"\$@\"" sh)
operator_start
ok_log "a name that nobody knows is told, once" 1 'cannot get in step with the API server yet'
holds "as such" "grep -F 'cannot get in step' '$OPERATOR_LOG' | grep -qF 'its name cannot be resolved'"
hosts '127.0.0.1 apiserver.test'
WITHIN=70 ok "once it is known, in step" "operator_ready && members 2"
change
through "a name that came"
hosts
gone_ms=$(cluster_now_ms)
WITHIN=70 ok "the name is gone for longer than it is remembered" '[ "$(cluster_now_ms)" -gt $((gone_ms + 61000)) ]'
change
through "a connection that stands, without its name"
holds "that nobody was troubled with" "log_lines 'the API server is out of reach' 0"
faults_act cut >/dev/null
change
ok_log "with the connection lost as well, it is told, once" 1 'the API server is out of reach'
holds "as such" "grep -F 'out of reach' '$OPERATOR_LOG' | grep -qF 'its name cannot be resolved'"
hosts '127.0.0.1 apiserver.test'
WITHIN=70 through "the name again"
ok_log "its end is told, once" 1 'the API server is back'
holds "the same process" operator_same
