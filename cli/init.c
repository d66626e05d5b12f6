#include "init.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "live.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"
#include "sidecar_patch.h"
#include "wrap.h"

enum { NAME_BYTES_MAX = 253, COMMENT_WIDTH = 100 };

struct init {
    struct connection *connection;
    const struct init_settings *settings;
    const struct cluster_list *clusters;
    FILE *output, *errors;
    size_t printed; /* documents */
    int status;
};

/* --- printing --- */

/* Lines that begin with "# ". Names are of others: nothing of them may end the comment. */
static void __attribute__((format(printf, 2, 3))) comment(FILE *output, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *text = NULL;
    char line[BOUND_ERROR_TEXT * 2];
    (void) vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    cleanup_free char *shown = wrap_shown(line, sizeof line);
    if (!memory) {
        abort(); /* out of memory */
    }
    wrap_print(memory, COMMENT_WIDTH, 2, 0, shown);
    (void) fclose(memory);
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        (void) fprintf(output, "# %.*s\n", (int) strcspn(at, "\n"), at);
    }
}

/* A command behind "#   ", on one line so that it can be copied. */
static void __attribute__((format(printf, 2, 3))) comment_command(FILE *output, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char line[BOUND_ERROR_TEXT * 2];
    (void) vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_make_printable(line);
    (void) fprintf(output, "#   %s\n", line);
}

static void begin_document(struct init *init)
{
    if (init->printed++ > 0) {
        (void) fprintf(init->output, "---\n");
    }
}

/* The patch as comment: applied with the rest it would replace the pods. */
static void print_commented(struct json_object *value, FILE *output)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory) {
        abort(); /* out of memory */
    }
    yaml_print(value, memory);
    (void) fclose(memory);
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        (void) fprintf(output, "#   %.*s\n", (int) strcspn(at, "\n"), at);
    }
}

/* --- what of a cluster is meant --- */

static bool is_meant(const struct init *init, const struct cluster *cluster)
{
    const char *name = init->settings->name;
    if (cluster->superseded_by) {
        return false;
    }
    if (!name || text_equal(cluster->name, name)) {
        return true;
    }
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (text_equal(cluster->workloads[i]->meta.name, name)) {
            return true;
        }
    }
    return false;
}

/* What stands for the workload: one of its pods, or its template. NULL: nothing does. */
static const struct subject *subject_of(const struct cluster *cluster, const struct workload *workload)
{
    for (size_t i = 0; i < cluster->subject_count; i++) {
        if (cluster->subjects[i].workload == workload) {
            return &cluster->subjects[i];
        }
    }
    return NULL;
}

/* The template counts: pods that are older than it will be replaced. */
static bool has_sidecar(const struct cluster *cluster, const struct workload *workload)
{
    const struct subject *subject = subject_of(cluster, workload);
    bool is_in_template = pod_spec_container(&workload->template_spec, "proget-sidecar") != NULL;
    return is_in_template || (subject && subject->sidecar && !subject->server) ||
           (subject && subject->sidecar &&
            pod_spec_container(&workload->template_spec, subject->sidecar->name) != NULL);
}

static bool needs_sidecar(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (!has_sidecar(cluster, cluster->workloads[i])) {
            return true;
        }
    }
    return false;
}

/* --- the ProGetCluster --- */

static struct json_object *selector_json(const struct selector *selector)
{
    struct json_object *object = json_object_new_object();
    if (selector->labels.count) {
        struct json_object *labels = json_add_object(object, "matchLabels");
        record_list_each (const struct record_pair *, pair, &selector->labels) {
            json_add_text(labels, pair->key, pair->value);
        }
    }
    if (selector->requirements.count) {
        struct json_object *expressions = json_add_array(object, "matchExpressions");
        record_list_each (const struct selector_requirement *, requirement, &selector->requirements) {
            struct json_object *row = json_object_new_object();
            json_add_text(row, "key", requirement->key);
            json_add_text(row, "operator", requirement->operator_name);
            struct json_object *values = requirement->values.count ? json_add_array(row, "values") : NULL;
            record_list_each (const char *const *, value, &requirement->values) {
                json_object_array_add(values, json_object_new_string(*value));
            }
            json_object_array_add(expressions, row);
        }
    }
    return object;
}

