/* tests/kill_run.h: trainings that are killed at random moments and resumed until they end, and then compared with the same
 * training left alone: byte by byte, with what the command prints of them.
 *
 *     struct kill_reference reference;
 *     kill_open();
 *     kill_reference(&reference, "e.yaml", "alone");
 *     struct kill_lane lane = {.reference = &reference, .folder = "killed", .signals = 20, .signal = SIGKILL, .seed = 1};
 *     kill_lanes(&lane, 1);
 *
 * Files are in the sandbox. Every function fails the running test if something is wrong.
 */
#ifndef RONDO_TESTS_KILL_RUN_H
#define RONDO_TESTS_KILL_RUN_H

#include <stdint.h>

/* The command, as `bin/kill-self` in the sandbox, with plug-ins and cells: a program that sends itself a signal
 * (tests/kill_self.c). After sandbox_open. */
void kill_open(void);

struct kill_reference {
    const char *experiment; /* a file, and settings: "e.yaml --set schedule.seed=2" */
    const char *folder;     /* of the run */
    int64_t calls;          /* moments of the whole process that can be counted */
    double microseconds;    /* that it took */
    const char *result;     /* what it printed, as JSON, without the name of the run; of the sandbox */
};
/* Trains the experiment in `folder`, with one thread, and leaves it alone. */
void kill_reference(struct kill_reference *reference, const char *experiment, const char *folder);

/* How the moment of a signal is drawn. */
enum kill_when {
    KILL_AT_CALLS = 0, /* a call that opens or changes a file */
    KILL_AT_TIMES = 1, /* any time; one in four in the first tenth: start, reading, initialisation */
    KILL_BY_POWER = 2  /* a call, and what has not been synced is lost */
};

/* A chain of processes of one training: each receives a signal, until `signals` of them have been hit; the last one goes on to
 * the end. A training that ends before is compared, and another one begins. */
struct kill_lane {
    const struct kill_reference *reference;
    const char *folder; /* of the run; another one for each lane */
    int32_t when;       /* enum kill_when */
    double share;       /* moments are drawn from this share of the reference; 0: 0.6 */
    int64_t call;       /* the moment itself; 0: it is drawn */
    int signals;        /* processes that must be hit */
    int signal;         /* SIGKILL; or one that is answered with a checkpoint */
    const char *flags;  /* of the processes that resume: "--engine=tape"; NULL: none */
    const char *from;   /* a folder of a training that was interrupted, to begin with; NULL: none */
    int threads;        /* of the processes; 0: drawn for each of them, 1 or 2 */
    uint64_t seed;
    /* Results. */
    int hits;  /* processes that the signal has ended */
    int ended; /* trainings that came to their end and were compared */
    /* Private. */
    struct process *process;
    int sessions, has_begun;
};
/* Runs the lanes, two processes at a time. */
void kill_lanes(struct kill_lane *lanes, int count);

/* Runs one process. moment: the value of RONDO_KILL; NULL: it goes on to the end. */
struct outcome kill_session(const char *arguments, const char *moment);
/* The moments that can be counted in a process that goes on to the end. */
int64_t kill_calls(const char *arguments);

/* Fails the test unless both runs have the same files with the same bytes, except for what is measured and checkpoints, and
 * nothing else: no temporary file, no more than two checkpoints. */
void kill_compare_runs(const char *expected, const char *found);
/* The same for what `rondo eval` and `rondo predict` print. */
void kill_compare_outputs(const char *expected, const char *found);

#endif
