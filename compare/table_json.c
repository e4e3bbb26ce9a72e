/* compare/table_json.c: the table of a comparison and its runs as one JSON object, with the names of the columns as keys. Null: not
 * known; "never": infinite. */
#include <jansson.h>
#include <math.h>

#include "compare/table_content.h"
#include "compare/table_runs.h"
#include "compare/text_builder.h"
#include "io/json.h"

/* The value while it is built. Sticky: `failed` if memory was short once. */
struct comparison_json_writing {
    const struct comparison_content *content;
    int failed;
};

/* Both take over `value`, which may be NULL. */
static void set(struct comparison_json_writing *writing, json_t *object, const char *key, json_t *value) {
    if (key == NULL) {
        json_decref(value);
        writing->failed = 1;
    } else {
        writing->failed |= json_object_set_new_nocheck(object, key, value) != 0;
    }
}

static void append(struct comparison_json_writing *writing, json_t *array, json_t *value) {
    writing->failed |= json_array_append_new(array, value) != 0;
}

static json_t *text_json(const char *text) {
    return text == NULL ? json_null() : json_text(text);
}

static json_t *number_json(double number) {
    return isnan(number)                                                  ? json_null()
           : isinf(number)                                                ? json_string("never")
           : number == floor(number) && fabs(number) < 9007199254740992.0 ? json_integer((json_int_t)number)
                                                                          : json_real(number);
}

static json_t *texts_json(struct comparison_json_writing *writing, const char *const *texts, int32_t count) {
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++) {
        append(writing, array, text_json(texts[i]));
    }
    return array;
}

static void set_settings(struct comparison_json_writing *writing, json_t *object, int32_t variant) {
    const struct comparison_content *content = writing->content;
    json_t *settings = json_object();
    set(writing, object, "variant", text_json(content->comparison->variants[variant].name));
    for (int32_t c = 0; c < content->n_columns; c++) {
        const struct comparison_column *column = &content->columns[c];
        if (column->group == TABLE_NAMES && column->kind == TABLE_SETTING) {
            set(writing, settings, column->key, text_json(table_setting(content, column, variant)));
        }
    }
    set(writing, object, "settings", settings);
}

static json_t *variant_json(struct comparison_json_writing *writing, int32_t variant, struct arena *arena) {
    const struct comparison_content *content = writing->content;
    json_t *object = json_object();
    set_settings(writing, object, variant);
    for (int32_t c = 0; c < content->n_columns; c++) {
        const struct comparison_column *column = &content->columns[c];
        if (!(column->readers & TABLE_FOR_PROGRAMS) || table_is_text(column)) {
            continue;
        }
        set(writing, object, column->key, number_json(table_number(content, column, variant)));
        if (column->interval != 0 && column->interval_readers & TABLE_FOR_PROGRAMS) {
            const struct statistics_interval interval = table_interval(content, column, variant);
            set(writing, object, arena_printf(arena, "%s_low", column->key), number_json(interval.low));
            set(writing, object, arena_printf(arena, "%s_high", column->key), number_json(interval.high));
        }
    }
    return object;
}

static json_t *run_json(struct comparison_json_writing *writing, int32_t variant, int32_t seed,
                        const struct comparison_run_columns *columns) {
    const struct compared_run *run = &writing->content->comparison->variants[variant].runs[seed];
    json_t *object = json_object();
    set(writing, object, "variant", text_json(writing->content->comparison->variants[variant].name));
    set(writing, object, "seed", json_integer(run->seed));
    set(writing, object, "state", json_string(compared_state_name(run->state)));
    set(writing, object, "reason", text_json(run->reason));
    for (int32_t c = 0; c < columns->count; c++) {
        set(writing, object, columns->items[c].key, number_json(table_run_number(&columns->items[c], run)));
    }
    return object;
}

/* Tests against a reference. */
static json_t *tests_json(struct comparison_json_writing *writing, const struct tests_statistics *tests) {
    const struct comparison *comparison = writing->content->comparison;
    json_t *object = json_object();
    set(writing, object, "reference",
        text_json(tests->reference < 0 ? NULL : comparison->variants[tests->reference].name));
    set(writing, object, "comparisons", json_integer(tests->comparisons));
    set(writing, object, "tested", json_integer(tests->n_tested));
    set(writing, object, "pairs_needed", json_integer(tests->pairs_needed));
    return object;
}

static void set_comparison(struct comparison_json_writing *writing, json_t *object) {
    const struct comparison *comparison = writing->content->comparison;
    set(writing, object, "name", text_json(comparison->name));
    set(writing, object, "final", json_boolean(writing->content->not_final == NULL));
    set(writing, object, "metric", text_json(comparison->metric));
    set(writing, object, "higher_is_better", json_boolean(comparison->higher_is_better));
    set(writing, object, "part", text_json(comparison->part));
    set(writing, object, "seeds", json_integer(comparison->n_seeds));
    set(writing, object, "target", number_json(comparison->target));
    set(writing, object, "budget",
        comparison->equal == COMPARED_AS_GIVEN ? json_null() : json_integer(comparison->budget));
    set(writing, object, "trials", json_integer(comparison->trials));
    set(writing, object, "subject", text_json(writing->content->subject));
    set(writing, object, "result", texts_json(writing, writing->content->sentences, writing->content->n_sentences));
    set(writing, object, "against_baseline", tests_json(writing, &writing->content->statistics->baseline));
    set(writing, object, "against_best", tests_json(writing, &writing->content->statistics->best));
}

const char *table_as_json(const struct comparison_content *content, struct arena *arena) {
    struct comparison_json_writing writing = {content, arena_failed(arena)};
    struct comparison_run_columns columns;
    json_t *root = json_object(), *variants = json_array(), *runs = json_array();
    table_run_columns_make(content, &columns, arena);
    if (!arena_failed(arena)) {
        set_comparison(&writing, root);
    }
    for (int32_t i = 0; i < content->comparison->n_variants && !arena_failed(arena); i++) {
        append(&writing, variants, variant_json(&writing, content->statistics->ranking[i], arena));
        for (int32_t s = 0; s < content->comparison->n_seeds; s++) {
            append(&writing, runs, run_json(&writing, i, s, &columns));
        }
    }
    set(&writing, root, "variants", variants);
    set(&writing, root, "runs", runs);
    char *text = writing.failed ? NULL : json_write(root, JSON_INDENT(1));
    struct text_builder builder = {.arena = arena};
    text_add(&builder, text);
    text_add(&builder, "\n");
    const char *built = text == NULL ? NULL : text_built(&builder);
    json_decref(root);
    free(text);
    return built;
}
