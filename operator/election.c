#include "election.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/leader.h"

#define LEASE_NAME "proget-operator" /* the policies and the Role know it by that name */

struct election {
    struct election_options options;
    struct leader *leader;       /* NULL: no election is held */
    uint64_t changes;            /* begun and ended */
    struct loop_timer *released; /* ... then the end is told from here */
    void (*on_released)(void *userdata);
    void *released_userdata;
};

static char *random_text(void)
{
    unsigned char bytes[16];
    char text[2 * sizeof bytes + 1];
    int done = RAND_bytes(bytes, sizeof bytes);
    assert(done == 1);
    (void) done;
    text_to_hex(text, bytes, sizeof bytes);
    return xstrdup(text);
}

/*
 * In a pod: its uid. A container that starts again in the same pod is the only one of it, and goes on with the Lease
 * where its predecessor was killed. Elsewhere several may run on one host.
 */
static char *make_identity(const char *instance)
{
    const char *pod_uid = getenv("POD_UID");
    cleanup_free char *suffix = text_is_empty(pod_uid) ? random_text() : xstrdup(pod_uid);
    cleanup_free char *whole = xasprintf("%s_%s", instance, suffix);
    size_t length = strlen(whole);
    /* The end is what tells one from another. */
    return xstrdup(length > LEADER_IDENTITY_LENGTH_MAX ? whole + length - LEADER_IDENTITY_LENGTH_MAX : whole);
}

static void on_change(bool leads, const char *why, void *userdata)
{
    struct election *election = userdata;
    election->changes++;
    if (leads) {
        const char *namespace_name = kube_client_config(election->options.client)->namespace_name;
        log_info(LOG_FIELDS({"lease", LEASE_NAME}, {"namespace", namespace_name}), "leading from now on");
    } else {
        log_warning(LOG_FIELDS({"why", why}), "no longer leading: standing by, nothing is published from here");
    }
    election->options.on_change(election->options.userdata);
}

static void on_observed(const char *holder, const struct error *trouble, void *userdata)
{
    (void) userdata;
    if (trouble) {
        log_warning(LOG_FIELDS({"lease", LEASE_NAME}, {"error", trouble->text}),
                    "the election Lease cannot be read or written, trying again");
    } else if (holder) {
        log_info(LOG_FIELDS({"leader", holder}), "standing by");
    }
}

static void tell_released(void *userdata)
{
    struct election *election = userdata;
    election->on_released(election->released_userdata);
}

struct election *election_start(const struct election_options *options)
{
    struct election *election = xcalloc(1, sizeof *election);
    election->options = *options;
    election->released = loop_timer_new(kube_client_loop(options->client), tell_released, election);
    if (options->is_held) {
        cleanup_free char *identity = make_identity(options->instance);
        struct leader_options leader = {
            .namespace_name = kube_client_config(options->client)->namespace_name,
            .name = LEASE_NAME,
            .identity = identity,
            .on_change = on_change,
            .on_observed = on_observed,
            .userdata = election,
        };
        election->leader = leader_start(options->client, &leader);
    } else {
        log_info(LOG_NONE, "publishing without an election: nothing keeps another operator from doing so too "
                           "(--leader-elect)");
    }
    election->options.instance = NULL;
    return election;
}

void election_stop(struct election *election)
{
    if (election) {
        leader_stop(election->leader);
        loop_timer_free(election->released);
        free(election);
    }
}

bool election_leads(const struct election *election)
{
    return !election->leader || leader_leads(election->leader, clock_now());
}

uint64_t election_changes(const struct election *election)
{
    return election->changes;
}

bool election_is_healthy(const struct election *election)
{
    return !election->leader || leader_is_healthy(election->leader, clock_now(), LEADER_HEALTH_TOLERANCE_MS);
}

void election_release(struct election *election, void (*on_released)(void *userdata), void *userdata)
{
    if (election->leader) {
        leader_release(election->leader, on_released, userdata);
        return;
    }
    election->on_released = on_released;
    election->released_userdata = userdata;
    loop_timer_set_after(election->released, 0);
}
