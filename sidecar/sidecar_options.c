#include "sidecar_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

enum { URL_BYTES_MAX = 1024, POD_TEXT_BYTES_MAX = 253, ENVIRONMENT_NAME_SIZE = 64 };

static const char default_url[] = "http://127.0.0.1";

static const char *const product_choices[] = {"auto", "ProGet", "BuildMaster", "Otter", NULL};
static const char *const format_choices[] = {"text", "json", NULL};
static const char *const level_choices[] = {"debug", "info", "warning", "error", NULL};

static void curl_url_free(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void curl_text_free(char **text)
{
    curl_free(*text);
}

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* Checks a URL and brings it into its plain form: no query, fragment, credentials or trailing slash. */
static int url_normalise(const char *text, char **ret_url, struct error *err)
{
    static const char expected[] = "expected http://HOST[:PORT][/PATH] or https://...";
    __attribute__((cleanup(curl_url_free))) CURLU *url = curl_url();
    if (!url) {
        abort();
    }
    if (strlen(text) > URL_BYTES_MAX || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        return error_set(err, ERROR_BAD_INPUT, "--url is not a URL; %s", expected);
    }
    __attribute__((cleanup(curl_text_free))) char *scheme = url_part(url, CURLUPART_SCHEME);
    __attribute__((cleanup(curl_text_free))) char *user = url_part(url, CURLUPART_USER);
    __attribute__((cleanup(curl_text_free))) char *password = url_part(url, CURLUPART_PASSWORD);
    __attribute__((cleanup(curl_text_free))) char *query = url_part(url, CURLUPART_QUERY);
    if (!text_equal(scheme, "http") && !text_equal(scheme, "https")) {
        return error_set(err, ERROR_BAD_INPUT, "--url is neither http nor https; %s", expected);
    }
    if (user || password || query) {
        return error_set(err, ERROR_BAD_INPUT, "--url carries credentials or a query, which /health needs not; %s",
                         expected);
    }
    (void) curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    __attribute__((cleanup(curl_text_free))) char *plain = url_part(url, CURLUPART_URL);
    if (!plain) {
        return error_set(err, ERROR_BAD_INPUT, "--url is not a URL; %s", expected);
    }
    size_t length = strlen(plain);
    while (length > 0 && plain[length - 1] == '/') {
        length--;
    }
    *ret_url = xstrndup(plain, length);
    return 0;
}

// A binding such as "http://*:8080" names every address of the pod: asked at the loopback one. NULL: it is no URL.
static char *url_of_binding(const char *binding, size_t length)
{
    static const char *const any_hosts[] = {"*", "+", "0.0.0.0", "[::]", "localhost"};
    const char *separator = memmem(binding, length, "://", 3);
    if (!separator) {
        return NULL;
    }
    cleanup_free char *scheme = xstrndup(binding, (size_t) (separator - binding));
    const char *host = separator + 3;
    const char *end = binding + length;
    size_t host_length = strcspn(host, *host == '[' ? "]" : ":/;");
    host_length += *host == '[' && host_length < (size_t) (end - host);
    if (host_length > (size_t) (end - host)) {
        host_length = (size_t) (end - host);
    }
    cleanup_free char *host_text = xstrndup(host, host_length);
    const char *asked = host_text;
    for (size_t i = 0; i < array_length(any_hosts); i++) {
        if (text_equal_ignore_case(host_text, any_hosts[i])) {
            asked = "127.0.0.1";
        }
    }
    const char *rest = host + host_length;
    cleanup_free char *url = xasprintf("%s://%s%.*s", scheme, asked, (int) (end - rest), rest);
    char *normal = NULL;
    return url_normalise(url, &normal, NULL) == 0 ? normal : NULL;
}

// The first http binding of a list such as "http://*:8080;https://*:4343", else the first https one; NULL: none.
static char *url_of_bindings(const char *bindings)
{
    char *found = NULL;
    while (*bindings) {
        size_t length = strcspn(bindings, ";");
        size_t skipped = strspn(bindings, " \t");
        size_t kept = length > skipped ? length - skipped : 0;
        while (kept > 0 && (bindings[skipped + kept - 1] == ' ' || bindings[skipped + kept - 1] == '\t')) {
            kept--;
        }
        char *url = url_of_binding(bindings + skipped, kept);
        if (url && (!found || (text_starts_with(found, "https:") && text_starts_with(url, "http:")))) {
            free(found);
            found = url;
        } else {
            free(url);
        }
        bindings += length + (bindings[length] == ';');
    }
    return found;
}

int sidecar_options_url(const char *given, const char *aspnetcore_urls, char **ret_url, struct error *err)
{
    if (given) {
        return url_normalise(given, ret_url, err);
    }
    if (aspnetcore_urls && strlen(aspnetcore_urls) <= BOUND_OPTION_VALUE) {
        char *url = url_of_bindings(aspnetcore_urls);
        if (url) {
            *ret_url = url;
            return 0;
        }
    }
    *ret_url = xstrdup(default_url);
    return 0;
}

/* The product of one entry "NAME=value"; nothing is copied but the name. */
static enum product product_of_entry(const char *entry, bool key_only)
{
    char name[ENVIRONMENT_NAME_SIZE];
    size_t length = strcspn(entry, "=");
    if (length >= sizeof name || entry[length] != '=' || entry[length + 1] == '\0') {
        return PRODUCT_UNKNOWN;
    }
    memcpy(name, entry, length);
    name[length] = '\0';
    enum product product = product_from_variable(name);
    return key_only && product_is_connection_variable(product, name) ? PRODUCT_UNKNOWN : product;
}

enum product sidecar_options_product(char *const *environment)
{
    for (int round = 0; round < 2; round++) {
        for (char *const *entry = environment; entry && *entry; entry++) {
            enum product product = product_of_entry(*entry, round == 0);
            if (product != PRODUCT_UNKNOWN) {
                return product;
            }
        }
    }
    return PRODUCT_UNKNOWN;
}

/* A variable of the downward API; an empty one counts as not given. */
static const char *pod_text(const char *name)
{
    const char *text = getenv(name);
    return text == NULL || *text == '\0' || strlen(text) > POD_TEXT_BYTES_MAX ? NULL : text;
}

static int read_pod(struct pod_identity *ret_pod, struct error *err)
{
    struct pod_identity pod = {
        .name = pod_text("POD_NAME"),
        .namespace_name = pod_text("POD_NAMESPACE"),
        .uid = pod_text("POD_UID"),
        .ip = pod_text("POD_IP"),
        .node = pod_text("NODE_NAME"),
    };
    const char *missing = !pod.name ? "POD_NAME" : !pod.namespace_name ? "POD_NAMESPACE" : !pod.uid ? "POD_UID" : NULL;
    if (missing) {
        return error_set(err, ERROR_BAD_INPUT,
                         "the environment variable %s is not set: give the sidecar POD_NAME, POD_NAMESPACE and POD_UID "
                         "by the downward API (fieldRef metadata.name, metadata.namespace, metadata.uid)",
                         missing);
    }
    *ret_pod = pod;
    return 0;
}

/* The options themselves; what needs more than a copy goes to `url` and `product` (index into product_choices). */
static int parse_command_line(int argc, char *const *argv, struct sidecar_options *options, const char **url,
                              int *product, struct error *err)
{
    const struct option table[] = {
        {.name = "url",
         .kind = OPTION_TEXT,
         .target = url,
         .value_name = "URL",
         .help = "Where the product answers inside the pod. Default: what ASPNETCORE_URLS says where it is given, else "
                 "http://127.0.0.1."},
        {.name = "product",
         .kind = OPTION_CHOICE,
         .target = product,
         .value_name = "NAME",
         .choices = product_choices,
         .help = "Which product it is; auto: by the variables that are set."},
        {.name = "messenger-port",
         .kind = OPTION_INT64,
         .target = &options->messenger_port,
         .value_name = "PORT",
         .minimum = 0,
         .maximum = 65535,
         .help = "TCP port of the service's messenger; 0: the cluster's setting, else 33237."},
        {.name = "kubeconfig",
         .kind = OPTION_TEXT,
         .target = &options->kubeconfig,
         .value_name = "FILE",
         .help = "How to reach the API server, instead of the pod's own ServiceAccount."},
        {.name = "key-file",
         .kind = OPTION_TEXT,
         .target = &options->key_file,
         .value_name = "FILE",
         .help = "The key's Secret as mounted in the sidecar: tells whether it was changed under a running server."},
        {.name = "config-file",
         .kind = OPTION_TEXT,
         .target = &options->config_file,
         .value_name = "FILE",
         .help = "The product's configuration file, where the sidecar can see it: read when no variable brings a key."},
        {.name = "cpuinfo",
         .kind = OPTION_TEXT,
         .target = &options->cpuinfo,
         .value_name = "FILE",
         .help = "Read instead of /proc/cpuinfo (for tests)."},
        {.name = "log-format",
         .kind = OPTION_CHOICE,
         .target = &options->log_format,
         .value_name = "FORMAT",
         .choices = format_choices,
         .help = "How the log is written."},
        {.name = "log-level",
         .kind = OPTION_CHOICE,
         .target = &options->log_level,
         .value_name = "LEVEL",
         .choices = level_choices,
         .help = "What is left out below."},
    };
    const struct program program = {
        .name = "proget-sidecar",
        .environment_prefix = "PROGET_SIDECAR_",
        .usage = "[OPTION]...",
        .summary = "Measures a ProGet, BuildMaster or Otter server from inside its pod and reports it as a heartbeat: "
                   "the Lease proget-<pod>.",
        .epilogue =
            "Needs POD_NAME, POD_NAMESPACE and POD_UID, and wants POD_IP and NODE_NAME, from the downward API.\n"
            "Exit status: 0 after SIGTERM or SIGINT, 2 on unusable options. Nothing else ends it.\n",
        .options = table,
        .option_count = array_length(table),
    };
    return options_parse(&program, argc, argv, NULL, err);
}

int sidecar_options_parse(int argc, char *const *argv, char *const *environment, struct sidecar_options *ret_options,
                          struct error *err)
{
    struct sidecar_options options = {.log_format = LOG_FORMAT_TEXT, .log_level = LOG_INFO};
    const char *url = NULL;
    int product = 0;
    int outcome = parse_command_line(argc, argv, &options, &url, &product, err);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    int result = read_pod(&options.pod, err);
    if (result == 0) {
        result = sidecar_options_url(url, getenv("ASPNETCORE_URLS"), &options.url, err);
    }
    if (result < 0) {
        return result;
    }
    options.product = product == 0 ? sidecar_options_product(environment) : product_from_name(product_choices[product]);
    *ret_options = options;
    return OPTIONS_RUN;
}

void sidecar_options_clear(struct sidecar_options *options)
{
    free(options->url);
    options->url = NULL;
}
