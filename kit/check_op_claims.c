/* kit/check_op_claims.c: what an op declares, and the host relies on: RONDO_OP_SAVES_ROWS, and the role of the op. */
#include "core/infer.h"
#include "core/tensor.h"
#include "kit/check_op.h"

/* ---- RONDO_OP_SAVES_ROWS ---- */

/* A range of rows of a case. */
struct row_part {
    struct op_fixture *whole;
    int64_t begin, end;
    uint32_t by_rows; /* bit k: input k has one row for each row of the output */
    size_t row_bytes; /* bytes that are saved for one row */
};

static rondo_tensor rows_of(const rondo_tensor *tensor, int64_t begin, int64_t end) {
    rondo_tensor rows = *tensor;
    const size_t row = tensor->shape[0] > 0 ? tensor_bytes(tensor) / (size_t)tensor->shape[0] : 0;
    rows.shape[0] = end - begin;
    rows.data = tensor->data == NULL ? NULL : (char *)tensor->data + (size_t)begin * row;
    return rows;
}

/* Fills *call and inputs for a part and infers its output; 0 if the op refuses it. */
static int infer_part(const struct row_part *part, rondo_op_call *call, rondo_tensor *inputs) {
    struct op_fixture *fixture = part->whole;
    struct errors ignored = {0};
    struct host_call host =
        kit_host_call(fixture->subject.kit, fixture->subject.arena, &ignored, NULL, fixture->check->op->base.name);
    *call = (rondo_op_call){.struct_size = sizeof *call,
                            .n_inputs = fixture->call.n_inputs,
                            .options = fixture->call.options,
                            .inputs = inputs,
                            .training = fixture->settings.training};
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        inputs[k] =
            (part->by_rows >> k & 1) != 0 ? rows_of(&fixture->inputs[k], part->begin, part->end) : fixture->inputs[k];
    }
    const rondo_status status = infer_output(fixture->check->op, call, &host);
    errors_free(&ignored);
    return status == RONDO_OK && call->output.ndim > 0 && call->output.shape[0] == part->end - part->begin;
}

/* The inputs that are divided by rows: only the first, or all that have as many rows as the first. */
static int find_rows(struct row_part *part) {
    const struct op_fixture *fixture = part->whole;
    const int64_t rows = fixture->inputs[0].shape[0];
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS];
    rondo_op_call call;
    part->begin = 0;
    part->end = 1;
    part->by_rows = 1;
    if (!infer_part(part, &call, inputs)) {
        for (int32_t k = 1; k < fixture->call.n_inputs; k++) {
            part->by_rows |= fixture->inputs[k].ndim > 0 && fixture->inputs[k].shape[0] == rows ? 1u << k : 0;
        }
        if (!infer_part(part, &call, inputs)) {
            return op_refuse(fixture->check, "infer refuses one row of a case of %lld, or its output has more",
                             (long long)rows);
        }
    }
    part->row_bytes = call.saved_bytes;
    if (call.saved_bytes * (size_t)rows != fixture->call.saved_bytes) {
        return op_refuse(fixture->check,
                         "it saves %zu bytes for %lld rows and %zu bytes for one: rows are not stored one after the "
                         "other",
                         fixture->call.saved_bytes, (long long)rows, call.saved_bytes);
    }
    return 1;
}

/* Calls backward for a part of the rows, with the bytes that forward saved for all rows, and writes to `gradients`. */
static int backward_part(const struct row_part *part, const rondo_tensor *gradients) {
    struct op_fixture *fixture = part->whole;
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS], asked[RONDO_SAMPLE_INPUTS];
    rondo_op_call call;
    if (!infer_part(part, &call, inputs)) {
        return op_refuse(fixture->check, "infer refuses rows %lld to %lld", (long long)part->begin,
                         (long long)part->end);
    }
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        asked[k] = (part->by_rows >> k & 1) != 0 ? rows_of(&gradients[k], part->begin, part->end) : gradients[k];
    }
    const rondo_tensor grad_output = rows_of(&fixture->grad_output, part->begin, part->end);
    call.saved =
        fixture->call.saved == NULL ? NULL : (char *)fixture->call.saved + (size_t)part->begin * part->row_bytes;
    call.scratch = call.scratch_bytes == 0 ? NULL : guard_alloc(fixture->subject.guard, "scratch", call.scratch_bytes);
    call.grad_output = &grad_output;
    call.grad_inputs = asked;
    arena_reset(fixture->subject.arena);
    struct host_call host = kit_host_call(fixture->subject.kit, fixture->subject.arena, &fixture->subject.errors, NULL,
                                          fixture->check->op->base.name);
    const rondo_status status = host_result(&host, fixture->check->op->backward(&host.base, &call));
    return status == RONDO_OK ||
           op_refuse(fixture->check, "backward failed on rows %lld to %lld: %s", (long long)part->begin,
                     (long long)part->end, errors_text(&fixture->subject.errors, 0));
}

/* Gradients of inputs with rows must have the same bits. The others are sums over rows, which are added in another
 * order here. */
