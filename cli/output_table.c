#include "output_table.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    TABLE_WIDTH_DEFAULT = 100,
    TABLE_WIDTH_LEAST = 40,
    TABLE_WIDTH_MOST = 120, /* longer lines are hard to read */
    TABLE_INDENT = 9,       /* "WARNING" and two spaces */
    TABLE_CODE_WIDTH = 26,
    TABLE_UNOBSERVED_MAX = 20,
};

static const char *const severity_words[] = {
    [SEVERITY_INFO] = "INFO",
    [SEVERITY_WARNING] = "WARNING",
    [SEVERITY_ERROR] = "ERROR",
};
static const char *const severity_colours[] = {
    [SEVERITY_INFO] = "\033[36m",
    [SEVERITY_WARNING] = "\033[33m",
    [SEVERITY_ERROR] = "\033[1;31m",
};
#define COLOUR_BOLD "\033[1m"
#define COLOUR_END  "\033[0m"

struct table_style table_style_of(FILE *target)
{
    struct table_style style = {.width = TABLE_WIDTH_DEFAULT};
    int fd = fileno(target);
    if (fd < 0 || !isatty(fd)) {
        return style;
    }
    struct winsize size;
    style.coloured = text_is_empty(getenv("NO_COLOR"));
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.width = size.ws_col;
    }
    return style;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no column. */
static size_t columns_of(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char) text[i] & 0xc0) != 0x80;
    }
    return columns;
}

/* Writes words from column `indent` on, breaking lines between them. */
static void print_wrapped(FILE *target, struct table_style style, size_t indent, const char *text)
{
    size_t width = style.width > TABLE_WIDTH_MOST ? TABLE_WIDTH_MOST : style.width;
    width = width < TABLE_WIDTH_LEAST ? TABLE_WIDTH_LEAST : width;
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        size_t columns = columns_of(text, length);
        if (column > 0 && column + 1 + columns > width) {
            (void) fputc('\n', target);
            column = 0;
        }
        if (column == 0) {
            (void) fprintf(target, "%*s", (int) indent, "");
            column = indent;
        } else {
            (void) fputc(' ', target);
            column++;
        }
        (void) fprintf(target, "%.*s", (int) length, text);
        column += columns;
        text += length;
        text += strspn(text, " ");
    }
    (void) fputc('\n', target);
}

static char *object_text(const struct object_reference *object)
{
    return xasprintf("%s %s", object->kind, object->name);
}

static void print_finding(const struct finding *finding, struct table_style style, FILE *target)
{
    cleanup_free char *object = object_text(&finding->object);
    (void) fprintf(target, "%s%-*s%s%s%-*s%s %s\n", style.coloured ? severity_colours[finding->severity] : "",
                   TABLE_INDENT, severity_words[finding->severity], style.coloured ? COLOUR_END : "",
                   style.coloured ? COLOUR_BOLD : "", TABLE_CODE_WIDTH, finding->code, style.coloured ? COLOUR_END : "",
                   object);
    print_wrapped(target, style, TABLE_INDENT, finding->message);
    cleanup_free char *action = xasprintf("To do: %s", finding->action);
    print_wrapped(target, style, TABLE_INDENT, action);
    (void) fputc('\n', target);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_cluster(const struct cluster *cluster, const struct finding_list *list, struct table_style style,
                          FILE *target)
{
    int64_t servers = audit_cluster_server_count(cluster);
    cleanup_free char *intended =
        cluster->intended == servers ? xstrdup("") : xasprintf(" (%" PRId64 " intended)", cluster->intended);
    cleanup_free char *title =
        cluster->superseded_by ? xasprintf("Cluster %s in namespace %s: superseded by ProGetCluster %s", cluster->name,
                                           cluster->namespace_name, cluster->superseded_by->meta.name)
                               : xasprintf("Cluster %s in namespace %s: %s, %" PRId64 " server%s%s", cluster->name,
                                           cluster->namespace_name, product_names(cluster->product)->name, servers,
                                           plural(servers), intended);
    text_make_printable(title);
    (void) fprintf(target, "%s%s%s\n\n", style.coloured ? COLOUR_BOLD : "", title, style.coloured ? COLOUR_END : "");
    if (cluster->superseded_by) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        print_finding(&list->items[i], style, target);
    }
    if (list->count == 0) {
        (void) fprintf(target, "No findings.\n\n");
    }
    if (list->dropped > 0) {
        (void) fprintf(target, "%zu more findings are not shown.\n\n", list->dropped);
    }
}

