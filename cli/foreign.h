/*
 * What lies beside manifests in people's folders and looks like them: what it is, and what makes manifests of it.
 */
#ifndef PROGET_CLI_FOREIGN_H
#define PROGET_CLI_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/json.h"

/* By the file's name, the folders before it left out. */
bool foreign_is_kustomization(const char *name);
bool foreign_is_chart(const char *name); /* Chart.yaml: the folder is a Helm chart's */
/* Part of the chart in whose folder it lies: what Helm reads there. False of everything else, such as "crds". */
bool foreign_is_of_chart(const char *name);

/* What a document is that is no Kubernetes object, and what to do with it; NULL: nothing is known of it. Static. */
const char *foreign_document(struct json_object *value);

/*
 * What a Kubernetes object is rendered by inside the cluster ("Flux", ...) where it installs one of the products, by an
 * image, a chart or a variable that it names: the servers are not in it. NULL: it is no such object. Static.
 */
const char *foreign_release(struct json_object *value);

#endif
