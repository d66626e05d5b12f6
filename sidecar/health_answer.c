#include "health_answer.h"

#include <assert.h>
#include <string.h>

#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    DETAIL_BYTES_MAX = 512,      /* as in a report */
    PLAIN_BYTES_READ_MAX = 2048, /* of a plain body: what is behind would be cut anyway */
    HTTP_OK = 200,
    HTTP_REDIRECT_FIRST = 300,
    HTTP_ERROR_FIRST = 400,
};

/* A component of the JSON form: its members and where they go. */
struct component {
    const char *name; /* for sentences */
    const char *status_member, *detail_member;
    size_t status_offset, detail_offset;
};

static const struct component components[] = {
    {"database", "databaseStatus", "databaseStatusDetails", offsetof(struct report, health.database),
     offsetof(struct report, health.database_detail)},
    {"license", "licenseStatus", "licenseStatusDetail", offsetof(struct report, health.license),
     offsetof(struct report, health.license_detail)},
    {"service", "serviceStatus", "serviceStatusDetail", offsetof(struct report, health.service),
     offsetof(struct report, health.service_detail)},
};

static char **text_at(struct report *facts, size_t offset)
{
    return (char **) ((char *) facts + offset);
}

void health_answer_clear(struct health_answer *answer)
{
    if (answer) {
        report_clear(&answer->facts);
        *answer = (struct health_answer){0};
    }
}

/* One line, printable, cut: runs of white space and NUL bytes become one space. NULL when nothing is left. Owned. */
static char *tidy(const char *bytes, size_t length)
{
    cleanup_free char *line = xmalloc(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_space = bytes[i] == ' ' || bytes[i] == '\0' || (bytes[i] >= '\t' && bytes[i] <= '\r');
        if (!is_space) {
            line[used++] = bytes[i];
        } else if (used > 0 && line[used - 1] != ' ') {
            line[used++] = ' ';
        }
    }
    used -= used > 0 && line[used - 1] == ' ';
    line[used] = '\0';
    if (used == 0) {
        return NULL;
    }
    text_make_printable(line);
    char *cut = xmalloc(DETAIL_BYTES_MAX + 1);
    text_copy_cut(cut, DETAIL_BYTES_MAX + 1, line);
    return cut;
}

/* A text member, tidied; NULL when absent or no text. Owned. */
static char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = json_member(object, name);
    if (!value || !json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    return tidy(json_object_get_string(value), (size_t) json_object_get_string_len(value));
}

/* The two words that the product uses, in its own spelling; anything else as it came. */
static char *status_text(struct json_object *object, const char *name)
{
    cleanup_free char *text = member_text(object, name);
    if (text_equal_ignore_case(text, "ok")) {
        return xstrdup("OK");
    }
    return text_equal_ignore_case(text, "error") ? xstrdup("Error") : memory_take(&text);
}

static void read_replication(struct json_object *root, struct report *facts)
{
    struct json_object *replication = json_member(root, "replicationStatus");
    if (!replication || !json_object_is_type(replication, json_type_object)) {
        return;
    }
    facts->health.has_replication = true;
    facts->health.replication_server = status_text(replication, "serverStatus");
    facts->health.replication_client = status_text(replication, "clientStatus");
    char *detail = member_text(replication, "serverError");
    facts->health.replication_detail = detail ? detail : member_text(replication, "clientError");
}

/* Fills `facts` from the JSON form. Returns false when none of its members is there: some other JSON. */
static bool read_report(struct json_object *root, struct report *facts)
{
    bool is_report = false;
    facts->product = member_text(root, "applicationName");
    facts->version = member_text(root, "versionNumber");
    facts->release = member_text(root, "releaseNumber");
    is_report = facts->product || facts->version || facts->release;
    for (size_t i = 0; i < array_length(components); i++) {
        const struct component *component = &components[i];
        char *status = status_text(root, component->status_member);
        char *detail = member_text(root, component->detail_member);
        *text_at(facts, component->status_offset) = status;
        *text_at(facts, component->detail_offset) = detail;
        is_report = is_report || status;
        if (text_equal(status, "Error")) {
            facts->health.state = REPORT_HEALTH_ERROR;
            if (!facts->health.detail) {
                facts->health.detail = xasprintf("%s: %s", component->name, detail ? detail : "Error");
            }
        }
    }
    read_replication(root, facts);
    return is_report;
}

