#include "train/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* ---- the tree ---- */

static rondo_status reserve(struct search_tree *tree, int64_t capacity, struct errors *errors) {
    const size_t count = (size_t)capacity;
    int64_t *parent = memory_realloc(tree->parent, sizeof *parent * count);
    tree->parent = parent == NULL ? tree->parent : parent;
    int32_t *symbol = tree->is_real || parent == NULL ? NULL : memory_realloc(tree->symbol, sizeof *symbol * count);
    tree->symbol = symbol == NULL ? tree->symbol : symbol;
    double *numbers = !tree->is_real || parent == NULL
                          ? NULL
                          : memory_realloc(tree->numbers, sizeof *numbers * (size_t)tree->size * count);
    tree->numbers = numbers == NULL ? tree->numbers : numbers;
    if (symbol == NULL && numbers == NULL) {
        return errors_no_memory(errors);
    }
    tree->capacity = capacity;
    return RONDO_OK;
}

rondo_status search_tree_open(struct search_tree *tree, int64_t capacity, int64_t size, struct errors *errors) {
    *tree = (struct search_tree){.size = size, .is_real = size > 0};
    return reserve(tree, capacity < 1 ? 1 : capacity, errors);
}

void search_tree_close(struct search_tree *tree) {
    free(tree->parent);
    free(tree->symbol);
    free(tree->numbers);
    *tree = (struct search_tree){0};
}

/* Adds a node whose symbol or numbers the caller sets; -1 with an error. */
static int64_t add_node(struct search_tree *tree, int64_t parent, struct errors *errors) {
    if (tree->count == tree->capacity && reserve(tree, 2 * tree->capacity, errors) != RONDO_OK) {
        return -1;
    }
    tree->parent[tree->count] = parent;
    return tree->count++;
}

/* ---- memory ---- */

