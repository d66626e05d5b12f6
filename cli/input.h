/*
 * Offline input: files, folders and standard input, read into a model. Whatever is wrong with one document is said on
 * the error stream with its place, and the rest is read all the same.
 */
#ifndef PROGET_CLI_INPUT_H
#define PROGET_CLI_INPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "location.h"
#include "proget/core/clock.h"
#include "proget/core/map.h"
#include "proget/model/model.h"

/* What was unusable, for outputs that list it. */
struct input_problem {
    char *text;            /* as the error stream has it, without "error: " */
    struct location where; /* line 0: the file as a whole; file NULL: the input as a whole */
};
enum { INPUT_PROBLEMS_MAX = 1000 }; /* more are only on the error stream */
#define INPUT_NAMESPACE_DEFAULT "default"

struct input {
    struct model *model; /* borrowed */
    FILE *errors;        /* borrowed */
    struct instant now;
    const char *namespace_name;       /* of objects that name none; borrowed; INPUT_NAMESPACE_DEFAULT unless set */
    struct location_table *locations; /* of the objects that the model reads */
    struct map *told_folders;         /* kustomizations and charts of which was told */
    struct input_problem *problems;
    size_t problem_count;
    size_t object_count; /* Kubernetes objects of any kind */
    bool has_problem;    /* something was unusable */
};

void input_init(struct input *input, struct model *model, FILE *errors, struct instant now);
void input_clear(struct input *input);

/*
 * `path`: a file, a folder (its *.yaml, *.yml and *.json, recursively, sorted; hidden ones are passed over; a warning
 * names each folder that is a kustomization; what Helm reads of a chart's folder is unusable), or "-" for standard
 * input. Objects without a namespace are taken as of the input's namespace_name. Of several objects of the same kind
 * and name the last wins, and a warning says so. Another warns of what a controller in the cluster makes servers of.
 */
void input_read(struct input *input, const char *path);
/* The same from memory; `name` is what messages call it. */
void input_read_text(struct input *input, const char *text, size_t length, const char *name);
/* Something is wrong with the input as a whole: says so and keeps it among the problems. */
void input_fail(struct input *input, const char *text);
/* To be called once, after the last input_read(): from then on the model's kinds count as complete. */
void input_finish(struct input *input);

#endif
