#include "audit_result.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static bool is_listed(const struct audit_result *result, const struct unobserved *one)
{
    for (size_t i = 0; i < result->unobserved_count; i++) {
        if (text_equal(result->unobserved[i].what, one->what) && text_equal(result->unobserved[i].why, one->why)) {
            return true;
        }
    }
    return false;
}

static void collect_unobserved(struct audit_result *result)
{
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct finding_list *list = &result->findings[i];
        for (size_t k = 0; k < list->unobserved_count; k++) {
            if (!is_listed(result, &list->unobserved[k])) {
                result->unobserved =
                    xrealloc(result->unobserved, result->unobserved_count + 1, sizeof *result->unobserved);
                result->unobserved[result->unobserved_count++] = list->unobserved[k];
            }
        }
    }
}

void audit_result_make(struct model *model, struct instant now, struct audit_result *ret_result)
{
    struct audit_result result = {.model = model};
    model_assemble(model, now, &result.clusters);
    result.findings = xcalloc(result.clusters.count, sizeof *result.findings);
    for (size_t i = 0; i < result.clusters.count; i++) {
        evaluation_run(model, &result.clusters.items[i], now, &result.findings[i]);
    }
    collect_unobserved(&result);
    *ret_result = result;
}

void audit_result_clear(struct audit_result *result)
{
    for (size_t i = 0; i < result->clusters.count; i++) {
        finding_list_free(&result->findings[i]);
    }
    free(result->findings);
    free(result->unobserved);
    cluster_list_free(&result->clusters);
    memset(result, 0, sizeof *result);
}

size_t audit_result_count(const struct audit_result *result, enum severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < result->clusters.count; i++) {
        for (size_t k = 0; k < result->findings[i].count; k++) {
            count += result->findings[i].items[k].severity == severity;
        }
    }
    return count;
}

size_t audit_result_suppressed_count(const struct audit_result *result)
{
    size_t count = 0;
    for (size_t i = 0; i < result->clusters.count; i++) {
        count += result->findings[i].suppressed_count;
    }
    return count;
}

size_t audit_result_cluster_count(const struct audit_result *result)
{
    size_t count = 0;
    for (size_t i = 0; i < result->clusters.count; i++) {
        count += result->clusters.items[i].superseded_by == NULL;
    }
    return count;
}

int64_t audit_cluster_server_count(const struct cluster *cluster)
{
    int64_t count = 0;
    for (size_t i = 0; i < cluster->subject_count; i++) {
        count += cluster->subjects[i].servers;
    }
    return count;
}

int64_t audit_result_server_count(const struct audit_result *result)
{
    int64_t count = 0;
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct cluster *cluster = &result->clusters.items[i];
        count += cluster->superseded_by ? 0 : audit_cluster_server_count(cluster);
    }
    return count;
}

size_t audit_result_unobserved_kinds(const struct audit_result *result)
{
    size_t count = 0;
    for (size_t i = 0; i < result->unobserved_count; i++) {
        count += strchr(result->unobserved[i].what, ' ') == NULL;
    }
    return count;
}
