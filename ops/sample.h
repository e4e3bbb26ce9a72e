/* ops/sample.h: tables of cases for the automatic checks (rondo_op.sample in rondo/plugin.h). */
#ifndef RONDO_OPS_SAMPLE_H
#define RONDO_OPS_SAMPLE_H

#include "rondo/plugin.h"

/* One case: {2, 0, "axis=0", {{1, {4}}, {2, {3, 4}}}} has two inputs, of shapes [4] and [3, 4]. Floats are drawn from
 * [-2, 2). If index_end is positive, the last input is an index drawn from [0, index_end). */
struct ops_case {
    int32_t n_inputs;
    int32_t index_end;
    const char *options; /* NULL: the defaults */
    struct {
        int32_t ndim;
        int64_t shape[RONDO_MAX_DIMS];
    } inputs[4];
};

/* Fills `sample` from row `index` of a table with `count` rows; returns 0 after the last row. */
int32_t ops_sample(const struct ops_case *cases, size_t count, int32_t index, rondo_sample *sample);

/* A case of an op that looks along sequences: `count` of them, and their lengths in each input. An input whose first length is
 * ALL_SEQUENCES is the same for all. */
enum { ALL_SEQUENCES = -1, CASE_SEQUENCES = 4 };
struct ops_sequence_case {
    struct ops_case shapes;
    int32_t count;
    int64_t lengths[4][CASE_SEQUENCES];
};

/* The same for these cases, and rondo_op.sample_lengths. */
int32_t ops_sample_of_sequences(const struct ops_sequence_case *cases, size_t count, int32_t index,
                                rondo_sample *sample);
int32_t ops_sample_lengths(const struct ops_sequence_case *cases, int32_t index, int32_t input, int64_t *lengths);

#endif
