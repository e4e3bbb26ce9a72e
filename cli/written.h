/* cli/written.h: the outputs of `rondo predict` for a run that writes them symbol by symbol: texts for sources, or numbers.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_WRITTEN_H
#define RONDO_CLI_WRITTEN_H

#include "cli/generation.h"
#include "cli/plot_page.h"

struct written {
    struct generation generation;
    struct prompts prompts;
    int json, scores;
    struct plot_page *attention; /* flag.is_given: what was attended to is wanted */
    int64_t count;               /* examples so far */
    int64_t left_out;            /* pictures of `attention` that are one too many for a file */
    struct errors *errors;
    /* Prints a prediction of numbers. */
    rondo_status (*print)(void *arg, const struct reader_prediction *prediction);
    void *arg;
};

/* 1 if predictions of the task are written: the model reads its own outputs and something else, and is no language model. A
 * forecast of a series is not written: the targets before it are known. */
int written_is_for(const struct task *task);

/* The fields that follow `print` must be set before. Close with written_close, also after a failure. */
rondo_status written_open(struct written *written, const char *folder, struct task *task,
                          const struct generation_flags *given);
void written_close(struct written *written);

/* Writes and prints the outputs of all examples of a dataset, in their order. */
rondo_status written_print(struct written *written, const struct dataset *dataset);
/* Prints or writes the plots of --attention; nothing without it. */
rondo_status written_show(struct written *written, const char *title);

#endif
