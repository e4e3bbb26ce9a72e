/* ops/sequences.h: helpers of ops that look along sequences (RONDO_OP_SEQUENCES in rondo/plugin.h).
 *
 * Threads: any. The only side effect is the error that a function reports through its context.
 */
#ifndef RONDO_OPS_SEQUENCES_H
#define RONDO_OPS_SEQUENCES_H

#include "rondo/plugin.h"

/* Elements begin up to, and without, begin + length of the first dimension of a tensor. */
struct ops_sequence {
    int64_t begin, length;
};

/* Sequence `s` of input `input`; the whole input if it is the same for all sequences. */
static inline struct ops_sequence ops_sequence_of(const rondo_op_call *call, int32_t input, int64_t s) {
    const rondo_rows *rows = call->rows[input];
    return rows == NULL ? (struct ops_sequence){0, call->inputs[input].shape[0]}
                        : (struct ops_sequence){rows->begin[s], rows->length[s]};
}

/* RONDO_INVALID unless every sequence of input `a` is as long as that of input `b`. The names are for the message. */
rondo_status ops_check_lengths(rondo_context *ctx, const rondo_op_call *call, int32_t a, const char *a_name, int32_t b,
                               const char *b_name);

/* 1 if no element belongs to two sequences of the input, as far as one pass can see: each sequence begins after the end of
 * the one before. Then threads can add to the gradients of several sequences. */
int ops_are_apart(const rondo_op_call *call, int32_t input);

/* The longest sequence of input `input`, and the number of pairs of an element of input 0 and one of input `input`, of all
 * sequences. */
struct ops_sequence_size {
    int64_t longest, pairs;
};
struct ops_sequence_size ops_sequence_size(const rondo_op_call *call, int32_t input);

/* The ranges of a parallel_for over `count` items, with scratch memory for each range. The number of ranges is limited, so
 * that the memory is; it depends only on the arguments. Item `i` belongs to range i / grain. */
struct ops_ranges {
    int64_t grain;
    size_t bytes; /* of one range */
    char *scratch;
};
/* `work`: simple operations of all items. RONDO_NO_MEMORY if host->alloc has none. */
rondo_status ops_divide(rondo_context *ctx, struct ops_ranges *ranges, int64_t count, double work, size_t bytes);
static inline void *ops_range_scratch(const struct ops_ranges *ranges, int64_t item) {
    return ranges->scratch + (size_t)(item / ranges->grain) * ranges->bytes;
}

#endif
