/* tests/test_sampled_softmax.c: sampled softmax in training, when it draws classes: its equation with the classes that
 * the random words give, the gradients with respect to all inputs, and its expectation, the full softmax.
 *
 * In evaluation it is compared with PyTorch in test_sequence_losses.c.
 */
#define _POSIX_C_SOURCE 200809L
#include "plugin_fixture.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

enum { ROWS = 3, WIDTH = 4, CLASSES = 11 };

/* A batch of inputs of the output layer. */
struct sampled {
    const rondo_loss *loss;
    const void *options;
    int64_t rows, samples;
    int is_uniform;
    struct rng_stream stream;
    rondo_tensor h, weight, bias, targets; /* (rows, width), (width, classes), (classes), (rows) */
};

/* The inputs on the tape. */
struct inputs {
    rondo_value h, weight, bias;
};

static void fill_waves(const rondo_tensor *tensor, double phase) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, sin(phase + 1.3 * (double)i + 0.2 * (double)(i % 5)));
    }
}

static struct sampled batch(int is_uniform, int64_t samples, int64_t rows, int32_t dtype) {
    char options[64];
    snprintf(options, sizeof options, "samples=%d distribution=%s", (int)samples,
             is_uniform ? "uniform" : "log_uniform");
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "sampled_softmax");
    struct sampled sampled = {.loss = loss,
                              .options = fixture_options(&loss->base, options),
                              .rows = rows,
                              .samples = samples,
                              .is_uniform = is_uniform,
                              .stream = rng_stream(1, "sampled softmax"),
                              .h = fixture_tensor(dtype, 2, rows, WIDTH),
                              .weight = fixture_tensor(dtype, 2, WIDTH, CLASSES),
                              .bias = fixture_tensor(dtype, 1, CLASSES, 0),
                              .targets = fixture_tensor(RONDO_I32, 1, rows, 0)};
    ck_assert_ptr_nonnull(sampled.options);
    fill_waves(&sampled.h, 0.1);
    fill_waves(&sampled.weight, 0.7);
    fill_waves(&sampled.bias, 2);
    for (int64_t row = 0; row < rows; row++) {
        tensor_set(&sampled.targets, row, (double)(row * 4 % CLASSES));
    }
    return sampled;
}

static rondo_value record(const struct sampled *sampled, struct inputs *inputs) {
    tape_reset(fixture.tape);
    inputs->h = tape_parameter(fixture.tape, "h", &sampled->h, NULL);
    inputs->weight = tape_parameter(fixture.tape, "weight", &sampled->weight, NULL);
    inputs->bias = tape_parameter(fixture.tape, "bias", &sampled->bias, NULL);
    const rondo_value targets = tape_constant(fixture.tape, &sampled->targets);
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = RONDO_TARGET_CLASS,
                                  .options = sampled->options,
                                  .target_size = CLASSES,
                                  .training = 1,
                                  .output_weight = inputs->weight,
                                  .output_bias = inputs->bias};
    struct host_call host = fixture_host(sampled->loss->base.name);
    host.recorder = tape_recorder(fixture.tape);
    host.stream = sampled->stream;
    return sampled->loss->record(&host.base, &call, inputs->h, targets);
}

static const rondo_tensor *losses_of(const struct sampled *sampled) {
    struct inputs inputs;
    const rondo_tensor *losses = tape_tensor(fixture.tape, record(sampled, &inputs));
    ck_assert_msg(losses != NULL, "%s", fixture_first_error());
    ck_assert_int_eq(losses->ndim, 1);
    ck_assert_int_eq(losses->shape[0], sampled->rows);
    return losses;
}

/* Records and differentiates the sum of the losses. */
static struct inputs differentiate(const struct sampled *sampled) {
    struct inputs inputs;
    const rondo_value losses = record(sampled, &inputs);
    ck_assert_msg(tape_backward(fixture.tape, losses) == RONDO_OK, "%s", fixture_first_error());
    return inputs;
}

