/* Hypotheses as a caller gets them. */
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

rondo_status generator_results(struct generator *generator, int64_t prompt, const struct generate_hypothesis **results,
                               int64_t *count, struct errors *errors) {
    const struct generate_text *text = &generator->prompts[prompt];
    const struct search_tree *tree = &generate_shard_of(generator, prompt)->tree;
    const int64_t samples = generator->samples, most = 2 * generator->beams;
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
            RONDO_TRY(fill_result(generator, text, tree, &found[i], &list[(*count)++], errors));
        }
    }
    *results = list;
    return RONDO_OK;
}
