/* compare/processes.h: runs numbered jobs side by side, each in a process of its own that is forked from this one.
 *
 * A job sees everything that this process has; its changes are lost when it ends. What it prints goes to a file. Signals for this
 * process are passed on: SIGTERM, so that a training writes a checkpoint. If this process ends, however it ends, its jobs get
 * SIGTERM, too.
 *
 * Threads: main thread of a process that has no other threads.
 */
#ifndef RONDO_COMPARE_PROCESSES_H
#define RONDO_COMPARE_PROCESSES_H

#include "core/interrupt.h"
#include "core/status.h"

/* What a job reports about itself, from time to time. NaN: not known. */
struct job_progress {
    double epoch, epochs; /* begun, of all */
    double share;         /* done of the whole, 0 to 1 */
    double score;
    double seconds, bytes; /* of estimates */
};

/* Sends a report from a job. Does nothing if nobody reads it. */
void process_report(int pipe, const struct job_progress *progress);

struct process_jobs {
    int32_t count;              /* jobs 0 .. count - 1 */
    int32_t most;               /* at the same time, >= 1 */
    const char *output;         /* the file that gets what the jobs print, at its end */
    struct interrupt interrupt; /* once it is requested, no job begins, and those that run are asked to end */
    /* In the new process: does the job, and returns the exit status, 0 to 255. */
    int (*work)(void *arg, int32_t job, int pipe);
    /* In this process. Each may be NULL. */
    void (*begin)(void *arg, int32_t job);
    void (*report)(void *arg, int32_t job, const struct job_progress *progress);
    /* `exit_status` of the job, or the signal that ended it (else 0). */
    rondo_status (*end)(void *arg, int32_t job, int exit_status, int signal, struct errors *errors);
    void (*tick)(void *arg); /* about ten times per second */
    void *arg;
};

/* Returns when all jobs have ended. RONDO_INTERRUPTED, with no error added: it was interrupted; jobs that had not begun were
 * left out. RONDO_IO: the system gives no further process. If `end` fails, no further job begins, those that run are asked to end, and
 * its status is returned. */
rondo_status processes_run(const struct process_jobs *jobs, struct errors *errors);

/* "segmentation fault"; NULL: the signal has no name here. */
const char *process_signal_text(int number);

#endif
