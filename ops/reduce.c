/* Sum, mean, maximum and minimum over some of the dimensions.
 *
 * sum   y = sum_i x_i,        dL/dx_i = dL/dy
 * mean  y = sum_i x_i / n,    dL/dx_i = dL/dy / n
 * max   y = max_i x_i,        dL/dx_i = dL/dy where i is the first at which x_i = y, else 0;  min in the same way
 *
 * Sums are computed in f64 for every dtype: a mean over many steps would lose digits in f32. */
#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/sample.h"

struct reduce_options {
    rondo_ints axis;
    int32_t keep;
};

static const rondo_option reduce_option_table[] = {
    RONDO_OPTION_INTS(struct reduce_options, axis, "[]", -RONDO_MAX_DIMS, RONDO_MAX_DIMS - 1,
                      "the dimensions to reduce; negative: from the end; []: all"),
    RONDO_OPTION_BOOL(struct reduce_options, keep, "false", "keep reduced dimensions, with size 1"),
    RONDO_OPTION_END,
};

/* The dimensions of x, divided into those of the result and those that are reduced. Strides count elements of x. */
struct reduce_plan {
    int32_t n_kept, n_reduced;
    int64_t kept[RONDO_MAX_DIMS], kept_stride[RONDO_MAX_DIMS];
    int64_t reduced[RONDO_MAX_DIMS], reduced_stride[RONDO_MAX_DIMS];
    int64_t run, run_stride; /* the innermost reduced dimension, which is not in `reduced` */
    int64_t count;           /* elements of x per element of the result */
};

/* The reduced dimensions, one bit each. */
static rondo_status find_axes(rondo_context *ctx, const rondo_op_call *call, unsigned *axes) {
    const struct reduce_options *options = call->options;
    const rondo_tensor *x = &call->inputs[0];
    *axes = options->axis.count == 0 ? (1u << x->ndim) - 1 : 0;
    for (int32_t i = 0; i < options->axis.count; i++) {
        int32_t axis;
        const rondo_status status = ops_find_axis(ctx, x, options->axis.values[i], &axis);
        if (status != RONDO_OK) {
            return status;
        }
        if (*axes & 1u << axis) {
            return ctx->host->fail(ctx, RONDO_INVALID, "axis %d of %s is given twice", (int)axis,
                                   ops_shape_text(x).text);
        }
        *axes |= 1u << axis;
    }
    return RONDO_OK;
}

/* Adds a dimension outside the existing ones. If it continues where the previous one ends, both become one. */
static void add_outer(int64_t *sizes, int64_t *strides, int32_t *n, int64_t size, int64_t stride) {
    if (*n > 0 && strides[*n - 1] * sizes[*n - 1] == stride) {
        sizes[*n - 1] *= size;
    } else if (size != 1) {
        sizes[*n] = size;
        strides[*n] = stride;
        (*n)++;
    }
}

/* Dimensions are listed from the innermost outwards. */
static struct reduce_plan plan(const rondo_tensor *x, unsigned axes) {
    struct reduce_plan plan = {.run = 1, .run_stride = 1, .count = 1};
    int64_t stride = 1;
    for (int32_t d = x->ndim - 1; d >= 0; d--) {
        const int64_t size = x->shape[d];
        if (axes & 1u << d) {
            add_outer(plan.reduced, plan.reduced_stride, &plan.n_reduced, size, stride);
            plan.count *= size;
        } else {
            add_outer(plan.kept, plan.kept_stride, &plan.n_kept, size, stride);
        }
        stride *= size;
    }
    if (plan.n_reduced > 0) {
        plan.run = plan.reduced[0];
        plan.run_stride = plan.reduced_stride[0];
    }
    return plan;
}

/* The element of x at which run number `run` of result `result` starts. */
static int64_t run_start(const struct reduce_plan *plan, int64_t result, int64_t run) {
    int64_t start = 0;
    for (int32_t d = 0; d < plan->n_kept; d++) {
        start += result % plan->kept[d] * plan->kept_stride[d];
        result /= plan->kept[d];
    }
    for (int32_t d = 1; d < plan->n_reduced; d++) {
        start += run % plan->reduced[d] * plan->reduced_stride[d];
        run /= plan->reduced[d];
    }
    return start;
}

enum reducer { SUM, MEAN, LARGEST, SMALLEST };

/* run_sum: the sum of n elements, in four independent chains of additions, which the processor can overlap. run_spread:
 * adds `value` to n elements. run_extreme: the first place of the extreme of n elements and of `place`, an element of
 * x; not-a-number wins over every number. */
