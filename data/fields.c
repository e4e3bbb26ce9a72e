#include "data/fields.h"

#include <jansson.h>
#include <math.h>

#include "core/number.h"
#include "data/reader.h"

void fields_open(struct fields *fields, struct arena *arena) {
    *fields = (struct fields){.arena = arena, .object = json_object()};
    fields->last = &fields->first;
    fields->failed = fields->object == NULL;
}

void fields_close(struct fields *fields) {
    json_decref(fields->object);
    fields->object = NULL;
}

int fields_failed(const struct fields *fields) {
    return fields->failed || arena_failed(fields->arena);
}

/* The functions of jansson take the value over, also if they fail, and fail if it is NULL. */
void fields_append(struct fields *fields, struct json_t *list, struct json_t *value) {
    fields->failed |= json_array_append_new(list, value) != 0;
}

void fields_member(struct fields *fields, struct json_t *object, const char *key, struct json_t *value) {
    fields->failed |= json_object_set_new(object, key, value) != 0;
}

void fields_json(struct fields *fields, const char *key, struct json_t *value) {
    fields_member(fields, fields->object, key, value);
}

void fields_show(struct fields *fields, const char *text) {
    struct field_shown *shown = arena_calloc(fields->arena, 1, sizeof *shown);
    if (shown != NULL) {
        shown->text = arena_strdup(fields->arena, text);
        shown->begins_line = fields->begins_line && fields->first != NULL;
        fields->begins_line = 0;
        *fields->last = shown;
        fields->last = &shown->next;
    }
}

void fields_text(struct fields *fields, const char *key, const char *value, int is_shown) {
    fields_json(fields, key, json_string(value));
    if (is_shown) {
        fields_show(fields, value);
    }
}

/* JSON has no infinity and no NaN. */
static json_t *number_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

void fields_line(struct fields *fields) {
    fields->begins_line = 1;
}

void fields_show_number(struct fields *fields, double value, const char *format) {
    char text[64];
    number_print(text, sizeof text, format, value);
    fields_show(fields, text);
}

void fields_number(struct fields *fields, const char *key, double value, const char *format) {
    fields_json(fields, key, number_json(value));
    if (format != NULL) {
        fields_show_number(fields, value, format);
    }
}

/* ---- the usual form ---- */

static json_t *numbers_json(const float *numbers, int64_t count, struct fields *fields) {
    json_t *list = json_array();
    for (int64_t k = 0; k < count; k++) {
        fields_append(fields, list, number_json((double)numbers[k]));
    }
    return list;
}

/* The text of a class: its name, or its number if there are no names. */
static const char *class_text(const struct reader_prediction *prediction, int64_t class_id, struct arena *arena) {
    return prediction->names != NULL ? vocabulary_word(prediction->names, (int32_t)class_id)
                                     : arena_printf(arena, "%lld", (long long)class_id);
}

static int64_t best_of(const float *probabilities, int64_t size) {
    int64_t best = 0;
    for (int64_t k = 1; k < size; k++) {
        best = probabilities[k] > probabilities[best] ? k : best;
    }
    return best;
}

static void one_class(const struct reader_prediction *prediction, struct fields *fields) {
    const int64_t best = best_of(prediction->values, prediction->size);
    json_t *probabilities = json_object();
    for (int64_t k = 0; k < prediction->size; k++) {
        const char *name = class_text(prediction, k, fields->arena);
        if (name != NULL) {
            fields_member(fields, probabilities, name, number_json((double)prediction->values[k]));
        }
    }
    const char *label = class_text(prediction, best, fields->arena);
    if (label != NULL) {
        fields_text(fields, "label", label, 1);
    }
    fields_show_number(fields, (double)prediction->values[best], "%.4f");
    fields_json(fields, "probabilities", probabilities);
}

/* Labels as a list and as one text with blanks between them. */
struct label_list {
    struct fields *fields;
    json_t *labels;
    const char *line;
};

static void add_label(struct label_list *list, const struct reader_prediction *prediction, int64_t class_id) {
    struct arena *arena = list->fields->arena;
    const char *label = class_text(prediction, class_id, arena);
    const char *between = json_array_size(list->labels) == 0 ? "" : " ";
    list->line = label == NULL || list->line == NULL ? NULL : arena_printf(arena, "%s%s%s", list->line, between, label);
    if (label != NULL) {
        fields_append(list->fields, list->labels, json_string(label));
    }
}

static void finish_labels(const struct label_list *list) {
    fields_json(list->fields, "labels", list->labels);
    if (list->line != NULL) {
        fields_show(list->fields, list->line);
    }
}

