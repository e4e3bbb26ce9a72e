/* tests/test_sequence_losses.c: compares losses that use several rows with PyTorch; and properties of the loss that
 * aligns lists of labels with sequences (CTC).
 *
 * golden/make_sequence_losses.py writes the reference. Other tests of mixtures and embeddings are in
 * test_embedding_losses.c, sampled softmax in training in test_sampled_softmax.c.
 */
#define _POSIX_C_SOURCE 200809L
#include "batch_fixture.h"

#include <math.h>
#include <string.h>

#include "kit/check.h"
#include "tests/suite.h"

/* ---- against the reference ---- */

#define CASES 23

START_TEST(losses_agree_with_the_reference) {
    const struct fixture_precision *precision = &fixture_precisions[_i];
    struct golden golden = golden_open("sequence_losses.txt");
    struct batch_fixture batch;
    int cases = 0;
    for (; batch_fixture_next(&golden, precision->dtype, &batch); cases++) {
        batch_fixture_check_case(&batch, &golden, precision->tolerance, cases);
    }
    ck_assert_int_eq(cases, CASES);
    golden_close(&golden);
}
END_TEST

/* Ops in the file of a loss, which can be found after the loss is loaded. */
static const struct {
    const char *loss, *op;
} ops[] = {{"ctc", "ctc_path"}, {"sampled_softmax", "log_softmax_sampled"}};

START_TEST(ops_of_losses_pass_every_check) {
    fixture_find(RONDO_KIND_LOSS, ops[_i].loss);
    const rondo_op *op = registry_op(fixture.registry, ops[_i].op);
    ck_assert_ptr_nonnull(op);
    int count = 0;
    for (const struct kit_check *check = kit_op_checks; check->name != NULL; check++, count++) {
        struct kit kit = {.arena = fixture.arena,
                          .errors = &fixture.errors,
                          .registry = fixture.registry,
                          .file = "built-in",
                          .parallel = {4},
                          .seed = 1};
        char reason[512] = "";
        ck_assert_msg(run_kit_check(check, &kit, &op->base, reason, sizeof reason) != VERDICT_FAIL, "%s, %s: %s",
                      ops[_i].op, check->name, reason);
    }
    ck_assert_int_gt(count, 5);
}
END_TEST

/* (L(x + h) - L(x - h)) / 2h, in f64, for every output of the small cases. */
START_TEST(gradients_are_those_of_central_differences) {
    struct golden golden = golden_open("sequence_losses.txt");
    struct batch_fixture batch;
    int cases = 0;
    while (batch_fixture_next(&golden, RONDO_F64, &batch)) {
        cases += batch_fixture_check_gradient(&batch, &golden, 1e-6);
    }
    ck_assert_int_eq(cases, CASES - 1);
    golden_close(&golden);
}
END_TEST

/* Targets, and the numbers of outputs and predictions of a row for them; 0: refused, with the text. */
static const struct {
    const char *name, *options;
    int32_t kind;
    int64_t target_size, outputs, predictions;
    const char *part;
} sizes[] = {
    {"ctc", "-", RONDO_TARGET_LIST, 26, 27, 27, NULL},
    {"ctc", "-", RONDO_TARGET_LIST, 0, 0, 0, "targets have no class, expected 1 or more"},
    {"ctc", "-", RONDO_TARGET_CLASS, 26, 0, 0, "targets are one class per row, expected a list of classes"},
    {"ctc", "-", RONDO_TARGET_REAL, 2, 0, 0, "targets are numbers, expected a list of classes"},
    {"mixture_density", "components=3", RONDO_TARGET_REAL, 4, 27, 4, NULL},
    {"mixture_density", "-", RONDO_TARGET_CLASS, 4, 0, 0, "targets are classes, expected numbers"},
    {"mixture_density", "components=10000", RONDO_TARGET_REAL, 1000000, 0, 0, "too many for 10000 components"},
    {"triplet", "size=12", RONDO_TARGET_CLASS, 100, 12, 12, NULL},
    {"triplet", "-", RONDO_TARGET_REAL, 2, 0, 0, "targets are numbers, expected classes"},
    {"contrastive", "size=12", RONDO_TARGET_CLASS, 100, 12, 12, NULL},
    {"contrastive", "-", RONDO_TARGET_LIST, 2, 0, 0, "targets are lists, expected classes"},
};

