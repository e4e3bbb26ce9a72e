/* kit/op_case.c: the cases of an op: its own samples, or those that any elementwise op gets; numbers drawn for them. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "kit/op_check.h"

/* ", with beta=10" for each value that is set over the options of the case. */
static size_t write_values(const struct op_check *check, size_t used) {
    for (int i = 0; i < 2 && check->values[i] != NULL && used < check->size; i++) {
        const int wrote = snprintf(check->reason + used, check->size - used, "%s%s", i == 0 ? ", with " : " ",
                                   check->values[i]->text);
        used += wrote < 0 ? 0 : (size_t)wrote;
    }
    return used;
}

int op_refuse(struct op_check *check, const char *format, ...) {
    size_t used = 0;
    if (check->index >= 0 && check->size > 0) {
        const char *options = check->sample.options, *where = check->where;
        const int wrote =
            snprintf(check->reason, check->size, "case %d%s%s%s", (int)check->index, options == NULL ? "" : " (",
                     options == NULL ? "" : options, options == NULL ? "" : ")");
        used = write_values(check, wrote < 0 ? 0 : (size_t)wrote);
        if (used < check->size) {
            const int more = snprintf(check->reason + used, check->size - used, "%s%s: ", where == NULL ? "" : ", ",
                                      where == NULL ? "" : where);
            used += more < 0 ? 0 : (size_t)more;
        }
    }
    if (used < check->size) {
        va_list arguments;
        va_start(arguments, format);
        number_vprint(check->reason + used, check->size - used, format, arguments);
        va_end(arguments);
    }
    return 0;
}

/* Cases of an elementwise op: input k takes shape k, and past the third the first again. */
static int32_t elementwise_sample(const rondo_op *op, int32_t index, rondo_sample *sample) {
    static const struct {
        int32_t ndim;
        int64_t shape[4];
    } shapes[][3] = {
        {{0, {0}}, {0, {0}}, {0, {0}}},                   /* scalars */
        {{1, {1}}, {1, {1}}, {1, {1}}},                   /* size 1 */
        {{1, {0}}, {1, {0}}, {1, {0}}},                   /* size 0 */
        {{2, {3, 4}}, {2, {3, 4}}, {2, {3, 4}}},          /* equal shapes */
        {{2, {3, 4}}, {1, {4}}, {0, {0}}},                /* a row and a scalar against a matrix */
        {{0, {0}}, {2, {3, 4}}, {1, {4}}},                /* the first is stretched as well */
        {{2, {3, 1}}, {2, {1, 4}}, {1, {1}}},             /* each along another dimension */
        {{3, {2, 1, 4}}, {2, {3, 1}}, {3, {2, 3, 4}}},    /* in the middle */
        {{3, {2, 0, 3}}, {2, {1, 3}}, {1, {1}}},          /* stretched to nothing */
        {{4, {2, 1, 3, 2}}, {3, {4, 1, 2}}, {2, {3, 1}}}, /* all at once */
        {{2, {7, 50}}, {2, {7, 50}}, {1, {50}}},          /* more than a vector register, and an odd rest */
    };
    if (index >= (int32_t)(sizeof shapes / sizeof shapes[0])) {
        return 0;
    }
    sample->n_inputs = op->max_inputs < 0 ? op->min_inputs : op->max_inputs;
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        sample->inputs[k].dtype = RONDO_F64;
        sample->inputs[k].ndim = shapes[index][k % 3].ndim;
        memcpy(sample->inputs[k].shape, shapes[index][k % 3].shape, sizeof shapes[index][k % 3].shape);
        const int is_default = op->domain_low == 0 && op->domain_high == 0;
        sample->low[k] = is_default ? -2 : op->domain_low;
        sample->high[k] = is_default ? 2 : op->domain_high;
    }
    return 1;
}

int32_t op_next_sample(const rondo_op *op, int32_t index, rondo_sample *sample) {
    *sample = (rondo_sample){0};
    if (op->sample != NULL) {
        return op->sample(index, sample);
    }
    return op->map == NULL ? 0 : elementwise_sample(op, index, sample);
}

