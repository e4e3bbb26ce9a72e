/* bench/arguments.h: what is on the command line of a benchmark. Each function ends the program, with a message and status 2, if a
 * word is not what it expects. */
#ifndef RONDO_BENCH_ARGUMENTS_H
#define RONDO_BENCH_ARGUMENTS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loader.h"
#include "core/number.h"
#include "experiment/session.h"
#include "io/file.h"

/* The name of the program, for messages. */
static inline const char *argument_program(void) {
    static char name[64];
    struct arena *arena = arena_create();
    const char *own = loader_own_file(arena), *slash = own == NULL ? NULL : strrchr(own, '/');
    snprintf(name, sizeof name, "%s", slash == NULL ? "bench" : slash + 1);
    arena_destroy(arena);
    return name;
}

_Noreturn static inline void argument_refuse(const char *name, const char *text, const char *expected) {
    fprintf(stderr, "%s: %s is '%s', expected %s\n", argument_program(), name, text, expected);
    exit(2);
}

/* A whole number from `least` to `most`. */
static inline int64_t argument_whole(const char *name, const char *text, int64_t least, int64_t most) {
    char *end, expected[80];
    const double value = number_parse(text, &end);
    if (end == text || *end != '\0' || !(value >= (double)least && value <= (double)most) || value != floor(value)) {
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least, (long long)most);
        argument_refuse(name, text, expected);
    }
    return (int64_t)value;
}

/* A number above 0, of at most `most`. */
static inline double argument_above_0(const char *name, const char *text, double most) {
    char *end, expected[64];
    const double value = number_parse(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value <= most)) {
        snprintf(expected, sizeof expected, "a number above 0, of at most %g", most);
        argument_refuse(name, text, expected);
    }
    return value;
}

enum { ARGUMENT_MOST_THREADS = 255 };
static inline int32_t argument_threads(const char *text) {
    return (int32_t)argument_whole("THREADS", text, 1, ARGUMENT_MOST_THREADS);
}
static inline double argument_seconds(const char *text) {
    return argument_above_0("SECONDS", text, 1e5);
}

/* Plug-ins and cells are those of the build that has the program in its folder `bench`, unless the environment says where they are. Before session_create. */
static inline void argument_paths(void) {
    static const char *const variables[][2] = {
        {"RONDO_PLUGIN_PATH", "plugins"}, {"RONDO_CELL_PATH", "cells"}, {"RONDO_BLOCK_PATH", "blocks"}};
    struct arena *arena = arena_create();
    const char *own = loader_own_file(arena);
    const char *build = own == NULL ? NULL : path_folder(arena, path_folder(arena, own));
    for (size_t i = 0; build != NULL && i < sizeof variables / sizeof variables[0]; i++) {
        const char *folder = arena_printf(arena, "%s/%s", build, variables[i][1]);
        if (folder != NULL && file_exists(folder)) {
            setenv(variables[i][0], folder, 0);
        }
    }
    arena_destroy(arena);
}

/* The file of a cell, which is given by name or as a path. From the arena. */
static inline const char *argument_cell(const struct session *session, const char *name, struct arena *arena) {
    const char *file = session_find(session, SESSION_CELLS, name, ".", arena);
    if (file == NULL) {
        argument_refuse("CELL", name, "the name of a cell, or the path of its file");
    }
    return file;
}

/* Prints the errors of a failed call: 2 for the exit status if the command line is to blame, else 1. */
static inline int argument_report(const struct errors *errors) {
    for (int32_t i = 0; i < errors->count && i < ERRORS_MAX; i++) {
        fprintf(stderr, "%s: %s\n", argument_program(), errors_text(errors, i));
    }
    return errors->status == RONDO_INVALID || errors->status == RONDO_NOT_FOUND ? 2 : 1;
}

#endif
