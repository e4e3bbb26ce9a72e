#include "compare/comparison.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "io/json.h"

enum { FORMAT = 1 }; /* of comparison.json */

static const char *const state_names[] = {"missing", "running", "failed", "finished", "scored"}; /* by compared_state */
static const char *const equal_names[] = {"no", "parameters", "flops"};                          /* by compared_equal */

const char *compared_state_name(enum compared_state state) {
    return state_names[state];
}

int comparison_is_complete(const struct comparison *comparison) {
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const enum compared_state state = comparison->variants[v].runs[s].state;
            if (state != COMPARED_SCORED && state != COMPARED_FAILED) {
                return 0;
            }
        }
    }
    return 1;
}

/* ---- writing ---- */

static json_t *number_json(double value) {
    return isnan(value) ? json_null() : isinf(value) ? json_string("never") : json_real(value);
}

static json_t *text_json(const char *text) {
    return text == NULL ? json_null() : json_text(text);
}

/* Settings as an object: {"model.layers.0.cell": "lstm"}. */
static json_t *settings_json(const struct compared_setting *settings, int32_t count) {
    json_t *object = json_object();
    for (int32_t i = 0; i < count && object != NULL; i++) {
        if (json_object_set_new(object, settings[i].key, json_text(settings[i].text)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static const char *const end_names[] = {"within", "smallest", "largest"};

/* {"optimizer.lr": "largest"}: the settings whose value is at an end of those that were tried. */
static json_t *ends_json(const struct compared_setting *settings, int32_t count) {
    json_t *object = json_object();
    for (int32_t i = 0; i < count && object != NULL; i++) {
        if (settings[i].end != COMPARED_WITHIN &&
            json_object_set_new(object, settings[i].key, json_string(end_names[settings[i].end])) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static json_t *metrics_json(const struct compared_run *run) {
    json_t *object = json_object();
    for (int32_t i = 0; i < run->n_metrics && object != NULL; i++) {
        if (json_object_set_new(object, run->metrics[i].name, number_json(run->metrics[i].value)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static json_t *run_json(const struct compared_run *run) {
    return json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seed",
                     (json_int_t)run->seed, "folder", text_json(run->folder), "state", state_names[run->state],
                     "reason", text_json(run->reason), "score", number_json(run->score), "metrics", metrics_json(run),
                     "valid", number_json(run->valid), "best_epoch", number_json(run->best_epoch), "epochs",
                     number_json(run->epochs), "seconds", number_json(run->seconds), "seconds_per_epoch",
                     number_json(run->seconds_per_epoch), "peak_memory_megabytes", number_json(run->peak_memory),
                     "steps_to_target", number_json(run->steps_to_target), "seconds_to_target",
                     number_json(run->seconds_to_target));
}

/* Takes over `item`. */
static int append(json_t **array, json_t *item) {
    if (*array == NULL || json_array_append_new(*array, item) != 0) {
        json_decref(*array);
        *array = NULL;
        return 0;
    }
    return 1;
}

static json_t *variant_json(const struct compared_variant *variant, int32_t n_seeds) {
    json_t *runs = json_array();
    for (int32_t s = 0; s < n_seeds; s++) {
        if (!append(&runs, run_json(&variant->runs[s]))) {
            break;
        }
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:o, s:o}", "name", text_json(variant->name), "folder",
        text_json(variant->folder), "settings", settings_json(variant->settings, variant->n_settings), "widths",
        settings_json(variant->widths, variant->n_widths), "tuned", settings_json(variant->tuned, variant->n_tuned),
        "tuned_ends", ends_json(variant->tuned, variant->n_tuned), "failed_trials", variant->failed_trials,
        "parameters", (json_int_t)variant->parameters, "flops_per_step", (json_int_t)variant->flops, "budget_ratio",
        number_json(variant->budget_ratio), "runs", runs);
}

json_t *comparison_json(const struct comparison *comparison) {
    json_t *variants = json_array(), *seeds = json_array();
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        if (!append(&variants, variant_json(&comparison->variants[v], comparison->n_seeds))) {
            break;
        }
    }
    for (int32_t s = 0; s < comparison->n_seeds; s++) {
        if (!append(&seeds, json_integer(comparison->seeds[s]))) {
            break;
        }
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:s, s:I, s:o, s:i, s:o, s:o}", "format", FORMAT, "name",
                     text_json(comparison->name), "experiment", text_json(comparison->file), "flags",
                     text_json(comparison->flags == NULL ? "" : comparison->flags), "metric",
                     text_json(comparison->metric), "higher_is_better", comparison->higher_is_better, "part",
                     comparison->part, "target", number_json(comparison->target), "equal",
                     equal_names[comparison->equal], "budget", (json_int_t)comparison->budget, "baseline",
                     text_json(comparison->baseline), "trials", comparison->trials, "seeds", seeds, "variants",
                     variants);
}

/* ---- reading ---- */

/* The file while it is read. Sticky: `wrong` is what was expected and not found, the first time. */
struct comparison_reading {
    struct arena *arena;
    const char *wrong;
};

static void fail(struct comparison_reading *reading, const char *key, const char *expected) {
    if (reading->wrong == NULL) {
        reading->wrong = arena_printf(reading->arena, "'%s' is not %s", key, expected);
    }
}

static double read_number(struct comparison_reading *reading, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value) && strcmp(json_string_value(value), "never") == 0) {
        return INFINITY;
    }
    if (!json_is_number(value) && !json_is_null(value)) {
        fail(reading, key, "a number");
    }
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t read_integer(struct comparison_reading *reading, const json_t *object, const char *key, int64_t least) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < least) {
        fail(reading, key, "a whole number in its range");
        return least;
    }
    return json_integer_value(value);
}

/* NULL: the value is null, or it is not a text. */
static const char *read_text(struct comparison_reading *reading, const json_t *object, const char *key, int may_miss) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) && !(may_miss && json_is_null(value))) {
        fail(reading, key, "a text");
    }
    return json_is_string(value) ? arena_strdup(reading->arena, json_string_value(value)) : NULL;
}

static int32_t read_choice(struct comparison_reading *reading, const json_t *object, const char *key,
                           const char *const *names, int32_t count) {
    const char *text = json_string_value(json_object_get(object, key));
    for (int32_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    fail(reading, key, "a known word");
    return 0;
}

static struct compared_setting *read_settings(struct comparison_reading *reading, json_t *object, const char *key,
                                              int32_t *count) {
    json_t *map = json_object_get(object, key), *value;
    const char *name;
    struct compared_setting *settings = arena_calloc(reading->arena, json_object_size(map), sizeof *settings);
    *count = 0;
    if (!json_is_object(map)) {
        fail(reading, key, "an object");
        return NULL;
    }
    json_object_foreach(map, name, value) {
        if (settings == NULL || !json_is_string(value)) {
            fail(reading, key, "an object of texts");
            return NULL;
        }
        settings[(*count)++] =
            (struct compared_setting){arena_strdup(reading->arena, name),
                                      arena_strdup(reading->arena, json_string_value(value)), COMPARED_WITHIN};
    }
    return settings;
}

/* The settings that tuning has chosen. Files of earlier versions have no ends. */
static const struct compared_setting *read_tuned(struct comparison_reading *reading, json_t *object, int32_t *count) {
    struct compared_setting *tuned = read_settings(reading, object, "tuned", count);
    json_t *ends = json_object_get(object, "tuned_ends");
    for (int32_t i = 0; ends != NULL && i < *count; i++) {
        if (json_object_get(ends, tuned[i].key) != NULL) {
            tuned[i].end = (enum compared_end)read_choice(reading, ends, tuned[i].key, end_names, COMPARED_LARGEST + 1);
        }
    }
    return tuned;
}

static void read_metrics(struct comparison_reading *reading, json_t *object, struct compared_run *run) {
    json_t *map = json_object_get(object, "metrics"), *value;
    const char *name;
    struct compared_metric *metrics = arena_calloc(reading->arena, json_object_size(map), sizeof *metrics);
    if (!json_is_object(map)) {
        fail(reading, "metrics", "an object");
        return;
    }
    json_object_foreach(map, name, value) {
        if (metrics != NULL) {
            metrics[run->n_metrics++] =
                (struct compared_metric){arena_strdup(reading->arena, name), read_number(reading, map, name)};
        }
    }
    run->metrics = metrics;
}

static void read_run(struct comparison_reading *reading, json_t *object, struct compared_run *run) {
    *run = (struct compared_run){
        .seed = read_integer(reading, object, "seed", 0),
        .folder = read_text(reading, object, "folder", 0),
        .state = (enum compared_state)read_choice(reading, object, "state", state_names, COMPARED_SCORED + 1),
        .reason = read_text(reading, object, "reason", 1),
        .score = read_number(reading, object, "score"),
        .valid = read_number(reading, object, "valid"),
        .best_epoch = read_number(reading, object, "best_epoch"),
        .epochs = read_number(reading, object, "epochs"),
        .seconds = read_number(reading, object, "seconds"),
        .seconds_per_epoch = read_number(reading, object, "seconds_per_epoch"),
        .peak_memory = read_number(reading, object, "peak_memory_megabytes"),
        .steps_to_target = read_number(reading, object, "steps_to_target"),
        .seconds_to_target = read_number(reading, object, "seconds_to_target")};
    read_metrics(reading, object, run);
}

static void read_variant(struct comparison_reading *reading, json_t *object, int32_t n_seeds,
                         struct compared_variant *variant) {
    json_t *runs = json_object_get(object, "runs");
    variant->name = read_text(reading, object, "name", 0);
    variant->folder = read_text(reading, object, "folder", 0);
    variant->settings = read_settings(reading, object, "settings", &variant->n_settings);
    variant->widths = read_settings(reading, object, "widths", &variant->n_widths);
    variant->tuned = read_tuned(reading, object, &variant->n_tuned);
    variant->failed_trials = (int32_t)json_integer_value(json_object_get(object, "failed_trials")); /* 0 if missing */
    variant->parameters = read_integer(reading, object, "parameters", 0);
    variant->flops = read_integer(reading, object, "flops_per_step", 0);
    variant->budget_ratio = read_number(reading, object, "budget_ratio");
    variant->runs = arena_calloc(reading->arena, (size_t)n_seeds, sizeof *variant->runs);
    if (json_array_size(runs) != (size_t)n_seeds) {
        fail(reading, "runs", "an array with one run for each seed");
        return;
    }
    for (int32_t s = 0; s < n_seeds && variant->runs != NULL; s++) {
        read_run(reading, json_array_get(runs, (size_t)s), &variant->runs[s]);
    }
}

static void read_comparison(struct comparison_reading *reading, json_t *root, struct comparison *comparison) {
    static const char *const parts[] = {"valid", "test"};
    json_t *seeds = json_object_get(root, "seeds"), *variants = json_object_get(root, "variants");
    comparison->name = read_text(reading, root, "name", 0);
    comparison->file = read_text(reading, root, "experiment", 0);
    const char *flags = json_string_value(json_object_get(root, "flags"));
    comparison->flags = arena_strdup(reading->arena, flags == NULL ? "" : flags);
    comparison->metric = read_text(reading, root, "metric", 0);
    comparison->higher_is_better = json_is_true(json_object_get(root, "higher_is_better"));
    comparison->part = parts[read_choice(reading, root, "part", parts, 2)];
    comparison->target = read_number(reading, root, "target");
    comparison->equal = (enum compared_equal)read_choice(reading, root, "equal", equal_names, COMPARED_EQUAL_FLOPS + 1);
    comparison->budget = read_integer(reading, root, "budget", 0);
    comparison->baseline = read_text(reading, root, "baseline", 1);
    comparison->trials = (int32_t)read_integer(reading, root, "trials", 0);
    if (json_array_size(seeds) == 0 || json_array_size(variants) == 0) {
        fail(reading, json_array_size(seeds) == 0 ? "seeds" : "variants", "an array with entries");
        return;
    }
    int64_t *numbers = arena_calloc(reading->arena, json_array_size(seeds), sizeof *numbers);
    comparison->variants = arena_calloc(reading->arena, json_array_size(variants), sizeof *comparison->variants);
    if (numbers == NULL || comparison->variants == NULL) {
        return; /* the arena has failed */
    }
    comparison->n_seeds = (int32_t)json_array_size(seeds);
    comparison->n_variants = (int32_t)json_array_size(variants);
    for (int32_t s = 0; s < comparison->n_seeds; s++) {
        const json_t *seed = json_array_get(seeds, (size_t)s);
        numbers[s] = json_integer_value(seed);
        if (!json_is_integer(seed)) {
            fail(reading, "seeds", "an array of whole numbers");
        }
    }
    comparison->seeds = numbers;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        read_variant(reading, json_array_get(variants, (size_t)v), comparison->n_seeds, &comparison->variants[v]);
    }
}

rondo_status comparison_read(const char *folder, struct comparison *comparison, struct arena *arena,
                             struct errors *errors) {
    const char *file = arena_printf(arena, "%s/" COMPARISON_FILE, folder);
    struct comparison_reading reading = {.arena = arena};
    json_error_t reason = {.line = -1};
    json_t *root = NULL;
    *comparison = (struct comparison){.folder = arena_strdup(arena, folder)};
    const rondo_status status = file == NULL ? RONDO_NO_MEMORY : json_parse_file(file, &root, &reason);
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    if (status != RONDO_OK) {
        return reason.line > 0
                   ? errors_add(errors, RONDO_INVALID, "'%s' is damaged: line %d: %s", file, reason.line, reason.text)
                   : errors_add(errors, RONDO_NOT_FOUND,
                                "'%s' is not the folder of a comparison: it has no readable "
                                "file " COMPARISON_FILE,
                                folder);
    }
    const json_t *format = json_object_get(root, "format");
    if (json_is_integer(format) && json_integer_value(format) != FORMAT) {
        errors_add(errors, RONDO_INVALID,
                   "'%s' has format %lld, expected %d: it was written by another version of Rondo", file,
                   (long long)json_integer_value(format), FORMAT);
        json_decref(root);
        return RONDO_INVALID;
    }
    read_comparison(&reading, root, comparison);
    json_decref(root);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    return reading.wrong == NULL ? RONDO_OK
                                 : errors_add(errors, RONDO_INVALID, "'%s' is damaged: %s", file, reading.wrong);
}
