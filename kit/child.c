/* kit/child.c: see kit/child.h. */
#define _GNU_SOURCE /* pipe2 */
#include "kit/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/sanitizer.h"

double child_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- in the child ---- */

/* The limit is added to the memory that the process has now, because a library that the plug-in brings may
 * reserve gigabytes of addresses on a large machine. */
static void limit_memory(void) {
    const rlim_t more = (rlim_t)4 << 30;
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) {
        return;
    }
    const int found = fscanf(file, "%llu", &pages);
    fclose(file);
    struct rlimit limit;
    if (found != 1 || getrlimit(RLIMIT_AS, &limit) != 0) {
        return;
    }
    const rlim_t wanted = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    if (limit.rlim_cur == RLIM_INFINITY || wanted < limit.rlim_cur) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_AS, &limit);
    }
}

/* Resets the handlers of signals, also those of a sanitizer, so that a crash ends the process by its signal, which the
 * parent can see. */
static void reset_signals(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM, SIGALRM, SIGPIPE};
    const struct sigaction action = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaction(signals[i], &action, NULL);
    }
}

/* The child gets its own process group, so that all processes that it starts can be ended with it. It is killed when
 * its parent ends, which may have happened already. */
static int become_child(pid_t parent, int printed) {
    static char lines[BUFSIZ]; /* with the inherited buffer, glibc would not flush at the end of a line */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(printed, STDOUT_FILENO) < 0 ||
        dup2(printed, STDERR_FILENO) < 0) {
        return 0;
    }
    setvbuf(stdout, lines, _IOLBF, sizeof lines); /* output before a crash is not lost */
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    reset_signals();
    if (!SANITIZER_SHADOW) {
        limit_memory();
    }
    return 1;
}

static int write_all(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        const ssize_t wrote = write(fd, at, size);
        if (wrote < 0 && errno != EINTR) {
            return 0;
        }
        if (wrote > 0) {
            at += wrote;
            size -= (size_t)wrote;
        }
    }
    return 1;
}

/* Sends the size, then the answer. Printed text is flushed first, because the parent stops reading it when it has the
 * answer. */
static void answer_parent(size_t (*body)(void *arg, char *answer, size_t size), void *arg, int fd) {
    char *answer = calloc(1, CHILD_ANSWER);
    if (answer != NULL) {
        const size_t size = body(arg, answer, CHILD_ANSWER);
        fflush(NULL);
        if (write_all(fd, &size, sizeof size)) {
            write_all(fd, answer, size);
        }
    }
    free(answer);
}

/* ---- in the parent ---- */

/* A running child, seen from its parent. */
struct child {
    pid_t pid;
    int answer, printed; /* ends of pipes to read from; -1: closed, because its end was reached */
    double deadline;
    char *bytes; /* size, then answer */
    size_t count;
    struct child_outcome *outcome;
    size_t n_printed;
};

/* Reads the bytes that have arrived. Closes the pipe when its end is reached. */
static void read_some(int *fd, char *bytes, size_t *count, size_t capacity) {
    char rest[4096];
    const int is_full = *count == capacity;
    const ssize_t got = is_full ? read(*fd, rest, sizeof rest) : read(*fd, bytes + *count, capacity - *count);
    if (got > 0) {
        *count += is_full ? 0 : (size_t)got;
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        close(*fd);
        *fd = -1;
    }
}

static void read_printed(struct child *child) {
    read_some(&child->printed, child->outcome->printed, &child->n_printed, CHILD_PRINTED);
}

static int has_answer(const struct child *child) {
    size_t size;
    if (child->count < sizeof size) {
        return 0;
    }
    memcpy(&size, child->bytes, sizeof size);
    return child->count - sizeof size >= size;
}

/* Reads until the answer is complete, the child has closed its end of the pipe (by ending), or its time is up. */
static void read_answer(struct child *child) {
    while (child->answer >= 0 && !has_answer(child)) {
        const double left = child->deadline - child_clock();
        if (left <= 0) {
            return;
        }
        struct pollfd ends[2] = {{child->answer, POLLIN, 0}, {child->printed, POLLIN, 0}};
        const int n = poll(ends, 2, (int)(1000 * left) + 1);
        if (n > 0 && ends[1].revents != 0) {
            read_printed(child);
        }
        if (n > 0 && ends[0].revents != 0) {
            read_some(&child->answer, child->bytes, &child->count, sizeof(size_t) + CHILD_ANSWER);
        }
    }
}

/* Waits until the child has ended, and kills it when its time is up; *wait_status is the status that waitpid gives. */
static int reap(struct child *child, int *wait_status) {
    const struct timespec moment = {0, 1000000};
    int was_killed = 0;
    for (;;) {
        const pid_t ended = waitpid(child->pid, wait_status, WNOHANG);
        if (ended == child->pid || (ended < 0 && errno != EINTR)) {
            kill(-child->pid, SIGKILL); /* processes that it started and left running */
            return was_killed;
        }
        if (child_clock() >= child->deadline && !was_killed) {
            was_killed = !has_answer(child);
            kill(-child->pid, SIGKILL);
            kill(child->pid, SIGKILL);
        }
        nanosleep(&moment, NULL);
    }
}

