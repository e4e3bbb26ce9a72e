/* tests/test_generate.c: what a generator writes is what the model predicts, whatever is generated beside it.
 *
 * Models have random weights, larger than usual, so that their predictions are far from uniform. The oracle is network_predict
 * or network_score: one pass over the whole text, without held states and without a tape that is run again. Predictions in f32 are
 * the same up to rounding only where the engines divide their work in the same way, so scores are compared with a tolerance:
 * TOLERANCE for each symbol, ten times the largest difference that was seen.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/failing_allocator.h"
#include "tests/generate_fixture.h"
#include "tests/suite.h"
#include "train/choose.h"

enum { SYMBOLS = 9, LENGTH = 14, MOST_RESULTS = 64, PROMPTS = 7 };
#define TOLERANCE 2e-6

static const struct generate_fixture_settings models[] = {
    {.name = "lstm", .cell = "lstm", .layers = 1},
    {.name = "two gru", .cell = "gru", .layers = 2},
    {.name = "lstm, f64", .cell = "lstm", .layers = 1, .dtype_f64 = 1},
    {.name = "gru, tied, learnt start", .cell = "gru", .layers = 1, .tie = 1, .learn_initial_state = 1},
    {.name = "rhn", .cell = "rhn", .layers = 1},
    {.name = "layer norm, engine tape", .cell = "lstm_layer_norm", .layers = 1, .tape = 1},
    {.name = "1:N", .cell = "gru", .layers = 2, .input = 4},
    {.name = "known", .cell = "lstm", .layers = 1, .known = 2},
    {.name = "source, last", .cell = "gru", .layers = 1, .source = 11, .bridge = BRIDGE_LAST},
    {.name = "attention", .cell = "gru_bahdanau", .layers = 1, .source = 11, .bridge = BRIDGE_LEARNT},
    {.name = "attention, no bridge, engine tape", .cell = "lstm_luong", .layers = 1, .source = 11, .tape = 1},
    {.name = "attention block", .cell = "gru", .layers = 1, .block = "attention", .source = 11, .bridge = BRIDGE_LAST},
    {.name = "source, learnt", .cell = "lstm", .layers = 2, .source = 11, .bridge = BRIDGE_LEARNT},
};

/* ---- running ---- */

/* Copies of the results of one generation. */
struct result {
    int32_t ids[LENGTH + 8];
    int64_t length, scored;
    double score, rank;
    int ended;
};
struct results {
    int64_t count;
    struct result list[MOST_RESULTS];
};

static struct generator *create(const struct generate_fixture *fixture, const struct generate_settings *settings) {
    struct generator *generator = generator_create(&fixture->network, 1, fixture->shape, settings, &support.errors);
    ck_assert_msg(generator != NULL, "%s", support_error(&support));
    return generator;
}

static void collect(struct generator *generator, int64_t prompt, struct results *results) {
    const struct generate_hypothesis *found;
    support_ok(&support, generator_results(generator, prompt, &found, &results->count, &support.errors), "results");
    ck_assert_int_le(results->count, MOST_RESULTS);
    for (int64_t i = 0; i < results->count; i++) {
        struct result *to = &results->list[i];
        memset(to, 0, sizeof *to);
        ck_assert_int_le(found[i].length, LENGTH + 8);
        memcpy(to->ids, found[i].ids, sizeof *to->ids * (size_t)found[i].length);
        to->length = found[i].length;
        to->scored = found[i].scored;
        to->score = found[i].score;
        to->rank = found[i].rank;
        to->ended = found[i].ended;
    }
}

/* The results of each prompt. */
static void generate(const struct generate_fixture *fixture, const struct generate_settings *settings,
                     const struct generate_prompt *prompts, int64_t count, struct results *results) {
    struct generator *generator = create(fixture, settings);
    const struct generate_prompts all = {.dataset = fixture->shape, .prompts = prompts, .count = count};
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
    for (int64_t i = 0; i < count; i++) {
        collect(generator, i, &results[i]);
    }
    generator_destroy(generator);
}

static const int32_t texts[] = {5, 3, 8, 2, 2, 7, 4, 6, 3, 5, 5, 2};

/* Prompt `i` of a set: contexts and prefixes of several lengths, which may be empty. */
static struct generate_prompt prompt_of(int64_t i) {
    const int64_t n_context = (i * 3) % 5, n_prefix = i % 3;
    return (struct generate_prompt){.example = i % 4,
                                    .context = texts + i,
                                    .n_context = n_context,
                                    .prefix = texts + 5 - i / 2,
                                    .n_prefix = n_prefix,
                                    .number = 100 + (uint64_t)i};
}

static void check_same(const struct results *found, const struct results *expected, const char *what) {
    ck_assert_int_eq(found->count, expected->count);
    for (int64_t i = 0; i < found->count; i++) {
        ck_assert_msg(memcmp(&found->list[i], &expected->list[i], sizeof found->list[i]) == 0,
                      "%s: result %d has %d symbols and the score %.17g, expected %d and %.17g", what, (int)i,
                      (int)found->list[i].length, found->list[i].score, (int)expected->list[i].length,
                      expected->list[i].score);
    }
}

/* ---- the oracle ---- */

