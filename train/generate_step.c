/* One symbol for each text that has not ended, until all have. */
#include <string.h>

#include "train/generate_parts.h"

/* The predictions of a shard as f32, the mean of all models: row r continues row r of the last pass. */
static const float *predictions_of(struct generate_shard *shard) {
    const struct generator *generator = shard->generator;
    const rondo_tensor *first = stepper_predictions(shard->steppers[0]);
    if (generator->n_networks == 1 && first->dtype == RONDO_F32) {
        return first->data;
    }
    const int64_t count = rondo_count(first);
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int32_t n = 0; n < generator->n_networks; n++) {
            sum += tensor_get(stepper_predictions(shard->steppers[n]), i);
        }
        shard->predicted[i] = (float)(sum / generator->n_networks);
    }
    return shard->predicted;
}

/* The first row of a slot in the last pass. */
static int64_t row_of(const struct generate_shard *shard, int64_t slot) {
    const struct generator *generator = shard->generator;
    return shard->is_begun ? shard->slots[slot] / generator->samples - shard->first_prompt : slot * generator->beams;
}

/* Draws numbers for all searches: slot i gets row i of shard->drawn. */
static rondo_status draw_numbers(struct generate_shard *shard) {
    const struct generator *generator = shard->generator;
    const int64_t words = network_heads(generator->networks[0])->sample_words;
    for (int64_t slot = 0; slot < shard->n_slots; slot++) {
        const struct search *search = generate_search(generator, shard->slots[slot]);
        shard->origin[slot] = row_of(shard, slot);
        rng_words(search->stream, (uint64_t)(search->step * words), words, shard->words + slot * words);
    }
    return stepper_draw(shard->steppers[0], shard->origin, shard->n_slots, shard->words, shard->drawn, &shard->errors);
}

/* What one search chooses: `origin` and `ids` or `numbers` are those of its rows, counted from its own first row. */
static rondo_status choose(struct generate_shard *shard, int64_t slot, const float *predicted, int64_t *origin,
                           int32_t *ids, double *numbers) {
    const struct generator *generator = shard->generator;
    struct search *search = generate_search(generator, shard->slots[slot]);
    const int64_t size = generator->search.size, row = row_of(shard, slot);
    if (!generator->is_real) {
        return search_advance(search, &generator->search, &shard->tree, predicted + row * size, &shard->scratch, origin,
                              ids, &shard->errors);
    }
    for (int64_t k = 0; k < size; k++) {
        numbers[k] = generator->draws ? shard->drawn[slot * size + k]
                                      : tensor_get(stepper_predictions(shard->steppers[0]), row * size + k);
    }
    origin[0] = 0;
    return search_append(search, &generator->search, &shard->tree, numbers, &shard->errors);
}

/* Rows that continue nothing, because a search has ended or has fewer hypotheses than beams, follow its first row. */
static void fill_rows(const struct generate_shard *shard, const struct search *search, int64_t row, int64_t *origin,
                      int32_t *ids, double *numbers) {
    const int64_t size = shard->generator->is_real ? shard->generator->search.size : 0;
    for (int64_t i = 0; i < shard->generator->beams; i++) {
        if (i < search->n_live) {
            origin[i] += row;
            continue;
        }
        origin[i] = i == 0 ? row : origin[0];
        ids[i] = i == 0 ? 0 : ids[0];
        if (size > 0) {
            memset(numbers + i * size, 0, sizeof *numbers * (size_t)size);
        }
    }
}

/* Leaves out the searches that have ended, once they are half of all. */
static void drop_ended(struct generate_shard *shard) {
    const struct generator *generator = shard->generator;
    const int64_t beams = generator->beams, size = generator->is_real ? generator->search.size : 0;
    if (2 * shard->n_alive > shard->n_slots) {
        return;
    }
    int64_t kept = 0;
    for (int64_t slot = 0; slot < shard->n_slots; slot++) {
        if (generate_search(generator, shard->slots[slot])->is_done) {
            continue;
        }
        shard->slots[kept] = shard->slots[slot];
        memmove(shard->origin + kept * beams, shard->origin + slot * beams, sizeof *shard->origin * (size_t)beams);
        memmove(shard->ids + kept * beams, shard->ids + slot * beams, sizeof *shard->ids * (size_t)beams);
        memmove(shard->numbers + kept * beams * size, shard->numbers + slot * beams * size,
                sizeof *shard->numbers * (size_t)(beams * size));
        kept++;
    }
    shard->n_slots = kept;
}