/* NULL: no selector tells its pods from others. Owned. */
static struct json_object *cluster_json(const struct cluster *cluster)
{
    struct json_object *selector =
        cluster->implied_spec ? json_object_get(json_member(cluster->implied_spec, "selector"))
        : cluster->resource && cluster->resource->selector ? selector_json(cluster->resource->selector)
                                                           : NULL;
    if (!selector) {
        return NULL;
    }
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", CLUSTER_API_VERSION);
    json_add_text(object, "kind", CLUSTER_KIND);
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", cluster->name);
    json_add_text(metadata, "namespace", cluster->namespace_name);
    /* Also where there is none yet: the operator may declare it under that name before this is applied. */
    json_add_text(json_add_object(metadata, "labels"), CLUSTER_LABEL_DISCOVERED, "false");
    struct json_object *spec = json_add_object(object, "spec");
    json_add_text(spec, "product", product_names(cluster->product)->name);
    json_object_object_add(spec, "selector", selector);
    if (cluster->intended > 0) {
        json_add_int64(spec, "servers", cluster->intended);
    }
    return object;
}

static char *workload_titles(const struct cluster *cluster)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_ERROR_TEXT);
    for (size_t i = 0; i < cluster->workload_count; i++) {
        (void) buffer_appendf(&text, "%s%s %s", text.length ? ", " : "", workload_kind(cluster->workloads[i]),
                              cluster->workloads[i]->meta.name);
    }
    return text.length ? buffer_take(&text) : xstrdup("pods without a workload that is known");
}

static void print_cluster(struct init *init, const struct cluster *cluster)
{
    FILE *output = init->output;
    cleanup_free char *titles = workload_titles(cluster);
    if (cluster->resource && !cluster->discovered) {
        comment(output, "ProGetCluster %s in namespace %s is declared already (%s): nothing to do.", cluster->name,
                cluster->namespace_name, titles);
        return;
    }
    cleanup_json struct json_object *object = cluster_json(cluster);
    if (!object) {
        comment(
            output,
            "%s in namespace %s: no label tells its pods from others, so no ProGetCluster can select them. Give them "
            "a label of their own.",
            titles, cluster->namespace_name);
        return;
    }
    begin_document(init);
    comment(output,
            "%s, of %s. Declaring it restarts nothing. Look through it: is that the number of servers that you mean "
            "to have? Further settings: kubectl explain progetcluster.spec",
            product_names(cluster->product)->name, titles);
    comment(output, "The label makes it yours where the operator declared it by itself.");
    yaml_print(object, output);
}

/* --- the sidecar --- */

static void print_patch(struct init *init, const struct cluster *cluster, const struct workload *workload)
{
    FILE *output = init->output;
    const struct subject *subject = subject_of(cluster, workload);
    const char *container = subject && subject->product ? subject->product->name : NULL;
    const struct sidecar_target target = {
        .kind = workload_kind(workload),
        .namespace_name = cluster->namespace_name,
        .name = workload->meta.name,
        .product = cluster->product,
        .spec = &workload->template_spec,
        .container = container ? pod_spec_container(&workload->template_spec, container) : NULL,
        .image = init->settings->image,
    };
    cleanup_free char *note = NULL;
    cleanup_json struct json_object *patch = sidecar_patch(&target, &note);
    bool is_bare = init->settings->only_sidecar;
    if (is_bare) {
        begin_document(init);
    } else {
        (void) fprintf(output, "#\n");
    }
    comment(output,
            "The sidecar of %s %s. It changes the pods' template, so it REPLACES THE PODS: choose the time. On nodes "
            "with other CPUs a licence may have to be activated again.",
            target.kind, target.name);
    if (note) {
        comment(output, "%s", note);
    }
    if (is_bare) {
        comment_command(output, "kubectl -n %s patch %s %s --patch-file FILE", target.namespace_name, target.kind,
                        target.name);
        comment(output, "or as `patches: [{path: FILE}]` of the kustomization that holds the workload.");
        yaml_print(patch, output);
        return;
    }
    comment_command(output, "kubectl proget init %s -n %s --sidecar --image %s > sidecar.yaml", target.name,
                    target.namespace_name, target.image);
    comment_command(output, "kubectl -n %s patch %s %s --patch-file sidecar.yaml", target.namespace_name, target.kind,
                    target.name);
    comment(output, "or as `patches: [{path: sidecar.yaml}]` of the kustomization that holds the workload:");
    print_commented(patch, output);
}

