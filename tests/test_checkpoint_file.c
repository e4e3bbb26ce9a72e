/* store/archive_file.h: a checkpoint comes back with its bits, and a file that is not as it was written is refused. */
#define _POSIX_C_SOURCE 200809L

#include "store/archive_file.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "store/safetensors.h"
#include "store/tensor_checksum.h"
#include "tests/failing_allocator.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;
static char folder[2000], file[2048];

static void setup(void) {
    const char *root = getenv("TMPDIR");
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    snprintf(folder, sizeof folder, "%s/rondo-test-XXXXXX", root == NULL ? "/tmp" : root);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/step.safetensors", folder);
}

static void teardown(void) {
    unlink(file);
    ck_assert_int_eq(rmdir(folder), 0);
    errors_free(&errors);
    arena_destroy(arena);
}

/* Without a sync, since some tests write thousands of files, and without O_TRUNC, after which ext4 syncs, too. */
static void write_bytes(const void *bytes, size_t count) {
    const int descriptor = open(file, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, count), (ssize_t)count);
    ck_assert_int_eq(ftruncate(descriptor, (off_t)count), 0);
    close(descriptor);
}

static char *read_bytes(size_t *count) {
    char *bytes = NULL;
    ck_assert_int_eq(file_read(file, SIZE_MAX - 1, arena, &bytes, count, (struct location){0}, &errors), RONDO_OK);
    return bytes;
}

/* An archive with entries of every kind. */
static struct archive *example(void) {
    static float values[] = {1, -0.0F, INFINITY, 1e-45F, 3, NAN};
    static double reals[] = {0.1, -0.0, NAN};
    static const int32_t ids[] = {INT32_MIN, 7};
    static const int64_t integers[] = {INT64_MIN, -1, INT64_MAX};
    struct archive *archive = archive_create();
    const rondo_tensor matrix = tensor_2d(RONDO_F32, 2, 3, values), list = tensor_1d(RONDO_I32, 2, (void *)ids),
                       empty = tensor_2d(RONDO_F64, 0, 4, reals);
    archive_put_text(archive, "layers:\n  - {hidden: 4}\n\xC3\xA9 \"\\ ", "meta.experiment");
    archive_put_tensor(archive, &matrix, "model.layers.0.W_\xC3\xA9");
    archive_put_integers(archive, integers, 3, "trainer.counts");
    archive_put_tensor(archive, &list, "model.ids");
    archive_put_tensor(archive, &empty, "optimizer.0.m.empty");
    archive_put_reals(archive, reals, 3, "schedule.state");
    archive_put_integer(archive, -5, "trainer.step");
    archive_put_text(archive, "", "meta.empty");
    ck_assert(!archive_is_failed(archive));
    return archive;
}

static void assert_same(const struct archive *left, const struct archive *right) {
    ck_assert_int_eq(archive_count(left), archive_count(right));
    for (int32_t i = 0; i < archive_count(left); i++) {
        const struct archive_entry *a = archive_entry(left, i), *b = NULL;
        for (int32_t k = 0; k < archive_count(right); k++) {
            b = strcmp(archive_entry(right, k)->name, a->name) == 0 ? archive_entry(right, k) : b;
        }
        ck_assert_msg(b != NULL, "'%s' is missing", a->name);
        ck_assert_int_eq(a->kind, b->kind);
        ck_assert_int_eq(a->ndim, b->ndim);
        ck_assert_int_eq(memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->ndim), 0);
        ck_assert_uint_eq(a->bytes, b->bytes);
        ck_assert_int_eq(memcmp(a->data, b->data, a->bytes), 0);
        ck_assert_uint_eq((uintptr_t)b->data % 64, 0);
    }
}

