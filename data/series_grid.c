/* Rows of series on a grid of time: the step between them, and the steps that are missing. */
#include <math.h>
#include <string.h>

#include "data/series_rows.h"

/* A file may miss rows, but not most of them: a mistake in one date must not make millions of rows. */
enum { MOST_FILLED = 1000000, MOST_MISTAKES = 10 };

/* Weekends that rows from Friday to Monday leave out before Saturdays and Sundays are taken to have no rows. */
enum { LEAST_WEEKENDS = 2 };

/* 1 if no row is at a weekend, and rows on Monday follow rows on Friday. */
static int are_weekdays(const struct series_raw *raw) {
    int64_t weekends = 0;
    for (int64_t row = 0; row < raw->rows; row++) {
        if (date_weekday(raw->time[row]) >= 5) {
            return 0;
        }
        weekends += row > 0 && raw->time[row] - raw->time[row - 1] == 3 * DATE_DAY && date_weekday(raw->time[row]) == 0;
    }
    return weekends >= LEAST_WEEKENDS;
}

/* The day of the month that monthly rows of a series have where the month is long enough: their largest one; 31 if all are at the
 * last day of a month. */
static int day_of_month(const int64_t *time, int64_t count) {
    int all_last = 1, largest = 1;
    for (int64_t i = 0; i < count; i++) {
        const int day = date_fields_of(time[i]).day;
        all_last = all_last && date_is_month_end(time[i]);
        largest = day > largest ? day : largest;
    }
    return all_last ? 31 : largest;
}

/* 1 if the time is at this day of its month, or at the last of a shorter one. */
static int has_day(int64_t time, int day) {
    const struct date_fields fields = date_fields_of(time);
    const int most = date_month_days(fields.year, fields.month);
    return fields.day == (day < most ? day : most);
}

/* 1 if the rows of a series are whole months apart. */
static int are_months_apart(const int64_t *time, int64_t count) {
    const int day = day_of_month(time, count);
    int all = 1;
    for (int64_t i = 0; i < count && all; i++) {
        all = has_day(time[i], day) && (time[i] - time[0]) % DATE_DAY == 0 &&
              (i == 0 || date_months(time[i]) > date_months(time[i - 1]));
    }
    return all;
}

/* The least time between two rows: in months, if all rows are whole months apart and no two of them less than 28 days; a day
 * leaves out weekends if all series do. */
static struct date_step find_step(const struct series_raw *raw, int32_t n_series) {
    struct date_step least = {0};
    int in_months = 1;
    int64_t months = 0;
    for (int32_t s = 0; s < n_series; s++) {
        const int64_t *time = raw->time + raw->begin[s], count = raw->begin[s + 1] - raw->begin[s];
        in_months = in_months && are_months_apart(time, count);
        for (int64_t i = 1; i < count; i++) {
            const int64_t step = time[i] - time[i - 1], own = date_months(time[i]) - date_months(time[i - 1]);
            least.microseconds = least.microseconds == 0 || step < least.microseconds ? step : least.microseconds;
            months = months == 0 || own < months ? own : months;
        }
    }
    if (in_months && least.microseconds >= 28 * DATE_DAY) {
        return (struct date_step){.months = months};
    }
    least.weekdays = least.microseconds == DATE_DAY && are_weekdays(raw);
    return least;
}

/* 1 if fewer than half of the rows follow the one before them by the step, which is the least: the distances have no rule. */
static int is_irregular(const struct series_rows *rows, const struct series_raw *raw) {
    int64_t followed = 0, regular = 0;
    for (int32_t s = 0; s < rows->n_series; s++) {
        const int day = day_of_month(raw->time + raw->begin[s], raw->begin[s + 1] - raw->begin[s]);
        for (int64_t row = raw->begin[s] + 1; row < raw->begin[s + 1]; row++) {
            const int64_t steps = date_steps_between(raw->time[row - 1], raw->time[row], rows->calendar.step, day);
            followed++;
            regular += steps > 0;
        }
    }
    return regular * 2 < followed;
}

/* A step that is not 1: reports it, unless it is a gap that may be filled. */
static int check_step(const struct series_rows *rows, const struct series_form *form, const struct series_raw *raw,
                      int32_t series, int64_t row, int64_t steps, struct errors *errors) {
    const int64_t before = raw->time[row - 1], time = raw->time[row];
    if (steps == 1 || (steps > 1 && form->gaps == SERIES_GAPS_MISSING)) {
        return 1;
    }
    const char *name = rows->series[series].name;
    const char *of = name[0] == '\0' ? "" : arena_printf(rows->arena, " of series '%.60s'", name);
    const struct date_text first = series_time_text(&rows->calendar, form->time_format, before);
    const struct date_text second = series_time_text(&rows->calendar, form->time_format, time);
    const struct date_text step = date_step_text(rows->calendar.step);
    const struct location where = raw->lines[raw->from[row]];
    if (steps == 0 && is_irregular(rows, raw)) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "the times are irregular: %s%s follows %s, and the least time between two rows is %s; expected "
                      "times at equal distances, such as rounded ones, or gaps: ignore, which takes each row as a step",
                      second.text, of == NULL ? "" : of, first.text, step.text);
    } else if (steps == 0) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "%s%s follows %s, and the rows are %s apart; expected a row every %s, or gaps: ignore",
                      second.text, of == NULL ? "" : of, first.text, step.text, step.text);
    } else {
        errors_add_at(
            errors, RONDO_INVALID, where,
            "%s%s follows %s, and the rows are %s apart: %lld row%s missing; gaps: missing makes %s of unknown "
            "numbers, and gaps: ignore takes the rows as they are%s",
            second.text, of == NULL ? "" : of, first.text, step.text, (long long)steps - 1,
            steps == 2 ? " is" : "s are", steps == 2 ? "it one" : "them rows",
            series_may_change_clock(rows->calendar.zone, time) &&
                    (steps - 1) * rows->calendar.step.microseconds == 3600 * DATE_SECOND
                ? "; if the beginning of summer time skips this hour, convert the times to UTC"
                : "");
    }
    return 0;
}

