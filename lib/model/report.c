#include "proget/model/report.h"

#include <openssl/evp.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    TEXT_BYTES_MAX = 512, /* of one text of a report */
    TEXT_BYTES_MIN = 32,  /* to which texts are cut where a report would be too large; all of them then fit */
    DEPTH_MAX = 3,        /* members of a path: "health.replication.server" */
    LEASE_NAME_BYTES_MAX = 240,
    LEASE_HASH_BYTES = 8,
};

enum member_kind {
    MEMBER_TEXT,   /* char * */
    MEMBER_DETAIL, /* char *, free text of ProGet's: the first to be cut */
    MEMBER_NUMBER, /* int64_t within [1, maximum]; 0 unknown */
    MEMBER_TIME,   /* int64_t, microseconds */
    MEMBER_TRUTH,  /* enum report_truth */
    MEMBER_HEALTH, /* enum report_health */
    MEMBER_FORM,   /* enum key_form */
    MEMBER_OBJECT, /* bool: the member is an object; null where it is not */
};

struct member {
    const char *path;
    enum member_kind kind;
    size_t offset;
    int64_t maximum;    /* of a NUMBER */
    bool shown_as_null; /* written as null where absent, as the contract shows it */
};

#define MEMBER(path, kind, field)                            \
    {                                                        \
        path, kind, offsetof(struct report, field), 0, false \
    }
#define MEMBER_NULLABLE(path, kind, field)                  \
    {                                                       \
        path, kind, offsetof(struct report, field), 0, true \
    }

/* Writing and reading go by this table, in this order. */
static const struct member members[] = {
    MEMBER("product", MEMBER_TEXT, product),
    MEMBER("version", MEMBER_TEXT, version),
    MEMBER("release", MEMBER_TEXT, release),
    MEMBER("os", MEMBER_TEXT, os),
    MEMBER("node", MEMBER_TEXT, node),
    MEMBER("ip", MEMBER_TEXT, ip),
    MEMBER("health.state", MEMBER_HEALTH, health.state),
    {"health.http", MEMBER_NUMBER, offsetof(struct report, health.http), 999, false},
    MEMBER("health.database", MEMBER_TEXT, health.database),
    MEMBER("health.license", MEMBER_TEXT, health.license),
    MEMBER("health.service", MEMBER_TEXT, health.service),
    MEMBER_NULLABLE("health.detail", MEMBER_DETAIL, health.detail),
    MEMBER("health.databaseDetail", MEMBER_DETAIL, health.database_detail),
    MEMBER("health.licenseDetail", MEMBER_DETAIL, health.license_detail),
    MEMBER("health.serviceDetail", MEMBER_DETAIL, health.service_detail),
    MEMBER_NULLABLE("health.replication", MEMBER_OBJECT, health.has_replication),
    MEMBER("health.replication.server", MEMBER_TEXT, health.replication_server),
    MEMBER("health.replication.client", MEMBER_TEXT, health.replication_client),
    MEMBER("health.replication.detail", MEMBER_DETAIL, health.replication_detail),
    MEMBER("web.answered", MEMBER_TIME, web_answered_us),
    {"messenger.port", MEMBER_NUMBER, offsetof(struct report, messenger.port), 65535, false},
    MEMBER("messenger.reachable", MEMBER_TRUTH, messenger.reachable),
    MEMBER("key.source", MEMBER_TEXT, key.source),
    MEMBER("key.form", MEMBER_FORM, key.form),
    MEMBER("key.fingerprint", MEMBER_TEXT, key.fingerprint),
    MEMBER("key.current", MEMBER_TEXT, key.current),
    MEMBER("machine.id", MEMBER_TEXT, machine.id),
    MEMBER("machine.cpu", MEMBER_TEXT, machine.cpu),
    MEMBER("activation.reachable", MEMBER_TRUTH, activation_reachable),
};

static const char *const health_texts[] = {
    [REPORT_HEALTH_UNKNOWN] = NULL,
    [REPORT_HEALTH_OK] = "ok",
    [REPORT_HEALTH_ERROR] = "error",
    [REPORT_HEALTH_UNREACHABLE] = "unreachable",
};

static void *member_at(struct report *report, const struct member *member)
{
    return (char *) report + member->offset;
}

static const void *member_of(const struct report *report, const struct member *member)
{
    return (const char *) report + member->offset;
}

static bool is_text(const struct member *member)
{
    return member->kind == MEMBER_TEXT || member->kind == MEMBER_DETAIL;
}

void report_clear(struct report *report)
{
    if (!report) {
        return;
    }
    for (size_t i = 0; i < array_length(members); i++) {
        if (is_text(&members[i])) {
            free(*(char **) member_at(report, &members[i]));
        }
    }
    *report = (struct report){0};
}