static void print_patches(struct init *init, const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        if (has_sidecar(cluster, workload)) {
            comment(init->output, "%s %s has its sidecar already.", workload_kind(workload), workload->meta.name);
        } else {
            print_patch(init, cluster, workload);
        }
    }
    if (cluster->workload_count == 0) {
        comment(init->output,
                "Cluster %s: these pods belong to no workload that is known here. Where something makes them, "
                "put the sidecar into its template: manifests/components/sidecar/workload.yaml.",
                cluster->name);
    }
}

/* --- the permission --- */

/* What an object of the API is now. Returns 1, 0 where it is not there, or an error code, which was told. */
static int get(struct init *init, const struct kube_resource *resource, const char *namespace_name, const char *name,
               struct json_object **ret_object)
{
    const struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = resource, .namespace_name = namespace_name, .name = name},
    };
    struct error err;
    int status;
    int result = connection_call(init->connection, &request, ret_object, &status, &err);
    if (result == ERROR_NOT_FOUND) {
        return 0;
    }
    if (result < 0 && status != 403) {
        connection_tell(init->connection, &err, status, "get", resource, namespace_name, init->errors);
        init->status = STATUS_UNUSABLE;
    }
    return result < 0 ? result : 1;
}

/* Who was bound before stays so: a list of subjects is replaced as a whole. */
static void keep_subjects(struct init *init, struct json_object *binding, const char *namespace_name)
{
    static const struct kube_resource bindings = {"rbac.authorization.k8s.io", "v1", "rolebindings"};
    cleanup_json struct json_object *before = NULL;
    int result = get(init, &bindings, namespace_name, json_text_at(binding, "metadata.name", ""), &before);
    if (result < 0) {
        comment(init->output,
                "You may not read RoleBindings, so this one is made anew: where there is one of this name, add "
                "its subjects here.");
    }
    struct json_object *subjects = json_member(before, "subjects");
    size_t count = json_object_is_type(subjects, json_type_array) ? json_object_array_length(subjects) : 0;
    for (size_t i = 0; i < count && i < BOUND_LIST_ITEMS; i++) {
        struct json_object *subject = json_object_array_get_idx(subjects, i);
        if (text_equal(json_text_at(subject, "kind", NULL), "ServiceAccount")) {
            sidecar_role_binding_add(binding, json_text_at(subject, "namespace", namespace_name),
                                     json_text_at(subject, "name", NULL));
        } else {
            json_object_array_add(json_member(binding, "subjects"), json_object_get(subject));
        }
    }
}

static const struct model_kind_info *kind_info_of(const struct workload *workload)
{
    return model_kind_info(workload->is_stateful_set ? MODEL_STATEFUL_SETS
                           : workload->is_deployment ? MODEL_DEPLOYMENTS
                           : workload->is_daemon_set ? MODEL_DAEMON_SETS
                                                     : MODEL_REPLICA_SETS);
}

