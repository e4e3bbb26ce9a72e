/* tests/test_widths.c: compare/widths.h finds the widths that come nearest to a budget, of real cells and of models with widths
 * that they cannot have. */
#include "compare/widths.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { MOST_LAYERS_HERE = 3, AROUND = 2, MOST_MEASURES = 10, MOST_MEASURES_SKIPPED = 35 };

/* ---- models of real cells ---- */

struct sized_model {
    const char *cells[MOST_LAYERS_HERE + 1]; /* NULL-terminated */
    int64_t given[MOST_LAYERS_HERE];
    int64_t projection; /* of all layers */
    int by_flops;
    int32_t measured;
};

static rondo_status measure_model(void *arg, const int64_t *widths, int32_t count, int64_t *value,
                                  struct errors *errors) {
    struct sized_model *sized = arg;
    struct cell_layer_settings layers[MOST_LAYERS_HERE] = {{0}};
    const struct model_input input = {.name = "input",
                                      .symbols = 50,
                                      .embedding_size = 16,
                                      .init_std = 0.1,
                                      .unknown = -1,
                                      .share = -1,
                                      .every_step = 1};
    for (int32_t i = 0; i < count; i++) {
        layers[i].cell = session_definition(sized->cells[i]);
        layers[i].hidden = widths[i];
        layers[i].projection = sized->projection;
    }
    const struct model_settings settings = {.dtype = RONDO_F32,
                                            .architecture = {1, 0},
                                            .inputs = &input,
                                            .n_inputs = 1,
                                            .layers = layers,
                                            .n_layers = count,
                                            .output_size = 2};
    struct model *model = model_create(&settings, session->registry, errors);
    sized->measured++;
    if (model == NULL) {
        return errors->status;
    }
    *value = sized->by_flops ? model_step_flops(model) : model_size(model);
    model_destroy(model);
    return RONDO_OK;
}

static const struct {
    struct sized_model model;
    int64_t budget;
} models[] = {
    {{.cells = {"rnn_tanh"}, .given = {64}}, 20000},
    {{.cells = {"lstm"}, .given = {64}}, 20000},
    {{.cells = {"gru"}, .given = {64}}, 20000},
    {{.cells = {"mgu"}, .given = {64}}, 20000},
    {{.cells = {"min_gru"}, .given = {64}}, 5000},
    {{.cells = {"lstm"}, .given = {1}}, 100000},
    {{.cells = {"lstm"}, .given = {256}}, 1500},
    {{.cells = {"lmu"}, .given = {32}}, 9999},
    {{.cells = {"rnn_tanh"}, .given = {64}, .by_flops = 1}, 30000},
    {{.cells = {"lstm"}, .given = {64}, .by_flops = 1}, 30000},
    {{.cells = {"lstm", "gru"}, .given = {64, 32}}, 50000},
    {{.cells = {"gru", "gru", "gru"}, .given = {10, 30, 20}, .by_flops = 1}, 40000},
    {{.cells = {"lstm"}, .given = {64}, .projection = 20}, 9000},
};

/* The widths when the widest layer has this one. */
static void scale(const struct sized_model *model, int32_t count, int64_t width, int64_t *widths) {
    int64_t most = 1;
    for (int32_t i = 0; i < count; i++) {
        most = model->given[i] > most ? model->given[i] : most;
    }
    for (int32_t i = 0; i < count; i++) {
        const double scaled = floor((double)model->given[i] * (double)width / (double)most + 0.5);
        widths[i] = scaled < 1 ? 1 : (int64_t)scaled;
    }
}

START_TEST(no_other_widths_come_nearer) {
    struct sized_model model = models[_i].model;
    int32_t count = 0;
    while (model.cells[count] != NULL) {
        count++;
    }
    const int64_t budget = models[_i].budget;
    const struct widths_question question = {
        .given = model.given, .count = count, .budget = budget, .measure = measure_model, .arg = &model};
    int64_t widths[MOST_LAYERS_HERE], value = 0, same = 0;
    const rondo_status status = widths_solve(&question, widths, &value, &support.errors);
    ck_assert_msg(status == RONDO_OK, "%s", support_error(&support));
    ck_assert_int_le(model.measured, MOST_MEASURES);
    support_ok(&support, measure_model(&model, widths, count, &same, &support.errors), "these widths");
    ck_assert_int_eq(value, same);

    /* Values rise with the width, so those on both sides decide. */
    int64_t widest = 0;
    for (int32_t i = 0; i < count; i++) {
        widest = widths[i] > widest ? widths[i] : widest;
    }
    for (int64_t width = widest > AROUND ? widest - AROUND : 1; width <= widest + AROUND; width++) {
        struct errors unused = {0};
        int64_t other[MOST_LAYERS_HERE], found;
        scale(&model, count, width, other);
        if (measure_model(&model, other, count, &found, &unused) == RONDO_OK) {
            ck_assert_msg(llabs(found - budget) >= llabs(value - budget), "%lld gives %lld", (long long)width,
                          (long long)found);
        }
        errors_free(&unused);
    }
}
END_TEST

/* ---- widths that a model cannot have ---- */