struct op_check op_check_begin(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return (struct op_check){
        .kit = kit, .op = (const rondo_op *)(const void *)descriptor, .reason = reason, .size = size, .index = -1};
}

static int prepare(struct op_check *check) {
    const rondo_descriptor *base = &check->op->base;
    const rondo_sample *sample = &check->sample;
    if (sample->n_inputs < 0 || sample->n_inputs > RONDO_SAMPLE_INPUTS) {
        return op_refuse(check, "it has %d inputs, expected 0 to %d", (int)sample->n_inputs, RONDO_SAMPLE_INPUTS);
    }
    for (int32_t k = 0; k < sample->n_inputs; k++) {
        if (sample->inputs[k].ndim < 0 || sample->inputs[k].ndim > RONDO_MAX_DIMS) {
            return op_refuse(check, "input %d has %d dimensions, expected 0 to %d", (int)k, (int)sample->inputs[k].ndim,
                             RONDO_MAX_DIMS);
        }
    }
    if (base->options == NULL) {
        return 1;
    }
    void *options = kit_options(check->kit, base, sample->options);
    for (int i = 0; i < 2 && options != NULL && check->values[i] != NULL; i++) {
        if (option_set(check->values[i]->option, options, option_end_value(check->values[i]), check->kit->arena,
                       (struct location){0}, check->kit->errors) != RONDO_OK) {
            options = NULL;
        }
    }
    check->options = options;
    return options != NULL ||
           op_refuse(check, "%s", check->kit->errors->count > 0 ? errors_text(check->kit->errors, 0) : "out of memory");
}

int op_takes(const struct op_check *check, const struct option_end *value) {
    const rondo_descriptor *base = &check->op->base;
    struct arena *arena = check->kit->arena;
    struct errors ignored = {0};
    void *options = options_create(base->options, (size_t)base->options_size, arena, &ignored);
    const int takes = options != NULL && option_set(value->option, options, option_end_value(value), arena,
                                                    (struct location){0}, &ignored) == RONDO_OK;
    errors_free(&ignored);
    return takes;
}

enum verdict op_each_case(struct op_check *check, op_case_visit *visit) {
    for (check->index = 0; check->index < DIRECT_CASES; check->index++) {
        if (!op_next_sample(check->op, check->index, &check->sample)) {
            break;
        }
        if (!prepare(check) || !visit(check)) {
            return VERDICT_FAIL;
        }
    }
    if (check->index == 0) {
        return kit_say(check->reason, check->size, VERDICT_SKIPPED, "the op has no samples");
    }
    check->index = -1;
    return VERDICT_PASS;
}

static int visit_runs(struct op_check *check) {
    static const struct {
        int32_t dtype, training;
        const char *where;
    } ways[] = {{RONDO_F64, 1, "f64, training"},
                {RONDO_F64, 0, "f64, evaluation"},
                {RONDO_F32, 1, "f32, training"},
                {RONDO_F32, 0, "f32, evaluation"}};
    int passed = 1;
    for (size_t i = 0; passed && i < sizeof ways / sizeof ways[0]; i++) {
        struct op_run run;
        check->where = ways[i].where;
        passed = op_run_open(check, (struct op_settings){.dtype = ways[i].dtype, .training = ways[i].training}, &run) &&
                 (run.call.is_view || check->visit(check, &run));
        op_run_close(&run);
    }
    check->where = NULL;
    return passed;
}

enum verdict op_each_run(struct op_check *check, op_run_visit *visit) {
    check->visit = visit;
    return op_each_case(check, visit_runs);
}

void op_draw(const struct op_check *check, const rondo_tensor *tensor, double low, double high, const char *what,
             uint64_t variant) {
    struct rng_stream stream = rng_stream(check->kit->seed, what);
    stream = rng_substream(rng_substream(stream, (uint64_t)check->index + 1), variant);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double value = low + (high - low) * rng_uniform(stream, (uint64_t)i);
        tensor_set(tensor, i, tensor->dtype == RONDO_I32 ? floor(value) : value);
    }
}

double op_error(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}
