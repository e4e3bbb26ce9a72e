/* tests/test_losses.c: the losses that Rondo ships, against PyTorch and against hand computation. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "batch_fixture.h"
#include "tests/suite.h"

#define LOSS_CASES 63

START_TEST(losses_agree_with_pytorch) {
    const struct fixture_precision *precision = &fixture_precisions[_i];
    struct golden golden = golden_open("losses.txt");
    struct batch_fixture batch;
    int cases = 0;
    for (; batch_fixture_next(&golden, precision->dtype, &batch); cases++) {
        batch_fixture_check_case(&batch, &golden, precision->tolerance, cases);
    }
    ck_assert_int_eq(cases, LOSS_CASES);
    golden_close(&golden);
}
END_TEST

/* (L(x + h) - L(x - h)) / 2h, in f64. */
START_TEST(gradients_of_losses_are_those_of_central_differences) {
    struct golden golden = golden_open("losses.txt");
    struct batch_fixture batch;
    int cases = 0;
    for (; batch_fixture_next(&golden, RONDO_F64, &batch); cases++) {
        ck_assert(batch_fixture_check_gradient(&batch, &golden, 1e-7));
    }
    ck_assert_int_eq(cases, LOSS_CASES);
    golden_close(&golden);
}
END_TEST

/* Targets, and the number of outputs that they need; 0: refused, with the text. */
static const struct {
    const char *name, *options;
    int32_t kind;
    int64_t target_size, output_size;
    const char *part;
} sizes[] = {
    {"softmax_cross_entropy", "-", RONDO_TARGET_CLASS, 2, 2, NULL},
    {"softmax_cross_entropy", "-", RONDO_TARGET_CLASS, 1000, 1000, NULL},
    {"softmax_cross_entropy", "-", RONDO_TARGET_CLASS, 1, 0, "targets have 1 class, expected 2 or more"},
    {"softmax_cross_entropy", "-", RONDO_TARGET_REAL, 3, 0, "targets are numbers, expected classes"},
    {"softmax_cross_entropy", "-", RONDO_TARGET_LIST, 3, 0, "targets are lists of classes, expected classes"},
    {"softmax_cross_entropy", "class_weights=[1,2,3]", RONDO_TARGET_CLASS, 3, 3, NULL},
    {"softmax_cross_entropy", "class_weights=[1,2,3]", RONDO_TARGET_CLASS, 4, 0,
     "'class_weights' has 3 numbers, expected one for each of 4 classes"},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_CLASS, 2, 1, NULL},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_CLASS, 3, 0, "targets have 3 classes, expected 2"},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_CLASS, 1, 0, "targets have 1 classes, expected 2"},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_REAL, 88, 88, NULL},
    {"sigmoid_cross_entropy", "-", RONDO_TARGET_LIST, 2, 0, "targets are lists of classes"},
    {"sigmoid_cross_entropy", "positive_weight=[1,2]", RONDO_TARGET_REAL, 2, 2, NULL},
    {"sigmoid_cross_entropy", "positive_weight=[1,2]", RONDO_TARGET_REAL, 3, 0,
     "'positive_weight' has 2 numbers, expected 1, or one for each of 3 outputs"},
    {"sigmoid_cross_entropy", "positive_weight=[1,2]", RONDO_TARGET_CLASS, 2, 0, "'positive_weight' has 2 numbers"},
    {"negative_log_likelihood", "-", RONDO_TARGET_CLASS, 4, 4, NULL},
    {"negative_log_likelihood", "-", RONDO_TARGET_CLASS, 1, 0, "targets have 1 class, expected 2 or more"},
    {"negative_log_likelihood", "-", RONDO_TARGET_REAL, 4, 0, "targets are numbers, expected classes"},
    {"negative_log_likelihood", "class_weights=[1,2]", RONDO_TARGET_CLASS, 3, 0, "'class_weights' has 2 numbers"},
    {"hinge", "-", RONDO_TARGET_CLASS, 4, 4, NULL},
    {"hinge", "-", RONDO_TARGET_REAL, 3, 3, NULL},
    {"hinge", "-", RONDO_TARGET_CLASS, 1, 0, "targets have 1 class, expected 2 or more"},
    {"hinge", "-", RONDO_TARGET_LIST, 4, 0, "targets are lists of classes"},
    {"squared_error", "-", RONDO_TARGET_REAL, 3, 3, NULL},
    {"squared_error", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"absolute_error", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"huber", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"log_cosh", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"cosine", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"kullback_leibler", "-", RONDO_TARGET_REAL, 3, 3, NULL},
    {"kullback_leibler", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected probabilities"},
    {"kullback_leibler", "-", RONDO_TARGET_REAL, 1, 0,
     "targets have 1 number, expected the probabilities of 2 or more"},
    {"poisson", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"gaussian", "-", RONDO_TARGET_REAL, 3, 6, NULL},
    {"gaussian", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"student_t", "-", RONDO_TARGET_REAL, 3, 9, NULL},
    {"student_t", "degrees=4", RONDO_TARGET_REAL, 3, 6, NULL},
    {"student_t", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
    {"negative_binomial", "-", RONDO_TARGET_REAL, 3, 6, NULL},
    {"negative_binomial", "-", RONDO_TARGET_LIST, 3, 0, "targets are classes, expected numbers"},
    {"quantile", "-", RONDO_TARGET_REAL, 3, 3, NULL},
    {"quantile", "levels=[0.1,0.5,0.9]", RONDO_TARGET_REAL, 2, 6, NULL},
    {"quantile", "levels=[]", RONDO_TARGET_REAL, 2, 0, "'levels' is empty, expected one or more"},
    {"quantile", "levels=[0.5,0.1]", RONDO_TARGET_REAL, 2, 0, "'levels' has 0.1 after 0.5, expected ascending numbers"},
    {"quantile", "-", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
};

START_TEST(losses_say_how_many_outputs_they_need) {
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, sizes[_i].name);
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = sizes[_i].kind,
                                  .options = fixture_options(&loss->base, sizes[_i].options),
                                  .target_size = sizes[_i].target_size};
    struct host_call host = fixture_host(loss->base.name);
    int64_t size = 0;
    const rondo_status status = loss->output_size(&host.base, &call, &size);
    ck_assert_int_eq(status, sizes[_i].part == NULL ? RONDO_OK : RONDO_INVALID);
    ck_assert_int_eq(size, sizes[_i].output_size);
    if (sizes[_i].part != NULL) {
        fixture_error(sizes[_i].part);
    }
}
END_TEST

