/* data/forecast.h: the prediction of an example of a series (data/origins.h) as fields, with its dates.
 *
 *     {"series": "a", "origin": "2012-08-07", "dates": ["2012-08-08", …], "forecast": {"cnt": [120.5, …]}}
 *
 * and a line for each date: series, date, numbers. `series` only if there are several. A prediction that has several numbers
 * for each target, such as quantiles, has a list in place of each number. With an output at every step, the forecast is that
 * of the last step.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_FORECAST_H
#define RONDO_DATA_FORECAST_H

#include "data/dates.h"
#include "data/reader.h"

struct forecast_form {
    const struct vocabulary *names;      /* of the series, by group; NULL: there is one */
    const struct reader_column *targets; /* their columns, in the order of the numbers of a row */
    const char *time_format;
    int32_t zone;
    int has_clock; /* as for date_text */
};

void forecast_render(const struct forecast_form *form, const struct reader_prediction *prediction,
                     struct fields *fields);

#endif
