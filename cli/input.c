#include "input.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "foreign.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"

enum { FOLDER_DEPTH_MAX = 32, FOLDER_ENTRIES_MAX = 100000 };

/* One file on its way into the model. */
struct source {
    struct input *input;
    const char *name; /* what messages call it */
};

void input_init(struct input *input, struct model *model, FILE *errors, struct instant now)
{
    *input = (struct input){.model = model,
                            .errors = errors,
                            .now = now,
                            .namespace_name = INPUT_NAMESPACE_DEFAULT,
                            .locations = location_table_new(),
                            .told_folders = map_new(NULL)};
}

void input_clear(struct input *input)
{
    for (size_t i = 0; i < input->problem_count; i++) {
        free(input->problems[i].text);
    }
    free(input->problems);
    location_table_free(input->locations);
    map_free(input->told_folders);
    *input = (struct input){0};
}

/* One line on the error stream, with nothing in it that could steer a terminal. */
static void __attribute__((format(printf, 2, 3))) tell(struct input *input, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char line[BOUND_ERROR_TEXT * 2];
    (void) vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_make_printable(line);
    (void) fprintf(input->errors, "%s\n", line);
}

/* Says what is unusable and keeps it for the outputs. `text` names the place. */
static void __attribute__((format(printf, 3, 4)))
problem(struct input *input, struct location where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[BOUND_ERROR_TEXT * 2];
    (void) vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_make_printable(text);
    input->has_problem = true;
    tell(input, "error: %s", text);
    if (input->problem_count < INPUT_PROBLEMS_MAX) {
        where.file = where.file ? location_table_file(input->locations, where.file) : NULL;
        input->problems = xrealloc(input->problems, input->problem_count + 1, sizeof *input->problems);
        input->problems[input->problem_count++] = (struct input_problem){.text = xstrdup(text), .where = where};
    }
}

void input_fail(struct input *input, const char *text)
{
    problem(input, (struct location){0}, "%s", text);
}

static struct location location_in(const struct source *source, struct yaml_position at)
{
    return (struct location){.file = source->name, .line = at.line, .column = at.column};
}

static void on_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    struct source *source = userdata;
    problem(source->input, location_in(source, at), "%s", err->text);
}

/* What kubectl would have put there. */
static void settle_namespace(const struct input *input, struct json_object *value, const struct model_kind_info *info)
{
    struct json_object *metadata = json_member(value, "metadata");
    if (!metadata || !json_object_is_type(metadata, json_type_object)) {
        return;
    }
    if (!info->namespaced) {
        json_object_object_del(metadata, "namespace");
    } else if (!json_member(metadata, "namespace")) {
        json_object_object_add(metadata, "namespace", json_object_new_string(input->namespace_name));
    }
}

/* Watches ask for Leases of sidecars alone; so does this. */
static bool is_of_interest(enum model_kind kind, struct json_object *value)
{
    if (kind != MODEL_LEASES) {
        return true;
    }
    struct json_object *label = json_member(json_at(value, "metadata.labels"), LEASE_LABEL);
    return label && json_object_is_type(label, json_type_string) &&
           text_equal(json_object_get_string(label), LEASE_LABEL_VALUE);
}

