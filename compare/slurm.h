/* compare/slurm.h: the tasks of a comparison as job arrays of Slurm.
 *
 * A comparison is a list of phases, each a list of tasks, numbered from 0. Each task is a command that leaves its result in
 * the folder of the comparison, which all machines of the cluster share. A phase begins when all tasks of the phase before
 * have ended, also those that failed (--dependency=afterany).
 *
 *     FOLDER/slurm/PHASE.sh        the script of the job array; PHASE-1000.sh that of the tasks from 1000 on
 *     FOLDER/slurm/PHASE-7.txt     what task 7 printed, of all its attempts; PHASE-1000+7.txt: task 1007
 *     FOLDER/slurm/jobs.json       the job arrays that were submitted last
 *
 * slurm_look asks Slurm for these jobs. While one of them waits or runs, nothing is submitted. After that, slurm_submit
 * submits the tasks whose results are missing. A task that Slurm runs twice, because a process was killed between the
 * submission and the writing of jobs.json, finds the run of the other locked.
 *
 * Only sbatch, and squeue for what was submitted, are needed; sacct, scontrol are used if they answer. They are run without a shell.
 * Ownership: everything is in the arena that made it. Threads: main thread.
 */
#ifndef RONDO_COMPARE_SLURM_H
#define RONDO_COMPARE_SLURM_H

#include "compare/slurm_jobs.h"
#include "compare/slurm_script.h"
#include "core/interrupt.h"

/* A phase of which tasks are missing. */
struct slurm_phase {
    const char *name;           /* part of names of files: "runs" */
    const int32_t *missing;     /* [n_missing], ascending */
    int32_t n_missing;          /* may be 0 */
    const char *const *command; /* NULL-terminated; the number of the task is added as the last word */
    int32_t processors;         /* of each task */
    uint64_t memory;            /* bytes that each task is predicted to take; 0: unknown */
};

struct slurm_request {
    const char *folder;               /* of the comparison, absolute */
    const char *name;                 /* of the comparison */
    const char *directory;            /* in which tasks run, absolute */
    const struct slurm_phase *phases; /* [n_phases] */
    int32_t n_phases;
    int32_t at_once; /* most tasks that run at the same time; 0: no limit */
    const struct slurm_options *options;
    struct interrupt interrupt; /* asked before each array */
};

/* Submits the missing tasks, and writes jobs.json after every array. *jobs gets what was submitted. If sbatch refuses an
 * array, its message is the error, and the arrays before it remain submitted. */
rondo_status slurm_submit(const struct slurm_request *request, struct slurm_jobs *jobs, struct arena *arena,
                          struct errors *errors);

#endif