static rondo_status step_shard(struct generate_shard *shard) {
    const struct generator *generator = shard->generator;
    const int64_t beams = generator->beams, size = generator->is_real ? generator->search.size : 0;
    if (shard->n_alive == 0) {
        return RONDO_OK;
    }
    const float *predicted = generator->is_real ? NULL : predictions_of(shard);
    RONDO_TRY(generator->draws ? draw_numbers(shard) : RONDO_OK);
    shard->n_alive = 0;
    for (int64_t slot = 0; slot < shard->n_slots; slot++) {
        struct search *search = generate_search(generator, shard->slots[slot]);
        int64_t *origin = shard->origin + slot * beams;
        int32_t *ids = shard->ids + slot * beams;
        double *numbers = shard->numbers + slot * beams * size;
        if (!search->is_done) {
            RONDO_TRY(choose(shard, slot, predicted, origin, ids, numbers));
        }
        fill_rows(shard, search, row_of(shard, slot), origin, ids, numbers);
        shard->n_alive += !search->is_done;
    }
    if (shard->n_alive == 0) {
        return RONDO_OK;
    }
    drop_ended(shard);
    for (int32_t n = 0; n < generator->n_networks; n++) {
        RONDO_TRY(stepper_advance(shard->steppers[n], shard->origin, shard->ids, shard->numbers, shard->n_slots * beams,
                                  &shard->errors));
    }
    shard->is_begun = 0;
    return RONDO_OK;
}

static void step_shards(void *arg, int64_t begin, int64_t end) {
    struct generator *generator = arg;
    for (int64_t i = begin; i < end; i++) {
        step_shard(generator->shards[i]);
    }
}

rondo_status generator_step(struct generator *generator, int64_t *n_alive, struct errors *errors) {
    parallel_for(&network_session(generator->networks[0])->parallel, generator->n_shards, 1, step_shards, generator);
    *n_alive = 0;
    for (int64_t i = 0; i < generator->n_shards; i++) {
        *n_alive += generator->shards[i]->n_alive;
    }
    generator->steps++;
    return generate_collect_errors(generator, errors);
}

/* ---- to the end ---- */

/* Passes on what a search has chosen in the last step. Not 0: the observer stops. */
static int observe(const struct generator *generator, const struct generate_observer *observer, int64_t number) {
    const struct search *search = generate_search(generator, number);
    const int64_t prompt = number / generator->samples, sample = number % generator->samples;
    const struct search_hypothesis *text = &search->live[0];
    if (text->length != generator->steps) { /* it has ended */
        return 0;
    }
    const struct generate_shard *shard = generate_shard_of(generator, prompt);
    if (!generator->is_real) {
        return observer->chosen(observer->arg, prompt, sample, &shard->tree.symbol[text->node], NULL, 1);
    }
    generate_to_units(generator, generate_text_of(generator, number),
                      shard->tree.numbers + text->node * shard->tree.size, shard->predicted);
    return observer->chosen(observer->arg, prompt, sample, NULL, shard->predicted, 1);
}

/* Passes on the prefixes. */
static int observe_prefixes(const struct generator *generator, const struct generate_observer *observer) {
    int stops = 0;
    for (int64_t i = 0; i < generator->n_prompts * generator->samples && !stops; i++) {
        const struct generate_text *text = generate_text_of(generator, i);
        if (text->n_prefix > 0) {
            stops = observer->chosen(observer->arg, i / generator->samples, i % generator->samples,
                                     generator->is_real ? NULL : text->prefix, generator->is_real ? text->prefix : NULL,
                                     text->n_prefix);
        }
    }
    return stops;
}

rondo_status generator_run(struct generator *generator, const struct generate_observer *observer,
                           struct errors *errors) {
    const int64_t searches = generator->n_prompts * generator->samples;
    const int observes = observer != NULL && generator->beams == 1;
    int stops = observes && generator->steps == 0 && observe_prefixes(generator, observer);
    int64_t n_alive = 0;
    for (int64_t i = 0; i < generator->n_shards; i++) {
        n_alive += generator->shards[i]->n_alive;
    }
    while (n_alive > 0 && !stops) {
        if (network_is_interrupted(generator->networks[0])) {
            return errors_add(errors, RONDO_INTERRUPTED, "interrupted after %lld symbols", (long long)generator->steps);
        }
        RONDO_TRY(generator_step(generator, &n_alive, errors));
        for (int64_t i = 0; i < searches && observes && !stops; i++) {
            stops = observe(generator, observer, i);
        }
    }
    return RONDO_OK;
}