START_TEST(all_kinds_come_back_with_their_bits) {
    struct archive *archive = example();
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    struct archive *again = archive_read(file, &errors);
    ck_assert_msg(again != NULL, "%s", errors_text(&errors, 0));
    assert_same(archive, again);
    archive_destroy(again);
    archive_clear(archive);
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    again = archive_read(file, &errors);
    ck_assert_msg(again != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(archive_count(again), 0);
    archive_destroy(again);
    archive_destroy(archive);
}
END_TEST

/* Other programs can read the tensors: the file is one of the format, without those of the kind I64. */
START_TEST(a_checkpoint_is_a_safetensors_file) {
    struct archive *archive = archive_create();
    float values[] = {1, 2, 3};
    const rondo_tensor tensor = tensor_1d(RONDO_F32, 3, values);
    archive_put_tensor(archive, &tensor, "model.W");
    archive_put_text(archive, "yes", "meta.text");
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    archive_destroy(archive);
    struct named_tensor *tensors;
    const char *const *metadata;
    int32_t count;
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, &metadata, &errors), RONDO_OK);
    ck_assert_int_eq(count, 1);
    ck_assert_str_eq(tensors[0].name, "model.W");
    ck_assert_mem_eq(tensors[0].tensor.data, values, sizeof values);
    ck_assert_str_eq(metadata[0], "checksum");
    ck_assert_str_eq(metadata[2], "format");
    ck_assert_str_eq(metadata[3], "rondo checkpoint");
    ck_assert_str_eq(metadata[6], "meta.text");
    ck_assert_str_eq(metadata[7], "yes");
}
END_TEST

/* ---- damage ---- */

static void assert_damaged(const char *what, size_t place) {
    int is_damaged = 0;
    const struct archive *archive = archive_read_damaged(file, &is_damaged, &errors);
    ck_assert_msg(archive == NULL, "%s %zu is not noticed", what, place);
    ck_assert_msg(is_damaged && errors.status == RONDO_INVALID, "%s %zu: %s", what, place, errors_text(&errors, 0));
    ck_assert_int_eq(errors.count, 1);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "step.safetensors: the file is damaged: "));
    errors_free(&errors);
}

START_TEST(a_cut_file_is_refused) {
    struct archive *archive = example();
    size_t length;
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    archive_destroy(archive);
    const char *bytes = read_bytes(&length);
    for (size_t n = 0; n < length; n++) {
        write_bytes(bytes, n);
        assert_damaged("a cut after byte", n);
    }
}
END_TEST

START_TEST(bytes_after_the_end_are_refused) {
    struct archive *archive = example();
    size_t length;
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    archive_destroy(archive);
    const char *whole = read_bytes(&length);
    char bytes[4096];
    ck_assert_uint_le(length + 20, sizeof bytes);
    memcpy(bytes, whole, length);
    for (size_t n = 1; n < 20; n++) {
        bytes[length + n - 1] = (char)(n % 2);
        write_bytes(bytes, length + n);
        assert_damaged("additional bytes:", n);
    }
}
END_TEST

/* Every bit of every byte, and the byte as 0 and as a blank. */
START_TEST(a_changed_byte_is_refused) {
    struct archive *archive = example();
    size_t length;
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    archive_destroy(archive);
    char *bytes = read_bytes(&length);
    for (size_t n = 0; n < length; n++) {
        const char before = bytes[n];
        for (int change = 0; change < 10; change++) {
            bytes[n] = change < 8 ? (char)(before ^ (1 << change)) : change == 8 ? '\0' : ' ';
            if (bytes[n] != before) {
                write_bytes(bytes, length);
                assert_damaged("a change of byte", n);
            }
        }
        bytes[n] = before;
    }
    write_bytes(bytes, length);
    archive = archive_read(file, &errors);
    ck_assert_ptr_nonnull(archive);
    archive_destroy(archive);
}
END_TEST

/* ---- files with a right checksum that are not right ---- */

#define CHECKSUM             "\"__metadata__\":{\"checksum\":\"xxh3:0000000000000000\","
#define META                 "{" CHECKSUM "\"format\":\"rondo checkpoint\",\"version\":\"1\"}"
#define T(name, dtype, rest) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" rest "}"

