#include "activation.h"

#include "connector.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { ACTIVATION_TIMEOUT_MS = 15000 };

struct activation {
    loop_fn *on_result;
    void *userdata;
    struct connector *connector;
    char host[ACTIVATION_HOST_SIZE]; /* last tried; "" before the first try */
    int64_t tried_ms;                /* monotonic: when that try began */
    enum report_truth reachable;
};

static void on_connector(bool is_reached, const char *why, void *userdata)
{
    struct activation *activation = userdata;
    enum report_truth reachable = is_reached ? REPORT_TRUE : REPORT_FALSE;
    if (reachable != activation->reachable) {
        log_info(LOG_FIELDS({"host", activation->host}, {"error", why}), "activation server %s",
                 is_reached ? "reached" : "out of reach");
    }
    activation->reachable = reachable;
    activation->on_result(activation->userdata);
}

struct activation *activation_new(struct loop *loop, loop_fn *on_result, void *userdata)
{
    struct activation *activation = xcalloc(1, sizeof *activation);
    activation->on_result = on_result;
    activation->userdata = userdata;
    activation->connector = connector_new(loop, on_connector, activation);
    return activation;
}

void activation_free(struct activation *activation)
{
    if (activation) {
        connector_free(activation->connector);
        free(activation);
    }
}

/* Forgets host and result: as before the first try. */
static void forget(struct activation *activation)
{
    connector_cancel(activation->connector);
    activation->host[0] = '\0';
    activation->reachable = REPORT_UNKNOWN;
}

void activation_update(struct activation *activation, const struct lease_settings *settings, int64_t now_ms)
{
    if (settings->internet != INTERNET_AUTO && settings->internet != INTERNET_ALLOWED) {
        forget(activation);
        return;
    }
    if (!text_equal(activation->host, settings->activation_host)) {
        forget(activation);
    } else if (connector_is_busy(activation->connector) || now_ms - activation->tried_ms < ACTIVATION_PAUSE_MS) {
        return;
    }
    text_copy_cut(activation->host, sizeof activation->host, settings->activation_host);
    activation->tried_ms = now_ms;
    cleanup_free char *url = xasprintf("https://%s", activation->host);
    connector_start(activation->connector, url, /* uses_proxy: */ true, ACTIVATION_TIMEOUT_MS);
}

bool activation_is_busy(const struct activation *activation)
{
    return connector_is_busy(activation->connector);
}

enum report_truth activation_reachable(const struct activation *activation)
{
    return activation->reachable;
}