/* Steps before each row, [rows], 1 without a gap; and the rows of each series with those that are filled. */
static rondo_status measure_gaps(struct series_rows *rows, const struct series_form *form, const struct series_raw *raw,
                                 int64_t *steps, struct errors *errors) {
    int32_t mistakes = 0;
    for (int32_t s = 0; s < rows->n_series; s++) {
        struct series_list *series = &rows->series[s];
        series->begin = rows->rows;
        series->day = day_of_month(raw->time + raw->begin[s], raw->begin[s + 1] - raw->begin[s]);
        series->last_line = raw->lines[raw->from[raw->begin[s + 1] - 1]];
        for (int64_t row = raw->begin[s]; row < raw->begin[s + 1]; row++) {
            const int is_first = row == raw->begin[s] || form->gaps == SERIES_GAPS_IGNORE;
            steps[row] =
                is_first ? 1 : date_steps_between(raw->time[row - 1], raw->time[row], rows->calendar.step, series->day);
            if (!is_first && !check_step(rows, form, raw, s, row, steps[row], errors) &&
                (++mistakes == MOST_MISTAKES || (steps[row] == 0 && is_irregular(rows, raw)))) {
                return RONDO_INVALID;
            }
            rows->rows += steps[row];
            rows->filled += steps[row] - (steps[row] > 0);
            if (rows->filled > MOST_FILLED) {
                return errors_add_at(errors, RONDO_INVALID, raw->lines[raw->from[row]],
                                     "more than %d rows are missing up to this line; expected the right time",
                                     MOST_FILLED);
            }
        }
        series->count = rows->rows - series->begin;
    }
    return mistakes > 0 ? RONDO_INVALID : RONDO_OK;
}

static void fill_rows(struct series_rows *rows, const struct series_form *form, const struct series_raw *raw,
                      const int64_t *steps) {
    int64_t to = 0;
    for (int32_t s = 0; s < rows->n_series; s++) {
        for (int64_t row = raw->begin[s]; row < raw->begin[s + 1]; row++) {
            for (int64_t missing = 1; missing < steps[row]; missing++) {
                rows->time[to] = date_add(raw->time[row - 1], rows->calendar.step, missing, rows->series[s].day);
                for (int32_t k = 0; k < form->n_numbers; k++) {
                    rows->values[to * form->n_numbers + k] = NAN;
                }
                to++;
            }
            rows->time[to] = raw->time[row];
            memcpy(rows->values + to * form->n_numbers, raw->values + raw->from[row] * form->n_numbers,
                   (size_t)form->n_numbers * sizeof *rows->values);
            to++;
        }
    }
}

static int has_clock(const struct series_raw *raw) {
    for (int64_t row = 0; row < raw->rows; row++) {
        if (raw->time[row] % DATE_DAY != 0) {
            return 1;
        }
    }
    return 0;
}

rondo_status series_grid(struct series_rows *rows, const struct series_form *form, const struct series_raw *raw,
                         const struct series_calendar *known, struct errors *errors) {
    if (known != NULL) {
        rows->calendar = *known;
    } else {
        rows->calendar.step = find_step(raw, rows->n_series);
        rows->calendar.has_clock = has_clock(raw);
    }
    if (rows->calendar.step.months == 0 && rows->calendar.step.microseconds == 0) {
        return errors_add_at(errors, RONDO_INVALID, raw->lines[0],
                             "no series has two rows, so the time from one row to the next is not known");
    }
    int64_t *steps = arena_calloc(rows->arena, (size_t)raw->rows, sizeof *steps);
    if (steps == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(measure_gaps(rows, form, raw, steps, errors));
    rows->time = arena_calloc(rows->arena, (size_t)rows->rows, sizeof *rows->time);
    rows->values = arena_calloc(rows->arena, (size_t)rows->rows * (size_t)form->n_numbers, sizeof *rows->values);
    if (arena_failed(rows->arena)) {
        return errors_no_memory(errors);
    }
    fill_rows(rows, form, raw, steps);
    return RONDO_OK;
}
