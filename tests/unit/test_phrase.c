/*
 * What a finding tells the user to type: the commands that checks share have to work when they are pasted.
 */
#include "checks_fixture.h"

#define CLUSTER                                                                             \
    "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"                        \
    "metadata: {namespace: ns, name: main}\nspec: {selector: {matchLabels: {app: proget}}}" \
    "\nstatus: {evictions: [{time: '2026-11-22T11:00:00Z', pod: gone, uid: u, node: node-a, cause: %s}]}\n"
#define WORKLOAD(kind, name, spec)                                                        \
    "---\napiVersion: apps/v1\nkind: " kind "\nmetadata: {namespace: ns, name: " name "}" \
    "\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: proget}}"                    \
    "\n  template: {metadata: {labels: {app: proget}}, spec: {" spec "}}\n"
#define CONTAINER(rest) "containers: [{name: server, image: 'inedo/proget:25.0.13'" rest "}]"
#define LITERAL(key)    ", env: [{name: PROGET_ENCRYPTION_KEY, value: " key "}]"
#define KEY_A           LITERAL("8c1f6a35e07b49d2b6f4a90d3c5e7812")
#define KEY_B           LITERAL("97b1c0de5512f3a48890ab34cd12ef56")
#define KEY_PUBLIC_ONE  LITERAL("'00000000000000000000000000000000'")
#define KEY_FROM_SECRET ", env: [{name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}]"
#define KEY_SECRET(key) \
    "---\napiVersion: v1\nkind: Secret\nmetadata: {namespace: ns, name: s}\nstringData: {k: " key "}\n"
#define POD_ON(name, node)                                                                                            \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: " name ", uid: " name ", labels: {app: proget}}" \
    "\nspec: {nodeName: " node ", " CONTAINER(KEY_A) "}\nstatus: {phase: Running}\n"
#define POD(spec)                                                                                                     \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: p, uid: p, labels: {app: proget}}\nspec: {" spec \
    "}\n"
#define GUARANTEED ", resources: {limits: {cpu: '1', memory: 1Gi}}"
#define CLASS      "priorityClassName: high, "