/* ---- the equation, computed directly ---- */

/* P(class <= k), and q(k). */
static double cumulative(int is_uniform, int k) {
    return is_uniform ? (k + 1.0) / CLASSES : log(k + 2.0) / log(CLASSES + 1.0);
}

static double probability(int is_uniform, int k) {
    return cumulative(is_uniform, k) - (k == 0 ? 0 : cumulative(is_uniform, k - 1));
}

/* o_k of a row. */
static double logit(const struct sampled *sampled, int64_t row, int k) {
    double sum = tensor_get(&sampled->bias, k);
    for (int i = 0; i < WIDTH; i++) {
        sum += tensor_get(&sampled->h, row * WIDTH + i) * tensor_get(&sampled->weight, i * CLASSES + k);
    }
    return sum;
}

static int target(const struct sampled *sampled, int64_t row) {
    return (int)tensor_get(&sampled->targets, row);
}

/* How often each class is drawn: draw j is uniform number j of the stream, through the distribution function. */
static void count_draws(const struct sampled *sampled, int *counts) {
    memset(counts, 0, sizeof *counts * CLASSES);
    for (int64_t j = 0; j < sampled->samples; j++) {
        const double u = rng_uniform(sampled->stream, (uint64_t)j);
        int k = 0;
        while (k < CLASSES - 1 && cumulative(sampled->is_uniform, k) <= u) {
            k++;
        }
        counts[k]++;
    }
}

/* ln(e^o_y + sum over draws except y of e^o_k / (m q(k))) - o_y */
static double expected_loss(const struct sampled *sampled, int64_t row, const int *counts) {
    const int y = target(sampled, row);
    double sum = exp(logit(sampled, row, y));
    for (int k = 0; k < CLASSES; k++) {
        const double expected = (double)sampled->samples * probability(sampled->is_uniform, k);
        sum += k == y ? 0 : counts[k] * exp(logit(sampled, row, k)) / expected;
    }
    return log(sum) - logit(sampled, row, y);
}

/* Both distributions, few draws and many, in f64 and f32. */
START_TEST(loss_is_that_of_the_equation) {
    const struct fixture_precision *precision = &fixture_precisions[_i];
    for (int is_uniform = 0; is_uniform <= 1; is_uniform++) {
        for (int64_t samples = 1; samples <= 10000; samples *= 10) {
            const struct sampled sampled = batch(is_uniform, samples, ROWS, precision->dtype);
            int counts[CLASSES];
            count_draws(&sampled, counts);
            const rondo_tensor *losses = losses_of(&sampled);
            for (int64_t row = 0; row < ROWS; row++) {
                fixture_near(tensor_get(losses, row), expected_loss(&sampled, row, counts), precision->tolerance,
                             "loss", row);
            }
        }
    }
}
END_TEST

static double sum_of_losses(const struct sampled *sampled) {
    const rondo_tensor *losses = losses_of(sampled);
    double sum = 0;
    for (int64_t row = 0; row < sampled->rows; row++) {
        sum += tensor_get(losses, row);
    }
    return sum;
}

/* (L(x + h) - L(x - h)) / 2h for every element of h, W and b, with the same draws. */
START_TEST(gradients_are_those_of_central_differences) {
    const struct sampled sampled = batch(_i, 7, ROWS, RONDO_F64);
    const struct inputs inputs = differentiate(&sampled);
    const rondo_value values[] = {inputs.h, inputs.weight, inputs.bias};
    const rondo_tensor *tensors[] = {&sampled.h, &sampled.weight, &sampled.bias};
    double found[3][WIDTH * CLASSES];
    for (int k = 0; k < 3; k++) {
        for (int64_t i = 0; i < rondo_count(tensors[k]); i++) {
            found[k][i] = tensor_get(tape_gradient(fixture.tape, values[k]), i);
        }
    }
    const double h = 1e-5;
    for (int k = 0; k < 3; k++) {
        for (int64_t i = 0; i < rondo_count(tensors[k]); i++) {
            const double x = tensor_get(tensors[k], i);
            tensor_set(tensors[k], i, x + h);
            const double above = sum_of_losses(&sampled);
            tensor_set(tensors[k], i, x - h);
            const double below = sum_of_losses(&sampled);
            tensor_set(tensors[k], i, x);
            fixture_near(found[k][i], (above - below) / (2 * h), 1e-8, "gradient", i);
        }
    }
}
END_TEST

