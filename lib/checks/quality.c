#include "quality.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

bool quality_is_guaranteed(const struct subject *subject, const char **ret_class, char **ret_why)
{
    cleanup_free char *why = NULL;
    const char *computed = qos_class_name(pod_spec_qos(subject->spec, NULL, &why));
    const char *reported = subject->server ? subject->server->pod->qos_class : NULL;
    const char *class_name = reported ? reported : computed;
    if (text_equal(class_name, qos_class_name(QOS_GUARANTEED))) {
        return true;
    }
    *ret_class = class_name;
    *ret_why = why ? memory_take(&why) : xstrdup("the API server put it into that class when it was created");
    return false;
}

bool quality_is_broken_by_sidecar(const struct subject *subject)
{
    return subject->sidecar && pod_spec_qos(subject->spec, NULL, NULL) != QOS_GUARANTEED &&
           pod_spec_qos(subject->spec, subject->sidecar, NULL) == QOS_GUARANTEED;
}
