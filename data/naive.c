#include "data/naive.h"

#include <math.h>

const char *const naive_names[NAIVE_KINDS] = {"naive", "seasonal naive", "drift"};
const char *const naive_keys[NAIVE_KINDS] = {"naive", "seasonal_naive", "drift"};

int naive_is_known(const struct dataset *dataset, enum naive_kind kind) {
    return dataset->timeline != NULL && (kind != NAIVE_SEASON || dataset->timeline->season > 1);
}

/* The first row from `row` on, in steps of `step` (which may be negative), that has number k; -1: none in [begin, end]. */
static int64_t find_known(const struct stream *target, int64_t k, int64_t row, int64_t step, int64_t begin,
                          int64_t end) {
    for (; row >= begin && row <= end; row += step) {
        if (!isnan(stream_number(target, row, k))) {
            return row;
        }
    }
    return -1;
}

/* Number k of the j-th row, from 1, after the row `last`. */
static double forecast_one(const struct stream *target, int32_t group, int64_t k, enum naive_kind kind, int64_t season,
                           int64_t begin, int64_t last, int64_t j) {
    int64_t row = -1;
    if (kind == NAIVE_SEASON) {
        const int64_t seasons = (j + season - 1) / season;
        row = find_known(target, k, last + j - seasons * season, -season, begin, last);
    }
    row = row < 0 ? find_known(target, k, last, -1, begin, last) : row;
    if (row < 0) {
        return stream_to_units(target, group, k, 0);
    }
    const double known = (double)stream_number(target, row, k);
    const int64_t first = find_known(target, k, begin, 1, begin, last);
    if (kind != NAIVE_DRIFT || first == row) {
        return known;
    }
    const double slope = (known - (double)stream_number(target, first, k)) / (double)(row - first);
    return known + (double)(last + j - row) * slope;
}

void naive_forecast(const struct dataset *dataset, int64_t example, int64_t element, enum naive_kind kind,
                    double *numbers) {
    const struct stream *target = dataset_find(dataset, "target");
    const struct timeline_series *series = &dataset->timeline->series[dataset->series[example]];
    const int32_t group = dataset_group(dataset, example);
    for (int64_t i = 0; i < target->size; i++) { /* row `element` + i / stride, which is row i / stride + 1 to come */
        numbers[i] = forecast_one(target, group, i % target->stride, kind, dataset->timeline->season, series->begin,
                                  element - 1, i / target->stride + 1);
    }
}
