# Frames that make no sense, come twice, or come in another order than they were made.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
change
through "without a fault"
read_before=$(reads pods)
for frame in blank unknown-type; do
    apply pods "{\"kind\":\"inject\",\"frame\":\"$frame\"}"
    change
    through "$frame frame"
done
apply pods '{"kind":"duplicate","times":3}'
change
through "every frame twice"
holds "for none of these anything was read anew" '[ "$(reads pods)" = "$read_before" ]'
for frame in huge garbage not-event; do
    apply pods "{\"kind\":\"inject\",\"frame\":\"$frame\"}"
    change
    through "$frame frame"
    read_before=$((read_before + 1))
    ok "after it, pods were read anew, once" '[ "$(reads pods)" = "$read_before" ]'
done
holds "all of these were sent" fired inject 5
# Pods are seen two seconds after everything else: also after the status that was written because of them.
held=$(faults_rule '{"match":{"form":"watch","resource":"pods"},"fault":{"kind":"hold","ms":2000}}')
apply pods '{"kind":"hold","ms":2000}'
change
through "pods held back by two seconds"
faults_ctl delete "$held" >/dev/null
apply progetclusters '{"kind":"hold","ms":3000}'
change
through "its own statuses held back by three seconds"
holds "nobody was troubled" "log_lines 'out of reach' 0 && log_lines 'does not serve everything' 0"
holds "the same process" operator_same