/* Printable, at most `length_max` bytes. Owned. */
static char *text_for_report(const char *text, size_t length_max)
{
    cleanup_free char *printable = xstrdup(text);
    text_make_printable(printable);
    char *cut = xmalloc(length_max + 1);
    text_copy_cut(cut, length_max + 1, printable);
    return cut;
}

/* The object that holds the path's last member, made where it is missing; *ret_name is that member's name. */
static struct json_object *parent_of(struct json_object *root, const char *path, const char **ret_name)
{
    struct json_object *parent = root;
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        const char *dot = strchr(path, '.');
        if (!dot) {
            break;
        }
        cleanup_free char *name = xstrndup(path, (size_t) (dot - path));
        struct json_object *child = json_member(parent, name);
        parent = child ? child : json_add_object(parent, name);
        path = dot + 1;
    }
    *ret_name = path;
    return parent;
}

static void add_text(struct json_object *root, const char *path, const char *text, size_t length_max)
{
    const char *name = NULL;
    struct json_object *parent = parent_of(root, path, &name);
    cleanup_free char *shown = text_for_report(text, length_max);
    json_add_text(parent, name, shown);
}

static bool is_known_value(const struct member *member, const void *value)
{
    switch (member->kind) {
    case MEMBER_NUMBER:
    case MEMBER_TIME:
        return *(const int64_t *) value > 0;
    case MEMBER_TRUTH:
        return *(const enum report_truth *) value != REPORT_UNKNOWN;
    case MEMBER_OBJECT:
        return *(const bool *) value;
    default:
        return false;
    }
}

/* Returns false when the value is unknown. */
static bool add_value(struct json_object *root, const struct member *member, const void *value)
{
    if (!is_known_value(member, value)) {
        return false;
    }
    const char *name = NULL;
    struct json_object *parent = parent_of(root, member->path, &name);
    if (member->kind == MEMBER_NUMBER) {
        json_add_int64(parent, name, *(const int64_t *) value);
    } else if (member->kind == MEMBER_TIME) {
        json_add_time(parent, name, *(const int64_t *) value);
    } else if (member->kind == MEMBER_TRUTH) {
        json_add_bool(parent, name, *(const enum report_truth *) value == REPORT_TRUE);
    } else {
        (void) json_add_object(parent, name);
    }
    return true;
}

static const char *enum_text(const struct member *member, const void *value)
{
    if (member->kind == MEMBER_FORM) {
        return key_form_text(*(const enum key_form *) value);
    }
    size_t index = (size_t) * (const enum report_health *) value;
    return index < array_length(health_texts) ? health_texts[index] : NULL;
}

static void add_member(struct json_object *root, const struct report *report, const struct member *member,
                       size_t text_bytes_max, size_t detail_bytes_max)
{
    if (!report->health.has_replication && text_starts_with(member->path, "health.replication.")) {
        return;
    }
    const void *value = member_of(report, member);
    bool is_enum = member->kind == MEMBER_FORM || member->kind == MEMBER_HEALTH;
    bool is_known;
    if (is_text(member) || is_enum) {
        const char *text = is_enum ? enum_text(member, value) : *(char *const *) value;
        is_known = text != NULL;
        if (text) {
            add_text(root, member->path, text, member->kind == MEMBER_DETAIL ? detail_bytes_max : text_bytes_max);
        }
    } else {
        is_known = add_value(root, member, value);
    }
    if (!is_known && member->shown_as_null && report->health.state != REPORT_HEALTH_UNKNOWN) {
        const char *name = NULL;
        struct json_object *parent = parent_of(root, member->path, &name);
        (void) json_object_object_add(parent, name, NULL);
    }
}

char *report_format(const struct report *report)
{
    size_t text_bytes_max = TEXT_BYTES_MAX;
    size_t detail_bytes_max = TEXT_BYTES_MAX;
    for (;;) {
        cleanup_json struct json_object *root = json_object_new_object();
        json_add_int64(root, "v", 1);
        for (size_t i = 0; i < array_length(members); i++) {
            add_member(root, report, &members[i], text_bytes_max, detail_bytes_max);
        }
        const char *text = json_text(root);
        bool is_shortest = text_bytes_max == TEXT_BYTES_MIN && detail_bytes_max == TEXT_BYTES_MIN;
        if (strlen(text) < BOUND_REPORT_BYTES || is_shortest) {
            return xstrdup(text);
        }
        /* Details first: names and versions are what servers are compared by. */
        if (detail_bytes_max > TEXT_BYTES_MIN) {
            detail_bytes_max /= 2;
        } else {
            text_bytes_max /= 2;
        }
    }
}

static int wrong_type(const struct member *member, const char *expected, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, "report: member '%s' is not %s", member->path, expected);
}

