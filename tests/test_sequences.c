/* tests/test_sequences.c: how sequences reach the ops that look along them: the order of a time axis row by row, the checks of
 * tape_apply_rows, and what the attention ops say about inputs that do not fit. test_attention.c tests what they compute. */
#include <stdio.h>
#include <string.h>

#include "core/infer.h"
#include "core/tensor.h"
#include "core/time_axis.h"
#include "tests/plugin_fixture.h"
#include "tests/suite.h"

/* ---- time axis ---- */

static const struct order {
    int64_t rows, lengths[4], row[4]; /* row[0] -1: the rows as they are */
    int64_t begin[4];
    int32_t index[8];
} orders[] = {
    {3, {3, 2, 1}, {-1}, {0, 3, 5}, {0, 3, 5, 1, 4, 2}},
    {3, {3, 2, 1}, {2, 0, 1}, {0, 1, 4}, {2, 0, 3, 5, 1, 4}},
    {2, {2, 2}, {1, 0}, {0, 2}, {1, 3, 0, 2}},
    {1, {4}, {-1}, {0}, {0, 1, 2, 3}},
    {4, {1, 1, 1, 1}, {3, 2, 1, 0}, {0, 1, 2, 3}, {3, 2, 1, 0}},
};

START_TEST(a_time_axis_is_listed_row_by_row) {
    const struct order *order = &orders[_i];
    const int64_t *row = order->row[0] < 0 ? NULL : order->row;
    struct time_axis axis;
    struct time_axis_rows by_rows;
    ck_assert_int_eq(time_axis_make(&axis, order->lengths, order->rows, fixture.arena, &fixture.errors), RONDO_OK);
    ck_assert_int_eq(time_axis_by_rows(&by_rows, &axis, row, fixture.arena, &fixture.errors), RONDO_OK);
    ck_assert_int_eq(by_rows.rows.count, order->rows);
    ck_assert_uint_eq(by_rows.rows.struct_size, sizeof(rondo_rows));
    int64_t total = 0;
    for (int64_t r = 0; r < order->rows; r++) {
        ck_assert_int_eq(by_rows.rows.begin[r], order->begin[r]);
        ck_assert_int_eq(by_rows.rows.length[r], order->lengths[row == NULL ? r : row[r]]);
        total += by_rows.rows.length[r];
    }
    for (int64_t i = 0; i < total; i++) {
        ck_assert_int_eq(by_rows.index[i], order->index[i]);
    }
}
END_TEST

/* ---- the tape ---- */

static const int64_t zeros[2] = {0, 0}, ones[2] = {1, 1}, twos[2] = {2, 2}, starts[2] = {0, 1};
static const rondo_rows one_each = {sizeof(rondo_rows), 0, 2, starts, ones};
static const rondo_rows two_each = {sizeof(rondo_rows), 0, 2, zeros, twos};
static const rondo_rows only_one = {sizeof(rondo_rows), 0, 1, zeros, twos};

static const struct refusal {
    const char *op;
    const rondo_rows *rows[4];
    const char *part; /* of the error; NULL: none */
    rondo_status status;
    int is_listed; /* 0: tape_apply, without sequences */
} refusals[] = {
    {"attention", {NULL}, "op 'attention' looks along sequences, which only cells and blocks", RONDO_INVALID, 0},
    {"additive_attention", {NULL}, "op 'additive_attention' looks along sequences", RONDO_INVALID, 0},
    {"attention", {NULL, &two_each, &two_each}, "the first input", RONDO_INTERNAL, 1},
    {"attention", {&one_each, &only_one, &only_one}, "as many sequences as the first", RONDO_INTERNAL, 1},
    {"attention", {&one_each, &two_each, &one_each}, "sequence 0 has 2 keys and 1 values", RONDO_INVALID, 1},
    {"additive_attention", {&one_each, &one_each, NULL}, "sequence 0 has 1 keys and 2 values", RONDO_INVALID, 1},
    {"additive_attention", {&one_each, NULL, NULL, &one_each}, "v [3] is divided into sequences", RONDO_INVALID, 1},
    {"attention", {&one_each, &two_each, &two_each}, NULL, RONDO_OK, 1},
    {"additive_attention", {&one_each, NULL, NULL, NULL}, NULL, RONDO_OK, 1},
};

START_TEST(sequences_that_do_not_fit_are_refused) {
    const struct refusal *refusal = &refusals[_i];
    const rondo_op *op = (const rondo_op *)(const void *)fixture_find(RONDO_KIND_OP, refusal->op);
    const void *options = fixture_options(&op->base, "-");
    rondo_value values[4];
    for (int32_t k = 0; k < op->min_inputs; k++) {
        const rondo_tensor input = fixture_tensor(RONDO_F32, k == 3 ? 1 : 2, k == 3 ? 3 : 2, 3);
        values[k] = tape_constant(fixture.tape, &input);
    }
    const rondo_value y = refusal->is_listed
                              ? tape_apply_rows(fixture.tape, op, options, values, op->min_inputs, refusal->rows)
                              : tape_apply(fixture.tape, op, options, values, op->min_inputs);
    ck_assert_int_eq(tape_status(fixture.tape), refusal->status);
    ck_assert_int_eq(y.id < 0, refusal->status != RONDO_OK);
    if (refusal->part != NULL) {
        fixture_error(refusal->part);
    }
}
END_TEST

