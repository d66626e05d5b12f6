#include "agreement.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "phrase.h"

#define SENTENCE_BYTES_MAX ((size_t) 16 * 1024)

/* The group of an earlier member with the same fact. */
static size_t group_of_equal(const struct agreement *agreement, char *const *facts, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (facts[i] && agreement->group_of[i] != AGREEMENT_NO_GROUP && text_equal(facts[i], facts[index])) {
            return agreement->group_of[i];
        }
    }
    return AGREEMENT_NO_GROUP;
}

/* The one strong group that shares this member's weak fact. `ret_ambiguous`: there are two of them. */
static size_t strong_group_by_weak(const struct agreement *agreement, char *const *strong, char *const *weak,
                                   size_t index, bool *ret_ambiguous)
{
    size_t group = AGREEMENT_NO_GROUP;
    *ret_ambiguous = false;
    for (size_t i = 0; i < agreement->count; i++) {
        if (!strong[i] || !text_equal(weak[i], weak[index])) {
            continue;
        }
        if (group != AGREEMENT_NO_GROUP && group != agreement->group_of[i]) {
            *ret_ambiguous = true;
            return AGREEMENT_NO_GROUP;
        }
        group = agreement->group_of[i];
    }
    return group;
}

void agreement_find(char *const *strong, char *const *weak, size_t count, struct agreement *ret_agreement)
{
    struct agreement agreement = {.group_of = xcalloc(count, sizeof *agreement.group_of), .count = count};
    for (size_t i = 0; i < count; i++) {
        agreement.group_of[i] = strong[i] ? group_of_equal(&agreement, strong, i) : AGREEMENT_NO_GROUP;
        if (strong[i] && agreement.group_of[i] == AGREEMENT_NO_GROUP) {
            agreement.group_of[i] = agreement.group_count++;
        }
    }
    agreement.strong_count = agreement.group_count;
    for (size_t i = 0; i < count; i++) {
        if (strong[i] || !weak[i]) {
            continue;
        }
        bool ambiguous;
        size_t group = strong_group_by_weak(&agreement, strong, weak, i, &ambiguous);
        for (size_t k = 0; k < i && group == AGREEMENT_NO_GROUP && !ambiguous; k++) {
            group = !strong[k] && text_equal(weak[k], weak[i]) ? agreement.group_of[k] : group;
        }
        agreement.group_of[i] = group != AGREEMENT_NO_GROUP || ambiguous ? group : agreement.group_count++;
    }
    *ret_agreement = agreement;
}

void agreement_clear(struct agreement *agreement)
{
    free(agreement->group_of);
    memset(agreement, 0, sizeof *agreement);
}

/* `is_seen`: room for one mark per group. */
static bool owners_share_group(const struct agreement *agreement, const void *const *owners, const void *a,
                               const void *b, bool *is_seen)
{
    memset(is_seen, 0, agreement->group_count * sizeof *is_seen);
    for (size_t i = 0; i < agreement->count; i++) {
        if (owners[i] == a && agreement->group_of[i] != AGREEMENT_NO_GROUP) {
            is_seen[agreement->group_of[i]] = true;
        }
    }
    for (size_t i = 0; i < agreement->count; i++) {
        if (owners[i] == b && agreement->group_of[i] != AGREEMENT_NO_GROUP && is_seen[agreement->group_of[i]]) {
            return true;
        }
    }
    return false;
}

/* Its owner was not met among those before it. */
static bool is_first_of_owner(const struct agreement *agreement, const void *const *owners, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (owners[i] == owners[index] && agreement->group_of[i] != AGREEMENT_NO_GROUP) {
            return false;
        }
    }
    return agreement->group_of[index] != AGREEMENT_NO_GROUP;
}

bool agreement_divides_owners(const struct agreement *agreement, const void *const *owners)
{
    bool *is_seen = xcalloc(agreement->group_count, sizeof *is_seen);
    bool divides = false;
    for (size_t i = 0; i < agreement->count && !divides; i++) {
        for (size_t k = 0; k < i && !divides && is_first_of_owner(agreement, owners, i); k++) {
            divides = is_first_of_owner(agreement, owners, k) &&
                      !owners_share_group(agreement, owners, owners[i], owners[k], is_seen);
        }
    }
    free(is_seen);
    return divides;
}

size_t agreement_first(const struct agreement *agreement, size_t group)
{
    size_t i = 0;
    while (i + 1 < agreement->count && agreement->group_of[i] != group) {
        i++;
    }
    return i;
}

char *agreement_names(const struct agreement *agreement, size_t group, const char *const *names)
{
    const char **members = xcalloc(agreement->count, sizeof *members);
    size_t count = 0;
    for (size_t i = 0; i < agreement->count; i++) {
        if (agreement->group_of[i] == group) {
            members[count++] = names[i];
        }
    }
    char *text = phrase_names(members, count);
    free(members);
    return text;
}

char *agreement_sources(const struct agreement *agreement, const char *const *names, char *const *sources,
                        const char *unknown)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(SENTENCE_BYTES_MAX);
    for (size_t group = 0; group < agreement->group_count; group++) {
        cleanup_free char *members = agreement_names(agreement, group, names);
        const char *source = sources[agreement_first(agreement, group)];
        (void) buffer_appendf(&text, "%s%s from %s", group ? "; " : "", members, source ? source : unknown);
    }
    return buffer_take(&text);
}

size_t agreement_keep_grouped(const struct agreement *agreement, struct object_reference *references)
{
    size_t kept = 0;
    for (size_t i = 0; i < agreement->count; i++) {
        if (agreement->group_of[i] != AGREEMENT_NO_GROUP) {
            references[kept++] = references[i];
        }
    }
    return kept;
}
