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

struct policy_review;

struct lookup {
    struct policy_review *review;
    struct kube_call *call;
    const struct kube_resource *resource;
    const char *kind, *name, *purpose;
    bool is_settled; /* the server has said how it is */
};

/* `kubectl apply -k` makes policies after Deployments: they are given that moment. */
enum { DELAY_MS = 15 * 1000 };

struct policy_review {
    struct kube_client *client;
    struct loop_timer *timer;
    struct lookup lookups[2 * array_length(policies)];
};

static void tell(const struct lookup *lookup, const struct error *err)
{
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

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct lookup *lookup = userdata;
    lookup->call = NULL;
    /* A server that is away says nothing of its policies. */
    lookup->is_settled = response && response->status < 500 && response->status != 429;
    if (!lookup->is_settled) {
        loop_timer_set_after(lookup->review->timer, DELAY_MS);
    } else if (err) {
        tell(lookup, err);
    }
}

static void look(void *userdata)
{
    struct policy_review *review = userdata;
    for (size_t i = 0; i < array_length(review->lookups); i++) {
        struct lookup *lookup = &review->lookups[i];
        struct kube_request request = {.verb = KUBE_GET,
                                       .address = {.resource = lookup->resource, .name = lookup->name}};
        if (!lookup->is_settled && !lookup->call) {
            lookup->call = kube_client_send(review->client, &request, on_response, lookup);
        }
    }
}

static struct lookup lookup_of(struct policy_review *review, size_t index, bool is_binding)
{
    return (struct lookup){
        .review = review,
        .resource = is_binding ? &bindings_resource : &policies_resource,
        .kind = is_binding ? "ValidatingAdmissionPolicyBinding" : "ValidatingAdmissionPolicy",
        .name = policies[index].name,
        .purpose = policies[index].purpose,
    };
}

struct policy_review *policy_review_start(struct kube_client *client)
{
    struct policy_review *review = xcalloc(1, sizeof *review);
    review->client = client;
    for (size_t i = 0; i < array_length(policies); i++) {
        review->lookups[2 * i] = lookup_of(review, i, /* is_binding= */ false);
        review->lookups[2 * i + 1] = lookup_of(review, i, /* is_binding= */ true);
    }
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
