/* store/safetensors.h: files have the right format and are read back unchanged, and damaged files are refused. */
#define _POSIX_C_SOURCE 200809L

#include "store/safetensors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
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
    snprintf(file, sizeof file, "%s/w.safetensors", folder);
}

static void teardown(void) {
    unlink(file);
    ck_assert_int_eq(rmdir(folder), 0);
    errors_free(&errors);
    arena_destroy(arena);
}

/* ---- a golden file, written by hand ---- */

/* Two tensors and a text. The header has 165 bytes, so 3 blanks bring it to 168. The f64 comes first in the data. */
static const char golden_header[] = "{\"__metadata__\":{\"format\":\"rondo\"},"
                                    "\"b\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
                                    "\"i\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[16,20]}}";
static const unsigned char golden_data[] = {
    0,    0,    0,    0,    0, 0, 0xF0, 0xBF, /* -1.0 as f64 */
    0,    0,    0x80, 0x3F,                   /* 1.0 as f32 */
    0,    0,    0x20, 0xC1,                   /* -10.0 as f32 */
    0xFE, 0xFF, 0xFF, 0xFF,                   /* -2 as i32 */
};

/* Joins length, header, blanks and data; returns the number of bytes. */
static size_t assemble(unsigned char *out, const char *header, size_t blanks, const void *data, size_t data_bytes) {
    const size_t length = strlen(header);
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)((length + blanks) >> (8 * i));
    }
    memcpy(out + 8, header, length);
    memset(out + 8 + length, ' ', blanks);
    memcpy(out + 8 + length + blanks, data, data_bytes);
    return 8 + length + blanks + data_bytes;
}

static size_t golden(unsigned char *out) {
    const size_t length = sizeof golden_header - 1;
    return assemble(out, golden_header, (8 - length % 8) % 8, golden_data, sizeof golden_data);
}

START_TEST(the_bytes_are_those_of_the_format) {
    float a[] = {1, -10};
    double b[] = {-1};
    int32_t i[] = {-2};
    const struct named_tensor tensors[] = {
        {"a", tensor_2d(RONDO_F32, 2, 1, a)},
        {"b", {.data = b, .dtype = RONDO_F64}},
        {"i", tensor_1d(RONDO_I32, 1, i)},
    };
    const char *const metadata[] = {"format", "rondo", NULL};
    ck_assert_int_eq(safetensors_write(file, tensors, 3, metadata, &errors), RONDO_OK);
    unsigned char expected[512];
    const size_t length = golden(expected);
    char *text;
    size_t written;
    ck_assert_int_eq(file_read(file, 9999, arena, &text, &written, (struct location){0}, &errors), RONDO_OK);
    ck_assert_uint_eq(written, length);
    ck_assert_mem_eq(text, expected, length);
    ck_assert_uint_eq((length - sizeof golden_data) % 8, 0);
}
END_TEST

START_TEST(the_format_is_read) {
    unsigned char bytes[512];
    ck_assert_int_eq(file_write(file, bytes, golden(bytes), &errors), RONDO_OK);
    struct named_tensor *tensors;
    const char *const *metadata;
    int32_t count;
    ck_assert_msg(safetensors_read(file, arena, &tensors, &count, &metadata, &errors) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    ck_assert_int_eq(count, 3);
    ck_assert_str_eq(metadata[0], "format");
    ck_assert_str_eq(metadata[1], "rondo");
    ck_assert_ptr_null(metadata[2]);
    ck_assert_str_eq(tensors[0].name, "b");
    ck_assert_int_eq(tensors[0].tensor.ndim, 0);
    ck_assert_double_eq(*(double *)tensors[0].tensor.data, -1);
    ck_assert_str_eq(tensors[1].name, "a");
    ck_assert_int_eq(tensors[1].tensor.ndim, 2);
    ck_assert_int_eq(tensors[1].tensor.shape[0], 2);
    ck_assert_float_eq(((float *)tensors[1].tensor.data)[1], -10);
    ck_assert_str_eq(tensors[2].name, "i");
    ck_assert_int_eq(*(int32_t *)tensors[2].tensor.data, -2);
    for (int32_t i = 0; i < count; i++) {
        ck_assert_uint_eq((uintptr_t)tensors[i].tensor.data % 64, 0);
    }
}
END_TEST

START_TEST(every_shorter_file_is_refused) {
    unsigned char bytes[512];
    const size_t length = golden(bytes);
    for (size_t n = 0; n < length; n++) {
        struct named_tensor *tensors;
        int32_t count;
        ck_assert_int_eq(file_write(file, bytes, n, &errors), RONDO_OK);
        ck_assert_msg(safetensors_read(file, arena, &tensors, &count, NULL, &errors) == RONDO_INVALID, "%zu", n);
        ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "w.safetensors: "));
        errors_free(&errors);
    }
}
END_TEST

