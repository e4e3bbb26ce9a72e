/* tests/test_embedding_losses.c: properties of mixtures of Gaussians, and of losses that compare the rows of a batch
 * (triplet, contrastive). Their numbers are compared with PyTorch in test_sequence_losses.c.
 */
#define _POSIX_C_SOURCE 200809L
#include "batch_fixture.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

/* ---- mixtures ---- */

/* One component at the target becomes narrower and narrower; from the least deviation on, its density does not grow. */
START_TEST(mixture_density_is_bounded_by_the_least_deviation) {
    struct batch_fixture batch = batch_fixture_create(
        "mixture_density", "real", 1, 3, "components=1 least_deviation=0.01", fixture_precisions[_i].dtype);
    fixture_fill(&batch.outputs, (double[]){0, 0, -20, 0, 0, -200, 0, 0, -2000});
    const double bound = log(0.01) + 0.5 * log(2 * acos(-1));
    fixture_all_near(batch_fixture_losses(&batch), (double[]){bound, bound, bound}, 2e-5, "loss");
    batch_fixture_check_finite(batch_fixture_gradient(&batch), "gradient");
}
END_TEST

START_TEST(mixture_density_stays_finite_far_away) {
    struct batch_fixture batch =
        batch_fixture_create("mixture_density", "real", 2, 2, "components=3", fixture_precisions[_i].dtype);
    batch_fixture_fill_waves(&batch.outputs, 80);
    fixture_fill(&batch.targets, (double[]){1e4, -1e4, 3e3, 0});
    batch_fixture_check_finite(batch_fixture_losses(&batch), "loss");
    batch_fixture_check_finite(batch_fixture_gradient(&batch), "gradient");
}
END_TEST

/* ---- embeddings ---- */

START_TEST(losses_of_a_batch_are_not_divided) {
    ck_assert_uint_eq(((const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "triplet"))->flags, RONDO_LOSS_COUPLES_ROWS);
    ck_assert_uint_eq(((const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "contrastive"))->flags,
                      RONDO_LOSS_COUPLES_ROWS);
    ck_assert_uint_eq(((const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "ctc"))->flags, 0);
}
END_TEST

static const struct {
    const char *name, *options;
} embeddings[] = {
    {"triplet", "size=3"},
    {"triplet", "size=3 normalise=true"},
    {"triplet", "size=3 mining=batch_all squared=true"},
    {"triplet", "size=3 mining=batch_all_nonzero soft_margin=true"},
    {"contrastive", "size=3"},
    {"contrastive", "size=3 normalise=true"},
};

/* All rows are equal, at the origin or elsewhere; in f32 and f64. */
START_TEST(gradients_at_distance_0_are_finite) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        for (int at_origin = 0; at_origin <= 1; at_origin++) {
            struct batch_fixture batch =
                batch_fixture_create(embeddings[_i].name, "class", 2, 4, embeddings[_i].options, dtype);
            fixture_fill(&batch.targets, (double[]){0, 0, 1, 1});
            for (int64_t i = 0; i < rondo_count(&batch.outputs); i++) {
                tensor_set(&batch.outputs, i, at_origin ? 0 : 0.5 + (double)(i % 3));
            }
            batch_fixture_check_finite(batch_fixture_losses(&batch), "loss");
            ck_assert_double_gt(tensor_get(batch_fixture_losses(&batch), 0), 0);
            batch_fixture_check_finite(batch_fixture_gradient(&batch), "gradient");
        }
    }
}
END_TEST

