#include "ops/sample.h"

#include <string.h>

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

int32_t ops_sample_of_sequences(const struct ops_sequence_case *cases, size_t count, int32_t index,
                                rondo_sample *sample) {
    return index >= 0 && (size_t)index < count ? ops_sample(&cases[index].shapes, 1, 0, sample) : 0;
}

int32_t ops_sample_lengths(const struct ops_sequence_case *cases, int32_t index, int32_t input, int64_t *lengths) {
    const struct ops_sequence_case *row = &cases[index];
    if (row->lengths[input][0] == ALL_SEQUENCES) {
        return 0;
    }
    memcpy(lengths, row->lengths[input], sizeof *lengths * (size_t)row->count);
    return row->count;
}