/* A header for 16 bytes of data. */
static const struct {
    const char *header, *expected;
    int is_damaged;
} wrong[] = {
    {"{" CHECKSUM
     "\"format\":\"rondo checkpoint\",\"version\":\"2\"}," T("a", "I64", "[2],\"data_offsets\":[0,16]") "}",
     "a checkpoint of format version 2, and this Rondo reads version 1: it was written by a newer Rondo", 0},
    {"{" CHECKSUM
     "\"format\":\"rondo checkpoint\",\"version\":\"0\"}," T("a", "I64", "[2],\"data_offsets\":[0,16]") "}",
     "not a checkpoint of Rondo", 0},
    {"{" CHECKSUM "\"format\":\"rondo\"}," T("a", "I64", "[2],\"data_offsets\":[0,16]") "}",
     "not a checkpoint of Rondo", 0},
    {META "," T("a", "F32", "[1152921504606846976],\"data_offsets\":[0,16]") "}",
     "tensor 'a': data_offsets hold 16 bytes, expected 4611686018427387904", 1},
    {META "," T("a", "F32", "[1152921504606846976],\"data_offsets\":[0,4611686018427387904]") "}",
     "tensor 'a': data_offsets 0 to 4611686018427387904 are not within the 16 bytes of data", 1},
    {META "," T("a", "I64", "[1152921504606846976],\"data_offsets\":[0,16]") "}",
     "tensor 'a': the shape has more elements than there can be", 1},
    {META "," T("a", "I64", "[0,1152921504606846976,1152921504606846976],\"data_offsets\":[0,0]") "}",
     "16 bytes at the end belong to no tensor", 1},
    {META "," T("a", "I64", "[1],\"data_offsets\":[0,8]") "," T("a", "I64", "[1],\"data_offsets\":[8,16]") "}",
     "the header is not valid JSON, at byte", 1},
    {META "," T("format", "I64", "[2],\"data_offsets\":[0,16]") "}", "tensor 'format' has a reserved name", 1},
    {META "," T("a", "BF16", "[8],\"data_offsets\":[0,16]") "}",
     "tensor 'a': dtype 'BF16', expected F32, F64, I32 or I64", 1},
    {"{" CHECKSUM "\"a\":\"text\",\"format\":\"rondo checkpoint\",\"version\":\"1\"}," T(
         "a", "I64", "[2],\"data_offsets\":[0,16]") "}",
     "a text and a tensor have the name 'a'", 1},
    {"{\"__metadata__\":{\"format\":\"rondo checkpoint\",\"version\":\"1\"}," T("a", "I64",
                                                                                "[2],\"data_offsets\":[0,16]") "}",
     "step.safetensors: the file is damaged: it has no checksum, or is something else", 1},
    {"{" T("a", "I64", "[2],\"data_offsets\":[0,16]") "}", "it has no checksum", 1},
    {"{}", "it has no checksum", 1},
};

/* Writes a file with this header, 16 bytes of data and the checksum of all that. */
static void write_file(const char *header) {
    char bytes[2048] = {0};
    const uint64_t length = strlen(header);
    memcpy(bytes, &length, sizeof length);
    snprintf(bytes + 8, sizeof bytes - 8, "%s", header);
    struct tensor_checksum *checksum = tensor_checksum_create();
    tensor_checksum_add(checksum, bytes, 8 + length + 16);
    char *digits = strstr(bytes + 8, TENSOR_CHECKSUM_ZEROS);
    if (digits != NULL) {
        memcpy(digits, tensor_checksum_digits(checksum).text, TENSOR_CHECKSUM_DIGITS);
    }
    tensor_checksum_destroy(checksum);
    write_bytes(bytes, 8 + length + 16);
}

START_TEST(a_wrong_file_is_refused_with_the_reason) {
    write_file(wrong[_i].header);
    int is_damaged = -1;
    ck_assert_ptr_null(archive_read_damaged(file, &is_damaged, &errors));
    ck_assert_int_eq(errors.count, 1);
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_msg(strstr(errors_text(&errors, 0), wrong[_i].expected) != NULL, "got      %s\nexpected %s",
                  errors_text(&errors, 0), wrong[_i].expected);
    ck_assert_int_eq(is_damaged, wrong[_i].is_damaged);
}
END_TEST

