#include "inspect/decay.h"

#include <math.h>

/* Fits log2(norm) = a + slope * distance. */
static void fit(struct inspect_curve *curve) {
    double largest = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    curve->factor = curve->half_life = curve->fit = NAN;
    int64_t n = 0;
    for (; n < curve->common && curve->norm[n] > 0; n++) {
        largest = fmax(largest, curve->norm[n]);
        if (curve->norm[n] < 1e-6 * largest) {
            break;
        }
        const double log = log2(curve->norm[n]), distance = (double)n;
        x += distance;
        y += log;
        xx += distance * distance;
        xy += distance * log;
        yy += log * log;
    }
    curve->fitted = n - 1;
    if (n < 3) {
        return;
    }
    const double count = (double)n, spread = xx - x * x / count, varies = yy - y * y / count;
    const double slope = (xy - x * y / count) / spread;
    curve->factor = exp2(slope);
    curve->half_life = slope < 0 ? -1 / slope : INFINITY;
    curve->fit = varies > 0 ? fmin(1, slope * slope * spread / varies) : 1;
}

struct inspect_curve decay_curve(const double *sums, const int64_t *reaching, int64_t steps, struct arena *arena) {
    struct inspect_curve curve = {.missing = NULL};
    double *norm = arena_calloc(arena, (size_t)steps, sizeof *norm);
    int64_t *examples = arena_calloc(arena, (size_t)steps, sizeof *examples);
    if (norm == NULL || examples == NULL) {
        return curve;
    }
    for (; curve.count < steps && reaching[curve.count] > 0; curve.count++) {
        norm[curve.count] = sums[curve.count] / (double)reaching[curve.count];
        examples[curve.count] = reaching[curve.count];
        curve.common += 10 * reaching[curve.count] >= reaching[0];
    }
    curve.norm = norm;
    curve.examples = examples;
    fit(&curve);
    return curve;
}

int64_t decay_reach(const struct inspect_curve *curve, double share) {
    double largest = 0;
    int64_t reach = -1;
    for (int64_t d = 0; d < curve->common; d++) {
        largest = fmax(largest, curve->norm[d]);
    }
    for (int64_t d = 0; d < curve->common && largest > 0; d++) {
        reach = curve->norm[d] >= share * largest ? d : reach;
    }
    return reach;
}

int64_t decay_most(const struct inspect_curve *curve, double share) {
    double total = 0, sum = 0;
    for (int64_t d = 0; d < curve->count; d++) {
        total += curve->norm[d] * (double)curve->examples[d];
    }
    for (int64_t d = 0; d < curve->count && total > 0; d++) {
        sum += curve->norm[d] * (double)curve->examples[d];
        if (sum >= share * total) {
            return d;
        }
    }
    return -1;
}
