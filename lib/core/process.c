#include "proget/core/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { LOOK_MS = 20 };

struct process {
    struct loop *loop;
    pid_t pid;
    int pid_fd;              /* readable when the process has ended; -1 where the system has no such thing, */
    struct loop_timer *look; /* and then this looks every LOOK_MS */
    int output_fd;           /* -1 when nothing more comes */
    bool has_session;
    bool is_killed;
    enum process_end end; /* why it was killed */
    struct loop_timer *limit;
    char *output; /* secret, perhaps; of output_max + 1 bytes */
    size_t output_length, output_max;
    process_fn *on_end;
    void *userdata;
};

/* 0, ERROR_NOT_FOUND or ERROR_DENIED. */
static int check_program(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno == EACCES ? ERROR_DENIED : ERROR_NOT_FOUND;
    }
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : ERROR_DENIED;
}

/* Searches PATH. Relative folders are passed over: a file that happens to lie in the working folder is no program. */
static int search_path(const char *name, char **ret_path)
{
    const char *folders = getenv("PATH");
    int result = ERROR_NOT_FOUND;
    for (const char *at = folders ? folders : ""; *at;) {
        size_t length = strcspn(at, ":");
        cleanup_free char *path = xasprintf("%.*s/%s", (int) length, at, name);
        bool is_absolute = *at == '/';
        at += length;
        at += *at == ':';
        int found = is_absolute ? check_program(path) : ERROR_NOT_FOUND;
        if (found == 0) {
            *ret_path = memory_take(&path);
            return 0;
        }
        result = found == ERROR_DENIED ? found : result;
    }
    return result;
}

static int find_program(const char *name, char **ret_path, struct error *err)
{
    bool is_path = strchr(name, '/') != NULL;
    int result = is_path ? check_program(name) : search_path(name, ret_path);
    char shown[256];
    text_copy_cut(shown, sizeof(shown), name);
    text_make_printable(shown);
    if (result == ERROR_NOT_FOUND) {
        (void) error_set(err, result, is_path ? "there is no program %s" : "there is no program \"%s\" in PATH", shown);
        return result; /* said here for analysers: they do not see what error_set() returns */
    }
    if (result < 0) {
        (void) error_set(err, result, "%s is no program that may be run", shown);
        return result;
    }
    if (is_path) {
        *ret_path = xstrdup(name);
    }
    return 0;
}

