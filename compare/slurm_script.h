/* compare/slurm_script.h: the texts that Slurm gets: the script of a job array, and the user's own options of sbatch.
 *
 * Threads: any.
 */
#ifndef RONDO_COMPARE_SLURM_SCRIPT_H
#define RONDO_COMPARE_SLURM_SCRIPT_H

#include "core/arena.h"

/* Options of sbatch that the user has given: each is one word, "--partition=short". */
struct slurm_options {
    const char *const *words; /* [n_words], then NULL */
    int32_t n_words;
    int has_memory; /* one of them asks for memory */
};

/* Reads a text such as "--partition=short -t 1:00:00 --comment='two words'". Words are separated by blanks and quoted as in a
 * shell; no variable is replaced. A value that follows its option is joined with it, so that sbatch never takes a word for
 * the name of a script. RONDO_INVALID for a word that is no option, and for options that Rondo sets itself. */
rondo_status slurm_options_read(const char *text, struct slurm_options *options, struct arena *arena,
                                struct errors *errors);

/* Numbers as Slurm writes them: "0-3,7" for 0, 1, 2, 3, 7. `numbers` are ascending; NULL: out of memory. */
const char *slurm_array_text(const int32_t *numbers, int32_t count, struct arena *arena);

/* A job array. Index i of the array is the task `first` + i. */
struct slurm_script {
    const char *name;           /* of the job, as squeue shows it */
    const char *output;         /* absolute path of the files that get the output; index and ".txt" are added */
    const char *directory;      /* in which the command runs, absolute */
    const char *array;          /* the indices: "0-3,7" */
    int32_t first;              /* task of index 0 */
    int32_t at_once;            /* most tasks that run at the same time; 0: no limit */
    int32_t processors;         /* of each task */
    int64_t megabytes;          /* of memory of each task; 0: whatever Slurm gives */
    const char *const *command; /* NULL-terminated; the number of the task is added as the last word */
};

/* The whole script, as sbatch reads it. From `arena`; NULL: out of memory. */
const char *slurm_script_text(const struct slurm_script *script, struct arena *arena);

#endif
