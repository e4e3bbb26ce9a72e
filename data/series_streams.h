/* data/series_streams.h: rows of series as rows of the streams of a dataset.
 *
 *     input     target, past, known, calendar, and an indicator for each column of which training misses a number
 *     target    target             an element: those of the next `horizon` rows
 *     known     known, calendar    an element: those of the next `horizon` rows
 *
 * Nothing of a later row is in `input`, so `past` columns never reach the model before their date. A missing number is 0, the
 * mean, to the model, and its indicator 1.
 *
 * Threads: main thread.
 */
#ifndef RONDO_DATA_SERIES_STREAMS_H
#define RONDO_DATA_SERIES_STREAMS_H

#include "data/reader.h"
#include "data/series_rows.h"

enum { SERIES_MOST_FEATURES = 16 };

/* Sizes that follow from the options of the reader. */
struct series_sizes {
    int32_t n_targets, n_past, n_known, n_numbers;      /* columns of numbers: targets, then past, then known */
    int32_t n_features, features[SERIES_MOST_FEATURES]; /* of data/calendar.h */
    int64_t known, input;                               /* numbers of a row of the streams, without indicators */
};

struct series_layout {
    const struct reader *reader;
    struct series_sizes sizes;
    const unsigned char *is_missing;   /* [n_numbers] the training part misses a number of the column */
    const struct vocabulary *names;    /* of the series of the training part; their ids are the groups */
    const struct reader_column *known; /* for messages */
    struct series_calendar calendar;
    const char *time_format;
    int64_t window, horizon;
};

/* Appends each series to a dataset with these streams, in this order, and a timeline (dataset_add_series). Without targets, for prediction,
 * a series ends with its last row that has a target, and the known numbers of the `horizon` rows after it must be there.
 * RONDO_INVALID for a series that the training part does not have. For prediction, the series that have a forecast are kept if
 * reader->warnings can take the reasons of the others. */
rondo_status series_streams_add(struct dataset *dataset, const struct series_layout *layout,
                                const struct series_rows *rows, int with_targets, struct errors *errors);

#endif