static int set_attributes(posix_spawnattr_t *attributes, bool has_session)
{
    sigset_t none;
    sigset_t all;
    (void) sigemptyset(&none);
    (void) sigfillset(&all);
    (void) sigdelset(&all, SIGKILL);
    (void) sigdelset(&all, SIGSTOP);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (has_session ? POSIX_SPAWN_SETSID : 0);
    int result = posix_spawnattr_setflags(attributes, (short) flags);
    result = result ? result : posix_spawnattr_setsigmask(attributes, &none);
    return result ? result : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int output_fd, bool is_interactive)
{
    int result = posix_spawn_file_actions_adddup2(actions, output_fd, STDOUT_FILENO);
    if (result == 0 && !is_interactive) {
        result = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    /* Ours are closed on exec; those of libraries may not be. */
    return result ? result : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

/* 0 or an errno. */
static int spawn(const char *path, const struct process_options *options, int output_fd, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int result = posix_spawnattr_init(&attributes);
    if (result) {
        return result;
    }
    result = posix_spawn_file_actions_init(&actions);
    if (result == 0) {
        const char *const *environment =
            options->environment ? options->environment : (const char *const *) (uintptr_t) environ;
        result = set_attributes(&attributes, !options->is_interactive);
        result = result ? result : set_descriptors(&actions, output_fd, options->is_interactive);
        /* The interface lacks a const; nothing is written. */
        result = result
                     ? result
                     : posix_spawn(ret_pid, path, &actions, &attributes, (char *const *) (uintptr_t) options->arguments,
                                   (char *const *) (uintptr_t) environment);
        (void) posix_spawn_file_actions_destroy(&actions);
    }
    (void) posix_spawnattr_destroy(&attributes);
    return result;
}

static void close_output(struct process *process)
{
    if (process->output_fd >= 0) {
        (void) loop_watch_fd(process->loop, process->output_fd, 0, NULL, NULL);
    }
    memory_cleanup_close(&process->output_fd);
    process->output_fd = -1;
}

static void process_free(struct process *process)
{
    close_output(process);
    if (process->pid_fd >= 0) {
        (void) loop_watch_fd(process->loop, process->pid_fd, 0, NULL, NULL);
    }
    memory_cleanup_close(&process->pid_fd);
    loop_timer_free(process->limit);
    loop_timer_free(process->look);
    memory_wipe(process->output, process->output_length);
    free(process->output);
    free(process);
}

/* Before it is reaped its number cannot be anybody else's. */
static void send_kill(const struct process *process)
{
    (void) kill(process->has_session ? -process->pid : process->pid, SIGKILL);
}

static int reap(const struct process *process)
{
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(process->pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    /* Whoever started us may have SIGCHLD ignored, then the status is lost; what was written has to speak for it. */
    return reaped < 0 ? 0 : status;
}

void process_kill(struct process *process)
{
    if (!process) {
        return;
    }
    send_kill(process);
    (void) reap(process);
    process_free(process);
}

static void kill_for(struct process *process, enum process_end why)
{
    if (!process->is_killed) {
        process->is_killed = true;
        process->end = why;
        close_output(process);
        send_kill(process); /* its end is told when it has come */
    }
}

/* Takes what is there. */
static void read_output(struct process *process)
{
    while (process->output_fd >= 0) {
        size_t room = process->output_max - process->output_length;
        char extra;
        ssize_t got = read(process->output_fd, room ? process->output + process->output_length : &extra,
                           room ? room : sizeof(extra));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (got <= 0) {
            close_output(process);
        } else if (room == 0) {
            kill_for(process, PROCESS_TOO_MUCH);
        } else {
            process->output_length += (size_t) got;
        }
    }
}

static void on_output(int fd, short events, void *userdata)
{
    (void) fd;
    (void) events;
    read_output(userdata);
}

static void finish(struct process *process)
{
    /* All that it wrote is in the pipe by now; what still holds the other end is no longer waited for. */
    read_output(process);
    int status = reap(process);
    process->output[process->output_length] = '\0';
    struct process_result result = {
        .end = process->is_killed ? process->end : (WIFSIGNALED(status) ? PROCESS_SIGNALLED : PROCESS_EXITED),
        .number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
        .output = process->output,
        .output_length = process->output_length,
    };
    process_fn *on_end = process->on_end;
    void *owner = process->userdata;
    char *output = memory_take(&process->output);
    size_t output_length = process->output_length;
    process_free(process);
    on_end(&result, owner);
    memory_wipe(output, output_length);
    free(output);
}

static void on_exit_of_process(int fd, short events, void *userdata)
{
    (void) fd;
    (void) events;
    finish(userdata);
}

static void on_look(void *userdata)
{
    struct process *process = userdata;
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t) process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && info.si_pid == 0) {
        loop_timer_set_after(process->look, LOOK_MS);
        return;
    }
    finish(process);
}

static void on_limit(void *userdata)
{
    kill_for(userdata, PROCESS_TOO_LONG);
}

/* Watches a process that runs. */
static int attach(struct process *process, int64_t timeout_ms, struct error *err)
{
    process->pid_fd = (int) syscall(SYS_pidfd_open, process->pid, 0); /* closed on exec of its own accord */
    /* ESRCH: it has ended, and nobody keeps its status where SIGCHLD is ignored. */
    if (process->pid_fd < 0 && errno != ENOSYS && errno != EPERM && errno != ESRCH) {
        return error_set(err, ERROR_IO, "cannot watch a process: %s", strerror(errno));
    }
    int result = loop_watch_fd(process->loop, process->output_fd, POLLIN, on_output, process);
    if (result == 0 && process->pid_fd >= 0) {
        result = loop_watch_fd(process->loop, process->pid_fd, POLLIN, on_exit_of_process, process);
    } else if (result == 0) {
        /* Before Linux 5.3, in some sandboxes, and under valgrind. */
        loop_timer_set_after(process->look, LOOK_MS);
    }
    if (result < 0) {
        return error_set(err, ERROR_IO, "cannot watch a process: too many descriptors are watched");
    }
    loop_timer_set_after(process->limit, timeout_ms);
    return 0;
}

static int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

int process_start(struct loop *loop, const struct process_options *options, process_fn *on_end, void *userdata,
                  struct process **ret_process, struct error *err)
{
    assert(options->arguments && options->arguments[0] && options->output_bytes_max > 0 && options->timeout_ms > 0);
    cleanup_free char *path = NULL;
    cleanup_close int read_end = -1;
    cleanup_close int write_end = -1;
    int ends[2];
    pid_t pid = 0;
    int result = find_program(options->arguments[0], &path, err);
    if (result < 0) {
        return result;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_set(err, ERROR_IO, "cannot open a pipe: %s", strerror(errno));
    }
    read_end = ends[0];
    write_end = ends[1];
    /* Only our end: a program need not expect that its standard output does not wait. */
    (void) fcntl(read_end, F_SETFL, O_NONBLOCK);
    int number = spawn(path, options, write_end, &pid);
    if (number) {
        return error_set(err, number == EACCES || number == EPERM ? ERROR_DENIED : ERROR_IO, "cannot run %s: %s", path,
                         strerror(number));
    }
    struct process *process = xcalloc(1, sizeof(*process));
    *process = (struct process){
        .loop = loop,
        .pid = pid,
        .pid_fd = -1,
        .output_fd = take_fd(&read_end),
        .has_session = !options->is_interactive,
        .limit = loop_timer_new(loop, on_limit, process),
        .look = loop_timer_new(loop, on_look, process),
        .output = xmalloc(options->output_bytes_max + 1),
        .output_max = options->output_bytes_max,
        .on_end = on_end,
        .userdata = userdata,
    };
    result = attach(process, options->timeout_ms, err);
    if (result < 0) {
        process_kill(process);
        return result;
    }
    *ret_process = process;
    return 0;
}
