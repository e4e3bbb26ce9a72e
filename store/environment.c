#define _POSIX_C_SOURCE 200809L
#include "store/environment.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "config.h"
#include "io/json.h"

/* The cells without their texts, which are files of the run. NULL: out of memory. */
static json_t *without_texts(const json_t *cells) {
    json_t *copy = json_deep_copy(cells);
    const char *key;
    json_t *cell;
    json_object_foreach(copy, key, cell) {
        json_object_del(cell, "text");
    }
    return copy;
}

char *environment_text(const struct environment *environment) {
    struct utsname system = {0};
    uname(&system);
    char started[32] = "";
    const time_t seconds = time(NULL);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    char abi[32];
    snprintf(abi, sizeof abi, "%u.%u", RONDO_ABI_MAJOR, RONDO_ABI_MINOR);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:O, s:o, s:O}", "rondo", RONDO_VERSION, "abi", abi,
        "compiler", __VERSION__, "system", system.sysname, "release", system.release, "machine", system.machine,
        "engine", environment->engine, "passes", environment->passes, "threads", (int)environment->threads, "seed",
        (json_int_t)environment->seed, "started", environment->started == NULL ? started : environment->started, "data",
        environment->data, "cells", without_texts(environment->cells), "plugins", environment->plugins);
    char *text = json_write(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

const char *environment_value(const char *environment_file, const char *key, struct arena *arena) {
    json_error_t reason;
    json_t *root;
    json_parse_file(environment_file, &root, &reason); /* a failure leaves NULL, which has no members */
    const char *text = json_string_value(json_object_get(root, key));
    const char *value = text == NULL ? NULL : arena_strdup(arena, text);
    json_decref(root);
    return value;
}

void environment_compare(const char *environment_file, const struct environment *now, struct errors *changes) {
    json_error_t reason;
    json_t *root;
    if (json_parse_file(environment_file, &root, &reason) == RONDO_NO_MEMORY) {
        errors_no_memory(changes);
        return;
    }
    provenance_compare_data(json_object_get(root, "data"), now->data, changes);
    provenance_compare_cells(json_object_get(root, "cells"), now->cells, changes);
    const char *version = json_string_value(json_object_get(root, "rondo"));
    const int is_other_rondo = version != NULL && strcmp(version, RONDO_VERSION) != 0;
    provenance_compare_plugins(json_object_get(root, "plugins"), now->plugins, is_other_rondo, changes);
    json_decref(root);
}
