# The cases of tests/scenarios against a real API server: the running operator says of them what is said offline. It has a
# control plane of its own, in which nobody but the test writes: no controllers, no scheduler, no nodes, and no admission
# that would give pods more than the scenario says. (tests/e2e/scenarios/README.md)
# shellcheck shell=bash
# shellcheck disable=SC2154 # world.sh sets root
scenarios_start() {
    ADMISSION_OFF=ServiceAccount,Priority,DefaultTolerationSeconds,TaintNodesByCondition CONTROLLERS=no \
        "$root/tests/cluster/start.sh" "$scenarios/cluster" >&2
}
scenarios_kubectl() { kubectl --kubeconfig "$scenarios/cluster/admin.kubeconfig" "$@"; }
# As the base of the manifests has it, but for the Deployment: there is no kubelet.
scenarios_install() {
    kubectl kustomize "$root/manifests/base" | scenarios_kubectl create -f - --dry-run=client -o json |
        jq -s '{apiVersion: "v1", kind: "List", items: (map(.items // [.]) | add | map(select(.kind != "Deployment")))}' |
        scenarios_kubectl apply -f - >/dev/null
    wait_for 30 scenarios_kubectl wait --for=condition=Established crd/progetclusters.proget-operator.io --timeout=1s
    # Kinds of others that scenarios have: whatever is in them is taken.
    scenarios_kubectl apply -f "$root/tests/e2e/scenarios/extensions.yaml" >/dev/null
    wait_for 30 scenarios_kubectl wait --for=condition=Established crd --all --timeout=1s
}
scenarios_run() {
    (
        # shellcheck source=/dev/null disable=SC2153
        . "$scenarios/cluster/env"
        "$("$root/tests/e2e/scenarios/build.sh")/scenarios" --server "$SERVER" --cluster "$scenarios/cluster" \
            --scenarios "$root/tests/scenarios" --excluded "$root/tests/e2e/scenarios/excluded.tsv" \
            --operator "$root/build/$WORLD_PRESET/operator/proget-operator" \
            --plugin "$root/build/$WORLD_PRESET/cli/kubectl-proget" --clock-library "$scenarios/clock.so" \
            --work "$scenarios/work" >"$scenarios/said" 2>&1
    )
}
# scenarios_tell: one assertion for each scenario, and the numbers.
scenarios_tell() {
    local line
    while IFS= read -r line; do
        case $line in
        "ok "*) e2e_passed=$((e2e_passed + 1)) ;;
        "FAIL "*) e2e_failed=$((e2e_failed + 1)) ;;
        esac
        printf '%s\n' "$line"
    done <"$scenarios/said"
}

scenarios=$WORLD/scenarios
mkdir -p "$scenarios/work"
scenarios_start
scenarios_install
cc -std=c17 -shared -fPIC -O2 -Wall -Wextra -Werror -o "$scenarios/clock.so" "$root/tests/e2e/scenarios/clock/clock.c"
scenarios_status=0
scenarios_run || scenarios_status=$?
scenarios_tell
holds "the run went to its end" "[ $scenarios_status -le 1 ]"
holds "at least 120 of them were live" "[ \"\$(sed -n 's/^live \\([0-9]*\\) of .*/\\1/p' '$scenarios/said')\" -ge 120 ]"
cp "$scenarios"/work/*.log "$WORLD/logs/" # run.sh looks for errors of memory in them
"$root/tests/cluster/stop.sh" "$scenarios/cluster"
unset scenarios scenarios_status
