#include "poller.h"

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/rate.h"
#include "proget/core/text.h"

enum { INTERVAL_MS = 60 * 1000, TIMEOUT_MS = 10 * 1000, SILENT_AFTER_MS = 150 * 1000, HURRY_SPREAD_MS = 500 };
/* A server that has just started refuses what it will allow in a moment, and lacks what others serve behind it. */
enum { GRACE_MS = 10 * 1000 };
/* Who starts waits that long for the first answer: what else there is to judge is not to wait for one kind. */
enum { FIRST_ANSWER_MS = 2000 };
/* A server that ends no list would keep us asking: so many nodes no cluster has. */
enum { PAGES_MAX = 256 };

struct poller {
    struct kube_client *client;
    struct poller_options options;
    struct loop_timer *timer;
    struct loop_timer *patience_timer; /* set until something is known of the kind */
    struct kube_call *call;
    struct store_replacement *replacement; /* of the list under way */
    int pages;                             /* of it */
    int failures;                          /* in a row */
    int64_t failing_since_ms;              /* monotonic: the first of them */
    enum poller_state absence;             /* MISSING or REFUSED by the last answer, told or not; else ASKING */
    int64_t absent_since_ms;               /* monotonic: so since then */
    struct backoff backoff;
    enum poller_state state;
};

static void set_state(struct poller *poller, enum poller_state state, const char *why)
{
    if (poller->state == state) {
        return;
    }
    poller->state = state;
    if (state != POLLER_READING && store_is_filled(poller->options.store)) {
        store_replace_commit(store_replace_begin(poller->options.store, NULL));
    }
    poller->options.on_state(state, why, poller->options.userdata);
}

static void end_list(struct poller *poller)
{
    store_replace_abort(poller->replacement);
    poller->replacement = NULL;
    poller->pages = 0;
}

static int64_t now_ms(const struct poller *poller)
{
    return loop_now(kube_client_loop(poller->client)).monotonic_ms;
}

static bool is_silent(const struct poller *poller, bool is_answered)
{
    const struct poller_options *options = &poller->options;
    if (options->is_server_away && options->is_server_away(options->userdata)) {
        return false;
    }
    return poller->state == POLLER_ASKING ? is_answered || poller->failures > 1
                                          : now_ms(poller) - poller->failing_since_ms >= SILENT_AFTER_MS;
}

/* True: the kind is told to be so from now on. Until then it is asked again soon. */
static bool is_confirmed(struct poller *poller, enum poller_state absence)
{
    if (poller->absence != absence) {
        poller->absence = absence;
        poller->absent_since_ms = now_ms(poller);
    }
    return poller->state == POLLER_ASKING || poller->state == absence ||
           now_ms(poller) - poller->absent_since_ms >= poller->options.grace_ms;
}

static void take_absence(struct poller *poller, enum poller_state absence, const char *why)
{
    if (!is_confirmed(poller, absence)) {
        return;
    }
    poller->failures = 0;
    backoff_reset(&poller->backoff);
    loop_timer_set_after(poller->timer, poller->options.interval_ms);
    set_state(poller, absence, why);
}

/* `status` 0: there was no answer. */
static void fail(struct poller *poller, int status, const char *why)
{
    end_list(poller);
    if (poller->failures++ == 0) {
        poller->failing_since_ms = now_ms(poller);
    }
    loop_timer_set_after(poller->timer, backoff_next(&poller->backoff, now_ms(poller), random_fraction()));
    if (status == 404 || status == 403) {
        take_absence(poller, status == 404 ? POLLER_MISSING : POLLER_REFUSED, why);
        return;
    }
    poller->absence = POLLER_ASKING;
    if (is_silent(poller, status != 0)) {
        set_state(poller, POLLER_SILENT, why);
    }
}

