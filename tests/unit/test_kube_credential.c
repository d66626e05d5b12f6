#include "../../lib/kube/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/kube/client_private.h"
#include "../../lib/kube/credential_plugin.h"
#include "../../lib/kube/exec_credential.h"
#include "../../lib/kube/stream.h"
#include "fake_server.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TURN_MS = 20, LIMIT_MS = 20000, REPLIES = 16 };

#define CREDENTIAL(status) \
    "printf '%s' '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1 "\",\"status\":{" status "}}'\n"
#define TOKEN(token) CREDENTIAL("\"token\":\"" token "\"")

static const struct kube_resource pods = {"", "v1", "pods"};
/* Whatever a case leaves in the folder. */
static const char *const known_files[] = {"plugin", "runs", "seen", "fifo", "output"};

/* A plugin that is a script in a folder of its own, and a server that speaks TLS. */
struct fixture {
    struct loop *loop;
    struct kube_client *client;
    struct fake_server *server;
    struct fake_identity identity;
    char *fine;
    struct fake_reply replies[REPLIES];
    char folder[64];
    int answers;
    int status, code; /* of the last answer */
    char text[1024];
    bool frees_client;          /* in the first answer */
    struct kube_stream *stream; /* NULL: it has ended */
    int opened, ended, end_status;
    char end_text[1024];
};

static char *path_of(const struct fixture *fixture, const char *name)
{
    return xasprintf("%s/%s", fixture->folder, name);
}

