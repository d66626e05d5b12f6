#include "credential.h"

#include <assert.h>
#include <utlist.h>

#include "certificate.h"
#include "credential_plugin.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

static int64_t now_ms(const struct credential_source *source)
{
    return loop_now(source->loop).monotonic_ms;
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

void credential_source_wait(struct credential_source *source, struct credential_waiter *waiter)
{
    assert(!waiter->list && source->plugin);
    waiter->list = &source->waiters;
    DL_APPEND(source->waiters, waiter);
}

void credential_waiter_leave(struct credential_waiter *waiter)
{
    if (waiter->list) {
        DL_DELETE(*waiter->list, waiter);
        waiter->list = NULL;
    }
}

/* Who is told may take others off the list, wait again, or free the source. */
static void tell_waiters(struct credential_source *source)
{
    struct credential_waiter *waiter;
    source->ready = source->waiters;
    source->waiters = NULL;
    DL_FOREACH(source->ready, waiter)
    {
        waiter->list = &source->ready;
    }
    source->is_telling = true;
    while (source->ready) {
        waiter = source->ready;
        credential_waiter_leave(waiter);
        waiter->on_ready(waiter->userdata);
    }
    source->is_telling = false;
    if (source->is_dead) {
        free(source);
    }
}

/* --- the plugin ------------------------------------------------------------------------------------------------- */

/* Whether anything is another than before. Takes over what was given. */
static bool take_given(struct credential_source *source, struct exec_credential *given)
{
    struct identity *identity = NULL;
    if (source->config->client_certificate) {
        identity = identity_take(source->identity); /* the kubeconfig's own comes first */
    } else if (given->certificate) {
        identity = identity_new(given->certificate, given->key);
    }
    bool is_same = source->has_given && text_equal(given->token, source->given_token) &&
                   identity_equal(identity, source->identity);
    memory_wipe_free(source->given_token);
    source->given_token = memory_take(&given->token);
    identity_release(source->identity);
    source->identity = identity;
    exec_credential_release(given);
    return !is_same;
}

static void set_life(struct credential_source *source, int64_t expires_us)
{
    struct instant now = loop_now(source->loop);
    if (expires_us == 0) {
        source->renew_at_ms = INT64_MAX;
        source->expires_at_ms = INT64_MAX;
        return;
    }
    int64_t life_ms = (expires_us - now.wall_us) / 1000;
    life_ms = life_ms < CREDENTIAL_LIFE_MS_MIN ? CREDENTIAL_LIFE_MS_MIN : life_ms;
    int64_t early_ms = life_ms / 2 < CREDENTIAL_RENEW_MS ? life_ms / 2 : CREDENTIAL_RENEW_MS;
    source->expires_at_ms = now.monotonic_ms + life_ms;
    source->renew_at_ms = source->expires_at_ms - early_ms;
}

static void note_failure(struct credential_source *source, const struct error *err)
{
    int64_t doubled_ms = source->pause_ms ? source->pause_ms * 2 : CREDENTIAL_PAUSE_MS_MIN;
    source->has_failure = true;
    source->failure = *err;
    source->pause_ms = doubled_ms < CREDENTIAL_PAUSE_MS_MAX ? doubled_ms : CREDENTIAL_PAUSE_MS_MAX;
    source->paused_until_ms = now_ms(source) + source->pause_ms;
    log_debug(LOG_FIELDS({"error", err->text}), "no credential");
}

static void on_plugin_end(struct exec_credential *given, const struct error *err, void *userdata)
{
    struct credential_source *source = userdata;
    if (given) {
        set_life(source, given->expires_us);
        source->generation += take_given(source, given) ? 1 : 0;
        source->has_given = true;
        source->is_denied = false;
        source->has_failure = false;
        source->pause_ms = 0;
    } else {
        note_failure(source, err);
    }
    tell_waiters(source);
}

/* ERROR_AGAIN: it runs. Else why it does not. */
static int run_plugin(struct credential_source *source, struct error *err)
{
    struct error problem;
    if (credential_plugin_is_running(source->plugin)) {
        return ERROR_AGAIN;
    }
    if (source->has_failure && now_ms(source) < source->paused_until_ms) {
        return error_set(err, source->failure.code, "%s", source->failure.text);
    }
    if (credential_plugin_run(source->plugin, &problem) < 0) {
        note_failure(source, &problem);
        return error_set(err, problem.code, "%s", problem.text);
    }
    return ERROR_AGAIN;
}

static int get_from_plugin(struct credential_source *source, struct error *err)
{
    bool is_usable = source->has_given && !source->is_denied && now_ms(source) < source->expires_at_ms;
    if (is_usable && now_ms(source) < source->renew_at_ms) {
        return 0;
    }
    /* A new one is fetched while the old one still serves: nobody has to wait. */
    int result = run_plugin(source, err);
    return is_usable ? 0 : result;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static bool has_identity_file(const struct kube_config *config)
{
    return config->client_certificate_file || config->client_key_file;
}

static void refresh_identity(struct credential_source *source)
{
    const struct kube_config *config = source->config;
    struct identity *identity = NULL;
    struct error problem;
    if (!source->identity || !has_identity_file(config) ||
        now_ms(source) - source->identity_checked_ms < CREDENTIAL_FILE_CHECK_MS) {
        return;
    }
    source->identity_checked_ms = now_ms(source);
    if (identity_read(config->client_certificate_file, config->client_key_file, source->identity, &identity, &problem) <
        0) {
        log_debug(LOG_FIELDS({"error", problem.text}), "the client certificate cannot be read; the one before stays");
        return;
    }
    if (identity_equal(identity, source->identity)) {
        identity_release(identity);
        return;
    }
    identity_release(source->identity);
    source->identity = identity;
    source->generation++;
}

static void count_token_changes(struct credential_source *source)
{
    source->generation += source->token.changes - source->token_changes;
    source->token_changes = source->token.changes;
}

/* --- what the client sees --------------------------------------------------------------------------------------- */

static int check_config(const struct kube_config *config, struct error *err)
{
    if (!config->client_certificate != !config->client_key) {
        return error_set(err, ERROR_BAD_INPUT, "%s: a client certificate needs a client key and the other way round",
                         config->source);
    }
    if (config->token) {
        int result = token_check(config->token, config->source, err);
        if (result < 0) {
            return result;
        }
    }
    if (!config->client_certificate) {
        return 0;
    }
    int result = certificate_check_pair(config->client_certificate, config->client_key, err);
    return result < 0 ? error_wrap(err, "%s", config->source) : 0;
}

int credential_source_new(struct loop *loop, const struct kube_config *config, struct credential_source **ret_source,
                          struct error *err)
{
    int result = check_config(config, err);
    if (result < 0) {
        return result;
    }
    struct credential_source *source = xcalloc(1, sizeof(*source));
    source->loop = loop;
    source->config = config;
    source->token = (struct token_source){.path = config->token_file, .fallback = config->token};
    source->identity_checked_ms = now_ms(source);
    if (config->client_certificate) {
        source->identity = identity_new(config->client_certificate, config->client_key);
    }
    if (config->exec) {
        source->plugin = credential_plugin_new(loop, config, /* timeout_ms= */ 0, on_plugin_end, source);
        token_bucket_init(&source->denials, CREDENTIAL_DENIALS_MAX, CREDENTIAL_DENIAL_MS, now_ms(source));
    }
    *ret_source = source;
    return 0;
}

void credential_source_free(struct credential_source *source)
{
    if (!source) {
        return;
    }
    assert(!source->waiters && !source->ready);
    credential_plugin_free(source->plugin);
    token_source_release(&source->token);
    memory_wipe_free(source->given_token);
    identity_release(source->identity);
    source->is_dead = true;
    if (!source->is_telling) {
        free(source);
    }
}

int credential_source_get(struct credential_source *source, struct credential *ret, struct error *err)
{
    const char *token = NULL;
    int result;
    refresh_identity(source);
    if (source->plugin) {
        result = get_from_plugin(source, err);
        token = source->given_token;
    } else {
        result = token_source_get(&source->token, now_ms(source), &token, err);
        count_token_changes(source);
    }
    if (result < 0) {
        return result;
    }
    *ret = (struct credential){.token = token, .identity = source->identity, .generation = source->generation};
    return 0;
}

int credential_source_renew(struct credential_source *source, uint64_t generation, struct error *err)
{
    if (generation != source->generation) {
        return 1; /* it was exchanged since */
    }
    source->identity_checked_ms = now_ms(source) - CREDENTIAL_FILE_CHECK_MS;
    refresh_identity(source);
    if (!source->plugin) {
        token_source_renew(&source->token, now_ms(source));
        count_token_changes(source);
    }
    if (generation != source->generation || !source->plugin) {
        return generation != source->generation;
    }
    if (!source->is_denied && token_bucket_take(&source->denials, now_ms(source)) > 0) {
        return 0; /* whatever it gives is refused: it need not be run for each request */
    }
    source->is_denied = true;
    return run_plugin(source, err);
}

int credential_source_check(const struct credential_source *source, uint64_t generation, struct error *err)
{
    if (generation != source->generation) {
        return 1;
    }
    return source->has_failure ? error_set(err, source->failure.code, "%s", source->failure.text) : 0;
}
