#include "disruptions.h"

#include <stdlib.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static void noted_clear(struct noted_disruption *noted)
{
    free(noted->namespace_name);
    free(noted->pod);
    free(noted->uid);
    free(noted->node);
    free(noted->message);
    *noted = (struct noted_disruption){0};
}

void disruptions_note(struct disruptions *disruptions, const struct pod *pod)
{
    struct disruption disruption = disruption_of_pod(pod);
    if (disruption.cause == DISRUPTION_NONE || text_is_empty(pod->meta.uid)) {
        return;
    }
    for (size_t i = 0; i < disruptions->count; i++) {
        if (text_equal(disruptions->items[i].uid, pod->meta.uid)) {
            return;
        }
    }
    struct noted_disruption *place = &disruptions->items[disruptions->next];
    noted_clear(place);
    *place = (struct noted_disruption){
        .namespace_name = xstrdup(pod->meta.namespace_name),
        .pod = xstrdup(pod->meta.name),
        .uid = xstrdup(pod->meta.uid),
        .node = xstrdup(pod->spec.node_name),
        .message = xstrdup(disruption.message),
        .cause = disruption.cause,
        .time_us = disruption.time_us,
    };
    disruptions->next = (disruptions->next + 1) % DISRUPTIONS_NOTED;
    disruptions->count += disruptions->count < DISRUPTIONS_NOTED ? 1 : 0;
}

void disruptions_clear(struct disruptions *disruptions)
{
    for (size_t i = 0; i < disruptions->count; i++) {
        noted_clear(&disruptions->items[i]);
    }
    *disruptions = (struct disruptions){0};
}