#define T(name, rest) "\"" name "\":{\"dtype\":\"F32\",\"shape\":" rest "}"

/* A header for 16 bytes of data, and the expected error. */
static const struct {
    const char *header, *expected;
} bad[] = {
    {"{" T("a", "[4],\"data_offsets\":[0,12]") "}", "tensor 'a': data_offsets hold 12 bytes, expected 16"},
    {"{" T("a", "[3],\"data_offsets\":[0,16]") "}", "tensor 'a': data_offsets hold 16 bytes, expected 12"},
    {"{" T("a", "[5],\"data_offsets\":[0,20]") "}", "tensor 'a': data_offsets 0 to 20 are not within the 16 bytes"},
    {"{" T("a", "[4],\"data_offsets\":[16,0]") "}", "tensor 'a': data_offsets 16 to 0 are not within"},
    {"{" T("a", "[4],\"data_offsets\":[-16,0]") "}", "tensor 'a': expected data_offsets of two whole numbers"},
    {"{" T("a", "[4],\"data_offsets\":[0.0,16]") "}", "tensor 'a': expected data_offsets of two whole numbers"},
    {"{" T("a", "[4],\"data_offsets\":[0]") "}", "tensor 'a': expected data_offsets of two whole numbers"},
    {"{" T("a", "[4],\"data_offsets\":[0,16,16]") "}", "tensor 'a': expected data_offsets of two whole numbers"},
    {"{" T("a", "[4],\"data_offsets\":\"0\"") "}", "tensor 'a': expected data_offsets of two whole numbers"},
    {"{" T("a", "[2],\"data_offsets\":[0,8]") "}", "8 bytes at the end belong to no tensor"},
    {"{" T("a", "[2],\"data_offsets\":[8,16]") "}", "8 bytes before tensor 'a' belong to no tensor"},
    {"{}", "16 bytes at the end belong to no tensor"},
    {"{" T("a", "[3],\"data_offsets\":[0,12]") "," T("b", "[2],\"data_offsets\":[8,16]") "}",
     "tensor 'b' overlaps tensor 'a'"},
    {"{" T("a", "[4],\"data_offsets\":[0,16]") "," T("b", "[4],\"data_offsets\":[0,16]") "}", "overlaps tensor"},
    {"{" T("a", "[1],\"data_offsets\":[0,4]") "," T("b", "[2],\"data_offsets\":[8,16]") "}",
     "4 bytes before tensor 'b' belong to no tensor"},
    {"{" T("a", "[4],\"data_offsets\":[0,16]") "," T("a", "[4],\"data_offsets\":[0,16]") "}",
     "the header is not valid JSON, at byte"},
    {"{" T("a", "[-4],\"data_offsets\":[0,16]") "}",
     "tensor 'a': dimension 0 of the shape is not a whole number from 0"},
    {"{" T("a", "[1,4.0],\"data_offsets\":[0,16]") "}", "tensor 'a': dimension 1 of the shape is not a whole number"},
    {"{" T("a", "4,\"data_offsets\":[0,16]") "}", "tensor 'a': expected a shape of at most 6 numbers"},
    {"{" T("a", "[1,1,1,1,1,1,4],\"data_offsets\":[0,16]") "}", "tensor 'a': expected a shape of at most 6 numbers"},
    {"{" T("a", "[4611686018427387904,4],\"data_offsets\":[0,16]") "}", "tensor 'a': the shape has more elements"},
    {"{" T("a", "[99999999999999999999],\"data_offsets\":[0,16]") "}", "the header is not valid JSON, at byte"},
    {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[0,16]}}",
     "tensor 'a': dtype 'BF16', expected F32, F64 or I32"},
    {"{\"a\":{\"dtype\":7,\"shape\":[8],\"data_offsets\":[0,16]}}",
     "tensor 'a': expected dtype, shape and data_offsets"},
    {"{\"a\":{\"shape\":[8],\"data_offsets\":[0,16]}}", "tensor 'a': expected dtype, shape and data_offsets"},
    {"{" T("a", "[4],\"data_offsets\":[0,16],\"x\":1") "}", "tensor 'a': expected dtype, shape and data_offsets"},
    {"{\"a\":[]}", "tensor 'a': expected dtype, shape and data_offsets"},
    {"{\"__metadata__\":7}", "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"k\":7}}", "__metadata__: 'k' is not text"},
    {"[]", "the header is not a JSON object"},
    {"{\"a\":", "the header is not valid JSON, at byte"},
    {"{} x", "the header is not valid JSON, at byte"},
    {"{\"\xFF\":{}}", "the header is not valid JSON, at byte"},
    {"", "the header is not valid JSON, at byte"},
};

