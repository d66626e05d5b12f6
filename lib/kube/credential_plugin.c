#include "credential_plugin.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/process.h"
#include "proget/core/text.h"

enum { COMMAND_SHOWN_MAX = 160, HINT_SHOWN_MAX = 320 };

struct credential_plugin {
    struct loop *loop;
    const struct kube_config *config;
    credential_plugin_fn *on_end;
    void *userdata;
    struct process *process; /* NULL: it does not run */
    int64_t timeout_ms;      /* 0: the ordinary one */
    bool is_interactive;     /* this run */
};

struct credential_plugin *credential_plugin_new(struct loop *loop, const struct kube_config *config, int64_t timeout_ms,
                                                credential_plugin_fn *on_end, void *userdata)
{
    assert(config->exec);
    struct credential_plugin *plugin = xcalloc(1, sizeof(*plugin));
    *plugin = (struct credential_plugin){
        .loop = loop, .config = config, .timeout_ms = timeout_ms, .on_end = on_end, .userdata = userdata};
    return plugin;
}

void credential_plugin_free(struct credential_plugin *plugin)
{
    if (plugin) {
        process_kill(plugin->process);
        free(plugin);
    }
}

bool credential_plugin_is_running(const struct credential_plugin *plugin)
{
    return plugin->process != NULL;
}

static int64_t limit_ms(const struct credential_plugin *plugin)
{
    if (plugin->timeout_ms) {
        return plugin->timeout_ms;
    }
    return plugin->is_interactive ? PLUGIN_INTERACTIVE_TIMEOUT_MS : PLUGIN_TIMEOUT_MS;
}

/* Fills *err with a sentence about the command. */
static int plugin_error(const struct credential_plugin *plugin, enum error_code code, const char *what,
                        struct error *err)
{
    char command[COMMAND_SHOWN_MAX];
    text_copy_cut(command, sizeof(command), plugin->config->exec->command);
    text_make_printable(command);
    return error_set(err, code, "the credential plugin \"%s\" %s", command, what);
}

/* The hint is written for people, on several lines perhaps. */
static void copy_hint(const char *hint, char target[HINT_SHOWN_MAX])
{
    cleanup_free char *copy = xstrdup(hint);
    for (char *at = copy; *at; at++) {
        *at = *at == '\n' || *at == '\r' || *at == '\t' ? ' ' : *at;
    }
    text_copy_cut(target, HINT_SHOWN_MAX, copy);
    text_make_printable(target);
}

static int start_error(const struct credential_plugin *plugin, const struct error *problem, struct error *err)
{
    const char *hint = plugin->config->exec->install_hint;
    char shown[HINT_SHOWN_MAX] = "install it, or correct exec.command in the kubeconfig";
    if (hint) {
        copy_hint(hint, shown);
    }
    bool is_absent = problem->code == ERROR_NOT_FOUND || problem->code == ERROR_DENIED;
    cleanup_free char *what =
        xasprintf("cannot be run: %s%s%s", problem->text, is_absent ? "; " : "", is_absent ? shown : "");
    return plugin_error(plugin, problem->code, what, err);
}

static int end_error(const struct credential_plugin *plugin, const struct process_result *result, struct error *err)
{
    cleanup_free char *what = NULL;
    switch (result->end) {
    case PROCESS_TOO_LONG:
        what = xasprintf("did not end within %lld s and was killed (does it wait for somebody to log in?)",
                         (long long) ((limit_ms(plugin) + 999) / 1000));
        return plugin_error(plugin, ERROR_TIMEOUT, what, err);
    case PROCESS_TOO_MUCH:
        what = xasprintf("wrote more than %d bytes and was killed", PLUGIN_OUTPUT_BYTES_MAX);
        return plugin_error(plugin, ERROR_TOO_LARGE, what, err);
    case PROCESS_SIGNALLED:
        what = xasprintf("was ended by signal %d", result->number);
        return plugin_error(plugin, ERROR_IO, what, err);
    case PROCESS_EXITED:
    default:
        what = xasprintf("failed with exit status %d: what it wrote to standard error says why; run it by hand",
                         result->number);
        return plugin_error(plugin, ERROR_IO, what, err);
    }
}

static void on_process_end(const struct process_result *result, void *userdata)
{
    struct credential_plugin *plugin = userdata;
    struct exec_credential given = {0};
    struct error problem;
    struct error err;
    plugin->process = NULL;
    if (result->end != PROCESS_EXITED || result->number != 0) {
        (void) end_error(plugin, result, &err);
        plugin->on_end(NULL, &err, plugin->userdata);
    } else if (exec_credential_parse(result->output, result->output_length, plugin->config->exec->api_version, &given,
                                     &problem) < 0) {
        cleanup_free char *what = xasprintf("ended well, but %s", problem.text);
        (void) plugin_error(plugin, problem.code, what, &err);
        plugin->on_end(NULL, &err, plugin->userdata);
    } else {
        plugin->on_end(&given, NULL, plugin->userdata);
    }
}

/* The command and its arguments; the array alone is owned. */
static const char **make_arguments(const struct kube_exec *exec)
{
    size_t count = 0;
    while (exec->arguments[count]) {
        count++;
    }
    const char **arguments = xcalloc(count + 2, sizeof(*arguments));
    arguments[0] = exec->command;
    for (size_t i = 0; i < count; i++) {
        arguments[i + 1] = exec->arguments[i];
    }
    return arguments;
}

/* KUBERNETES_EXEC_INFO, with the CA as it is now. Owned; secret. */
static char *make_request(const struct credential_plugin *plugin)
{
    const struct kube_config *config = plugin->config;
    cleanup_buffer struct buffer ca = BUFFER_INIT(BOUND_SMALL_FILE);
    const char *pem = config->ca_data;
    if (config->exec->provides_cluster_info && config->ca_file && buffer_read_file(&ca, config->ca_file, NULL) == 0) {
        pem = buffer_text(&ca);
    }
    return exec_credential_request(config, pem, plugin->is_interactive);
}

int credential_plugin_run(struct credential_plugin *plugin, struct error *err)
{
    assert(!plugin->process);
    const struct kube_exec *exec = plugin->config->exec;
    bool has_terminal = isatty(STDIN_FILENO) == 1;
    struct error problem;
    if (exec->interactive == KUBE_INTERACTIVE_ALWAYS && !has_terminal) {
        return plugin_error(plugin, ERROR_BAD_INPUT,
                            "needs a terminal (interactiveMode: Always), and standard input is none", err);
    }
    plugin->is_interactive = exec->interactive != KUBE_INTERACTIVE_NEVER && has_terminal;
    char *request = make_request(plugin);
    char **environment = exec_environment_new((const char *const *) (uintptr_t) environ, exec, request);
    cleanup_free const char **arguments = make_arguments(exec);
    struct process_options options = {
        .arguments = arguments,
        .environment = (const char *const *) (uintptr_t) environment,
        .is_interactive = plugin->is_interactive,
        .output_bytes_max = PLUGIN_OUTPUT_BYTES_MAX,
        .timeout_ms = limit_ms(plugin),
    };
    int result = process_start(plugin->loop, &options, on_process_end, plugin, &plugin->process, &problem);
    exec_environment_free(environment);
    memory_wipe_free(request);
    return result < 0 ? start_error(plugin, &problem, err) : 0;
}
