/* compare/text_builder.h: a text that grows, in an arena.
 *
 *     struct text_builder builder = {.arena = arena};
 *     text_add(&builder, "score ");
 *     text_format(&builder, "%.4f\n", score);
 *     return text_built(&builder);
 *
 * If memory is short, the arena is in the failed state, nothing more is added, and text_built gives NULL.
 */
#ifndef RONDO_COMPARE_TEXT_BUILDER_H
#define RONDO_COMPARE_TEXT_BUILDER_H

#include "core/arena.h"

/* Zero-initialised but for the arena is empty. */
struct text_builder {
    struct arena *arena;
    char *text;
    size_t length, capacity;
};

/* NULL adds nothing: it comes from an allocation that failed. */
void text_add(struct text_builder *builder, const char *text);
void text_add_bytes(struct text_builder *builder, const char *bytes, size_t length);
/* printf, in the locale "C". */
void text_format(struct text_builder *builder, const char *format, ...) RONDO_PRINTF(2, 3);
/* `count` blanks; none if it is negative. */
void text_add_blanks(struct text_builder *builder, int count);
const char *text_built(const struct text_builder *builder);

#endif
