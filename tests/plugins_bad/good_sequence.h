/* tests/plugins_bad/good_sequence.h: an op with nothing wrong that looks along sequences, so that each bad plug-in is bad in
 * only one way. For the elements x_1, x_2, … of a sequence, with x_0 = 0, and the sequence m of the other input:
 *
 *     y_i = x_(i-1) + x_i * sum_j m_j
 */
#ifndef RONDO_TESTS_GOOD_SEQUENCE_H
#define RONDO_TESTS_GOOD_SEQUENCE_H

#include "rondo/plugin.h"

static inline rondo_status sequence_infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0] /* (elements, width) */, *m = &call->inputs[1] /* (others, width) */;
    if (x->dtype == RONDO_I32 || x->dtype != m->dtype || x->ndim != 2 || m->ndim != 2 || x->shape[1] != m->shape[1]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "x and m are not two matrices of floats of the same width");
    }
    call->output = *x;
    call->output.data = NULL;
    return RONDO_OK;
}

static inline void sequence_add(const rondo_tensor *tensor, int64_t element, int64_t column, double value) {
    const int64_t i = element * tensor->shape[1] + column;
    rondo_set(tensor, i, rondo_get(tensor, i) + value);
}

static inline double sequence_at(const rondo_tensor *tensor, int64_t element, int64_t column) {
    return rondo_get(tensor, element * tensor->shape[1] + column);
}

/* sum_j m_j of sequence s. */
static inline double sequence_sum(const rondo_op_call *call, int64_t s, int64_t column) {
    const rondo_rows *rows = call->rows[1];
    double sum = 0;
    for (int64_t j = 0; j < rows->length[s]; j++) {
        sum += sequence_at(&call->inputs[1], rows->begin[s] + j, column);
    }
    return sum;
}

static inline rondo_status sequence_forward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const rondo_tensor *x = &call->inputs[0];
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t begin = call->rows[0]->begin[s], end = begin + call->rows[0]->length[s];
        for (int64_t c = 0; c < x->shape[1]; c++) {
            const double sum = sequence_sum(call, s, c);
            for (int64_t i = begin; i < end; i++) {
                const double before = i > begin ? sequence_at(x, i - 1, c) : 0;
                rondo_set(&call->output, i * x->shape[1] + c, before + sequence_at(x, i, c) * sum);
            }
        }
    }
    return RONDO_OK;
}

/* dL/dx_i = g_(i+1) + g_i * sum_j m_j,  dL/dm_j = sum_i g_i x_i */
static inline rondo_status sequence_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const rondo_tensor *x = &call->inputs[0], *g = call->grad_output;
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        const int64_t begin = call->rows[0]->begin[s], end = begin + call->rows[0]->length[s];
        for (int64_t c = 0; c < x->shape[1]; c++) {
            const double sum = sequence_sum(call, s, c);
            double products = 0;
            for (int64_t i = begin; i < end; i++) {
                const double after = i + 1 < end ? sequence_at(g, i + 1, c) : 0;
                products += sequence_at(g, i, c) * sequence_at(x, i, c);
                if (call->grad_inputs[0].data != NULL) {
                    sequence_add(&call->grad_inputs[0], i, c, after + sequence_at(g, i, c) * sum);
                }
            }
            for (int64_t j = 0; j < call->rows[1]->length[s] && call->grad_inputs[1].data != NULL; j++) {
                sequence_add(&call->grad_inputs[1], call->rows[1]->begin[s] + j, c, products);
            }
        }
    }
    return RONDO_OK;
}

/* The lengths of the sequences of x and m, and their width. */
static const struct sequence_case {
    int64_t x[3], m[3], width;
} sequence_cases[] = {{{3, 1, 2}, {2, 2, 1}, 2}, {{2, 4, 1}, {0, 3, 3}, 3}, {{1, 1, 1}, {1, 4, 2}, 1}};

static inline int32_t sequence_sample(int32_t index, rondo_sample *sample) {
    if (index >= 3) {
        return 0;
    }
    const struct sequence_case *row = &sequence_cases[index];
    sample->n_inputs = 2;
    for (int32_t k = 0; k < 2; k++) {
        const int64_t *lengths = k == 0 ? row->x : row->m;
        sample->inputs[k].dtype = RONDO_F64;
        sample->inputs[k].ndim = 2;
        sample->inputs[k].shape[0] = lengths[0] + lengths[1] + lengths[2];
        sample->inputs[k].shape[1] = row->width;
        sample->low[k] = -2;
        sample->high[k] = 2;
    }
    return 1;
}

static inline int32_t sequence_lengths(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]) {
    for (int32_t s = 0; s < 3; s++) {
        lengths[s] = input == 0 ? sequence_cases[index].x[s] : sequence_cases[index].m[s];
    }
    return 3;
}

/* The initialiser of an op called `op_name`. */
#define GOOD_SEQUENCE(op_name, infer_, forward_, backward_, lengths_)                                                  \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op),                                                                      \
                 .kind = RONDO_KIND_OP,                                                                                \
                 .name = op_name,                                                                                      \
                 .summary = "y_i = x_(i-1) + x_i * sum_j m_j"},                                                        \
        .flags = RONDO_OP_SEQUENCES, .min_inputs = 2, .max_inputs = 2, .operands = "x, m", .infer = infer_,            \
        .forward = forward_, .backward = backward_, .sample = sequence_sample, .sample_lengths = lengths_              \
    }

#endif