/* One wrong target in the second of three rows; the others are `right`. */
static const struct {
    const char *name, *kind;
    int64_t target_size;
    double right;
    int64_t index;
    double target;
    const char *part;
} wrong_targets[] = {
    {"softmax_cross_entropy", "class", 5, 0, 1, 5, "target of row 1 is class 5, expected 0 to 4"},
    {"softmax_cross_entropy", "class", 5, 0, 1, -1, "target of row 1 is class -1, expected 0 to 4"},
    {"sigmoid_cross_entropy", "class", 2, 0, 1, 2, "target of row 1 is class 2, expected 0 or 1"},
    {"sigmoid_cross_entropy", "class", 2, 0, 1, -1, "target of row 1 is class -1, expected 0 or 1"},
    {"sigmoid_cross_entropy", "real", 2, 0, 3, 1.5, "target 1 of row 1 is 1.5, expected a number in [0, 1]"},
    {"sigmoid_cross_entropy", "real", 2, 0, 2, -0.25, "target 0 of row 1 is -0.25, expected a number in [0, 1]"},
    {"sigmoid_cross_entropy", "real", 2, 0, 2, NAN, "target 0 of row 1 is nan, expected a number in [0, 1]"},
    {"negative_log_likelihood", "class", 5, 0, 1, 5, "target of row 1 is class 5, expected 0 to 4"},
    {"hinge", "class", 5, 0, 1, -1, "target of row 1 is class -1, expected 0 to 4"},
    {"hinge", "real", 2, 1, 3, 0, "target 1 of row 1 is 0, expected -1 or 1"},
    {"hinge", "real", 2, -1, 2, NAN, "target 0 of row 1 is nan, expected -1 or 1"},
    {"kullback_leibler", "real", 2, 0.5, 3, -0.5, "target 1 of row 1 is -0.5, expected a probability"},
    {"kullback_leibler", "real", 2, 0.5, 2, NAN, "target 0 of row 1 is nan, expected a probability"},
    {"kullback_leibler", "real", 2, 0.5, 2, 0.25, "targets of row 1 sum to 0.75, expected 1"},
    {"poisson", "real", 2, 0, 3, -1, "target 1 of row 1 is -1, expected a count of 0 or more"},
    {"poisson", "real", 2, 0, 2, NAN, "target 0 of row 1 is nan, expected a count of 0 or more"},
    {"negative_binomial", "real", 2, 0, 3, -1, "target 1 of row 1 is -1, expected a count of 0 or more"},
    {"negative_binomial", "real", 2, 0, 2, NAN, "target 0 of row 1 is nan, expected a count of 0 or more"},
};

