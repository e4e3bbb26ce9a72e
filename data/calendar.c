#define _XOPEN_SOURCE 700 /* M_PI */
#include "data/calendar.h"

#include <math.h>
#include <string.h>

#include "data/dates.h"

const char *const calendar_all = "hour, weekday, day, month, weekend, day_cycle, week_cycle, year_cycle";

/* A feature of categories has the category of a time; of a cycle, the share of it that has passed. */
struct calendar_feature {
    const char *name;
    int64_t width;
    int (*category)(int64_t time);
    double (*share)(int64_t time);
};

static int hour_of(int64_t time) {
    return date_fields_of(time).hour;
}

static int day_of(int64_t time) {
    return date_fields_of(time).day - 1;
}

static int month_of(int64_t time) {
    return date_fields_of(time).month - 1;
}

/* Category 0 of one number is 1; none is 0. */
static int weekend_of(int64_t time) {
    return date_weekday(time) >= 5 ? 0 : -1;
}

static double day_share(int64_t time) {
    const struct date_fields fields = date_fields_of(time);
    return (3600.0 * fields.hour + 60.0 * fields.minute + fields.second) / 86400;
}

static double week_share(int64_t time) {
    return (date_weekday(time) + day_share(time)) / 7;
}

static double year_share(int64_t time) {
    const int64_t year = date_fields_of(time).year;
    const struct date_fields first = {.year = year, .month = 1, .day = 1},
                             next = {.year = year + 1, .month = 1, .day = 1};
    const int64_t begin = date_of_fields(&first), end = date_of_fields(&next);
    return (double)(time - begin) / (double)(end - begin);
}

static const struct calendar_feature features[] = {
    {"hour", 24, hour_of, NULL},         {"weekday", 7, date_weekday, NULL},  {"day", 31, day_of, NULL},
    {"month", 12, month_of, NULL},       {"weekend", 1, weekend_of, NULL},    {"day_cycle", 2, NULL, day_share},
    {"week_cycle", 2, NULL, week_share}, {"year_cycle", 2, NULL, year_share},
};
enum { FEATURES = sizeof features / sizeof features[0] };

int32_t calendar_find(const char *name, struct suggestion *near) {
    for (int32_t i = 0; i < FEATURES; i++) {
        if (strcmp(features[i].name, name) == 0) {
            return i;
        }
        suggest(near, name, features[i].name);
    }
    return -1;
}

int64_t calendar_width(int32_t feature) {
    return features[feature].width;
}

void calendar_fill(int32_t feature, int64_t time, float *numbers) {
    const struct calendar_feature *own = &features[feature];
    if (own->share != NULL) {
        const double angle = 2 * M_PI * own->share(time);
        numbers[0] = (float)sin(angle);
        numbers[1] = (float)cos(angle);
        return;
    }
    const int category = own->category(time);
    for (int64_t k = 0; k < own->width; k++) {
        numbers[k] = k == category;
    }
}
