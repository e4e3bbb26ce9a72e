/* data/token_text.h: texts to ids of a vocabulary of tokens (data/tokens.h), and back.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_TOKEN_TEXT_H
#define RONDO_DATA_TOKEN_TEXT_H

#include "data/tokens.h"
#include "data/vocabulary.h"

/* A token that the vocabulary lacks, as it is written in the text, to which `text` points. */
struct token_unknown {
    int64_t index; /* of its id */
    const char *text;
    size_t length;
};
/* Ids, and which of them stand for unknown tokens; the buffers are reused for the next text. Zeroed at first; free them with
 * token_ids_free. */
struct token_ids {
    int32_t *ids;
    int64_t count, capacity;
    struct token_unknown *unknown; /* [n_unknown] of token_ids_of, in the order of the text */
    int64_t n_unknown, unknown_capacity;
};
rondo_status token_ids_add(struct token_ids *list, int32_t id, struct errors *errors);
void token_ids_free(struct token_ids *list);

/* How texts are split. */
struct token_rule {
    int32_t unit;      /* enum token_unit */
    int32_t lowercase; /* of ASCII letters */
};

/* The first `most` tokens of a text of `length` bytes, in place of the ids that were in the list. A token that the vocabulary lacks
 * gets the id 0. RONDO_NO_MEMORY if memory is short. */
rondo_status token_ids_of(struct token_ids *list, const struct vocabulary *vocabulary, struct token_rule rule,
                          const char *text, size_t length, int64_t most, struct errors *errors);
/* The number of tokens of a text, counted up to `most`. */
int64_t token_count(struct token_rule rule, const char *text, size_t length, int64_t most);

/* How tokens become a text. */
struct token_join {
    const struct vocabulary *vocabulary;
    int32_t unit;
    int32_t line_end; /* an id that is a line end; -1: none */
    int32_t end;      /* an id that is no text, the end of a sequence; -1: none */
};
/* The text of ids, from `arena`. Characters and bytes are put together ("<0xNN>" is a byte); tokens between blanks get a blank
 * between them; words and signs too, but for signs that are written without: "Come in ( please ) !" becomes "Come in (please)!".
 * A point or colon between digits has no blank: "3.5", "12:30". Whether there is a blank depends only on the token after it and the
 * two before it. `before` tokens are in front of ids[0], at ids[-1], ids[-2], …; 0: the text begins. */
rondo_status token_join(const struct token_join *join, const int32_t *ids, int64_t count, int64_t before,
                        struct arena *arena, const char **text, struct errors *errors);

#endif