static void put(const struct fixture *fixture, const char *name, const char *content)
{
    cleanup_free char *path = path_of(fixture, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static char *get(const struct fixture *fixture, const char *name)
{
    cleanup_free char *path = path_of(fixture, name);
    cleanup_buffer struct buffer content = BUFFER_INIT(BOUND_SMALL_FILE);
    if (buffer_read_file(&content, path, NULL) < 0) {
        return xstrdup("");
    }
    return buffer_take(&content);
}

/* How often it was started. */
static size_t runs(const struct fixture *fixture)
{
    cleanup_free char *seen = get(fixture, "runs");
    return strlen(seen);
}

/* Each run leaves a letter in "runs"; $1 is the folder. */
static void put_plugin(const struct fixture *fixture, const char *body)
{
    cleanup_free char *script = xasprintf("#!/bin/sh\nprintf r >>\"$1/runs\"\n%s", body);
    put(fixture, "plugin", script);
}

static struct kube_config *config_for(const struct fixture *fixture)
{
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server = xasprintf("https://127.0.0.1:%d", fake_server_port(fixture->server));
    config->namespace_name = xstrdup("default");
    config->source = xstrdup("test (context c)");
    config->ca_data = xstrdup(fixture->identity.ca);
    config->exec = xcalloc(1, sizeof(*config->exec));
    config->exec->command = path_of(fixture, "plugin");
    config->exec->arguments = xcalloc(2, sizeof(char *));
    config->exec->arguments[0] = xstrdup(fixture->folder);
    config->exec->environment = xcalloc(2, sizeof(char *));
    config->exec->environment[0] = xstrdup("PLUGIN_SECRET=hush");
    config->exec->api_version = xstrdup(EXEC_CREDENTIAL_V1);
    config->exec->interactive = KUBE_INTERACTIVE_NEVER;
    return config;
}

static void use_config(struct fixture *fixture, struct kube_config *config)
{
    struct error err;
    kube_client_free(fixture->client);
    fixture->client = NULL;
    assert_int_equal(kube_client_new(fixture->loop, config, &fixture->client, &err), 0);
}

static void use_server(struct fixture *fixture, const char *client_ca)
{
    if (fixture->server) {
        fake_server_stop(fixture->server);
    }
    fixture->server = fake_server_start(&fixture->identity, client_ca, fixture->replies, REPLIES);
    use_config(fixture, config_for(fixture));
}

static int set_up(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    struct error err;
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test-plugin-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    fixture->fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    for (size_t i = 0; i < REPLIES; i++) {
        fixture->replies[i] = (struct fake_reply){fixture->fine, FAKE_KEEP};
    }
    use_server(fixture, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kube_stream_close(fixture->stream);
    kube_client_free(fixture->client);
    fake_server_stop(fixture->server);
    loop_free(fixture->loop);
    fake_identity_free(&fixture->identity);
    free(fixture->fine);
    for (size_t i = 0; i < array_length(known_files); i++) {
        cleanup_free char *path = path_of(fixture, known_files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->answers++;
    fixture->status = response ? response->status : 0;
    fixture->code = err ? (int) err->code : 0;
    snprintf(fixture->text, sizeof(fixture->text), "%s", err ? err->text : "");
    if (fixture->frees_client) {
        kube_client_free(fixture->client);
        fixture->client = NULL;
    }
}

static struct kube_call *start_call(struct fixture *fixture, enum kube_verb verb, int64_t timeout_ms)
{
    cleanup_json struct json_object *body = verb == KUBE_GET ? NULL : json_object_new_object();
    struct kube_request request = {
        .verb = verb,
        .address = {.resource = &pods, .namespace_name = "ns", .name = verb == KUBE_CREATE ? NULL : "p"},
        .body = body,
        .timeout_ms = timeout_ms,
    };
    return kube_client_send(fixture->client, &request, on_response, fixture);
}

static void turn(struct fixture *fixture)
{
    struct error err;
    assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
}

static void turn_until(struct fixture *fixture, const int *counter, int value)
{
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (*counter < value) {
        turn(fixture);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

static void call(struct fixture *fixture, enum kube_verb verb)
{
    int before = fixture->answers;
    start_call(fixture, verb, 0);
    turn_until(fixture, &fixture->answers, before + 1);
}

static void expect(const struct fixture *fixture, int code, const char *text)
{
    if (fixture->code != code || !strstr(fixture->text, text)) {
        fail_msg("not %d with \"%s\", but %d: %s", code, text, fixture->code, fixture->text);
    }
    assert_null(strstr(fixture->text, "hush"));
}

static void assert_sent(const struct fixture *fixture, size_t index, const char *part)
{
    if (!strstr(fake_server_request(fixture->server, index), part)) {
        fail_msg("request %zu has no %s", index, part);
    }
}

static void on_opened(void *userdata)
{
    ((struct fixture *) userdata)->opened++;
}

static void on_frame(const char *frame, size_t length, void *userdata)
{
    (void) frame;
    (void) length;
    (void) userdata;
}

static void on_end(const struct kube_stream_end *end, void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->ended++;
    fixture->stream = NULL;
    fixture->end_status = end->status;
    snprintf(fixture->end_text, sizeof(fixture->end_text), "%s", end->err->text);
}

static void start_stream(struct fixture *fixture)
{
    const struct kube_stream_handlers handlers = {on_opened, on_frame, on_end, fixture};
    const struct kube_address address = {.resource = &pods};
    fixture->stream = kube_stream_open(fixture->client, &address, "watch=1", LIMIT_MS, &handlers);
}

static void close_stream(struct fixture *fixture)
{
    kube_stream_close(fixture->stream);
    fixture->stream = NULL;
}

static void test_all_that_wait_share_one_run(void **state)
{
    struct fixture *fixture = *state;
    put_plugin(fixture, TOKEN("one"));
    start_call(fixture, KUBE_GET, 0);
    start_call(fixture, KUBE_CREATE, 0);
    start_call(fixture, KUBE_MERGE_PATCH, 0);
    kube_call_cancel(start_call(fixture, KUBE_GET, 0));
    start_stream(fixture);
    close_stream(fixture); /* while it waits */
    start_stream(fixture);
    assert_int_equal(fake_server_requests(fixture->server), 0);
    turn_until(fixture, &fixture->answers, 3);
    turn_until(fixture, &fixture->opened, 1);
    expect(fixture, 0, "");
    assert_int_equal(runs(fixture), 1);
    assert_int_equal(fake_server_requests(fixture->server), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_sent(fixture, i, "\r\nAuthorization: Bearer one\r\n");
    }
    close_stream(fixture);
    call(fixture, KUBE_GET); /* no time was given: it holds for good */
    assert_int_equal(runs(fixture), 1);
}

static void test_plugins_that_give_nothing(void **state)
{
    static const struct {
        const char *script;
        int code;
        const char *text;
    } cases[] = {
        {"echo hush; exit 3\n", ERROR_IO, "/plugin\" failed with exit status 3: what it wrote to standard error"},
        {"kill -9 $$\n", ERROR_IO, "/plugin\" was ended by signal 9"},
        {"echo hush\n", ERROR_BAD_INPUT, "/plugin\" ended well, but what it wrote is no JSON"},
        {"true\n", ERROR_BAD_INPUT, "/plugin\" ended well, but what it wrote is no JSON"},
        {CREDENTIAL("\"clientKeyData\":\"hush\""), ERROR_BAD_INPUT, "both or neither"},
        {"while :; do echo hush hush hush hush hush hush; done\n", ERROR_TOO_LARGE, "more than 1048576 bytes"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < array_length(cases); i++) {
        use_config(fixture, config_for(fixture));
        put_plugin(fixture, cases[i].script);
        start_call(fixture, KUBE_GET, 0);
        call(fixture, KUBE_CREATE);
        turn_until(fixture, &fixture->answers, (int) (i + 1) * 2);
        expect(fixture, cases[i].code, cases[i].text);
        expect(fixture, cases[i].code, "pods ns");
        assert_int_equal(runs(fixture), i + 1);
    }
    assert_int_equal(fake_server_requests(fixture->server), 0);
}

static void test_broken_plugin_is_not_run_again_and_again(void **state)
{
    struct fixture *fixture = *state;
    put_plugin(fixture, "exit 3\n");
    call(fixture, KUBE_GET);
    for (int i = 0; i < 20; i++) {
        call(fixture, KUBE_GET); /* told at once what the last run said */
        expect(fixture, ERROR_IO, "failed with exit status 3");
    }
    assert_int_equal(runs(fixture), 1);
    struct credential_source *source = fixture->client->credentials;
    assert_int_equal(source->pause_ms, CREDENTIAL_PAUSE_MS_MIN);
    for (int i = 2; i <= 8; i++) {
        source->paused_until_ms = 0;
        call(fixture, KUBE_GET);
        assert_int_equal(runs(fixture), i);
    }
    assert_int_equal(source->pause_ms, CREDENTIAL_PAUSE_MS_MAX);
    put_plugin(fixture, TOKEN("one"));
    source->paused_until_ms = 0;
    call(fixture, KUBE_GET);
    expect(fixture, 0, "");
    assert_int_equal(source->pause_ms, 0);
    start_stream(fixture);
    turn_until(fixture, &fixture->opened, 1);
    close_stream(fixture);
}

static void test_plugin_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    call(fixture, KUBE_GET);
    expect(fixture, ERROR_NOT_FOUND, "GET pods ns/p: the credential plugin \"");
    expect(fixture, ERROR_NOT_FOUND, "there is no program ");
    expect(fixture, ERROR_NOT_FOUND, "; install it, or correct exec.command");
    struct kube_config *config = config_for(fixture);
    free(config->exec->command);
    config->exec->command = xstrdup("no-such-plugin");
    config->exec->install_hint = xstrdup("Get it:\n  install no-such-plugin");
    use_config(fixture, config);
    call(fixture, KUBE_GET);
    expect(fixture, ERROR_NOT_FOUND,
           "there is no program \"no-such-plugin\" in PATH; Get it:   install no-such-plugin");
    start_stream(fixture);
    turn_until(fixture, &fixture->ended, 1);
    assert_non_null(strstr(fixture->end_text, "WATCH pods: the credential plugin \"no-such-plugin\" cannot be run"));
}

/* A plugin that waits until the test writes to the pipe. */
static int put_waiting_plugin(const struct fixture *fixture, const char *body)
{
    cleanup_free char *path = path_of(fixture, "fifo");
    cleanup_free char *script = xasprintf("read go < \"$1/fifo\" || exit 9\n%s", body);
    assert_int_equal(mkfifo(path, 0600), 0);
    put_plugin(fixture, script);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* so that neither side waits for the other */
    assert_true(fd >= 0);
    return fd;
}

static void test_waiting_counts_for_the_timeout(void **state)
{
    struct fixture *fixture = *state;
    cleanup_close int fd = put_waiting_plugin(fixture, TOKEN("one"));
    start_call(fixture, KUBE_CREATE, /* timeout_ms= */ 100);
    struct kube_call *later = start_call(fixture, KUBE_GET, /* timeout_ms= */ LIMIT_MS);
    turn_until(fixture, &fixture->answers, 1);
    expect(fixture, ERROR_TIMEOUT, "CREATE pods ns: the credential plugin \"");
    expect(fixture, ERROR_TIMEOUT, "still runs, and the time is up");
    assert_int_equal(kube_client_calls_in_flight(fixture->client), 1);
    kube_call_cancel(later);
    start_call(fixture, KUBE_GET, LIMIT_MS);
    assert_int_equal(write(fd, "\n", 1), 1);
    turn_until(fixture, &fixture->answers, 2);
    expect(fixture, 0, "");
    assert_int_equal(runs(fixture), 1);
    assert_int_equal(fake_server_requests(fixture->server), 1);
}

static void on_given(struct exec_credential *given, const struct error *err, void *userdata)
{
    struct fixture *fixture = userdata;
    assert_null(given);
    fixture->answers++;
    fixture->code = (int) err->code;
    snprintf(fixture->text, sizeof(fixture->text), "%s", err->text);
}

static void test_plugin_has_a_time_limit(void **state)
{
    struct fixture *fixture = *state;
    struct kube_config *config = config_for(fixture);
    cleanup_close int fd = put_waiting_plugin(fixture, TOKEN("one"));
    struct error err;
    assert_true(fd >= 0);
    struct credential_plugin *plugin =
        credential_plugin_new(fixture->loop, config, /* timeout_ms= */ 100, on_given, fixture);
    assert_int_equal(credential_plugin_run(plugin, &err), 0);
    assert_true(credential_plugin_is_running(plugin));
    turn_until(fixture, &fixture->answers, 1);
    expect(fixture, ERROR_TIMEOUT, "did not end within 1 s and was killed");
    assert_false(credential_plugin_is_running(plugin));
    credential_plugin_free(plugin);
    credential_plugin_free(NULL);
    kube_config_free(config);
}

static void test_client_goes_while_the_plugin_runs(void **state)
{
    struct fixture *fixture = *state;
    cleanup_close int fd = put_waiting_plugin(fixture, TOKEN("one"));
    start_call(fixture, KUBE_GET, 0);
    start_call(fixture, KUBE_CREATE, 0);
    turn(fixture);
    use_config(fixture, config_for(fixture)); /* ends the first client, without callbacks */
    assert_int_equal(fixture->answers, 0);
    start_call(fixture, KUBE_GET, 0);
    start_call(fixture, KUBE_CREATE, 0);
    fixture->frees_client = true; /* within the answer to the first of two that wait */
    put(fixture, "output", "");
    assert_int_equal(write(fd, "\n", 1), 1);
    put_plugin(fixture, "exit 3\n");
    turn_until(fixture, &fixture->answers, 1);
    turn(fixture);
    assert_int_equal(fixture->answers, 1);
    assert_null(fixture->client);
}

static void test_client_goes_when_the_plugin_failed(void **state)
{
    struct fixture *fixture = *state;
    put_plugin(fixture, "exit 3\n");
    start_call(fixture, KUBE_GET, 0);
    start_call(fixture, KUBE_CREATE, 0);
    fixture->frees_client = true;
    turn_until(fixture, &fixture->answers, 1);
    turn(fixture);
    assert_int_equal(fixture->answers, 1);
    expect(fixture, ERROR_IO, "failed with exit status 3");
}

static void test_401_runs_it_again_once(void **state)
{
    struct fixture *fixture = *state;
    put_plugin(fixture, TOKEN("one"));
    fake_server_demand(fixture->server, "Bearer one\r\n");
    call(fixture, KUBE_CREATE);
    expect(fixture, 0, "");
    /* The token is refused from now on; nobody hears of it. */
    put_plugin(fixture, TOKEN("two"));
    fake_server_demand(fixture->server, "Bearer two\r\n");
    start_call(fixture, KUBE_CREATE, 0);
    start_call(fixture, KUBE_GET, 0);
    start_stream(fixture);
    while (fixture->answers < 3) {
        turn_until(fixture, &fixture->answers, fixture->answers + 1);
        expect(fixture, 0, "");
    }
    turn_until(fixture, &fixture->opened, 1);
    assert_int_not_equal(fixture->end_status, 401);
    assert_int_equal(runs(fixture), 2);
    close_stream(fixture);
    /* It has no other: told, after one run. */
    size_t requests = fake_server_requests(fixture->server);
    fake_server_demand(fixture->server, "Bearer three\r\n");
    call(fixture, KUBE_CREATE);
    expect(fixture, ERROR_DENIED, "CREATE pods ns: HTTP 401");
    assert_int_equal(fixture->status, 401);
    assert_int_equal(runs(fixture), 3);
    assert_int_equal(fake_server_requests(fixture->server), requests + 1);
    /* It fails: the 401 is told, and why there is no other. */
    put_plugin(fixture, "exit 3\n");
    call(fixture, KUBE_CREATE);
    expect(fixture, ERROR_DENIED, "HTTP 401");
    expect(fixture, ERROR_DENIED, "; no other credential: the credential plugin \"");
    assert_int_equal(fixture->status, 401);
    int ended = fixture->ended;
    start_stream(fixture);
    turn_until(fixture, &fixture->ended, ended + 1);
    assert_non_null(strstr(fixture->end_text, "failed with exit status 3"));
    /* Another one each time, and each refused: once more, not for ever. */
    requests = fake_server_requests(fixture->server);
    put_plugin(fixture, "set -- \"$1\" $(wc -c <\"$1/runs\")\n"
                        "printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                        "\",\"status\":{\"token\":\"t%s\"}}' \"$2\"\n");
    fixture->client->credentials->paused_until_ms = 0;
    call(fixture, KUBE_CREATE);
    expect(fixture, ERROR_DENIED, "HTTP 401");
    assert_int_equal(fake_server_requests(fixture->server), requests + 2);
    for (int i = 0; i < 20; i++) {
        call(fixture, KUBE_GET);
    }
    assert_true(runs(fixture) < 5 + CREDENTIAL_DENIALS_MAX);
}

static void test_waiting_after_a_401_counts_too(void **state)
{
    struct fixture *fixture = *state;
    put_plugin(fixture, TOKEN("one"));
    call(fixture, KUBE_GET);
    cleanup_close int fd = put_waiting_plugin(fixture, TOKEN("two"));
    fake_server_demand(fixture->server, "Bearer two\r\n");
    start_call(fixture, KUBE_CREATE, /* timeout_ms= */ 300);
    turn_until(fixture, &fixture->answers, 2);
    expect(fixture, ERROR_DENIED, "HTTP 401");
    expect(fixture, ERROR_DENIED, "still runs, and the time is up");
    struct kube_call *waiting = start_call(fixture, KUBE_CREATE, 0); /* the refused one is not sent again */
    turn(fixture);
    kube_call_cancel(waiting);
    assert_int_equal(fake_server_requests(fixture->server), 2);
    assert_int_equal(write(fd, "\n", 1), 1);
    call(fixture, KUBE_CREATE);
    expect(fixture, 0, "");
    assert_int_equal(runs(fixture), 2);
}

/* A credential that holds for that long. */
static void put_expiring(const struct fixture *fixture, const char *token, int64_t seconds)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format_seconds(clock_now().wall_us + seconds * CLOCK_US_PER_SECOND, time);
    cleanup_free char *script =
        xasprintf("printf '%%s' '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                  "\",\"status\":{\"token\":\"%s\",\"expirationTimestamp\":\"%s\"}}'\n",
                  token, time);
    put_plugin(fixture, script);
}

static void age(const struct fixture *fixture, int64_t milliseconds)
{
    fixture->client->credentials->renew_at_ms -= milliseconds;
    fixture->client->credentials->expires_at_ms -= milliseconds;
}

static void test_credentials_expire(void **state)
{
    struct fixture *fixture = *state;
    put_expiring(fixture, "one", 3600);
    call(fixture, KUBE_GET);
    age(fixture, 3500 * 1000);
    call(fixture, KUBE_GET);
    assert_int_equal(runs(fixture), 1);
    put_expiring(fixture, "two", 3600);
    age(fixture, 95 * 1000); /* less than ten seconds are left: it serves while another one is fetched */
    call(fixture, KUBE_GET);
    assert_sent(fixture, 2, "Bearer one\r\n");
    while (credential_plugin_is_running(fixture->client->credentials->plugin)) {
        turn(fixture);
    }
    call(fixture, KUBE_GET);
    assert_sent(fixture, 3, "Bearer two\r\n");
    assert_int_equal(runs(fixture), 2);
    put_expiring(fixture, "three", -3600); /* its clock is wrong, or ours: used once in any case */
    age(fixture, 3600 * 1000);
    call(fixture, KUBE_GET);
    assert_sent(fixture, 4, "Bearer three\r\n");
    call(fixture, KUBE_GET);
    assert_int_equal(runs(fixture), 3);
    age(fixture, CREDENTIAL_LIFE_MS_MIN);
    put_plugin(fixture, "exit 3\n");
    call(fixture, KUBE_GET);
    expect(fixture, ERROR_IO, "failed with exit status 3");
}

static void test_failure_before_the_end_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    put_expiring(fixture, "one", 3600);
    call(fixture, KUBE_GET);
    put_plugin(fixture, "exit 3\n");
    age(fixture, 3595 * 1000);
    for (int i = 0; i < 3; i++) {
        call(fixture, KUBE_GET);
        expect(fixture, 0, "");
        while (credential_plugin_is_running(fixture->client->credentials->plugin)) {
            turn(fixture);
        }
    }
    assert_int_equal(runs(fixture), 2);
}

/* A certificate as the plugin gives it. */
static void put_certificate(const struct fixture *fixture, const struct fake_identity *identity)
{
    struct json_object *object = json_object_new_object();
    json_add_text(object, "kind", "ExecCredential");
    json_add_text(object, "apiVersion", EXEC_CREDENTIAL_V1);
    struct json_object *status = json_add_object(object, "status");
    json_add_text(status, "clientCertificateData", identity->certificate);
    json_add_text(status, "clientKeyData", identity->key);
    put(fixture, "output", json_text(object));
    json_object_put(object);
    put_plugin(fixture, "cat \"$1/output\"\n");
}

static void test_certificates(void **state)
{
    struct fixture *fixture = *state;
    struct fake_identity next = fake_identity_new("next CA", "DNS:user", 3600);
    cleanup_free char *both = xasprintf("%s%s", fixture->identity.ca, next.ca);
    cleanup_free char *denied = fake_answer("401 Unauthorized", "", "{\"kind\":\"Status\"}");
    fixture->replies[2].text = denied;
    use_server(fixture, both);
    put_certificate(fixture, &fixture->identity);
    call(fixture, KUBE_CREATE);
    call(fixture, KUBE_CREATE);
    expect(fixture, 0, "");
    assert_int_equal(fake_server_connections(fixture->server), 1);
    put_certificate(fixture, &next);
    call(fixture, KUBE_CREATE); /* refused, and sent again with the other one, which means another connection */
    expect(fixture, 0, "");
    assert_int_equal(fake_server_requests(fixture->server), 4);
    assert_int_equal(fake_server_connections(fixture->server), 2);
    call(fixture, KUBE_CREATE);
    assert_int_equal(fake_server_connections(fixture->server), 2);
    assert_int_equal(runs(fixture), 2);
    /* The kubeconfig's own certificate comes before the plugin's. */
    struct kube_config *config = config_for(fixture);
    config->client_certificate = xstrdup(fixture->identity.certificate);
    config->client_key = xstrdup(fixture->identity.key);
    use_config(fixture, config);
    call(fixture, KUBE_CREATE);
    expect(fixture, 0, "");
    assert_string_equal(fixture->client->credentials->identity->certificate, fixture->identity.certificate);
    fake_identity_free(&next);
    fake_server_stop(fixture->server); /* before its replies go */
    fixture->server = fake_server_start(&fixture->identity, NULL, NULL, 0);
}

static void test_what_the_plugin_sees(void **state)
{
    struct fixture *fixture = *state;
    struct kube_config *config = config_for(fixture);
    config->exec->provides_cluster_info = true;
    config->exec->cluster_config = xstrdup("{\"audience\":\"a\"}");
    free(config->ca_data);
    config->ca_data = NULL;
    config->ca_file = path_of(fixture, "seen");
    put(fixture, "seen", fixture->identity.ca);
    put_plugin(fixture,
               "printf '%s|%s|%s' \"$PLUGIN_SECRET\" \"$#\" \"$KUBERNETES_EXEC_INFO\" >\"$1/output\"\n" TOKEN("one"));
    use_config(fixture, config);
    call(fixture, KUBE_GET);
    expect(fixture, 0, "");
    cleanup_free char *seen = get(fixture, "output");
    cleanup_free char *start =
        xasprintf("hush|1|{\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                  "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"https://"
                  "127.0.0.1:%d\",\"certificate-authority-data\":\"",
                  fake_server_port(fixture->server));
    assert_true(text_starts_with(seen, start));
    assert_true(text_ends_with(seen, "\",\"config\":{\"audience\":\"a\"}}}}"));
    assert_null(getenv("KUBERNETES_EXEC_INFO"));
}

static void test_terminals(void **state)
{
    static const struct {
        enum kube_interactive mode;
        bool has_terminal;
        const char *text; /* of the error; NULL: it runs */
        const char *seen;
    } cases[] = {
        {KUBE_INTERACTIVE_NEVER, false, NULL, "false none"},
        {KUBE_INTERACTIVE_NEVER, true, NULL, "false none"},
        {KUBE_INTERACTIVE_IF_AVAILABLE, false, NULL, "false none"},
        {KUBE_INTERACTIVE_IF_AVAILABLE, true, NULL, "true terminal"},
        {KUBE_INTERACTIVE_ALWAYS, false, "needs a terminal (interactiveMode: Always), and standard input is none", ""},
        {KUBE_INTERACTIVE_ALWAYS, true, NULL, "true terminal"},
    };
    struct fixture *fixture = *state;
    cleanup_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cleanup_close int old = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(master >= 0 && old >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    put_plugin(fixture, "interactive=${KUBERNETES_EXEC_INFO#*interactive\\\":}\n"
                        "test -t 0 && what=terminal || what=none\n"
                        "printf '%s %s' \"${interactive%%[!a-z]*}\" \"$what\" >\"$1/output\"\n" TOKEN("one"));
    for (size_t i = 0; i < array_length(cases); i++) {
        int input = open(cases[i].has_terminal ? ptsname(master) : "/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
        close(input);
        struct kube_config *config = config_for(fixture);
        config->exec->interactive = cases[i].mode;
        use_config(fixture, config);
        put(fixture, "output", "");
        call(fixture, KUBE_GET);
        assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
        expect(fixture, cases[i].text ? ERROR_BAD_INPUT : 0, cases[i].text ? cases[i].text : "");
        cleanup_free char *seen = get(fixture, "output");
        assert_string_equal(seen, cases[i].seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_that_wait_share_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugins_that_give_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_plugin_is_not_run_again_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_counts_for_the_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_has_a_time_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_goes_while_the_plugin_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_goes_when_the_plugin_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_401_runs_it_again_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_after_a_401_counts_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_credentials_expire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failure_before_the_end_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_certificates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_plugin_sees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_terminals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
