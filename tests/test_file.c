/* io/file.h: files are read whole, written whole or not at all, and paths are put together. */
#define _GNU_SOURCE /* O_TMPFILE */

#include "io/file.h"
#include "tests/suite.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;
static struct errors errors;
static char folder[2000];

static void setup(void) {
    const char *root = getenv("TMPDIR");
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    snprintf(folder, sizeof folder, "%s/rondo-test-XXXXXX", root == NULL ? "/tmp" : root);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
    ck_assert_int_eq(rmdir(folder), 0); /* fails unless the test has left the folder empty */
}

/* A path in the folder of the test; valid until it ends. */
static const char *path_of(const char *name) {
    return arena_printf(arena, "%s/%s", folder, name);
}

static int entries(void) {
    int count = -2; /* "." and ".." */
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static const struct {
    const char *bytes;
    size_t length, max_bytes;
    rondo_status status;
} contents[] = {
    {"", 0, 0, RONDO_OK},           {"hello", 5, 100, RONDO_OK}, {"a\0b\n", 4, 4, RONDO_OK},
    {"hello", 5, 4, RONDO_INVALID}, {"x", 1, 0, RONDO_INVALID},
};

START_TEST(what_was_written_is_read_back) {
    const char *file = path_of("f");
    char *text = NULL;
    size_t length = 77;
    ck_assert_int_eq(file_write(file, contents[_i].bytes, contents[_i].length, &errors), RONDO_OK);
    ck_assert_int_eq(entries(), 1);
    const rondo_status status =
        file_read(file, contents[_i].max_bytes, arena, &text, &length, (struct location){"c.yaml", 3, 4}, &errors);
    ck_assert_int_eq(status, contents[_i].status);
    if (status == RONDO_OK) {
        ck_assert_uint_eq(length, contents[_i].length);
        ck_assert_mem_eq(text, contents[_i].bytes, length + 1);
    } else {
        ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "c.yaml:3:4: '"));
        ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "bytes, expected at most"));
    }
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

START_TEST(reading_refuses_what_is_no_file) {
    char *text;
    const struct location where = {"c.yaml", 3, 4};
    ck_assert_int_eq(file_read(path_of("none"), 9, arena, &text, NULL, where, &errors), RONDO_NOT_FOUND);
    ck_assert_str_eq(errors_text(&errors, 0),
                     arena_printf(arena, "c.yaml:3:4: cannot read '%s': there is no such file", path_of("none")));
    ck_assert_int_eq(file_read(folder, 9, arena, &text, NULL, where, &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 1), "is a folder, expected a regular file"));
    ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
    ck_assert_int_eq(file_read(path_of("pipe"), 9, arena, &text, NULL, where, &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 2), "is a pipe or device, expected a regular file"));
    ck_assert_int_eq(unlink(path_of("pipe")), 0);
    ck_assert_int_eq(file_write(path_of("f"), "x", 1, &errors), RONDO_OK);
    ck_assert_int_eq(file_read(path_of("f/below"), 9, arena, &text, NULL, where, &errors), RONDO_NOT_FOUND);
    ck_assert_int_eq(unlink(path_of("f")), 0);
}
END_TEST

