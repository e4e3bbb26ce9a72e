/* tests/test_draws.c: targets that are drawn from the outputs of a model (heads_sample): by the loss, or if it draws none, from
 * its predictions; and the sequences that a loss gets when it predicts.
 *
 * What the losses draw themselves is checked by `rondo plugin check` (test_plugin_check.c).
 */
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "plugin_fixture.h"
#include "tests/suite.h"
#include "train/heads.h"

/* ---- heads of one loss ---- */

static struct loss_term term;

/* The head of a loss: a plug-in by its name, or `own`. */
static struct heads open_heads(const rondo_loss *own, const char *name, const char *options, int32_t kind,
                               int64_t size) {
    struct heads heads;
    const rondo_loss *loss = own != NULL ? own : (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, name);
    term = (struct loss_term){
        .loss = loss, .options = fixture_options(&loss->base, options), .weight = 1, .origin = "built for this test"};
    const struct loss_section section = {&term, 1};
    const rondo_status status = heads_open(&heads, &section, kind, size, NULL, fixture.arena, &fixture.errors);
    ck_assert_msg(status == RONDO_OK, "%s: %s", loss->base.name, fixture_first_error());
    return heads;
}

static struct heads_call call_of(const rondo_sequences *sequences) {
    return (struct heads_call){.tape = fixture.tape,
                               .parallel = &fixture.parallel,
                               .errors = &fixture.errors,
                               .sequences = sequences,
                               .output_weight = {-1},
                               .output_bias = {-1}};
}

/* Random words for `rows` rows; those of a row depend only on `first` and its number. */
static uint32_t *words_of(const struct heads *heads, int64_t rows) {
    const int64_t count = rows * heads->sample_words;
    uint32_t *words = arena_alloc(fixture.arena, sizeof *words * ((size_t)count + 1));
    ck_assert_ptr_nonnull(words);
    rng_words(rng_stream(7, "words"), 0, count, words);
    return words;
}

static rondo_tensor targets_of(const struct heads *heads, int32_t dtype, int64_t rows) {
    return heads->target_kind == RONDO_TARGET_CLASS ? fixture_tensor(RONDO_I32, 1, rows, 0)
                                                    : fixture_tensor(dtype, 2, rows, heads->target_size);
}

static void sample(const struct heads *heads, const rondo_tensor *outputs, const uint32_t *words,
                   const rondo_tensor *targets) {
    struct heads_call call = call_of(NULL);
    tape_reset(fixture.tape);
    const rondo_status status = heads_sample(heads, &call, outputs, words, heads->sample_words, targets);
    ck_assert_msg(status == RONDO_OK, "%s: %s", term.loss->base.name, fixture_first_error());
}

/* ---- every row for itself ---- */

static const struct {
    const char *loss, *options;
    int32_t kind;
    int64_t size;
} draws[] = {
    {"softmax_cross_entropy", "-", RONDO_TARGET_CLASS, 7},
    {"negative_log_likelihood", "-", RONDO_TARGET_CLASS, 3},
    {"sampled_softmax", "samples=4", RONDO_TARGET_CLASS, 40},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_CLASS, 2},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_REAL, 5},
    {"gaussian", "-", RONDO_TARGET_REAL, 2},
    {"mixture_density", "components=3", RONDO_TARGET_REAL, 2},
    {"student_t", "-", RONDO_TARGET_REAL, 2},
    {"poisson", "-", RONDO_TARGET_REAL, 3},
    {"negative_binomial", "-", RONDO_TARGET_REAL, 1},
    {"squared_error", "-", RONDO_TARGET_REAL, 2},
    {"quantile", "-", RONDO_TARGET_REAL, 2},
};

enum { ROWS_OF_A_BATCH = 60 };