/* Context and text of a prompt, and then a result without its prefix; the number of symbols before the result's own. */
static int64_t whole_text(const struct generate_prompt *prompt, const struct result *result, int32_t *ids,
                          int64_t *length) {
    const int64_t n_context = prompt->n_context;
    memcpy(ids, prompt->context, sizeof *ids * (size_t)n_context);
    memcpy(ids + n_context, result->ids, sizeof *ids * (size_t)result->length);
    *length = n_context + result->length;
    if (result->ended) {
        ids[(*length)++] = FIXTURE_END;
    }
    return n_context + prompt->n_prefix;
}

/* The log-probability of what was generated, by network_score. */
static double score_of(const struct generate_fixture *fixture, const struct generate_prompt *prompt,
                       const struct result *result) {
    int32_t ids[2 * LENGTH + 16];
    int64_t length;
    const int64_t first = whole_text(prompt, result, ids, &length);
    float logarithms[2 * LENGTH + 16];
    double sum = 0;
    if (length == 0) {
        return 0;
    }
    struct dataset *data = generate_fixture_example(fixture, prompt->example, ids, length);
    if (dataset_find(data, "known") == NULL) {
        ck_assert_int_eq(network_prediction_rows(fixture->network, data, 0), length);
    }
    support_ok(&support,
               network_score(fixture->network, data, (struct batch_size){.examples = 1}, logarithms, &support.errors),
               "score");
    dataset_destroy(data);
    for (int64_t i = first; i < length; i++) {
        sum += (double)logarithms[i];
    }
    return sum;
}

static void check_scores(const struct generate_fixture *fixture, const struct generate_prompt *prompt,
                         const struct results *results, const char *what) {
    for (int64_t i = 0; i < results->count; i++) {
        const struct result *result = &results->list[i];
        const double expected = score_of(fixture, prompt, result);
        ck_assert_msg(fabs(result->score - expected) <= TOLERANCE * (double)result->scored + 1e-12,
                      "%s: result %d has the score %.9g, expected %.9g", what, (int)i, result->score, expected);
        ck_assert_int_eq(result->scored, result->length - prompt->n_prefix + result->ended);
    }
}

/* ---- greedy ---- */

/* Always the most probable symbol, by a pass over the whole text for each. */
static void naive_greedy(const struct generate_fixture *fixture, const struct generate_prompt *prompt, int64_t most,
                         struct result *result) {
    int32_t ids[2 * LENGTH + 16];
    *result = (struct result){.length = prompt->n_prefix};
    memcpy(result->ids, prompt->prefix, sizeof *ids * (size_t)prompt->n_prefix);
    while (result->length < most) {
        int64_t length;
        float p[SYMBOLS];
        whole_text(prompt, result, ids, &length);
        generate_fixture_predict(fixture, prompt->example, ids, length, p);
        int32_t best = 0;
        for (int32_t k = 1; k < SYMBOLS; k++) {
            best = p[k] > p[best] ? k : best;
        }
        result->scored++;
        if (best == FIXTURE_END) {
            result->ended = 1;
            return;
        }
        result->ids[result->length++] = best;
    }
}

