/* train/search.h: the texts that grow from one prompt: hypotheses as a tree of symbols, and what each step does with the
 * predictions. Used by train/generate.c.
 *
 * A search without a beam has one hypothesis. A beam search has up to `beams` of them: at each step, of the best 2 * beams
 * continuations, those that end are finished, and the best `beams` of the others go on, so that no text that has ended takes
 * the place of one that goes on. The n_best finished ones with the highest normalised log-probability are kept. The search ends
 * when no hypothesis that goes on can become better than the last of them, or when nothing goes on. With log P <= 0, length l
 * and normaliser n(l) = ((5 + l) / 6)^length_power, whatever follows a hypothesis is at most log P / n(most symbols).
 *
 * Threads: a search and its tree belong to one thread at a time.
 */
#ifndef RONDO_TRAIN_SEARCH_H
#define RONDO_TRAIN_SEARCH_H

#include "core/arena.h"
#include "core/status.h"
#include "train/choose.h"

/* The symbols, or numbers, of many hypotheses: each node continues its parent. It grows as it is needed. */
struct search_tree {
    int64_t *parent; /* [count] -1: the first of a text */
    int32_t *symbol; /* [count] of ids; else NULL */
    double *numbers; /* [count, size] of numbers; else NULL */
    int64_t count, capacity, size;
    int is_real;
};
/* An empty tree with room for `capacity` nodes, from malloc. `size`: numbers of a node; 0: ids. */
rondo_status search_tree_open(struct search_tree *tree, int64_t capacity, int64_t size, struct errors *errors);
void search_tree_close(struct search_tree *tree);

struct search_hypothesis {
    int64_t node;   /* its last symbol; -1: none yet */
    int64_t length; /* symbols of the tree */
    double score;   /* log-probability by the model */
    double rank;    /* the same with penalties; when it is finished, normalised by its length */
    int ended;      /* with the end symbol, which is not in the tree */
};

/* What all searches of a generator share. */
struct search_settings {
    const struct generate_settings *generate; /* borrowed */
    int64_t size;                             /* classes of a prediction, or numbers */
    int32_t end, unknown;                     /* ids that end a text, and that are not chosen; -1: none */
};

struct search {
    const int32_t *begun; /* [n_begun] ids of context and prefix, for repeats */
    int64_t n_begun;
    int64_t least, most; /* symbols that the text still needs before it may end, and may still have */
    struct rng_stream stream;
    int64_t step;                          /* number of the next random word */
    struct search_hypothesis *live, *next; /* [beams], best first */
    struct search_hypothesis *finished;    /* [n_best], best first */
    int64_t n_live, n_finished;
    int is_done;
    int32_t unread; /* the last symbol, which the model has not read, since the text ended with it; -1: none */
};

/* Memory for one step of a search; used by one thread. */
struct search_scratch {
    float *log_probabilities;            /* [beams, size] */
    float *weights;                      /* [size] */
    int32_t *order;                      /* [size] */
    unsigned char *seen;                 /* [size] zeros */
    struct choose_candidate *candidates; /* [2 * beams] */
    double *ranks;                       /* [beams] */
    int32_t *history;                    /* [history_capacity], from malloc: grows */
    int64_t history_capacity;
};
rondo_status search_scratch_open(struct search_scratch *scratch, const struct search_settings *settings,
                                 struct arena *arena, struct errors *errors);
void search_scratch_close(struct search_scratch *scratch);

/* The hypotheses of a search, from `arena`, which are then empty texts. */
rondo_status search_open(struct search *search, const struct search_settings *settings, struct arena *arena,
                         struct errors *errors);
/* Begins a text. */
void search_begin(struct search *search, int64_t least, int64_t most);

/* One step: row r of `probabilities`, [n_live, size], predicts what follows hypothesis r. Hypothesis i of those that go on continues
 * hypothesis origin[i] by ids[i]. */
rondo_status search_advance(struct search *search, const struct search_settings *settings, struct search_tree *tree,
                            const float *probabilities, struct search_scratch *scratch, int64_t *origin, int32_t *ids,
                            struct errors *errors);
/* The same for numbers, [size], which were predicted or drawn. */
rondo_status search_append(struct search *search, const struct search_settings *settings, struct search_tree *tree,
                           const double *numbers, struct errors *errors);

/* The hypotheses, [n_best + beams] at most: what is finished, best first, and then what is not, if the search was stopped. Returns
 * their number. */
int64_t search_list(const struct search *search, const struct search_settings *settings,
                    struct search_hypothesis *hypotheses);

#endif
