/*
 * One named entry of a kubeconfig, its members read with their types checked. Errors name the file, the entry and the
 * member, never a value.
 */
#ifndef PROGET_KUBE_KUBECONFIG_ENTRY_H
#define PROGET_KUBE_KUBECONFIG_ENTRY_H

#include <stdbool.h>

#include "kubeconfig.h"
#include "proget/core/error.h"
#include "proget/core/json.h"

enum { ENTRY_NAME_LENGTH_MAX = 256, ENTRY_LIST_LENGTH_MAX = 1024 };

/* An entry of clusters, users or contexts, or a mapping within one. Borrowed throughout. */
struct entry {
    const struct kubeconfig_file *file;
    const char *kind; /* "cluster" */
    const char *name;
    const char *part;         /* the mapping within it, for messages: "exec "; NULL: the entry itself */
    struct json_object *body; /* NULL: empty */
};

/* ERROR_BAD_INPUT. `member` NULL: it is about the entry itself. */
int entry_error(const struct entry *entry, const char *member, const char *why, struct error *err);

/* Each leaves its target as it is where the member is absent, null or empty. */
int entry_text(const struct entry *entry, const char *member, const char **ret_value, struct error *err); /* borrowed */
int entry_copy(const struct entry *entry, const char *member, char **target, struct error *err);
int entry_bool(const struct entry *entry, const char *member, bool *target, struct error *err);
/* A path counts from the folder of the file that names it. */
int entry_path(const struct entry *entry, const char *member, char **target, struct error *err);
/* "<member>-data", decoded, beats the path. */
int entry_pem(const struct entry *entry, const char *member, char **data, char **path, struct error *err);
/* A list of texts, with a NULL at its end. */
int entry_texts(const struct entry *entry, const char *member, char ***target, struct error *err);
/* *ret_list (borrowed) NULL: absent. At most ENTRY_LIST_LENGTH_MAX elements. */
int entry_list(const struct entry *entry, const char *member, struct json_object **ret_list, struct error *err);

/* The path as it counts from the folder of the entry's file. Owned. */
char *entry_resolve(const struct entry *entry, const char *path);
/* The text of a value, or NULL when it is none or holds a NUL. Borrowed. */
const char *entry_text_of(struct json_object *value);

#endif
