#include "ops/sample.h"

int32_t ops_sample(const struct ops_case *cases, size_t count, int32_t index, rondo_sample *sample) {
    if (index < 0 || (size_t)index >= count) {
        return 0;
    }
    const struct ops_case *row = &cases[index];
    sample->n_inputs = row->n_inputs;
    sample->options = row->options;
    for (int32_t k = 0; k < row->n_inputs; k++) {
        const int is_index = row->index_end > 0 && k == row->n_inputs - 1;
        rondo_tensor *tensor = &sample->inputs[k];
        tensor->dtype = is_index ? RONDO_I32 : RONDO_F64;
        tensor->ndim = row->inputs[k].ndim;
        for (int32_t d = 0; d < tensor->ndim; d++) {
            tensor->shape[d] = row->inputs[k].shape[d];
        }
        sample->low[k] = is_index ? 0 : -2;
        sample->high[k] = is_index ? row->index_end : 2;
    }
    return 1;
}