START_TEST(wrong_headers_are_refused_by_name) {
    unsigned char bytes[1024];
    const size_t length = assemble(bytes, bad[_i].header, 0, golden_data, 16);
    ck_assert_int_eq(file_write(file, bytes, length, &errors), RONDO_OK);
    struct named_tensor *tensors;
    int32_t count;
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_INVALID);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_msg(strstr(errors_text(&errors, 0), bad[_i].expected) != NULL, "got      %s\nexpected %s",
                  errors_text(&errors, 0), bad[_i].expected);
}
END_TEST

static const struct {
    unsigned char length[8];
    const char *expected;
} lengths[] = {
    {{255, 255, 255, 255, 255, 255, 255, 255}, "a header of 18446744073709551615 bytes in a file of 24"},
    {{17}, "a header of 17 bytes in a file of 24"},
    {{0, 0xE1, 0xF5, 0x05, 1}, "a header of 4394967296 bytes"},
    {{0}, "the header is not valid JSON"},
};

START_TEST(wrong_header_lengths_are_refused) {
    unsigned char bytes[24] = {0};
    memcpy(bytes, lengths[_i].length, 8);
    ck_assert_int_eq(file_write(file, bytes, sizeof bytes, &errors), RONDO_OK);
    struct named_tensor *tensors;
    int32_t count;
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_INVALID);
    ck_assert_msg(strstr(errors_text(&errors, 0), lengths[_i].expected) != NULL, "%s", errors_text(&errors, 0));
}
END_TEST

START_TEST(deeply_nested_headers_are_refused) {
    char *bytes = malloc(1000000);
    memset(bytes, '[', 1000000);
    const uint64_t length = 1000000 - 8;
    memcpy(bytes, &length, 8);
    ck_assert_int_eq(file_write(file, bytes, 1000000, &errors), RONDO_OK);
    free(bytes);
    struct named_tensor *tensors;
    int32_t count;
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "the header is not valid JSON"));
}
END_TEST

START_TEST(missing_files_and_folders_are_told) {
    struct named_tensor *tensors;
    int32_t count;
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_NOT_FOUND);
    ck_assert_int_eq(safetensors_read(folder, arena, &tensors, &count, NULL, &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 1), "not a regular file"));
}
END_TEST

static const struct {
    int32_t dtype, ndim;
    int64_t shape[RONDO_MAX_DIMS];
} shapes[] = {
    {RONDO_F32, 0, {0}},
    {RONDO_I32, 1, {7}},
    {RONDO_F64, 2, {3, 5}},
    {RONDO_F32, 2, {0, 4}},
    {RONDO_F64, 1, {0}},
    {RONDO_I32, 2, {1, 1}},
    {RONDO_F32, 6, {1, 2, 1, 3, 1, 2}},
    {RONDO_F64, 0, {0}},
};

