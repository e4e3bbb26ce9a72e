/* data/parts.h: validation and test data as parts of the training file.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_PARTS_H
#define RONDO_DATA_PARTS_H

#include "data/dataset.h"

/* Which examples of a data file belong to training, to validation and to the test: the value of `valid` and `test` in an
 * experiment, if they are parts of the training file. */
enum part_rule {
    PART_NONE = 0,
    PART_LAST = 1,  /* the last ones: {last: 0.1} */
    PART_SHARE = 2, /* a random choice, the same for every seed: {share: 0.1} */
    PART_FROM = 3   /* of series: from a date on, {from: 2012-06-01} */
};
struct part {
    int32_t rule; /* enum part_rule */
    double value; /* the share of all examples of the file, in (0, 1); PART_FROM: a time, in seconds since 1970 */
    int32_t zone; /* PART_FROM: of that time, as of date_parse; DATE_NO_ZONE: it is that of the data */
    struct location where; /* PART_FROM: of the time in the experiment */
};
/* The parts of a file. The test is taken first, then the validation data from what remains. */
struct parts {
    struct part valid, test;
};
enum part_name { PART_TRAIN = 0, PART_VALID = 1, PART_TEST = 2 };

/* The part of example `index` of `count`. */
enum part_name part_of(const struct parts *parts, int64_t index, int64_t count);
/* The same, for examples of which those with the same key belong together (dataset_set_key): a random choice is made by the key. */
enum part_name part_of_key(const struct parts *parts, uint64_t key, int64_t index, int64_t count);
/* For a file that is one long sequence of `count` elements: the range of a part, [*begin, *end). Parts are PART_LAST. */
void part_range(const struct parts *parts, enum part_name part, int64_t count, int64_t *begin, int64_t *end);

/* The times of the parts of series: training ends where validation or, without it, the test begins; INT64_MAX: never. */
struct part_times {
    int64_t valid, test;
};
/* The times at which the parts of series begin; `time` has those of all their elements, [count], all in `zone` (date_parse).
 * PART_LAST: the share of all elements that lies after that time, the same for all series. PART_FROM: a time in another zone
 * is converted. RONDO_INVALID, at `where` (of the file in the experiment), if no time is left for a part; at the part, if
 * only its time has a zone. */
rondo_status part_times_of(const struct parts *parts, const int64_t *time, int64_t count, int32_t zone,
                           struct location where, struct part_times *times, struct errors *errors);
/* The times [*from, *to) of a part. */
void part_times_range(const struct part_times *times, enum part_name part, int64_t *from, int64_t *to);

/* The examples of one part as a view. A dataset of one example (a long text) is cut along its steps, unless it has a key. NULL with an error,
 * RONDO_INVALID if the part would be empty. */
struct dataset *part_view(const struct dataset *dataset, const struct parts *parts, enum part_name part,
                          const char *what, struct errors *errors);

#endif
