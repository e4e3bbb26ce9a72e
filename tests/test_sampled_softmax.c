/* tests/test_sampled_softmax.c: sampled softmax in training, when it draws classes: its equation with the classes that
 * the random words give, the gradients with respect to all inputs, its expectation, the full softmax, and its limit for
 * many draws, which is the same.
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

static rondo_value apply(const char *op, rondo_value a, rondo_value b) {
    return tape_apply_named(fixture.tape, op, NULL, (rondo_value[]){a, b}, 2);
}

static rondo_value record(const struct sampled *sampled, struct inputs *inputs) {
    tape_reset(fixture.tape);
    inputs->h = tape_parameter(fixture.tape, "h", &sampled->h, NULL);
    inputs->weight = tape_parameter(fixture.tape, "weight", &sampled->weight, NULL);
    inputs->bias = tape_parameter(fixture.tape, "bias", &sampled->bias, NULL);
    const rondo_value targets = tape_constant(fixture.tape, &sampled->targets);
    rondo_loss_call call = {.struct_size = sizeof call,
                            .target_kind = RONDO_TARGET_CLASS,
                            .options = sampled->options,
                            .target_size = CLASSES,
                            .training = 1};
    struct host_call host = fixture_host(sampled->loss->base.name);
    host.stream = sampled->stream;
    if (sampled->loss->choose_outputs(&host.base, &call, &sampled->targets, &call.chosen, &call.n_chosen) != RONDO_OK) {
        return (rondo_value){-1};
    }
    /* As the head of a model does it (model/head_layer.c). */
    const rondo_tensor chosen = tensor_1d(RONDO_I32, call.n_chosen, (void *)(intptr_t)call.chosen);
    const rondo_value index = tape_constant(fixture.tape, &chosen);
    const rondo_value columns = apply("gather_columns", inputs->weight, index);
    call.output_weight = tape_apply_named(fixture.tape, "transpose", NULL, &columns, 1);
    call.output_bias = apply("gather", inputs->bias, index);
    host = fixture_host(sampled->loss->base.name);
    host.recorder = tape_recorder(fixture.tape);
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

/* pi_k, the probability that at least one draw is class k. */
static double inclusion(const struct sampled *sampled, int k) {
    return 1 - pow(1 - probability(sampled->is_uniform, k), (double)sampled->samples);
}

/* Whether each class is drawn: draw j is uniform number j of the stream, through the distribution function. */
static void find_draws(const struct sampled *sampled, int *is_drawn) {
    memset(is_drawn, 0, sizeof *is_drawn * CLASSES);
    for (int64_t j = 0; j < sampled->samples; j++) {
        const double u = rng_uniform(sampled->stream, (uint64_t)j);
        int k = 0;
        while (k < CLASSES - 1 && cumulative(sampled->is_uniform, k) <= u) {
            k++;
        }
        is_drawn[k] = 1;
    }
}

/* ln(e^o_y + sum over drawn classes except y of e^o_k / pi_k) - o_y */
static double expected_loss(const struct sampled *sampled, int64_t row, const int *is_drawn) {
    const int y = target(sampled, row);
    double sum = exp(logit(sampled, row, y));
    for (int k = 0; k < CLASSES; k++) {
        sum += k == y || !is_drawn[k] ? 0 : exp(logit(sampled, row, k)) / inclusion(sampled, k);
    }
    return log(sum) - logit(sampled, row, y);
}

