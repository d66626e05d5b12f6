#include <assert.h>
#include <string.h>

#include "certificate.h"
#include "client_private.h"
#include "proget/core/buffer.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

static void url_cleanup(CURLU **url)
{
    curl_url_cleanup(*url);
}
#define cleanup_url __attribute__((cleanup(url_cleanup)))

static void curl_text_cleanup(char **text)
{
    curl_free(*text);
}
#define cleanup_curl_text __attribute__((cleanup(curl_text_cleanup)))

static bool has_credentials(const struct kube_config *config)
{
    return config->token || config->token_file || config->username || config->client_certificate;
}

static bool is_loopback_name(const char *host)
{
    return text_equal_ignore_case(host, "localhost") || text_equal(host, "[::1]") ||
           (text_starts_with(host, "127.") && strspn(host, "0123456789.") == strlen(host));
}

/* URLs then carry the name that the certificate is held against; the connection still goes to the server. */
static void set_other_name(struct kube_client *client, CURLU *url, const char *host, const char *port)
{
    const char *name = client->config->tls_server_name;
    cleanup_curl_text char *base = NULL;
    if (curl_url_set(url, CURLUPART_HOST, name, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &base, 0) != CURLUE_OK) {
        return;
    }
    cleanup_free char *rule = xasprintf("%s:%s:%s:%s", name, port, host, port);
    free(client->base_url);
    client->base_url = xstrdup(base);
    client->connect_to = curl_slist_append(NULL, rule);
    client->host_header = text_equal(port, "443") ? xasprintf("Host: %s", host) : xasprintf("Host: %s:%s", host, port);
    if (!client->connect_to) {
        abort();
    }
}

static int read_server(struct kube_client *client, struct error *err)
{
    const struct kube_config *config = client->config;
    cleanup_url CURLU *url = curl_url();
    cleanup_curl_text char *scheme = NULL;
    cleanup_curl_text char *host = NULL;
    cleanup_curl_text char *port = NULL;
    if (curl_url_set(url, CURLUPART_URL, config->server, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return error_set(err, ERROR_BAD_INPUT, "%s: the server \"%s\" is no URL", config->source, config->server);
    }
    bool is_secure = text_equal(scheme, "https");
    client->is_loopback = is_loopback_name(host);
    client->base_url = xstrdup(config->server);
    if (!is_secure && (!text_equal(scheme, "http") || !client->is_loopback || has_credentials(config))) {
        return error_set(err, ERROR_BAD_INPUT,
                         "%s: the server %s has to be https:// (http:// only on this machine and without credentials)",
                         config->source, config->server);
    }
    if (is_secure && config->tls_server_name) {
        set_other_name(client, url, host, port);
        if (!client->connect_to) {
            return error_set(err, ERROR_BAD_INPUT, "%s: tls-server-name \"%s\" is no host name", config->source,
                             config->tls_server_name);
        }
    }
    size_t length = strlen(client->base_url);
    while (length && client->base_url[length - 1] == '/') {
        client->base_url[--length] = '\0';
    }
    return 0;
}

/* Reads the CA file; *ret_ca is owned. */
static int read_ca(const char *path, char **ret_ca, struct error *err)
{
    cleanup_buffer struct buffer content = BUFFER_INIT(BOUND_SMALL_FILE);
    int result = buffer_read_file(&content, path, err);
    if (result < 0) {
        return result;
    }
    result = certificate_check_bundle(buffer_text(&content), path, err);
    if (result < 0) {
        return result;
    }
    *ret_ca = buffer_take(&content);
    return 0;
}

static int read_trust(struct kube_client *client, struct error *err)
{
    const struct kube_config *config = client->config;
    if (config->insecure) {
        return 0;
    }
    if (config->ca_file) {
        struct error problem;
        client->ca_checked_ms = loop_now(client->loop).monotonic_ms;
        if (read_ca(config->ca_file, &client->ca, &problem) < 0) {
            return error_set(err, ERROR_BAD_INPUT, "%s: certificate authority: %s", config->source, problem.text);
        }
        return 0;
    }
    if (!config->ca_data) {
        return 0;
    }
    int result = certificate_check_bundle(config->ca_data, "certificate-authority-data", err);
    if (result < 0) {
        return error_wrap(err, "%s", config->source);
    }
    client->ca = xstrdup(config->ca_data);
    return 0;
}

static int read_identity(const struct kube_config *config, struct error *err)
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
    return result < 0 ? error_wrap(err, "%s", config->source) : result;
}

