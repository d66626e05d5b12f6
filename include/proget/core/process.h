/*
 * A child process of the loop: started without a shell, its standard output collected, its end told by a callback.
 *
 * The child gets none of our descriptors but standard error, an empty signal mask and default signal dispositions. It
 * never outlives its time limit, and never stays a zombie.
 */
#ifndef PROGET_CORE_PROCESS_H
#define PROGET_CORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/loop.h"

struct process;

/* Texts are borrowed for the call to process_start(). */
struct process_options {
    /* Ends with NULL. The first is the program: a path where it holds a '/', else searched for in the absolute folders
     * of PATH. */
    const char *const *arguments;
    const char *const *environment; /* "NAME=value", ends with NULL; NULL: ours */
    /*
     * True: standard input is ours, and so is the session, so that the program may ask somebody at the terminal. False:
     * standard input is /dev/null, and the program leads a session of its own without a terminal; what it started dies
     * with it when it is killed.
     */
    bool is_interactive;
    size_t output_bytes_max; /* at least 1; allocated at once, so that no copy of a secret is left behind by growing */
    int64_t timeout_ms;      /* at least 1 */
};

enum process_end {
    PROCESS_EXITED,    /* `number`: the exit status */
    PROCESS_SIGNALLED, /* `number`: the signal that ended it */
    PROCESS_TOO_LONG,  /* passed the time limit and was killed */
    PROCESS_TOO_MUCH,  /* wrote more than output_bytes_max and was killed */
};

/* Borrowed for the callback; the output is wiped afterwards. */
struct process_result {
    enum process_end end;
    int number;
    const char *output; /* standard output; ends in a NUL that does not count */
    size_t output_length;
};
typedef void process_fn(const struct process_result *result, void *userdata);

/*
 * `on_end` runs once, from the loop's body; the process object is gone by then. Errors: NOT_FOUND (no such program, or
 * none in PATH), DENIED (it may not be run), IO (anything else that the system refuses); the text names the program,
 * never the other arguments.
 */
int process_start(struct loop *loop, const struct process_options *options, process_fn *on_end, void *userdata,
                  struct process **ret_process, struct error *err);
/* Kills it, waits for its end (which SIGKILL brings at once) and frees. No callback; NULL is allowed. */
void process_kill(struct process *process);

#endif