rondo_status search_scratch_open(struct search_scratch *scratch, const struct search_settings *settings,
                                 struct arena *arena, struct errors *errors) {
    const size_t beams = (size_t)settings->generate->beams, size = (size_t)settings->size;
    *scratch = (struct search_scratch){
        .log_probabilities = arena_calloc(arena, beams * size, sizeof(float)),
        .weights = arena_calloc(arena, size, sizeof(float)),
        .order = arena_calloc(arena, size, sizeof(int32_t)),
        .seen = arena_calloc(arena, size, 1),
        .candidates = arena_calloc(arena, 2 * beams, sizeof *scratch->candidates),
        .ranks = arena_calloc(arena, beams, sizeof(double)),
    };
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

void search_scratch_close(struct search_scratch *scratch) {
    free(scratch->history);
    *scratch = (struct search_scratch){0};
}

rondo_status search_open(struct search *search, const struct search_settings *settings, struct arena *arena,
                         struct errors *errors) {
    const size_t beams = (size_t)settings->generate->beams;
    search->live = arena_calloc(arena, beams, sizeof *search->live);
    search->next = arena_calloc(arena, beams, sizeof *search->next);
    search->finished = arena_calloc(arena, (size_t)settings->generate->n_best, sizeof *search->finished);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

void search_begin(struct search *search, int64_t least, int64_t most) {
    search->least = least;
    search->most = most;
    search->live[0] = (struct search_hypothesis){.node = -1};
    search->n_live = 1;
    search->n_finished = 0;
    search->is_done = most <= 0;
    search->unread = -1;
}

/* ---- one step ---- */

/* The symbols of a hypothesis, after context and prefix; NULL with an error. */
static const int32_t *history_of(const struct search *search, const struct search_tree *tree,
                                 const struct search_hypothesis *hypothesis, struct search_scratch *scratch,
                                 struct errors *errors) {
    const int64_t count = search->n_begun + hypothesis->length;
    if (count > scratch->history_capacity || scratch->history == NULL) {
        const int64_t capacity = 2 * count + 64;
        int32_t *history = memory_realloc(scratch->history, sizeof *history * (size_t)capacity);
        if (history == NULL) {
            errors_no_memory(errors);
            return NULL;
        }
        scratch->history = history;
        scratch->history_capacity = capacity;
    }
    if (search->n_begun > 0) {
        memcpy(scratch->history, search->begun, sizeof *search->begun * (size_t)search->n_begun);
    }
    int64_t node = hypothesis->node;
    for (int64_t at = count - 1; at >= search->n_begun; at--) {
        scratch->history[at] = tree->symbol[node];
        node = tree->parent[node];
    }
    return scratch->history;
}

/* The log-probabilities of what may follow a hypothesis. */
static rondo_status filter(const struct search *search, const struct search_settings *settings,
                           const struct search_tree *tree, const struct search_hypothesis *hypothesis,
                           const float *probabilities, struct search_scratch *scratch, float *row,
                           struct errors *errors) {
    const struct generate_settings *generate = settings->generate;
    choose_logarithms(probabilities, settings->size, row);
    if (settings->end >= 0 && hypothesis->length < search->least) {
        row[settings->end] = -INFINITY;
    }
    if (settings->unknown >= 0) {
        row[settings->unknown] = -INFINITY;
    }
    if (generate->repetition > 1 || generate->no_repeat > 0) {
        const int32_t *ids = history_of(search, tree, hypothesis, scratch, errors);
        if (ids == NULL) {
            return errors->status;
        }
        const struct choose_history history = {ids, search->n_begun + hypothesis->length, scratch->seen};
        choose_without_repeats(row, generate, &history);
    }
    return RONDO_OK;
}

static double logarithm_of(float probability) {
    return log(fmax((double)probability, 1.17549435e-38)); /* as choose_logarithms, with more digits */
}

static double normalised(const struct search_settings *settings, const struct search_hypothesis *hypothesis) {
    return choose_normalised(hypothesis->rank, hypothesis->length + hypothesis->ended,
                             settings->generate->length_power);
}

/* Moves a hypothesis to those that are finished, of which the n_best best ones are kept. Equal ones stay in the order in which they
 * were finished. */
static void finish(struct search *search, const struct search_settings *settings, struct search_hypothesis hypothesis) {
    hypothesis.rank = normalised(settings, &hypothesis);
    const int64_t most = settings->generate->n_best;
    if (search->n_finished == most && hypothesis.rank <= search->finished[most - 1].rank) {
        return;
    }
    int64_t at = search->n_finished < most ? search->n_finished++ : most - 1;
    for (; at > 0 && search->finished[at - 1].rank < hypothesis.rank; at--) {
        search->finished[at] = search->finished[at - 1];
    }
    search->finished[at] = hypothesis;
}

/* 1 if a hypothesis that goes on may still end as one of the n_best best. Its log-probability does not rise, so the most that it can
 * reach has the log-probability that it has now, and the length that is best for that: the greatest one if it is negative. */
static int can_improve(const struct search *search, const struct search_settings *settings,
                       const struct search_hypothesis *live) {
    const struct generate_settings *generate = settings->generate;
    const int64_t length = live->rank < 0 ? search->most : live->length + 1;
    return search->n_finished < generate->n_best || choose_normalised(live->rank, length, generate->length_power) >
                                                        search->finished[search->n_finished - 1].rank;
}

/* The symbol that is drawn, or the most probable one; -1: none can be chosen. */
static int64_t choose(struct search *search, const struct search_settings *settings, struct search_scratch *scratch) {
    const float *row = scratch->log_probabilities;
    if (settings->generate->temperature <= 0) {
        return choose_best(row, settings->size);
    }
    const double uniform = rng_uniform(search->stream, (uint64_t)search->step);
    return choose_weights(row, settings->size, settings->generate, scratch->order, scratch->weights)
               ? choose_draw(scratch->weights, settings->size, uniform)
               : -1;
}

/* Continues the only hypothesis. */
static rondo_status advance_one(struct search *search, const struct search_settings *settings, struct search_tree *tree,
                                const float *probabilities, struct search_scratch *scratch, int32_t *chosen,
                                struct errors *errors) {
    struct search_hypothesis *live = &search->live[0];
    float *row = scratch->log_probabilities;
    RONDO_TRY(filter(search, settings, tree, live, probabilities, scratch, row, errors));
    const int64_t id = choose(search, settings, scratch);
    search->n_live = 0;
    if (id < 0) {
        finish(search, settings, *live);
        return RONDO_OK;
    }
    live->score += logarithm_of(probabilities[id]);
    live->rank += (double)row[id];
    live->ended = id == settings->end;
    if (!live->ended) {
        live->node = add_node(tree, live->node, errors);
        if (live->node < 0) {
            return errors->status;
        }
        tree->symbol[live->node] = (int32_t)id;
        live->length++;
    }
    if (live->ended || live->length == search->most) {
        search->unread = (int32_t)id;
        finish(search, settings, *live);
        return RONDO_OK;
    }
    search->n_live = 1;
    *chosen = (int32_t)id;
    return RONDO_OK;
}

/* Continues all hypotheses of a beam search. */
static rondo_status advance_beams(struct search *search, const struct search_settings *settings,
                                  struct search_tree *tree, const float *probabilities, struct search_scratch *scratch,
                                  int64_t *origin, int32_t *ids, struct errors *errors) {
    const int64_t beams = settings->generate->beams, size = settings->size;
    for (int64_t i = 0; i < search->n_live; i++) {
        RONDO_TRY(filter(search, settings, tree, &search->live[i], probabilities + i * size, scratch,
                         scratch->log_probabilities + i * size, errors));
        scratch->ranks[i] = search->live[i].rank;
    }
    const int64_t found = choose_candidates(scratch->log_probabilities, size, size, scratch->ranks, search->n_live,
                                            2 * beams, scratch->candidates);
    int64_t n_next = 0;
    for (int64_t i = 0; i < found && n_next < beams; i++) {
        const struct choose_candidate *candidate = &scratch->candidates[i];
        struct search_hypothesis next = search->live[candidate->origin];
        next.score += logarithm_of(probabilities[candidate->origin * size + candidate->id]);
        next.rank = candidate->score;
        if (candidate->id == settings->end) {
            next.ended = 1;
            finish(search, settings, next);
            continue;
        }
        next.node = add_node(tree, next.node, errors);
        if (next.node < 0) {
            return errors->status;
        }
        tree->symbol[next.node] = candidate->id;
        next.length++;
        origin[n_next] = candidate->origin;
        ids[n_next] = candidate->id;
        search->next[n_next++] = next;
    }
    if (found == 0) { /* what is there so far is all that there can be */
        for (int64_t i = 0; i < search->n_live; i++) {
            finish(search, settings, search->live[i]);
        }
    }
    struct search_hypothesis *last = search->live;
    search->live = search->next;
    search->next = last;
    search->n_live = n_next;
    if (n_next > 0 && search->live[0].length == search->most) { /* all have the same length */
        for (int64_t i = 0; i < n_next; i++) {
            finish(search, settings, search->live[i]);
        }
        search->n_live = 0;
    }
    if (search->n_live > 0 && !can_improve(search, settings, &search->live[0])) {
        search->n_live = 0;
    }
    return RONDO_OK;
}

rondo_status search_advance(struct search *search, const struct search_settings *settings, struct search_tree *tree,
                            const float *probabilities, struct search_scratch *scratch, int64_t *origin, int32_t *ids,
                            struct errors *errors) {
    rondo_status status;
    if (settings->generate->beams == 1) {
        origin[0] = 0;
        status = advance_one(search, settings, tree, probabilities, scratch, ids, errors);
    } else {
        status = advance_beams(search, settings, tree, probabilities, scratch, origin, ids, errors);
    }
    search->step++;
    search->is_done = search->n_live == 0;
    return status;
}

rondo_status search_append(struct search *search, const struct search_settings *settings, struct search_tree *tree,
                           const double *numbers, struct errors *errors) {
    struct search_hypothesis *live = &search->live[0];
    live->node = add_node(tree, live->node, errors);
    if (live->node < 0) {
        return errors->status;
    }
    memcpy(tree->numbers + live->node * tree->size, numbers, sizeof *numbers * (size_t)tree->size);
    live->length++;
    search->step++;
    if (live->length == search->most) {
        finish(search, settings, *live);
        search->n_live = 0;
        search->is_done = 1;
    }
    return RONDO_OK;
}

/* ---- results ---- */

int64_t search_list(const struct search *search, const struct search_settings *settings,
                    struct search_hypothesis *hypotheses) {
    int64_t count = 0;
    for (; count < search->n_finished; count++) {
        hypotheses[count] = search->finished[count];
    }
    for (int64_t i = 0; i < search->n_live; i++) {
        hypotheses[count] = search->live[i];
        hypotheses[count].rank = normalised(settings, &search->live[i]);
        count++;
    }
    return count;
}
