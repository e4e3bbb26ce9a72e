/* train/prompts.h: what texts are generated from, as a person gives it, and the texts that come out: what `rondo generate`,
 * `rondo predict`, `rondo chat` and the embedding API share.
 *
 *     if (prompts_check_tasks(&task, 1, &settings, errors) == RONDO_OK &&
 *         prompts_open(&prompts, task, &settings, errors) == RONDO_OK &&
 *         prompts_add(&prompts, "In the beginning", where, number, errors) == RONDO_OK) {
 *         generator_start(generator, &prompts.list, errors);
 *         …
 *         prompts_text(&prompts, hypothesis, number, arena, &text, errors);
 *     }
 *     prompts_close(&prompts);
 *
 * A model of plain texts (task_reads_targets_only) goes on with a prompt; any other model has the prompt as an example, as
 * `rondo predict` reads a line: the source of an encoder, or an input.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_PROMPTS_H
#define RONDO_TRAIN_PROMPTS_H

#include "train/generate.h"
#include "train/task_text.h"

struct prompts {
    const struct task *task;
    struct generate_settings settings;
    struct generate_prompts list; /* for generator_start */
    struct dataset *dataset;      /* of the examples; NULL: the model reads none */
    struct generate_prompt *items;
    int64_t capacity;
    const int32_t *prefix;
    int64_t n_prefix;
    struct arena *arena; /* of the ids */
};

/* Refuses tasks that do not generate with these settings, alone or together: RONDO_INVALID names the run, folders[i], and the
 * reason. Several tasks must have learned the same vocabularies. */
rondo_status prompts_check_tasks(struct task *const *tasks, const char *const *folders, int32_t n_tasks,
                                 const struct generate_settings *settings, struct errors *errors);

/* RONDO_INVALID for settings that the model of a task, which generates, cannot write with, at the places where they were given. */
rondo_status prompts_check_settings(const struct task *task, const struct generate_settings *settings,
                                    struct errors *errors);

/* No prompts yet. Close with prompts_close, also after a failure. */
rondo_status prompts_open(struct prompts *prompts, const struct task *task, const struct generate_settings *settings,
                          struct errors *errors);
void prompts_close(struct prompts *prompts);
/* Removes all prompts; the prefix stays. */
rondo_status prompts_clear(struct prompts *prompts, struct errors *errors);

/* What the texts of all prompts begin with, also of those that were added before. Symbols that the vocabulary lacks are
 * RONDO_INVALID, unless settings.unknown is GENERATE_ALLOW; also in prompts of models of plain texts. */
rondo_status prompts_set_prefix(struct prompts *prompts, const char *text, struct location where,
                                struct errors *errors);
/* Adds a prompt. text NULL: none, for a model of plain texts. `number` as in struct generate_prompt. */
rondo_status prompts_add(struct prompts *prompts, const char *text, struct location where, uint64_t number,
                         struct errors *errors);
/* Adds the examples begin .. end of a dataset of the task, in place of prompts_add, with numbers from `number` on; it must outlive
 * the prompts. */
rondo_status prompts_add_examples(struct prompts *prompts, const struct dataset *dataset, int64_t begin, int64_t end,
                                  uint64_t number, struct errors *errors);

/* The number of the first sample of all prompts, for texts that are begun from now on. */
void prompts_set_first_sample(struct prompts *prompts, int64_t first);

/* The text of a result of prompt number `prompt` of the list; *text from `arena`. With unknown: replace, an unknown symbol is
 * replaced by the symbol of the source that was attended to most. NULL if the model writes numbers. */
rondo_status prompts_text(const struct prompts *prompts, const struct generate_hypothesis *hypothesis, int64_t prompt,
                          struct arena *arena, const char **text, struct errors *errors);

/* What a reader renders: the result as a prediction of its example. */
struct reader_prediction prompts_prediction(const struct prompts *prompts, const struct generate_hypothesis *hypothesis,
                                            int64_t prompt);

#endif
