/* What went wrong with an exchange, in words. */
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "client_private.h"
#include "exchange.h"

/*
 * A CA of the same name but another key (a cluster that was built anew: they are all called "kubernetes") makes OpenSSL
 * stumble over the signature, and libcurl 7.88 reports the first thing that it stumbled over.
 */
static bool is_foreign_signature(const char *detail)
{
    return strstr(detail, "asn1 encoding routines") || strstr(detail, "rsa routines");
}

bool exchange_is_untrusted(const struct exchange *exchange, CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION ||
           (result == CURLE_SSL_CONNECT_ERROR && is_foreign_signature(exchange->detail));
}

/* What the server's certificate is held against, for messages. */
static const char *trust_name(const struct kube_config *config)
{
    if (config->ca_file) {
        return config->ca_file;
    }
    return config->ca_data ? config->source : "the system's store";
}

static int certificate_error(const struct exchange *exchange, const char *what, struct error *err)
{
    const struct kube_config *config = exchange->client->config;
    long verdict = X509_V_OK;
    curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    /* libcurl leaves "unspecified" where OpenSSL had no objection and its own comparison of names did. */
    bool is_name = verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED;
    const char *detail = is_name ? exchange->detail : X509_verify_cert_error_string(verdict);
    switch (verdict) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
        return error_set(err, ERROR_IO,
                         "%s: the API server %s: its certificate is not made out for that name (%s); tls-server-name "
                         "sets another one to check",
                         what, config->server, detail);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return error_set(err, ERROR_IO, "%s: the API server %s: its certificate is not valid now (%s)", what,
                         config->server, detail);
    default:
        return error_set(err, ERROR_IO, "%s: the API server %s: its certificate is not signed by the CA in %s (%s)",
                         what, config->server, trust_name(config), detail);
    }
}

void exchange_explain_denial(const struct exchange *exchange, struct error *err)
{
    if (exchange->failure) {
        struct error denial = *err;
        error_set(err, denial.code, "%s; no other credential: %s", denial.text, exchange->failure->text);
    }
}

int exchange_error(const struct exchange *exchange, CURLcode result, const char *what, struct error *err)
{
    if (exchange->failure && result == CURLE_LOGIN_DENIED) {
        return error_set(err, exchange->failure->code, "%s: %s", what, exchange->failure->text);
    }
    const char *server = exchange->client->config->server;
    const char *detail = *exchange->detail ? exchange->detail : curl_easy_strerror(result);
    long number = 0;
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return certificate_error(exchange, what, err);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERROR_TIMEOUT, "%s: the API server %s does not answer (%s)", what, server, detail);
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(err, ERROR_IO, "%s: the API server %s: its name cannot be resolved (%s)", what, server,
                         detail);
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return error_set(err, ERROR_IO, "%s: the API server %s cannot be reached through its proxy (%s)", what, server,
                         detail);
    case CURLE_COULDNT_CONNECT:
        if (exchange->client->proxy_url) {
            return error_set(err, ERROR_IO, "%s: the proxy on the way to the API server %s cannot be reached (%s)",
                             what, server, detail);
        }
        curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
        return error_set(err, ERROR_IO, "%s: the API server %s %s (%s)", what, server,
                         number == ECONNREFUSED ? "refuses the connection" : "cannot be reached", detail);
    case CURLE_SSL_CONNECT_ERROR:
        if (is_foreign_signature(detail)) {
            return error_set(err, ERROR_IO,
                             "%s: the API server %s: its certificate is not signed by the CA in %s, but by another one "
                             "of that name (%s)",
                             what, server, trust_name(exchange->client->config), detail);
        }
        return error_set(err, ERROR_IO, "%s: the API server %s: the TLS handshake failed (%s)", what, server, detail);
    case CURLE_WRITE_ERROR:
        if (exchange->is_overflowing) {
            return error_set(err, ERROR_TOO_LARGE, "%s: the answer is larger than %zu bytes", what,
                             exchange->received.limit);
        }
        break;
    case CURLE_SEND_FAIL_REWIND:
        detail = "it was lost after the request had been sent, which may have been carried out";
        break;
    default:
        break;
    }
    return error_set(err, ERROR_IO, "%s: the connection to the API server %s failed (%s)", what, server, detail);
}
