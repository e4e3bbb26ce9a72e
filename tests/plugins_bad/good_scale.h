/* tests/plugins_bad/good_scale.h: an elementwise op with an option and nothing wrong, y = scale x^2, so that each bad
 * op is bad in only one way. */
#ifndef RONDO_TESTS_GOOD_SCALE_H
#define RONDO_TESTS_GOOD_SCALE_H

#include "good_op.h"

struct scale {
    double scale;
};

static const rondo_option scale_options[] = {
    RONDO_OPTION_REAL(struct scale, scale, "1", 0, 100, "factor on the square"),
    RONDO_OPTION_END,
};

static inline double scale_of(const void *options) {
    return ((const struct scale *)options)->scale;
}

/* out = factor x^2 */
static inline void write_squares(double factor, int32_t dtype, int64_t count, const void *const *in, void *out) {
    for (int64_t i = 0; i < count; i++) {
        const double x = get(in[0], dtype, i);
        put(out, dtype, i, factor * x * x);
    }
}

/* dL/dx = 2 factor x dL/dy */
static inline void write_gradient(double factor, int32_t dtype, int64_t count, const void *const *in,
                                  const void *grad_out, void *const *grad_in) {
    for (int64_t i = 0; i < count && grad_in[0] != NULL; i++) {
        put(grad_in[0], dtype, i, factor * 2 * get(in[0], dtype, i) * get(grad_out, dtype, i));
    }
}

static inline void scale_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    write_squares(scale_of(options), dtype, count, in, out);
}

static inline void scale_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in,
                                  const void *out, const void *grad_out, void *const *grad_in) {
    (void)out;
    write_gradient(scale_of(options), dtype, count, in, grad_out, grad_in);
}

/* The initialiser of an op called `op_name`. */
#define GOOD_SCALE(op_name, map_, map_grad_)                                                                           \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op),                                                                      \
                 .kind = RONDO_KIND_OP,                                                                                \
                 .name = op_name,                                                                                      \
                 .summary = "y = scale x^2",                                                                           \
                 .options = scale_options,                                                                             \
                 .options_size = sizeof(struct scale)},                                                                \
        .min_inputs = 1, .max_inputs = 1, .operands = "x", .map = map_, .map_grad = map_grad_                          \
    }

#endif