/* The same rows with the same words in reverse order draw the same bits; and those that are random, not all the same. */
START_TEST(a_draw_depends_only_on_its_row) {
    const struct heads heads = open_heads(NULL, draws[_i].loss, draws[_i].options, draws[_i].kind, draws[_i].size);
    const int64_t rows = ROWS_OF_A_BATCH, width = heads.output_size, n = heads.sample_words;
    const rondo_tensor outputs = fixture_tensor(RONDO_F32, 2, rows, width);
    const rondo_tensor reversed = fixture_tensor(RONDO_F32, 2, rows, width);
    const rondo_tensor found = targets_of(&heads, RONDO_F32, rows), again = targets_of(&heads, RONDO_F32, rows);
    const uint32_t *words = words_of(&heads, rows);
    uint32_t *turned = words_of(&heads, rows);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t k = 0; k < width; k++) {
            /* below 0, so that they may be logarithms of probabilities; the rows are in pairs */
            const double value = -1 - rng_uniform(rng_stream(3, "outputs"), (uint64_t)(row / 2 * width + k));
            tensor_set(&outputs, row * width + k, value);
            tensor_set(&reversed, (rows - 1 - row) * width + k, value);
        }
        if (n > 0) {
            memcpy(turned + (rows - 1 - row) * n, words + row * n, sizeof *words * (size_t)n);
        }
    }
    sample(&heads, &outputs, words, &found);
    sample(&heads, &reversed, turned, &again);
    const int64_t size = rondo_count(&found) / rows;
    int differs = 0;
    for (int64_t i = 0; i < rondo_count(&found); i++) {
        const double value = tensor_get(&found, i);
        ck_assert(value == tensor_get(&again, (rows - 1 - i / size) * size + i % size));
        ck_assert(isfinite(value));
        differs |= i / size % 2 == 1 && value != tensor_get(&found, i - size);
    }
    ck_assert_msg(differs == (n > 0), "%s: equal outputs draw %s", draws[_i].loss, differs ? "different" : "equal");
}
END_TEST

/* ---- a loss that draws nothing itself ---- */

/* Pearson's statistic of 20,000 draws; with 4 degrees of freedom it is above 30 with a probability of 5e-6. */
START_TEST(classes_are_drawn_by_their_probabilities) {
    enum { CLASSES = 5, DRAWS = 20000 };
    const double logits[CLASSES] = {1, 0, -1, 2, -3};
    const struct heads heads = open_heads(NULL, "softmax_cross_entropy", "-", RONDO_TARGET_CLASS, CLASSES);
    const rondo_tensor outputs = fixture_tensor(_i == 0 ? RONDO_F32 : RONDO_F64, 2, DRAWS, CLASSES);
    const rondo_tensor targets = targets_of(&heads, RONDO_F64, DRAWS);
    double counts[CLASSES] = {0}, sum = 0, statistic = 0;
    for (int64_t i = 0; i < rondo_count(&outputs); i++) {
        tensor_set(&outputs, i, logits[i % CLASSES]);
    }
    ck_assert_int_eq(heads.sample_words, 2);
    sample(&heads, &outputs, words_of(&heads, DRAWS), &targets);
    for (int64_t row = 0; row < DRAWS; row++) {
        counts[(int)tensor_get(&targets, row)]++;
    }
    for (int k = 0; k < CLASSES; k++) {
        sum += exp(logits[k]);
    }
    for (int k = 0; k < CLASSES; k++) {
        const double expected = DRAWS * exp(logits[k]) / sum;
        statistic += (counts[k] - expected) * (counts[k] - expected) / expected;
    }
    ck_assert_msg(statistic < 30, "the statistic is %g", statistic);
}
END_TEST

/* The first class whose sum of probabilities exceeds the number; the last one if rounding leaves less. */
START_TEST(a_number_draws_one_class) {
    const rondo_tensor probabilities = fixture_tensor(RONDO_F64, 2, 2, 3);
    fixture_fill(&probabilities, (const double[]){1, 0, 0, 0.25, 0, 0.75 - 1e-9});
    ck_assert_int_eq(heads_draw_class(&probabilities, 0, 0), 0);
    ck_assert_int_eq(heads_draw_class(&probabilities, 1, 0.2499), 0);
    ck_assert_int_eq(heads_draw_class(&probabilities, 1, 0.25), 2);
    ck_assert_int_eq(heads_draw_class(&probabilities, 1, 1 - 1e-12), 2);
}
END_TEST

START_TEST(numbers_without_a_distribution_are_the_prediction) {
    const struct heads heads = open_heads(NULL, "squared_error", "-", RONDO_TARGET_REAL, 2);
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 2, 2), targets = fixture_tensor(RONDO_F64, 2, 2, 2);
    fixture_fill(&outputs, (const double[]){1, -2, 3, 4});
    ck_assert_int_eq(heads.sample_words, 0);
    sample(&heads, &outputs, NULL, &targets);
    fixture_all_near(&targets, (const double[]){1, -2, 3, 4}, 0, "squared_error");
}
END_TEST