START_TEST(losses_say_how_many_outputs_they_need) {
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, sizes[_i].name);
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = sizes[_i].kind,
                                  .options = fixture_options(&loss->base, sizes[_i].options),
                                  .target_size = sizes[_i].target_size};
    struct host_call host = fixture_host(loss->base.name);
    int64_t outputs = 0, predictions = sizes[_i].predictions;
    const rondo_status status = loss->output_size(&host.base, &call, &outputs);
    ck_assert_int_eq(status, sizes[_i].part == NULL ? RONDO_OK : RONDO_INVALID);
    ck_assert_int_eq(outputs, sizes[_i].outputs);
    if (sizes[_i].part != NULL) {
        fixture_error(sizes[_i].part);
    } else if (loss->prediction_size != NULL) {
        ck_assert_int_eq(loss->prediction_size(&host.base, &call, &predictions), RONDO_OK);
        ck_assert_int_eq(predictions, sizes[_i].predictions);
    }
}
END_TEST

/* ---- CTC ---- */

/* A batch for CTC; `labels` is the number of labels in all lists. */
static struct batch_fixture ctc_batch(int64_t classes, int64_t rows, const char *options, int32_t dtype, int64_t count,
                                      const double *lengths, const double *list_lengths, const double *labels) {
    struct batch_fixture batch = batch_fixture_create("ctc", "list", classes, rows, options, dtype);
    batch_fixture_lay_out(&batch, count, lengths, list_lengths);
    fixture_fill(&batch.targets, labels);
    return batch;
}

/* The lists of up to 4 labels of 2 that 4 steps can hold, as digits of base 3 from the end, 1 and 2 being labels. */
static int64_t digits_of(int code, double *labels) {
    int64_t count = 0, needed = 0;
    for (; code > 0; code /= 3) {
        const double label = code % 3 - 1;
        if (label < 0) {
            return -1; /* a digit 0 is not a label: another code is used for that list */
        }
        needed += 1 + (count > 0 && labels[count - 1] == label);
        labels[count++] = label;
    }
    return needed <= 4 ? count : -1;
}

START_TEST(ctc_gives_all_lists_together_the_probability_1) {
    double sum = 0;
    int lists = 0;
    for (int code = 0; code < 81; code++) {
        double labels[4];
        const int64_t count = digits_of(code, labels);
        if (count < 0) {
            continue;
        }
        struct batch_fixture batch =
            ctc_batch(2, 4, "-", RONDO_F64, 1, (double[]){4}, (double[]){(double)count}, labels);
        batch_fixture_fill_waves(&batch.outputs, 2);
        sum += exp(-tensor_get(batch_fixture_losses(&batch), 0));
        lists++;
    }
    ck_assert_int_eq(lists, 15);
    fixture_near(sum, 1, 1e-12, "sum of the probabilities", 0);
}
END_TEST

/* A target that needs more steps than there are; a class out of range. */
static const struct {
    double lengths[2], lists[2], labels[4];
    const char *options, *part;
} refused[] = {
    {{3, 2}, {1, 3}, {0, 0, 1, 0}, "-", "sequence 1 of the batch has 2 steps, and a target that needs 3: 3 labels"},
    {{3, 2}, {0, 2}, {1, 1, 0, 0}, "-", "sequence 1 of the batch has 2 steps, and a target that needs 3: 2 labels"},
    {{4, 1}, {3, 1}, {1, 1, 1, 0}, "-", "sequence 0 of the batch has 4 steps, and a target that needs 5: 3 labels"},
    {{4, 1}, {1, 1}, {0, 2, 0, 0}, "-", "target 0 of sequence 1 is class 2, expected 0 to 1"},
    {{4, 1}, {2, 1}, {0, -1, 0, 0}, "zero_infinity=true", "target 1 of sequence 0 is class -1, expected 0 to 1"},
};

START_TEST(ctc_names_the_sequence_with_an_impossible_target) {
    struct batch_fixture batch =
        ctc_batch(2, 5, refused[_i].options, RONDO_F32, 2, refused[_i].lengths, refused[_i].lists, refused[_i].labels);
    rondo_value outputs;
    ck_assert_int_lt(batch_fixture_record(&batch, &outputs).id, 0);
    fixture_error(refused[_i].part);
    ck_assert_int_eq(fixture.errors.status, RONDO_INVALID);
}
END_TEST

START_TEST(ctc_needs_an_output_at_every_step) {
    struct batch_fixture batch = batch_fixture_create("ctc", "list", 2, 3, "-", RONDO_F32);
    rondo_value outputs;
    ck_assert_int_lt(batch_fixture_record(&batch, &outputs).id, 0);
    fixture_error("the model gives an output for each sequence, expected one for each step of it");
}
END_TEST