START_TEST(a_right_file_by_hand_is_read) {
    write_file(META "," T("a", "I64", "[2],\"data_offsets\":[0,16]") "}");
    struct archive *archive = archive_read(file, &errors);
    ck_assert_msg(archive != NULL, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(archive_count(archive), 1);
    archive_destroy(archive);
}
END_TEST

START_TEST(what_is_not_there_or_no_file_is_not_damaged) {
    int is_damaged = -1;
    ck_assert_ptr_null(archive_read_damaged(file, &is_damaged, &errors));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
    ck_assert_int_eq(is_damaged, 0);
    errors_free(&errors);
    ck_assert_ptr_null(archive_read(folder, &errors));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "not a regular file"));
}
END_TEST

/* ---- names and memory ---- */

START_TEST(reserved_and_repeated_names_are_not_written) {
    static const char *const names[] = {"checksum", "format", "version"};
    struct archive *archive = archive_create();
    archive_put_integer(archive, 1, "%s", names[_i]);
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_INTERNAL);
    ck_assert(!file_exists(file));
    archive_destroy(archive);
}
END_TEST

START_TEST(an_archive_that_ran_out_of_memory_is_not_written) {
    struct archive *archive = archive_create();
    const int64_t shape[] = {INT64_MAX / 2};
    archive_add(archive, "large", ARCHIVE_F64, 1, shape);
    ck_assert(archive_is_failed(archive));
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_NO_MEMORY);
    ck_assert(!file_exists(file));
    archive_destroy(archive);
}
END_TEST

/* A lack of memory is reported as such, never as damage. */
START_TEST(reading_without_memory_is_no_damage) {
    struct archive *archive = example(), *again = NULL;
    long number = 1;
    ck_assert_int_eq(archive_write(file, archive, &errors), RONDO_OK);
    for (; ALLOCATOR_COUNTS && again == NULL; number++) {
        int is_damaged = -1;
        struct errors failed = {0};
        allocator_fail(number);
        again = archive_read_damaged(file, &is_damaged, &failed);
        allocator_fail(0);
        ck_assert_msg(again != NULL || failed.status == RONDO_NO_MEMORY, "allocation %ld: status %d, %s", number,
                      failed.status, errors_text(&failed, 0));
        ck_assert_int_eq(is_damaged, 0);
        errors_free(&failed);
    }
    ck_assert(!ALLOCATOR_COUNTS || number > 10);
    if (again != NULL) {
        assert_same(archive, again);
    }
    archive_destroy(again);
    archive_destroy(archive);
}
END_TEST

START_TEST(writing_without_memory_leaves_no_file) {
    struct archive *archive = example();
    rondo_status status = RONDO_NO_MEMORY;
    for (long number = 1; ALLOCATOR_COUNTS && status != RONDO_OK; number++) {
        struct errors failed = {0};
        allocator_fail(number);
        status = archive_write(file, archive, &failed);
        allocator_fail(0);
        ck_assert_msg(status == RONDO_OK || status == RONDO_NO_MEMORY, "allocation %ld: status %d, %s", number, status,
                      errors_text(&failed, 0));
        ck_assert_int_eq(file_exists(file), status == RONDO_OK);
        errors_free(&failed);
    }
    archive_destroy(archive);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("checkpoint_file");
    TCase *cases = tcase_create("checkpoint_file");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, all_kinds_come_back_with_their_bits);
    tcase_add_test(cases, a_checkpoint_is_a_safetensors_file);
    tcase_add_test(cases, a_cut_file_is_refused);
    tcase_add_test(cases, bytes_after_the_end_are_refused);
    tcase_add_test(cases, a_changed_byte_is_refused);
    tcase_add_loop_test(cases, a_wrong_file_is_refused_with_the_reason, 0, ROWS(wrong));
    tcase_add_test(cases, a_right_file_by_hand_is_read);
    tcase_add_test(cases, what_is_not_there_or_no_file_is_not_damaged);
    tcase_add_loop_test(cases, reserved_and_repeated_names_are_not_written, 0, 3);
    tcase_add_test(cases, an_archive_that_ran_out_of_memory_is_not_written);
    tcase_add_test(cases, reading_without_memory_is_no_damage);
    tcase_add_test(cases, writing_without_memory_leaves_no_file);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