START_TEST(targets_out_of_range_are_refused) {
    struct batch_fixture batch = batch_fixture_create(wrong_targets[_i].name, wrong_targets[_i].kind,
                                                      wrong_targets[_i].target_size, 3, "-", RONDO_F64);
    for (int64_t i = 0; i < rondo_count(&batch.targets); i++) {
        tensor_set(&batch.targets, i, wrong_targets[_i].right);
    }
    tensor_set(&batch.targets, wrong_targets[_i].index, wrong_targets[_i].target);
    rondo_value outputs;
    ck_assert_int_lt(batch_fixture_record(&batch, &outputs).id, 0);
    fixture_error(wrong_targets[_i].part);
    ck_assert_int_eq(fixture.errors.status, RONDO_INVALID);
}
END_TEST

/* Outputs that the loss must refuse: the second of two rows is {a, b}. */
static const struct {
    const char *name, *kind, *options;
    double a, b;
    const char *part;
} wrong_outputs[] = {
    {"negative_log_likelihood", "class", "-", 1, 0,
     "outputs of row 1 are not log-probabilities: their exponentials sum to 3.71"},
    {"poisson", "real", "link=identity", 1, -0.5, "output 1 of row 1 is -0.5, expected a rate of 0 or more"},
};

START_TEST(outputs_out_of_range_are_refused) {
    struct batch_fixture batch = batch_fixture_create(wrong_outputs[_i].name, wrong_outputs[_i].kind, 2, 2,
                                                      wrong_outputs[_i].options, RONDO_F32);
    const double half = log(0.5);
    const int is_class = strcmp(wrong_outputs[_i].kind, "class") == 0;
    fixture_fill(&batch.outputs,
                 (double[]){is_class ? half : 1, is_class ? half : 1, wrong_outputs[_i].a, wrong_outputs[_i].b});
    rondo_value outputs;
    ck_assert_int_lt(batch_fixture_record(&batch, &outputs).id, 0);
    fixture_error(wrong_outputs[_i].part);
    ck_assert_int_eq(fixture.errors.status, RONDO_INVALID);
}
END_TEST