/* The next question is spread, so that many operators do not ask as one. */
static void succeed(struct poller *poller)
{
    store_replace_commit(poller->replacement);
    poller->replacement = NULL;
    end_list(poller);
    poller->failures = 0;
    poller->absence = POLLER_ASKING;
    backoff_reset(&poller->backoff);
    int64_t spread_ms = (int64_t) (random_fraction() * (double) poller->options.interval_ms / 10);
    loop_timer_set_after(poller->timer, poller->options.interval_ms + spread_ms);
    set_state(poller, POLLER_READING, NULL);
}

static void take_item(struct poller *poller, struct json_object *item)
{
    struct error err;
    if (store_replace_upsert(poller->replacement, item, loop_now(kube_client_loop(poller->client)), &err) < 0) {
        log_debug(LOG_FIELDS({"kind", poller->options.resource.plural}, {"error", err.text}),
                  "an object cannot be read and is left out");
    }
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata);

/* `next` NULL: the first page. */
static void send_question(struct poller *poller, const char *next)
{
    struct kube_request request = {.verb = KUBE_GET,
                                   .address = {.resource = &poller->options.resource},
                                   .query = "limit=500",
                                   .continue_token = next,
                                   .timeout_ms = TIMEOUT_MS};
    poller->call = kube_client_send(poller->client, &request, on_page, poller);
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct poller *poller = userdata;
    poller->call = NULL;
    if (err) {
        fail(poller, response ? response->status : 0, err->text);
        return;
    }
    struct json_object *items = json_member(response->body, "items");
    if (!json_object_is_type(items, json_type_array)) {
        fail(poller, response->status, "the answer is no list");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(items); i++) {
        take_item(poller, json_object_array_get_idx(items, i));
    }
    const char *next = json_text_at(response->body, "metadata.continue", "");
    if (*next == '\0') {
        succeed(poller);
    } else if (++poller->pages == PAGES_MAX) {
        fail(poller, response->status, "the list does not end");
    } else {
        send_question(poller, next);
    }
}

static void ask(void *userdata)
{
    struct poller *poller = userdata;
    poller->replacement = store_replace_begin(poller->options.store, NULL);
    send_question(poller, NULL);
}

static void lose_patience(void *userdata)
{
    struct poller *poller = userdata;
    const struct poller_options *options = &poller->options;
    if (poller->state != POLLER_ASKING) {
        return;
    }
    if (options->is_server_away && options->is_server_away(options->userdata)) {
        loop_timer_set_after(poller->patience_timer, FIRST_ANSWER_MS);
        return;
    }
    set_state(poller, POLLER_SILENT, "it has not answered yet");
}

struct poller *poller_start(struct kube_client *client, const struct poller_options *options)
{
    struct poller *poller = xcalloc(1, sizeof *poller);
    poller->client = client;
    poller->options = *options;
    if (poller->options.interval_ms == 0) {
        poller->options.interval_ms = INTERVAL_MS;
    }
    if (poller->options.grace_ms == 0) {
        poller->options.grace_ms = GRACE_MS;
    }
    poller->backoff = (struct backoff) BACKOFF_INIT;
    poller->timer = loop_timer_new(kube_client_loop(client), ask, poller);
    poller->patience_timer = loop_timer_new(kube_client_loop(client), lose_patience, poller);
    loop_timer_set_after(poller->patience_timer, FIRST_ANSWER_MS);
    ask(poller);
    return poller;
}

void poller_stop(struct poller *poller)
{
    if (!poller) {
        return;
    }
    kube_call_cancel(poller->call);
    store_replace_abort(poller->replacement);
    loop_timer_free(poller->timer);
    loop_timer_free(poller->patience_timer);
    free(poller);
}

void poller_hurry(struct poller *poller)
{
    if (poller->failures > 0 && !poller->call) {
        poller->failing_since_ms = now_ms(poller);
        backoff_reset(&poller->backoff);
        loop_timer_set_after(poller->timer, (int64_t) (random_fraction() * HURRY_SPREAD_MS));
    }
}

enum poller_state poller_state(const struct poller *poller)
{
    return poller->state;
}