#define RUN_OF(T, suffix)                                                                                              \
    static double run_sum_##suffix(const void *data, int64_t start, int64_t n, int64_t stride) {                       \
        const T *x = (const T *)data + start;                                                                          \
        double sum[4] = {0};                                                                                           \
        int64_t i = 0;                                                                                                 \
        for (; i + 4 <= n; i += 4) {                                                                                   \
            for (int64_t j = 0; j < 4; j++) {                                                                          \
                sum[j] += (double)x[(i + j) * stride];                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            sum[0] += (double)x[i * stride];                                                                           \
        }                                                                                                              \
        return (sum[0] + sum[1]) + (sum[2] + sum[3]);                                                                  \
    }                                                                                                                  \
    KERNEL_CLONES static void run_spread_##suffix(void *data, int64_t start, int64_t n, int64_t stride,                \
                                                  double value) {                                                      \
        T *x = (T *)data + start;                                                                                      \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            x[i * stride] += (T)value;                                                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    static int64_t run_extreme_##suffix(const void *data, int64_t start, int64_t n, int64_t stride, int64_t place,     \
                                        enum reducer reducer) {                                                        \
        const T *x = data;                                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T best = x[place], here = x[start + i * stride];                                                     \
            if ((reducer == LARGEST ? here > best : here < best) || (here != here && best == best)) {                  \
                place = start + i * stride;                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        return place;                                                                                                  \
    }

RUN_OF(float, f32)
RUN_OF(double, f64)

/* The arguments of a range of results. */
struct reduce_job {
    const rondo_op_call *call;
    struct reduce_plan plan;
    int64_t runs; /* runs for each result */
    double scale; /* factor of a sum: 1, or 1 / n for a mean */
    enum reducer reducer;
};

static void sum_range(void *arg, int64_t begin, int64_t end) {
    const struct reduce_job *job = arg;
    const rondo_op_call *call = job->call;
    const int f32 = call->output.dtype == RONDO_F32;
    for (int64_t result = begin; result < end; result++) {
        double sum = 0;
        for (int64_t run = 0; run < job->runs; run++) {
            const int64_t start = run_start(&job->plan, result, run);
            sum += (f32 ? run_sum_f32 : run_sum_f64)(call->inputs[0].data, start, job->plan.run, job->plan.run_stride);
        }
        if (f32) {
            ((float *)call->output.data)[result] = (float)(sum * job->scale);
        } else {
            ((double *)call->output.data)[result] = sum * job->scale;
        }
    }
}

static void spread_range(void *arg, int64_t begin, int64_t end) {
    const struct reduce_job *job = arg;
    const rondo_op_call *call = job->call;
    const int f32 = call->output.dtype == RONDO_F32;
    for (int64_t result = begin; result < end; result++) {
        const double grad = f32 ? (double)((const float *)call->grad_output->data)[result]
                                : ((const double *)call->grad_output->data)[result];
        for (int64_t run = 0; run < job->runs; run++) {
            const int64_t start = run_start(&job->plan, result, run);
            (f32 ? run_spread_f32 : run_spread_f64)(call->grad_inputs[0].data, start, job->plan.run,
                                                    job->plan.run_stride, grad * job->scale);
        }
    }
}

/* Saves the position of the extreme of each result. */
static void extreme_range(void *arg, int64_t begin, int64_t end) {
    const struct reduce_job *job = arg;
    const rondo_op_call *call = job->call;
    const int f32 = call->output.dtype == RONDO_F32;
    int64_t *places = call->saved;
    for (int64_t result = begin; result < end; result++) {
        int64_t place = run_start(&job->plan, result, 0);
        for (int64_t run = 0; run < job->runs; run++) {
            const int64_t start = run_start(&job->plan, result, run);
            place = (f32 ? run_extreme_f32 : run_extreme_f64)(call->inputs[0].data, start, job->plan.run,
                                                              job->plan.run_stride, place, job->reducer);
        }
        places[result] = place;
        if (f32) {
            ((float *)call->output.data)[result] = ((const float *)call->inputs[0].data)[place];
        } else {
            ((double *)call->output.data)[result] = ((const double *)call->inputs[0].data)[place];
        }
    }
}

static rondo_status each_result(rondo_context *ctx, const rondo_op_call *call, enum reducer reducer,
                                void (*body)(void *arg, int64_t begin, int64_t end)) {
    unsigned axes;
    const rondo_status status = find_axes(ctx, call, &axes);
    if (status != RONDO_OK) {
        return status;
    }
    struct reduce_job job = {.call = call, .plan = plan(&call->inputs[0], axes), .scale = 1, .reducer = reducer};
    job.runs = job.plan.count == 0 ? 0 : job.plan.count / job.plan.run;
    if (reducer == MEAN) {
        job.scale = 1 / (double)job.plan.count;
    }
    ctx->host->parallel_for(ctx, rondo_count(&call->output), ops_grain(job.plan.count), body, &job);
    return RONDO_OK;
}

static rondo_status infer_sum(rondo_context *ctx, rondo_op_call *call) {
    unsigned axes;
    rondo_status status = ops_need_float(ctx, call, 0, "x");
    status = status == RONDO_OK ? find_axes(ctx, call, &axes) : status;
    if (status != RONDO_OK) {
        return status;
    }
    const struct reduce_options *options = call->options;
    const rondo_tensor *x = &call->inputs[0];
    call->output = (rondo_tensor){.dtype = x->dtype};
    for (int32_t d = 0; d < x->ndim; d++) {
        if (!(axes & 1u << d)) {
            call->output.shape[call->output.ndim++] = x->shape[d];
        } else if (options->keep) {
            call->output.shape[call->output.ndim++] = 1;
        }
    }
    return RONDO_OK;
}

/* No elements have the sum 0, but no mean, maximum or minimum. */
static rondo_status infer_of_some(rondo_context *ctx, rondo_op_call *call) {
    rondo_status status = infer_sum(ctx, call);
    unsigned axes;
    status = status == RONDO_OK ? find_axes(ctx, call, &axes) : status;
    if (status != RONDO_OK) {
        return status;
    }
    const rondo_tensor *x = &call->inputs[0];
    for (int32_t d = 0; d < x->ndim; d++) {
        if ((axes & 1u << d) && x->shape[d] == 0) {
            return ctx->host->fail(ctx, RONDO_INVALID, "axis %d of %s is empty, expected one element or more", (int)d,
                                   ops_shape_text(x).text);
        }
    }
    return RONDO_OK;
}

static rondo_status sum_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, SUM, sum_range);
}

