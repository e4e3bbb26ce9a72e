/* data/dates.h and data/calendar.h: dates are read, written and added up as in the calendar, whatever the locale. */
#include <check.h>
#include <string.h>

#include "data/calendar.h"
#include "data/dates.h"
#include "tests/suite.h"

static const struct {
    const char *text, *format, *expected; /* with zone and clock; NULL: refused */
} texts[] = {
    {"1970-01-01", "", "1970-01-01T00:00"},
    {"2012-02-29", "", "2012-02-29T00:00"},
    {"2012-06", "", "2012-06-01T00:00"},
    {" 2012-06-01 ", "", "2012-06-01T00:00"},
    {"2012-06-01T14:30", "", "2012-06-01T14:30"},
    {"2012-06-01 4:05:06", "", "2012-06-01T04:05:06"},
    {"2012-06-01T14:30:00.25", "", "2012-06-01T14:30:00.250000"},
    {"2012-06-01T14:30Z", "", "2012-06-01T14:30Z"},
    {"2012-06-01T14:30:00+02:00", "", "2012-06-01T14:30+02:00"},
    {"2012-06-01 14:30 -0330", "", "2012-06-01T14:30-03:30"},
    {"0001-01-01", "", "0001-01-01T00:00"},
    {"9999-12-31T23:59:59", "", "9999-12-31T23:59:59"},
    {"1900-02-28", "", "1900-02-28T00:00"},
    {"1969-12-31T23:59", "", "1969-12-31T23:59"},
    {"2011-02-29", "", NULL},
    {"1900-02-29", "", NULL},
    {"2012-13-01", "", NULL},
    {"2012-00-01", "", NULL},
    {"2012-06-31", "", NULL},
    {"2012-06-00", "", NULL},
    {"0000-01-01", "", NULL},
    {"2012-06-01T24:00", "", NULL},
    {"2012-06-01T14:60", "", NULL},
    {"2012-06-01T14:30:60", "", NULL},
    {"2012-06-01T14:30+25:00", "", NULL},
    {"2012-06-01T14:30+2", "", NULL},
    {"2012-06-01T14:30:00.", "", NULL},
    {"2012-06-01x", "", NULL},
    {"2012-6-1", "", NULL},
    {"01.06.2012", "", NULL},
    {"1338508800", "", NULL},
    {"", "", NULL},
    {"1338508800", "seconds", "2012-06-01T00:00"},
    {"1338508800.5", "seconds", "2012-06-01T00:00:00.500000"},
    {"-1", "seconds", "1969-12-31T23:59:59"},
    {"1338508800123", "milliseconds", "2012-06-01T00:00:00.123000"},
    {"1e300", "seconds", NULL},
    {"0x10", "seconds", NULL},
    {"nan", "seconds", NULL},
    {"12 s", "seconds", NULL},
    {"01.06.2012", "%d.%m.%Y", "2012-06-01T00:00"},
    {"1.6.2012 7:05", "%d.%m.%Y %H:%M", "2012-06-01T07:05"},
    {"06/01/12", "%m/%d/%y", "2012-06-01T00:00"},
    {"06/01/69", "%m/%d/%y", "1969-06-01T00:00"},
    {"Fri, 1 Jun 2012", "%a, %e %b %Y", "2012-06-01T00:00"},
    {"june 1 2012", "%B %d %Y", "2012-06-01T00:00"},
    {"Jun 1 2012", "%B %d %Y", "2012-06-01T00:00"},
    {"2012153", "%Y%j", "2012-06-01T00:00"},
    {"2011366", "%Y%j", NULL},
    {"2012-06-01 12:30 AM", "%Y-%m-%d %I:%M %p", "2012-06-01T00:30"},
    {"2012-06-01 12:30 pm", "%Y-%m-%d %I:%M %p", "2012-06-01T12:30"},
    {"2012-06-01 13:30 pm", "%Y-%m-%d %I:%M %p", NULL},
    {"20120601T143005.25+0200", "%Y%m%dT%H%M%S.%f%z", "2012-06-01T14:30:05.250000+02:00"},
    {"100% 2012", "100%% %Y", "2012-01-01T00:00"},
    {"01-06-2012", "%d.%m.%Y", NULL},
    {"Mai 1 2012", "%b %d %Y", NULL},
};

START_TEST(a_text_of_its_form_is_read_and_any_other_refused) {
    int64_t time;
    int32_t zone;
    const int is_read = date_parse(texts[_i].text, texts[_i].format, &time, &zone);
    ck_assert_msg(is_read == (texts[_i].expected != NULL), "'%s'", texts[_i].text);
    if (is_read) {
        ck_assert_str_eq(date_text(time, zone, 1, "").text, texts[_i].expected);
    }
}
END_TEST

