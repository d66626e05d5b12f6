#include "status_view.h"

#include <string.h>

#include "command.h"
#include "output_table.h"
#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "status_record.h"
#include "status_table.h"

char *status_view_selector(const struct status_request *request)
{
    return request->name ? xasprintf("metadata.name=%s", request->name) : NULL;
}

static int entry_order(const void *a, const void *b)
{
    const struct store_entry *left = *(const struct store_entry *const *) a;
    const struct store_entry *right = *(const struct store_entry *const *) b;
    return strcmp(left->key, right->key);
}

/* In the order of their namespaces and names. Owned array. */
static const struct store_entry **sorted_entries(const struct store *store)
{
    const struct store_entry **entries = xcalloc(store_count(store) + 1, sizeof *entries);
    size_t count = 0;
    for (const struct store_entry *at = store_first(store, NULL); at; at = store_next(store, NULL, at)) {
        entries[count++] = at;
    }
    qsort(entries, count, sizeof *entries, entry_order);
    return entries;
}

int status_view_print(const struct store *store, const struct status_request *request, int64_t now_us, FILE *output,
                      FILE *errors)
{
    size_t count = store_count(store);
    if (count == 0 && request->name) {
        (void) fprintf(errors, "error: there is no ProGetCluster %s%s%s; kubectl proget status -A shows all\n",
                       request->name, request->namespace_name ? " in namespace " : "",
                       request->namespace_name ? request->namespace_name : "");
        return STATUS_UNUSABLE;
    }
    if (count == 0) {
        (void) fprintf(errors, "There is no ProGetCluster%s%s; kubectl proget init shows what could be declared%s.\n",
                       request->namespace_name ? " in namespace " : "",
                       request->namespace_name ? request->namespace_name : "",
                       request->namespace_name ? ", kubectl proget status -A looks at all namespaces" : "");
        return STATUS_DONE;
    }
    struct table_style style = table_style_of(output);
    char now[CLOCK_TEXT_SIZE];
    clock_format_seconds(now_us, now);
    (void) fprintf(output, "At %s\n\n", now);
    cleanup_free const struct store_entry **entries = sorted_entries(store);
    bool has_error = false;
    for (size_t i = 0; i < count; i++) {
        const struct shown_cluster *cluster = (const struct shown_cluster *) (const void *) entries[i]->object;
        if (i > 0) {
            (void) fputc('\n', output);
        }
        status_table(cluster, now_us, style, output);
        has_error = has_error || shown_cluster_has_error(cluster);
    }
    return has_error ? STATUS_FOUND : STATUS_DONE;
}

void status_view_tell(const struct error *err, FILE *errors)
{
    cleanup_free char *text = xstrdup(err->text);
    text_make_printable(text);
    (void) fprintf(errors, "error: %s\n", text);
}
