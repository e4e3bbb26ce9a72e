/* io/picture.h, io/gzip.h and io/idx.h: pictures of every kind become the bytes that they show; damaged files are refused. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "array_goldens.h"
#include "io/gzip.h"
#include "io/idx.h"
#include "io/picture.h"
#include "suite.h"

static struct arena *arena;
static struct errors errors;
static struct array_goldens goldens;

static void setup(void) {
    arena = arena_create();
    errors = (struct errors){0};
    array_goldens_open_list(&goldens, "pictures.txt", arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static rondo_status read_golden(const char *name, struct arena *own, struct picture *picture) {
    size_t length;
    const unsigned char *bytes = array_goldens_file(&goldens, name, arena, &length);
    return picture_read(bytes, length, (struct location){.file = name}, own, picture, &errors);
}

enum { PICTURES = 16 };

START_TEST(pictures_of_every_kind_have_their_pixels) {
    const char *line = array_goldens_values(&goldens, _i, arena);
    ck_assert_ptr_nonnull(line);
    char *next = arena_strdup(arena, strchr(line, ' '));
    const char *name = arena_strndup(arena, line, strcspn(line, " "));
    struct picture picture, measured;
    ck_assert_msg(read_golden(name, arena, &picture) == RONDO_OK, "%s", errors_text(&errors, 0));
    ck_assert_int_eq(read_golden(name, NULL, &measured), RONDO_OK);
    ck_assert_ptr_null(measured.pixels);
    const int64_t form[] = {picture.height, picture.width, picture.channels};
    const int64_t measured_form[] = {measured.height, measured.width, measured.channels};
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(form[i] == strtoll(next, &next, 10) && measured_form[i] == form[i], "%s: number %d of its form",
                      name, i);
    }
    for (int64_t i = 0; i < form[0] * form[1] * form[2]; i++) {
        ck_assert_msg(picture.pixels[i] == strtoll(next, &next, 10), "%s: number %d is %d", name, (int)i,
                      picture.pixels[i]);
    }
}
END_TEST

START_TEST(all_goldens_are_read) {
    ck_assert_ptr_nonnull(array_goldens_values(&goldens, PICTURES - 1, arena));
    ck_assert_ptr_null(array_goldens_values(&goldens, PICTURES, arena));
}
END_TEST

START_TEST(bytes_between_the_parts_of_a_jpeg_are_no_mistake) {
    static const char *const names[] = {"extra.jpg", "extra_before.jpg"};
    struct picture picture, expected;
    ck_assert_int_eq(read_golden("rgb.jpg", arena, &expected), RONDO_OK);
    ck_assert_msg(read_golden(names[_i], arena, &picture) == RONDO_OK, "%s", errors_text(&errors, 0));
    ck_assert_mem_eq(picture.pixels, expected.pixels, (size_t)(expected.height * expected.width * expected.channels));
}
END_TEST

static const struct {
    const char *name, *expected;
} damaged[] = {
    {"cut.png", "cut.png: a damaged PNG file: "},
    {"header.png", "header.png: a damaged PNG file: "},
    {"flipped.png", "flipped.png: a damaged PNG file: "},
    {"empty.png", "empty.png: a damaged PNG file: "},
    {"huge.png", "huge.png: a picture of 900000 x 900000 pixels, expected at most 1073741824 bytes"},
    {"cut.jpg", "cut.jpg: a damaged JPEG file: "},
    {"header.jpg", "header.jpg: a damaged JPEG file: "},
    {"cmyk.jpg", "cmyk.jpg: a JPEG file in the colours of print (CMYK), expected grey or RGB; convert it first"},
};

START_TEST(damaged_pictures_are_refused) {
    struct picture picture;
    ck_assert_int_eq(read_golden(damaged[_i].name, arena, &picture), RONDO_INVALID);
    const char *text = errors_text(&errors, 0);
    ck_assert_msg(strncmp(text, damaged[_i].expected, strlen(damaged[_i].expected)) == 0, "%s", text);
}
END_TEST

static const struct {
    const char *message;
    rondo_status status;
} library_messages[] = {
    {"CRC error", RONDO_INVALID},
    {"png_image_read: out of memory", RONDO_NO_MEMORY},
    {"Insufficient memory (case 4)", RONDO_NO_MEMORY},
    {"tjDecompress2(): Memory allocation failure", RONDO_NO_MEMORY},
};

/* A good picture is not called damaged because memory was short. */
START_TEST(messages_about_memory_have_its_status) {
    ck_assert_int_eq(picture_failed("PNG", library_messages[_i].message, (struct location){.file = "f"}, &errors),
                     library_messages[_i].status);
}
END_TEST

