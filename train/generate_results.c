/* Hypotheses as a caller gets them, and what they attend to. */
#include <string.h>

#include "train/generate_parts.h"

/* Copies prefix and symbols, or numbers. */
static rondo_status fill_result(struct generator *generator, const struct generate_text *text,
                                const struct search_tree *tree, const struct search_hypothesis *from,
                                struct generate_hypothesis *to, struct errors *errors) {
    const int64_t size = generator->is_real ? generator->search.size : 1, length = text->n_prefix + from->length;
    void *items = arena_calloc(generator->texts, (size_t)(length * size) + 1, sizeof(float));
    if (items == NULL) {
        return errors_no_memory(errors);
    }
    if (text->n_prefix > 0) {
        memcpy(items, text->prefix, (size_t)(text->n_prefix * size) * sizeof(float));
    }
    int64_t node = from->node;
    for (int64_t at = length - 1; at >= text->n_prefix; at--) {
        if (generator->is_real) {
            generate_to_units(generator, text, tree->numbers + node * size, (float *)items + at * size);
        } else {
            ((int32_t *)items)[at] = tree->symbol[node];
        }
        node = tree->parent[node];
    }
    *to = (struct generate_hypothesis){.ids = generator->is_real ? NULL : items,
                                       .numbers = generator->is_real ? items : NULL,
                                       .length = length,
                                       .score = from->score,
                                       .scored = from->length + from->ended,
                                       .rank = from->rank,
                                       .ended = from->ended};
    return RONDO_OK;
}

/* What the symbols of a result attend to in the source: the text is read once more, with the pass that predicts it. */
static rondo_status find_attention(struct generator *generator, const struct generate_text *text,
                                   struct generate_hypothesis *result, struct errors *errors) {
    if (generator->attender == NULL) {
        generator->attender = stepper_create(generator->networks[0], generator->shape, errors);
        if (generator->attender == NULL) {
            return errors->status;
        }
    }
    const int64_t steps = text->n_context + result->length,
                  source = example_source_steps(generator->dataset, text->example);
    const int64_t length =
        steps - 1; /* after the start symbol; what the last symbol attends to is known before it is read */
    int32_t *ids = arena_calloc(generator->texts, (size_t)steps + 1, sizeof *ids);
    float *weights = arena_calloc(generator->texts, (size_t)((steps + 1) * source), sizeof *weights);
    if (arena_failed(generator->texts)) {
        return errors_no_memory(errors);
    }
    memcpy(ids, text->ids, sizeof *ids * (size_t)text->n_context);
    memcpy(ids + text->n_context, result->ids, sizeof *ids * (size_t)result->length);
    const void *history = ids;
    const struct stepper_rows rows = {.count = 1,
                                      .dataset = generator->dataset,
                                      .example = &text->example,
                                      .history = &history,
                                      .length = &length,
                                      .stepwise = 1};
    int64_t found;
    RONDO_TRY(stepper_begin(generator->attender, &rows, 1, errors));
    RONDO_TRY(stepper_attention(generator->attender, source, weights, &found, errors));
    if (found > 0) {
        result->attention = weights + text->n_context * source;
        result->steps = source;
    }
    return RONDO_OK;
}

/* 1 if attention is wanted: by the caller, or to replace an unknown symbol of the result. */
static int wants_attention(const struct generator *generator, const struct generate_hypothesis *result) {
    if (generator->is_real || result->length == 0 || generator->dataset == NULL ||
        dataset_find(generator->dataset, "source") == NULL) {
        return 0;
    }
    int wants = generator->attention;
    for (int64_t i = 0; i < result->length && generator->settings.unknown == GENERATE_REPLACE; i++) {
        wants |= result->ids[i] == generator->target->unknown;
    }
    return wants;
}

rondo_status generator_results(struct generator *generator, int64_t prompt, const struct generate_hypothesis **results,
                               int64_t *count, struct errors *errors) {
    const struct generate_text *text = &generator->prompts[prompt];
    const struct search_tree *tree = &generate_shard_of(generator, prompt)->tree;
    const int64_t samples = generator->samples, most = generator->settings.n_best + generator->beams;
    const int64_t wanted = generator->beams > 1 ? generator->settings.n_best : 1;
    struct search_hypothesis *found = arena_calloc(generator->texts, (size_t)most, sizeof *found);
    struct generate_hypothesis *list = arena_calloc(generator->texts, (size_t)(samples * wanted), sizeof *list);
    if (arena_failed(generator->texts)) {
        return errors_no_memory(errors);
    }
    *count = 0;
    for (int64_t sample = 0; sample < samples; sample++) {
        const struct search *search = generate_search(generator, prompt * samples + sample);
        const int64_t n = search_list(search, &generator->search, found);
        for (int64_t i = 0; i < n && i < wanted; i++) {
            struct generate_hypothesis *result = &list[(*count)++];
            RONDO_TRY(fill_result(generator, text, tree, &found[i], result, errors));
            RONDO_TRY(wants_attention(generator, result) ? find_attention(generator, text, result, errors) : RONDO_OK);
        }
    }
    *results = list;
    return RONDO_OK;
}