/* One row with extreme numbers: very large, very small or certain. The loss is computed by hand. */
static const struct {
    const char *name, *kind, *options;
    int64_t target_size;
    double outputs[2], targets[2];
    double loss;
} extremes[] = {
    {"softmax_cross_entropy", "class", "focus=0.5", 2, {0, 1e30}, {1}, 0},
    {"softmax_cross_entropy", "class", "focus=0.5", 2, {0, 20}, {1}, 0},
    {"softmax_cross_entropy", "class", "focus=2 label_smoothing=0.5", 2, {0, 1000}, {1}, 250},
    {"softmax_cross_entropy", "class", "focus=2", 2, {0, 1000}, {0}, 1000},
    {"softmax_cross_entropy", "class", "class_weights=[0,1]", 2, {0, 1e30}, {0}, 0},
    {"sigmoid_cross_entropy", "class", "focus=0.5", 2, {1e30}, {1}, 0},
    {"sigmoid_cross_entropy", "class", "focus=2", 2, {1e4}, {0}, 1e4},
    {"sigmoid_cross_entropy", "class", "positive_weight=3", 2, {-1e4}, {1}, 3e4},
    {"sigmoid_cross_entropy", "class", "label_smoothing=0.5", 2, {1e4}, {1}, 2500},
    {"negative_log_likelihood", "class", "-", 2, {0, -1e30}, {0}, 0},
    {"negative_log_likelihood", "class", "-", 2, {0, -1e30}, {1}, 1e30},
    {"hinge", "class", "-", 2, {1e30, 0}, {0}, 0},
    {"hinge", "class", "-", 2, {1e30, 0}, {1}, 5e29},
    {"hinge", "class", "margin=3 rivals=hardest", 2, {1e30, 1e30}, {1}, 3},
    {"hinge", "real", "-", 1, {-1e30}, {1}, 1e30},
    {"absolute_error", "real", "-", 1, {1e30}, {0}, 1e30},
    {"huber", "real", "delta=2", 1, {1e30}, {0}, 2e30},
    {"huber", "real", "delta=2", 1, {2}, {2}, 0},
    {"log_cosh", "real", "-", 1, {-1e30}, {0}, 1e30},
    {"log_cosh", "real", "-", 1, {3}, {3}, 0},
    {"quantile", "real", "levels=0.25", 1, {1e30}, {0}, 7.5e29},
    {"quantile", "real", "levels=[0.25,0.75]", 1, {1, 1}, {1}, 0},
    {"cosine", "real", "-", 2, {1e30, 1e30}, {1e-30, 1e-30}, 0},
    {"cosine", "real", "-", 2, {1e-30, 0}, {0, 1e30}, 1},
    {"cosine", "real", "-", 2, {0, 0}, {3, 4}, 1},
    {"cosine", "real", "-", 2, {3, 4}, {0, 0}, 1},
    {"kullback_leibler", "real", "-", 2, {1e30, 0}, {1, 0}, 0},
    {"kullback_leibler", "real", "-", 2, {1000, 0}, {0, 1}, 1000},
    {"poisson", "real", "-", 1, {-1000}, {0}, 0},
    {"poisson", "real", "full=true", 1, {-1000}, {1}, 1000},
    {"poisson", "real", "link=softplus", 1, {-1000}, {2}, 36.841361487904730944},
    {"poisson", "real", "link=identity full=true", 1, {0}, {0}, 0},
    /* log(1e-6) / 2 and log(1e30) / 2, each and log(2 pi) / 2 */
    {"gaussian", "real", "-", 1, {2, -1000}, {2}, -5.98881674577745},
    {"gaussian", "real", "-", 1, {2, 1e30}, {2}, 35.45771492811536},
    /* Of a Cauchy distribution: ln(pi) + ln s + ln(1 + (y - m)^2 / s^2), with s = 1e-6, 1e30, ln 2 + 1e-6 */
    {"student_t", "real", "degrees=1", 1, {2, -1000}, {2}, -12.670780672115},
    {"student_t", "real", "degrees=1", 1, {2, 1e30}, {2}, 70.22228267567077},
    {"student_t", "real", "degrees=1", 1, {1e15, 0}, {0}, 70.58879415355842},
    /* Of a Gaussian of deviation ln 2, which it is with a thousand million degrees of freedom. */
    {"student_t", "real", "degrees=1e9", 1, {0, 0}, {0}, 0.5524270553170085},
    /* Without dispersion, e^l - y l + ln y!; with a large one, r ln(1 + a e^l) and so on. */
    {"negative_binomial", "real", "-", 1, {-1000, -1000}, {0}, 0},
    {"negative_binomial", "real", "-", 1, {-1000, -1000}, {1}, 1000},
    {"negative_binomial", "real", "floor=1e-9", 1, {0, -1000}, {5}, 5.787491742782046},
    {"negative_binomial", "real", "-", 1, {80, 1e30}, {0}, 0},
    /* A million events, where the terms of the sum have eight digits before the point; by mpmath. */
    {"negative_binomial", "real", "-", 1, {13.75, -3}, {1e6}, 13.271464972151565},
};

START_TEST(extreme_numbers_give_finite_losses) {
    for (int k = 0; k < FIXTURE_PRECISIONS; k++) {
        struct batch_fixture batch =
            batch_fixture_create(extremes[_i].name, extremes[_i].kind, extremes[_i].target_size, 1,
                                 extremes[_i].options, fixture_precisions[k].dtype);
        ck_assert_int_le(batch.outputs.shape[1], 2);
        fixture_fill(&batch.outputs, extremes[_i].outputs);
        fixture_fill(&batch.targets, extremes[_i].targets);
        fixture_near(batch_fixture_mean_loss(&batch), extremes[_i].loss, fixture_precisions[k].tolerance,
                     extremes[_i].name, _i);
        ck_assert_msg(tensor_is_finite(batch_fixture_gradient(&batch)), "gradient of %s [%d]", extremes[_i].name, _i);
        const rondo_tensor predictions = batch_fixture_predict(&batch);
        ck_assert_msg(tensor_is_finite(&predictions), "predictions of %s [%d]", extremes[_i].name, _i);
        double sums[MOST_METRICS];
        ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
        for (int m = 0; m < MOST_METRICS; m++) {
            ck_assert_msg(isfinite(sums[m]), "metric %d of %s [%d]", m, extremes[_i].name, _i);
        }
    }
}
END_TEST

/* log cosh d = d^2 / 2 - d^4 / 12 + …, which d + log((1 + e^-2d) / 2) would lose in f32 if it were computed
 * directly. */