static rondo_status finish(const struct child *child, int was_killed, int wait_status, struct arena *arena,
                           struct errors *errors) {
    struct child_outcome *outcome = child->outcome;
    if (has_answer(child)) {
        memcpy(&outcome->answer_size, child->bytes, sizeof outcome->answer_size);
        outcome->answer = arena_strndup(arena, child->bytes + sizeof outcome->answer_size, outcome->answer_size);
        return outcome->answer == NULL ? errors_no_memory(errors) : RONDO_OK;
    }
    if (was_killed) {
        outcome->end = CHILD_TIMED_OUT;
    } else if (WIFSIGNALED(wait_status)) {
        outcome->end = CHILD_SIGNALLED;
        outcome->number = WTERMSIG(wait_status);
    } else {
        outcome->end = CHILD_EXITED;
        outcome->number = WEXITSTATUS(wait_status);
    }
    return RONDO_OK;
}

/* Opens both pipes, which programs that the child may start do not inherit. */
static int open_pipes(int answer[2], int printed[2]) {
    if (pipe2(answer, O_CLOEXEC) != 0) {
        return 0;
    }
    if (pipe2(printed, O_CLOEXEC) != 0) {
        close(answer[0]);
        close(answer[1]);
        return 0;
    }
    fcntl(printed[0], F_SETFL, O_NONBLOCK);
    return 1;
}

static void close_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

/* Reads the output of the child until it has ended. */
static rondo_status attend(struct child *child, struct arena *arena, struct errors *errors) {
    int wait_status = 0;
    read_answer(child);
    const int was_killed = reap(child, &wait_status);
    for (size_t before = SIZE_MAX; child->printed >= 0 && child->n_printed != before;) {
        before = child->n_printed;
        read_printed(child);
    }
    return finish(child, was_killed, wait_status, arena, errors);
}

rondo_status child_run(size_t (*body)(void *arg, char *answer, size_t size), void *arg, double seconds,
                       struct child_outcome *outcome, struct arena *arena, struct errors *errors) {
    const double start = child_clock();
    const pid_t parent = getpid();
    int answer[2], printed[2];
    *outcome = (struct child_outcome){.limit = seconds};
    char *bytes = malloc(sizeof(size_t) + CHILD_ANSWER);
    if (bytes == NULL) {
        return errors_no_memory(errors);
    }
    if (!open_pipes(answer, printed)) {
        free(bytes);
        return errors_add(errors, RONDO_IO, "cannot start a process: %s", strerror(errno));
    }
    fflush(NULL); /* otherwise the child would inherit the buffers, and print them again */
    const pid_t pid = fork();
    if (pid == 0) {
        if (become_child(parent, printed[1])) {
            answer_parent(body, arg, answer[1]);
        }
        _exit(0);
    }
    const int reason = errno;
    close(answer[1]);
    close(printed[1]);
    struct child child = {.pid = pid,
                          .answer = answer[0],
                          .printed = printed[0],
                          .deadline = start + seconds,
                          .bytes = bytes,
                          .outcome = outcome};
    rondo_status status;
    if (pid < 0) {
        status = errors_add(errors, RONDO_IO, "cannot start a process: %s", strerror(reason));
    } else {
        setpgid(pid, pid);
        status = attend(&child, arena, errors);
    }
    close_open(child.answer);
    close_open(child.printed);
    free(bytes);
    outcome->seconds = child_clock() - start;
    return status;
}

/* ---- texts ---- */

static const char *signal_text(int number) {
    switch (number) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "arithmetic trap, such as an integer division by zero";
    case SIGILL:
        return "illegal instruction";
    case SIGABRT:
        return "abort, which a damaged heap or a failed assertion also causes";
    case SIGKILL:
        return "killed by the system, perhaps for lack of memory";
    default:
        return NULL;
    }
}

/* Control characters become blanks, and line ends " / ". */
const char *child_printed_text(const struct child_outcome *outcome, struct arena *arena) {
    char text[3 * CHILD_PRINTED + 3] = "";
    size_t used = 0, last = strlen(outcome->printed);
    while (last > 0 && strchr(" \n\r\t", outcome->printed[last - 1]) != NULL) {
        last--;
    }
    for (size_t i = 0; i < last; i++) {
        const unsigned char c = (unsigned char)outcome->printed[i];
        if (used == 0) {
            text[used++] = '\'';
        }
        if (c == '\n') {
            text[used++] = ' ';
            text[used++] = '/';
        }
        text[used++] = c < ' ' || c == 127 ? ' ' : (char)c;
    }
    if (used > 0) {
        text[used++] = '\'';
    }
    return arena_strndup(arena, text, used);
}

const char *child_end_text(const struct child_outcome *outcome, struct arena *arena) {
    const char *printed = child_printed_text(outcome, arena);
    const char *joint = printed == NULL || printed[0] == '\0' ? "" : "; it printed ";
    printed = printed == NULL ? "" : printed;
    const char *name = signal_text(outcome->number);
    switch (outcome->end) {
    case CHILD_ANSWERED:
        return "";
    case CHILD_TIMED_OUT:
        return arena_printf(arena, "did not end within %.3g s%s%s", outcome->limit, joint, printed);
    case CHILD_EXITED:
        return arena_printf(arena, "ended the process with exit status %d, expected a status to be returned%s%s",
                            outcome->number, joint, printed);
    default:
        return name != NULL ? arena_printf(arena, "crashed: %s%s%s", name, joint, printed)
                            : arena_printf(arena, "crashed: signal %d%s%s", outcome->number, joint, printed);
    }
}
