#include "model/apply.h"

#include "core/options.h"
#include "lang/equation.h"

rondo_value apply_slice(struct tape *tape, rondo_value value, int32_t axis, int64_t begin, int64_t end) {
    const struct option_value values[] = {
        {"axis", axis, NULL}, {"begin", (double)begin, NULL}, {"end", (double)end, NULL}};
    return tape_apply_with(tape, "slice", values, 3, &value, 1);
}

rondo_value apply_concat(struct tape *tape, int32_t axis, const rondo_value *values, int32_t count) {
    const struct option_value along = {"axis", axis, NULL};
    return tape_apply_with(tape, "concat", &along, 1, values, count);
}

rondo_value apply_dropout(struct tape *tape, rondo_value value, double rate) {
    const struct option_value share = {"rate", rate, NULL};
    return rate > 0 ? tape_apply_with(tape, "dropout", &share, 1, &value, 1) : value;
}

rondo_value apply_gather_by(struct tape *tape, rondo_value table, rondo_value indices) {
    const rondo_value operands[2] = {table, indices};
    return tape_apply_with(tape, "gather", NULL, 0, operands, 2);
}

rondo_value apply_gather(struct tape *tape, rondo_value table, const rondo_tensor *indices) {
    return apply_gather_by(tape, table, tape_constant(tape, indices));
}

rondo_value apply_gather_columns(struct tape *tape, rondo_value matrix, const rondo_tensor *indices) {
    const rondo_value operands[2] = {matrix, tape_constant(tape, indices)};
    return tape_apply_with(tape, "gather_columns", NULL, 0, operands, 2);
}

rondo_value apply_segment(struct tape *tape, rondo_value value, const rondo_tensor *indices, const char *reduce,
                          int64_t count) {
    const struct option_value values[] = {{"reduce", 0, reduce}, {"count", (double)count, NULL}};
    const rondo_value operands[2] = {value, tape_constant(tape, indices)};
    return tape_apply_with(tape, "segment", values, 2, operands, 2);
}

rondo_value apply_where(struct tape *tape, rondo_value condition, rondo_value a, rondo_value b) {
    const rondo_value operands[3] = {condition, a, b};
    return tape_apply_with(tape, "where", NULL, 0, operands, 3);
}

rondo_value apply_transpose(struct tape *tape, rondo_value matrix) {
    return tape_apply_with(tape, "transpose", NULL, 0, &matrix, 1);
}

static rondo_value binary(struct tape *tape, const char *op, rondo_value a, rondo_value b) {
    const rondo_value operands[2] = {a, b};
    return tape_apply_with(tape, op, NULL, 0, operands, 2);
}

rondo_value apply_add(struct tape *tape, rondo_value a, rondo_value b) {
    return binary(tape, OPERATOR_ADD, a, b);
}

rondo_value apply_multiply(struct tape *tape, rondo_value a, rondo_value b) {
    return binary(tape, OPERATOR_MULTIPLY, a, b);
}

rondo_value apply_matmul(struct tape *tape, rondo_value a, rondo_value b) {
    return binary(tape, OPERATOR_PRODUCT, a, b);
}

rondo_value apply_matmul_transposed(struct tape *tape, rondo_value a, rondo_value b) {
    const struct option_value transpose = {"transpose_b", 1, NULL};
    const rondo_value operands[2] = {a, b};
    return tape_apply_with(tape, OPERATOR_PRODUCT, &transpose, 1, operands, 2);
}

rondo_value apply_sum(struct tape *tape, rondo_value value) {
    return tape_apply_with(tape, "sum", NULL, 0, &value, 1);
}
