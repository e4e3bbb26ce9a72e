/* io/npy.c and io/zip.c: arrays of every type are read as NumPy reads them. What is refused is in tests/test_arrays.c. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array_goldens.h"
#include "io/npy.h"
#include "io/zip.h"

static struct arena *arena;
static struct errors errors;
static struct array_goldens goldens;

static void setup(void) {
    arena = arena_create();
    errors = (struct errors){0};
    array_goldens_open(&goldens, arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static struct zip open_archive(const char *name) {
    size_t length;
    const unsigned char *bytes = array_goldens_file(&goldens, name, arena, &length);
    struct zip zip;
    ck_assert(zip_is(bytes, length));
    const rondo_status status = zip_open(&zip, bytes, length, (struct location){.file = name}, arena, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    return zip;
}

static struct npy_array open_member(const struct zip *zip, const char *name) {
    const struct zip_member *member = zip_find(zip, arena_printf(arena, "%s.npy", name));
    ck_assert_msg(member != NULL, "no member '%s'", name);
    const unsigned char *bytes;
    struct npy_array array;
    ck_assert_int_eq(zip_read(zip, member, arena, &bytes, &errors), RONDO_OK);
    const rondo_status status = npy_open(&array, bytes, (size_t)member->size, name, zip->where, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    return array;
}

/* The place in storage of element `index` in C order. */
static int64_t place_of(const struct npy_array *array, int64_t index) {
    int64_t at = 0;
    for (int32_t dim = array->n_dims - 1; dim >= 0; dim--) {
        at += index % array->shape[dim] * array->stride[dim];
        index /= array->shape[dim];
    }
    return at;
}

/* Compares an array with a line "NAME SHAPE NUMBERS". */
static void compare(const struct npy_array *array, char *line) {
    char *rest, *shape = strtok_r(line, " ", &rest);
    const char *found = "";
    for (int32_t i = 0; i < array->n_dims; i++) {
        found = arena_printf(arena, "%s%s%lld", found, i == 0 ? "" : "x", (long long)array->shape[i]);
    }
    ck_assert_str_eq(array->n_dims == 0 ? "-" : found, shape);
    int64_t index = 0;
    for (char *text = strtok_r(NULL, " ", &rest); text != NULL; text = strtok_r(NULL, " ", &rest), index++) {
        double number;
        npy_numbers(array, place_of(array, index), 1, 1, &number);
        const double expected = strtod(text, NULL);
        ck_assert_msg(number == expected || (isnan(number) && isnan(expected)), "'%s' element %lld: %g, expected %g",
                      array->name, (long long)index, number, expected);
    }
    ck_assert_int_eq(index, array->elements);
}

START_TEST(every_type_and_order_is_read_as_numpy_reads_it) {
    static const char *const archives[] = {"types.npz", "types_deflated.npz"};
    const struct zip zip = open_archive(archives[_i]);
    int count = 0;
    for (const char *line; (line = array_goldens_values(&goldens, count, arena)) != NULL; count++) {
        const size_t length = strcspn(line, " ");
        const struct npy_array array = open_member(&zip, arena_strndup(arena, line, length));
        compare(&array, arena_strdup(arena, line + length + 1));
    }
    ck_assert_int_eq(count, zip.count);
    ck_assert_int_gt(count, 48);
}
END_TEST

START_TEST(numbers_are_copied_along_any_dimension) {
    const struct zip zip = open_archive("types.npz");
    const struct npy_array deep = open_member(&zip, "deep"); /* 0 … 11, of the shape (2, 3, 2), in Fortran order */
    double numbers[3];
    npy_numbers(&deep, deep.stride[0] + deep.stride[2], deep.stride[1], 3, numbers); /* deep[1, :, 1] */
    ck_assert(numbers[0] == 7 && numbers[1] == 9 && numbers[2] == 11);
}
END_TEST

START_TEST(texts_are_read_as_utf8) {
    const struct zip zip = open_archive("texts.npz");
    static const char *const expected[2][3] = {{"a", "é€😀", ""}, {"ab", "é", "?"}};
    static const char *const names[] = {"wide", "narrow"};
    for (int i = 0; i < 2; i++) {
        const struct npy_array array = open_member(&zip, names[i]);
        ck_assert(npy_is_text(&array));
        for (int k = 0; k < 3; k++) {
            ck_assert_str_eq(npy_text(&array, k, arena), expected[i][k]);
        }
    }
}
END_TEST

/* Whatever is cut off or changed, reading ends with an error or with an array that is within the bytes. */
START_TEST(no_damage_reads_past_the_end) {
    static const char *const names[] = {"padded.npz", "padded_other.npz", "zip64.npz", "x.npy", "x_3.npy"};
    size_t length;
    const unsigned char *whole = array_goldens_file(&goldens, names[_i], arena, &length);
    for (size_t i = 0; i < 2 * length; i++) {
        const size_t size = i < length ? i : length;
        unsigned char *bytes = malloc(size + 1); /* so that the address sanitizer sees its end */
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, whole, size);
        bytes[i % length] ^= i < length ? 0 : 0x81;
        struct arena *own = arena_create();
        struct npy_array array;
        struct zip zip;
        const struct location where = {.file = names[_i]};
        if (npy_is(bytes, size)) {
            npy_open(&array, bytes, size, "x", where, &errors);
        } else if (zip_is(bytes, size) && zip_open(&zip, bytes, size, where, own, &errors) == RONDO_OK) {
            for (int32_t k = 0; k < zip.count; k++) {
                const unsigned char *member;
                zip_read(&zip, &zip.members[k], own, &member, &errors);
            }
        }
        ck_assert(errors.status == RONDO_OK || errors.status == RONDO_INVALID);
        ck_assert_uint_lt(arena_capacity(own), 1 << 20);
        errors_free(&errors);
        arena_destroy(own);
        free(bytes);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("npy");
    TCase *cases = tcase_create("npy");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_type_and_order_is_read_as_numpy_reads_it, 0, 2);
    tcase_add_test(cases, numbers_are_copied_along_any_dimension);
    tcase_add_test(cases, texts_are_read_as_utf8);
    tcase_add_loop_test(cases, no_damage_reads_past_the_end, 0, 5);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
