/* train/target_check.h: the cost of the check of targets before training. test_bad_input.c tests what it refuses. */
#include "train/target_check.h"

#include <check.h>
#include <stdlib.h>

#include "dataset_fixture.h"
#include "experiment/session.h"
#include "tests/suite.h"

/* A million classes, with outputs for each: making outputs for even one example of a language model would take long,
 * and for this head more memory than there is. */
START_TEST(classes_are_checked_without_outputs) {
    enum { CLASSES = 1000000 };
    static const char *const path[] = {NULL};
    struct errors errors = {0};
    const struct session_settings settings = {.threads = 1, .plugins = path};
    struct session *session = session_create(&settings, &errors);
    ck_assert_ptr_nonnull(session);
    struct dataset *dataset = dataset_fixture_create(STREAM_CLASS, 2, STREAM_CLASS, CLASSES);
    const int32_t token = 1, last = CLASSES - 1;
    ck_assert_int_eq(dataset_fixture_add(dataset, &token, 1, &last, 1, &errors), RONDO_OK);
    static const rondo_loss loss;
    const struct batch_plan plan = {.architecture = {1, 0}, .dtype = RONDO_F32};
    const struct loss_term term = {.loss = &loss, .weight = 1, .origin = "none"};
    const struct heads heads = {
        .loss = {&term, 1}, .target_kind = RONDO_TARGET_CLASS, .target_size = CLASSES, .output_size = (int64_t)1 << 50};
    ck_assert_msg(target_check(&heads, session, dataset, &plan, "x.tsv", &errors) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    dataset_destroy(dataset);
    session_destroy(session);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target check");
    TCase *cases = tcase_create("target check");
    tcase_add_test(cases, classes_are_checked_without_outputs);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
