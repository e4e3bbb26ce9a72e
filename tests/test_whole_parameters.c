/* tests/test_whole_parameters.c: optimizers and wrappers that update a parameter as a whole, in its own shape: sums
 * over more than one range, slots with a chosen shape, matrices.
 *
 * Their results on small parameters are in golden/optimizers_papers.txt.
 */
#include <math.h>
#include <stdio.h>

#include "parameter_fixture.h"
#include "tests/suite.h"

/* ---- large parameters ---- */

/* A tile, and the numbers of tiles below each other and side by side in a large parameter. A range of the optimizers
 * has 16384 elements: each of the shapes has several. */
enum { TILE_ROWS = 7, TILE_COLUMNS = 5, TILE_SIZE = TILE_ROWS * TILE_COLUMNS, UPDATES = 3 };
static const struct { int64_t below, beside; } tilings[] = {{1000, 1}, {1, 1000}, {32, 32}};

/* What sums over rows, columns or everything by means or by ratios of norms: a parameter made of copies of a tile then
 * goes as the tile does. */
static const char *const of_tiles[] = {
    "lamb lr=0.1 weight_decay=0.1",
    "lamb lr=0.1 max_trust_ratio=0.5",
    "adafactor lr=0.3",
    "adafactor lr=0.3 weight_decay=0.1 eps1=0.1 d=1.5",
    "centralise - | sgd lr=0.1",
    "centralise - | lamb lr=0.1",
    "muon matrices=false adamw_lr=0.1",
};

/* Element `index` of a parameter of tiles is element source(index) of the tile. */
static int64_t source(int64_t index, int64_t columns) {
    return index / columns % TILE_ROWS * TILE_COLUMNS + index % columns % TILE_COLUMNS;
}

static void fill_with_tiles(const rondo_tensor *tensor, double frequency, double phase) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, sin(frequency * (double)source(i, tensor->shape[1]) + phase));
    }
}

static struct parameter_fixture after_updates(const char *text, int32_t dtype, int64_t rows, int64_t columns) {
    double *zeros = arena_calloc(fixture.arena, (size_t)(rows * columns), sizeof *zeros);
    ck_assert_ptr_nonnull(zeros);
    struct parameter_fixture parameter = parameter_fixture_create(text, dtype, 2, (int64_t[]){rows, columns}, zeros);
    fill_with_tiles(&parameter.value, 1, 1);
    for (int64_t step = 1; step <= UPDATES; step++) {
        fill_with_tiles(&parameter.gradient, 1 + (double)step, 2);
        parameter_fixture_update_whole(&parameter, step, text);
    }
    return parameter;
}

START_TEST(parameter_of_copies_goes_as_one_copy) {
    for (int p = 0; p < FIXTURE_PRECISIONS; p++) {
        const struct fixture_precision *precision = &fixture_precisions[p];
        const struct parameter_fixture small = after_updates(of_tiles[_i], precision->dtype, TILE_ROWS, TILE_COLUMNS);
        for (int k = 0; k < ROWS(tilings); k++) {
            const int64_t columns = tilings[k].beside * TILE_COLUMNS;
            const struct parameter_fixture large =
                after_updates(of_tiles[_i], precision->dtype, tilings[k].below * TILE_ROWS, columns);
            for (int64_t i = 0; i < rondo_count(&large.value); i++) {
                fixture_near(tensor_get(&large.value, i), tensor_get(&small.value, source(i, columns)),
                             precision->tolerance, of_tiles[_i], i);
            }
        }
    }
}
END_TEST

static const char *const whole[] = {
    "lamb lr=0.1 weight_decay=0.1", "adafactor lr=0.3 weight_decay=0.1", "centralise - | sgd lr=0.1",
    "muon lr=0.1 weight_decay=0.1", "muon matrices=false adamw_lr=0.1",
};

START_TEST(large_parameter_has_the_same_bits_on_any_number_of_threads) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        fixture.parallel.threads = 1;
        const struct parameter_fixture alone = after_updates(whole[_i], dtype, 280, 200);
        fixture.parallel.threads = 4;
        const struct parameter_fixture together = after_updates(whole[_i], dtype, 280, 200);
        ck_assert_mem_eq(alone.value.data, together.value.data, tensor_bytes(&alone.value));
    }
}
END_TEST

/* ---- muon ---- */

static const int64_t matrices[][2] = {{5, 9}, {9, 5}, {7, 7}, {1, 6}, {6, 1}, {200, 90}, {90, 200}};

