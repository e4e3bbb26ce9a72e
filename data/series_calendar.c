#include "data/series_calendar.h"

#include <jansson.h>

/* A step of more is a mistake: the times of data/dates.h would end after one of them. */
enum { MOST_MONTHS = 12000, MOST_DAYS = 366000 };

struct date_text series_time_text(const struct series_calendar *calendar, const char *time_format, int64_t time) {
    return date_text(time, calendar->zone, calendar->has_clock, time_format);
}

int series_may_change_clock(int32_t zone, int64_t time) {
    const struct date_fields fields = date_fields_of(time);
    return zone == DATE_NO_ZONE && date_weekday(time) == 6 && fields.hour >= 1 && fields.hour < 4;
}

rondo_status series_calendar_save(const struct series_calendar *calendar, struct json_t *object,
                                  struct errors *errors) {
    json_t *step = json_pack("{s:I, s:I}", "months", (json_int_t)calendar->step.months, "microseconds",
                             (json_int_t)calendar->step.microseconds);
    int failed = calendar->step.weekdays && json_object_set_new(step, "weekdays", json_true()) != 0;
    json_t *zone = calendar->zone == DATE_NO_ZONE ? json_null() : json_integer(calendar->zone);
    failed |= json_object_set_new(object, "step", step) != 0;
    failed |= json_object_set_new(object, "zone", zone) != 0;
    failed |= json_object_set_new(object, "clock", json_boolean(calendar->has_clock)) != 0;
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status series_calendar_load(struct series_calendar *calendar, const struct json_t *object, const char *file,
                                  struct errors *errors) {
    const json_t *step = json_object_get(object, "step"), *zone = json_object_get(object, "zone");
    const int64_t months = json_integer_value(json_object_get(step, "months"));
    const int64_t microseconds = json_integer_value(json_object_get(step, "microseconds"));
    if (months < 0 || months > MOST_MONTHS || microseconds < 0 || microseconds > MOST_DAYS * DATE_DAY ||
        (months > 0) == (microseconds > 0)) {
        return errors_add(errors, RONDO_INVALID, "%s: 'step' must have a number of months or of microseconds", file);
    }
    const int weekdays = json_is_true(json_object_get(step, "weekdays"));
    if (weekdays && microseconds != DATE_DAY) {
        return errors_add(errors, RONDO_INVALID, "%s: a 'step' of 'weekdays' must be a day", file);
    }
    const int64_t minutes = json_integer_value(zone);
    if (!(json_is_null(zone) || (json_is_integer(zone) && minutes > -1440 && minutes < 1440))) {
        return errors_add(errors, RONDO_INVALID, "%s: 'zone' must be null or a number of minutes", file);
    }
    *calendar = (struct series_calendar){.step = {months, microseconds, weekdays},
                                         .zone = json_is_null(zone) ? DATE_NO_ZONE : (int32_t)minutes,
                                         .has_clock = json_is_true(json_object_get(object, "clock"))};
    return RONDO_OK;
}
