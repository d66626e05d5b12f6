/*
 * Fills the model: one watch per kind (and namespace, where it is restricted to some).
 */
#ifndef OPERATOR_INTAKE_H
#define OPERATOR_INTAKE_H

#include <stdbool.h>

#include "proget/core/options.h"
#include "proget/kube/client.h"
#include "proget/model/model.h"

struct intake;

/* `namespaces` empty: all. Everything is borrowed and must outlive the intake. */
struct intake *intake_start(struct kube_client *client, struct model *model, const struct option_list *namespaces);
void intake_stop(struct intake *intake); /* NULL is allowed */

/* Every kind was synced once, or is known not to be observed: the model can be judged. */
bool intake_is_ready(const struct intake *intake);

#endif
