#include "core/elementwise.h"

#include <string.h>

#include "core/kernel.h"

enum {
    MAX_INPUTS = RONDO_SAMPLE_INPUTS,
    CHUNK = 256,       /* elements per buffer of an expanded input or of a gradient: small enough for the L1 cache */
    GRAIN = 16 * 1024, /* elements per range: with fewer, threads cost more than they save */
};

/* How the inputs are aligned with the output. The output is `outer` runs of `inner` elements; along one run every input is
 * either contiguous or a single element that is repeated. */
struct layout {
    int32_t n_inputs;
    int32_t n_outer_dims;                       /* leading dimensions of the output that make up `outer` */
    int64_t inner, total;                       /* total = outer * inner */
    int repeated[MAX_INPUTS];                   /* along a run */
    int64_t outer_shape[RONDO_MAX_DIMS];        /* sizes of the outer dimensions */
    int64_t stride[MAX_INPUTS][RONDO_MAX_DIMS]; /* of each input along each outer dimension, in elements; 0: repeated */
};

/* Size of `input` along dimension d of `output`, shapes aligned at their ends. */
static int64_t input_size(const rondo_tensor *input, const rondo_tensor *output, int32_t d) {
    const int32_t own = d - (output->ndim - input->ndim);
    return own < 0 ? 1 : input->shape[own];
}

/* Finds the longest run: trailing dimensions are included as long as every input is contiguous, or repeated, in all of
 * them. */
static struct layout make_layout(const rondo_op_call *call) {
    const rondo_tensor *output = &call->output;
    struct layout layout = {.n_inputs = call->n_inputs, .inner = 1, .total = rondo_count(output)};
    enum { OPEN, CONTIGUOUS, REPEATED } state[MAX_INPUTS] = {OPEN};
    int32_t d = output->ndim;
    for (; d > 0; d--) {
        const int64_t n = output->shape[d - 1];
        int fits = 1;
        for (int32_t k = 0; k < call->n_inputs && n != 1; k++) {
            const int along = input_size(&call->inputs[k], output, d - 1) == n ? CONTIGUOUS : REPEATED;
            fits &= state[k] == OPEN || (int)state[k] == along;
        }
        if (!fits) {
            break;
        }
        for (int32_t k = 0; k < call->n_inputs && n != 1; k++) {
            state[k] = input_size(&call->inputs[k], output, d - 1) == n ? CONTIGUOUS : REPEATED;
        }
        layout.inner *= n;
    }
    layout.n_outer_dims = d;
    for (int32_t k = 0; k < call->n_inputs; k++) {
        layout.repeated[k] = state[k] == REPEATED;
        int64_t stride = layout.repeated[k] ? 1 : layout.inner;
        for (int32_t outer = d - 1; outer >= 0; outer--) {
            const int64_t n = input_size(&call->inputs[k], output, outer);
            layout.outer_shape[outer] = output->shape[outer];
            layout.stride[k][outer] = n == 1 ? 0 : stride;
            stride *= n;
        }
    }
    return layout;
}

/* Element of input k at which run `run` starts. */
static int64_t run_start(const struct layout *layout, int32_t k, int64_t run) {
    int64_t start = 0;
    for (int32_t d = layout->n_outer_dims - 1; d >= 0; d--) {
        start += run % layout->outer_shape[d] * layout->stride[k][d];
        run /= layout->outer_shape[d];
    }
    return start;
}