START_TEST(numbers_of_seconds_are_written_as_numbers) {
    ck_assert_str_eq(date_text(20 * DATE_SECOND, DATE_NO_ZONE, 0, "seconds").text, "20");
    ck_assert_str_eq(date_text(INT64_C(1338508800) * DATE_SECOND, DATE_NO_ZONE, 0, "milliseconds").text,
                     "1338508800000");
    ck_assert_str_eq(date_text(DATE_SECOND / 4 * 5, DATE_NO_ZONE, 0, "seconds").text, "1.25");
}
END_TEST

static const struct {
    const char *text, *formats;
} suggested[] = {
    {"2012/06/30", "%Y/%m/%d"},
    {"30.6.2012 7:05", "%d.%m.%Y %H:%M"},
    {"06/07/2012", "%d/%m/%Y or %m/%d/%Y"},
    {"06/30/2012", "%m/%d/%Y"},
    {"Jun 1, 2012", "%b %d, %Y"},
    {"20120630", "%Y%m%d"},
    {"1338508800", "seconds"},
    {"1338508800123", "milliseconds"},
    {"2012", "%Y"},
    {"Q1 2012", ""},
    {"", ""},
    {"12", ""},
};

START_TEST(a_message_names_the_formats_that_read_a_text) {
    ck_assert_str_eq(date_formats_of(suggested[_i].text).text, suggested[_i].formats);
}
END_TEST

static const struct {
    const char *format, *bad; /* NULL: it is valid */
} formats[] = {{"", NULL},    {"seconds", NULL}, {"%d.%m.%Y", NULL}, {"%Y%%", NULL}, {"%Q", "%Q"},
               {"%Y-%", "%"}, {"days", "days"},  {"%%", "%%"},       {"%Y %U", "%U"}};

START_TEST(a_format_is_checked_before_any_text) {
    const char *bad;
    const int is_valid = date_format_is_valid(formats[_i].format, &bad);
    ck_assert_int_eq(is_valid, formats[_i].bad == NULL);
    ck_assert(is_valid || strcmp(bad, formats[_i].bad) == 0);
}
END_TEST

static int64_t time_of(const char *text) {
    int64_t time;
    int32_t zone;
    ck_assert(date_parse(text, "", &time, &zone));
    return time;
}

/* Every day of eight centuries: the fields are those of a calendar that counts on, and lead back to the day. */
START_TEST(days_follow_each_other) {
    struct date_fields expected = {.year = 1600, .month = 1, .day = 1};
    int64_t time = date_of_fields(&expected);
    int weekday = date_weekday(time);
    ck_assert_int_eq(weekday, 5); /* a Saturday */
    while (expected.year < 2400) {
        const struct date_fields fields = date_fields_of(time + 3600 * DATE_SECOND - 1);
        ck_assert(fields.year == expected.year && fields.month == expected.month && fields.day == expected.day);
        ck_assert(fields.hour == 0 && fields.minute == 59 && fields.second == 59 && fields.microsecond == 999999);
        ck_assert(date_of_fields(&fields) == time + 3600 * DATE_SECOND - 1);
        ck_assert_int_eq(date_weekday(time), weekday);
        const int is_last = expected.day == date_month_days(expected.year, expected.month);
        ck_assert_int_eq(date_is_month_end(time), is_last);
        expected.day = is_last ? 1 : expected.day + 1;
        expected.month += is_last;
        expected.year += expected.month == 13;
        expected.month = expected.month == 13 ? 1 : expected.month;
        weekday = (weekday + 1) % 7;
        time += DATE_DAY;
    }
}
END_TEST

static const struct {
    const char *from;
    struct date_step step;
    int64_t count;
    int day;
    const char *expected, *step_text;
} steps[] = {
    {"2012-02-28", {0, DATE_DAY, 0}, 2, 0, "2012-03-01", "1 day"},
    {"2012-01-15", {1, 0, 0}, 13, 0, "2013-02-15", "1 month"},
    {"2012-01-31", {1, 0, 0}, 1, 0, "2012-02-29", "1 month"},
    {"2012-02-29", {1, 0, 0}, 1, 31, "2012-03-31", "1 month"},
    {"2021-02-28", {1, 0, 0}, 1, 30, "2021-03-30", "1 month"},
    {"2021-01-29", {1, 0, 0}, 1, 29, "2021-02-28", "1 month"},
    {"2021-02-28", {1, 0, 0}, 12, 29, "2022-02-28", "1 month"},
    {"2012-02-29", {12, 0, 0}, 1, 0, "2013-02-28", "1 year"},
    {"2012-01-15", {3, 0, 0}, -1, 0, "2011-10-15", "3 months"},
    {"2012-01-01", {0, 7 * DATE_DAY, 0}, 1, 0, "2012-01-08", "7 days"},
    {"2012-01-01", {0, 900 * DATE_SECOND, 0}, 96, 0, "2012-01-02", "15 minutes"},
    {"2012-01-01", {0, DATE_SECOND / 25, 0}, 25 * 86400, 0, "2012-01-02", "0.04 seconds"},
    {"2024-01-05", {0, DATE_DAY, 1}, 1, 0, "2024-01-08", "1 weekday"}, /* from Friday */
    {"2024-01-08", {0, DATE_DAY, 1}, 4, 0, "2024-01-12", "1 weekday"},
    {"2024-01-10", {0, DATE_DAY, 1}, 261, 0, "2025-01-09", "1 weekday"},
    {"2024-01-08", {0, DATE_DAY, 1}, -1, 0, "2024-01-05", "1 weekday"},
    {"2024-01-06", {0, DATE_DAY, 1}, 1, 0, "2024-01-08", "1 weekday"}, /* from Saturday */
    {"1969-12-26", {0, DATE_DAY, 1}, 6, 0, "1970-01-05", "1 weekday"},
};