static void note_location(struct source *source, struct json_object *value, struct yaml_position at)
{
    const char *kind = json_text_at(value, "kind", "");
    const char *name = json_text_at(value, "metadata.name", "");
    const char *namespace_name = json_text_at(value, "metadata.namespace", "");
    if (location_table_put(source->input->locations, kind, namespace_name, name, location_in(source, at))) {
        tell(source->input, "warning: %s:%zu:%zu: %s %s%s%s is given again: the last one counts", source->name, at.line,
             at.column, kind, namespace_name, *namespace_name ? "/" : "", name);
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void tell_no_object(const struct source *source, struct json_object *value, struct yaml_position at)
{
    const char *what = foreign_document(value);
    if (foreign_is_kustomization(base_name(source->name))) {
        return; /* its folder was told */
    }
    tell(source->input, "warning: %s:%zu:%zu: not a Kubernetes object (%s), passed over", source->name, at.line,
         at.column, what ? what : "no apiVersion and kind");
}

static void tell_release(const struct source *source, struct json_object *value, struct yaml_position at)
{
    const char *by = foreign_release(value);
    if (by) {
        tell(source->input,
             "warning: %s:%zu:%zu: %s %s is no server itself, but what %s makes of it in the cluster: judge that with "
             "kubectl-proget audit, without -f, or with what helm template prints",
             source->name, at.line, at.column, json_text_at(value, "kind", ""),
             json_text_at(value, "metadata.name", "?"), by);
    }
}

static int on_object(struct json_object *value, struct yaml_position at, void *userdata)
{
    struct source *source = userdata;
    struct input *input = source->input;
    const char *api_version = json_text_at(value, "apiVersion", NULL);
    const char *kind_name = json_text_at(value, "kind", NULL);
    if (!api_version || !kind_name) {
        tell_no_object(source, value, at);
        return 0;
    }
    input->object_count++;
    tell_release(source, value, at);
    enum model_kind kind = model_kind_of(api_version, kind_name);
    if (kind == MODEL_KIND_COUNT || !is_of_interest(kind, value)) {
        return 0;
    }
    settle_namespace(input, value, model_kind_info(kind));
    struct error err;
    if (store_upsert(model_store(input->model, kind), value, input->now, &err) < 0) {
        problem(input, location_in(source, at), "%s:%zu:%zu: %s", source->name, at.line, at.column, err.text);
        return 0;
    }
    note_location(source, value, at);
    return 0;
}

/* Takes the reader over. */
static void read_all(struct input *input, struct yaml_reader *reader, const char *name)
{
    struct source source = {.input = input, .name = location_table_file(input->locations, name)};
    (void) yaml_read_objects(reader, on_object, on_problem, &source);
    yaml_reader_free(reader);
}

static void read_stream(struct input *input, FILE *stream, const char *name)
{
    read_all(input, yaml_reader_open_file(stream, name), name);
}

void input_read_text(struct input *input, const char *text, size_t length, const char *name)
{
    read_all(input, yaml_reader_open_text(text, length, name), name);
}

static void read_file(struct input *input, const char *path)
{
    FILE *stream = fopen(path, "re");
    if (!stream) {
        problem(input, (struct location){.file = path}, "%s: %s", path, strerror(errno));
        return;
    }
    read_stream(input, stream, path);
    (void) fclose(stream);
}

static bool is_manifest(const char *name)
{
    return text_ends_with(name, ".yaml") || text_ends_with(name, ".yml") || text_ends_with(name, ".json");
}

static int name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Names in a folder, sorted, hidden ones left out. Owned. */
static char **folder_names(struct input *input, const char *path, size_t *ret_count)
{
    *ret_count = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        problem(input, (struct location){.file = path}, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char **names = NULL;
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (count == FOLDER_ENTRIES_MAX) {
            problem(input, (struct location){.file = path}, "%s: more than %d entries, the rest is not read", path,
                    FOLDER_ENTRIES_MAX);
            break;
        }
        names = xrealloc(names, count + 1, sizeof *names);
        names[count++] = xstrdup(entry->d_name);
    }
    (void) closedir(folder);
    if (count > 0) {
        qsort(names, count, sizeof *names, name_order);
    }
    *ret_count = count;
    return names;
}

static bool has_one(char *const *names, size_t count, bool (*is_it)(const char *name))
{
    size_t at = 0;
    while (at < count && !is_it(names[at])) {
        at++;
    }
    return at < count;
}

/* What other programs make of a folder's files is something else than what lies there. */
static void tell_of_folder(struct input *input, const char *path, bool is_kustomization, bool is_chart)
{
    if ((!is_kustomization && !is_chart) || map_get(input->told_folders, path)) {
        return;
    }
    map_put(input->told_folders, path, input);
    if (is_kustomization) {
        tell(input,
             "warning: %s is a kustomization: its files are judged as they lie there. "
             "Better: kubectl kustomize %s | kubectl-proget audit -f -",
             path, path);
    }
    if (is_chart) {
        problem(input, (struct location){.file = path},
                "%s: a Helm chart, and its templates are no manifests before they are rendered: "
                "helm template %s | kubectl-proget audit -f -",
                path, path);
    }
}

static void read_folder(struct input *input, const char *path, int depth)
{
    if (depth == FOLDER_DEPTH_MAX) {
        problem(input, (struct location){.file = path}, "%s: nested deeper than %d folders, not read", path,
                FOLDER_DEPTH_MAX);
        return;
    }
    size_t count;
    char **names = folder_names(input, path, &count);
    bool is_chart = has_one(names, count, foreign_is_chart);
    tell_of_folder(input, path, has_one(names, count, foreign_is_kustomization), is_chart);
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *child = xasprintf("%s/%s", path, names[i]);
        struct stat status;
        /* Links to files are followed, links to folders are not: they could lead in circles. */
        if (is_chart && foreign_is_of_chart(names[i])) {
            /* told above, once for all */
        } else if (lstat(child, &status) == 0 && S_ISDIR(status.st_mode)) {
            read_folder(input, child, depth + 1);
        } else if (is_manifest(names[i]) && (stat(child, &status) != 0 || !S_ISDIR(status.st_mode))) {
            read_file(input, child);
        }
        free(names[i]);
    }
    free(names);
}

void input_read(struct input *input, const char *path)
{
    struct stat status;
    if (text_equal(path, "-")) {
        read_stream(input, stdin, LOCATION_STANDARD_INPUT);
    } else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        read_folder(input, path, 0);
    } else {
        read_file(input, path);
    }
}

void input_finish(struct input *input)
{
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(input->model, (enum model_kind) kind));
    }
}