/* `steps` steps of 4 sequences, the last one shorter, with `labels` labels each. */
static struct batch_fixture long_ctc(int32_t dtype, int64_t steps, int64_t labels) {
    struct batch_fixture batch = batch_fixture_create("ctc", "list", 5, 4 * steps - 7, "-", dtype);
    const double n = (double)steps, lists = (double)labels;
    batch_fixture_lay_out(&batch, 4, (double[]){n, n, n, n - 7}, (double[]){lists, lists, lists, lists});
    for (int64_t i = 0; i < rondo_count(&batch.targets); i++) {
        tensor_set(&batch.targets, i, (double)(i * i % 5));
    }
    batch_fixture_fill_waves(&batch.outputs, 3);
    return batch;
}

START_TEST(ctc_keeps_its_digits_over_long_sequences) {
    struct batch_fixture single = long_ctc(RONDO_F32, 2000, 150), accurate = long_ctc(RONDO_F64, 2000, 150);
    const int64_t count = rondo_count(&single.outputs);
    double *expected = arena_alloc(fixture.arena, sizeof *expected * (size_t)count);
    ck_assert_ptr_nonnull(expected);
    const rondo_tensor *gradient = batch_fixture_gradient(&accurate);
    double largest = 0;
    for (int64_t i = 0; i < count; i++) {
        expected[i] = tensor_get(gradient, i);
        largest = fmax(largest, fabs(expected[i]));
    }
    const rondo_tensor *found = batch_fixture_gradient(&single);
    for (int64_t i = 0; i < count; i++) {
        /* relative to the largest, because outputs in f32 have errors of 1e-7 of their size */
        ck_assert_double_le(fabs(tensor_get(found, i) - expected[i]), 2e-5 * largest);
    }
    double losses[4];
    const rondo_tensor *of_sequences = batch_fixture_losses(&accurate);
    for (int64_t s = 0; s < 4; s++) {
        losses[s] = tensor_get(of_sequences, s);
        ck_assert_double_gt(losses[s], 1000);
    }
    fixture_all_near(batch_fixture_losses(&single), losses, 2e-5, "loss");
}
END_TEST

START_TEST(ctc_gives_the_same_bits_on_any_number_of_threads) {
    struct batch_fixture batch = long_ctc(RONDO_F32, 100, 10);
    const rondo_tensor *gradient = batch_fixture_gradient(&batch);
    const size_t bytes = tensor_bytes(gradient);
    void *alone = arena_alloc(fixture.arena, bytes);
    ck_assert_ptr_nonnull(alone);
    memcpy(alone, gradient->data, bytes);
    fixture.parallel.threads = 4;
    ck_assert_mem_eq(batch_fixture_gradient(&batch)->data, alone, bytes);
}
END_TEST

START_TEST(ctc_is_not_measured_on_classes_that_are_none) {
    struct batch_fixture batch = ctc_batch(2, 3, "-", RONDO_F32, 1, (double[]){3}, (double[]){1}, (double[]){7});
    const rondo_tensor predictions = batch_fixture_predict(&batch);
    double sums[MOST_METRICS];
    ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_INVALID);
    fixture_error("target 0 of sequence 0 is class 7, expected 0 to 1");
}
END_TEST

/* ---- the suite ---- */

static TCase *reference_cases(void) {
    TCase *cases = tcase_create("reference");
    tcase_set_timeout(cases, 60); /* all checks of an op */
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, losses_agree_with_the_reference, 0, FIXTURE_PRECISIONS);
    tcase_add_test(cases, gradients_are_those_of_central_differences);
    tcase_add_loop_test(cases, ops_of_losses_pass_every_check, 0, ROWS(ops));
    tcase_add_loop_test(cases, losses_say_how_many_outputs_they_need, 0, ROWS(sizes));
    return cases;
}

static TCase *ctc_cases(void) {
    TCase *cases = tcase_create("ctc");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, ctc_gives_all_lists_together_the_probability_1);
    tcase_add_loop_test(cases, ctc_names_the_sequence_with_an_impossible_target, 0, ROWS(refused));
    tcase_add_test(cases, ctc_needs_an_output_at_every_step);
    tcase_add_test(cases, ctc_keeps_its_digits_over_long_sequences);
    tcase_add_test(cases, ctc_gives_the_same_bits_on_any_number_of_threads);
    tcase_add_test(cases, ctc_is_not_measured_on_classes_that_are_none);
    return cases;
}

int main(void) {
    Suite *suite = suite_create("sequence_losses");
    suite_add_tcase(suite, reference_cases());
    suite_add_tcase(suite, ctc_cases());
    return run_suite(suite);
}
