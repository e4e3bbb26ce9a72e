#include "cli/schema_option.h"

#include <math.h>
#include <string.h>

#include "cli/catalogue_facts.h"
#include "core/options.h"

/* An integral number is written as 1, not 1.0. */
static json_t *number_json(double value) {
    const int is_integer = fabs(value) <= 9007199254740992.0 && value == floor(value); /* 2^53 */
    return is_integer ? json_integer((json_int_t)value) : json_real(value);
}

/* Minimum and maximum. A bound at the end of the type's range means that there is none. */
static void set_range(struct json_builder *builder, json_t *object, const rondo_option *option) {
    const double limit = 9223372036854775808.0; /* 2^63 */
    const int is_integer = option->type == RONDO_INT || option->type == RONDO_INTS;
    if (option->type == RONDO_INT && option->min == option->max) {
        json_set(builder, object, "const", number_json(option->min));
        return;
    }
    if (isfinite(option->min) && option->min > (is_integer ? -limit : -1e300)) {
        json_set(builder, object, "minimum", number_json(option->min));
    }
    if (isfinite(option->max) && option->max < (is_integer ? limit : 1e300)) {
        json_set(builder, object, "maximum", number_json(option->max));
    }
}

/* A number, or a list of up to `most` of them. */
static void set_list(struct json_builder *builder, json_t *object, const rondo_option *option, const char *type,
                     int most) {
    json_t *items = json_pack("{s:s}", "type", type);
    set_range(builder, items, option);
    json_set(builder, object, "type", json_pack("[s, s]", type, "array"));
    set_range(builder, object, option);
    json_set(builder, object, "items", items);
    json_set(builder, object, "maxItems", json_integer(most));
}

/* The same with two more forms: a mapping of labels to numbers, and a word. */
static void set_class_list(struct json_builder *builder, json_t *object, const rondo_option *option) {
    json_t *values = json_pack("{s:s}", "type", "number");
    set_list(builder, object, option, "number", 4096);
    set_range(builder, values, option);
    json_set(builder, object, "type", json_pack("[s, s, s, s]", "number", "array", "object", "string"));
    json_set(builder, object, "additionalProperties", values);
    json_set(builder, object, "pattern", json_string("^balanced$"));
}

static void set_type(struct json_builder *builder, json_t *object, const rondo_option *option) {
    switch (option->type) {
    case RONDO_BOOL:
        json_set(builder, object, "type", json_string("boolean"));
        break;
    case RONDO_INT:
        json_set(builder, object, "type", json_string("integer"));
        set_range(builder, object, option);
        break;
    case RONDO_REAL:
        json_set(builder, object, "type", json_string("number"));
        set_range(builder, object, option);
        break;
    case RONDO_CHOICE:
        json_set(builder, object, "enum", json_texts(builder, option->choices));
        break;
    case RONDO_INTS:
        set_list(builder, object, option, "integer", RONDO_MAX_DIMS);
        break;
    case RONDO_REALS:
        set_list(builder, object, option, "number", 4096);
        break;
    case RONDO_CLASS_REALS:
        set_class_list(builder, object, option);
        break;
    default: /* unquoted text may look like a number */
        json_set(builder, object, "type", json_pack("[s, s]", "string", "number"));
        break;
    }
}

static json_t *reals_json(struct json_builder *builder, const rondo_reals *reals) {
    json_t *array = json_array();
    for (int64_t i = 0; i < reals->count; i++) {
        json_append(builder, array, number_json(reals->values[i]));
    }
    return array;
}

static json_t *ints_json(struct json_builder *builder, const rondo_ints *ints) {
    json_t *array = json_array();
    for (int32_t i = 0; i < ints->count; i++) {
        json_append(builder, array, json_integer((json_int_t)ints->values[i]));
    }
    return array;
}

/* The default, as the parser of options reads it. NULL if it does not parse, or out of memory. */
static json_t *default_json(struct json_builder *builder, const rondo_option *option) {
    union {
        int32_t index;
        int64_t integer;
        double real;
        const char *string;
        rondo_ints ints;
        rondo_reals reals;
    } value;
    memset(&value, 0, sizeof value);
    rondo_option alone = *option;
    struct errors errors = {0};
    alone.offset = 0;
    const rondo_status status =
        option_set(&alone, &value, option->default_text, builder->arena, (struct location){0}, &errors);
    errors_free(&errors);
    if (status != RONDO_OK) {
        return NULL;
    }
    switch (option->type) {
    case RONDO_BOOL:
        return json_boolean(value.index != 0);
    case RONDO_INT:
        return json_integer((json_int_t)value.integer);
    case RONDO_REAL:
        return number_json(value.real);
    case RONDO_CHOICE:
        return json_string(option->choices[value.index]);
    case RONDO_INTS:
        return option->default_text[0] == '[' ? ints_json(builder, &value.ints)
                                              : json_integer((json_int_t)value.ints.values[0]);
    case RONDO_REALS:
    case RONDO_CLASS_REALS:
        return option->default_text[0] == '[' ? reals_json(builder, &value.reals) : number_json(value.reals.values[0]);
    default:
        return json_string(value.string);
    }
}

/* "learning rate (number in [0, 1000]; default 0.001)" */
static json_t *description(struct json_builder *builder, const char *help, const char *expected,
                           const char *default_text) {
    const struct key_row row = {.default_text = default_text};
    const char *text = expected == NULL ? NULL
                       : default_text == NULL
                           ? arena_printf(builder->arena, "%s (%s; must be given)", help, expected)
                           : arena_printf(builder->arena, "%s (%s; default %s)", help, expected, key_default(&row));
    return text == NULL ? NULL : json_string(text);
}

json_t *option_schema(struct json_builder *builder, const rondo_option *option) {
    json_t *object = json_object();
    json_set(builder, object, "description",
             description(builder, option->help, expected_text(option, builder->arena), option->default_text));
    set_type(builder, object, option);
    if (option->default_text != NULL && option->default_text[0] != '\0') {
        json_set(builder, object, "default", default_json(builder, option));
    }
    return object;
}