/* What a body that is no health report is called. */
static char *describe_stranger(const struct health_http *http, const char *what)
{
    if (http->status >= HTTP_REDIRECT_FIRST && http->status < HTTP_ERROR_FIRST) {
        cleanup_free char *location = http->location ? tidy(http->location, strlen(http->location)) : NULL;
        return xasprintf("HTTP %lld: redirected%s%s instead of answered; --url has to name the address that answers",
                         (long long) http->status, location ? " to " : "", location ? location : "");
    }
    return xasprintf("HTTP %lld with %s instead of a health report", (long long) http->status, what);
}

static void read_json(const struct health_http *http, const char *body, size_t length, struct health_answer *answer)
{
    cleanup_json struct json_object *root = NULL;
    struct report *facts = &answer->facts;
    if (http->is_cut || json_parse(body, length, &root, NULL) < 0) {
        facts->health.state = REPORT_HEALTH_ERROR;
        facts->health.detail = describe_stranger(http, http->is_cut ? "too large a JSON text" : "malformed JSON");
        return;
    }
    answer->is_report = read_report(root, facts);
    if (!answer->is_report) {
        report_clear(facts);
        facts->health.http = http->status;
        facts->health.state = REPORT_HEALTH_ERROR;
        facts->health.detail = describe_stranger(http, "some other JSON");
    } else if (http->status != HTTP_OK) {
        facts->health.state = REPORT_HEALTH_ERROR;
        if (!facts->health.detail) {
            facts->health.detail = xasprintf("HTTP %lld, no component in error", (long long) http->status);
        }
    }
}

static void read_plain(const struct health_http *http, const char *body, size_t length, struct health_answer *answer)
{
    struct report *facts = &answer->facts;
    bool is_foreign = http->status >= HTTP_REDIRECT_FIRST && http->status < HTTP_ERROR_FIRST;
    cleanup_free char *text =
        is_foreign ? NULL : tidy(body, length < PLAIN_BYTES_READ_MAX ? length : PLAIN_BYTES_READ_MAX);
    if (http->status == HTTP_OK && !http->is_cut && text_equal(text, "OK")) {
        answer->is_plain = true;
        facts->health.state = REPORT_HEALTH_OK;
        return;
    }
    facts->health.state = REPORT_HEALTH_ERROR;
    if (!text) {
        facts->health.detail = describe_stranger(http, "an empty body");
        return;
    }
    /* 500 with the problem as text is the plain form; a 404 or a 200 with some text is somebody else's. */
    answer->is_plain = http->status == 500;
    facts->health.detail =
        answer->is_plain ? memory_take(&text) : xasprintf("HTTP %lld: %s", (long long) http->status, text);
}

void health_answer_read(const struct health_http *http, struct health_answer *ret_answer)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    const char *body = http->body ? http->body : "";
    size_t length = http->length < BOUND_HEALTH_BODY ? http->length : BOUND_HEALTH_BODY;
    struct health_answer answer = {.facts.health = {.state = REPORT_HEALTH_OK, .http = http->status}};
    if (length >= 3 && memcmp(body, byte_order_mark, 3) == 0) {
        body += 3;
        length -= 3;
    }
    while (length > 0 && (*body == ' ' || (*body >= '\t' && *body <= '\r'))) {
        body++;
        length--;
    }
    if (length > 0 && *body == '{') {
        read_json(http, body, length, &answer);
    } else if (length > 0 && *body == '<') {
        answer.facts.health.state = REPORT_HEALTH_ERROR;
        answer.facts.health.detail = describe_stranger(http, "a page (HTML or XML)");
    } else {
        read_plain(http, body, length, &answer);
    }
    assert(answer.facts.health.state == REPORT_HEALTH_OK || answer.facts.health.detail);
    *ret_answer = answer;
}

void health_answer_unreachable(const char *why, struct health_answer *ret_answer)
{
    *ret_answer = (struct health_answer){.facts.health.state = REPORT_HEALTH_UNREACHABLE};
    ret_answer->facts.health.detail = tidy(why, strlen(why));
}

void health_answer_merge(struct health_answer *answer, struct health_answer *details)
{
    if (details->is_report) {
        struct health_answer plain = *answer;
        *answer = *details;
        *details = plain;
        /* A problem in the first answer that is over in the second, or the other way round: the first one is what
         * everybody who asks /health sees. */
        answer->facts.health.http = details->facts.health.http;
        if (details->facts.health.state == REPORT_HEALTH_ERROR && answer->facts.health.state == REPORT_HEALTH_OK) {
            answer->facts.health.state = REPORT_HEALTH_ERROR;
        }
        if (answer->facts.health.state == REPORT_HEALTH_ERROR && !answer->facts.health.detail) {
            answer->facts.health.detail = memory_take(&details->facts.health.detail);
        }
    }
    health_answer_clear(details);
}