/* The dot product of two vectors of one matrix: rows of a wide one, columns of a tall one. */
static double dot(const rondo_tensor *matrix, int64_t i, int64_t j) {
    const int64_t rows = matrix->shape[0], columns = matrix->shape[1];
    double sum = 0;
    for (int64_t k = 0; k < (rows > columns ? rows : columns); k++) {
        sum += rows > columns ? tensor_get(matrix, k * columns + i) * tensor_get(matrix, k * columns + j)
                              : tensor_get(matrix, i * columns + k) * tensor_get(matrix, j * columns + k);
    }
    return sum;
}

/* One update from 0 with learning rate 1 and without weight decay: the parameter is then minus the step. */
static struct parameter_fixture after_one_step(const char *iteration, const int64_t *shape) {
    const double zeros[200 * 90] = {0};
    char text[200];
    snprintf(text, sizeof text, "muon lr=1 momentum=0 nesterov=false %s", iteration);
    struct parameter_fixture parameter = parameter_fixture_create(text, RONDO_F64, 2, shape, zeros);
    for (int64_t i = 0; i < shape[0] * shape[1]; i++) {
        tensor_set(&parameter.gradient, i, sin(1.3 * (double)(i * i)));
    }
    parameter_fixture_update_whole(&parameter, 1, text);
    return parameter;
}

/* The square of the factor on the learning rate. */
static double squared_factor(const int64_t *shape) {
    return shape[1] > shape[0] ? (double)shape[1] / (double)shape[0] : 1;
}

/* With the coefficients 1, 0 and 0 the iteration leaves what it gets: the gradient divided by its norm. */
START_TEST(muon_divides_by_the_norm_of_the_whole_matrix) {
    const struct parameter_fixture parameter = after_one_step("ns_steps=1 ns_coefficients=[1,0,0]", matrices[_i]);
    double squares = 0;
    for (int64_t i = 0; i < rondo_count(&parameter.value); i++) {
        squares += tensor_get(&parameter.value, i) * tensor_get(&parameter.value, i);
    }
    fixture_near(squares, squared_factor(matrices[_i]), 1e-12, "squared norm of the step", 0);
}
END_TEST

/* With the coefficients 1.5, -0.5 and 0 the iteration converges: every singular value of the step becomes 1, times the
 * factor on the learning rate. */
START_TEST(muon_steps_along_an_orthogonal_matrix) {
    const int64_t rows = matrices[_i][0], columns = matrices[_i][1];
    const struct parameter_fixture parameter = after_one_step("ns_steps=99 ns_coefficients=[1.5,-0.5,0]", matrices[_i]);
    const int64_t side = rows < columns ? rows : columns;
    for (int64_t i = 0; i < side; i++) {
        for (int64_t j = 0; j < side; j++) {
            const double expected = i == j ? squared_factor(matrices[_i]) : 0;
            fixture_near(dot(&parameter.value, i, j), expected, 1e-9, "product of two rows", i);
        }
    }
    double along = 0;
    for (int64_t i = 0; i < rows * columns; i++) {
        along -= tensor_get(&parameter.value, i) * tensor_get(&parameter.gradient, i);
    }
    ck_assert_double_gt(along, 0);
}
END_TEST

START_TEST(muon_takes_three_coefficients) {
    const rondo_optimizer *muon = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, "muon");
    struct host_call host = fixture_host("optimizer 'muon'");
    ck_assert_int_eq(muon->check(&host.base, fixture_options(&muon->base, "-")), RONDO_OK);
    ck_assert_int_eq(muon->check(&host.base, fixture_options(&muon->base, "ns_coefficients=[2,-1.5]")), RONDO_INVALID);
    fixture_error("'ns_coefficients' has 2 numbers, expected 3: a, b and c");
}
END_TEST

/* ---- slots, and special cases ---- */