/* ---- expectations ---- */

/* The terms of one draw for a row: a is e^o_k / q(k), or 0 at the class of the row. So B = e^o_y + E[a] is the sum of
 * the full softmax, and p_k = e^o_k / B. */
struct moments {
    double sum, variance; /* B, Var[a] */
};

static double term(const struct sampled *sampled, int64_t row, int k) {
    return k == target(sampled, row) ? 0 : exp(logit(sampled, row, k)) / probability(sampled->is_uniform, k);
}

static struct moments moments_of(const struct sampled *sampled, int64_t row) {
    double mean = 0, square = 0;
    for (int k = 0; k < CLASSES; k++) {
        const double a = term(sampled, row, k), q = probability(sampled->is_uniform, k);
        mean += q * a;
        square += q * a * a;
    }
    return (struct moments){exp(logit(sampled, row, target(sampled, row))) + mean, square - mean * mean};
}

/* e^(loss + o_y) is an unbiased estimate of the sum B of the full softmax, with variance Var[a] / m: the mean of N
 * calls is within 5 standard deviations of it, which are some hundredths of B. */
START_TEST(sum_over_draws_is_unbiased) {
    enum { CALLS = 8000, SAMPLES = 8 };
    struct sampled sampled = batch(_i, SAMPLES, ROWS, RONDO_F64);
    double mean[ROWS] = {0};
    for (int call = 0; call < CALLS; call++) {
        sampled.stream = rng_substream(rng_stream(3, "unbiased"), (uint64_t)call);
        const rondo_tensor *losses = losses_of(&sampled);
        for (int64_t row = 0; row < ROWS; row++) {
            mean[row] += exp(tensor_get(losses, row) + logit(&sampled, row, target(&sampled, row))) / CALLS;
        }
    }
    for (int64_t row = 0; row < ROWS; row++) {
        const struct moments moments = moments_of(&sampled, row);
        const double deviation = sqrt(moments.variance / SAMPLES / CALLS);
        ck_assert_double_lt(5 * deviation, 0.06 * moments.sum); /* otherwise the test would be too weak */
        ck_assert_double_le(fabs(mean[row] - moments.sum), 5 * deviation);
    }
}
END_TEST

/* The gradient of the loss of a row by b_k is A / B - [k = y], with A the part of B that is class k's (all of e^o_y for
 * the class of the row). With R = A / B and a_k what a draw adds to A, the ratio of means of m draws has, but for terms
 * of order 1 / m^2 (delta method),
 *     variance  Var[a_k - R a] / (m B^2),     bias  (R Var[a] - Cov[a_k, a]) / (m B^2)
 * The mean of N calls is within 5 standard deviations and twice that bias of the gradient of the full softmax. */