rondo_status elementwise_infer(const rondo_op *op, rondo_op_call *call, struct errors *errors) {
    RONDO_CHECK(call->n_inputs >= 1 && call->n_inputs <= MAX_INPUTS, errors, "1 <= n_inputs <= 8");
    rondo_tensor common = tensor_of(call->inputs[0].dtype, call->inputs[0].ndim, call->inputs[0].shape);
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const rondo_tensor *input = &call->inputs[k];
        if (input->dtype != call->inputs[0].dtype || input->dtype == RONDO_I32) {
            return errors_add(errors, RONDO_INVALID, "'%s' takes float tensors of one type, got %s and %s",
                              op->base.name, dtype_name(call->inputs[0].dtype), dtype_name(input->dtype));
        }
        if (!tensor_broadcast(&common, input, &common)) {
            return errors_add(errors, RONDO_INVALID, "'%s' cannot combine shapes %s and %s", op->base.name,
                              tensor_shape_text(&common).text, tensor_shape_text(input).text);
        }
    }
    call->output = common;
    return RONDO_OK;
}

/* A buffer for one chunk of either float type. */
union chunk {
    float f32[CHUNK];
    double f64[CHUNK];
};

KERNEL_CLONES static void fill(union chunk *chunk, int32_t dtype, const void *source, int64_t count) {
    if (dtype == RONDO_F32) {
        const float value = *(const float *)source;
        KERNEL_LOOP
        for (int64_t i = 0; i < count; i++) {
            chunk->f32[i] = value;
        }
    } else {
        const double value = *(const double *)source;
        KERNEL_LOOP
        for (int64_t i = 0; i < count; i++) {
            chunk->f64[i] = value;
        }
    }
}

KERNEL_CLONES static void add_run(void *target, const union chunk *chunk, int32_t dtype, int64_t count) {
    if (dtype == RONDO_F32) {
        float *sum = target;
        KERNEL_LOOP
        for (int64_t i = 0; i < count; i++) {
            sum[i] += chunk->f32[i];
        }
    } else {
        double *sum = target;
        KERNEL_LOOP
        for (int64_t i = 0; i < count; i++) {
            sum[i] += chunk->f64[i];
        }
    }
}

static void add_sum(void *target, const union chunk *chunk, int32_t dtype, int64_t count) {
    if (dtype == RONDO_F32) {
        float sum = 0;
        for (int64_t i = 0; i < count; i++) {
            sum += chunk->f32[i];
        }
        *(float *)target += sum;
    } else {
        double sum = 0;
        for (int64_t i = 0; i < count; i++) {
            sum += chunk->f64[i];
        }
        *(double *)target += sum;
    }
}

struct elementwise_pass {
    const rondo_op *op;
    const rondo_op_call *call;
    struct layout layout;
    int any_repeated;
};

/* Called for a piece of the output, elements position .. position + count - 1: start[k] is the first element of input k,
 * in[k] points to `count` contiguous elements of it. */
typedef void visit_function(const struct elementwise_pass *pass, int64_t position, int64_t count, const int64_t *start,
                            const void *const *in);

static void walk(const struct elementwise_pass *pass, int64_t begin, int64_t end, int chunked, visit_function *visit) {
    const struct layout *layout = &pass->layout;
    const int32_t dtype = pass->call->output.dtype;
    const size_t size = dtype_size(dtype);
    union chunk expanded[MAX_INPUTS];
    int64_t start[MAX_INPUTS];
    const void *in[MAX_INPUTS];
    for (int64_t position = begin; position < end;) {
        const int64_t run = position / layout->inner;
        const int64_t run_end = (run + 1) * layout->inner < end ? (run + 1) * layout->inner : end;
        const int64_t in_run = position - run * layout->inner;
        int64_t base[MAX_INPUTS];
        for (int32_t k = 0; k < layout->n_inputs; k++) {
            base[k] = run_start(layout, k, run);
            if (layout->repeated[k]) {
                const int64_t most = run_end - position < CHUNK ? run_end - position : CHUNK;
                fill(&expanded[k], dtype, (const char *)pass->call->inputs[k].data + (size_t)base[k] * size, most);
            }
        }
        for (int64_t at = in_run; position < run_end;) {
            int64_t count = run_end - position;
            if ((chunked || pass->any_repeated) && count > CHUNK) {
                count = CHUNK;
            }
            for (int32_t k = 0; k < layout->n_inputs; k++) {
                start[k] = base[k] + (layout->repeated[k] ? 0 : at);
                in[k] = layout->repeated[k] ? (const void *)&expanded[k]
                                            : (const char *)pass->call->inputs[k].data + (size_t)start[k] * size;
            }
            visit(pass, position, count, start, in);
            position += count;
            at += count;
        }
    }
}

