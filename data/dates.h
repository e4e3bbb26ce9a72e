/* data/dates.h: dates and times as text, and steps of time.
 *
 * A time is a number of microseconds since 1970-01-01T00:00, as a clock on the wall shows them: a time zone is checked, but
 * not applied, so that noon is noon in every file. Years are those of the Gregorian calendar, from 1 to 9999; no leap seconds.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_DATES_H
#define RONDO_DATA_DATES_H

#include <stdint.h>

#define DATE_SECOND INT64_C(1000000)
#define DATE_DAY    (86400 * DATE_SECOND)
/* The zone of a time that has none. */
enum { DATE_NO_ZONE = INT32_MIN };

struct date_fields {
    int64_t year;
    int month, day;           /* from 1 */
    int hour, minute, second; /* from 0 */
    int64_t microsecond;
};

/* A time as text. `format`:
 *
 *     ""               ISO 8601: 2012-06-01, 2012-06, 2012-06-01T14:30, 2012-06-01 14:30:00.25, and then Z, +02 or +02:00
 *     "seconds"        since 1970; also "milliseconds"
 *     with %           as strptime's: %Y %y %m %d %e %H %I %p %M %S %f (fraction) %j (day of the year) %b %B (month's name in
 *                      English) %a %A (weekday, skipped) %z (zone) %%; other characters must occur, a blank matches any number
 *                      of blanks
 *
 * 1, and the time, and the zone in minutes east of Greenwich or DATE_NO_ZONE; 0 if the text has another form, or if there is
 * no such day. Blanks around it are skipped. */
int date_parse(const char *text, const char *format, int64_t *time, int32_t *zone);
/* What date_parse expects, for messages: "a date such as 2012-06-01 or 2012-06-01T14:30". */
const char *date_expected(const char *format);
/* 1 for a format that date_parse knows; otherwise *bad is the text at fault. */
int date_format_is_valid(const char *format, const char **bad);

struct date_text {
    char text[48];
};
/* A time in ISO 8601, with the zone if there is one, with the time of day if `has_clock`, with seconds if they are not 0; for
 * the format "seconds" or "milliseconds": the number. */
struct date_text date_text(int64_t time, int32_t zone, int has_clock, const char *format);

/* The formats of date_parse that read such a text, for messages: "%d.%m.%Y", or "%d/%m/%Y or %m/%d/%Y" where day and month
 * may be either; "" if none of the usual ones does. */
struct date_text date_formats_of(const char *text);

struct date_fields date_fields_of(int64_t time);
int64_t date_of_fields(const struct date_fields *fields);
/* Months since the year 0. */
int64_t date_months(int64_t time);
/* From 0, Monday. */
int date_weekday(int64_t time);
int date_month_days(int64_t year, int month);

/* The time between two rows: a number of months, or of microseconds. Both 0: not known. `weekdays`: a day, but Saturdays and
 * Sundays are left out, and `microseconds` is that of a day. */
struct date_step {
    int64_t months, microseconds;
    int weekdays;
};
/* `count` steps later. With months, the day of the month is `day` (0: that of `time`), or the last of a month that is shorter: with
 * 31, it is always the last. */
int64_t date_add(int64_t time, struct date_step step, int64_t count, int day);
/* The number of steps from one time to a later one; 0: it is none of the times that steps lead to. */
int64_t date_steps_between(int64_t from, int64_t to, struct date_step step, int day);
/* 1 for the last day of a month. */
int date_is_month_end(int64_t time);
/* "1 day", "3 months", "15 minutes", "0.04 seconds". */
struct date_text date_step_text(struct date_step step);

#endif
