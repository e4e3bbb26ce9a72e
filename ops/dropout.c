/* dropout: Srivastava et al. 2014, in the inverted form: kept elements are scaled in training, so that evaluation need
 * not change anything.
 *
 * y_i = x_i m_i / (1 - rate),   dL/dx_i = dL/dy_i m_i / (1 - rate),   m_i = 0 with probability `rate`, else 1
 *
 * Outside training, and with rate 0, y is x itself. The mask is saved, one byte per element. */
#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct dropout_options {
    double rate;
};

static const rondo_option dropout_option_table[] = {
    RONDO_OPTION_REAL(struct dropout_options, rate, "0.5", 0, 0.999, "probability that an element becomes 0"),
    RONDO_OPTION_END,
};

static rondo_status dropout_infer(rondo_context *ctx, rondo_op_call *call) {
    const struct dropout_options *options = call->options;
    call->output = call->inputs[0];
    call->output.data = NULL;
    call->is_view = !call->training || options->rate == 0;
    call->saved_bytes = call->is_view ? 0 : (size_t)rondo_count(&call->output);
    return ops_need_float(ctx, call, 0, "x");
}

struct dropout_job {
    rondo_context *ctx;
    const rondo_op_call *call;
    const void *from; /* x, or dL/dy */
    void *into;       /* y, or dL/dx */
    double rate;
};

/* Element i is dropped if random word number i is less than rate * 2^32. */
static void draw_range(void *arg, int64_t begin, int64_t end) {
    enum { WORDS = 512 };
    const struct dropout_job *job = arg;
    const uint64_t limit = (uint64_t)(job->rate * 4294967296.0);
    unsigned char *mask = job->call->saved;
    uint32_t words[WORDS];
    for (int64_t i = begin; i < end; i += WORDS) {
        const int64_t count = end - i < WORDS ? end - i : WORDS;
        job->ctx->host->random(job->ctx, (uint64_t)i, count, words);
        for (int64_t j = 0; j < count; j++) {
            mask[i + j] = words[j] >= limit;
        }
    }
}

#define DROPOUT_OF(T, suffix)                                                                                          \
    KERNEL_CLONES static void dropout_##suffix(const struct dropout_job *job, int64_t begin, int64_t end) {            \
        const T *x = job->from;                                                                                        \
        T *y = job->into;                                                                                              \
        const unsigned char *mask = job->call->saved;                                                                  \
        const T scale = (T)(1 / (1 - job->rate));                                                                      \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T scaled = x[i] * scale;                                                                             \
            y[i] = mask[i] ? scaled : 0;                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void dropout_grad_##suffix(const struct dropout_job *job, int64_t begin, int64_t end) {       \
        const T *g = job->from;                                                                                        \
        T *gx = job->into;                                                                                             \
        const unsigned char *mask = job->call->saved;                                                                  \
        const T scale = (T)(1 / (1 - job->rate));                                                                      \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T scaled = g[i] * scale;                                                                             \
            gx[i] += mask[i] ? scaled : 0;                                                                             \
        }                                                                                                              \
    }

DROPOUT_OF(float, f32)
DROPOUT_OF(double, f64)

static void forward_range(void *arg, int64_t begin, int64_t end) {
    const struct dropout_job *job = arg;
    draw_range(arg, begin, end);
    KERNEL_BY_DTYPE(job->call->output.dtype, dropout, job, begin, end);
}

static void backward_range(void *arg, int64_t begin, int64_t end) {
    const struct dropout_job *job = arg;
    KERNEL_BY_DTYPE(job->call->output.dtype, dropout_grad, job, begin, end);
}

static rondo_status dropout_forward(rondo_context *ctx, rondo_op_call *call) {
    const struct dropout_options *options = call->options;
    struct dropout_job job = {ctx, call, call->inputs[0].data, call->output.data, options->rate};
    ctx->host->parallel_for(ctx, rondo_count(&call->output), ops_grain(4), forward_range, &job);
    return RONDO_OK;
}

static rondo_status dropout_backward(rondo_context *ctx, rondo_op_call *call) {
    const struct dropout_options *options = call->options;
    struct dropout_job job = {ctx, call, call->grad_output->data, call->grad_inputs[0].data, options->rate};
    ctx->host->parallel_for(ctx, rondo_count(&call->output), ops_grain(1), backward_range, &job);
    return RONDO_OK;
}

static int32_t dropout_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {1, 0, NULL, {{2, {5, 6}}}},    {1, 0, "rate=0.9", {{1, {20}}}}, {1, 0, "rate=0", {{2, {3, 4}}}},
        {1, 0, "rate=0.2", {{0, {0}}}}, {1, 0, NULL, {{2, {0, 4}}}},
    };
    return ops_sample(cases, sizeof cases / sizeof cases[0], index, sample);
}

const rondo_op op_dropout = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "dropout",
             .summary = "y = x with elements set to 0 at random, the others / (1 - rate) (Srivastava et al. 2014)",
             .options = dropout_option_table,
             .options_size = sizeof(struct dropout_options)},
    .flags = RONDO_OP_RANDOM | RONDO_OP_RANDOM_ELEMENTS,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .infer = dropout_infer,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .sample = dropout_sample,
};
