/* kit/sample_data.c: see kit/sample_data.h. */
#include "kit/sample_data.h"

#include <string.h>

static double draw_number(struct rng_stream stream, uint64_t n, enum draw_targets draw) {
    if (draw == TARGETS_NORMAL) {
        return rng_normal(stream, n);
    }
    const double unit = 0.05 + 0.9 * rng_uniform(stream, n);
    return draw != TARGETS_SIGN ? unit : unit < 0.5 ? -1 : 1;
}

void draw_row(const rondo_tensor *tensor, int64_t row, struct rng_stream stream, enum draw_targets draw) {
    const int64_t width = tensor->shape[1];
    const uint64_t first = (uint64_t)(row * width);
    double sum = 0;
    for (int64_t k = 0; k < width; k++) {
        sum += draw_number(stream, first + (uint64_t)k, draw);
    }
    const double divisor = draw == TARGETS_DISTRIBUTION ? sum : 1;
    for (int64_t k = 0; k < width; k++) {
        tensor_set(tensor, row * width + k, draw_number(stream, first + (uint64_t)k, draw) / divisor);
    }
}

struct sequence_layout sequence_layout(int has_lists) {
    static const int64_t lengths[SEQUENCES] = {8, 7, 5, 4, 3, 2, 2, 1};
    static const int64_t labels[SEQUENCES] = {4, 3, 3, 2, 2, 1, 1, 0};
    struct sequence_layout layout = {.has_lists = has_lists};
    memcpy(layout.lengths, lengths, sizeof lengths);
    for (int64_t t = 0; t < SEQUENCE_STEPS; t++) {
        int64_t active = 0;
        while (active < SEQUENCES && lengths[active] > t) {
            active++;
        }
        layout.begin[t + 1] = layout.begin[t] + active;
    }
    for (int64_t s = 0; s < SEQUENCES; s++) {
        layout.target_begin[s + 1] = layout.target_begin[s] + labels[s];
    }
    return layout;
}

const rondo_sequences *sequence_layout_sequences(struct sequence_layout *layout) {
    layout->sequences = (rondo_sequences){.struct_size = sizeof layout->sequences,
                                          .count = SEQUENCES,
                                          .steps = SEQUENCE_STEPS,
                                          .lengths = layout->lengths,
                                          .begin = layout->begin,
                                          .target_begin = layout->has_lists ? layout->target_begin : NULL};
    return &layout->sequences;
}
