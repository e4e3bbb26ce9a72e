/* tests/random_cell.h: random cells, which find cases for which no test was written.
 *
 * Each number gives one cell, always the same. Their equations combine everything that the language has: sums, products
 * with shared, sliced and transposed weights, parts of values and broadcast values, reductions, other calls, random
 * ops, states of several shapes, states that take the value of another or never change, and any value as output.
 */
#ifndef RONDO_TESTS_RANDOM_CELL_H
#define RONDO_TESTS_RANDOM_CELL_H

#include "core/arena.h"
#include "core/rng.h"
#include "lang/cell.h"

/* A sequence of random numbers. */
struct chance {
    struct rng_stream stream;
    uint64_t next;
};
/* One of 0 .. count - 1. */
int32_t chance_of(struct chance *chance, int32_t count);

/* The cell that these numbers give, with an input of width `hidden` - 1 and states of width `hidden` >= 3. In the
 * arena. */
const struct cell_definition *random_cell(struct chance *chance, int64_t hidden, struct arena *arena);

#endif