static void print_suppressed(const struct audit_result *result, struct table_style style, FILE *target)
{
    if (audit_result_suppressed_count(result) == 0) {
        return;
    }
    (void) fprintf(target, "Left out as asked for:\n");
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct finding_list *list = &result->findings[i];
        for (size_t k = 0; k < list->suppressed_count; k++) {
            const struct suppressed_finding *suppressed = &list->suppressed[k];
            cleanup_free char *object = object_text(&suppressed->finding.object);
            cleanup_free char *line = xasprintf("%s on %s: %s", suppressed->finding.code, object, suppressed->reason);
            print_wrapped(target, style, 2, line);
        }
    }
    (void) fputc('\n', target);
}

static void print_unobserved(const struct audit_result *result, struct table_style style, FILE *target)
{
    if (result->unobserved_count == 0) {
        return;
    }
    (void) fprintf(target, "Not observed, so not judged:\n");
    for (size_t i = 0; i < result->unobserved_count && i < TABLE_UNOBSERVED_MAX; i++) {
        cleanup_free char *line = xasprintf("%s (%s)", result->unobserved[i].what, result->unobserved[i].why);
        print_wrapped(target, style, 2, line);
    }
    if (result->unobserved_count > TABLE_UNOBSERVED_MAX) {
        (void) fprintf(target, "  and %zu more\n", result->unobserved_count - TABLE_UNOBSERVED_MAX);
    }
    (void) fputc('\n', target);
}

char *output_table_summary(const struct audit_result *result)
{
    size_t clusters = audit_result_cluster_count(result);
    int64_t servers = audit_result_server_count(result);
    size_t errors = audit_result_count(result, SEVERITY_ERROR);
    size_t warnings = audit_result_count(result, SEVERITY_WARNING);
    size_t suppressed = audit_result_suppressed_count(result);
    size_t kinds = audit_result_unobserved_kinds(result);
    size_t facts = result->unobserved_count - kinds;
    size_t infos = audit_result_count(result, SEVERITY_INFO);
    cleanup_buffer struct buffer text = BUFFER_INIT(1024);
    (void) buffer_appendf(&text, "%zu cluster%s, %" PRId64 " server%s: %zu error%s, %zu warning%s, %zu info%s",
                          clusters, plural((int64_t) clusters), servers, plural(servers), errors,
                          plural((int64_t) errors), warnings, plural((int64_t) warnings), infos,
                          plural((int64_t) infos));
    const char *separator = " (";
    if (suppressed > 0) {
        (void) buffer_appendf(&text, "%s%zu suppressed", separator, suppressed);
        separator = ", ";
    }
    if (kinds > 0) {
        (void) buffer_appendf(&text, "%s%zu kind%s not observed", separator, kinds, plural((int64_t) kinds));
        separator = ", ";
    }
    if (facts > 0) {
        (void) buffer_appendf(&text, "%s%zu fact%s of pods not observed", separator, facts, plural((int64_t) facts));
        separator = ", ";
    }
    if (result->is_partial) {
        (void) buffer_appendf(&text, "%spart of the input was unusable", separator);
        separator = ", ";
    }
    if (separator[0] == ',') {
        (void) buffer_append_text(&text, ")");
    }
    return buffer_take(&text);
}

void output_table(const struct audit_result *result, struct table_style style, FILE *target)
{
    for (size_t i = 0; i < result->clusters.count; i++) {
        print_cluster(&result->clusters.items[i], &result->findings[i], style, target);
    }
    print_suppressed(result, style, target);
    print_unobserved(result, style, target);
    if (result->clusters.count == 0 && result->is_partial) {
        return; /* "0 errors" would be no news of what could not be read */
    }
    cleanup_free char *summary = output_table_summary(result);
    (void) fprintf(target, "%s\n", summary);
}