START_TEST(log_cosh_keeps_its_digits_near_zero) {
    struct batch_fixture batch = batch_fixture_create("log_cosh", "real", 1, 1, "-", RONDO_F32);
    tensor_set(&batch.outputs, 0, 0x1p-10);
    ck_assert_double_le(fabs(batch_fixture_mean_loss(&batch) / 0x1p-21 - 1), 1e-3);
}
END_TEST

static const char *const of_classes[] = {"softmax_cross_entropy", "negative_log_likelihood", "hinge"};

START_TEST(class_out_of_range_is_not_measured) {
    struct batch_fixture batch = batch_fixture_create(of_classes[_i], "class", 5, 3, "-", RONDO_F32);
    tensor_set(&batch.targets, 2, 1e9);
    const rondo_tensor predictions = batch_fixture_predict(&batch);
    double sums[MOST_METRICS];
    ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_INVALID);
    fixture_error("target of row 2 is class 1000000000");
}
END_TEST

static const struct {
    const char *name, *kind;
    int64_t target_size;
} losses[] = {
    {"softmax_cross_entropy", "class", 3},
    {"sigmoid_cross_entropy", "class", 2},
    {"sigmoid_cross_entropy", "real", 3},
    {"negative_log_likelihood", "class", 3},
    {"hinge", "class", 3},
    {"hinge", "real", 3},
    {"squared_error", "real", 3},
    {"absolute_error", "real", 3},
    {"huber", "real", 3},
    {"log_cosh", "real", 3},
    {"quantile", "real", 3},
    {"cosine", "real", 3},
    {"kullback_leibler", "real", 3},
    {"poisson", "real", 3},
    {"gaussian", "real", 3},
    {"student_t", "real", 3},
    {"negative_binomial", "real", 3},
};

START_TEST(batch_without_rows_is_allowed) {
    struct batch_fixture batch =
        batch_fixture_create(losses[_i].name, losses[_i].kind, losses[_i].target_size, 0, "-", RONDO_F32);
    rondo_value outputs;
    const rondo_tensor *result = tape_tensor(fixture.tape, batch_fixture_record(&batch, &outputs));
    ck_assert_msg(result != NULL, "%s", fixture_first_error());
    ck_assert_int_eq(result->ndim, 1);
    ck_assert_int_eq(result->shape[0], 0);
    const rondo_tensor predictions = batch_fixture_predict(&batch);
    double sums[MOST_METRICS];
    ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
    ck_assert_double_eq(sums[0], 0);
}
END_TEST

START_TEST(outputs_that_failed_give_a_loss_that_failed) {
    struct batch_fixture batch =
        batch_fixture_create(losses[_i].name, losses[_i].kind, losses[_i].target_size, 1, "-", RONDO_F32);
    struct host_call host = fixture_host("losses");
    host.recorder = tape_recorder(fixture.tape);
    /* Applying an unknown op puts the tape into the failed state, as an error in the model would. */
    const rondo_value outputs = tape_apply_named(fixture.tape, "none", NULL, NULL, 0);
    ck_assert_int_lt(batch.loss->record(&host.base, &batch.call, outputs, outputs).id, 0);
    ck_assert_int_eq(fixture.errors.count, 1);
}
END_TEST

START_TEST(predictions_are_the_same_bits_on_any_number_of_threads) {
    struct batch_fixture batch = batch_fixture_create("softmax_cross_entropy", "class", 100, 1000, "-", RONDO_F32);
    for (int64_t i = 0; i < rondo_count(&batch.outputs); i++) {
        tensor_set(&batch.outputs, i, 3 * sin((double)i));
    }
    const rondo_tensor alone = batch_fixture_predict(&batch);
    fixture.parallel.threads = 4;
    const rondo_tensor together = batch_fixture_predict(&batch);
    fixture.parallel.threads = 1;
    ck_assert_mem_eq(alone.data, together.data, tensor_bytes(&alone));
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(&alone); i++) {
        sum += tensor_get(&alone, i);
    }
    fixture_near(sum, 1000, 1e-6, "sum of the probabilities", 0);
}
END_TEST

START_TEST(perplexity_of_the_impossible_is_a_number) {
    for (int k = 0; k < 2; k++) {
        struct batch_fixture batch =
            batch_fixture_create(of_classes[k], "class", 2, 1, "-", fixture_precisions[_i].dtype);
        fixture_fill(&batch.outputs, (double[]){-1e30, 0});
        const rondo_tensor predictions = batch_fixture_predict(&batch);
        double sums[MOST_METRICS];
        ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
        ck_assert(isfinite(sums[1]) && sums[1] > 80);
    }
}
END_TEST