START_TEST(greedy_is_the_most_probable_symbol_each_time) {
    const struct generate_settings settings = generate_fixture_greedy(LENGTH);
    struct generate_fixture fixture = generate_fixture_create(&models[_i], SYMBOLS, 2.5, 1);
    struct generate_prompt prompts[PROMPTS];
    static struct results results[PROMPTS];
    for (int64_t i = 0; i < PROMPTS; i++) {
        prompts[i] = prompt_of(i);
    }
    generate(&fixture, &settings, prompts, PROMPTS, results);
    for (int64_t i = 0; i < PROMPTS; i++) {
        struct result expected;
        naive_greedy(&fixture, &prompts[i], LENGTH, &expected);
        const struct result *found = &results[i].list[0];
        ck_assert_int_eq(results[i].count, 1);
        ck_assert_int_eq(found->length, expected.length);
        ck_assert_int_eq(found->ended, expected.ended);
        ck_assert_mem_eq(found->ids, expected.ids, sizeof expected.ids);
        check_scores(&fixture, &prompts[i], &results[i], models[_i].name);
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- independence ---- */

static const struct {
    int64_t samples, beams;
    double temperature;
} ways[] = {{1, 1, 0}, {3, 1, 1}, {1, 4, 0}};

static struct generate_settings settings_of(int way) {
    struct generate_settings settings = generate_fixture_greedy(LENGTH);
    settings.samples = ways[way].samples;
    settings.beams = settings.n_best = ways[way].beams;
    settings.temperature = ways[way].temperature;
    settings.length_power = 0.6;
    return settings;
}

/* Bits: alone, in another order, with other mates, with more threads, and from several shards. */
START_TEST(results_depend_on_nothing_beside_them) {
    enum { COPIES = 12 };
    const struct generate_fixture_settings *model = &models[_i / ROWS(ways)];
    const struct generate_settings settings = settings_of(_i % ROWS(ways));
    static struct results together[PROMPTS], other[PROMPTS * COPIES];
    struct generate_prompt prompts[PROMPTS], many[PROMPTS * COPIES];
    struct generate_fixture fixture = generate_fixture_create(model, SYMBOLS, 1.5, 2);
    for (int64_t i = 0; i < PROMPTS; i++) {
        prompts[i] = prompt_of(i);
    }
    generate(&fixture, &settings, prompts, PROMPTS, together);
    for (int64_t i = 0; i < PROMPTS; i++) {
        generate(&fixture, &settings, &prompts[i], 1, other);
        check_same(&other[0], &together[i], "alone");
        check_scores(&fixture, &prompts[i], &together[i], model->name);
    }
    for (int64_t i = 0; i < PROMPTS * COPIES; i++) {
        many[i] = prompts[PROMPTS - 1 - i % PROMPTS];
    }
    generate_fixture_destroy(&fixture);
    session_restart(3);
    fixture = generate_fixture_create(model, SYMBOLS, 1.5, 2);
    generate(&fixture, &settings, many, PROMPTS * COPIES, other);
    for (int64_t i = 0; i < PROMPTS * COPIES; i++) {
        check_same(&other[i], &together[PROMPTS - 1 - i % PROMPTS], "among many, on three threads");
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_seed_repeats_and_another_does_not) {
    struct generate_settings settings = settings_of(1);
    static struct results first[PROMPTS], again[PROMPTS];
    struct generate_prompt prompts[PROMPTS];
    struct generate_fixture fixture = generate_fixture_create(&models[0], SYMBOLS, 1, 3);
    for (int64_t i = 0; i < PROMPTS; i++) {
        prompts[i] = prompt_of(i);
        prompts[i].number = 7; /* the same prompt again and again would be the same text */
    }
    generate(&fixture, &settings, prompts, PROMPTS, first);
    generate(&fixture, &settings, prompts, PROMPTS, again);
    int same = 0;
    for (int64_t i = 0; i < PROMPTS; i++) {
        check_same(&again[i], &first[i], "the same seed");
        same += memcmp(&first[i].list[0], &first[i].list[1], sizeof first[i].list[0]) == 0;
    }
    ck_assert_int_lt(same, PROMPTS); /* the samples of a prompt differ */
    settings.seed = 1;
    generate(&fixture, &settings, prompts, PROMPTS, again);
    same = 0;
    for (int64_t i = 0; i < PROMPTS; i++) {
        same += memcmp(&again[i].list[0], &first[i].list[0], sizeof first[i].list[0]) == 0;
    }
    ck_assert_int_lt(same, PROMPTS);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- sampling ---- */

/* Pairs of symbols are drawn as often as they are probable: Pearson's statistic over all pairs, with fixed words, is below its
 * 99.9 % quantile. */
START_TEST(frequencies_agree_with_probabilities) {
    enum { FEW = 4, DRAWS = 20000 };
    struct generate_settings settings = generate_fixture_greedy(2);
    settings.temperature = 1;
    settings.samples = DRAWS;
    settings.min_length = 2;
    struct generate_fixture fixture = generate_fixture_create(&models[_i], FEW, 2, 4);
    const struct generate_prompt prompt = {.context = texts + 3, .n_context = 1, .number = 1};
    double expected[FEW][FEW] = {{0}}, total = 0;
    for (int32_t a = 0; a < FEW; a++) {
        for (int32_t b = 0; b < FEW;
             b++) { /* the end is forbidden by min_length, and the rest is drawn in proportion */
            const int32_t ids[] = {texts[3], a};
            float first[FEW], second[FEW];
            generate_fixture_predict(&fixture, 0, ids, 1, first);
            generate_fixture_predict(&fixture, 0, ids, 2, second);
            expected[a][b] = a == FIXTURE_END || b == FIXTURE_END
                                 ? 0
                                 : (double)first[a] / (1 - (double)first[FIXTURE_END]) * (double)second[b] /
                                       (1 - (double)second[FIXTURE_END]);
            total += expected[a][b];
        }
    }
    ck_assert_double_eq_tol(total, 1, 1e-5);
    struct generator *generator = create(&fixture, &settings);
    const struct generate_prompts all = {.dataset = fixture.shape, .prompts = &prompt, .count = 1};
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
    const struct generate_hypothesis *found;
    int64_t count, seen[FEW][FEW] = {{0}};
    support_ok(&support, generator_results(generator, 0, &found, &count, &support.errors), "results");
    ck_assert_int_eq(count, DRAWS);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(found[i].length, 2);
        seen[found[i].ids[0]][found[i].ids[1]]++;
    }
    double statistic = 0;
    for (int32_t a = 0; a < FEW; a++) {
        for (int32_t b = 0; b < FEW; b++) {
            const double off = (double)seen[a][b] - expected[a][b] * DRAWS;
            ck_assert(expected[a][b] > 0 || seen[a][b] == 0);
            statistic += expected[a][b] > 0 ? off * off / (expected[a][b] * DRAWS) : 0;
        }
    }
    ck_assert_msg(statistic < 26.12, "chi-square of 8 degrees is %g", statistic); /* R: qchisq(0.999, 8) */
    generator_destroy(generator);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- beam search ---- */

/* A beam search that computes every prediction by a pass over the whole text, and goes on until all hypotheses have ended or have
 * the maximum length: the least that a search which stops earlier must find. */
struct naive_text {
    struct result text;
    double rank;
};

static int best_first(const void *left, const void *right) {
    const double a = ((const struct naive_text *)left)->rank, b = ((const struct naive_text *)right)->rank;
    return (a < b) - (a > b);
}

static void naive_beam(const struct generate_fixture *fixture, const struct generate_prompt *prompt,
                       const struct generate_settings *settings, struct naive_text *finished, int64_t *n_finished) {
    const int64_t beams = settings->beams;
    static struct naive_text live[8], next[8 * SYMBOLS];
    int64_t n_live = 1, n_next;
    *n_finished = 0;
    live[0] = (struct naive_text){.text = {.length = 0}};
    while (n_live > 0) {
        n_next = 0;
        for (int64_t i = 0; i < n_live; i++) {
            int32_t ids[2 * LENGTH + 16];
            int64_t length;
            float p[SYMBOLS];
            whole_text(prompt, &live[i].text, ids, &length);
            generate_fixture_predict(fixture, prompt->example, ids, length, p);
            for (int32_t k = 0; k < SYMBOLS; k++) {
                struct naive_text *to = &next[n_next++];
                *to = live[i];
                to->rank = to->text.score += log((double)p[k]);
                to->text.scored++;
                to->text.ended = k == FIXTURE_END;
                to->text.ids[to->text.length] = k;
                to->text.length += k != FIXTURE_END;
            }
        }
        qsort(next, (size_t)n_next, sizeof *next, best_first);
        n_live = 0;
        for (int64_t i = 0; i < n_next && i < 2 * beams && n_live < beams; i++) {
            if (!next[i].text.ended) {
                live[n_live++] = next[i];
            } else {
                finished[(*n_finished)++] = next[i];
            }
        }
        for (int64_t i = 0; i < n_live && live[i].text.length == settings->max_length; i++) {
            finished[(*n_finished)++] = live[i];
            n_live = i + 1 == n_live ? 0 : n_live;
        }
    }
    for (int64_t i = 0; i < *n_finished; i++) {
        finished[i].rank = choose_normalised(finished[i].text.score, finished[i].text.scored, settings->length_power);
    }
    qsort(finished, (size_t)*n_finished, sizeof *finished, best_first);
}

/* Compares the results of a search with the best ones of all that the naive search has finished. */
static void check_beam(const struct generate_fixture *fixture, const struct generate_prompt *prompt,
                       const struct generate_settings *settings, const char *name) {
    struct results found;
    static struct naive_text expected[64];
    int64_t n_expected;
    generate(fixture, settings, prompt, 1, &found);
    naive_beam(fixture, prompt, settings, expected, &n_expected);
    ck_assert_int_eq(found.count, n_expected < settings->n_best ? n_expected : settings->n_best);
    for (int64_t k = 0; k < found.count; k++) {
        ck_assert_msg(found.list[k].length == expected[k].text.length &&
                          found.list[k].ended == expected[k].text.ended &&
                          memcmp(found.list[k].ids, expected[k].text.ids,
                                 sizeof *found.list[k].ids * (size_t)found.list[k].length) == 0,
                      "%s, example %d, beam %d, power %g: result %d of %d has the rank %.9g, expected %.9g", name,
                      (int)prompt->example, (int)settings->beams, settings->length_power, (int)k, (int)settings->n_best,
                      found.list[k].rank, expected[k].rank);
        ck_assert_double_eq_tol(found.list[k].rank, expected[k].rank, TOLERANCE * 8);
    }
    check_scores(fixture, prompt, &found, name);
}

START_TEST(a_beam_search_finds_what_its_definition_finds) {
    struct generate_settings settings = generate_fixture_greedy(8);
    settings.beams = 2 + _i % 3;
    settings.n_best = settings.beams;
    settings.length_power = _i % 2 == 0 ? 0.8 : 0;
    struct generate_fixture fixture = generate_fixture_create(&models[_i], SYMBOLS, 2, 5);
    for (int64_t i = 0; i < 4; i++) {
        struct generate_prompt prompt = prompt_of(i);
        prompt.n_prefix = 0;
        check_beam(&fixture, &prompt, &settings, models[_i].name);
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* The search stops early, and still nothing that was alive would have become one of the n best, for any length normalisation. */
START_TEST(a_beam_search_ends_when_nothing_alive_can_be_better) {
    static const double powers[] = {0, 0.6, 1, 2};
    struct generate_fixture fixture = generate_fixture_create(&models[6], SYMBOLS, 1.5 + _i % 3, 100 + (uint64_t)_i);
    for (int64_t i = 0; i < 16; i++) {
        struct generate_settings settings = generate_fixture_greedy(8);
        settings.beams = 2 + i % 3;
        settings.n_best = 1 + i % settings.beams;
        settings.length_power = powers[i / 4];
        check_beam(&fixture, &(struct generate_prompt){.example = i % 4, .context = texts, .prefix = texts}, &settings,
                   models[6].name);
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- limits ---- */

START_TEST(texts_keep_to_their_limits) {
    struct generate_settings settings = settings_of(_i);
    settings.min_length = 5;
    settings.max_length = 9;
    settings.unknown = GENERATE_FORBID;
    struct generate_fixture fixture = generate_fixture_create(&models[1], SYMBOLS, 2, 6);
    static struct results results[PROMPTS];
    struct generate_prompt prompts[PROMPTS];
    for (int64_t i = 0; i < PROMPTS; i++) {
        prompts[i] = prompt_of(i);
    }
    generate(&fixture, &settings, prompts, PROMPTS, results);
    for (int64_t i = 0; i < PROMPTS; i++) {
        for (int64_t k = 0; k < results[i].count; k++) {
            const struct result *result = &results[i].list[k];
            ck_assert_int_ge(result->length, 5);
            ck_assert_int_le(result->length, 9);
            ck_assert(result->ended || result->length == 9);
            ck_assert_mem_eq(result->ids, prompts[i].prefix, sizeof(int32_t) * (size_t)prompts[i].n_prefix);
            for (int64_t t = prompts[i].n_prefix; t < result->length; t++) {
                ck_assert_int_ne(result->ids[t], FIXTURE_UNKNOWN);
                ck_assert_int_ne(result->ids[t], FIXTURE_END);
            }
        }
    }
    settings.max_length = settings.min_length = 1; /* shorter than some prefixes */
    generate(&fixture, &settings, prompts, PROMPTS, results);
    for (int64_t i = 0; i < PROMPTS; i++) {
        const int64_t expected = prompts[i].n_prefix > 1 ? prompts[i].n_prefix : 1;
        ck_assert_int_eq(results[i].list[0].length, expected);
        ck_assert_int_eq(results[i].list[0].scored, expected - prompts[i].n_prefix);
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* Every pair of symbols, of the context as well, occurs once; and the text ends when nothing else is left. */
START_TEST(no_sequence_occurs_twice) {
    struct generate_settings settings = generate_fixture_greedy(LENGTH);
    settings.no_repeat = 2;
    settings.min_length = LENGTH;
    settings.temperature = _i;
    struct generate_fixture fixture = generate_fixture_create(&models[0], 4, 3, 7);
    const struct generate_prompt prompt = {.context = (const int32_t[]){2, 3, 2}, .n_context = 3};
    struct results found;
    generate(&fixture, &settings, &prompt, 1, &found);
    int32_t ids[LENGTH + 3] = {2, 3, 2};
    const int64_t length = 3 + found.list[0].length;
    memcpy(ids + 3, found.list[0].ids, sizeof *ids * (size_t)found.list[0].length);
    for (int64_t i = 0; i + 1 < length; i++) {
        for (int64_t k = 0; k < i; k++) {
            ck_assert(ids[i] != ids[k] || ids[i + 1] != ids[k + 1]);
        }
    }
    ck_assert_int_lt(length, 12); /* there are 9 pairs without the end */
    ck_assert_int_eq(found.list[0].ended, 0);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- continuing ---- */

/* The text after a text is that of a prompt that has all of it as its context. */
START_TEST(a_conversation_goes_on) {
    struct generate_settings settings = generate_fixture_greedy(6);
    struct generate_fixture fixture = generate_fixture_create(&models[_i], SYMBOLS, 2.5, 8);
    struct generate_prompt prompt = prompt_of(2);
    struct results found, expected;
    int32_t ids[64];
    int64_t length = 0;
    struct generator *generator = create(&fixture, &settings);
    const struct generate_prompts all = {.dataset = fixture.shape, .prompts = &prompt, .count = 1};
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    memcpy(ids, prompt.context, sizeof *ids * (size_t)prompt.n_context);
    length = prompt.n_context;
    for (int64_t turn = 0; turn < 4; turn++) {
        support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
        collect(generator, 0, &found);
        if (turn > 0) {
            const struct generate_prompt whole = {.example = prompt.example, .context = ids, .n_context = length};
            generate(&fixture, &settings, &whole, 1, &expected);
            ck_assert_int_eq(found.list[0].length, expected.list[0].length);
            ck_assert_mem_eq(found.list[0].ids, expected.list[0].ids, sizeof found.list[0].ids);
            ck_assert_double_eq_tol(found.list[0].score, expected.list[0].score, TOLERANCE * 6);
        }
        memcpy(ids + length, found.list[0].ids, sizeof *ids * (size_t)found.list[0].length);
        length += found.list[0].length;
        if (found.list[0].ended) {
            ids[length++] = FIXTURE_END;
        }
        const struct generate_prompt next = {.context = texts + turn, .n_context = turn};
        memcpy(ids + length, next.context, sizeof *ids * (size_t)turn);
        length += turn;
        support_ok(&support, generator_continue(generator, &next, &support.errors), "continue");
    }
    generator_destroy(generator);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- observers ---- */

struct seen {
    int64_t lengths[PROMPTS][4], last, most;
    int32_t ids[PROMPTS][4][LENGTH + 8];
};

static int see(void *arg, int64_t prompt, int64_t sample, const int32_t *ids, const float *numbers, int64_t count) {
    struct seen *seen = arg;
    ck_assert_ptr_null(numbers);
    memcpy(seen->ids[prompt][sample] + seen->lengths[prompt][sample], ids, sizeof *ids * (size_t)count);
    seen->lengths[prompt][sample] += count;
    return --seen->most == 0;
}

START_TEST(an_observer_sees_each_symbol_and_may_stop) {
    const struct generate_settings settings = settings_of(1);
    struct generate_fixture fixture = generate_fixture_create(&models[0], SYMBOLS, 1.5, 9);
    struct generate_prompt prompts[PROMPTS];
    for (int64_t i = 0; i < PROMPTS; i++) {
        prompts[i] = prompt_of(i);
    }
    const struct generate_prompts all = {.prompts = prompts, .count = PROMPTS};
    for (int64_t most = 0; most < 30; most += 29) {
        static struct seen seen;
        memset(&seen, 0, sizeof seen);
        seen.most = most;
        struct generator *generator = create(&fixture, &settings);
        const struct generate_observer observer = {&seen, see};
        support_ok(&support, generator_start(generator, &all, &support.errors), "start");
        support_ok(&support, generator_run(generator, &observer, &support.errors), "run");
        int64_t total = 0;
        for (int64_t i = 0; i < PROMPTS; i++) {
            struct results found;
            collect(generator, i, &found);
            for (int64_t k = 0; k < found.count; k++) {
                const int64_t length = seen.lengths[i][k];
                ck_assert(most > 0 ? length <= found.list[k].length : length == found.list[k].length);
                ck_assert_mem_eq(found.list[k].ids, seen.ids[i][k], sizeof(int32_t) * (size_t)length);
                total += length;
            }
        }
        ck_assert(most == 0 || total <= 35);
        generator_destroy(generator);
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- several models ---- */

START_TEST(several_models_choose_by_their_mean) {
    const struct generate_settings settings = generate_fixture_greedy(1);
    struct generate_fixture a = generate_fixture_create(&models[0], SYMBOLS, 3, 10);
    struct generate_fixture b = generate_fixture_create(&models[1], SYMBOLS, 3, 11);
    struct network *both[] = {a.network, b.network};
    for (int64_t i = 0; i < PROMPTS; i++) {
        float of_a[SYMBOLS], of_b[SYMBOLS];
        const struct generate_prompt prompt = {.context = texts + i, .n_context = 3};
        const struct generate_prompts all = {.prompts = &prompt, .count = 1};
        struct results found;
        generate_fixture_predict(&a, 0, texts + i, 3, of_a);
        generate_fixture_predict(&b, 0, texts + i, 3, of_b);
        int32_t best = 0;
        for (int32_t k = 1; k < SYMBOLS; k++) {
            best = of_a[k] + of_b[k] > of_a[best] + of_b[best] ? k : best;
        }
        struct generator *generator = generator_create(both, 2, a.shape, &settings, &support.errors);
        ck_assert_msg(generator != NULL, "%s", support_error(&support));
        support_ok(&support, generator_start(generator, &all, &support.errors), "start");
        support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
        collect(generator, 0, &found);
        ck_assert(best == FIXTURE_END ? found.list[0].ended : found.list[0].ids[0] == best);
        ck_assert_double_eq_tol(found.list[0].score, log(((double)of_a[best] + (double)of_b[best]) / 2), TOLERANCE);
        generator_destroy(generator);
    }
    generate_fixture_destroy(&a);
    generate_fixture_destroy(&b);
}
END_TEST

/* ---- numbers ---- */

START_TEST(numbers_follow_their_predictions) {
    const struct generate_fixture_settings model = {.name = "numbers", .cell = "gru", .layers = 1, .numbers = 2};
    const struct generate_settings settings = generate_fixture_greedy(5);
    struct generate_fixture fixture = generate_fixture_create(&model, 2, 1, 12);
    const float context[] = {0.5F, -1, 2, 0.25F};
    const struct generate_prompt prompt = {.context = context, .n_context = 2};
    const struct generate_prompts all = {.prompts = &prompt, .count = 1};
    struct generator *generator = create(&fixture, &settings);
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
    const struct generate_hypothesis *found;
    int64_t count;
    support_ok(&support, generator_results(generator, 0, &found, &count, &support.errors), "results");
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(found[0].length, 5);
    float targets[2 * 8] = {0.5F, -1, 2, 0.25F}, predictions[2 * 8];
    memcpy(targets + 4, found[0].numbers, sizeof(float) * 10);
    struct dataset *data = generate_fixture_example(&fixture, 0, targets, 7);
    support_ok(&support, network_predict(fixture.network, data, 1, predictions, NULL, &support.errors), "predict");
    for (int i = 0; i < 10; i++) { /* the prediction of each step, given those before it */
        ck_assert_double_eq_tol((double)found[0].numbers[i], (double)predictions[4 + i], 1e-5);
    }
    dataset_destroy(data);
    generator_destroy(generator);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* Drawn numbers are normal around the prediction of the first step, and do not depend on what is drawn beside them. */
START_TEST(numbers_are_drawn_from_their_distribution) {
    enum { DRAWS = 4000 };
    static const struct generate_fixture_settings model = {
        .name = "gaussian", .cell = "gru", .layers = 1, .numbers = 1, .loss = "gaussian"};
    struct generate_settings settings = generate_fixture_greedy(2);
    settings.temperature = 1;
    settings.samples = DRAWS;
    struct generate_fixture fixture = generate_fixture_create(&model, 2, 1, 14);
    const struct generate_prompt prompts[] = {{.number = 5}, {.number = 6}};
    const struct generate_hypothesis *found[2];
    struct generator *generator = create(&fixture, &settings), *alone = create(&fixture, &settings);
    for (int turn = 0; turn < 2; turn++) {
        struct generator *on = turn == 0 ? generator : alone;
        const struct generate_prompts all = {.prompts = prompts + turn, .count = 2 - turn};
        int64_t count;
        support_ok(&support, generator_start(on, &all, &support.errors), "start");
        support_ok(&support, generator_run(on, NULL, &support.errors), "run");
        support_ok(&support, generator_results(on, 1 - turn, &found[turn], &count, &support.errors), "results");
        ck_assert_int_eq(count, DRAWS);
    }
    float predictions[2] = {NAN, NAN};
    const float targets[] = {0, 0};
    struct dataset *data = generate_fixture_example(&fixture, 0, targets, 1);
    const struct network_interval interval = {.level = 0.6826895, .lower = &predictions[0], .upper = &predictions[1]};
    float mean_of_model;
    support_ok(&support, network_predict(fixture.network, data, 1, &mean_of_model, &interval, &support.errors),
               "predict");
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < DRAWS; i++) {
        ck_assert_int_eq(found[0][i].length, 2);
        ck_assert_mem_eq(found[0][i].numbers, found[1][i].numbers, 2 * sizeof(float));
        sum += (double)found[0][i].numbers[0];
        squares += pow((double)found[0][i].numbers[0] - (double)mean_of_model, 2);
    }
    const double deviation = ((double)predictions[1] - (double)predictions[0]) / 2;
    ck_assert_double_eq_tol(sum / DRAWS, (double)mean_of_model, 4 * deviation / sqrt(DRAWS));
    ck_assert_double_eq_tol(sqrt(squares / DRAWS), deviation, 4 * deviation / sqrt(2 * DRAWS));
    dataset_destroy(data);
    generator_destroy(generator);
    generator_destroy(alone);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- attention ---- */

START_TEST(attention_is_a_distribution_over_the_source) {
    struct generate_settings settings = generate_fixture_greedy(6);
    settings.min_length = 6;
    struct generate_fixture fixture = generate_fixture_create(&models[_i], SYMBOLS, 2.5, 15);
    const int attends = strstr(models[_i].name, "attention") != NULL;
    struct generate_prompt prompts[3];
    double most = 0;
    for (int64_t i = 0; i < 3; i++) {
        prompts[i] = prompt_of(i);
    }
    const struct generate_prompts all = {.dataset = fixture.shape, .prompts = prompts, .count = 3, .attention = 1};
    struct generator *generator = create(&fixture, &settings);
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    support_ok(&support, generator_run(generator, NULL, &support.errors), "run");
    for (int64_t i = 0; i < 3; i++) {
        const struct generate_hypothesis *found;
        int64_t count;
        support_ok(&support, generator_results(generator, i, &found, &count, &support.errors), "results");
        ck_assert_int_eq(found[0].attention != NULL, attends);
        ck_assert_int_eq(found[0].steps, attends ? example_source_steps(fixture.shape, prompts[i].example) : 0);
        for (int64_t t = 0; attends && t < found[0].length; t++) {
            double sum = 0;
            for (int64_t s = 0; s < found[0].steps; s++) {
                const double weight = (double)found[0].attention[t * found[0].steps + s];
                ck_assert(weight >= 0);
                sum += weight;
                most = fmax(most, weight * (double)found[0].steps);
            }
            ck_assert_double_eq_tol(sum, 1, 1e-5);
        }
    }
    ck_assert(!attends || most > 1.01); /* not the same weight everywhere */
    generator_destroy(generator);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- allocations ---- */

START_TEST(a_step_calls_no_allocator) {
    struct generate_settings settings = settings_of(_i);
    settings.max_length = settings.min_length = 400;
    struct generate_fixture fixture = generate_fixture_create(&models[1], SYMBOLS, 1, 13);
    const struct generate_prompt prompt = prompt_of(3);
    const struct generate_prompts all = {.prompts = &prompt, .count = 1};
    struct generator *generator = create(&fixture, &settings);
    support_ok(&support, generator_start(generator, &all, &support.errors), "start");
    int64_t n_alive = 0;
    rondo_status status = RONDO_OK;
    for (int i = 0; i < 3; i++) { /* the second step records the tape, and the third packs weights */
        status |= generator_step(generator, &n_alive, &support.errors);
    }
    const long before = allocator_calls();
    for (int i = 0; i < 300; i++) {
        status |= generator_step(generator, &n_alive, &support.errors);
    }
    const long made = allocator_calls() - before;
    support_ok(&support, status, "steps");
    ck_assert_int_gt(n_alive, 0);
    ck_assert_msg(!ALLOCATOR_COUNTS || made == 0, "%ld calls of the allocator in 300 steps", made);
    generator_destroy(generator);
    generate_fixture_destroy(&fixture);
}
END_TEST

/* Everything from the creation to the results, without its first, second, … allocation, is refused without a crash. */
START_TEST(a_generator_that_runs_out_of_memory_fails) {
    const struct generate_fixture_settings *model = &models[_i == 0 ? 1 : 9];
    struct generate_settings settings = settings_of(_i == 0 ? 1 : 2);
    settings.max_length = 4;
    settings.repetition = 1.5;
    struct generate_fixture fixture = generate_fixture_create(model, SYMBOLS, 1.5, 16);
    const struct generate_prompt prompts[] = {prompt_of(3), prompt_of(4)};
    const struct generate_prompts all = {.dataset = fixture.shape, .prompts = prompts, .count = 2, .attention = 1};
    long left = ALLOCATOR_COUNTS ? 0 : 1; /* 0: an allocation has failed */
    for (long number = 1; left == 0; number++) {
        const struct generate_hypothesis *found;
        int64_t count;
        allocator_fail(number);
        struct generator *generator = generator_create(&fixture.network, 1, fixture.shape, &settings, &support.errors);
        rondo_status status =
            generator == NULL ? support.errors.status : generator_start(generator, &all, &support.errors);
        status = status == RONDO_OK ? generator_run(generator, NULL, &support.errors) : status;
        status = status == RONDO_OK ? generator_results(generator, 1, &found, &count, &support.errors) : status;
        left = allocator_fail(0);
        generator_destroy(generator);
        if (status != RONDO_OK) { /* an arena that is reset can do without a larger block */
            ck_assert_msg(status == RONDO_NO_MEMORY && support.errors.count > 0, "allocation %ld: %s", number,
                          support_error(&support));
            errors_free(&support.errors);
        }
    }
    generate_fixture_destroy(&fixture);
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_cannot_generate_is_refused) {
    static const struct generate_fixture_settings numbers = {
        .name = "numbers", .cell = "gru", .layers = 1, .numbers = 1};
    struct generate_fixture classes = generate_fixture_create(&models[0], SYMBOLS, 1, 1);
    struct generate_fixture others = generate_fixture_create(&models[0], SYMBOLS + 1, 1, 1);
    struct generate_fixture real = generate_fixture_create(&numbers, 2, 1, 1);
    struct generate_settings beam = settings_of(2), wide = beam, greedy = settings_of(0);
    wide.beams = SYMBOLS + 1;
    struct network *different[] = {classes.network, others.network}, *alone[] = {real.network};
    const struct {
        struct network *const *networks;
        int32_t count;
        const struct dataset *shape;
        const struct generate_settings *settings;
        const char *expected;
    } rows[] = {
        {different, 1, classes.shape, &wide, "beam"},
        {different, 2, classes.shape, &greedy, "different targets: 9 and 10 classes"},
        {alone, 1, real.shape, &beam, "a beam search needs targets that are classes"},
    };
    for (int i = 0; i < ROWS(rows); i++) {
        ck_assert_ptr_null(
            generator_create(rows[i].networks, rows[i].count, rows[i].shape, rows[i].settings, &support.errors));
        ck_assert_int_eq(support.errors.status, RONDO_INVALID);
        ck_assert_msg(strstr(support_error(&support), rows[i].expected) != NULL, "%s", support_error(&support));
        errors_free(&support.errors);
    }
    generate_fixture_destroy(&classes);
    generate_fixture_destroy(&others);
    generate_fixture_destroy(&real);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("generate");
    TCase *cases = add_case(suite, "generate", 120, session_setup, session_teardown);
    tcase_add_loop_test(cases, greedy_is_the_most_probable_symbol_each_time, 0, ROWS(models));
    tcase_add_loop_test(cases, results_depend_on_nothing_beside_them, 0, ROWS(models) * ROWS(ways));
    tcase_add_test(cases, a_seed_repeats_and_another_does_not);
    tcase_add_loop_test(cases, frequencies_agree_with_probabilities, 0, 4);
    tcase_add_loop_test(cases, a_beam_search_finds_what_its_definition_finds, 0, ROWS(models));
    tcase_add_loop_test(cases, a_beam_search_ends_when_nothing_alive_can_be_better, 0, 12);
    tcase_add_loop_test(cases, texts_keep_to_their_limits, 0, ROWS(ways));
    tcase_add_loop_test(cases, no_sequence_occurs_twice, 0, 2);
    tcase_add_loop_test(cases, a_conversation_goes_on, 0, 6);
    tcase_add_test(cases, an_observer_sees_each_symbol_and_may_stop);
    tcase_add_test(cases, several_models_choose_by_their_mean);
    tcase_add_test(cases, numbers_follow_their_predictions);
    tcase_add_test(cases, numbers_are_drawn_from_their_distribution);
    tcase_add_loop_test(cases, attention_is_a_distribution_over_the_source, 8, ROWS(models));
    tcase_add_loop_test(cases, a_step_calls_no_allocator, 0, ROWS(ways));
    tcase_add_loop_test(cases, a_generator_that_runs_out_of_memory_fails, 0, 2);
    tcase_add_test(cases, what_cannot_generate_is_refused);
    return run_suite(suite);
}
