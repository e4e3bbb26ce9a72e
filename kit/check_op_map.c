/* kit/check_op_map.c: what the host may do with an elementwise op: keep only the data that map_grad is declared to
 * read, and let the op write over data that is no longer needed. */
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

/* The gradient of input k must have the same bits if everything that it is not declared to read is not-a-number. */
static int reads_what_it_says(struct op_check *check, struct op_fixture *fixture, int32_t k) {
    const uint16_t reads = check->op->map_grad_reads[k];
    struct op_fixture other;
    int passed = op_fixture_open(check, fixture->settings, &other) && op_fixture_forward(&other);
    for (int32_t i = 0; i < fixture->call.n_inputs && passed; i++) {
        if ((reads & RONDO_READS_INPUT(i)) == 0) {
            fill_with_nan(&other.inputs[i]);
        }
    }
    if (passed && (reads & RONDO_READS_OUTPUT) == 0) {
        fill_with_nan(&other.call.output);
    }
    passed = passed && op_fixture_backward(fixture, 1u << k) && op_fixture_backward(&other, 1u << k) &&
             op_same_bits(check, "gradient of input", k, &fixture->gradients[k], &other.gradients[k],
                          "if all other data is not-a-number: map_grad reads more than map_grad_reads declares");
    op_fixture_close(&other);
    return passed;
}

static int map_reads(struct op_check *check, struct op_fixture *fixture) {
    int passed = op_fixture_forward(fixture);
    for (int32_t k = 0; k < fixture->call.n_inputs && passed; k++) {
        const uint16_t reads = check->op->map_grad_reads[k];
        if ((reads & RONDO_READS_NOTHING) != 0 && reads != RONDO_READS_NOTHING) {
            return op_refuse(check, "map_grad_reads[%d] declares both nothing and something", (int)k);
        }
        passed = reads == 0 || reads_what_it_says(check, fixture, k);
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
    return is_said ? op_each_run(&check, map_reads)
                   : trial_say(trial, VERDICT_SKIPPED, "map_grad_reads is not declared");
}

/* ---- writing over what was read ---- */

static void copy_data(const rondo_tensor *from, const rondo_tensor *to) {
    if (tensor_bytes(from) > 0) {
        memcpy(to->data, from->data, tensor_bytes(from));
    }
}

/* Copies all data of `run`, except gradients, to `other`; in[] gets the inputs of `other`. */
static void restore(const struct op_fixture *fixture, struct op_fixture *other, const void **in) {
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        copy_data(&fixture->inputs[k], &other->inputs[k]);
        in[k] = other->inputs[k].data;
    }
    copy_data(&fixture->call.output, &other->call.output);
    copy_data(&fixture->grad_output, &other->grad_output);
}

static int map_over_inputs(struct op_check *check, const struct op_fixture *fixture, struct op_fixture *other) {
    const void *in[RONDO_SAMPLE_INPUTS];
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        restore(fixture, other, in);
        check->op->map(other->call.options, fixture->settings.dtype, rondo_count(&fixture->call.output), in,
                       other->inputs[k].data);
        if (!op_same_bits(check, "output", -1, &fixture->call.output, &other->inputs[k],
                          "if map writes over one of its inputs")) {
            return 0;
        }
    }
    return 1;
}

static int map_grad_over(struct op_check *check, const struct op_fixture *fixture, struct op_fixture *other, int32_t k,
                         const rondo_tensor *target, const char *so) {
    const void *in[RONDO_SAMPLE_INPUTS];
    void *grad_in[RONDO_SAMPLE_INPUTS] = {NULL};
    restore(fixture, other, in);
    grad_in[k] = target->data;
    check->op->map_grad(other->call.options, fixture->settings.dtype, rondo_count(target), in, other->call.output.data,
                        other->grad_output.data, grad_in);
    return op_same_bits(check, "gradient of input", k, &fixture->gradients[k], target, so);
}

static int bears_aliases(struct op_check *check, struct op_fixture *fixture) {
    struct op_fixture other;
    const int has_gradient = op_fixture_gradients(fixture) != 0;
    if (rondo_count(&fixture->call.output) == 0) {
        return 1;
    }
    int passed = op_fixture_open(check, fixture->settings, &other) && op_fixture_forward(fixture);
    passed = passed && map_over_inputs(check, fixture, &other);
    for (int32_t k = 0; k < fixture->call.n_inputs && passed && has_gradient; k++) {
        passed = op_fixture_backward(fixture, 1u << k) &&
                 map_grad_over(check, fixture, &other, k, &other.grad_output, "if map_grad writes over grad_out") &&
                 map_grad_over(check, fixture, &other, k, &other.call.output, "if map_grad writes over out");
        for (int32_t i = 0; i < fixture->call.n_inputs && passed; i++) {
            passed = map_grad_over(check, fixture, &other, k, &other.inputs[i], "if map_grad writes over an input");
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