static int read_text(struct json_object *value, const struct member *member, void *target, struct error *err)
{
    if (!json_object_is_type(value, json_type_string)) {
        return wrong_type(member, "a text", err);
    }
    const char *text = json_object_get_string(value);
    if (member->kind == MEMBER_FORM) {
        *(enum key_form *) target = key_form_from_text(text);
    } else if (member->kind == MEMBER_HEALTH) {
        for (size_t i = REPORT_HEALTH_OK; i < array_length(health_texts); i++) {
            if (text_equal(text, health_texts[i])) {
                *(enum report_health *) target = (enum report_health) i;
            }
        }
    } else if (member->kind == MEMBER_TIME) {
        if (clock_parse(text, target) < 0) {
            return wrong_type(member, "a timestamp", err);
        }
    } else {
        *(char **) target = text_for_report(text, TEXT_BYTES_MAX);
    }
    return 0;
}

static int read_member(struct json_object *root, const struct member *member, struct report *report, struct error *err)
{
    struct json_object *value = json_at(root, member->path);
    void *target = member_at(report, member);
    if (!value) {
        return 0;
    }
    switch (member->kind) {
    case MEMBER_OBJECT:
        if (!json_object_is_type(value, json_type_object)) {
            return wrong_type(member, "an object", err);
        }
        *(bool *) target = true;
        return 0;
    case MEMBER_TRUTH:
        if (!json_object_is_type(value, json_type_boolean)) {
            return wrong_type(member, "true or false", err);
        }
        *(enum report_truth *) target = json_object_get_boolean(value) ? REPORT_TRUE : REPORT_FALSE;
        return 0;
    case MEMBER_NUMBER: {
        if (!json_object_is_type(value, json_type_int)) {
            return wrong_type(member, "a whole number", err);
        }
        int64_t number = json_object_get_int64(value);
        *(int64_t *) target = number >= 1 && number <= member->maximum ? number : 0;
        return 0;
    }
    default:
        return read_text(value, member, target, err);
    }
}

/* A group such as `health` that is there but no object would else be taken for an absent one. */
static int check_groups(struct json_object *root, struct error *err)
{
    static const char *const groups[] = {"health", "web", "messenger", "key", "machine", "activation"};
    for (size_t i = 0; i < array_length(groups); i++) {
        struct json_object *group = json_member(root, groups[i]);
        if (group && !json_object_is_type(group, json_type_object)) {
            return error_set(err, ERROR_BAD_INPUT, "report: member '%s' is not an object", groups[i]);
        }
    }
    return 0;
}

static int check_version(struct json_object *root, struct error *err)
{
    struct json_object *version = json_member(root, "v");
    if (!version) {
        return 0; /* missing members are unknown, never an error */
    }
    if (!json_object_is_type(version, json_type_int)) {
        return error_set(err, ERROR_BAD_INPUT, "report: member 'v' is not a whole number");
    }
    if (json_object_get_int64(version) != 1) {
        return error_set(err, ERROR_BAD_INPUT, "report: version %lld is not known, only 1",
                         (long long) json_object_get_int64(version));
    }
    return 0;
}

int report_parse(const char *text, size_t length, struct report *ret_report, struct error *err)
{
    if (length > BOUND_REPORT_BYTES) {
        return error_set(err, ERROR_TOO_LARGE, "report: %zu bytes, at most %d are read", length, BOUND_REPORT_BYTES);
    }
    cleanup_json struct json_object *root = NULL;
    int result = json_parse(text, length, &root, err);
    if (result < 0) {
        (void) error_wrap(err, "report");
        return result;
    }
    if (!json_object_is_type(root, json_type_object)) {
        return error_set(err, ERROR_BAD_INPUT, "report: not a JSON object");
    }
    result = check_version(root, err);
    if (result == 0) {
        result = check_groups(root, err);
    }
    cleanup_report struct report report = {0};
    for (size_t i = 0; result == 0 && i < array_length(members); i++) {
        result = read_member(root, &members[i], &report, err);
    }
    if (result < 0) {
        return result;
    }
    *ret_report = report;
    report = (struct report){0}; /* its texts are the caller's now */
    return 0;
}

char *report_lease_name(const char *pod_name)
{
    cleanup_free char *name = xasprintf("proget-%s", pod_name);
    if (strlen(name) <= LEASE_NAME_BYTES_MAX) {
        return memory_take(&name);
    }
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned int digest_length = 0;
    (void) EVP_Digest(pod_name, strlen(pod_name), digest, &digest_length, EVP_sha256(), NULL);
    char hash[2 * LEASE_HASH_BYTES + 1];
    text_to_hex(hash, digest, LEASE_HASH_BYTES);
    /* A label of a DNS name neither begins nor ends with '-': the head must not end in what would make one. */
    size_t head = LEASE_NAME_BYTES_MAX - (sizeof hash - 1) - 1;
    while (head > 0 && (name[head - 1] == '.' || name[head - 1] == '-')) {
        head--;
    }
    name[head] = '\0';
    return xasprintf("%s-%s", name, hash);
}
