/* tests/support.h: shared by several tests: a registry with an arena and errors, random tensors, central differences,
 * time axes.
 *
 * Every function fails the running test if an error occurs.
 */
#ifndef RONDO_TESTS_SUPPORT_H
#define RONDO_TESTS_SUPPORT_H

#include "core/tape.h"
#include "model/architecture.h"

/* Opened before a test and closed behind it. */
struct support {
    struct errors errors;
    struct arena *arena;
    struct registry *registry; /* registry of the built-in ops */
};
void support_open(struct support *support);
void support_close(struct support *support);

/* Fails the test, with the errors, if `status` is not RONDO_OK. */
void support_ok(const struct support *support, rondo_status status, const char *what);
/* The first error; "" if there is none. */
const char *support_error(const struct support *support);

/* A tape that adds its errors to those of `support`; parallel NULL: one thread. Free with tape_destroy. */
struct tape *support_tape(struct support *support, const struct parallel *parallel);

/* A tensor of `dtype` and shape "3, 4" ("" for a scalar) in the arena: of zeros, of normal numbers from the stream
 * `name`, or of the `numbers` given, one for each element. */
rondo_tensor support_zeros(struct support *support, int32_t dtype, const char *shape);
rondo_tensor support_random(struct support *support, int32_t dtype, const char *shape, const char *name);
rondo_tensor support_numbers(struct support *support, int32_t dtype, const char *shape, const double *numbers);

/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
double support_difference(double a, double b);
/* Every element of `found` is within `tolerance` of `expected` by support_difference; 0: the same bits. */
void support_near(const rondo_tensor *found, const rondo_tensor *expected, double tolerance, const char *what);

/* Compares `gradient` with (loss(x + h) - loss(x - h)) / 2h for every element x of `value`, an f64 tensor that
 * loss(arg) depends on. */
void support_central_differences(double (*loss)(void *arg), void *arg, const rondo_tensor *value,
                                 const rondo_tensor *gradient, double tolerance, const char *what);

/* The time axis of rows with these lengths, in descending order. */
struct time_axis support_time(struct support *support, const int64_t *lengths, int64_t rows);

/* Random outputs of an encoder, [elements, width], for `rows` rows: their sequences have other lengths than one another and are
 * not in the order of the rows, and elements between them belong to none. */
struct support_memory {
    rondo_tensor values;
    rondo_rows rows;
};
struct support_memory support_memory(struct support *support, int32_t dtype, int64_t width, int64_t rows);
/* The rows begin .. end of it: the same elements, of which only some are read. */
struct support_memory support_memory_rows(const struct support_memory *memory, int64_t begin, int64_t end);

#endif
