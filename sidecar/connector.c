#include "connector.h"

#include "proget/core/memory.h"

struct connector {
    struct loop *loop;
    connector_fn *on_result;
    void *userdata;
    CURL *easy; /* of the try under way; NULL: none */
    struct loop_transfer *transfer;
    char curl_text[CURL_ERROR_SIZE];
};

struct connector *connector_new(struct loop *loop, connector_fn *on_result, void *userdata)
{
    struct connector *connector = xcalloc(1, sizeof *connector);
    connector->loop = loop;
    connector->on_result = on_result;
    connector->userdata = userdata;
    return connector;
}

void connector_cancel(struct connector *connector)
{
    if (connector->easy) {
        loop_transfer_cancel(connector->transfer);
        curl_easy_cleanup(connector->easy);
        connector->easy = NULL;
        connector->transfer = NULL;
    }
}

void connector_free(struct connector *connector)
{
    if (connector) {
        connector_cancel(connector);
        free(connector);
    }
}

static void on_done(CURL *easy, CURLcode result, void *userdata)
{
    struct connector *connector = userdata;
    curl_easy_cleanup(easy); /* closes the connection */
    connector->easy = NULL;
    connector->transfer = NULL;
    const char *why = connector->curl_text[0] ? connector->curl_text : curl_easy_strerror(result);
    connector->on_result(result == CURLE_OK, result == CURLE_OK ? NULL : why, connector->userdata);
}

void connector_start(struct connector *connector, const char *url, bool uses_proxy, int64_t timeout_ms)
{
    if (connector->easy) {
        return;
    }
    CURL *easy = curl_easy_init();
    if (!easy) {
        abort();
    }
    connector->easy = easy;
    connector->curl_text[0] = '\0';
    (void) curl_easy_setopt(easy, CURLOPT_URL, url);
    (void) curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void) curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (!uses_proxy) {
        (void) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* else curl reads all of the system's, to verify nothing */
    (void) curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    (void) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) timeout_ms);
    (void) curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name server that is silent must not delay the end */
    (void) curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connector->curl_text);
    connector->transfer = loop_transfer_start(connector->loop, easy, on_done, connector);
}

bool connector_is_busy(const struct connector *connector)
{
    return connector->easy != NULL;
}