static struct elementwise_pass make_pass(const rondo_op *op, const rondo_op_call *call) {
    struct elementwise_pass pass = {.op = op, .call = call, .layout = make_layout(call)};
    for (int32_t k = 0; k < call->n_inputs; k++) {
        pass.any_repeated |= pass.layout.repeated[k];
    }
    return pass;
}

static void visit_forward(const struct elementwise_pass *pass, int64_t position, int64_t count, const int64_t *start,
                          const void *const *in) {
    (void)start;
    const rondo_op_call *call = pass->call;
    char *out = (char *)call->output.data + (size_t)position * dtype_size(call->output.dtype);
    pass->op->map(call->options, call->output.dtype, count, in, out);
}

static void forward_range(void *arg, int64_t begin, int64_t end) {
    walk(arg, begin, end, 0, visit_forward);
}

void elementwise_forward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel) {
    struct elementwise_pass pass = make_pass(op, call);
    parallel_for(parallel, pass.layout.total, GRAIN, forward_range, &pass);
}

static void visit_backward(const struct elementwise_pass *pass, int64_t position, int64_t count, const int64_t *start,
                           const void *const *in) {
    const rondo_op_call *call = pass->call;
    const int32_t dtype = call->output.dtype;
    const size_t size = dtype_size(dtype);
    union chunk local[MAX_INPUTS]; /* grad_out * df/din of this piece */
    void *gradients[MAX_INPUTS];
    for (int32_t k = 0; k < call->n_inputs; k++) {
        gradients[k] = call->grad_inputs[k].data == NULL ? NULL : &local[k];
    }
    pass->op->map_grad(call->options, dtype, count, in, (const char *)call->output.data + (size_t)position * size,
                       (const char *)call->grad_output->data + (size_t)position * size, gradients);
    for (int32_t k = 0; k < call->n_inputs; k++) {
        if (gradients[k] == NULL) {
            continue;
        }
        char *target = (char *)call->grad_inputs[k].data + (size_t)start[k] * size;
        if (pass->layout.repeated[k]) {
            add_sum(target, &local[k], dtype, count);
        } else {
            add_run(target, &local[k], dtype, count);
        }
    }
}

static void backward_range(void *arg, int64_t begin, int64_t end) {
    walk(arg, begin, end, 1, visit_backward);
}

/* 1 if two gradients overlap at different offsets, because the inputs are views into one tensor: two ranges would then
 * write the same elements. The same tensor given twice does not count, because both gradients of an element are added in
 * the same range. */
static int gradients_overlap(const rondo_op_call *call) {
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const uintptr_t a = (uintptr_t)call->grad_inputs[k].data;
        for (int32_t other = 0; other < k && a != 0; other++) {
            const uintptr_t b = (uintptr_t)call->grad_inputs[other].data;
            if (b != 0 && a != b && a < b + tensor_bytes(&call->grad_inputs[other]) &&
                b < a + tensor_bytes(&call->grad_inputs[k])) {
                return 1;
            }
        }
    }
    return 0;
}

void elementwise_backward(const rondo_op *op, const rondo_op_call *call, const struct parallel *parallel) {
    struct elementwise_pass pass = make_pass(op, call);
    /* If an input is repeated, several elements of the output add to one element of its gradient. One thread adds them,
     * in a fixed order. */
    const int exclusive = !pass.any_repeated && pass.layout.n_outer_dims == 0 && !gradients_overlap(call);
    parallel_for(exclusive ? parallel : NULL, pass.layout.total, GRAIN, backward_range, &pass);
}
