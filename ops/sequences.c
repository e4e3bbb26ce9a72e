#include "ops/sequences.h"

#include <inttypes.h>

#include "ops/axis.h"

rondo_status ops_check_lengths(rondo_context *ctx, const rondo_op_call *call, int32_t a, const char *a_name, int32_t b,
                               const char *b_name) {
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t a_length = ops_sequence_of(call, a, s).length, b_length = ops_sequence_of(call, b, s).length;
        if (a_length != b_length) {
            return ctx->host->fail(ctx, RONDO_INVALID,
                                   "sequence %" PRId64 " has %" PRId64 " %s and %" PRId64 " %s, expected as many", s,
                                   a_length, a_name, b_length, b_name);
        }
    }
    return RONDO_OK;
}

int ops_are_apart(const rondo_op_call *call, int32_t input) {
    int64_t end = 0;
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const struct ops_sequence sequence = ops_sequence_of(call, input, s);
        if (sequence.length > 0 && sequence.begin < end) {
            return 0;
        }
        end = sequence.length > 0 ? sequence.begin + sequence.length : end;
    }
    return 1;
}

struct ops_sequence_size ops_sequence_size(const rondo_op_call *call, int32_t input) {
    struct ops_sequence_size size = {0, 0};
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t length = ops_sequence_of(call, input, s).length;
        size.longest = length > size.longest ? length : size.longest;
        size.pairs += ops_sequence_of(call, 0, s).length * length;
    }
    return size;
}

rondo_status ops_divide(rondo_context *ctx, struct ops_ranges *ranges, int64_t count, double work, size_t bytes) {
    enum { MOST_RANGES = 64, ALIGNMENT = 64, MOST_BYTES = 1 << 26 }; /* bytes of all ranges, if one needs less */
    const int64_t items = count > 0 ? count : 1;
    ranges->bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const int64_t fit = MOST_BYTES / (int64_t)(ranges->bytes > 0 ? ranges->bytes : 1);
    const int64_t most = fit < 1 ? 1 : fit > MOST_RANGES ? MOST_RANGES : fit;
    const int64_t least = (items + most - 1) / most;
    const double each = work / (double)items;
    const int64_t worth = ops_grain(each < 1e9 ? (int64_t)each : (int64_t)1e9);
    ranges->grain = worth > least ? worth : least;
    ranges->scratch = ctx->host->alloc(ctx, ranges->bytes * (size_t)((items + ranges->grain - 1) / ranges->grain));
    return ranges->scratch == NULL ? RONDO_NO_MEMORY : RONDO_OK;
}
