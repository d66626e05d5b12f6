#include "policies.h"

#include "proget/core/log.h"
#include "proget/core/memory.h"

static const struct kube_resource policies_resource = {
    .group = "admissionregistration.k8s.io", .version = "v1", .plural = "validatingadmissionpolicies"};
static const struct kube_resource bindings_resource = {
    .group = "admissionregistration.k8s.io", .version = "v1", .plural = "validatingadmissionpolicybindings"};

/* Each policy, its binding of the same name, and what it keeps from happening. */
static const struct {
    const char *name, *purpose;
} policies[] = {
    {"proget-operator-pods", "the operator may change nothing of a pod but its own annotations"},
    {"proget-operator-leases", "the operator may change nothing of a Lease but the sidecar's settings"},
    {"proget-sidecar-heartbeats", "a sidecar may write no Lease but its own pod's"},
};

struct lookup {
    struct kube_call *call;
    const char *kind, *name, *purpose;
};

/* `kubectl apply -k` makes policies after Deployments: they are given that moment. */
enum { DELAY_MS = 15 * 1000 };

struct policy_review {
    struct kube_client *client;
    struct loop_timer *timer;
    struct lookup lookups[2 * array_length(policies)];
};

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    (void) response;
    struct lookup *lookup = userdata;
    lookup->call = NULL;
    if (!err) {
        return;
    }
    if (err->code == ERROR_NOT_FOUND) {
        log_warning(
            LOG_FIELDS({"kind", lookup->kind}, {"name", lookup->name}),
            "an admission policy is missing, so nothing but RBAC sees to it that %s. Apply manifests/base again",
            lookup->purpose);
    } else {
        log_warning(LOG_FIELDS({"kind", lookup->kind}, {"name", lookup->name}, {"error", err->text}),
                    "cannot tell whether the admission policy is in place by which %s", lookup->purpose);
    }
}

static void look_up(struct lookup *lookup, struct kube_client *client, const struct kube_resource *resource)
{
    struct kube_request request = {.verb = KUBE_GET, .address = {.resource = resource, .name = lookup->name}};
    lookup->call = kube_client_send(client, &request, on_response, lookup);
}

static void look(void *userdata)
{
    struct policy_review *review = userdata;
    for (size_t i = 0; i < array_length(policies); i++) {
        struct lookup *policy = &review->lookups[2 * i];
        struct lookup *binding = policy + 1;
        *policy = (struct lookup){
            .kind = "ValidatingAdmissionPolicy", .name = policies[i].name, .purpose = policies[i].purpose};
        *binding = (struct lookup){
            .kind = "ValidatingAdmissionPolicyBinding", .name = policies[i].name, .purpose = policies[i].purpose};
        look_up(policy, review->client, &policies_resource);
        look_up(binding, review->client, &bindings_resource);
    }
}

struct policy_review *policy_review_start(struct kube_client *client)
{
    struct policy_review *review = xcalloc(1, sizeof *review);
    review->client = client;
    review->timer = loop_timer_new(kube_client_loop(client), look, review);
    loop_timer_set_after(review->timer, DELAY_MS);
    return review;
}

void policy_review_free(struct policy_review *review)
{
    for (size_t i = 0; review && i < array_length(review->lookups); i++) {
        kube_call_cancel(review->lookups[i].call);
    }
    if (review) {
        loop_timer_free(review->timer);
    }
    free(review);
}
