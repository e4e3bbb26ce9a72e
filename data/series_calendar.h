/* data/series_calendar.h: what the times of all rows of a run have in common.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_SERIES_CALENDAR_H
#define RONDO_DATA_SERIES_CALENDAR_H

#include "core/status.h"
#include "data/dates.h"

struct json_t;

struct series_calendar {
    struct date_step step; /* from one row to the next */
    int32_t zone;          /* DATE_NO_ZONE: none */
    int has_clock;         /* times are not all midnights */
};

/* A time as the files have it, for messages and predictions. */
struct date_text series_time_text(const struct series_calendar *calendar, const char *time_format, int64_t time);

/* 1 for a time, of a clock on the wall, at which summer time may begin or end: on a Sunday, after midnight and before 4. */
int series_may_change_clock(int32_t zone, int64_t time);

/* Members of a JSON object, and back: {"step": {"months": 0, "microseconds": 86400000000}, "zone": null, "clock": false};
 * "weekdays": true in the step if weekends are left out.
 * `file` names the source in messages. */
rondo_status series_calendar_save(const struct series_calendar *calendar, struct json_t *object, struct errors *errors);
rondo_status series_calendar_load(struct series_calendar *calendar, const struct json_t *object, const char *file,
                                  struct errors *errors);

#endif