/* `rows` rows, all of one class or all of their own; only pairs of two classes have a contrastive loss. */
START_TEST(rows_without_a_partner_contribute_nothing) {
    for (int64_t rows = 0; rows <= 5; rows++) {
        for (int of_one_class = 0; of_one_class <= 1; of_one_class++) {
            struct batch_fixture batch =
                batch_fixture_create(embeddings[_i].name, "class", 9, rows, embeddings[_i].options, RONDO_F64);
            for (int64_t row = 0; row < rows; row++) {
                tensor_set(&batch.targets, row, of_one_class ? 3 : (double)row);
            }
            batch_fixture_fill_waves(&batch.outputs, 1);
            if (strcmp(embeddings[_i].name, "contrastive") == 0 && rows > 1) {
                continue; /* two rows are a pair */
            }
            const rondo_tensor *losses = batch_fixture_losses(&batch);
            for (int64_t row = 0; row < rows; row++) {
                ck_assert_double_eq(tensor_get(losses, row), 0);
            }
            if (rows == 0) {
                continue;
            }
            const rondo_tensor *gradient = batch_fixture_gradient(&batch);
            for (int64_t i = 0; i < rondo_count(gradient); i++) {
                ck_assert_double_eq(tensor_get(gradient, i), 0);
            }
        }
    }
}
END_TEST

/* Two clusters of 40 rows each: every nearest row is of the same class; of two classes in each cluster, next to none.
 */
START_TEST(recall_counts_rows_whose_nearest_row_has_their_class) {
    struct batch_fixture batch =
        batch_fixture_create(embeddings[_i].name, "class", 4, 80, embeddings[_i].options, RONDO_F32);
    for (int64_t row = 0; row < 80; row++) {
        const double along = 0.01 * (double)(row / 2), from = row % 2 == 0 ? 1 : -1;
        tensor_set(&batch.outputs, row * 3, from);
        tensor_set(&batch.outputs, row * 3 + 1, from * along);
        tensor_set(&batch.outputs, row * 3 + 2, 0);
        tensor_set(&batch.targets, row, (double)(row % 2));
    }
    const rondo_tensor predictions = batch_fixture_predict(&batch);
    double sums[MOST_METRICS];
    ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
    ck_assert_double_eq(sums[0], 80);
    for (int64_t row = 0; row < 80; row++) { /* neighbours along a line alternate between the classes */
        tensor_set(&batch.targets, row, (double)(row % 4));
    }
    fixture.parallel.threads = 4;
    ck_assert_int_eq(batch_fixture_measure(&batch, &predictions, sums), RONDO_OK);
    ck_assert_double_eq(sums[0], 0);
}
END_TEST

/* ---- both ---- */

/* Losses that choose what they look at; one output that is not a number, of a row that has partners. */
static const struct {
    const char *name, *kind, *options;
} choosers[] = {
    {"mixture_density", "real", "components=3"},
    {"triplet", "class", "size=3"},
    {"triplet", "class", "size=3 mining=batch_all normalise=true"},
    {"contrastive", "class", "size=3"},
};

START_TEST(not_a_number_is_not_hidden) {
    struct batch_fixture batch =
        batch_fixture_create(choosers[_i].name, choosers[_i].kind, 2, 6, choosers[_i].options, RONDO_F32);
    batch_fixture_fill_waves(&batch.outputs, 1);
    for (int64_t row = 0; row < 6; row++) {
        tensor_set(&batch.targets, row, (double)(row % 2));
    }
    batch_fixture_check_finite(batch_fixture_losses(&batch), "loss");
    tensor_set(&batch.outputs, rondo_count(&batch.outputs) / 2, NAN);
    const rondo_tensor *losses = batch_fixture_losses(&batch);
    int found = 0;
    for (int64_t row = 0; row < 6; row++) {
        found += isnan(tensor_get(losses, row));
    }
    ck_assert_int_gt(found, 0);
}
END_TEST

static TCase *row_cases(void) {
    TCase *cases = tcase_create("mixtures and embeddings");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, mixture_density_is_bounded_by_the_least_deviation, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, mixture_density_stays_finite_far_away, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, gradients_at_distance_0_are_finite, 0, ROWS(embeddings));
    tcase_add_loop_test(cases, rows_without_a_partner_contribute_nothing, 0, ROWS(embeddings));
    tcase_add_test(cases, losses_of_a_batch_are_not_divided);
    tcase_add_loop_test(cases, not_a_number_is_not_hidden, 0, ROWS(choosers));
    tcase_add_loop_test(cases, recall_counts_rows_whose_nearest_row_has_their_class, 0, ROWS(embeddings));
    return cases;
}

int main(void) {
    Suite *suite = suite_create("embedding_losses");
    suite_add_tcase(suite, row_cases());
    return run_suite(suite);
}