static const struct advice_case {
    const char *cause; /* of an eviction that the cluster remembers */
    const char *workloads;
    const char *code;
    const char *says, *says_not; /* NULL: nothing to look for */
} cases[] = {
    /* Every workload is stopped, by one command. */
    {"Taint", WORKLOAD("StatefulSet", "b", CONTAINER(KEY_A)) WORKLOAD("Deployment", "a", CONTAINER(KEY_B)),
     "EncryptionKeyMismatch", "(kubectl -n ns scale deployment/a statefulset/b --replicas=0), wait until",
     "rollout restart"},
    /* A DaemonSet cannot be scaled: a command that leaves servers running is worse than none. */
    {"Taint", WORKLOAD("StatefulSet", "b", CONTAINER(KEY_A)) WORKLOAD("DaemonSet", "a", CONTAINER(KEY_B)),
     "EncryptionKeyMismatch", "stop all servers together, wait until", "kubectl"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER("")), "EncryptionKeyMissing",
     "let every server take PROGET_ENCRYPTION_KEY from it", "set env"},
    /* Without "value": null the API server refuses the patch: a variable has a value or a source. */
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(KEY_A)), "EncryptionKeyExposed",
     "kubectl -n ns patch deployment/a -p "
     "'{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"server\",\"env\":["
     "{\"name\":\"PROGET_ENCRYPTION_KEY\",\"value\":null,\"valueFrom\":{\"configMapKeyRef\":null,\"secretKeyRef\":{"
     "\"name\":\"proget-encryption-key\",\"key\":\"key\"}}}]}]}}}}'",
     NULL},
    /* What the servers have already is not asked of them. */
    {"NodePressure", WORKLOAD("Deployment", "a", CONTAINER("")), "Evicted",
     "Set CPU and memory requests equal to limits, give the servers a PriorityClass, and see what filled the node: "
     "kubectl describe node node-a",
     NULL},
    {"NodePressure", WORKLOAD("Deployment", "a", CONTAINER(GUARANTEED)), "Evicted", "Give the servers a PriorityClass",
     "equal to limits"},
    {"NodePressure", WORKLOAD("Deployment", "a", CLASS CONTAINER("")), "Evicted", "requests equal to limits",
     "a PriorityClass"},
    {"NodePressure", WORKLOAD("Deployment", "a", CLASS CONTAINER(GUARANTEED)), "Evicted",
     "have a PriorityClass already, so make room: see what filled the node", "equal to limits"},
    {"NodePressure", "", "Evicted", "where they are without", NULL},
    {"Preemption", WORKLOAD("Deployment", "a", CLASS CONTAINER("")), "Evicted",
     "a PriorityClass of a higher value than those of the pods that pushed it off (high has not kept it)", NULL},
    {"Preemption", WORKLOAD("Deployment", "a", CONTAINER("")), "Evicted",
     "a PriorityClass above those of the pods that pushed it off; see which pods they are: kubectl get pods -A "
     "--field-selector spec.nodeName=node-a",
     NULL},
    {"Api", WORKLOAD("Deployment", "a", CONTAINER("")), "Evicted", "if they have none yet", NULL},
    /* A sidecar that is native is in another list of the pod's spec. */
    {"Taint",
     WORKLOAD("Deployment", "a",
              "initContainers: [{name: proget-sidecar, image: s, restartPolicy: Always}], " CONTAINER(GUARANTEED)),
     "SidecarBreaksQos", "{\"initContainers\":[{\"name\":\"proget-sidecar\",", NULL},
    {"Taint",
     WORKLOAD("Deployment", "a",
              "containers: [{name: proget-sidecar, image: s}, {name: server, image: 'inedo/proget:25.0.13'" GUARANTEED
              "}]"),
     "SidecarBreaksQos", "{\"containers\":[{\"name\":\"proget-sidecar\",", NULL},
    /* What has to be replaced is not kept in a Secret; a Secret that nobody uses is not "the one that they share". */
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(LITERAL("short"))), "EncryptionKeyExposed",
     "has to be replaced anyway (EncryptionKeyMalformed says how): put the new one into a Secret", "Copy this very"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(KEY_PUBLIC_ONE)), "EncryptionKeyExposed",
     "has to be replaced anyway (EncryptionKeyPublic says how)", "Copy this very"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(LITERAL("short"))), "EncryptionKeyMalformed",
     "let every server take it from there (kubectl -n ns patch deployment/a -p ", "share"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(KEY_PUBLIC_ONE)), "EncryptionKeyPublic",
     "make a Secret with a key of your own and let every server take it from there (kubectl -n ns patch deployment/a",
     "share"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(KEY_FROM_SECRET)) KEY_SECRET("short"), "EncryptionKeyMalformed",
     "into the Secret that all servers share", "patch"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER(KEY_FROM_SECRET)) KEY_SECRET("'00000000000000000000000000000000'"),
     "EncryptionKeyPublic", "put a key of your own into the Secret that they share", "patch"},
    /* The patch that spreads them has replaced the pods already. */
    {"Taint", POD_ON("p", "a") POD_ON("q", "a"), "CoScheduled",
     "only if they still share a node afterwards, delete one", "then delete"},
    /* The API server refuses such changes of a pod: it is made anew. */
    {"Taint", POD(CONTAINER(", livenessProbe: {httpGet: {path: /health, port: 80}}")), "HealthProbeRestarts",
     "in the manifest that pod/p comes from; then delete the pod", "kubectl"},
    {"Taint", POD(CONTAINER("")), "QosNotGuaranteed", "in the manifest that pod/p comes from; then delete the pod",
     "kubectl"},
    {"Taint", POD(CONTAINER("")), "PriorityClassMissing", "in the manifest that pod/p comes from; then delete the pod",
     "edit"},
    {"Taint", POD(CONTAINER("")), "SidecarMissing", "the manifest of a workload that takes the place of pod/p", "edit"},
    {"Taint",
     POD("containers: [{name: proget-sidecar, image: s}, {name: server, image: 'inedo/proget:25.0.13'" GUARANTEED "}]"),
     "SidecarBreaksQos", "in the manifest that pod/p comes from", "kubectl"},
    {"Taint", POD(CONTAINER(KEY_A)), "EncryptionKeyExposed", "in the manifest that pod/p comes from", "kubectl"},
    {"Taint", WORKLOAD("Deployment", "a", CONTAINER("")), "QosNotGuaranteed", "kubectl -n ns edit deployment/a", NULL},
};

static void test_advice(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        const struct advice_case *each = &cases[i];
        cleanup_free char *cluster = xasprintf(CLUSTER, each->cause);
        cleanup_free char *yaml = xasprintf("%s%s", cluster, each->workloads);
        struct fixture fixture;
        fixture_offline(&fixture, yaml);
        assert_int_equal(fixture.result.clusters.count, 1);
        const struct finding *finding = finding_of(&fixture.result.findings[0], each->code, NULL);
        if (!finding) {
            fail_msg("case %zu: no %s", i, each->code);
        } else if (!strstr(finding->action, each->says) ||
                   (each->says_not && strstr(finding->action, each->says_not))) {
            fail_msg("case %zu: %s", i, finding->action);
        }
        fixture_clear(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
