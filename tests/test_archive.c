/* core/archive.h. */
#include "core/archive.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* Values of all kinds come back with their bits. */
START_TEST(archive_returns_what_was_put) {
    struct archive *archive = archive_create();
    struct errors errors = {0};
    const int64_t shape[] = {2, 3}, integers[] = {INT64_MIN, -1, INT64_MAX};
    float values[] = {1, -0.0F, INFINITY, 1e-45F, 3, NAN}, back[6] = {0};
    const double reals[] = {0.1, -0.0, NAN};
    rondo_tensor tensor = tensor_of(RONDO_F32, 2, shape);
    for (int round = 0; round < 2; round++) {
        tensor.data = values;
        archive_put_tensor(archive, &tensor, "model.%s", "W");
        archive_put_integers(archive, integers, 3, "integers");
        archive_put_reals(archive, reals, 3, "reals");
        archive_put_integer(archive, 7, "n");
        archive_put_real(archive, 0.25, "x");
        archive_put_text(archive, "", "empty");
        archive_put_text(archive, "a\nb", "text");
        ck_assert(!archive_is_failed(archive));
        ck_assert_int_eq(archive_count(archive), 7);
        ck_assert_int_ne(archive_check_taken(archive, &errors), RONDO_OK);
        errors_free(&errors);

        int64_t integers_back[3], n;
        double reals_back[3], x;
        tensor.data = back;
        ck_assert_int_eq(archive_take_tensor(archive, &tensor, &errors, "model.W"), RONDO_OK);
        ck_assert_int_eq(archive_take_integers(archive, integers_back, 3, &errors, "integers"), RONDO_OK);
        ck_assert_int_eq(archive_take_reals(archive, reals_back, 3, &errors, "reals"), RONDO_OK);
        ck_assert_int_eq(archive_take_integer(archive, &n, &errors, "n"), RONDO_OK);
        ck_assert_int_eq(archive_take_real(archive, &x, &errors, "x"), RONDO_OK);
        ck_assert_str_eq(archive_take_text(archive, &errors, "empty"), "");
        ck_assert_str_eq(archive_take_text(archive, &errors, "te%s", "xt"), "a\nb");
        ck_assert_int_eq(memcmp(back, values, sizeof values), 0);
        ck_assert_int_eq(memcmp(integers_back, integers, sizeof integers), 0);
        ck_assert_int_eq(memcmp(reals_back, reals, sizeof reals), 0);
        ck_assert_int_eq(n, 7);
        ck_assert(x == 0.25);
        ck_assert_int_eq(archive_check_taken(archive, &errors), RONDO_OK);
        archive_clear(archive);
        ck_assert_int_eq(archive_count(archive), 0);
    }
    archive_destroy(archive);
}
END_TEST

/* What does not fit is refused with its name. */
START_TEST(archive_refuses_what_does_not_fit) {
    struct archive *archive = archive_create();
    struct errors errors = {0};
    const int64_t shape[] = {2, 3}, other[] = {3, 2};
    float values[6] = {0};
    rondo_tensor tensor = tensor_of(RONDO_F32, 2, shape);
    tensor.data = values;
    archive_put_tensor(archive, &tensor, "W");
    tensor = tensor_of(RONDO_F32, 2, other);
    ck_assert_int_eq(archive_take_tensor(archive, &tensor, &errors, "W"), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "the entry 'W' is f32 [2, 3], expected f32 [3, 2]");
    archive_set_file(archive, "a/b.safetensors");
    ck_assert_int_eq(archive_take_tensor(archive, &tensor, &errors, "V"), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 1), "a/b.safetensors: there is no entry 'V'");
    ck_assert_ptr_null(archive_take_text(archive, &errors, "W"));
    ck_assert_int_eq(archive_check_taken(archive, &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 3), "a/b.safetensors: the entry 'W' belongs to nothing in this training");
    ck_assert(!archive_is_failed(archive));
    archive_put_integer(archive, 1, "W"); /* the name is taken */
    ck_assert(archive_is_failed(archive));
    errors_free(&errors);
    archive_destroy(archive);
}
END_TEST

START_TEST(archive_refuses_numbers_out_of_range) {
    struct archive *archive = archive_create();
    struct errors errors = {0};
    const int64_t values[] = {0, 3, 4};
    const struct archive_range three = {0, 3}, four = {0, 4};
    int64_t back[3] = {7, 7, 7};
    archive_set_file(archive, "a/b.safetensors");
    archive_put_integers(archive, values, 3, "many");
    archive_put_integer(archive, -1, "one");
    ck_assert_int_eq(archive_take_count(archive, back, three, &errors, "one"), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "a/b.safetensors: the entry 'one' has the number -1, expected 0 to 3");
    ck_assert_int_eq(archive_take_counts(archive, back, 3, three, &errors, "many"), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 1), "a/b.safetensors: the entry 'many' has the number 4, expected 0 to 3");
    ck_assert_int_eq(archive_take_counts(archive, back, 2, four, &errors, "many"), RONDO_INVALID); /* another shape */
    ck_assert_int_eq(archive_take_count(archive, back, four, &errors, "many"), RONDO_INVALID);
    errors_free(&errors);
    ck_assert_int_eq(archive_take_counts(archive, back, 3, four, &errors, "many"), RONDO_OK);
    ck_assert_int_eq(memcmp(back, values, sizeof back), 0);
    archive_destroy(archive);
}
END_TEST

/* Sizes that overflow are refused, and names of any number and length are found. */
START_TEST(archive_takes_any_names_and_no_absurd_sizes) {
    struct archive *archive = archive_create();
    struct errors errors = {0};
    const int64_t huge[] = {INT64_C(1) << 60, 64}, negative[] = {-1};
    char name[600];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int k = 0; k < 5000; k++) {
        archive_put_integer(archive, k, "%s.%d", name, k);
    }
    for (int k = 0; k < 5000; k++) {
        int64_t value = -1;
        ck_assert_int_eq(archive_take_integer(archive, &value, &errors, "%s.%d", name, k), RONDO_OK);
        ck_assert_int_eq(value, k);
    }
    ck_assert(!archive_has(archive, "%s", name));
    ck_assert(archive_has(archive, "%s.0", name));
    ck_assert_ptr_null(archive_add(archive, "negative", ARCHIVE_F32, 1, negative));
    ck_assert(archive_is_failed(archive));
    archive_clear(archive);
    ck_assert_ptr_null(archive_add(archive, "huge", ARCHIVE_F64, 2, huge));
    ck_assert(archive_is_failed(archive));
    archive_destroy(archive);
    ck_assert(archive_is_failed(NULL));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("archive");
    TCase *cases = add_case(suite, "archive", 60, NULL, NULL);
    tcase_add_test(cases, archive_returns_what_was_put);
    tcase_add_test(cases, archive_refuses_what_does_not_fit);
    tcase_add_test(cases, archive_refuses_numbers_out_of_range);
    tcase_add_test(cases, archive_takes_any_names_and_no_absurd_sizes);
    return run_suite(suite);
}
