#include "cli/plot.h"

#include <math.h>
#include <string.h>

#include "core/number.h"

void plot_add(struct plot *plot, struct plot_series series) {
    if (plot->n_series < PLOT_MOST_SERIES) {
        plot->series[plot->n_series++] = series;
    }
}

void plot_note(struct plot *plot, const char *text) {
    if (text != NULL && plot->n_notes < PLOT_MOST_NOTES) {
        plot->notes[plot->n_notes++] = text;
    }
}

/* ---- ranges ---- */

static const struct plot_range no_range = {INFINITY, -INFINITY};

static void widen(struct plot_range *range, double value) {
    if (isfinite(value)) {
        range->low = fmin(range->low, value);
        range->high = fmax(range->high, value);
    }
}

double plot_x(const struct plot_series *series, int64_t index) {
    return series->x == NULL ? (double)index : series->x[index];
}

/* Points without a finite y do not count: the axis does not reach to values that are not drawn. At both ends of a line they
 * do, so that a gap there is visible. */
struct plot_range plot_range_of_x(const struct plot *plot) {
    struct plot_range range = no_range;
    for (int32_t s = 0; s < plot->n_series; s++) {
        const struct plot_series *series = &plot->series[s];
        for (int64_t i = 0; i < series->count; i++) {
            if (series->mark != PLOT_POINTS || isfinite(series->y[i])) {
                widen(&range, plot_x(series, i));
            }
        }
    }
    return range;
}

struct plot_range plot_range_of_y(const struct plot *plot) {
    struct plot_range range = no_range;
    for (int32_t s = 0; s < plot->n_series; s++) {
        const struct plot_series *series = &plot->series[s];
        for (int64_t i = 0; i < series->count; i++) {
            widen(&range, series->y[i]);
            widen(&range, series->upper == NULL ? NAN : series->upper[i]);
        }
    }
    return range;
}

/* Numbers are halved before they are subtracted, because the difference of two large numbers may be infinite. */
double plot_share(struct plot_range range, double value) {
    const double width = range.high / 2 - range.low / 2;
    return width > 0 ? (value / 2 - range.low / 2) / width : 0.5;
}

/* ---- slices of lines ---- */

/* The line at `x` between the points index and index + 1; NAN if a point with a weight is not finite. */
static double value_at(const struct plot_series *series, const double *values, int64_t index, double x) {
    const double left = plot_x(series, index), value = values[index];
    if (index + 1 >= series->count || x <= left) {
        return value;
    }
    const double right = plot_x(series, index + 1);
    const double share = right > left ? (x - left) / (right - left) : 0;
    return share == 0 ? value : value * (1 - share) + values[index + 1] * share;
}

struct plot_range plot_slice(const struct plot_series *series, const double *values, double begin, double end,
                             int64_t *next) {
    struct plot_range range = no_range;
    if (series->count == 0 || end < plot_x(series, 0) || begin > plot_x(series, series->count - 1)) {
        return range;
    }
    while (*next + 1 < series->count && plot_x(series, *next + 1) <= begin) {
        (*next)++;
    }
    if (begin >= plot_x(series, *next)) {
        widen(&range, value_at(series, values, *next, begin));
    }
    int64_t i = *next;
    for (; i < series->count && plot_x(series, i) <= end; i++) {
        if (plot_x(series, i) >= begin) {
            widen(&range, values[i]);
        }
    }
    if (i > 0 && i < series->count) {
        widen(&range, value_at(series, values, i - 1, end));
    }
    return range;
}

/* ---- matrices ---- */

struct plot_groups plot_groups(const struct plot_matrix *matrix, int64_t most) {
    const int64_t size = (matrix->count + most - 1) / most;
    return (struct plot_groups){(matrix->count + size - 1) / size, size};
}

static int64_t group_end(const struct plot_matrix *matrix, struct plot_groups groups, int64_t group) {
    const int64_t end = (group + 1) * groups.size;
    return end < matrix->count ? end : matrix->count;
}

static double sum_of(const struct plot_matrix *matrix, struct plot_groups groups, int64_t row, int64_t begin,
                     int64_t end) {
    double sum = 0;
    for (int64_t r = row * groups.size; r < group_end(matrix, groups, row); r++) {
        for (int64_t c = begin; c < end; c++) {
            sum += matrix->values[r * matrix->count + c];
        }
    }
    return sum;
}

double plot_group_rows(const struct plot_matrix *matrix, struct plot_groups groups, int64_t row) {
    return sum_of(matrix, groups, row, 0, matrix->count);
}

double plot_group_share(const struct plot_matrix *matrix, struct plot_groups groups, int64_t row, int64_t column) {
    const double rows = plot_group_rows(matrix, groups, row);
    return sum_of(matrix, groups, row, column * groups.size, group_end(matrix, groups, column)) /
           (rows > 0 ? rows : NAN);
}

int32_t plot_confusions(const struct plot_matrix *matrix, struct plot_confusion *found, int32_t most) {
    int32_t count = 0;
    for (int64_t at = 0; at < matrix->count * matrix->count; at++) {
        const struct plot_confusion next = {at / matrix->count, at % matrix->count, matrix->values[at]};
        if (next.row == next.column || !(next.value > 0)) {
            continue;
        }
        int32_t place = count < most ? count++ : most;
        for (; place > 0 && found[place - 1].value < next.value; place--) {
            if (place < most) {
                found[place] = found[place - 1];
            }
        }
        if (place < most) {
            found[place] = next;
        }
    }
    return count;
}

/* ---- ticks ---- */

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double round_step(double least) {
    const double power = pow(10, floor(log10(least)));
    const double digit = least / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

struct plot_ticks plot_ticks(struct plot_range range, int32_t wanted, int is_whole) {
    const double half = range.high / 2 - range.low / 2, least = half > 0 ? round_step(half / wanted * 2) : 0;
    const double step = is_whole && least > 0 ? fmax(1, least) : least;
    const double first = step > 0 ? ceil(range.low / step) : 0, last = step > 0 ? floor(range.high / step) : 0;
    if (!(step > 0) || !isfinite(step) || !(last >= first) || last - first > 2 * wanted + 2) {
        return (struct plot_ticks){range.low, 0, 1};
    }
    return (struct plot_ticks){first * step, step, (int32_t)(last - first) + 1};
}

struct plot_text plot_axis_text(const struct plot_axis *axis, double value, const char *format) {
    struct plot_text text = {""};
    const double index = round(value);
    if (axis->names != NULL && index >= 0 && index < (double)axis->n_names) {
        snprintf(text.text, sizeof text.text, "%.63s", axis->names[(int64_t)index]);
    } else {
        number_print(text.text, sizeof text.text, format, value == 0 ? 0.0 : value);
    }
    return text;
}