START_TEST(steps_are_added_as_in_the_calendar) {
    const int64_t time = date_add(time_of(steps[_i].from), steps[_i].step, steps[_i].count, steps[_i].day);
    ck_assert_str_eq(date_text(time, DATE_NO_ZONE, 0, "").text, steps[_i].expected);
    ck_assert_str_eq(date_step_text(steps[_i].step).text, steps[_i].step_text);
    /* A Saturday is not among the times that weekdays lead to. */
    const int leads_on = steps[_i].count > 0 && (!steps[_i].step.weekdays || date_weekday(time_of(steps[_i].from)) < 5);
    ck_assert_int_eq(date_steps_between(time_of(steps[_i].from), time, steps[_i].step, steps[_i].day),
                     leads_on ? steps[_i].count : 0);
}
END_TEST

static const struct {
    const char *feature, *time;
    int64_t width;
    int64_t category; /* -1: none; -2: a cycle */
    float sine, cosine;
} features[] = {
    {"hour", "2012-06-01T14:59", 24, 14, 0, 0},  {"weekday", "2012-06-04", 7, 0, 0, 0},
    {"weekday", "2012-06-03", 7, 6, 0, 0},       {"day", "2012-06-30", 31, 29, 0, 0},
    {"month", "2012-12-31T23:59", 12, 11, 0, 0}, {"weekend", "2012-06-01", 1, -1, 0, 0},
    {"weekend", "2012-06-02", 1, 0, 0, 0},       {"day_cycle", "2012-06-01T06:00", 2, -2, 1, 0},
    {"week_cycle", "2012-06-04", 2, -2, 0, 1},   {"week_cycle", "2012-06-05T18:00", 2, -2, 1, 0},
    {"year_cycle", "2012-01-01", 2, -2, 0, 1},   {"year_cycle", "2012-07-02", 2, -2, 0, -1},
};

START_TEST(calendar_features_follow_from_the_date) {
    struct suggestion near = {0};
    float numbers[31];
    const int32_t feature = calendar_find(features[_i].feature, &near);
    ck_assert_int_ge(feature, 0);
    ck_assert_int_eq(calendar_width(feature), features[_i].width);
    calendar_fill(feature, time_of(features[_i].time), numbers);
    for (int64_t k = 0; k < features[_i].width; k++) {
        const float cycle = k == 0 ? features[_i].sine : features[_i].cosine;
        const float expected = features[_i].category == -2 ? cycle : (float)(k == features[_i].category);
        ck_assert_float_eq_tol(numbers[k], expected, 1e-6);
    }
}
END_TEST

START_TEST(an_unknown_feature_has_the_nearest_name) {
    struct suggestion near = {0};
    ck_assert_int_eq(calendar_find("weekdays", &near), -1);
    ck_assert_str_eq(near.name, "weekday");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dates");
    TCase *dates = add_case(suite, "dates", 60, NULL, NULL);
    tcase_add_loop_test(dates, a_text_of_its_form_is_read_and_any_other_refused, 0, ROWS(texts));
    tcase_add_test(dates, numbers_of_seconds_are_written_as_numbers);
    tcase_add_loop_test(dates, a_message_names_the_formats_that_read_a_text, 0, ROWS(suggested));
    tcase_add_loop_test(dates, a_format_is_checked_before_any_text, 0, ROWS(formats));
    tcase_add_test(dates, days_follow_each_other);
    tcase_add_loop_test(dates, steps_are_added_as_in_the_calendar, 0, ROWS(steps));
    TCase *calendar = add_case(suite, "calendar", 60, NULL, NULL);
    tcase_add_loop_test(calendar, calendar_features_follow_from_the_date, 0, ROWS(features));
    tcase_add_test(calendar, an_unknown_feature_has_the_nearest_name);
    return run_suite(suite);
}