START_TEST(gradient_approaches_that_of_the_full_softmax) {
    enum { CALLS = 240, SAMPLES = 2000 };
    struct sampled sampled = batch(_i, SAMPLES, 1, RONDO_F64);
    double mean[CLASSES] = {0};
    for (int call = 0; call < CALLS; call++) {
        sampled.stream = rng_substream(rng_stream(4, "gradient"), (uint64_t)call);
        const rondo_tensor *gradient = tape_gradient(fixture.tape, differentiate(&sampled).bias);
        for (int k = 0; k < CLASSES; k++) {
            mean[k] += tensor_get(gradient, k) / CALLS;
        }
    }
    const struct moments moments = moments_of(&sampled, 0);
    const int y = target(&sampled, 0);
    for (int k = 0; k < CLASSES; k++) {
        const double p = exp(logit(&sampled, 0, k)) / moments.sum;
        const double own = term(&sampled, 0, k), q = probability(sampled.is_uniform, k);
        const double outside = moments.sum - exp(logit(&sampled, 0, y)); /* E[a] */
        const double covariance = q * own * (own - outside);
        const double variance = q * (1 - q) * own * own - 2 * p * covariance + p * p * moments.variance;
        const double scale = SAMPLES * moments.sum * moments.sum;
        const double bias = (p * moments.variance - covariance) / scale;
        const double bound = 5 * sqrt(variance / scale / CALLS) + 2 * fabs(bias);
        ck_assert_double_lt(bound, 0.01);
        ck_assert_msg(fabs(mean[k] - (p - (k == y))) <= bound, "class %d: %g, expected %g within %g", k, mean[k],
                      p - (k == y), bound);
    }
}
END_TEST

/* ---- special cases ---- */

START_TEST(draws_follow_the_stream_of_the_call) {
    struct sampled sampled = batch(_i, 5, ROWS, RONDO_F64);
    const double first = sum_of_losses(&sampled);
    ck_assert_double_eq(sum_of_losses(&sampled), first);
    sampled.stream = rng_stream(2, "sampled softmax");
    ck_assert_double_ne(sum_of_losses(&sampled), first);
}
END_TEST

/* With one draw, a row of the drawn class has no other class to compare with, so its loss is 0. */
START_TEST(a_row_is_not_compared_with_its_own_class) {
    const struct sampled sampled = batch(0, 1, ROWS, fixture_precisions[_i].dtype);
    int counts[CLASSES], drawn = 0;
    count_draws(&sampled, counts);
    while (counts[drawn] == 0) {
        drawn++;
    }
    fixture_fill(&sampled.targets, (double[]){drawn, (drawn + 1) % CLASSES, drawn});
    const rondo_tensor *losses = losses_of(&sampled);
    ck_assert_double_eq(tensor_get(losses, 0), 0);
    ck_assert_double_gt(tensor_get(losses, 1), 0);
    ck_assert_double_eq(tensor_get(losses, 2), 0);
}
END_TEST

START_TEST(a_target_out_of_range_is_refused) {
    const struct sampled sampled = batch(0, 5, ROWS, RONDO_F32);
    struct inputs inputs;
    tensor_set(&sampled.targets, 1, CLASSES);
    ck_assert_int_lt(record(&sampled, &inputs).id, 0);
    fixture_error("target of row 1 is class 11, expected 0 to 10");
}
END_TEST

START_TEST(a_batch_without_rows_is_allowed) {
    const struct sampled sampled = batch(0, 5, 0, RONDO_F32);
    ck_assert_int_eq(losses_of(&sampled)->shape[0], 0);
}
END_TEST

START_TEST(it_works_in_front_of_the_output_layer) {
    ck_assert_uint_eq(batch(0, 5, 1, RONDO_F32).loss->flags, RONDO_LOSS_BEFORE_OUTPUT);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sampled_softmax");
    TCase *cases = tcase_create("training");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, loss_is_that_of_the_equation, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, gradients_are_those_of_central_differences, 0, 2);
    tcase_add_loop_test(cases, sum_over_draws_is_unbiased, 0, 2);
    tcase_add_loop_test(cases, gradient_approaches_that_of_the_full_softmax, 0, 2);
    tcase_add_loop_test(cases, draws_follow_the_stream_of_the_call, 0, 2);
    tcase_add_loop_test(cases, a_row_is_not_compared_with_its_own_class, 0, FIXTURE_PRECISIONS);
    tcase_add_test(cases, a_target_out_of_range_is_refused);
    tcase_add_test(cases, a_batch_without_rows_is_allowed);
    tcase_add_test(cases, it_works_in_front_of_the_output_layer);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