/* Both distributions, few draws and many, in f64 and f32. */
START_TEST(loss_is_that_of_the_equation) {
    const struct fixture_precision *precision = &fixture_precisions[_i];
    for (int is_uniform = 0; is_uniform <= 1; is_uniform++) {
        for (int64_t samples = 1; samples <= 10000; samples *= 10) {
            const struct sampled sampled = batch(is_uniform, samples, ROWS, precision->dtype);
            int is_drawn[CLASSES];
            find_draws(&sampled, is_drawn);
            const rondo_tensor *losses = losses_of(&sampled);
            for (int64_t row = 0; row < ROWS; row++) {
                fixture_near(tensor_get(losses, row), expected_loss(&sampled, row, is_drawn), precision->tolerance,
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

/* The estimate X of a row is the sum over drawn classes k except y of c_k = e^o_k / pi_k. With I_k = 1 if class k is drawn,
 * its expectation is that of the full softmax without y, and
 *
 *     Cov[I_k, I_l] = pi_kl - pi_k pi_l,    pi_kl = 1 - (1 - q_k)^m - (1 - q_l)^m + (1 - q_k - q_l)^m,    pi_kk = pi_k */
static double contribution(const struct sampled *sampled, int64_t row, int k) {
    return k == target(sampled, row) ? 0 : exp(logit(sampled, row, k)) / inclusion(sampled, k);
}

static double covariance(const struct sampled *sampled, int k, int l) {
    const double p = probability(sampled->is_uniform, k), q = probability(sampled->is_uniform, l);
    const double of_k = inclusion(sampled, k), of_l = inclusion(sampled, l);
    const double both = k == l ? of_k : of_k + of_l - (1 - pow(1 - p - q, (double)sampled->samples));
    return both - of_k * of_l;
}

/* Cov[c_k I_k, X] */
static double covariance_with_sum(const struct sampled *sampled, int64_t row, int k) {
    double sum = 0;
    for (int l = 0; l < CLASSES; l++) {
        sum += contribution(sampled, row, k) * contribution(sampled, row, l) * covariance(sampled, k, l);
    }
    return sum;
}

static double variance_of_sum(const struct sampled *sampled, int64_t row) {
    double sum = 0;
    for (int k = 0; k < CLASSES; k++) {
        sum += covariance_with_sum(sampled, row, k);
    }
    return sum;
}

/* B, the sum of the full softmax. */
static double full_sum(const struct sampled *sampled, int64_t row) {
    double sum = 0;
    for (int k = 0; k < CLASSES; k++) {
        sum += exp(logit(sampled, row, k));
    }
    return sum;
}

/* e^(loss + o_y) is an unbiased estimate of B: the mean of N calls is within 5 standard deviations of it, which are some
 * hundredths of B. */
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
        const double deviation = sqrt(variance_of_sum(&sampled, row) / CALLS), expected = full_sum(&sampled, row);
        ck_assert_double_gt(deviation, 0);
        ck_assert_double_lt(5 * deviation, 0.06 * expected); /* otherwise the test would be too weak */
        ck_assert_double_le(fabs(mean[row] - expected), 5 * deviation);
    }
}
END_TEST

/* The gradient of the loss of a row by b_k is A / (e^o_y + X) - [k = y], with A = c_k I_k, or e^o_y for the class of the
 * row. With R = p_k of the full softmax, this ratio has, but for terms of higher order (delta method),
 *     variance  Var[A - R X] / B^2,     bias  (R Var[X] - Cov[A, X]) / B^2
 * The mean of N calls is within 5 standard deviations and twice that bias of the gradient of the full softmax. */
START_TEST(gradient_approaches_that_of_the_full_softmax) {
    enum { CALLS = 4000, SAMPLES = 100 };
    struct sampled sampled = batch(_i, SAMPLES, 1, RONDO_F64);
    double mean[CLASSES] = {0};
    for (int call = 0; call < CALLS; call++) {
        sampled.stream = rng_substream(rng_stream(4, "gradient"), (uint64_t)call);
        const rondo_tensor *gradient = tape_gradient(fixture.tape, differentiate(&sampled).bias);
        for (int k = 0; k < CLASSES; k++) {
            mean[k] += tensor_get(gradient, k) / CALLS;
        }
    }
    const int y = target(&sampled, 0);
    const double sum = full_sum(&sampled, 0), of_sum = variance_of_sum(&sampled, 0);
    for (int k = 0; k < CLASSES; k++) {
        const double p = exp(logit(&sampled, 0, k)) / sum;
        const double own = contribution(&sampled, 0, k), with_sum = covariance_with_sum(&sampled, 0, k);
        const double variance = own * own * covariance(&sampled, k, k) - 2 * p * with_sum + p * p * of_sum;
        const double bias = (p * of_sum - with_sum) / (sum * sum);
        const double bound = 5 * sqrt(variance / CALLS) / sum + 2 * fabs(bias);
        ck_assert_double_lt(bound, 0.01);
        ck_assert_msg(fabs(mean[k] - (p - (k == y))) <= bound, "class %d: %g, expected %g within %g", k, mean[k],
                      p - (k == y), bound);
    }
}
END_TEST

/* With so many draws every class is drawn, and pi_k is 1. */
START_TEST(with_many_draws_it_is_the_full_softmax) {
    const struct sampled sampled = batch(_i, 5000, ROWS, RONDO_F64);
    const rondo_value bias = differentiate(&sampled).bias;
    double expected[CLASSES] = {0};
    for (int64_t row = 0; row < ROWS; row++) {
        for (int k = 0; k < CLASSES; k++) {
            expected[k] += exp(logit(&sampled, row, k)) / full_sum(&sampled, row) - (k == target(&sampled, row));
        }
    }
    fixture_all_near(tape_gradient(fixture.tape, bias), expected, 1e-12, "gradient");
    const rondo_tensor *losses = losses_of(&sampled);
    for (int64_t row = 0; row < ROWS; row++) {
        const double loss = log(full_sum(&sampled, row)) - logit(&sampled, row, target(&sampled, row));
        fixture_near(tensor_get(losses, row), loss, 1e-12, "loss", row);
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
    int is_drawn[CLASSES], drawn = 0;
    find_draws(&sampled, is_drawn);
    while (!is_drawn[drawn]) {
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
    tcase_add_loop_test(cases, with_many_draws_it_is_the_full_softmax, 0, 2);
    tcase_add_loop_test(cases, draws_follow_the_stream_of_the_call, 0, 2);
    tcase_add_loop_test(cases, a_row_is_not_compared_with_its_own_class, 0, FIXTURE_PRECISIONS);
    tcase_add_test(cases, a_target_out_of_range_is_refused);
    tcase_add_test(cases, a_batch_without_rows_is_allowed);
    tcase_add_test(cases, it_works_in_front_of_the_output_layer);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
