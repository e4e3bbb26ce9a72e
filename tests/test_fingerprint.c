/* tests/test_fingerprint.c: fingerprints of files and folders. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fingerprint.h"
#include "sandbox.h"
#include "tests/suite.h"

static struct errors errors;

static void teardown(void) {
    errors_free(&errors);
    sandbox_close();
}

static struct fingerprint fingerprint(const char *name) {
    struct fingerprint print;
    const rondo_status status = fingerprint_of(sandbox_path("%s", name), &print, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    return print;
}

/* The hashes of xxhsum -H3. */
static const struct { const char *text, *hash; } known[] = {{"", "2d06800538d394c2"}, {"a", "e6c632b61e964e1f"}};

START_TEST(the_hash_of_a_file_is_xxh3) {
    sandbox_write("file", known[_i].text);
    const struct fingerprint print = fingerprint("file");
    ck_assert_str_eq(print.hash, known[_i].hash);
    ck_assert_str_eq(fingerprint_of_bytes(known[_i].text, strlen(known[_i].text)).hash, known[_i].hash);
    ck_assert_int_eq(print.bytes, (int64_t)strlen(known[_i].text));
    ck_assert_int_eq(print.files, 1);
    ck_assert(!print.is_folder);
}
END_TEST

/* A file of several blocks, with the length of one, and one byte more or less. */
static const int sizes[] = {(1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18};

START_TEST(a_long_file_is_hashed_as_a_whole) {
    char *bytes = sandbox_memory((size_t)sizes[_i]);
    for (int i = 0; i < sizes[_i]; i++) {
        bytes[i] = (char)(i * 31 % 253);
    }
    sandbox_write_bytes("file", bytes, (size_t)sizes[_i]);
    ck_assert_str_eq(fingerprint("file").hash, fingerprint_of_bytes(bytes, (size_t)sizes[_i]).hash);
    bytes[sizes[_i] - 1] ^= 1;
    sandbox_write_bytes("file", bytes, (size_t)sizes[_i]);
    ck_assert_str_eq(fingerprint("file").hash, fingerprint_of_bytes(bytes, (size_t)sizes[_i]).hash);
}
END_TEST

/* ---- folders ---- */

static void write_folder(void) {
    sandbox_write("d/cats/1", "one");
    sandbox_write("d/cats/2", "two");
    sandbox_write("d/dogs/1", "three");
    sandbox_write("d/empty", "");
}

static void rename_file(const char *from, const char *to) {
    char path[1024];
    snprintf(path, sizeof path, "%s", sandbox_path("%s", from));
    ck_assert_int_eq(rename(path, sandbox_path("%s", to)), 0);
}

static void change_nothing(void) {
}
static void write_again(void) {
    write_folder();
}
static void add_hidden(void) {
    sandbox_write("d/cats/.thumbnails", "small");
}
static void add_folder(void) {
    ck_assert_int_eq(mkdir(sandbox_path("d/birds"), 0777), 0);
}
static void change_byte(void) {
    sandbox_write("d/cats/2", "tWo");
}
static void add_file(void) {
    sandbox_write("d/cats/3", "");
}
static void remove_file(void) {
    sandbox_remove("d/empty");
}
static void rename_one(void) {
    rename_file("d/cats/2", "d/cats/3");
}
static void move_to_other_class(void) {
    rename_file("d/cats/2", "d/dogs/2");
}
static void swap_contents(void) {
    sandbox_write("d/cats/1", "two");
    sandbox_write("d/cats/2", "one");
}
/* The same bytes one after the other, if names and contents had no ends. */
static void move_a_byte(void) {
    sandbox_write("d/cats/1", "onet");
    sandbox_write("d/cats/2", "wo");
}
static void move_the_folder(void) {
    rename_file("d", "e");
    rename_file("e", "d");
}

static const struct {
    void (*change)(void);
    int is_same;
} folders[] = {{change_nothing, 1}, {write_again, 1},   {add_hidden, 1},  {move_the_folder, 1},
               {add_folder, 1},     {change_byte, 0},   {add_file, 0},    {remove_file, 0},
               {rename_one, 0},     {swap_contents, 0}, {move_a_byte, 0}, {move_to_other_class, 0}};

START_TEST(the_fingerprint_of_a_folder_is_that_of_names_and_contents) {
    write_folder();
    const struct fingerprint before = fingerprint("d");
    ck_assert(before.is_folder);
    ck_assert_int_eq(before.files, 4);
    ck_assert_int_eq(before.bytes, 11);
    folders[_i].change();
    ck_assert_int_eq(strcmp(fingerprint("d").hash, before.hash) == 0, folders[_i].is_same);
}
END_TEST

static void link_in_a_circle(void) {
    ck_assert_int_eq(symlink("..", sandbox_path("d/cats/up")), 0);
}
static void link_to_nothing(void) {
    ck_assert_int_eq(symlink("nothing", sandbox_path("d/cats/3")), 0);
}
static void add_pipe(void) {
    ck_assert_int_eq(mkfifo(sandbox_path("d/cats/3"), 0666), 0);
}
static void remove_all(void) {
    sandbox_remove("d");
}

static const struct {
    void (*change)(void);
    int status;
    const char *parts;
} refused[] = {{link_in_a_circle, RONDO_INVALID, "nested deeper than 32 folders"},
               {link_to_nothing, RONDO_NOT_FOUND, "/d/cats/3': there is no such file"},
               {add_pipe, RONDO_INVALID, "/d/cats/3' is a pipe or device, expected a regular file"},
               {remove_all, RONDO_NOT_FOUND, "/d': there is no such file"}};

START_TEST(what_cannot_be_read_has_no_fingerprint) {
    struct fingerprint print;
    write_folder();
    refused[_i].change();
    ck_assert_int_eq(fingerprint_of(sandbox_path("d"), &print, &errors), refused[_i].status);
    ck_assert_int_eq(errors.count, 1);
    assert_parts("error", errors_text(&errors, 0), refused[_i].parts);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fingerprint");
    TCase *cases = add_case(suite, "fingerprints", 20, sandbox_open, teardown);
    tcase_add_loop_test(cases, the_hash_of_a_file_is_xxh3, 0, ROWS(known));
    tcase_add_loop_test(cases, a_long_file_is_hashed_as_a_whole, 0, ROWS(sizes));
    tcase_add_loop_test(cases, the_fingerprint_of_a_folder_is_that_of_names_and_contents, 0, ROWS(folders));
    tcase_add_loop_test(cases, what_cannot_be_read_has_no_fingerprint, 0, ROWS(refused));
    return run_suite(suite);
}