static rondo_status sum_backward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, SUM, spread_range);
}

static rondo_status mean_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, MEAN, sum_range);
}

static rondo_status mean_backward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, MEAN, spread_range);
}

static rondo_status infer_extreme(rondo_context *ctx, rondo_op_call *call) {
    const rondo_status status = infer_of_some(ctx, call);
    call->saved_bytes = status == RONDO_OK ? sizeof(int64_t) * (size_t)rondo_count(&call->output) : 0;
    return status;
}

static rondo_status max_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, LARGEST, extreme_range);
}

static rondo_status min_forward(rondo_context *ctx, rondo_op_call *call) {
    return each_result(ctx, call, SMALLEST, extreme_range);
}

#define PLACE_OF(T, suffix)                                                                                            \
    static void add_at_places_##suffix(void *target, const int64_t *places, const void *source, int64_t count) {       \
        T *x = target;                                                                                                 \
        const T *grad = source;                                                                                        \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            x[places[i]] += grad[i];                                                                                   \
        }                                                                                                              \
    }

PLACE_OF(float, f32)
PLACE_OF(double, f64)

static rondo_status extreme_backward(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    KERNEL_BY_DTYPE(call->output.dtype, add_at_places, call->grad_inputs[0].data, call->saved, call->grad_output->data,
                    rondo_count(&call->output));
    return RONDO_OK;
}

/* Cases for all four ops, and one that only the sum accepts. */
static const struct ops_case reduce_cases[] = {
    {1, 0, NULL, {{0, {0}}}},
    {1, 0, NULL, {{1, {1}}}},
    {1, 0, NULL, {{2, {3, 4}}}},
    {1, 0, "keep=true", {{2, {3, 4}}}},
    {1, 0, "axis=0", {{2, {3, 4}}}},
    {1, 0, "axis=-1", {{2, {3, 9}}}},
    {1, 0, "axis=1 keep=true", {{3, {2, 3, 4}}}},
    {1, 0, "axis=[0, 2]", {{3, {2, 3, 4}}}},
    {1, 0, "axis=[-1, 0] keep=true", {{4, {2, 3, 1, 4}}}},
    {1, 0, "axis=[1, 3]", {{5, {2, 3, 2, 2, 2}}}},
    {1, 0, "axis=[0, 2, 4]", {{6, {2, 2, 2, 2, 2, 2}}}},
    {1, 0, "axis=[1, 2]", {{3, {3, 1, 1}}}},
    {1, 0, "axis=-1", {{2, {0, 4}}}},
    {1, 0, "axis=0", {{2, {0, 4}}}},
};
enum { REDUCE_CASES = sizeof reduce_cases / sizeof reduce_cases[0] };

static int32_t sum_sample(int32_t index, rondo_sample *sample) {
    return ops_sample(reduce_cases, REDUCE_CASES, index, sample);
}

static int32_t some_sample(int32_t index, rondo_sample *sample) {
    return ops_sample(reduce_cases, REDUCE_CASES - 1, index, sample);
}

#define REDUCE_OP(name_, summary_, infer_, forward_, backward_, sample_)                                               \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op),                                                                      \
                 .kind = RONDO_KIND_OP,                                                                                \
                 .name = name_,                                                                                        \
                 .summary = summary_,                                                                                  \
                 .options = reduce_option_table,                                                                       \
                 .options_size = sizeof(struct reduce_options)},                                                       \
        .min_inputs = 1, .max_inputs = 1, .operands = "x", .infer = infer_, .forward = forward_,                       \
        .backward = backward_, .sample = sample_                                                                       \
    }

const rondo_op op_sum = REDUCE_OP("sum", "y = sum of x over `axis`", infer_sum, sum_forward, sum_backward, sum_sample);
const rondo_op op_mean =
    REDUCE_OP("mean", "y = mean of x over `axis`", infer_of_some, mean_forward, mean_backward, some_sample);
const rondo_op op_max = REDUCE_OP("max", "y = largest of x over `axis`; the gradient goes to the first such element",
                                  infer_extreme, max_forward, extreme_backward, some_sample);
const rondo_op op_min = REDUCE_OP("min", "y = smallest of x over `axis`; the gradient goes to the first such element",
                                  infer_extreme, min_forward, extreme_backward, some_sample);
