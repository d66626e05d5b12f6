/*
 * A client on the scripted API server, for the tests of what the operator writes.
 */
#ifndef PROGET_TESTS_API_FIXTURE_H
#define PROGET_TESTS_API_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "fake_server.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/client.h"

enum { API_TURN_MS = 20, API_LIMIT_MS = 20000, API_REPLIES_MAX = 64 };

struct api {
    int log_fd;
    struct loop *loop;
    struct kube_client *client;
    struct fake_server *server;
    char *texts[API_REPLIES_MAX];
    struct fake_reply replies[API_REPLIES_MAX];
};

struct api_answer {
    const char *status; /* "200 OK"; NULL: it never answers */
    const char *body;   /* NULL: `{}` */
};

/* The answers in the order in which requests come. */
static inline void api_start_with(struct api *api, const struct api_answer *answers, size_t count)
{
    struct error err;
    *api = (struct api){0};
    api->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(api->log_fd >= 0);
    log_configure(LOG_FORMAT_TEXT, LOG_DEBUG, api->log_fd); /* every line is made, and none is seen */
    assert_true(count <= API_REPLIES_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct api_answer *answer = &answers[i];
        api->texts[i] = answer->status ? fake_answer(answer->status, "", answer->body ? answer->body : "{}") : NULL;
        api->replies[i] = (struct fake_reply){api->texts[i], answer->status ? FAKE_KEEP : FAKE_HANG};
    }
    assert_int_equal(loop_new(&api->loop, &err), 0);
    api->server = fake_server_start(NULL, NULL, api->replies, count);
    struct kube_config *config = xcalloc(1, sizeof *config);
    config->server = xasprintf("http://127.0.0.1:%d", fake_server_port(api->server));
    config->namespace_name = xstrdup("default");
    config->source = xstrdup("test");
    assert_int_equal(kube_client_new(api->loop, config, &api->client, &err), 0);
}

/* Each answer a status with a body of `{}`. */
static inline void api_start(struct api *api, const char *const *statuses, size_t count)
{
    struct api_answer answers[API_REPLIES_MAX] = {0};
    assert_true(count <= API_REPLIES_MAX);
    for (size_t i = 0; i < count; i++) {
        answers[i].status = statuses[i];
    }
    api_start_with(api, answers, count);
}

/* What uses the client has to be freed before. */
static inline void api_end(struct api *api)
{
    kube_client_free(api->client);
    fake_server_stop(api->server);
    loop_free(api->loop);
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, STDERR_FILENO);
    (void) close(api->log_fd);
    for (size_t i = 0; i < API_REPLIES_MAX; i++) {
        free(api->texts[i]);
    }
}

static inline void api_turn(struct api *api)
{
    struct error err;
    assert_int_equal(loop_turn(api->loop, API_TURN_MS, &err), 0);
}

/* Until every request that was sent has its answer. */
static inline void api_settle(struct api *api)
{
    int64_t deadline_ms = clock_now().monotonic_ms + API_LIMIT_MS;
    while (kube_client_calls_in_flight(api->client)) {
        api_turn(api);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

/* Until the server has read that many requests: also those that it does not answer. */
static inline void api_wait_for_requests(struct api *api, size_t count)
{
    int64_t deadline_ms = clock_now().monotonic_ms + API_LIMIT_MS;
    while (fake_server_requests(api->server) < count) {
        api_turn(api);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

static inline void assert_request(struct api *api, size_t index, const char *line, const char *part)
{
    const char *request = fake_server_request(api->server, index);
    if (!text_starts_with(request, line) || !strstr(request, part)) {
        fail_msg("request %zu has no %s or no %s:\n%s", index, line, part, request);
    }
}

#endif
