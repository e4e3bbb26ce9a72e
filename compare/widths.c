#include "compare/widths.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A width of the widest layer, and what it gives. At the ends of the search the value is not known: -1 below, INT64_MAX
 * above. */
struct width_point {
    int64_t width, value;
};

struct width_search {
    const struct widths_question *question;
    int32_t widest;
    int64_t step;              /* widths are multiples of it */
    int has_step;              /* it has been looked for */
    struct width_point lo, hi; /* lo.value < budget < hi.value */
    struct width_point best;   /* nearest to the budget */
    int64_t *widths;           /* [count] of the model that is measured */
    int32_t probes;
    struct errors refused; /* of the last width that a model could not have */
};

static void set_widths(const struct width_search *search, int64_t width) {
    const int64_t *given = search->question->given;
    const int64_t of = given[search->widest];
    for (int32_t i = 0; i < search->question->count; i++) {
        const int64_t scaled = (given[i] * width + of / 2) / of;
        search->widths[i] = scaled < 1 ? 1 : scaled;
    }
}

static int64_t distance(const struct width_search *search, int64_t value) {
    const int64_t budget = search->question->budget;
    return value > budget ? value - budget : budget - value;
}

/* Measures a width and narrows the search by it. RONDO_INVALID if a model cannot have it. */
static rondo_status probe(struct width_search *search, int64_t width) {
    const struct widths_question *question = search->question;
    struct width_point point = {width, 0};
    struct errors errors = {0};
    set_widths(search, width);
    search->probes++;
    const rondo_status status =
        question->measure(question->arg, search->widths, question->count, &point.value, &errors);
    if (status != RONDO_OK) {
        errors_free(&search->refused);
        errors_move(&search->refused, &errors);
        return status;
    }
    if (search->best.width == 0 || distance(search, point.value) < distance(search, search->best.value)) {
        search->best = point;
    }
    if (point.value < question->budget && width > search->lo.width) {
        search->lo = point;
    } else if (point.value > question->budget && width < search->hi.width) {
        search->hi = point;
    }
    return RONDO_OK;
}

/* Ends the search at a width that a model cannot have. */
static void bound(struct width_search *search, int64_t refused) {
    if (refused > search->question->given[search->widest]) {
        search->hi = (struct width_point){refused, INT64_MAX};
    } else {
        search->lo = (struct width_point){refused, -1};
    }
}

/* A width was refused. If widths must be multiples of a number, it divides the given width, and the next multiple works. */
static rondo_status find_step(struct width_search *search, int64_t refused) {
    const int64_t given = search->question->given[search->widest];
    rondo_status status = RONDO_INVALID;
    if (search->has_step) {
        bound(search, refused);
        return RONDO_OK;
    }
    for (int64_t step = 1; step <= given && status == RONDO_INVALID; step++) {
        if (given % step == 0 && given + step <= WIDTHS_MOST) {
            status = probe(search, given + step);
            search->step = step;
        }
    }
    search->has_step = 1;
    if (status == RONDO_INVALID) {
        search->step = 0; /* only the given width works */
        return RONDO_OK;
    }
    /* A multiple that is refused all the same, such as a width that is not above that of a projection, is an end of the search. */
    if (status == RONDO_OK && refused % search->step == 0) {
        bound(search, refused);
    }
    return status;
}

/* Where the budget should be if value is proportional to a power of width between the two ends, or from the one that is
 * known. */
static double estimate(const struct width_search *search) {
    const double budget = (double)search->question->budget;
    const struct width_point *lo = &search->lo, *hi = &search->hi;
    if (lo->value > 0 && hi->value < INT64_MAX) {
        const double part = log(budget / (double)lo->value) / log((double)hi->value / (double)lo->value);
        return (double)lo->width * pow((double)hi->width / (double)lo->width, part);
    }
    /* From one end, rather a little too far (values grow with a power of up to 2), and at least twice as far each time: parts
     * that do not depend on the width make them grow less. */
    const struct width_point *known = lo->value > 0 ? lo : hi;
    const double far = pow(2, search->probes - 1);
    const double ratio = pow(budget / (double)(known->value > 0 ? known->value : 1), 1 / 1.5);
    return (double)known->width * (search->probes == 1 ? ratio : known == lo ? fmax(ratio, far) : fmin(ratio, 1 / far));
}

/* The next width, a multiple of the step between both ends; 0: there is none. */
static int64_t next_width(const struct width_search *search) {
    const struct width_point *lo = &search->lo, *hi = &search->hi;
    const int64_t step = search->step;
    const int64_t first = step == 0 ? 1 : (lo->width / step + 1) * step;
    const int64_t last = step == 0 ? 0 : (hi->width - 1) / step * step;
    if (first > last || search->best.value == search->question->budget) {
        return 0;
    }
    const int knows_both = lo->value > 0 && hi->value < INT64_MAX;
    const int is_bounded = (lo->value <= 0 && lo->width > 0) || (hi->value == INT64_MAX && hi->width <= WIDTHS_MOST);
    const int halves = is_bounded || (knows_both && search->probes % 3 == 0); /* estimates may creep from one side */
    const int64_t middle = lo->width + (hi->width - lo->width) / 2;
    const double wanted = halves ? (double)middle : estimate(search);
    const double multiple = floor(wanted / (double)step + 0.5) * (double)step;
    return multiple <= (double)first ? first : multiple >= (double)last ? last : (int64_t)multiple;
}

/* Narrows the search until no width is left. */
static rondo_status narrow(struct width_search *search) {
    rondo_status status = probe(search, search->question->given[search->widest]);
    for (int64_t width; status == RONDO_OK && (width = next_width(search)) > 0;) {
        status = probe(search, width);
        if (status == RONDO_INVALID) {
            status = find_step(search, width);
        }
    }
    return status;
}

/* "64, 32" in a fixed buffer. */
static const char *widths_text(const struct width_search *search, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < search->question->count && length < size - 24; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%" PRId64, i == 0 ? "" : ", ", search->widths[i]);
    }
    return text;
}

rondo_status widths_solve(const struct widths_question *question, int64_t *widths, int64_t *value,
                          struct errors *errors) {
    struct width_search search = {
        .question = question, .step = 1, .lo = {0, -1}, .hi = {WIDTHS_MOST + 1, INT64_MAX}, .widths = widths};
    for (int32_t i = 1; i < question->count; i++) {
        search.widest = question->given[i] > question->given[search.widest] ? i : search.widest;
    }
    rondo_status status = narrow(&search);
    if (status != RONDO_OK) {
        errors_move(errors, &search.refused);
        return status;
    }
    set_widths(&search, search.best.width);
    *value = search.best.value;
    const double off = (double)*value / (double)question->budget - 1;
    if (fabs(off) > WIDTHS_MOST_OFF) {
        char text[200];
        const int has_reason = search.refused.count > 0;
        status = errors_add_at(errors, RONDO_INVALID, question->where,
                               "variant '%.100s' comes no nearer to %" PRId64 " %s than %" PRId64
                               ", %.1f %% %s, with hidden %s; expected at most %.0f %%%s%s",
                               question->variant, question->budget, question->unit, *value, fabs(off) * 100,
                               off > 0 ? "more" : "less", widths_text(&search, text, sizeof text),
                               WIDTHS_MOST_OFF * 100, has_reason ? "; another width does not fit: " : "",
                               has_reason ? errors_text(&search.refused, 0) : "");
    }
    errors_free(&search.refused);
    return status;
}
