/* tests/abi/1.2/abi_sequences.c: as of ABI 1.2, an op that looks along sequences. For the elements x_1, x_2, … of a
 * sequence, the sequence m that belongs to it, which may be empty, and a row w that is the same for all sequences, column by
 * column and with x_0 = 0:
 *
 *     y_i = w x_(i-1) + decay^(i-1) sum_j m_j
 */
#include <stddef.h>

#include "rondo/plugin.h"

struct options {
    double decay;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_REAL(struct options, decay, "0.5", 0, 1, "factor from one element to the next"),
    RONDO_OPTION_END,
};

static rondo_status infer(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0] /* (elements, width) */, *m = &call->inputs[1] /* (others, width) */;
    const rondo_tensor *w = &call->inputs[2] /* (width) */;
    if (call->rows != NULL) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "there are sequences before there are data");
    }
    if (x->dtype == RONDO_I32 || x->dtype != m->dtype || x->dtype != w->dtype || x->ndim != 2 || m->ndim != 2 ||
        w->ndim != 1 || x->shape[1] != m->shape[1] || x->shape[1] != w->shape[0]) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'x', 'm' and 'w' are not floats of the same width");
    }
    call->output = *x;
    call->output.data = NULL;
    return RONDO_OK;
}

/* sum_j m_j of sequence s. */
static double sum_of(const rondo_op_call *call, int64_t s, int64_t column) {
    const rondo_rows *rows = call->rows[1];
    const int64_t width = call->inputs[1].shape[1];
    double sum = 0;
    for (int64_t j = 0; j < rows->length[s]; j++) {
        sum += rondo_get(&call->inputs[1], (rows->begin[s] + j) * width + column);
    }
    return sum;
}

static rondo_status forward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *w = &call->inputs[2];
    const double decay = ((const struct options *)call->options)->decay;
    const rondo_rows *rows = call->rows[0];
    if (call->rows[2] != NULL || call->rows[1]->count != rows->count) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the sequences are not those of the inputs");
    }
    for (int64_t s = 0; s < rows->count; s++) {
        for (int64_t c = 0; c < x->shape[1]; c++) {
            double part = sum_of(call, s, c);
            for (int64_t i = 0; i < rows->length[s]; i++, part *= decay) {
                const int64_t at = (rows->begin[s] + i) * x->shape[1] + c;
                rondo_set(&call->output, at, (i > 0 ? rondo_get(w, c) * rondo_get(x, at - x->shape[1]) : 0) + part);
            }
        }
    }
    return RONDO_OK;
}

static void add(const rondo_tensor *tensor, int64_t i, double value) {
    if (tensor->data != NULL) {
        rondo_set(tensor, i, rondo_get(tensor, i) + value);
    }
}

/* dL/dx_i = w g_(i+1),  dL/dm_j = sum_i decay^(i-1) g_i,  dL/dw = sum_i g_i x_(i-1) */
static rondo_status backward(rondo_context *ctx, rondo_op_call *call) {
    const rondo_tensor *x = &call->inputs[0], *w = &call->inputs[2], *g = call->grad_output;
    const double decay = ((const struct options *)call->options)->decay;
    const rondo_rows *rows = call->rows[0], *others = call->rows[1];
    (void)ctx;
    for (int64_t s = 0; s < rows->count; s++) {
        for (int64_t c = 0; c < x->shape[1]; c++) {
            double weighted = 0, factor = 1;
            for (int64_t i = 0; i < rows->length[s]; i++, factor *= decay) {
                const int64_t at = (rows->begin[s] + i) * x->shape[1] + c;
                weighted += factor * rondo_get(g, at);
                if (i > 0) {
                    add(&call->grad_inputs[0], at - x->shape[1], rondo_get(w, c) * rondo_get(g, at));
                    add(&call->grad_inputs[2], c, rondo_get(g, at) * rondo_get(x, at - x->shape[1]));
                }
            }
            for (int64_t j = 0; j < others->length[s]; j++) {
                add(&call->grad_inputs[1], (others->begin[s] + j) * x->shape[1] + c, weighted);
            }
        }
    }
    return RONDO_OK;
}

/* Up to three sequences; those of m may be empty. */
static const struct {
    int32_t count;
    int64_t x[3], m[3], width;
} cases[] = {{3, {3, 1, 2}, {2, 0, 1}, 2}, {2, {2, 4}, {3, 3}, 3}, {1, {5}, {2}, 1}};

static int32_t sample(int32_t index, rondo_sample *sample) {
    if (index >= (int32_t)(sizeof cases / sizeof cases[0])) {
        return 0;
    }
    sample->n_inputs = 3;
    for (int32_t k = 0; k < 3; k++) {
        rondo_tensor *input = &sample->inputs[k];
        input->dtype = RONDO_F64;
        input->ndim = k < 2 ? 2 : 1;
        for (int32_t s = 0; s < cases[index].count && k < 2; s++) {
            input->shape[0] += k == 0 ? cases[index].x[s] : cases[index].m[s];
        }
        input->shape[input->ndim - 1] = cases[index].width;
        sample->low[k] = -2;
        sample->high[k] = 2;
    }
    return 1;
}

static int32_t sample_lengths(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]) {
    for (int32_t s = 0; s < cases[index].count && input < 2; s++) {
        lengths[s] = input == 0 ? cases[index].x[s] : cases[index].m[s];
    }
    return input < 2 ? cases[index].count : 0;
}

static const rondo_op abi_sequences = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "abi_sequences",
             .summary = "y_i = w x_(i-1) + decay^(i-1) sum_j m_j along each sequence",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .flags = RONDO_OP_SEQUENCES,
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "x, m, w",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .sample_lengths = sample_lengths,
};

RONDO_PLUGIN("abi_sequences", "1.0", "MIT", &abi_sequences.base);