/* Every prefix of a file is refused, and reads nothing past its end. */
START_TEST(no_prefix_of_a_picture_is_read) {
    static const char *const names[] = {"interlaced.png", "palette_4.png", "progressive.jpg", "grey.jpg"};
    size_t length;
    const unsigned char *whole = array_goldens_file(&goldens, names[_i], arena, &length);
    /* A PNG file needs all its pixels, but not its last chunk; a JPEG file not its two last bytes. */
    const size_t most = length - (strstr(names[_i], ".png") != NULL ? 12 : 2);
    for (size_t part = 0; part < most; part++) {
        struct errors own = {0};
        struct picture picture;
        unsigned char *bytes = malloc(part + 1); /* of its own, for the sanitizers */
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, whole, part);
        const rondo_status status = picture_read(bytes, part, (struct location){.file = "f"}, arena, &picture, &own);
        ck_assert_msg(status == RONDO_INVALID, "%zu of %zu bytes are read", part, length);
        errors_free(&own);
        free(bytes);
    }
}
END_TEST

/* ---- IDX ---- */

static rondo_status open_bytes(const unsigned char *bytes, size_t length, struct gzip_stream **stream,
                               struct idx_file *idx) {
    *stream = gzip_open_bytes(bytes, length, "f", &errors);
    return *stream == NULL ? errors.status : idx_open(idx, *stream, "f", &errors);
}

static const struct {
    const char *bytes;
    int length;
    const char *expected; /* NULL: it is good */
} idx_files[] = {
    {"\0\0\x08\x01\0\0\0\x02\x07\xff", 10, NULL},
    {"\0\0\x08\x01\0\0\0\x02\x07", 9,
     "f: an IDX file that is cut short: it has 1 of the 2 items that its header promises"},
    {"\0\0\x08\x01\0\0\0\x02\x07\xff\1", 11, "f: an IDX file with bytes after the 2 items that its header promises"},
    {"\0\0\x08\x02\0\0\0\x02\0", 9, "f: an IDX file that is cut short within its header"},
    {"\0\0\x08", 3, "f: not an IDX file"},
    {"\0\0\x0a\x01\0\0\0\x02", 8,
     "f: an IDX file of the type 0x0a with 1 dimensions, expected a type from 0x08 to 0x0e and "
     "at most 4 dimensions"},
    {"\0\0\x08\x05\0\0\0\x02", 8,
     "f: an IDX file of the type 0x08 with 5 dimensions, expected a type from 0x08 to 0x0e and "
     "at most 4 dimensions"},
    {"\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16,
     "f: an IDX file whose dimension 2 has the size 4294967295, expected items of 1 to 1073741824 bytes"},
    {"\0\0\x08\x02\0\0\0\x02\0\0\0\0", 12,
     "f: an IDX file whose dimension 2 has the size 0, expected items of 1 to 1073741824 bytes"},
    /* It claims 2^32 - 1 items: nothing is allocated for them. */
    {"\0\0\x08\x01\xff\xff\xff\xff\x07", 9,
     "f: an IDX file that is cut short: it has 1 of the 4294967295 items that its header promises"},
};