struct fussy_model {
    int64_t given, multiple, least, most; /* of the width */
    int64_t fixed;                        /* what does not depend on it */
    int64_t budget, expected;
    int32_t measured;
};

static rondo_status measure_fussy(void *arg, const int64_t *widths, int32_t count, int64_t *value,
                                  struct errors *errors) {
    struct fussy_model *model = arg;
    model->measured++;
    if (count != 1 || widths[0] % model->multiple != 0 || widths[0] < model->least || widths[0] > model->most) {
        return errors_add(errors, RONDO_INVALID, "hidden %lld is no multiple of %lld in its range",
                          (long long)widths[0], (long long)model->multiple);
    }
    *value = widths[0] * widths[0] + model->fixed;
    return RONDO_OK;
}

static const struct fussy_model fussy[] = {
    {64, 1, 1, 65536, 0, 10000, 100, 0},
    {64, 4, 1, 65536, 0, 10201, 100, 0},
    {48, 3, 1, 65536, 0, 10201, 102, 0}, /* 99: 9801, 102: 10404 */
    {64, 8, 1, 65536, 0, 1000, 32, 0},
    {64, 1, 33, 65536, 0, 1100, 33, 0},         /* only above a projection */
    {64, 1, 1, 100, 0, 10100, 100, 0},          /* up to a limit */
    {64, 1, 64, 64, 0, 4100, 64, 0},            /* only as given */
    {1, 1, 1, 65536, 1000000, 1100000, 316, 0}, /* most does not depend on the width */
    {65536, 1, 1, 65536, 0, 16, 4, 0},
    {1, 1, 1, 65536, 0, 4294967296, 65536, 0},
};

START_TEST(widths_that_do_not_fit_are_left_out) {
    struct fussy_model model = fussy[_i];
    const struct widths_question question = {
        .given = &model.given, .count = 1, .budget = model.budget, .measure = measure_fussy, .arg = &model};
    int64_t width = 0, value = 0;
    const rondo_status status = widths_solve(&question, &width, &value, &support.errors);
    ck_assert_msg(status == RONDO_OK, "%s", support_error(&support));
    ck_assert_int_eq(width, model.expected);
    ck_assert_int_eq(value, width * width + model.fixed);
    ck_assert_int_le(model.measured, MOST_MEASURES_SKIPPED);
    ck_assert_int_eq(support.errors.count, 0);
}
END_TEST

static const struct {
    struct fussy_model model;
    const char *error;
} too_far[] = {
    {{64, 1, 1, 65536, 2000, 1000, 0, 0},
     "e.yaml:3:10: variant 'lstm' comes no nearer to 1000 parameters than 2001, 100.1 % more, "
     "with hidden 1; expected at most 5 %"},
    {{64, 32, 1, 65536, 0, 2000, 0, 0},
     "than 1024, 48.8 % less, with hidden 32; expected at most 5 %; another width does not fit: "
     "hidden"},
    {{64, 1, 64, 64, 0, 5000, 0, 0},
     "than 4096, 18.1 % less, with hidden 64; expected at most 5 %; another width does not fit"},
    {{63, 2, 1, 65536, 0, 5000, 0, 0}, "hidden 63 is no multiple of 2"},
};

START_TEST(budgets_out_of_reach_are_errors) {
    struct fussy_model model = too_far[_i].model;
    const struct widths_question question = {.given = &model.given,
                                             .count = 1,
                                             .budget = model.budget,
                                             .measure = measure_fussy,
                                             .arg = &model,
                                             .variant = "lstm",
                                             .unit = "parameters",
                                             .where = {"e.yaml", 3, 10}};
    int64_t width, value;
    ck_assert_int_eq(widths_solve(&question, &width, &value, &support.errors), RONDO_INVALID);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_msg(strstr(support_error(&support), too_far[_i].error) != NULL, "%s", support_error(&support));
    ck_assert_int_le(model.measured, MOST_MEASURES_SKIPPED);
    errors_free(&support.errors);
}
END_TEST

static rondo_status run_out(void *arg, const int64_t *widths, int32_t count, int64_t *value, struct errors *errors) {
    int *calls = arg;
    *value = widths[0] * count;
    return ++*calls == 3 ? errors_no_memory(errors) : RONDO_OK;
}

START_TEST(other_failures_end_the_search) {
    int calls = 0;
    const int64_t given = 10;
    const struct widths_question question = {
        .given = &given, .count = 1, .budget = 5000, .measure = run_out, .arg = &calls};
    int64_t width, value;
    ck_assert_int_eq(widths_solve(&question, &width, &value, &support.errors), RONDO_NO_MEMORY);
    ck_assert_int_eq(calls, 3);
    errors_free(&support.errors);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("widths");
    TCase *cases = add_case(suite, "widths", 120, session_setup, session_teardown);
    tcase_add_loop_test(cases, no_other_widths_come_nearer, 0, ROWS(models));
    tcase_add_loop_test(cases, widths_that_do_not_fit_are_left_out, 0, ROWS(fussy));
    tcase_add_loop_test(cases, budgets_out_of_reach_are_errors, 0, ROWS(too_far));
    tcase_add_test(cases, other_failures_end_the_search);
    return run_suite(suite);
}
