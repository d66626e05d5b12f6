/* Prints each pod that comes, changes or goes: lib/kube in one page. Usage: watch-pods [KUBECONFIG] */
#include <stdio.h>

#include "proget/core/memory.h"
#include "proget/core/store.h"
#include "proget/kube/reflector.h"

struct pod {
    struct object_meta meta;
    const char *phase;
};
static const struct record_field pod_fields[] = {
    OBJECT_META_FIELDS(struct pod),
    {"status.phase", RECORD_TEXT, offsetof(struct pod, phase), NULL, NULL},
};
static const struct record_type pod_type = RECORD_TYPE("Pod", struct pod, pod_fields);

static void on_change(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    (void) userdata;
    const struct store_entry *latest = after ? after : before; /* one of them is there */
    const char *what = latest == before ? "removed" : before ? "changed" : "added";
    const struct pod *pod = (const struct pod *) (const void *) latest->object;
    printf("%s %s/%s %s\n", what, pod->meta.namespace_name, pod->meta.name, pod->phase ? pod->phase : "");
}

static void on_state(enum reflector_state state, const char *why, void *userdata)
{
    static const char *const names[] = {"syncing", "watching", "behind", "unobserved"};
    (void) userdata;
    printf("-- %s%s%s\n", names[state], why ? ": " : "", why ? why : "");
}

int main(int argc, char **argv)
{
    struct error err;
    struct loop *loop = NULL;
    struct kube_config *config = NULL;
    struct kube_client *client = NULL;
    const struct kube_config_options where = {.kubeconfig = argc > 1 ? argv[1] : NULL};
    struct store *pods = store_new(&pod_type);
    setvbuf(stdout, NULL, _IOLBF, 0);
    store_listen(pods, on_change, NULL);
    int result = loop_new(&loop, &err);
    result = result < 0 ? result : kube_config_load(&where, &config, &err);
    result = result < 0 ? result : kube_client_new(loop, config, &client, &err); /* takes the configuration over */
    if (result == 0) {
        const struct reflector_options options = {.resource = {"", "v1", "pods"}, .store = pods, .on_state = on_state};
        struct reflector *reflector = reflector_start(client, &options);
        result = loop_run(loop, &err); /* until the process is ended */
        reflector_stop(reflector);
    }
    if (result < 0) {
        (void) fprintf(stderr, "watch-pods: %s\n", err.text);
    }
    kube_client_free(client);
    loop_free(loop);
    store_free(pods);
    return result < 0 ? 2 : 0;
}