/* The ServiceAccount is not among what the model reads. */
static void bind_workload(struct init *init, struct json_object *binding, const char *namespace_name,
                          const struct workload *workload)
{
    const struct model_kind_info *info = kind_info_of(workload);
    const struct kube_resource resource = {info->group, info->version, info->plural};
    cleanup_json struct json_object *object = NULL;
    if (get(init, &resource, namespace_name, workload->meta.name, &object) > 0) {
        sidecar_role_binding_add(binding, namespace_name,
                                 json_text_at(object, "spec.template.spec.serviceAccountName", NULL));
    }
}

/* Once for each namespace, before its first cluster. */
static void print_permission(struct init *init, const char *namespace_name)
{
    cleanup_json struct json_object *role = sidecar_role(namespace_name);
    cleanup_json struct json_object *binding = sidecar_role_binding(namespace_name);
    bool is_needed = false;
    for (size_t i = 0; i < init->clusters->count; i++) {
        const struct cluster *cluster = &init->clusters->items[i];
        if (!text_equal(cluster->namespace_name, namespace_name) || !is_meant(init, cluster) ||
            !needs_sidecar(cluster)) {
            continue;
        }
        is_needed = true;
        for (size_t k = 0; k < cluster->workload_count; k++) {
            bind_workload(init, binding, namespace_name, cluster->workloads[k]);
        }
    }
    if (!is_needed) {
        return;
    }
    begin_document(init);
    comment(init->output,
            "What the sidecars need to report, and nothing else. Granting it takes the administrator of "
            "namespace %s.",
            namespace_name);
    yaml_print(role, init->output);
    begin_document(init);
    comment(init->output, "For the ServiceAccount that the pods already have.");
    keep_subjects(init, binding, namespace_name);
    yaml_print(binding, init->output);
}

static size_t print_all(struct init *init)
{
    const char *namespace_name = NULL;
    size_t count = 0;
    for (size_t i = 0; i < init->clusters->count; i++) {
        const struct cluster *cluster = &init->clusters->items[i];
        if (!is_meant(init, cluster)) {
            continue;
        }
        count++;
        if (!init->settings->only_sidecar) {
            if (!text_equal(namespace_name, cluster->namespace_name)) {
                print_permission(init, cluster->namespace_name);
                namespace_name = cluster->namespace_name;
            }
            print_cluster(init, cluster);
        }
        print_patches(init, cluster);
    }
    return count;
}

static void print_nothing_found(const struct init *init)
{
    const struct init_settings *settings = init->settings;
    (void) fprintf(init->errors, "error: found no ProGet, BuildMaster or Otter%s%s%s%s%s\n",
                   settings->name ? " named " : "", settings->name ? settings->name : "",
                   settings->namespace_name ? " in namespace " : "",
                   settings->namespace_name ? settings->namespace_name : "",
                   settings->namespace_name ? "; kubectl proget init -A looks at all namespaces" : "");
    (void) fprintf(init->errors,
                   "They are told by their image (.../proget, .../buildmaster, .../otter) or by variables such as "
                   "PROGET_ENCRYPTION_KEY. Others: write a ProGetCluster, see kubectl explain progetcluster.spec\n");
}

int init_run(struct connection *connection, const struct init_settings *settings, struct instant now, FILE *output,
             FILE *errors)
{
    struct model *model = model_new(&(struct model_options){.offline = true, .whole = true, .discover = true});
    struct input input;
    input_init(&input, model, errors, now);
    int status = STATUS_UNUSABLE;
    if (live_load(connection, settings->namespace_name, &input) == 0) {
        struct cluster_list clusters;
        model_assemble(model, now, &clusters);
        struct init init = {.connection = connection,
                            .settings = settings,
                            .clusters = &clusters,
                            .output = output,
                            .errors = errors,
                            .status = STATUS_DONE};
        if (print_all(&init) == 0) {
            print_nothing_found(&init);
            init.status = STATUS_UNUSABLE;
        }
        status = init.status;
        cluster_list_free(&clusters);
    }
    input_clear(&input);
    model_free(model);
    return status;
}
