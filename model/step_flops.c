#include "model/step_flops.h"

#include <string.h>

#include "lang/equation.h"

/* Of an op that looks along sequences: two operations for each number of one element of what it looks at. */
static int64_t flops_of_sequence(const struct program *program, const struct program_node *node) {
    int64_t numbers = 0;
    for (int32_t k = 1; k < node->n_inputs; k++) {
        const struct program_node *input = program_node(program, (rondo_value){node->inputs[k]});
        numbers += input->domain == DOMAIN_FIXED ? 0 : rondo_count(&input->value) / input->value.shape[0];
    }
    return 2 * numbers;
}

int64_t step_flops(const struct program *program) {
    int64_t flops = 0;
    for (int32_t id = 0; id < program_count(program); id++) {
        const struct program_node *node = program_node(program, (rondo_value){id});
        if (node->op == NULL) {
            continue;
        }
        const int64_t first = node->domain == DOMAIN_FIXED ? 1 : node->value.shape[0];
        int64_t work = rondo_count(&node->value) / first;
        if (strcmp(node->op->base.name, OPERATOR_PRODUCT) == 0) {
            const rondo_tensor *left = &program_node(program, (rondo_value){node->inputs[0]})->value;
            work *= 2 * left->shape[left->ndim - 1];
        }
        flops += (node->op->flags & RONDO_OP_SEQUENCES) != 0 ? flops_of_sequence(program, node) : work;
    }
    return flops;
}