static int same_gradients(const struct op_fixture *fixture, const struct op_fixture *parts, uint32_t by_rows) {
    static const char so[] = "if backward is called for some of the rows at a time";
    const double tolerance = fixture->settings.dtype == RONDO_F32 ? 1e-4 : 1e-9;
    for (int32_t k = 0; k < fixture->call.n_inputs; k++) {
        const rondo_tensor *expected = &fixture->gradients[k], *found = &parts->gradients[k];
        if (expected->data != NULL && (by_rows >> k & 1) != 0 &&
            !op_same_bits(fixture->check, "gradient of input", k, expected, found, so)) {
            return 0;
        }
        for (int64_t i = 0; expected->data != NULL && i < rondo_count(expected); i++) {
            if (!(op_error(tensor_get(expected, i), tensor_get(found, i)) <= tolerance)) {
                return op_refuse(fixture->check, "gradient of input %d, element %lld: %.9g, but %.9g %s", (int)k,
                                 (long long)i, tensor_get(expected, i), tensor_get(found, i), so);
            }
        }
    }
    return 1;
}

static int saves_rows(struct op_check *check, struct op_fixture *fixture) {
    const int64_t rows =
        fixture->inputs[0].ndim > 1 ? fixture->inputs[0].shape[0] : 0; /* a vector may be a single row */
    struct row_part part = {.whole = fixture};
    struct op_fixture parts;
    if (rows < 2 || fixture->call.output.ndim < 1 || fixture->call.output.shape[0] != rows) {
        return 1;
    }
    check->tally++;
    if (!op_fixture_both(fixture) || !find_rows(&part)) {
        return 0;
    }
    int passed = op_fixture_open(check, fixture->settings, &parts);
    for (int32_t k = 0; k < fixture->call.n_inputs && passed; k++) {
        op_fixture_reset_gradient(&parts, k);
    }
    for (part.begin = 0; part.begin < rows && passed; part.begin = part.end) {
        part.end = part.begin == 0 ? 1 : rows; /* the first row, then all others */
        passed = backward_part(&part, parts.gradients);
    }
    passed = passed && same_gradients(fixture, &parts, part.by_rows);
    op_fixture_close(&parts);
    return passed;
}

enum verdict op_check_saves_rows(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    if ((check.op->flags & RONDO_OP_SAVES_ROWS) == 0 || check.op->backward == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "RONDO_OP_SAVES_ROWS is not set, or there is no backward");
    }
    const enum verdict verdict = op_each_run(&check, saves_rows);
    return verdict == VERDICT_PASS && check.tally == 0
               ? trial_say(trial, VERDICT_FAIL, "RONDO_OP_SAVES_ROWS is set, and no case has two rows or more")
               : verdict;
}

/* ---- the role ---- */

enum { ROWS = 3, INNER = 4, COLUMNS = 5 };

/* y = a + b, or y = a @ b, in f64. */
static double expected_of(const struct op_fixture *fixture, int64_t i) {
    const rondo_tensor *a = &fixture->inputs[0], *b = &fixture->inputs[1];
    if (fixture->check->op->role == RONDO_ROLE_SUM) {
        return tensor_get(a, i) + tensor_get(b, i);
    }
    double sum = 0;
    for (int64_t j = 0; j < INNER; j++) {
        sum += tensor_get(a, i / COLUMNS * INNER + j) * tensor_get(b, j * COLUMNS + i % COLUMNS);
    }
    return sum;
}

static int plays_role(struct op_check *check, int32_t dtype) {
    const int is_sum = check->op->role == RONDO_ROLE_SUM;
    const char *does = is_sum ? "a + b" : "a @ b";
    const double tolerance = dtype == RONDO_F32 ? 1e-5 : 1e-12;
    const int64_t shape[] = {ROWS, is_sum ? INNER : COLUMNS};
    struct op_fixture fixture;
    int passed = op_fixture_open(check, (struct op_settings){.dtype = dtype, .training = 1}, &fixture) &&
                 op_fixture_forward(&fixture);
    const rondo_tensor expected = tensor_of(dtype, 2, shape);
    if (passed && rondo_count(&fixture.call.output) != rondo_count(&expected)) {
        passed = op_refuse(check, "the role promises y = %s, but the output of [3, 4] and %s has shape %s", does,
                           is_sum ? "[3, 4]" : "[4, 5]", tensor_shape_text(&fixture.call.output).text);
    }
    for (int64_t i = 0; passed && i < rondo_count(&expected); i++) {
        const double wanted = expected_of(&fixture, i), found = tensor_get(&fixture.call.output, i);
        if (!(op_error(wanted, found) <= tolerance)) {
            passed = op_refuse(check, "the role promises y = %s, but element %lld is %.9g, expected %.9g (%s)", does,
                               (long long)i, found, wanted, dtype_name(dtype));
        }
    }
    op_fixture_close(&fixture);
    return passed;
}

enum verdict op_check_role(struct trial *trial) {
    struct op_check check = op_check_begin(trial);
    const int64_t left[] = {ROWS, INNER}, right[] = {INNER, COLUMNS};
    if (check.op->role == RONDO_ROLE_NONE) {
        return trial_say(trial, VERDICT_SKIPPED, "the op has no role");
    }
    if (check.op->min_inputs > 2 || (check.op->max_inputs >= 0 && check.op->max_inputs < 2)) {
        return trial_say(trial, VERDICT_FAIL, "the role needs two inputs, which the op does not take");
    }
    check.sample = (rondo_sample){.n_inputs = 2, .low = {-2, -2}, .high = {2, 2}};
    check.sample.inputs[0] = tensor_of(RONDO_F64, 2, left);
    check.sample.inputs[1] = tensor_of(RONDO_F64, 2, check.op->role == RONDO_ROLE_SUM ? left : right);
    check.options = kit_options(trial->kit, trial->descriptor, NULL);
    return plays_role(&check, RONDO_F64) && plays_role(&check, RONDO_F32) ? VERDICT_PASS : VERDICT_FAIL;
}
