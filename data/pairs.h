/* data/pairs.h: what the files of the reader `pairs` (data/readers/pairs.c) share: its options, what it learns, and passes over the
 * pairs of its files.
 *
 * A side is the source or the target. If the source is a class, its side has no words. If the sides are aligned, the target has a
 * token for each token of the source.
 *
 * Threads: main thread; once learned or loaded, read from any.
 */
#ifndef RONDO_DATA_PAIRS_H
#define RONDO_DATA_PAIRS_H

#include "data/pair_file.h"
#include "data/token_text.h"

#define PAIRS_END_SYMBOL "<end>"

/* A recurrence keeps its states at every step, so a very long text would take all memory. */
enum { PAIRS_MOST_TOKENS = 100000 };

enum pairs_rule { PAIRS_REFUSE = 0, PAIRS_LEAVE_OUT = 1, PAIRS_CUT = 2 };
enum { PAIRS_COLUMN_SOURCE = 0, PAIRS_COLUMN_INPUT = 1, PAIRS_COLUMN_TARGET = 2 };

/* The options of one side. */
struct pairs_side {
    int32_t tokens; /* enum token_unit */
    int32_t lowercase;
    int64_t min_count, max_words;
    int64_t max_length; /* tokens; 0: PAIRS_MOST_TOKENS */
    int32_t too_long;   /* enum pairs_rule */
};

struct pairs_options {
    int32_t format, separator, quotes, header; /* struct table_file_options; also PAIR_JSON_LINES */
    struct pairs_side side[PAIR_SIDES];
    int32_t shared;        /* one vocabulary for both sides */
    int32_t empty;         /* PAIRS_REFUSE or PAIRS_LEAVE_OUT */
    int32_t aligned;       /* the target has a token for each token of the source */
    const char *no_target; /* aligned: the token of steps without a target; "": all have one */
};

/* What is learned. */
struct pairs_learned {
    struct vocabulary *words[PAIR_SIDES]; /* both the same if they are shared; source NULL: it is a class */
    struct vocabulary *classes;           /* of the source; NULL: it is a text */
    int32_t end;                          /* the id of PAIRS_END_SYMBOL in the targets; -1: the sides are aligned */
    /* [words of the source] 1: a step with this token may have a target: some has one in training. From malloc; NULL: all may. */
    unsigned char *has_target;
};

const struct pairs_options *pairs_options_of(const struct reader *reader);
struct pairs_learned *pairs_learned_of(const struct reader *reader);
/* 1 if the column is given in the experiment. */
int pairs_has_column(const struct reader *reader, int column);
/* "source", "input" or "target". */
const char *pairs_side_name(const struct reader *reader, int side);
/* The token of steps without a target, as the vocabulary would have it. 0: there is none. */
int pairs_no_target(const struct reader *reader, char token[TOKEN_BYTES]);
/* 1 if a token, as it is written in a text, is that one. */
int pairs_is_no_target(const struct reader *reader, const char *text, size_t length);
struct token_rule pairs_token_rule(const struct reader *reader, int side);
int64_t pairs_longest(const struct reader *reader, int side);

/* ---- texts (data/pairs.c) ---- */

/* What is done with a text. */
enum pairs_fate {
    PAIRS_TAKEN,
    PAIRS_IS_CUT,
    PAIRS_LEFT_OUT_LONG,
    PAIRS_LEFT_OUT_EMPTY,
    PAIRS_REFUSED_LONG,
    PAIRS_REFUSED_EMPTY
};
/* may_leave_out 0: for prediction, where each text has an answer. */
enum pairs_fate pairs_fate_of(const struct reader *reader, int side, struct pair_text text, int may_leave_out);
/* Reports a text whose fate is to be refused. */
rondo_status pairs_refuse(const struct reader *reader, int side, struct pair_text text, enum pairs_fate fate,
                          int may_leave_out, struct errors *errors);
static inline int pairs_is_refused(enum pairs_fate fate) {
    return fate == PAIRS_REFUSED_LONG || fate == PAIRS_REFUSED_EMPTY;
}
static inline int pairs_is_left_out(enum pairs_fate fate) {
    return fate == PAIRS_LEFT_OUT_LONG || fate == PAIRS_LEFT_OUT_EMPTY;
}
/* The name of a class, without blanks at its ends. */
struct pair_text pairs_trimmed(struct pair_text text);
/* A NUL-terminated copy, from malloc; NULL: out of memory. */
char *pairs_copy_text(struct pair_text text);
/* Pairs with the same key are in the same part: those with the same source, or, if it is a class, equal pairs. */
uint64_t pairs_key(const struct reader *reader, const struct pair *pair);

/* ---- passes (data/pairs.c) ---- */

/* A pass over all pairs of the files of a source. */
struct pairs_pass {
    const struct reader *reader;
    const struct reader_source *source;
    struct errors *errors;
    int has_targets;
    int64_t kept; /* pairs of the present file so far that are not left out; counted by `visit` */
    /* Called for each pair without mistakes; counts its own in file->mistakes. */
    rondo_status (*visit)(struct pairs_pass *pass, struct pair_file *file, const struct pair *pair);
    void *arg;
};
rondo_status pairs_visit(struct pairs_pass *pass);

/* ---- learning (data/pairs_learn.c): functions of the reader ---- */

rondo_status pairs_learn(struct reader *reader, const struct reader_source *source, struct errors *errors);
void pairs_clear(struct reader *reader);
rondo_status pairs_save(const struct reader *reader, struct json_t *object, struct errors *errors);
rondo_status pairs_load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors);

#endif
