/*
 * ImageTagMutable: an image whose name may mean another version tomorrow.
 */
#include <string.h>

#include "catalogue.h"
#include "image_name.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "server_count.h"

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* How many numbers with a dot between them begin here. */
static size_t count_parts(const char *text)
{
    size_t parts = 0;
    while (is_digit(*text)) {
        parts++;
        while (is_digit(*text)) {
            text++;
        }
        if (*text == '.') {
            text++;
        }
    }
    return parts;
}

/* "25.0.13", "v25.0.13", "25.0.13-ci", "release-25.0.13": a release that is built once. */
static bool names_release(const char *tag)
{
    enum { PARTS_OF_RELEASE = 3 };
    for (const char *at = tag; *at; at++) {
        if ((at == tag || !is_digit(at[-1])) && count_parts(at) >= PARTS_OF_RELEASE) {
            return true;
        }
    }
    return false;
}

static void say_mutable(const struct check_context *context, const struct subject *subject, const char *tag)
{
    const char *image = subject->product->image;
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *target = phrase_target(subject);
    cleanup_free char *repository = xstrndup(image, strlen(image) - (tag ? strlen(tag) + 1 : 0));
    cleanup_free char *which = tag ? xasprintf("tag %s, which may mean a newer build tomorrow", tag)
                                   : xstrdup("no tag, which means the latest build there is");
    const char *cost =
        server_count(context->cluster) > 1 ? "under the other servers" : "though nobody planned an upgrade";
    cleanup_free char *message =
        xasprintf("The image of %s (%s) has %s: a server that restarts, or moves to another node, may come back as "
                  "another version than before, and upgrade the database %s.",
                  who, image, which, cost);
    cleanup_free char *action =
        text_starts_with(target, "pod/")
            ? xasprintf("Name the release in full in the manifest that %s comes from, such as :25.0.13", target)
            : xasprintf("Name the release that runs now in full, such as :25.0.13 (it replaces the pods, so with the "
                        "next planned restart): kubectl -n %s set image %s %s=%s:RELEASE",
                        subject->meta->namespace_name ? subject->meta->namespace_name : "", target,
                        subject->product->name, repository);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_image_tag_mutable(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        if (!subject->product || text_is_empty(subject->product->image)) {
            continue;
        }
        cleanup_image_name struct image_name name;
        image_name_parse(subject->product->image, &name);
        if (!name.digest && (!name.tag || !names_release(name.tag))) {
            say_mutable(context, subject, name.tag);
        }
    }
}