START_TEST(the_old_file_stays_until_commit) {
    const char *file = path_of("f");
    struct file_writer writer;
    char *text;
    ck_assert_int_eq(file_write(file, "old", 3, &errors), RONDO_OK);
    ck_assert_int_eq(file_begin(&writer, file, &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&writer, "ne", 2, &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&writer, "w!", 2, &errors), RONDO_OK);
    ck_assert_int_eq(file_read(file, 9, arena, &text, NULL, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(text, "old");
    ck_assert_int_eq(file_commit(&writer, &errors), RONDO_OK);
    ck_assert_int_eq(file_read(file, 9, arena, &text, NULL, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(text, "new!");
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

START_TEST(abort_leaves_nothing_and_the_old_file_as_it_was) {
    const char *file = path_of("f");
    struct file_writer writer;
    char *text;
    ck_assert_int_eq(file_write(file, "old", 3, &errors), RONDO_OK);
    ck_assert_int_eq(file_begin(&writer, file, &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&writer, "new", 3, &errors), RONDO_OK);
    file_abort(&writer);
    file_abort(&writer);
    ck_assert_int_eq(file_piece(&writer, "new", 3, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(file_commit(&writer, &errors), RONDO_INTERNAL);
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(file_read(file, 9, arena, &text, NULL, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(text, "old");
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

/* If the file system supports files without a name, a process that is killed leaves no file. */
START_TEST(a_writer_that_is_killed_leaves_nothing) {
    struct file_writer writer;
    const int unnamed = open(folder, O_WRONLY | O_TMPFILE, 0600);
    if (unnamed < 0) {
        return;
    }
    close(unnamed);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        file_begin(&writer, path_of("f"), &errors);
        file_piece(&writer, "new", 3, &errors);
        _exit(writer.descriptor >= 0 ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(entries(), 0);
}
END_TEST

/* The folder is kept open, so files are written to it, even if another folder has taken its name. */
START_TEST(files_are_written_in_the_folder_that_is_open) {
    char *text;
    struct file_writer writer;
    ck_assert_int_eq(mkdir(path_of("old"), 0700), 0);
    const int descriptor = open(path_of("old"), O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(rename(path_of("old"), path_of("moved")), 0);
    ck_assert_int_eq(mkdir(path_of("old"), 0700), 0);
    ck_assert_int_eq(file_begin_in(&writer, descriptor, "f", path_of("old/f"), &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&writer, "x", 1, &errors), RONDO_OK);
    ck_assert_int_eq(file_commit(&writer, &errors), RONDO_OK);
    ck_assert_int_eq(file_read(path_of("moved/f"), 9, arena, &text, NULL, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(text, "x");
    ck_assert_int_eq(rmdir(path_of("old")), 0);
    ck_assert_int_eq(unlink(path_of("moved/f")), 0);
    ck_assert_int_eq(rmdir(path_of("moved")), 0);
    close(descriptor);
}
END_TEST

START_TEST(two_writers_of_one_file_do_not_meet) {
    const char *file = path_of("f");
    struct file_writer first, second;
    char *text;
    ck_assert_int_eq(file_begin(&first, file, &errors), RONDO_OK);
    ck_assert_int_eq(file_begin(&second, file, &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&first, "first", 5, &errors), RONDO_OK);
    ck_assert_int_eq(file_piece(&second, "second", 6, &errors), RONDO_OK);
    ck_assert_int_eq(file_commit(&first, &errors), RONDO_OK);
    ck_assert_int_eq(file_commit(&second, &errors), RONDO_OK);
    ck_assert_int_eq(file_read(file, 9, arena, &text, NULL, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(text, "second");
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

START_TEST(failed_writes_leave_nothing) {
    ck_assert_int_eq(file_write(path_of("no/such/folder/f"), "x", 1, &errors), RONDO_IO);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "no/such/folder/f': "));
    /* a folder cannot be replaced by a file: this fails at the rename, after everything has been written */
    ck_assert_int_eq(mkdir(path_of("folder"), 0700), 0);
    ck_assert_int_eq(file_write(path_of("folder"), "x", 1, &errors), RONDO_IO);
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(rmdir(path_of("folder")), 0);
}
END_TEST

START_TEST(a_full_disk_is_reported_and_cleaned_up) {
    struct file_writer writer;
    ck_assert_int_eq(file_begin(&writer, path_of("f"), &errors), RONDO_OK);
    FILE *full = fopen("/dev/full", "w");
    if (full != NULL) {
        ck_assert_int_ge(dup2(fileno(full), writer.descriptor), 0);
        fclose(full);
        ck_assert_int_eq(file_piece(&writer, "x", 1, &errors), RONDO_IO);
        ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "cannot write '"));
    }
    file_abort(&writer);
    ck_assert_int_eq(entries(), 0);
}
END_TEST

START_TEST(new_files_obey_the_umask) {
    struct stat info;
    const mode_t old = umask(027);
    ck_assert_int_eq(file_write(path_of("f"), "x", 1, &errors), RONDO_OK);
    umask(old);
    ck_assert_int_eq(stat(path_of("f"), &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0640);
    ck_assert_int_eq(unlink(path_of("f")), 0);
}
END_TEST

START_TEST(folders_are_made_with_those_above) {
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(folder_create(path_of("a//b/c/"), NULL, &errors), RONDO_OK);
        ck_assert_int_eq(file_exists(path_of("a/b/c")), 1);
    }
    ck_assert_int_eq(folder_create("/", NULL, &errors), RONDO_OK);
    ck_assert_int_eq(folder_create(".", NULL, &errors), RONDO_OK);
    ck_assert_int_eq(file_write(path_of("a/f"), "x", 1, &errors), RONDO_OK);
    ck_assert_int_eq(folder_create(path_of("a/f/g"), NULL, &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "a/f' is a file, expected a folder"));
    ck_assert_int_eq(file_exists(path_of("a/none")), 0);
    ck_assert_int_eq(unlink(path_of("a/f")), 0);
    ck_assert_int_eq(rmdir(path_of("a/b/c")), 0);
    ck_assert_int_eq(rmdir(path_of("a/b")), 0);
    ck_assert_int_eq(rmdir(path_of("a")), 0);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_leaves_none) {
    char name[400], path[500];
    int32_t made = 0;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0'; /* longer than a component of a path may be */
    snprintf(path, sizeof path, "a/b//%s/c", name);
    ck_assert_int_eq(folder_create(path_of(path), &made, &errors), RONDO_IO);
    ck_assert_int_eq(made, 0);
    ck_assert_int_eq(entries(), 0);
    /* Folders that existed before are not removed. */
    ck_assert_int_eq(mkdir(path_of("a"), 0700), 0);
    ck_assert_int_eq(folder_create(path_of(path), &made, &errors), RONDO_IO);
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(folder_create(path_of("a/b//c/"), &made, &errors), RONDO_OK);
    ck_assert_int_eq(made, 2);
    folder_remove(path_of("a/b//c/"), made);
    ck_assert_int_eq(file_exists(path_of("a/b")), 0);
    ck_assert_int_eq(rmdir(path_of("a")), 0);
}
END_TEST

static const struct {
    const char *bytes;
    int64_t size;
    uint64_t hash; /* computed with the reference code of FNV-1a, isthe.com/chongo/tech/comp/fnv */
} hashes[] = {
    {"", 0, 0xcbf29ce484222325u},
    {"a", 1, 0xaf63dc4c8601ec8cu},
    {"foobar", 6, 0x85944171f73967e8u},
};

START_TEST(a_hash_is_that_of_the_bytes) {
    int64_t size;
    uint64_t hash;
    ck_assert_int_eq(file_write(path_of("f"), hashes[_i].bytes, strlen(hashes[_i].bytes), &errors), RONDO_OK);
    ck_assert_int_eq(file_hash(path_of("f"), &size, &hash, &errors), RONDO_OK);
    ck_assert_int_eq(size, hashes[_i].size);
    ck_assert_uint_eq(hash, hashes[_i].hash);
    ck_assert_int_eq(file_hash(path_of("none"), &size, &hash, &errors), RONDO_NOT_FOUND);
    ck_assert_int_eq(file_hash(folder, &size, &hash, &errors), RONDO_IO);
    ck_assert_int_eq(unlink(path_of("f")), 0);
}
END_TEST

static const struct {
    const char *folder, *name, *joined;
} joins[] = {
    {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {".", "b", "b"}, {"", "b", "b"}, {"a", "/b", "/b"}, {"/", "b", "/b"},
};

START_TEST(paths_are_joined) {
    ck_assert_str_eq(path_join(arena, joins[_i].folder, joins[_i].name), joins[_i].joined);
}
END_TEST

static const struct {
    const char *file, *folder;
} folders[] = {
    {"a/b", "a"},  {"b", "."}, {"/b", "/"}, {"a//b", "a"}, {"a/b/c", "a/b"},
    {"a/b/", "a"}, {"/", "/"}, {"", "."},   {"./b", "."},
};

START_TEST(paths_have_a_folder) {
    ck_assert_str_eq(path_folder(arena, folders[_i].file), folders[_i].folder);
}
END_TEST

START_TEST(paths_become_absolute) {
    char *real = realpath(folder, NULL);
    ck_assert_int_eq(file_write(path_of("f"), "x", 1, &errors), RONDO_OK);
    ck_assert_int_eq(symlink("f", path_of("link")), 0);
    ck_assert_str_eq(path_absolute(arena, path_of("link")), arena_printf(arena, "%s/f", real));
    ck_assert_str_eq(path_absolute(arena, "/no/such"), "/no/such");
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_str_eq(path_absolute(arena, "f"), arena_printf(arena, "%s/f", real));
    ck_assert_str_eq(path_absolute(arena, "none"), arena_printf(arena, "%s/none", real));
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(unlink(path_of("link")), 0);
    ck_assert_int_eq(unlink(path_of("f")), 0);
    free(real);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("file");
    TCase *cases = tcase_create("file");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, what_was_written_is_read_back, 0, ROWS(contents));
    tcase_add_test(cases, reading_refuses_what_is_no_file);
    tcase_add_test(cases, the_old_file_stays_until_commit);
    tcase_add_test(cases, abort_leaves_nothing_and_the_old_file_as_it_was);
    tcase_add_test(cases, a_writer_that_is_killed_leaves_nothing);
    tcase_add_test(cases, files_are_written_in_the_folder_that_is_open);
    tcase_add_test(cases, two_writers_of_one_file_do_not_meet);
    tcase_add_test(cases, failed_writes_leave_nothing);
    tcase_add_test(cases, a_full_disk_is_reported_and_cleaned_up);
    tcase_add_test(cases, new_files_obey_the_umask);
    tcase_add_test(cases, folders_are_made_with_those_above);
    tcase_add_test(cases, a_folder_that_cannot_be_made_leaves_none);
    tcase_add_loop_test(cases, a_hash_is_that_of_the_bytes, 0, ROWS(hashes));
    tcase_add_loop_test(cases, paths_are_joined, 0, ROWS(joins));
    tcase_add_loop_test(cases, paths_have_a_folder, 0, ROWS(folders));
    tcase_add_test(cases, paths_become_absolute);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