static const struct {
    const char *text;
    int32_t ndim;
    int64_t shape[3];
    int32_t slot;
    const char *name;
    int32_t slot_ndim;
    int64_t slot_shape[3];
} chosen[] = {
    {"adafactor -", 2, {3, 4}, 0, "row", 1, {3}},
    {"adafactor -", 2, {3, 4}, 1, "column", 1, {4}},
    {"adafactor -", 2, {3, 4}, 2, "second_moment", 1, {0}},
    {"adafactor -", 3, {2, 3, 4}, 0, "row", 2, {2, 3}},
    {"adafactor -", 3, {2, 3, 4}, 1, "column", 2, {2, 4}},
    {"adafactor -", 1, {4}, 0, "row", 1, {0}},
    {"adafactor -", 1, {4}, 2, "second_moment", 1, {4}},
    {"adafactor -", 0, {0}, 2, "second_moment", 0, {0}},
    {"muon -", 2, {3, 4}, 0, "first_moment", 2, {3, 4}},
    {"muon -", 2, {3, 4}, 1, "second_moment", 1, {0}},
    {"muon -", 1, {4}, 1, "second_moment", 1, {4}},
    {"muon -", 3, {2, 3, 4}, 1, "second_moment", 3, {2, 3, 4}},
    {"muon matrices=false", 2, {3, 4}, 1, "second_moment", 2, {3, 4}},
};

START_TEST(slots_are_as_large_as_they_need_to_be) {
    const double zeros[24] = {0};
    const struct parameter_fixture parameter =
        parameter_fixture_create(chosen[_i].text, RONDO_F32, chosen[_i].ndim, chosen[_i].shape, zeros);
    ck_assert_str_eq(parameter.parts[0].optimizer->slots[chosen[_i].slot].name, chosen[_i].name);
    const rondo_tensor *slot = &parameter.parts[0].slots[chosen[_i].slot];
    ck_assert_int_eq(slot->ndim, chosen[_i].slot_ndim);
    for (int32_t d = 0; d < slot->ndim; d++) {
        ck_assert_int_eq(slot->shape[d], chosen[_i].slot_shape[d]);
    }
}
END_TEST

START_TEST(empty_parameter_is_left) {
    const int64_t shapes[][2] = {{0, 4}, {3, 0}};
    for (int k = 0; k < ROWS(shapes); k++) {
        struct parameter_fixture parameter = parameter_fixture_create(whole[_i], RONDO_F32, 2, shapes[k], NULL);
        parameter_fixture_update_whole(&parameter, 1, whole[_i]);
    }
}
END_TEST

/* The norm of the parameter is 0, and so would be the step: a bias that starts at 0 would never change. */
START_TEST(lamb_moves_a_parameter_of_zeros) {
    struct parameter_fixture parameter =
        parameter_fixture_create("lamb lr=0.5 epsilon=1e-30", RONDO_F64, 1, (int64_t[]){2}, (double[]){0, 0});
    fixture_fill(&parameter.gradient, (double[]){3, -4});
    parameter_fixture_update_whole(&parameter, 1, "lamb");
    fixture_all_near(&parameter.value, (double[]){-0.5, 0.5}, 1e-12, "value");
}
END_TEST

static const struct {
    const char *options;
    int64_t step;
    int wanted;
} samples[] = {
    {"-", 1, 1},        {"-", 2, 0},        {"-", 10, 0},       {"-", 11, 1},       {"-", 21, 1},
    {"period=1", 1, 1}, {"period=1", 2, 1}, {"period=3", 3, 0}, {"period=3", 4, 1},
};

START_TEST(sophia_asks_for_drawn_targets_at_the_first_of_each_period) {
    const rondo_optimizer *sophia = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, "sophia");
    const void *options = fixture_options(&sophia->base, samples[_i].options);
    ck_assert_int_eq(sophia->wants_sampled(options, samples[_i].step), samples[_i].wanted);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("whole_parameters");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, parameter_of_copies_goes_as_one_copy, 0, ROWS(of_tiles));
    tcase_add_loop_test(cases, large_parameter_has_the_same_bits_on_any_number_of_threads, 0, ROWS(whole));
    tcase_add_loop_test(cases, muon_steps_along_an_orthogonal_matrix, 0, ROWS(matrices));
    tcase_add_loop_test(cases, muon_divides_by_the_norm_of_the_whole_matrix, 0, ROWS(matrices));
    tcase_add_test(cases, muon_takes_three_coefficients);
    tcase_add_loop_test(cases, slots_are_as_large_as_they_need_to_be, 0, ROWS(chosen));
    tcase_add_loop_test(cases, empty_parameter_is_left, 0, ROWS(whole));
    tcase_add_test(cases, lamb_moves_a_parameter_of_zeros);
    tcase_add_loop_test(cases, sophia_asks_for_drawn_targets_at_the_first_of_each_period, 0, ROWS(samples));
    Suite *suite = suite_create("whole_parameters");
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
