/* data/naive.h: forecasts of a series without a model, which any model must beat.
 *
 * After the row o, the last one that is known, and for the j-th row to come:
 *
 *     naive             y[o]
 *     seasonal naive    y[o + j - m * season], the last known row of the same season: m is the least with o + j - m * season <= o
 *     drift             y[o] + j * (y[o] - y[first]) / (o - first): the line from the first row to the last
 *
 * A missing number is replaced by the nearest one before it (of its season); without any, by the mean of the training data.
 * Source: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, section 5.2.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_NAIVE_H
#define RONDO_DATA_NAIVE_H

#include "data/dataset.h"

enum naive_kind { NAIVE_LAST = 0, NAIVE_SEASON = 1, NAIVE_DRIFT = 2, NAIVE_KINDS = 3 };
/* By enum naive_kind: "naive", "seasonal naive", "drift"; and as keys of JSON. */
extern const char *const naive_names[NAIVE_KINDS], *const naive_keys[NAIVE_KINDS];

/* 1 if there is such a forecast: a timeline and, for the seasonal one, a season. */
int naive_is_known(const struct dataset *dataset, enum naive_kind kind);

/* The forecast of the numbers of element `element` of the stream "target", in the units of the data, which is a target of
 * `example`. numbers: [size of the stream]. */
void naive_forecast(const struct dataset *dataset, int64_t example, int64_t element, enum naive_kind kind,
                    double *numbers);

#endif
