# Three servers in good order: healthy everywhere a user looks, and nothing is said against them.
# shellcheck shell=bash
servers_apply
wait_for 30 running proget-0
wait_for 30 running proget-1
wait_for 30 running proget-2
activate_all
WITHIN=60 ok "three servers are healthy" healthy 3
ok "the summary says so" "cluster_json | jq -e '.status.summary == \"none\"'"
for pod in proget-0 proget-1 proget-2; do
    ok "$pod is annotated healthy" annotation "$pod" status healthy
    ok "$pod has no findings" no_annotation "$pod" findings
done
for type in EncryptionKeyInSync VersionInSync ServersSpread EvictionResistant Activated Observed Ready; do
    ok "condition $type" condition "$type" True
done
ok "members show version, key and heartbeat" "cluster_json | jq -e '[.status.members[] | select(.heartbeat == \"Fresh\" and
    .version == \"2025.13 (Build 2)\" and .keyInSync and .versionInSync and .activation == \"Active\")] | length == 3'"
holds "the plain listing shows it" "kubectl -n $NS get pgc main --no-headers | grep -E 'main +ProGet +3 +3 +none'"
holds "no warning was said" "kubectl -n $NS get events.events.k8s.io -o json |
    jq -e '[.items[] | select(.reportingController == \"proget-operator.io/operator\" and .type == \"Warning\" and
        (.reason | startswith(\"Reactivation\") or . == \"ManualActivationRequired\" | not))] | length == 0'"
