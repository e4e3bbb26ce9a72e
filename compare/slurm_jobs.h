/* compare/slurm_jobs.h: the job arrays of a comparison that were submitted to Slurm (compare/slurm.h), and their state.
 *
 * Ownership: everything is in the arena that made it. Threads: main thread.
 */
#ifndef RONDO_COMPARE_SLURM_JOBS_H
#define RONDO_COMPARE_SLURM_JOBS_H

#include "core/arena.h"

#define SLURM_FOLDER "slurm" /* in the folder of the comparison */

/* A job array that was submitted. */
struct slurm_job {
    const char *id;      /* of the array: "1234" */
    const char *cluster; /* NULL: the cluster that sbatch chooses without --clusters */
    const char *phase;
    int32_t first;       /* task of index 0 */
    const char *indices; /* "0-3,7" */
    int32_t n_tasks;
};

/* A task that ended in a way that is not success, as far as Slurm remembers. */
struct slurm_ended {
    const char *phase;
    int32_t task;
    const char *state; /* "TIMEOUT", "OUT_OF_MEMORY", "FAILED", … */
};

struct slurm_jobs {
    const struct slurm_job *jobs; /* [n_jobs] in the order of submission */
    int32_t n_jobs;
    /* Filled by slurm_look. */
    int64_t waiting, running;  /* tasks in the queue */
    const char *reason;        /* why the first one waits: "Resources", "Priority"; NULL: none waits */
    struct slurm_ended *ended; /* [n_ended] */
    int32_t n_ended;
};

/* Reads jobs.json; without it, there are no jobs. RONDO_INVALID if it is damaged. */
rondo_status slurm_jobs_read(const char *folder, struct slurm_jobs *jobs, struct arena *arena, struct errors *errors);

/* Writes jobs.json, whose folder exists. */
rondo_status slurm_jobs_write(const char *folder, const struct slurm_jobs *jobs, struct arena *arena,
                              struct errors *errors);

/* Asks Slurm what has become of the jobs. Jobs that Slurm no longer knows have ended. RONDO_IO if squeue fails, RONDO_NOT_FOUND if
 * it is not installed: then nothing is known, and nothing should be submitted. */
rondo_status slurm_look(struct slurm_jobs *jobs, struct arena *arena, struct errors *errors);

#endif