static const struct {
    const char *name, *options, *part;
} refused_options[] = {
    {"softmax_cross_entropy", "label_smoothing=1", "'label_smoothing' is 1"},
    {"softmax_cross_entropy", "focus=-1", "'focus' is -1"},
    {"softmax_cross_entropy", "class_weights=[1,-1]", "'class_weights'"},
    {"sigmoid_cross_entropy", "reduction=none", "expected one of mean, sum"},
    {"sigmoid_cross_entropy", "positive_weight=-1", "'positive_weight' is -1"},
    {"hinge", "power=3", "'power' is 3"},
    {"hinge", "rivals=none", "expected one of all, hardest"},
    {"huber", "delta=0", "'delta' is 0"},
    {"quantile", "levels=[0.5,1]", "'levels'"},
    {"poisson", "link=sqrt", "expected one of log, softplus, identity"},
    {"gaussian", "floor=0", "'floor' is 0"},
    {"student_t", "degrees=-1", "'degrees' is -1"},
    {"negative_binomial", "link=identity", "expected one of log, softplus"},
    {"squared_error", "reduction=mean", "unknown option 'reduction' of squared_error"},
};

/* Of equally probable classes the first one counts, among few classes and among more than fit in vector registers. */
START_TEST(accuracy_counts_the_first_of_the_most_probable_classes) {
    enum { CLASSES = 70, FIRST = 21, SECOND = 40 };
    const struct {
        int32_t target;
        double accuracy;
    } tied[] = {{FIRST, 1}, {SECOND, 0}, {0, 0}, {CLASSES - 1, 0}};
    for (int row = 0; row < 4; row++) {
        struct batch_fixture batch =
            batch_fixture_create("softmax_cross_entropy", "class", CLASSES, 1, "-", fixture_precisions[_i].dtype);
        tensor_set(&batch.outputs, FIRST, 1);
        tensor_set(&batch.outputs, SECOND, 1);
        tensor_set(&batch.targets, 0, tied[row].target);
        const rondo_tensor predictions = batch_fixture_predict(&batch);
        double sums[MOST_METRICS];
        ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
        ck_assert_double_eq(sums[0], tied[row].accuracy);
    }
}
END_TEST

START_TEST(options_out_of_range_are_refused) {
    const rondo_descriptor *loss = fixture_find(RONDO_KIND_LOSS, refused_options[_i].name);
    ck_assert_ptr_null(fixture_options(loss, refused_options[_i].options));
    fixture_error(refused_options[_i].part);
}
END_TEST

static TCase *loss_cases(void) {
    TCase *cases = tcase_create("losses");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, losses_agree_with_pytorch, 0, FIXTURE_PRECISIONS);
    tcase_add_test(cases, gradients_of_losses_are_those_of_central_differences);
    tcase_add_loop_test(cases, losses_say_how_many_outputs_they_need, 0, ROWS(sizes));
    tcase_add_loop_test(cases, targets_out_of_range_are_refused, 0, ROWS(wrong_targets));
    tcase_add_loop_test(cases, options_out_of_range_are_refused, 0, ROWS(refused_options));
    tcase_add_loop_test(cases, accuracy_counts_the_first_of_the_most_probable_classes, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, outputs_out_of_range_are_refused, 0, ROWS(wrong_outputs));
    tcase_add_loop_test(cases, extreme_numbers_give_finite_losses, 0, ROWS(extremes));
    tcase_add_test(cases, log_cosh_keeps_its_digits_near_zero);
    tcase_add_loop_test(cases, class_out_of_range_is_not_measured, 0, ROWS(of_classes));
    tcase_add_loop_test(cases, batch_without_rows_is_allowed, 0, ROWS(losses));
    tcase_add_loop_test(cases, outputs_that_failed_give_a_loss_that_failed, 0, ROWS(losses));
    tcase_add_test(cases, predictions_are_the_same_bits_on_any_number_of_threads);
    tcase_add_loop_test(cases, perplexity_of_the_impossible_is_a_number, 0, FIXTURE_PRECISIONS);
    return cases;
}

int main(void) {
    Suite *suite = suite_create("losses");
    suite_add_tcase(suite, loss_cases());
    return run_suite(suite);
}
