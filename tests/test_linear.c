/* tests/test_linear.c: the linear layer of the head computes what the ops matmul and add compute: values and all gradients,
 * to the bit where Rondo's own products are used (with OpenBLAS, which may divide rows in its own way, to rounding).
 */
#define _POSIX_C_SOURCE 200809L
#include "model/linear.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"
#include "support.h"
#include "tests/suite.h"

static struct support support;

static void setup(void) {
    support_open(&support);
}

static void teardown(void) {
    support_close(&support);
}

/* Shapes around the sizes of tiles, of packed blocks (256 deep), and of the blocks of columns of the backward pass, which are
 * 64 wide for 5,000 rows and hold all columns of few rows. */
static const struct {
    int32_t dtype;
    int64_t n, k, m;
    int is_transposed;
} shapes[] = {
    {RONDO_F32, 1, 1, 1, 0},      {RONDO_F32, 1, 1, 1, 1},       {RONDO_F32, 0, 3, 5, 1},
    {RONDO_F64, 3, 4, 5, 0},      {RONDO_F64, 3, 4, 5, 1},       {RONDO_F32, 37, 300, 130, 0},
    {RONDO_F32, 37, 300, 130, 1}, {RONDO_F32, 300, 17, 2000, 0}, {RONDO_F32, 300, 17, 2000, 1},
    {RONDO_F32, 5000, 3, 150, 0}, {RONDO_F32, 5000, 3, 150, 1},  {RONDO_F64, 600, 257, 600, 1},
};

static rondo_tensor random_matrix(int32_t dtype, int64_t rows, int64_t columns, const char *name) {
    char shape[48];
    snprintf(shape, sizeof shape, "%d, %d", (int)rows, (int)columns);
    return support_random(&support, dtype, shape, name);
}

struct results {
    rondo_tensor y, of_x, of_weight, of_bias;
};

/* Values and gradients of a weighted sum of the outputs, by the linear layer or by ops. Gradients are added to ones. */
static struct results compute(int row, int as_ops, const struct parallel *parallel) {
    const int32_t dtype = shapes[row].dtype;
    const int64_t n = shapes[row].n, k = shapes[row].k, m = shapes[row].m;
    const int is_transposed = shapes[row].is_transposed;
    struct tape *tape = support_tape(&support, parallel);
    const rondo_tensor x = random_matrix(dtype, n, k, "x");
    const rondo_tensor weight =
        is_transposed ? random_matrix(dtype, m, k, "weight") : random_matrix(dtype, k, m, "weight");
    const rondo_tensor bias = random_matrix(dtype, 1, m, "bias"), factors = random_matrix(dtype, n, m, "factors");
    rondo_tensor gradients[3] = {x, weight, tensor_1d(dtype, m, bias.data)};
    rondo_value values[3];
    for (int i = 0; i < 3; i++) {
        const rondo_tensor value = gradients[i];
        ck_assert_int_eq(tensor_alloc(&gradients[i], support.arena, &support.errors), RONDO_OK);
        for (int64_t e = 0; e < rondo_count(&value); e++) {
            tensor_set(&gradients[i], e, 1);
        }
        values[i] = tape_parameter(tape, "p", &value, &gradients[i]);
    }
    const rondo_value product = !as_ops         ? (rondo_value){-1}
                                : is_transposed ? apply_matmul_transposed(tape, values[0], values[1])
                                                : apply_matmul(tape, values[0], values[1]);
    const rondo_value y = as_ops ? apply_add(tape, product, values[2])
                                 : linear_record(tape, values[0], values[1], is_transposed, values[2]);
    const rondo_value root = apply_multiply(tape, y, tape_constant(tape, &factors));
    support_ok(&support, tape_status(tape), "the forward pass");
    support_ok(&support, tape_backward(tape, root), "the backward pass");
    struct results results = {*tape_tensor(tape, y), gradients[0], gradients[1], gradients[2]};
    ck_assert_int_eq(tensor_alloc(&results.y, support.arena, &support.errors), RONDO_OK);
    memcpy(results.y.data, tape_tensor(tape, y)->data, tensor_bytes(&results.y));
    tape_destroy(tape);
    return results;
}

static void check_equal(const struct results *found, const struct results *expected, double tolerance) {
    support_near(&found->y, &expected->y, tolerance, "y");
    support_near(&found->of_x, &expected->of_x, tolerance, "the gradient of x");
    support_near(&found->of_weight, &expected->of_weight, tolerance, "the gradient of the weight");
    support_near(&found->of_bias, &expected->of_bias, tolerance, "the gradient of the bias");
}

START_TEST(values_and_gradients_are_those_of_matmul_and_add) {
    const char *products = getenv("RONDO_PRODUCT");
    const double tolerance = products != NULL && strcmp(products, "own") == 0 ? 0 : 1e-4;
    const struct results found = compute(_i, 0, NULL), expected = compute(_i, 1, NULL);
    check_equal(&found, &expected, tolerance);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits) {
    const struct parallel three = {3};
    const struct results one = compute(_i, 0, NULL), several = compute(_i, 0, &three);
    check_equal(&several, &one, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("linear");
    TCase *cases = add_case(suite, "linear", 60, setup, teardown);
    tcase_add_loop_test(cases, values_and_gradients_are_those_of_matmul_and_add, 0, ROWS(shapes));
    tcase_add_loop_test(cases, any_number_of_threads_gives_the_same_bits, 0, ROWS(shapes));
    return run_suite(suite);
}
