/* kit/sample_texts.h: texts that metrics are tried on: some that a model may have generated, and their references.
 *
 * They are in buffers that end at their guard page, so that reading past the last text crashes.
 *
 * Threads: texts of one guard are made by one thread at a time.
 */
#ifndef RONDO_KIT_SAMPLE_TEXTS_H
#define RONDO_KIT_SAMPLE_TEXTS_H

#include "core/rng.h"
#include "kit/guard.h"

/* Texts one after the other, each with its NUL. */
struct sample_lines {
    int64_t count;
    size_t size;
    const char *bytes;  /* [size] */
    const char **texts; /* [count] */
};

/* As in rondo_metric_call. */
struct sample_texts {
    int64_t count;
    struct sample_lines generated, references;
    int64_t *reference_begin; /* [count + 1] */
};

/* Text number i, and its references, depend only on the stream and on i. Among them are empty ones, punctuation, and characters
 * of one to four bytes. 0 if memory is short. */
int sample_texts_draw(struct sample_texts *texts, int64_t count, struct rng_stream stream, struct guard *guard);
/* Texts number first, first + step, …, `count` of them. 0 if memory is short. */
int sample_texts_take(struct sample_texts *texts, const struct sample_texts *from, int64_t first, int64_t step,
                      int64_t count, struct guard *guard);
/* Makes each generated text its first reference. 0 if memory is short. */
int sample_texts_perfect(struct sample_texts *texts, struct guard *guard);

#endif
