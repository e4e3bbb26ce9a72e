/* kit/check_op_map.c: what the host may do with an elementwise op: keep only what map_grad says that it reads, and let
 * it write over what is no longer needed. */
#include <math.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/check_op.h"

static enum verdict need_map_grad(const struct op_check *check) {
    return check->op->map == NULL        ? trial_say(&check->trial, VERDICT_SKIPPED, "the op is not elementwise")
           : check->op->map_grad == NULL ? trial_say(&check->trial, VERDICT_SKIPPED, "the op has no gradient")
                                         : VERDICT_PASS;
}

/* ---- map_grad_reads ---- */

static void fill_with_nan(const rondo_tensor *tensor) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, NAN);
    }
}

/* The gradient of input k is the same bits where all that it is not said to read is not-a-number. */
static int reads_what_it_says(struct op_check *check, struct op_fixture *run, int32_t k) {
    const uint16_t reads = check->op->map_grad_reads[k];
    struct op_fixture other;
    int passed = op_fixture_open(check, run->settings, &other) && op_fixture_forward(&other);
    for (int32_t i = 0; i < run->call.n_inputs && passed; i++) {
        if ((reads & RONDO_READS_INPUT(i)) == 0) {
            fill_with_nan(&other.inputs[i]);
        }
    }
    if (passed && (reads & RONDO_READS_OUTPUT) == 0) {
        fill_with_nan(&other.call.output);
    }
    passed = passed && op_fixture_backward(run, 1u << k) && op_fixture_backward(&other, 1u << k) &&
             op_same_bits(check, "gradient of input", k, &run->gradients[k], &other.gradients[k],
                          "where all else is not-a-number: map_grad reads more than map_grad_reads says");
    op_fixture_close(&other);
    return passed;
}

static int map_reads(struct op_check *check, struct op_fixture *run) {
    int passed = op_fixture_forward(run);
    for (int32_t k = 0; k < run->call.n_inputs && passed; k++) {
        const uint16_t reads = check->op->map_grad_reads[k];
        if ((reads & RONDO_READS_NOTHING) != 0 && reads != RONDO_READS_NOTHING) {
            return op_refuse(check, "map_grad_reads[%d] says both nothing and something", (int)k);
        }
        passed = reads == 0 || reads_what_it_says(check, run, k);
    }
    return passed;
}

enum verdict op_check_map_reads(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    const enum verdict verdict = need_map_grad(&check);
    if (verdict != VERDICT_PASS) {
        return verdict;
    }
    int is_said = 0;
    for (int32_t k = 0; k < RONDO_SAMPLE_INPUTS; k++) {
        is_said |= check.op->map_grad_reads[k] != 0;
    }
    return is_said ? op_each_run(&check, map_reads) : trial_say(trial, VERDICT_SKIPPED, "map_grad_reads is not said");
}

/* ---- writing over what was read ---- */

static void copy_data(const rondo_tensor *from, const rondo_tensor *to) {
    if (tensor_bytes(from) > 0) {
        memcpy(to->data, from->data, tensor_bytes(from));
    }
}

/* `other` as `run` is, but for gradients; in[] gets its inputs. */
static void restore(const struct op_fixture *run, struct op_fixture *other, const void **in) {
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        copy_data(&run->inputs[k], &other->inputs[k]);
        in[k] = other->inputs[k].data;
    }
    copy_data(&run->call.output, &other->call.output);
    copy_data(&run->grad_output, &other->grad_output);
}

static int map_over_inputs(struct op_check *check, const struct op_fixture *run, struct op_fixture *other) {
    const void *in[RONDO_SAMPLE_INPUTS];
    for (int32_t k = 0; k < run->call.n_inputs; k++) {
        restore(run, other, in);
        check->op->map(other->call.options, run->settings.dtype, rondo_count(&run->call.output), in,
                       other->inputs[k].data);
        if (!op_same_bits(check, "output", -1, &run->call.output, &other->inputs[k],
                          "where map writes over one of its inputs")) {
            return 0;
        }
    }
    return 1;
}

static int map_grad_over(struct op_check *check, const struct op_fixture *run, struct op_fixture *other, int32_t k,
                         const rondo_tensor *target, const char *so) {
    const void *in[RONDO_SAMPLE_INPUTS];
    void *grad_in[RONDO_SAMPLE_INPUTS] = {NULL};
    restore(run, other, in);
    grad_in[k] = target->data;
    check->op->map_grad(other->call.options, run->settings.dtype, rondo_count(target), in, other->call.output.data,
                        other->grad_output.data, grad_in);
    return op_same_bits(check, "gradient of input", k, &run->gradients[k], target, so);
}

static int bears_aliases(struct op_check *check, struct op_fixture *run) {
    struct op_fixture other;
    const int has_gradient = op_fixture_gradients(run) != 0;
    if (rondo_count(&run->call.output) == 0) {
        return 1;
    }
    int passed = op_fixture_open(check, run->settings, &other) && op_fixture_forward(run);
    passed = passed && map_over_inputs(check, run, &other);
    for (int32_t k = 0; k < run->call.n_inputs && passed && has_gradient; k++) {
        passed = op_fixture_backward(run, 1u << k) &&
                 map_grad_over(check, run, &other, k, &other.grad_output, "where map_grad writes over grad_out") &&
                 map_grad_over(check, run, &other, k, &other.call.output, "where map_grad writes over out");
        for (int32_t i = 0; i < run->call.n_inputs && passed; i++) {
            passed = map_grad_over(check, run, &other, k, &other.inputs[i], "where map_grad writes over an input");
        }
    }
    op_fixture_close(&other);
    return passed;
}

enum verdict op_check_aliasing(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    return check.op->map == NULL ? trial_say(trial, VERDICT_SKIPPED, "the op is not elementwise")
                                 : op_each_run(&check, bears_aliases);
}
