/* train/task_text.h: texts as the ids of a stream of a task, and back, by the reader of its data.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_TEXT_H
#define RONDO_TRAIN_TASK_TEXT_H

#include "train/task.h"

/* 1 if the model reads a stream that is not made of its targets: an input, a source, or numbers that are known in advance. */
int task_has_inputs(const struct task *task);
/* 1 if the model reads nothing but the targets before each: a language model, whose examples are plain texts. */
int task_reads_targets_only(const struct task *task);

/* The ids of a text in the stream `stream` ("target", …), without the end symbol; *ids from `arena`. RONDO_INVALID, at
 * `where`, if the reader has no texts. Unknown symbols have the unknown id of the stream. */
rondo_status task_encode(const struct task *task, const char *stream, const char *text, struct location where,
                         struct arena *arena, int32_t **ids, int64_t *count, struct errors *errors);
/* The same for a text that the model is to continue: RONDO_INVALID, with the symbol and its place in the text, if the
 * vocabulary lacks one. The line of `where`, if it is known, is that of the text; else the place is a column only. */
rondo_status task_encode_known(const struct task *task, const char *stream, const char *text, struct location where,
                               struct arena *arena, int32_t **ids, int64_t *count, struct errors *errors);

/* A symbol of a text. */
struct task_symbol {
    const char *text; /* [length] bytes of the text */
    size_t length;
    int64_t character; /* of the text, from 0, at which it begins */
};
/* Where symbol number `index`, from 0, of a text is, which has that many; for messages and for what is copied. Readers do not say it,
 * so it is searched for: the text is encoded several times. */
rondo_status task_symbol_of(const struct task *task, const char *stream, const char *text, int64_t index,
                            struct arena *arena, struct task_symbol *symbol, struct errors *errors);

/* The text of ids; *text from `arena`. It follows `before` ids that were decoded before (data/reader.h). Only for readers with
 * texts (task_encode). */
rondo_status task_decode(const struct task *task, const char *stream, const int32_t *ids, int64_t count, int64_t before,
                         struct arena *arena, const char **text, struct errors *errors);

/* The same with texts[i] in place of symbol i, unless it is NULL: for unknown symbols, whose texts are known. */
rondo_status task_decode_replaced(const struct task *task, const char *stream, const int32_t *ids, int64_t count,
                                  const char *const *texts, struct arena *arena, const char **text,
                                  struct errors *errors);

/* The text of a stream of an example, without its end, and with unknown symbols as they are written in the file, if the dataset keeps
 * them; *text from `arena`. NULL: it has none. */
rondo_status task_example_text(const struct task *task, const struct dataset *dataset, const char *stream,
                               int64_t example, struct arena *arena, const char **text, struct errors *errors);

/* Appends an example of the only stream, for task_reads_targets_only: `ids` and then, if the stream has one, its end symbol.
 * There must be at least one of them. */
rondo_status task_add_targets(struct dataset *dataset, const int32_t *ids, int64_t count, struct errors *errors);

#endif
