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
    return config->token || config->token_file || config->username || config->client_certificate || config->exec;
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

/*
 * Go's clients let a SOCKS proxy resolve names, also for "socks5://": who reaches a cluster through "ssh -D" relies on
 * it. A URL that libcurl cannot read is refused here, as libcurl would quote it with its password.
 */
static int read_proxy(struct kube_client *client, struct error *err)
{
    static const char local[] = "socks5://";
    const char *given = client->config->proxy_url;
    cleanup_url CURLU *url = curl_url();
    if (!given) {
        return 0;
    }
    if (curl_url_set(url, CURLUPART_URL, given, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
        return error_set(err, ERROR_BAD_INPUT, "%s: proxy-url is no URL", client->config->source);
    }
    bool is_local = text_starts_with(given, local);
    client->proxy_url = is_local ? xasprintf("socks5h://%s", given + strlen(local)) : xstrdup(given);
    return 0;
}

int kube_client_new(struct loop *loop, struct kube_config *config, struct kube_client **ret_client, struct error *err)
{
    struct kube_client *client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    liveness_init(&client->liveness, loop_now(loop).monotonic_ms);
    client->config = config;
    int result = read_server(client, err);
    result = result < 0 ? result : read_proxy(client, err);
    result = result < 0 ? result : credential_source_new(loop, config, &client->credentials, err);
    result = result < 0 ? result : read_trust(client, err);
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
    credential_source_free(client->credentials);
    memory_wipe_free(client->proxy_url);
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
static void refresh_ca(struct kube_client *client, int64_t age_ms)
{
    int64_t now_ms = loop_now(client->loop).monotonic_ms;
    if (!client->ca || !client->config->ca_file || now_ms - client->ca_checked_ms < age_ms) {
        return;
    }
    struct error problem;
    char *ca = NULL;
    client->ca_checked_ms = now_ms;
    if (read_ca(client->config->ca_file, &ca, &problem) < 0) {
        log_debug(LOG_FIELDS({"error", problem.text}), "the CA cannot be read; going on with the one before");
        return;
    }
    client->ca_generation += text_equal(ca, client->ca) ? 0 : 1;
    free(client->ca);
    client->ca = ca;
}

bool kube_client_doubt_ca(struct kube_client *client, uint64_t generation)
{
    if (generation == client->ca_generation) {
        refresh_ca(client, CLIENT_CA_DOUBT_MS);
    }
    return generation != client->ca_generation;
}

static void set_blob(CURL *easy, CURLoption option, char *text, unsigned flags)
{
    struct curl_blob blob = {.data = text, .len = strlen(text), .flags = flags};
    curl_easy_setopt(easy, option, &blob);
}

void kube_client_prepare(struct kube_client *client, CURL *easy)
{
    const struct kube_config *config = client->config;
    refresh_ca(client, CLIENT_CA_CHECK_MS);
    if (client->ca) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, client->ca, CURL_BLOB_COPY);
        /* Or the system's certificates would be trusted beside it. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        /* A proxy that speaks TLS is held against the same, as kubectl does. */
        set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, client->ca, CURL_BLOB_COPY);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (client->connect_to) {
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
    }
    if (client->proxy_url) {
        curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy_url);
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
