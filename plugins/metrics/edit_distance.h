/* plugins/metrics/edit_distance.h: the edit distance, and error rates of texts. Each plug-in gets its own copy. */
#ifndef RONDO_PLUGINS_EDIT_DISTANCE_H
#define RONDO_PLUGINS_EDIT_DISTANCE_H

#include "rondo/plugin.h"

/* The smallest number of insertions, deletions and substitutions that make one list the other. distance[j] is that of the
 * items of `a` so far to the first j of `b`; room for n_b + 1 (Wagner & Fischer 1974). */
static inline int64_t edit_distance(const int32_t *a, int64_t n_a, const int32_t *b, int64_t n_b, int64_t *distance) {
    for (int64_t j = 0; j <= n_b; j++) {
        distance[j] = j;
    }
    for (int64_t i = 0; i < n_a; i++) {
        int64_t diagonal = distance[0]++;
        for (int64_t j = 0; j < n_b; j++) {
            const int64_t substituted = diagonal + (a[i] != b[j]);
            const int64_t shorter = distance[j] < distance[j + 1] ? distance[j] : distance[j + 1];
            diagonal = distance[j + 1];
            distance[j + 1] = substituted < shorter + 1 ? substituted : shorter + 1;
        }
    }
    return distance[n_b];
}

#endif
