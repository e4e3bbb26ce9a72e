/* tests/random_cell.h: random cells, to find cases that no test was written for.
 *
 * Every number makes one cell, always the same. Their equations combine everything that the language has: sums, products
 * with shared, sliced and transposed weights, parts and stretched values, reductions, other calls, random ops, states
 * of several shapes, states that take the value of another or never change, and any value as output.
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

/* The cell of these numbers: for an input of `hidden` - 1 and a width of `hidden` >= 3. In the arena. */
const struct cell_definition *random_cell(struct chance *chance, int64_t hidden, struct arena *arena);

#endif
