/* cli/generation.h: what the commands that generate share: flags for the settings, the runs, and text on the terminal.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_GENERATION_H
#define RONDO_CLI_GENERATION_H

#include "cli/open_run.h"
#include "train/prompts.h"

/* At most this many settings are flags, and runs predict together. */
enum { GENERATION_MOST_FLAGS = 24, GENERATION_MOST_RUNS = 32 };

/* The settings of `generate:` as flags: max_length is --max-length. `show` belongs to the training, and is none. */
struct generation_flags {
    const char *values[GENERATION_MOST_FLAGS]; /* by row of generate_table; NULL: not given */
    char names[GENERATION_MOST_FLAGS][32];     /* "max-length" */
    char places[GENERATION_MOST_FLAGS][32];    /* "--max-length", for messages */
};
/* Appends the flags to `flags`, a list that ends with a NULL name and has room for `most` entries. */
void generation_flags_add(struct generation_flags *given, struct flag *flags, int32_t most);
/* Replaces settings by the flags that were given. */
rondo_status generation_flags_apply(const struct generation_flags *given, struct generate_settings *settings,
                                    struct errors *errors);
/* The first flag that was given, "--beam"; NULL: none. */
const char *generation_flags_first(const struct generation_flags *given);

/* Runs that predict together, and what generates with them. */
struct generation {
    const char *folders[GENERATION_MOST_RUNS + 1];
    struct task *tasks[GENERATION_MOST_RUNS];
    struct network *networks[GENERATION_MOST_RUNS]; /* of the tasks */
    int32_t count, owned;                           /* owned: tasks that generation_close destroys */
    struct generate_settings settings;
    struct generator *generator;
    int64_t together; /* samples of a prompt that the generator writes together; settings.samples may be more */
};
/* Opens the runs (cli/open_run.h), with the settings of the first one and the flags. Close with generation_close, also after a
 * failure. */
rondo_status generation_open(struct generation *generation, const char *const *folders,
                             const struct common_flags *common, const struct generation_flags *given,
                             struct session *session, struct errors *errors);
/* The same for a task that the caller has opened and keeps. */
rondo_status generation_open_task(struct generation *generation, const char *folder, struct task *task,
                                  const struct generation_flags *given, struct errors *errors);
void generation_close(struct generation *generation);

/* Other settings, for texts that are begun from now on. After a failure the old ones stay. */
rondo_status generation_set(struct generation *generation, const struct generate_settings *settings,
                            struct errors *errors);

/* Prompts that are generated together. */
int64_t generation_batch(const struct generation *generation);
/* Generates for all prompts of the list, at most generation_batch of them, and passes on each result: number `rank` of prompt `prompt`,
 * from 0, in the order of prompts and ranks. Many samples are generated and passed on some at a time, so that memory does not grow
 * with their number. */
struct generation_taker {
    void *arg;
    rondo_status (*take)(void *arg, const struct generate_hypothesis *result, int64_t prompt, int64_t rank);
};
rondo_status generation_run(struct generation *generation, struct prompts *prompts,
                            const struct generation_taker *taker, struct errors *errors);

/* Prints generated text to standard output: as it is, or, at a terminal, with control characters other than tabs and line
 * breaks escaped, so that no text controls the terminal. A character may come in pieces: `held`, which begins as zeros, keeps
 * its first bytes. text NULL: the end of the text. */
struct generation_held {
    char bytes[8];
    int32_t count;
};
void generation_print(struct generation_held *held, const char *text);

/* 1 if a text can be printed while it is written: nothing changes what was chosen. */
int generation_can_write(const struct generation *generation);
/* Prints the one text that the generator has begun while it is written, without a line break at its end. It ends earlier if
 * is_stopped() returns 1; NULL: nothing stops it. */
rondo_status generation_write(struct generation *generation, int (*is_stopped)(void), struct errors *errors);

#endif
