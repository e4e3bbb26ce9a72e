/* tests/test_attention.c: ops that look along sequences: the attention ops against PyTorch, against loops over elements, and
 * against central differences; that a sequence's results depend on nothing else; and how the tape passes sequences on.
 *
 * golden/make_attention.py writes the reference.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "core/options.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "core/time_axis.h"
#include "tests/plugin_fixture.h"
#include "tests/suite.h"

enum { MOST_INPUTS = 4, QUERY = 0, KEYS = 1, VALUES = 2, WEIGHTS = 3 };

/* One application of an op: its inputs and their sequences; the loss sum(output * weights); and what it gives. */
struct application {
    const rondo_op *op;
    void *options;
    int32_t n_inputs;
    rondo_tensor inputs[MOST_INPUTS];
    rondo_rows rows[MOST_INPUTS]; /* struct_size 0: the same for all sequences */
    rondo_tensor weights;
    rondo_tensor output, gradients[MOST_INPUTS];
};

static const char *const input_names[MOST_INPUTS] = {"query", "keys", "values", "v"};

static void open_op(struct application *made, const char *op, const char *options) {
    *made = (struct application){.op = (const rondo_op *)(const void *)fixture_find(RONDO_KIND_OP, op)};
    made->options = fixture_options(&made->op->base, options);
    made->n_inputs = made->op->min_inputs;
}

static rondo_rows rows_of(int64_t count, const int64_t *begin, const int64_t *length) {
    return (rondo_rows){.struct_size = sizeof(rondo_rows), .count = count, .begin = begin, .length = length};
}

static void list_rows(const struct application *made, const rondo_rows *list[MOST_INPUTS]) {
    for (int32_t k = 0; k < made->n_inputs; k++) {
        list[k] = made->rows[k].struct_size == 0 ? NULL : &made->rows[k];
    }
}

/* The result of the loss; with `differentiates`, output and gradients as well, as copies. */
static double run(struct application *made, int differentiates) {
    struct tape *tape = fixture.tape;
    tape_reset(tape);
    rondo_value values[MOST_INPUTS];
    const rondo_rows *rows[MOST_INPUTS];
    list_rows(made, rows);
    for (int32_t k = 0; k < made->n_inputs; k++) {
        values[k] = tape_parameter(tape, input_names[k], &made->inputs[k], NULL);
    }
    const rondo_value y = tape_apply_rows(tape, made->op, made->options, values, made->n_inputs, rows);
    ck_assert_msg(tape_status(tape) == RONDO_OK, "%s", fixture_first_error());
    const rondo_value product =
        tape_apply_named(tape, "mul", NULL, (rondo_value[]){y, tape_constant(tape, &made->weights)}, 2);
    const rondo_value loss = tape_apply_named(tape, "sum", NULL, &product, 1);
    if (differentiates) {
        ck_assert_int_eq(tape_backward(tape, loss), RONDO_OK);
        made->output = fixture_shaped(made->weights.dtype, 2, tape_tensor(tape, y)->shape);
        memcpy(made->output.data, tape_tensor(tape, y)->data, tensor_bytes(&made->output));
        for (int32_t k = 0; k < made->n_inputs; k++) {
            const rondo_tensor *gradient = tape_gradient(tape, values[k]);
            made->gradients[k] = fixture_shaped(gradient->dtype, gradient->ndim, gradient->shape);
            memcpy(made->gradients[k].data, gradient->data, tensor_bytes(gradient));
        }
    }
    return tensor_get(tape_tensor(tape, loss), 0);
}

/* ---- against PyTorch ---- */

/* Lengths of sequences that are stored one after the other. Returns their sum. */
static int64_t lay_out(rondo_rows *rows, const double *lengths, int64_t count) {
    int64_t *begin = arena_calloc(fixture.arena, (size_t)count, sizeof *begin);
    int64_t *length = arena_calloc(fixture.arena, (size_t)count, sizeof *length);
    ck_assert(begin != NULL && length != NULL);
    int64_t next = 0;
    for (int64_t s = 0; s < count; s++) {
        begin[s] = next;
        length[s] = (int64_t)lengths[s];
        next += length[s];
    }
    *rows = rows_of(count, begin, length);
    return next;
}

/* Reads the next case; 0 at the end. */
static int next_case(struct golden *golden, int32_t dtype, struct application *made) {
    const char *word = golden_next(golden);
    if (word == NULL) {
        return 0;
    }
    ck_assert_str_eq(word, "case");
    char op[64], options[128];
    long columns, width;
    int used = 0;
    ck_assert_int_eq(sscanf(golden->rest, "%63s %ld %ld %n", op, &columns, &width, &used), 3);
    snprintf(options, sizeof options, "%s", golden->rest + used);
    open_op(made, op, options);
    int64_t totals[2];
    static const char *const words[2] = {"queries", "keys"};
    for (int k = 0; k < 2; k++) {
        ck_assert_str_eq(golden_next(golden), words[k]);
        totals[k] = lay_out(&made->rows[k], golden->numbers, golden->count);
    }
    made->rows[VALUES] = made->rows[KEYS];
    made->inputs[QUERY] = fixture_tensor(dtype, 2, totals[0], columns);
    made->inputs[KEYS] = fixture_tensor(dtype, 2, totals[1], columns);
    made->inputs[VALUES] = fixture_tensor(dtype, 2, totals[1], width);
    made->inputs[WEIGHTS] = fixture_tensor(dtype, 1, columns, 0);
    made->weights = fixture_tensor(dtype, 2, totals[0], width);
    for (int32_t k = 0; k < made->n_inputs; k++) {
        fixture_fill(&made->inputs[k], golden_numbers(golden, input_names[k], rondo_count(&made->inputs[k])));
    }
    fixture_fill(&made->weights, golden_numbers(golden, "weights", rondo_count(&made->weights)));
    return 1;
}

enum { CASES = 14 };

START_TEST(ops_agree_with_pytorch) {
    const int32_t dtype = fixture_precisions[_i].dtype;
    const double tolerance = dtype == RONDO_F64 ? 1e-12 : 2e-6;
    struct golden golden = golden_open("attention.txt");
    struct application made;
    int cases = 0;
    for (; next_case(&golden, dtype, &made); cases++) {
        char what[64];
        run(&made, 1);
        snprintf(what, sizeof what, "case %d, output", cases);
        fixture_all_near(&made.output, golden_numbers(&golden, "output", rondo_count(&made.output)), tolerance, what);
        for (int32_t k = 0; k < made.n_inputs; k++) {
            ck_assert_str_eq(golden_next(&golden), "gradient");
            ck_assert_int_eq(strncmp(golden.rest, input_names[k], strlen(input_names[k])), 0);
            const rondo_tensor *gradient = &made.gradients[k];
            double *expected = arena_alloc(fixture.arena, sizeof *expected * (size_t)rondo_count(gradient));
            char *rest = golden.rest + strlen(input_names[k]);
            for (int64_t i = 0; i < rondo_count(gradient); i++) {
                expected[i] = strtod(rest, &rest);
            }
            snprintf(what, sizeof what, "case %d, gradient of %s", cases, input_names[k]);
            fixture_all_near(gradient, expected, tolerance, what);
        }
    }
    ck_assert_int_eq(cases, CASES);
    golden_close(&golden);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("attention");
    TCase *reference = add_case(suite, "reference", 60, fixture_setup, fixture_teardown);
    tcase_add_loop_test(reference, ops_agree_with_pytorch, 0, FIXTURE_PRECISIONS);
    return run_suite(suite);
}
