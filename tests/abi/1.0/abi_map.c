/* tests/abi/1.0/abi_map.c: an elementwise op as of ABI 1.0, with options that are stored in an int32_t.
 *
 *     y = scale a b, scale 1, 2 or 3 by the choice, negative with `negate`
 */
#include <stddef.h>

#include "element.h"

struct options {
    int32_t size, negate;
};

static const char *const sizes[] = {"single", "twofold", "threefold", NULL};
static const rondo_option option_table[] = {
    RONDO_OPTION_CHOICE(struct options, size, "single", sizes, "how many times the product"),
    RONDO_OPTION_BOOL(struct options, negate, "false", "the product with the other sign"),
    RONDO_OPTION_END,
};

static double scale(const struct options *options) {
    return (options->negate ? -1.0 : 1.0) * (double)(options->size + 1);
}

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    for (int64_t i = 0; i < count; i++) {
        set(dtype, out, i, scale(options) * get(dtype, in[0], i) * get(dtype, in[1], i));
    }
}

/* dy/da = scale b, dy/db = scale a */
static void map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                     const void *grad_out, void *const *grad_in) {
    (void)out;
    for (int64_t i = 0; i < count; i++) {
        const double g = scale(options) * get(dtype, grad_out, i);
        const double of_a = grad_in[0] == NULL ? 0 : g * get(dtype, in[1], i);
        const double of_b = grad_in[1] == NULL ? 0 : g * get(dtype, in[0], i);
        if (grad_in[0] != NULL) {
            set(dtype, grad_in[0], i, of_a);
        }
        if (grad_in[1] != NULL) {
            set(dtype, grad_in[1], i, of_b);
        }
    }
}

static const rondo_op op = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "abi_map",
             .summary = "y = scale a b",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .flags = RONDO_OP_CHEAP,
    .min_inputs = 2,
    .max_inputs = 2,
    .role = RONDO_ROLE_NONE,
    .operands = "a, b",
    .map = map,
    .map_grad = map_grad,
    .domain_low = -3,
    .domain_high = 3,
    .map_grad_reads = {RONDO_READS_INPUT(1), RONDO_READS_INPUT(0)},
};

RONDO_PLUGIN("abi_map", "1.0", "MIT", &op.base);
