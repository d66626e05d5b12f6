/*
 * Parts of history_observe(). Each returns whether anything changed that belongs into the status.
 */
#ifndef PROGET_MODEL_HISTORY_PRIVATE_H
#define PROGET_MODEL_HISTORY_PRIVATE_H

#include "proget/model/history.h"
#include "proget/model/model.h"

/* Disruptions of its servers, and those of members that are gone as Events tell. Before members are followed. */
bool history_observe_evictions(struct history *history, const struct model *model, const struct cluster *cluster,
                               struct instant now);
/* Licences seen active; machines of nodes. */
bool history_observe_machines(struct history *history, const struct cluster *cluster);
/* Members that came and went. After evictions, which say why. */
bool history_observe_members(struct history *history, const struct model *model, const struct cluster *cluster,
                             struct instant now);

/* The number of servers that the workloads want. */
bool history_observe_size(struct history *history, const struct cluster *cluster, struct instant now);
/* Servers whose end nobody can confirm; those of which it is known now are dropped. After members. */
bool history_observe_ends(struct history *history, const struct model *model, const struct cluster *cluster,
                          struct instant now);
/* A member whose pod is gone: kept where its node cannot tell what became of it. */
bool history_note_end(struct history *history, const struct model *model, const struct past_server *member,
                      struct instant now);

const struct eviction *history_eviction(const struct history *history, const char *uid); /* NULL: none */
/* The pod is still there under that name and uid. */
bool pod_exists(const struct model *model, const char *namespace_name, const char *name, const char *uid);

void past_server_clear(struct past_server *member);
void unconfirmed_end_clear(struct unconfirmed_end *end);

/* Frees the old text and copies the new one where they differ; returns whether they did. A NULL `text` changes nothing.
 */
bool history_set_text(char **field, const char *text);

#endif
