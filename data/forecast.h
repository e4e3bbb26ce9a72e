/* data/forecast.h: the prediction of an example of a series (data/origins.h) as fields, with its dates.
 *
 *     one row to come, one target      {"date": "2012-08-08", "value": 120.5}
 *     one row, several targets         {"date": "2012-08-08", "values": [120.5, 3.1]}
 *     several rows, one target         {"dates": ["2012-08-08", …], "values": [120.5, …]}
 *     several rows, several targets    {"dates": ["2012-08-08", …], "steps": [[120.5, 3.1], …]}
 *
 * and in each of them "series", if there are several; "origin", the date of the last row that is known; and "columns", the
 * names of several targets. A prediction that has several numbers for each target, such as quantiles, has them one after the
 * other in place of one. With prediction intervals, numbers are followed by all lower and then all upper ends, and the object
 * has "interval", "lower" and "upper" as the usual form has (data/fields.h). With an output at every step, the forecast is that of the last step. There is a line for each date:
 * series, date, numbers.
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