/* Predictions of several levels for each number are no targets, so the median is taken: here it is a level. */
START_TEST(numbers_with_other_predictions_are_the_median) {
    const struct heads heads = open_heads(NULL, "quantile", "levels=[0.1, 0.5, 0.9]", RONDO_TARGET_REAL, 2);
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 1, 6), targets = fixture_tensor(RONDO_F64, 2, 1, 2);
    fixture_fill(&outputs, (const double[]){1, 2, 3, 4, 5, 6});
    sample(&heads, &outputs, NULL, &targets);
    fixture_all_near(&targets, (const double[]){2, 5}, 1e-12, "quantile");
}
END_TEST

START_TEST(what_cannot_be_drawn_is_refused) {
    static const struct {
        const char *loss, *options, *part;
        int32_t kind;
        int64_t size;
    } refused[] = {
        {"ctc", "-", "the targets of the loss 'ctc' are lists, which are not drawn", RONDO_TARGET_LIST, 3},
        {"contrastive", "-", "the loss 'contrastive' predicts ", RONDO_TARGET_CLASS, 3},
    };
    const struct heads heads =
        open_heads(NULL, refused[_i].loss, refused[_i].options, refused[_i].kind, refused[_i].size);
    const rondo_tensor outputs = fixture_tensor(RONDO_F32, 2, 2, heads.output_size);
    const rondo_tensor targets = fixture_tensor(RONDO_I32, 1, 2, 0);
    struct heads_call call = call_of(NULL);
    const rondo_status status =
        heads_sample(&heads, &call, &outputs, words_of(&heads, 2), heads.sample_words, &targets);
    ck_assert_int_eq(status, RONDO_INVALID);
    fixture_error(refused[_i].part);
}
END_TEST

/* ---- predictions of a row in its sequence ---- */

static rondo_status one_output(rondo_context *ctx, const rondo_loss_call *call, int64_t *size) {
    (void)ctx;
    *size = call->target_size;
    return RONDO_OK;
}

static rondo_value difference(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs,
                              rondo_value targets) {
    (void)call;
    return rondo_apply1(ctx, "sum", "axis=-1", rondo_apply2(ctx, "sub", NULL, outputs, targets));
}

/* The sum of the outputs of a sequence so far; without sequences the output. */
static rondo_status predict_sums(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                 const rondo_tensor *predictions) {
    const rondo_sequences *sequences = call->sequences;
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(outputs); i++) {
        rondo_set(predictions, i, rondo_get(outputs, i));
    }
    for (int64_t t = 1; sequences != NULL && t < sequences->steps; t++) {
        for (int64_t row = sequences->begin[t]; row < sequences->begin[t + 1]; row++) {
            const int64_t before = sequences->begin[t - 1] + row - sequences->begin[t];
            rondo_set(predictions, row, rondo_get(predictions, row) + rondo_get(predictions, before));
        }
    }
    return RONDO_OK;
}

static const rondo_loss summing = {
    .base = {.struct_size = sizeof(rondo_loss), .kind = RONDO_KIND_LOSS, .name = "summing", .summary = "a sum"},
    .output_size = one_output,
    .record = difference,
    .predict = predict_sums,
};

/* Sequences of 3 and 2 steps. */
START_TEST(predict_gets_the_sequences) {
    const struct heads heads = open_heads(&summing, NULL, "-", RONDO_TARGET_REAL, 1);
    const rondo_sequences sequences = {.struct_size = sizeof sequences,
                                       .count = 2,
                                       .steps = 3,
                                       .lengths = (const int64_t[]){3, 2},
                                       .begin = (const int64_t[]){0, 2, 4, 5}};
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 5, 1);
    rondo_tensor predictions;
    fixture_fill(&outputs, (const double[]){1, 10, 2, 20, 3});
    struct heads_call call = call_of(&sequences);
    ck_assert_int_eq(heads_predict(&heads, &call, &outputs, &predictions), RONDO_OK);
    fixture_all_near(&predictions, (const double[]){1, 10, 3, 30, 6}, 1e-12, "predictions");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("draws");
    TCase *cases = tcase_create("draws");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, a_draw_depends_only_on_its_row, 0, ROWS(draws));
    tcase_add_loop_test(cases, classes_are_drawn_by_their_probabilities, 0, 2);
    tcase_add_test(cases, a_number_draws_one_class);
    tcase_add_test(cases, numbers_without_a_distribution_are_the_prediction);
    tcase_add_test(cases, numbers_with_other_predictions_are_the_median);
    tcase_add_loop_test(cases, what_cannot_be_drawn_is_refused, 0, 2);
    tcase_add_test(cases, predict_gets_the_sequences);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