START_TEST(tensors_of_all_kinds_come_back) {
    struct named_tensor tensors[ROWS(shapes)], *again;
    int32_t count;
    for (int i = 0; i < ROWS(shapes); i++) {
        tensors[i].name = arena_printf(arena, "layers.%d.\"W\"_\xC3\xA9/\\", i);
        tensors[i].tensor = tensor_of(shapes[i].dtype, shapes[i].ndim, shapes[i].shape);
        ck_assert_int_eq(tensor_alloc(&tensors[i].tensor, arena, &errors), RONDO_OK);
        for (int64_t k = 0; k < rondo_count(&tensors[i].tensor); k++) {
            tensor_set(&tensors[i].tensor, k, (double)(100 * i + k));
        }
    }
    ck_assert_int_eq(safetensors_write(file, tensors, ROWS(shapes), NULL, &errors), RONDO_OK);
    const char *const *metadata;
    ck_assert_int_eq(safetensors_read(file, arena, &again, &count, &metadata, &errors), RONDO_OK);
    ck_assert_int_eq(count, ROWS(shapes));
    ck_assert_ptr_null(metadata[0]);
    for (int32_t i = 0; i < count; i++) {
        int32_t match = 0;
        while (match < count && strcmp(tensors[match].name, again[i].name) != 0) {
            match++;
        }
        ck_assert_int_lt(match, count);
        ck_assert(tensor_same_shape(&tensors[match].tensor, &again[i].tensor));
        ck_assert_mem_eq(tensors[match].tensor.data, again[i].tensor.data, tensor_bytes(&again[i].tensor));
    }
}
END_TEST

START_TEST(a_file_without_tensors_is_a_file) {
    struct named_tensor *tensors;
    int32_t count = 7;
    ck_assert_int_eq(safetensors_write(file, NULL, 0, NULL, &errors), RONDO_OK);
    ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_OK);
    ck_assert_int_eq(count, 0);
}
END_TEST

static const struct {
    const char *first, *second, *key, *value;
    rondo_status status;
} names[] = {
    {"a", "a", NULL, NULL, RONDO_INVALID},    {"a", "__metadata__", NULL, NULL, RONDO_INVALID},
    {"a", "\xFF", NULL, NULL, RONDO_INVALID}, {"a", "b", "\xFF", "v", RONDO_INVALID},
    {"a", "b", "k", "\xFF", RONDO_INVALID},   {"a", "b", "k", NULL, RONDO_INTERNAL},
    {"a", "b", "k", "v", RONDO_OK},           {"", "b", NULL, NULL, RONDO_OK},
};

START_TEST(names_that_cannot_be_written_leave_no_file) {
    float data = 1;
    const struct named_tensor tensors[] = {{names[_i].first, tensor_1d(RONDO_F32, 1, &data)},
                                           {names[_i].second, tensor_1d(RONDO_F32, 1, &data)}};
    const char *const metadata[] = {names[_i].key, names[_i].value, NULL, NULL};
    ck_assert_int_eq(safetensors_write(file, tensors, 2, metadata, &errors), names[_i].status);
    ck_assert_int_eq(file_exists(file), names[_i].status == RONDO_OK);
    ck_assert_int_eq(errors.count, names[_i].status != RONDO_OK);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("safetensors");
    TCase *cases = tcase_create("safetensors");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_bytes_are_those_of_the_format);
    tcase_add_test(cases, the_format_is_read);
    tcase_add_test(cases, every_shorter_file_is_refused);
    tcase_add_loop_test(cases, wrong_headers_are_refused_by_name, 0, ROWS(bad));
    tcase_add_loop_test(cases, wrong_header_lengths_are_refused, 0, ROWS(lengths));
    tcase_add_test(cases, deeply_nested_headers_are_refused);
    tcase_add_test(cases, missing_files_and_folders_are_told);
    tcase_add_test(cases, tensors_of_all_kinds_come_back);
    tcase_add_test(cases, a_file_without_tensors_is_a_file);
    tcase_add_loop_test(cases, names_that_cannot_be_written_leave_no_file, 0, ROWS(names));
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
