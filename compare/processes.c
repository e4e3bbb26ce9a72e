#define _GNU_SOURCE /* pipe2 */
#include "compare/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/memory.h"

enum { TICK_MS = 100 };

/* ---- in a job ---- */

void process_report(int pipe, const struct job_progress *progress) {
    _Static_assert(sizeof *progress <= 512, "_POSIX_PIPE_BUF: written whole or not at all");
    const ssize_t written = write(pipe, progress, sizeof *progress);
    (void)written; /* if the pipe is full, the next report replaces this one */
}

/* The process of a job: it ends when its parent does, which may have happened already, and reads and prints nowhere. */
static int become_job(pid_t parent, const char *output) {
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigaction(SIGPIPE, &ignored,
              NULL); /* the training goes on without a reader of its reports, until it is asked to end */
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int printed = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return getppid() == parent && nothing >= 0 && printed >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
           dup2(printed, STDOUT_FILENO) >= 0 && dup2(printed, STDERR_FILENO) >= 0;
}

/* ---- in the parent ---- */

struct process {
    pid_t pid; /* 0: free */
    int32_t job;
    int pipe; /* -1: its end was reached */
};

struct process_pool {
    const struct process_jobs *jobs;
    struct process *processes; /* [jobs->most] */
    struct pollfd *ends;       /* [jobs->most] */
    int32_t next, running;
    int is_asked; /* 1: the jobs were asked to end */
};

static rondo_status start(struct process_pool *pool, struct process *process, struct errors *errors) {
    const struct process_jobs *jobs = pool->jobs;
    const pid_t parent = getpid();
    const int32_t job = pool->next;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return errors_add(errors, RONDO_IO, "cannot start a process: %s", strerror(errno));
    }
    fflush(NULL); /* otherwise the job would inherit the buffers, and print them again */
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        const int status = become_job(parent, jobs->output) ? jobs->work(jobs->arg, job, ends[1]) : EXIT_FAILURE;
        fflush(NULL);
        _exit(status);
    }
    const int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return errors_add(errors, RONDO_IO, "cannot start a process: %s", strerror(reason));
    }
    *process = (struct process){.pid = pid, .job = job, .pipe = ends[0]};
    pool->next++;
    pool->running++;
    if (jobs->begin != NULL) {
        jobs->begin(jobs->arg, job);
    }
    return RONDO_OK;
}

/* Takes the reports that have arrived, of which only the last counts. */
static void take_reports(const struct process_pool *pool, struct process *process) {
    struct job_progress progress, last;
    int has_any = 0;
    ssize_t got;
    while (process->pipe >= 0 && (got = read(process->pipe, &progress, sizeof progress)) != -1) {
        if (got == (ssize_t)sizeof progress) {
            last = progress;
            has_any = 1;
        } else {
            close(process->pipe);
            process->pipe = -1;
        }
    }
    if (has_any && pool->jobs->report != NULL) {
        pool->jobs->report(pool->jobs->arg, process->job, &last);
    }
}

/* Takes the end of a process, if it has come. */
static rondo_status reap(struct process_pool *pool, struct process *process, struct errors *errors) {
    int wait_status = 0;
    const pid_t ended = waitpid(process->pid, &wait_status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        return RONDO_OK;
    }
    take_reports(pool, process);
    if (process->pipe >= 0) {
        close(process->pipe);
    }
    process->pid = 0;
    pool->running--;
    const int number = ended > 0 && WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    const int status = ended > 0 && WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : EXIT_FAILURE;
    return pool->jobs->end == NULL ? RONDO_OK : pool->jobs->end(pool->jobs->arg, process->job, status, number, errors);
}

static void ask_to_end(struct process_pool *pool) {
    for (int32_t i = 0; i < pool->jobs->most && !pool->is_asked; i++) {
        if (pool->processes[i].pid > 0) {
            kill(pool->processes[i].pid, SIGTERM);
        }
    }
    pool->is_asked = 1;
}

/* Waits until something has happened, at most one tick. */
static void wait_a_moment(struct process_pool *pool) {
    nfds_t count = 0;
    int is_ending = 0; /* a process has closed its pipe, and ends within a moment */
    for (int32_t i = 0; i < pool->jobs->most; i++) {
        const struct process *process = &pool->processes[i];
        if (process->pid > 0 && process->pipe >= 0) {
            pool->ends[count++] = (struct pollfd){process->pipe, POLLIN, 0};
        }
        is_ending |= process->pid > 0 && process->pipe < 0;
    }
    poll(pool->ends, count, is_ending || count == 0 ? 1 : TICK_MS);
}

static rondo_status run(struct process_pool *pool, struct errors *errors) {
    const struct process_jobs *jobs = pool->jobs;
    rondo_status first = RONDO_OK;
    while (pool->running > 0 || (pool->next < jobs->count && first == RONDO_OK)) {
        const int is_stopped = first != RONDO_OK || interrupt_is_requested(&jobs->interrupt);
        if (is_stopped && !pool->is_asked) {
            interrupt_begin_saving(&jobs->interrupt);
            ask_to_end(pool);
        }
        if (is_stopped && pool->running == 0) {
            break;
        }
        for (int32_t i = 0; i < jobs->most; i++) {
            struct process *process = &pool->processes[i];
            rondo_status status = RONDO_OK;
            if (process->pid == 0 && pool->next < jobs->count && !is_stopped && first == RONDO_OK) {
                status = start(pool, process, errors);
            } else if (process->pid > 0) {
                take_reports(pool, process);
                status = reap(pool, process, errors);
            }
            first = first == RONDO_OK ? status : first;
        }
        if (jobs->tick != NULL) {
            jobs->tick(jobs->arg);
        }
        wait_a_moment(pool);
    }
    return first != RONDO_OK                                                    ? first
           : pool->is_asked || (pool->next < jobs->count && pool->running == 0) ? RONDO_INTERRUPTED
                                                                                : RONDO_OK;
}

rondo_status processes_run(const struct process_jobs *jobs, struct errors *errors) {
    struct process_pool pool = {.jobs = jobs,
                                .processes = memory_calloc((size_t)jobs->most, sizeof *pool.processes),
                                .ends = memory_calloc((size_t)jobs->most, sizeof *pool.ends)};
    const rondo_status status =
        pool.processes == NULL || pool.ends == NULL ? errors_no_memory(errors) : run(&pool, errors);
    free(pool.processes);
    free(pool.ends);
    return status;
}

const char *process_signal_text(int number) {
    static const struct {
        int number;
        const char *text;
    } names[] = {{SIGSEGV, "segmentation fault"},
                 {SIGBUS, "bus error"},
                 {SIGFPE, "arithmetic trap"},
                 {SIGILL, "illegal instruction"},
                 {SIGABRT, "abort"},
                 {SIGKILL, "SIGKILL, perhaps from the system for lack of memory"},
                 {SIGTERM, "SIGTERM"},
                 {SIGINT, "SIGINT"},
                 {SIGHUP, "SIGHUP"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == number) {
            return names[i].text;
        }
    }
    return NULL;
}