/* Rows are neither checked nor passed on to an op that does not look along sequences. */
START_TEST(other_ops_get_no_sequences) {
    const rondo_op *op = (const rondo_op *)(const void *)fixture_find(RONDO_KIND_OP, "tanh");
    const rondo_tensor input = fixture_tensor(RONDO_F32, 2, 2, 3);
    const rondo_value x = tape_constant(fixture.tape, &input);
    const rondo_rows *rows[1] = {NULL};
    const rondo_value y = tape_apply_rows(fixture.tape, op, NULL, &x, 1, rows);
    ck_assert_int_eq(tape_status(fixture.tape), RONDO_OK);
    ck_assert_int_ge(y.id, 0);
}
END_TEST

/* ---- shapes ---- */

static const struct shapes {
    const char *op, *options;
    int32_t ndim[4];
    int64_t sizes[4][3];
    const char *part; /* NULL: accepted, with `output` columns */
    int64_t output;
} shapes[] = {
    {"attention", "heads=2", {2, 2, 2}, {{RONDO_ANY_ROWS, 8}, {RONDO_ANY_MEMORY, 8}, {RONDO_ANY_MEMORY, 6}}, NULL, 6},
    {"attention", "-", {2, 2, 2}, {{RONDO_ANY_ROWS, 8}, {RONDO_ANY_ROWS, 8}, {RONDO_ANY_ROWS, 8}}, NULL, 8},
    {"attention", "-", {2, 2, 2}, {{4, 8}, {0, 8}, {0, 0}}, NULL, 0},
    {"additive_attention",
     "-",
     {2, 2, 2, 1},
     {{RONDO_ANY_ROWS, 8}, {RONDO_ANY_MEMORY, 8}, {RONDO_ANY_MEMORY, 5}, {8}},
     NULL,
     5},
    {"attention",
     "-",
     {2, 2, 2},
     {{RONDO_ANY_ROWS, 8}, {RONDO_ANY_MEMORY, 7}, {RONDO_ANY_MEMORY, 8}},
     "query [batch, 8], keys [memory, 7] and values [memory, 8] do not fit: query and keys need equally many columns",
     0},
    {"attention",
     "-",
     {2, 2, 2},
     {{RONDO_ANY_ROWS, 8}, {RONDO_ANY_MEMORY, 8}, {RONDO_ANY_ROWS, 8}},
     "keys [memory, 8] and values [batch, 8] do not fit: there must be a value for each key",
     0},
    {"attention", "-", {1, 2, 2}, {{8}, {5, 8}, {5, 8}}, "query [8], keys [5, 8] and values [5, 8] do not fit", 0},
    {"attention", "-", {2, 2, 3}, {{4, 8}, {5, 8}, {5, 8, 2}}, "values [5, 8, 2] do not fit: each needs 2 dim", 0},
    {"attention", "heads=3", {2, 2, 2}, {{4, 8}, {5, 8}, {5, 9}}, "'heads' is 3, which does not divide the 8", 0},
    {"attention", "heads=4", {2, 2, 2}, {{4, 8}, {5, 8}, {5, 9}}, "the 9 columns of values [5, 9]", 0},
    {"attention", "rotary=true", {2, 2, 2}, {{4, 7}, {5, 7}, {5, 9}}, "'rotary' needs an even number of columns", 0},
    {"additive_attention", "-", {2, 2, 2, 1}, {{4, 8}, {5, 7}, {5, 3}, {8}}, "query [4, 8], keys [5, 7] and v [8]", 0},
    {"additive_attention", "-", {2, 2, 2, 1}, {{4, 8}, {5, 8}, {5, 3}, {7}}, "and v [7] do not fit", 0},
    {"additive_attention", "-", {2, 2, 2, 1}, {{4, 8}, {5, 8}, {6, 3}, {8}}, "keys [5, 8] and values [6, 3] do", 0},
    {"additive_attention",
     "-",
     {2, 2, 2, 2},
     {{4, 8}, {5, 8}, {5, 3}, {8, 1}},
     "'v' has shape [8, 1], expected one",
     0},
};

START_TEST(shapes_are_inferred_or_refused) {
    const struct shapes *row = &shapes[_i];
    const rondo_op *op = (const rondo_op *)(const void *)fixture_find(RONDO_KIND_OP, row->op);
    rondo_tensor inputs[4];
    for (int32_t k = 0; k < op->min_inputs; k++) {
        inputs[k] = tensor_of(RONDO_F32, row->ndim[k], row->sizes[k]);
    }
    struct host_call host = fixture_host(row->op);
    rondo_op_call call = {.struct_size = sizeof call,
                          .n_inputs = op->min_inputs,
                          .options = fixture_options(&op->base, row->options),
                          .inputs = inputs};
    const rondo_status status = op->infer(&host.base, &call);
    ck_assert_int_eq(status, row->part == NULL ? RONDO_OK : RONDO_INVALID);
    if (row->part != NULL) {
        fixture_error(row->part);
        return;
    }
    ck_assert_int_eq(call.output.ndim, 2);
    ck_assert_int_eq(call.output.shape[0], inputs[0].shape[0]);
    ck_assert_int_eq(call.output.shape[1], row->output);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sequences");
    TCase *axis = add_case(suite, "time axis", 10, fixture_setup, fixture_teardown);
    tcase_add_loop_test(axis, a_time_axis_is_listed_row_by_row, 0, ROWS(orders));
    TCase *tape = add_case(suite, "tape", 10, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tape, sequences_that_do_not_fit_are_refused, 0, ROWS(refusals));
    tcase_add_test(tape, other_ops_get_no_sequences);
    TCase *shape = add_case(suite, "shapes", 10, fixture_setup, fixture_teardown);
    tcase_add_loop_test(shape, shapes_are_inferred_or_refused, 0, ROWS(shapes));
    return run_suite(suite);
}