int kube_client_new(struct loop *loop, struct kube_config *config, struct kube_client **ret_client, struct error *err)
{
    struct kube_client *client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    client->config = config;
    client->token = (struct token_source){.path = config->token_file, .fallback = config->token};
    int result = read_server(client, err);
    if (result == 0) {
        result = read_identity(config, err);
    }
    if (result == 0) {
        result = read_trust(client, err);
    }
    if (result < 0) {
        kube_client_free(client);
        return result;
    }
    *ret_client = client;
    return 0;
}

void kube_client_free(struct kube_client *client)
{
    if (!client) {
        return;
    }
    assert(client->stream_count == 0); /* reflectors are stopped before their client goes */
    struct kube_call *call = client->calls;
    while (call) {
        struct kube_call *next = kube_call_next(call);
        kube_call_free(call);
        call = next;
    }
    token_source_release(&client->token);
    curl_slist_free_all(client->connect_to);
    free(client->host_header);
    free(client->base_url);
    free(client->ca);
    kube_config_free(client->config);
    free(client);
}

const struct kube_config *kube_client_config(const struct kube_client *client)
{
    return client->config;
}

struct loop *kube_client_loop(const struct kube_client *client)
{
    return client->loop;
}

/* A CA that was exchanged on disk counts for new connections: libcurl takes one up only where the CA is the same. */
static void refresh_ca(struct kube_client *client)
{
    int64_t now_ms = loop_now(client->loop).monotonic_ms;
    if (!client->ca || !client->config->ca_file || now_ms - client->ca_checked_ms < CLIENT_CA_CHECK_MS) {
        return;
    }
    struct error problem;
    char *ca = NULL;
    client->ca_checked_ms = now_ms;
    if (read_ca(client->config->ca_file, &ca, &problem) < 0) {
        log_debug(LOG_FIELDS({"error", problem.text}), "the CA cannot be read; going on with the one before");
        return;
    }
    free(client->ca);
    client->ca = ca;
}

static void set_blob(CURL *easy, CURLoption option, char *text, unsigned flags)
{
    struct curl_blob blob = {.data = text, .len = strlen(text), .flags = flags};
    curl_easy_setopt(easy, option, &blob);
}

void kube_client_prepare(struct kube_client *client, CURL *easy)
{
    const struct kube_config *config = client->config;
    refresh_ca(client);
    if (client->ca) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, client->ca, CURL_BLOB_COPY);
        /* Or the system's certificates would be trusted beside it. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->client_certificate) {
        /* Not copied: the configuration outlives every handle, and a key is better not copied about. */
        set_blob(easy, CURLOPT_SSLCERT_BLOB, config->client_certificate, CURL_BLOB_NOCOPY);
        set_blob(easy, CURLOPT_SSLKEY_BLOB, config->client_key, CURL_BLOB_NOCOPY);
    }
    if (client->connect_to) {
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
    }
    if (config->proxy_url) {
        curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy_url);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* named for this cluster: it counts whatever NO_PROXY says */
    } else if (client->is_loopback) {
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* a proxy's loopback is not ours */
    }
}

void kube_client_add_count(struct kube_client *client, const char *verb, int status)
{
    for (size_t i = 0; i < client->count_count; i++) {
        struct kube_client_count *count = &client->counts[i];
        if (count->status == status && text_equal(count->verb, verb)) {
            count->count++;
            return;
        }
    }
    if (client->count_count < CLIENT_COUNTS_MAX) {
        client->counts[client->count_count++] = (struct kube_client_count){verb, status, 1};
    }
}

const struct kube_client_count *kube_client_counts(const struct kube_client *client, size_t *ret_count)
{
    *ret_count = client->count_count;
    return client->counts;
}