START_TEST(idx_files_are_checked) {
    struct gzip_stream *stream;
    struct idx_file idx;
    unsigned char item[8];
    rondo_status status =
        open_bytes((const unsigned char *)idx_files[_i].bytes, (size_t)idx_files[_i].length, &stream, &idx);
    for (int64_t i = 0; status == RONDO_OK && i < idx.shape[0]; i++) {
        status = idx_next(&idx, item, &errors);
    }
    status = status == RONDO_OK ? idx_finish(&idx, &errors) : status;
    gzip_close(stream);
    ck_assert_int_eq(status, idx_files[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    if (idx_files[_i].expected != NULL) {
        ck_assert_str_eq(errors_text(&errors, 0), idx_files[_i].expected);
    }
}
END_TEST

static const struct {
    int32_t type, bytes;
    unsigned char item[4];
    int64_t expected;
} integers[] = {
    {IDX_U8, 1, {200}, 200},
    {IDX_I8, 1, {200}, -56},
    {IDX_I16, 2, {0xff, 0x38}, -200},
    {IDX_I32, 4, {0, 1, 0, 2}, 65538},
    {IDX_I32, 4, {0xff, 0xff, 0xff, 0xff}, -1},
};

START_TEST(integers_are_big_endian) {
    const struct idx_file idx = {.type = integers[_i].type, .bytes = integers[_i].bytes};
    ck_assert_int_eq(idx_integer(&idx, integers[_i].item, 0), integers[_i].expected);
}
END_TEST

/* ---- gzip ---- */

/* The numbers of the packed array, or the first message. */
static const char *numbers_of(const unsigned char *bytes, size_t length) {
    struct gzip_stream *stream;
    struct idx_file idx;
    const char *text = "";
    rondo_status status = open_bytes(bytes, length, &stream, &idx);
    for (int64_t i = 0; status == RONDO_OK && i < idx.shape[0]; i++) {
        unsigned char number;
        status = idx_next(&idx, &number, &errors);
        text = status == RONDO_OK ? arena_printf(arena, "%s%d ", text, number) : text;
    }
    status = status == RONDO_OK ? idx_finish(&idx, &errors) : status;
    gzip_close(stream);
    return status == RONDO_OK ? text : errors_text(&errors, 0);
}

static unsigned char *packed_file(const char *name, size_t *length) {
    return array_goldens_file(&goldens, name, arena, length);
}

/* In one member and in two. */
START_TEST(packed_files_are_unpacked) {
    static const char *const names[] = {"numbers.gz", "members.gz"};
    size_t length;
    const unsigned char *bytes = packed_file(names[_i], &length);
    ck_assert_str_eq(numbers_of(bytes, length), "1 2 3 4 5 ");
}
END_TEST

START_TEST(no_prefix_of_a_packed_file_is_read) {
    size_t length;
    const unsigned char *bytes = packed_file("numbers.gz", &length);
    for (size_t part = 2; part < length; part++) {
        const char *text = numbers_of(bytes, part);
        ck_assert_msg(strcmp(text, "f: a damaged gzip file: it is cut short") == 0, "%zu bytes: %s", part, text);
        errors_free(&errors);
    }
}
END_TEST

START_TEST(a_wrong_check_sum_is_found) {
    size_t length;
    unsigned char *bytes = packed_file("numbers.gz", &length);
    bytes[length - 8] ^= 1;
    ck_assert_str_eq(numbers_of(bytes, length), "f: a damaged gzip file: incorrect data check");
}
END_TEST

/* More than one block of a file, in members whose borders fall on any byte of a block. */
START_TEST(large_files_are_read_in_pieces) {
    enum { NUMBERS = 200000, MOST = 400000 };
    static unsigned char bytes[MOST], numbers[NUMBERS];
    char path[1024];
    const char *root = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rondo-gzip-XXXXXX", root == NULL ? "/tmp" : root);
    const int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    uint32_t state = 1;
    for (int i = 0; i < NUMBERS; i++) {
        state = state * 1664525 + 1013904223;
        numbers[i] = (unsigned char)(state >> 24);
    }
    size_t length = 0;
    for (int i = 0; i < NUMBERS; i += 50000) {
        z_stream zlib = {
            .next_in = numbers + i, .avail_in = 50000, .next_out = bytes + length, .avail_out = MOST - length};
        ck_assert_int_eq(deflateInit2(&zlib, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        ck_assert_int_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
        length += zlib.total_out;
        deflateEnd(&zlib);
    }
    ck_assert_int_eq(write(descriptor, bytes, length), (ssize_t)length);
    close(descriptor);
    struct gzip_stream *stream = gzip_open(path, (struct location){0}, &errors);
    ck_assert_ptr_nonnull(stream);
    unlink(path);
    unsigned char head[GZIP_HEAD];
    size_t got;
    ck_assert_int_eq(gzip_head(stream, head, &got, &errors), RONDO_OK);
    ck_assert_mem_eq(head, numbers, GZIP_HEAD);
    for (int i = 0; i < NUMBERS; i += 7) {
        const size_t expected = NUMBERS - i < 7 ? (size_t)(NUMBERS - i) : 7;
        ck_assert_int_eq(gzip_read(stream, bytes, 7, &got, &errors), RONDO_OK);
        ck_assert_uint_eq(got, expected);
        ck_assert_mem_eq(bytes, numbers + i, expected);
    }
    ck_assert_int_eq(gzip_read(stream, bytes, 7, &got, &errors), RONDO_OK);
    ck_assert_uint_eq(got, 0);
    gzip_close(stream);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("picture");
    TCase *cases = add_case(suite, "picture", 60, setup, teardown);
    tcase_add_loop_test(cases, pictures_of_every_kind_have_their_pixels, 0, PICTURES);
    tcase_add_test(cases, all_goldens_are_read);
    tcase_add_loop_test(cases, bytes_between_the_parts_of_a_jpeg_are_no_mistake, 0, 2);
    tcase_add_loop_test(cases, damaged_pictures_are_refused, 0, ROWS(damaged));
    tcase_add_loop_test(cases, messages_about_memory_have_its_status, 0, ROWS(library_messages));
    tcase_add_loop_test(cases, no_prefix_of_a_picture_is_read, 0, 4);
    cases = add_case(suite, "idx", 60, setup, teardown);
    tcase_add_loop_test(cases, idx_files_are_checked, 0, ROWS(idx_files));
    tcase_add_loop_test(cases, integers_are_big_endian, 0, ROWS(integers));
    cases = add_case(suite, "gzip", 60, setup, teardown);
    tcase_add_loop_test(cases, packed_files_are_unpacked, 0, 2);
    tcase_add_test(cases, large_files_are_read_in_pieces);
    tcase_add_test(cases, no_prefix_of_a_packed_file_is_read);
    tcase_add_test(cases, a_wrong_check_sum_is_found);
    return run_suite(suite);
}
