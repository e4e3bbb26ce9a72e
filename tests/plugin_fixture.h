/* tests/plugin_fixture.h: shared by the tests of the plug-ins that Rondo ships: a registry that finds them as an
 * experiment would, golden files, comparisons.
 *
 * RONDO_TEST_PLUGINS is the folder of the plug-ins as they were built, RONDO_TEST_SOURCE the folder of this file:
 * golden/ in it holds reference numbers and the scripts that wrote them.
 *
 * Every function fails the running test if an error occurs.
 */
#ifndef RONDO_TESTS_PLUGIN_FIXTURE_H
#define RONDO_TESTS_PLUGIN_FIXTURE_H

#include <check.h>
#include <stdio.h>

#include "core/host.h"
#include "core/loader.h"
#include "core/tape.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

/* What the running test works with; parallel starts with one thread. */
struct fixture {
    struct arena *arena; /* memory that lives as long as the test */
    struct errors errors;
    struct registry *registry;
    struct loader *loader;
    struct tape *tape;
    struct parallel parallel;
};
extern struct fixture fixture;

/* For tcase_add_checked_fixture. */
void fixture_setup(void);
void fixture_teardown(void);

/* The absolute path that an environment variable holds. */
const char *fixture_path(const char *variable);

/* The descriptor, loaded if need be. */
const rondo_descriptor *fixture_find(int32_t kind, const char *name);
/* Its options struct, from text as in "lr=0.1 momentum=0.9"; "-" is none. NULL with errors. */
void *fixture_options(const rondo_descriptor *descriptor, const char *text);
/* A call without a tape; `subject` as in core/host.h. */
struct host_call fixture_host(const char *subject);
/* Fails the test unless the first error contains `part`. */
void fixture_error(const char *part);
/* The first error; "" if there is none. */
const char *fixture_first_error(void);

/* Tensors of zeros, with 1 or 2 dimensions, and of any shape. */
rondo_tensor fixture_tensor(int32_t dtype, int32_t ndim, int64_t rows, int64_t columns);
rondo_tensor fixture_shaped(int32_t dtype, int32_t ndim, const int64_t *shape);
/* Writes values[i] into every element. */
void fixture_fill(const rondo_tensor *tensor, const double *values);

/* |found - expected| <= tolerance (1 + |expected|): absolute for numbers around 1, relative for larger ones. */
void fixture_near(double found, double expected, double tolerance, const char *what, int64_t index);
void fixture_all_near(const rondo_tensor *found, const double *expected, double tolerance, const char *what);

/* Each dtype, and the tolerance of its results against a reference in f64. */
struct fixture_precision {
    int32_t dtype;
    double tolerance;
};
#define FIXTURE_PRECISIONS 2
extern const struct fixture_precision fixture_precisions[FIXTURE_PRECISIONS];

/* A golden file: lines of a word and numbers or text, of any length; '#' begins a comment. */
struct golden {
    FILE *file;
    char *text; /* the current line */
    size_t text_size;
    char *rest;      /* of the line, after its word; "" if there is nothing */
    double *numbers; /* [count], at the beginning of rest */
    int64_t count, capacity;
};
struct golden golden_open(const char *name);
void golden_close(struct golden *golden);
/* The first word of the next line that is not a comment; NULL at the end. */
const char *golden_next(struct golden *golden);
/* The next line must be `word` with `count` numbers; copies them to memory that lives as long as the test. */
const double *golden_numbers(struct golden *golden, const char *word, int64_t count);

#endif
