#include "tests/session_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/cell_file.h"

struct support support;
struct session *session;
char cell_files[MOST_CELLS][512];
int n_cell_files;

void session_restart(int32_t threads) {
    const struct session_settings settings = {.threads = threads};
    session_destroy(session);
    session = session_create(&settings, &support.errors);
    ck_assert_msg(session != NULL, "%s", support_error(&support));
}

void session_setup(void) {
    support_open(&support);
    session = NULL;
    session_restart(1);
}

void session_teardown(void) {
    session_destroy(session);
    support_close(&support);
}

static const struct cell_definition *read_definition(const char *file) {
    const struct cell_definition *definition = cell_file_read(file, support.arena, &support.errors);
    ck_assert_msg(definition != NULL, "%s", support_error(&support));
    return definition;
}

const struct cell_definition *session_definition(const char *name) {
    const char *file = session_find(session, SESSION_CELLS, name, NULL, support.arena);
    ck_assert_msg(file != NULL, "there is no cell '%s'", name);
    return read_definition(file);
}

struct cell *session_compile(const struct cell_definition *definition, struct cell_settings settings) {
    struct cell *cell = cell_compile(definition, &settings, session->registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s: %s", definition->name, support_error(&support));
    return cell;
}

struct cell *session_compile_file(const char *file, int32_t dtype, int64_t input, int64_t hidden) {
    return session_compile(
        read_definition(file),
        (struct cell_settings){.dtype = dtype, .input = input, .hidden = hidden, .memory = input + 2});
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

void find_cell_files(void) {
    const char *folder = getenv("RONDO_CELL_PATH");
    DIR *stream = folder == NULL ? NULL : opendir(folder);
    for (const struct dirent *item; stream != NULL && (item = readdir(stream)) != NULL;) {
        const size_t length = strlen(item->d_name);
        if (length > 5 && strcmp(item->d_name + length - 5, ".yaml") == 0 && n_cell_files < MOST_CELLS) {
            snprintf(cell_files[n_cell_files++], sizeof cell_files[0], "%s/%s", folder, item->d_name);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
    qsort(cell_files, (size_t)n_cell_files, sizeof cell_files[0], by_name);
}