static void classes_by_step(const struct reader_prediction *prediction, struct fields *fields) {
    struct label_list list = {fields, json_array(), ""};
    for (int64_t step = 0; step < prediction->steps; step++) {
        add_label(&list, prediction, best_of(prediction->values + step * prediction->size, prediction->size));
    }
    finish_labels(&list);
}

/* Best path decoding (Graves et al. 2006, section 3.2): the most probable class of each step, repeats merged, and then
 * blanks, which are class 0, removed. */
static void labels_of_list(const struct reader_prediction *prediction, struct fields *fields) {
    struct label_list list = {fields, json_array(), ""};
    int64_t before = 0;
    for (int64_t step = 0; step < prediction->steps; step++) {
        const int64_t best = best_of(prediction->values + step * prediction->size, prediction->size);
        if (best != 0 && best != before) {
            add_label(&list, prediction, best - 1);
        }
        before = best;
    }
    finish_labels(&list);
}

/* Quantiles as lists: of the numbers of the row or, by step, of lists. */
static json_t *ends_json(const struct reader_prediction *prediction, const float *ends, struct fields *fields) {
    if (!prediction->by_step) {
        return prediction->numbers == 1 ? number_json((double)ends[0])
                                        : numbers_json(ends, prediction->numbers, fields);
    }
    json_t *steps = json_array();
    for (int64_t step = 0; step < prediction->steps; step++) {
        fields_append(fields, steps, numbers_json(ends + step * prediction->numbers, prediction->numbers, fields));
    }
    return steps;
}

static void add_interval(const struct reader_prediction *prediction, struct fields *fields) {
    if (prediction->middle != NULL) {
        fields_json(fields, "median", ends_json(prediction, prediction->middle, fields));
    }
    if (prediction->lower != NULL) {
        fields_number(fields, "interval", prediction->interval, NULL);
        fields_json(fields, "lower", ends_json(prediction, prediction->lower, fields));
        fields_json(fields, "upper", ends_json(prediction, prediction->upper, fields));
    }
}

/* Appends numbers to a text, with blanks between; NULL: out of memory. */
static const char *add_numbers(const char *line, const float *numbers, int64_t count, struct arena *arena) {
    for (int64_t k = 0; k < count && line != NULL; k++) {
        char text[64];
        number_print(text, sizeof text, "%.6g", (double)numbers[k]);
        line = arena_printf(arena, "%s%s%s", line, line[0] == '\0' ? "" : " ", text);
    }
    return line;
}

static void numbers_by_step(const struct reader_prediction *prediction, struct fields *fields) {
    json_t *steps = json_array();
    for (int64_t step = 0; step < prediction->steps; step++) {
        const float *values = prediction->values + step * prediction->size;
        fields_append(fields, steps, numbers_json(values, prediction->size, fields));
        const char *line = add_numbers("", values, prediction->size, fields->arena);
        if (prediction->lower != NULL) {
            const int64_t at = step * prediction->numbers;
            line = add_numbers(line, prediction->lower + at, prediction->numbers, fields->arena);
            line = add_numbers(line, prediction->upper + at, prediction->numbers, fields->arena);
        }
        if (line != NULL) {
            fields_show(fields, line);
        }
    }
    fields_json(fields, "steps", steps);
    add_interval(prediction, fields);
}

static void one_row_of_numbers(const struct reader_prediction *prediction, struct fields *fields) {
    if (prediction->size == 1) {
        fields_number(fields, "value", (double)prediction->values[0], NULL);
    } else {
        fields_json(fields, "values", numbers_json(prediction->values, prediction->size, fields));
    }
    add_interval(prediction, fields);
    const float *const shown[] = {prediction->values, prediction->lower, prediction->upper};
    for (int s = 0; s < (prediction->lower == NULL ? 1 : 3); s++) {
        for (int64_t k = 0; k < (s == 0 ? prediction->size : prediction->numbers); k++) {
            fields_show_number(fields, (double)shown[s][k], "%.6g");
        }
    }
}

void fields_of_prediction(const struct reader_prediction *prediction, struct fields *fields) {
    const struct dataset *dataset = prediction->dataset;
    if (dataset->texts != NULL) {
        fields_text(fields, "text", dataset->texts[prediction->example], 0);
    }
    if (prediction->is_list) {
        labels_of_list(prediction, fields);
    } else if (prediction->by_step) {
        (prediction->is_class ? classes_by_step : numbers_by_step)(prediction, fields);
    } else {
        (prediction->is_class ? one_class : one_row_of_numbers)(prediction, fields);
    }
}
