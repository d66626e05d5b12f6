#include "messenger.h"

#include <curl/curl.h>

#include "connector.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"

enum { MESSENGER_TIMEOUT_MS = 5000 };

struct messenger {
    const char *base_url;
    loop_fn *on_result;
    void *userdata;
    struct connector *connector;
    int64_t port;
    bool was_tried;
    int64_t tried_ms; /* monotonic: when the last try began */
    enum report_truth reachable;
};

char *messenger_url(const char *base_url, int64_t port)
{
    CURLU *url = curl_url();
    char *host = NULL;
    char *made = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, base_url, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        made = xasprintf("http://%s:%lld", host, (long long) port);
    }
    curl_free(host);
    curl_url_cleanup(url);
    return made;
}

static void on_connector(bool is_reached, const char *why, void *userdata)
{
    struct messenger *messenger = userdata;
    log_debug(LOG_FIELDS({"error", why}), "messenger's port %lld: %s", (long long) messenger->port,
              is_reached ? "reached" : "not reached");
    messenger->reachable = is_reached ? REPORT_TRUE : REPORT_FALSE;
    messenger->on_result(messenger->userdata);
}

struct messenger *messenger_new(struct loop *loop, const char *base_url, loop_fn *on_result, void *userdata)
{
    struct messenger *messenger = xcalloc(1, sizeof *messenger);
    messenger->base_url = base_url;
    messenger->on_result = on_result;
    messenger->userdata = userdata;
    messenger->port = MESSENGER_PORT_DEFAULT;
    messenger->connector = connector_new(loop, on_connector, messenger);
    return messenger;
}

void messenger_free(struct messenger *messenger)
{
    if (messenger) {
        connector_free(messenger->connector);
        free(messenger);
    }
}

void messenger_set_port(struct messenger *messenger, int64_t port)
{
    if (port == messenger->port) {
        return;
    }
    connector_cancel(messenger->connector);
    messenger->port = port;
    messenger->reachable = REPORT_UNKNOWN;
    messenger->was_tried = false;
}

void messenger_start(struct messenger *messenger, int64_t now_ms)
{
    if (connector_is_busy(messenger->connector) ||
        (messenger->was_tried && now_ms - messenger->tried_ms < MESSENGER_PAUSE_MS)) {
        return;
    }
    cleanup_free char *url = messenger_url(messenger->base_url, messenger->port);
    if (!url) {
        return;
    }
    messenger->was_tried = true;
    messenger->tried_ms = now_ms;
    connector_start(messenger->connector, url, /* uses_proxy: */ false, MESSENGER_TIMEOUT_MS);
}

bool messenger_is_busy(const struct messenger *messenger)
{
    return connector_is_busy(messenger->connector);
}

int64_t messenger_port(const struct messenger *messenger)
{
    return messenger->port;
}

enum report_truth messenger_reachable(const struct messenger *messenger)
{
    return messenger->reachable;
}
