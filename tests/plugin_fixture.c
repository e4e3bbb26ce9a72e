/* tests/plugin_fixture.c: see tests/plugin_fixture.h. */
#define _POSIX_C_SOURCE 200809L
#include "plugin_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"

struct fixture fixture;

const struct fixture_precision fixture_precisions[FIXTURE_PRECISIONS] = {{RONDO_F64, 1e-9}, {RONDO_F32, 2e-5}};

/* Fails if the variable is not set, because nothing would be tested. */
const char *fixture_path(const char *variable) {
    const char *text = getenv(variable);
    ck_assert_msg(text != NULL && text[0] == '/', "the variable %s must hold an absolute path", variable);
    return text;
}

void fixture_setup(void) {
    fixture = (struct fixture){.parallel = {1}};
    fixture.arena = arena_create();
    fixture.registry = registry_create(builtin_ops, &fixture.errors);
    fixture.loader = loader_create(fixture_path("RONDO_TEST_PLUGINS"), &fixture.errors);
    ck_assert(fixture.arena != NULL && fixture.registry != NULL && fixture.loader != NULL);
    registry_set_finder(fixture.registry, loader_finder(fixture.loader));
    fixture.tape = tape_create(&(struct tape_settings){fixture.registry, &fixture.parallel, &fixture.errors});
    ck_assert_ptr_nonnull(fixture.tape);
}

void fixture_teardown(void) {
    tape_destroy(fixture.tape);
    loader_destroy(fixture.loader);
    registry_destroy(fixture.registry);
    arena_destroy(fixture.arena);
    errors_free(&fixture.errors);
}

const char *fixture_first_error(void) {
    return fixture.errors.count > 0 ? errors_text(&fixture.errors, 0) : "";
}

void fixture_error(const char *part) {
    ck_assert_int_ge(fixture.errors.count, 1);
    ck_assert_msg(strstr(fixture_first_error(), part) != NULL, "'%s' is not in \"%s\"", part, fixture_first_error());
}

const rondo_descriptor *fixture_find(int32_t kind, const char *name) {
    const rondo_descriptor *found =
        registry_resolve(fixture.registry, kind, name, (struct location){0}, &fixture.errors);
    ck_assert_msg(found != NULL, "%s: %s", name, fixture_first_error());
    return found;
}

void *fixture_options(const rondo_descriptor *descriptor, const char *text) {
    void *options = options_create(descriptor->options, descriptor->options_size, fixture.arena, &fixture.errors);
    ck_assert_ptr_nonnull(options);
    const rondo_status status = options_parse(descriptor->options, options, strcmp(text, "-") == 0 ? NULL : text,
                                              descriptor->name, fixture.arena, (struct location){0}, &fixture.errors);
    return status == RONDO_OK ? options : NULL;
}

struct host_call fixture_host(const char *subject) {
    return host_call(fixture.arena, &fixture.errors, &fixture.parallel, subject);
}

rondo_tensor fixture_shaped(int32_t dtype, int32_t ndim, const int64_t *shape) {
    rondo_tensor tensor = tensor_of(dtype, ndim, shape);
    ck_assert_int_eq(tensor_alloc(&tensor, fixture.arena, &fixture.errors), RONDO_OK);
    return tensor;
}

rondo_tensor fixture_tensor(int32_t dtype, int32_t ndim, int64_t rows, int64_t columns) {
    return fixture_shaped(dtype, ndim, (const int64_t[]){rows, columns});
}

void fixture_fill(const rondo_tensor *tensor, const double *values) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, values[i]);
    }
}

void fixture_near(double found, double expected, double tolerance, const char *what, int64_t index) {
    ck_assert_msg(fabs(found - expected) <= tolerance * (1 + fabs(expected)), "%s [%d] is %.17g, expected %.17g", what,
                  (int)index, found, expected);
}

void fixture_all_near(const rondo_tensor *found, const double *expected, double tolerance, const char *what) {
    for (int64_t i = 0; i < rondo_count(found); i++) {
        fixture_near(tensor_get(found, i), expected[i], tolerance, what, i);
    }
}

/* ---- golden files ---- */

struct golden golden_open(const char *name) {
    struct golden golden = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/%s", fixture_path("RONDO_TEST_SOURCE"), name);
    golden.file = fopen(path, "r");
    ck_assert_msg(golden.file != NULL, "cannot open '%s'", path);
    return golden;
}

void golden_close(struct golden *golden) {
    fclose(golden->file);
    free(golden->text);
    free(golden->numbers);
    *golden = (struct golden){0};
}

static void add_number(struct golden *golden, double number) {
    if (golden->count == golden->capacity) {
        golden->capacity = golden->capacity == 0 ? 64 : 2 * golden->capacity;
        golden->numbers = realloc(golden->numbers, sizeof *golden->numbers * (size_t)golden->capacity);
        ck_assert_ptr_nonnull(golden->numbers);
    }
    golden->numbers[golden->count++] = number;
}

const char *golden_next(struct golden *golden) {
    do {
        if (getline(&golden->text, &golden->text_size, golden->file) < 0) {
            return NULL;
        }
        golden->text[strcspn(golden->text, "\n")] = '\0';
    } while (golden->text[0] == '#' || golden->text[0] == '\0');
    golden->rest = golden->text + strcspn(golden->text, " ");
    if (*golden->rest != '\0') {
        *golden->rest++ = '\0';
    }
    golden->count = 0;
    char *end = golden->rest;
    for (const char *at = golden->rest;; at = end) {
        const double number = strtod(at, &end);
        if (end == at) {
            return golden->text;
        }
        add_number(golden, number);
    }
}

const double *golden_numbers(struct golden *golden, const char *word, int64_t count) {
    const char *found = golden_next(golden);
    ck_assert_msg(found != NULL && strcmp(found, word) == 0, "expected a line '%s', found '%s'", word,
                  found == NULL ? "the end" : found);
    ck_assert_msg(golden->count == count, "a line '%s' has %d numbers, expected %d", word, (int)golden->count,
                  (int)count);
    double *numbers = arena_alloc(fixture.arena, sizeof *numbers * (size_t)(count + 1));
    ck_assert_ptr_nonnull(numbers);
    if (count > 0) {
        memcpy(numbers, golden->numbers, sizeof *numbers * (size_t)count);
    }
    return numbers;
}
