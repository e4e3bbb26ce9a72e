#include "experiment/compare_section.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/options.h"
#include "core/suggest.h"
#include "experiment/compare_axes.h"
#include "experiment/experiment.h"
#include "io/section.h"

enum { MOST_VARIANTS = 100000, MOST_BASELINE = 200 };

/* The section while it is read. */
struct compare_reading {
    struct arena *arena;
    struct errors *errors;
    struct compare_section *section;
    struct yaml_node *node;
    struct compare_options options;
    struct compare_axes axes, tuned;
};

/* ---- seeds, target ---- */

/* An integer in [least, most]; 0 if the node is something else. */
static int read_integer(const struct yaml_node *node, int64_t least, int64_t most, int64_t *value) {
    if (node->kind != YAML_SCALAR || node->quoted || node->text[0] == '\0') {
        return 0;
    }
    char *end = NULL;
    const double number = number_parse(node->text, &end);
    if (*end != '\0' || !(number >= (double)least && number <= (double)most) || number != floor(number)) {
        return 0;
    }
    *value = (int64_t)number;
    return 1;
}

static rondo_status read_seed_list(const struct compare_reading *reading, const struct yaml_node *list, int64_t *seeds,
                                   int32_t *count) {
    rondo_status first = RONDO_OK;
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        rondo_status status = RONDO_OK;
        int64_t seed = 0;
        if (!read_integer(item, 0, 9007199254740991, &seed)) {
            status = errors_add_at(reading->errors, RONDO_INVALID, item->where,
                                   "a seed of 'compare.seeds' is %s%.60s%s, expected an integer in [0, "
                                   "9007199254740991]",
                                   item->kind == YAML_SCALAR ? "'" : "",
                                   item->kind == YAML_SCALAR ? item->text
                                                             : "not a "
                                                               "single value",
                                   item->kind == YAML_SCALAR ? "'" : "");
        }
        for (int32_t i = 0; status == RONDO_OK && i < *count; i++) {
            if (seeds[i] == seed) {
                status = errors_add_at(reading->errors, RONDO_INVALID, item->where,
                                       "'compare.seeds' has the seed %lld twice: the second run would repeat the first",
                                       (long long)seed);
            }
        }
        if (status == RONDO_OK) {
            seeds[(*count)++] = seed;
        }
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

static rondo_status read_seeds(struct compare_reading *reading) {
    const struct yaml_node *node = yaml_get(reading->node, "seeds");
    const int is_list = node != NULL && node->kind == YAML_SEQUENCE;
    int64_t number = COMPARE_SEEDS;
    if (node != NULL && !is_list && !read_integer(node, 1, COMPARE_MOST_SEEDS, &number)) {
        return errors_add_at(
            reading->errors, RONDO_INVALID, node->where,
            "'compare.seeds' must be a number of seeds from 1 to %d, or a list of seeds, such as [1, 2, "
            "3]",
            COMPARE_MOST_SEEDS);
    }
    if (is_list && (node->first == NULL || yaml_count(node) > COMPARE_MOST_SEEDS)) {
        return errors_add_at(reading->errors, RONDO_INVALID, node->where,
                             "'compare.seeds' has %d seeds, expected 1 to %d", yaml_count(node), COMPARE_MOST_SEEDS);
    }
    const int32_t most = is_list ? yaml_count(node) : (int32_t)number;
    int64_t *seeds = arena_calloc(reading->arena, (size_t)most, sizeof *seeds);
    if (seeds == NULL) {
        return errors_no_memory(reading->errors);
    }
    reading->section->seeds = seeds;
    if (is_list) {
        return read_seed_list(reading, node, seeds, &reading->section->n_seeds);
    }
    for (int32_t i = 0; i < most; i++) {
        seeds[i] = i + 1;
    }
    reading->section->n_seeds = most;
    return RONDO_OK;
}

static rondo_status read_target(struct compare_reading *reading) {
    const struct yaml_node *node = yaml_get(reading->node, "target");
    reading->section->target = NAN;
    if (node == NULL) {
        return RONDO_OK;
    }
    char *end = NULL;
    const int is_text = node->kind == YAML_SCALAR && !node->quoted && node->text[0] != '\0';
    const double target = is_text ? number_parse(node->text, &end) : NAN;
    if (!is_text || *end != '\0' || !isfinite(target)) {
        return errors_add_at(reading->errors, RONDO_INVALID, node->where,
                             "'compare.target' must be a number: the score that runs are to reach");
    }
    reading->section->target = target;
    return RONDO_OK;
}

/* ---- the grid ---- */

/* All combinations, the first axis the slowest. */
static rondo_status make_grid(const struct compare_reading *reading, const struct compare_choice *const **choices,
                              int32_t *count) {
    const struct compare_axes *axes = &reading->axes;
    int64_t product = 1;
    for (int32_t a = 0; a < axes->count; a++) {
        product *= axes->axes[a].n_choices;
        if (product > MOST_VARIANTS) {
            return errors_add_at(reading->errors, RONDO_INVALID, reading->section->where,
                                 "the grid has more than %d variants; 'compare.sample' draws a number of them",
                                 MOST_VARIANTS);
        }
    }
    const struct compare_choice **all =
        arena_calloc(reading->arena, (size_t)product * (size_t)axes->count + 1, sizeof *all);
    if (all == NULL) {
        return errors_no_memory(reading->errors);
    }
    for (int64_t v = 0; v < product; v++) {
        int64_t rest = v;
        for (int32_t a = axes->count - 1; a >= 0; a--) {
            const struct compare_axis *axis = &axes->axes[a];
            all[v * axes->count + a] = &axis->choices[rest % axis->n_choices];
            rest /= axis->n_choices;
        }
    }
    *choices = all;
    *count = (int32_t)product;
    return RONDO_OK;
}

/* Variants from the choices of each, [count][n_axes]. */
static rondo_status make_variants(const struct compare_reading *reading, const struct compare_choice *const *choices,
                                  int32_t n_axes, int32_t count, struct compare_variant **made) {
    struct compare_variant *variants = arena_calloc(reading->arena, (size_t)count, sizeof *variants);
    *made = variants;
    if (variants == NULL) {
        return errors_no_memory(reading->errors);
    }
    for (int32_t v = 0; v < count; v++) {
        int32_t n = 0;
        for (int32_t a = 0; a < n_axes; a++) {
            n += choices[v * n_axes + a]->n_settings;
        }
        struct compare_setting *settings = arena_calloc(reading->arena, (size_t)n + 1, sizeof *settings);
        if (settings == NULL) {
            return errors_no_memory(reading->errors);
        }
        variants[v] = (struct compare_variant){.settings = settings, .n_settings = n};
        for (int32_t a = 0; a < n_axes; a++) {
            const struct compare_choice *choice = choices[v * n_axes + a];
            memcpy(settings, choice->settings, (size_t)choice->n_settings * sizeof *settings);
            settings += choice->n_settings;
        }
    }
    return RONDO_OK;
}

static struct compare_draw draw_of(const struct compare_reading *reading, const char *key,
                                   const struct yaml_node *node) {
    return (struct compare_draw){(enum compare_sampling)reading->options.sampling,
                                 (uint64_t)reading->options.sampling_seed, key, key, node->where};
}

static rondo_status read_variants(struct compare_reading *reading) {
    const struct compare_choice *const *choices = NULL;
    struct compare_variant *variants = NULL;
    int32_t count = 0;
    RONDO_TRY(compare_labels(&reading->axes, reading->arena, reading->errors));
    if (reading->options.sample > 0) {
        count = (int32_t)reading->options.sample;
        const struct compare_draw draw = draw_of(reading, "compare.sample", yaml_get(reading->node, "sample"));
        RONDO_TRY(compare_draw(&reading->axes, &draw, count, &choices, reading->arena, reading->errors));
    } else {
        RONDO_TRY(make_grid(reading, &choices, &count));
    }
    RONDO_TRY(make_variants(reading, choices, reading->axes.count, count, &variants));
    RONDO_TRY(compare_names(&reading->axes, choices, variants, count, reading->arena, reading->errors));
    reading->section->variants = variants;
    reading->section->n_variants = count;
    return RONDO_OK;
}

/* Nothing varies but the seed: the experiment itself is the only variant. */
static rondo_status make_only_variant(struct compare_reading *reading, const struct yaml_node *root) {
    const struct yaml_node *name = yaml_get(root, "name");
    struct compare_variant *variant = arena_calloc(reading->arena, 1, sizeof *variant);
    if (variant == NULL) {
        return errors_no_memory(reading->errors);
    }
    variant->name = name != NULL && name->kind == YAML_SCALAR && name->text[0] != '\0' ? name->text : "experiment";
    variant->folder = "experiment";
    reading->section->variants = variant;
    reading->section->n_variants = 1;
    return RONDO_OK;
}

/* The settings of all trials. */
static rondo_status make_trials(struct compare_reading *reading, const struct yaml_node *tune) {
    struct compare_section *section = reading->section;
    const struct compare_choice *const *choices = NULL;
    struct compare_variant *trials = NULL;
    const struct compare_draw draw = draw_of(reading, "compare.tune.trials", yaml_get(tune, "trials"));
    RONDO_TRY(compare_labels(&reading->tuned, reading->arena, reading->errors));
    RONDO_TRY(compare_draw(&reading->tuned, &draw, section->trials, &choices, reading->arena, reading->errors));
    RONDO_TRY(make_variants(reading, choices, reading->tuned.count, section->trials, &trials));
    for (int32_t t = 0; t < section->trials; t++) {
        trials[t].name = arena_printf(reading->arena, "trial %d", t + 1);
        trials[t].folder = arena_printf(reading->arena, "trial-%02d", t + 1);
    }
    section->trial_settings = trials;
    return arena_failed(reading->arena) ? errors_no_memory(reading->errors) : RONDO_OK;
}

/* ---- the baseline ---- */

/* 1 if `text` is the value of a variant's only setting. */
static int is_value(const struct compare_variant *variant, const struct yaml_node *node) {
    return variant->n_settings == 1 && compare_values_equal(variant->settings[0].value, node);
}

static rondo_status read_baseline(struct compare_reading *reading) {
    const struct yaml_node *node = yaml_get(reading->node, "baseline");
    const char *text = reading->options.baseline;
    struct compare_section *section = reading->section;
    if (node == NULL || text == NULL || text[0] == '\0') {
        return RONDO_OK;
    }
    struct suggestion best = {0};
    for (int32_t v = 0; v < section->n_variants; v++) {
        const struct compare_variant *variant = &section->variants[v];
        if (strcmp(variant->name, text) == 0) {
            section->baseline = v;
            return RONDO_OK;
        }
        suggest(&best, text, variant->name);
    }
    for (int32_t v = 0; v < section->n_variants; v++) {
        if (is_value(&section->variants[v], node) || strcmp(section->variants[v].folder, text) == 0) {
            section->baseline = v;
            return RONDO_OK;
        }
    }
    const char *names = "";
    for (int32_t v = 0; v < section->n_variants && names != NULL && strlen(names) < MOST_BASELINE; v++) {
        const int is_cut = strlen(names) + strlen(section->variants[v].name) >= MOST_BASELINE;
        names = arena_printf(reading->arena, "%s%s%s", names, v == 0 ? "" : "; ",
                             is_cut ? "..." : section->variants[v].name);
        if (is_cut) {
            break;
        }
    }
    return errors_add_at(reading->errors, RONDO_INVALID, node->where,
                         "no variant is called '%.100s'%s, expected one of: %s", text, suggestion_text(&best).text,
                         names == NULL ? "the variants" : names);
}

/* ---- the section ---- */

/* Keys that need others. */
static void check_use(const struct compare_reading *reading, const struct yaml_node *tune) {
    const struct yaml_node *budget = yaml_get(reading->node, "budget");
    static const char *const of_drawing[] = {"sampling", "sampling_seed"};
    if (budget != NULL && reading->section->equal == COMPARE_AS_GIVEN) {
        errors_add_at(reading->errors, RONDO_INVALID, budget->key_where,
                      "'compare.budget' is not used without 'compare.equal'");
    }
    for (size_t i = 0; i < sizeof of_drawing / sizeof of_drawing[0]; i++) {
        const struct yaml_node *node = yaml_get(reading->node, of_drawing[i]);
        if (node != NULL && tune == NULL && yaml_get(reading->node, "sample") == NULL) {
            errors_add_at(reading->errors, RONDO_INVALID, node->key_where,
                          "'compare.%s' is not used without 'compare.sample' or 'compare.tune': nothing is drawn",
                          of_drawing[i]);
        }
    }
}

static void read_options(struct compare_reading *reading, const struct compare_reader *reader) {
    struct compare_section *section = reading->section;
    compare_table_read(reader, reading->node, compare_table, &reading->options, sizeof reading->options);
    const struct yaml_node *equal = yaml_get(reading->node, "equal"), *metric = yaml_get(reading->node, "metric");
    section->equal = (enum compare_equal)reading->options.equal;
    section->equal_where = equal == NULL ? section->where : equal->where;
    section->budget = reading->options.budget;
    section->metric = reading->options.metric;
    section->metric = section->metric == NULL || section->metric[0] == '\0' ? NULL : section->metric;
    section->metric_where = metric == NULL ? section->where : metric->where;
}

/* `root`: the experiment around the section. */
static void read_section(struct compare_reading *reading, const struct yaml_node *root) {
    struct compare_section *section = reading->section;
    struct errors *errors = reading->errors;
    const char *const *names = compare_option_names("compare", reading->arena);
    const struct yaml_node *tune = yaml_get(reading->node, "tune");
    if (names == NULL) {
        errors_no_memory(errors);
        return;
    }
    const int32_t before = errors->count;
    struct compare_reader reader = {reading->arena,         errors, "compare", names, 0, "compare.sample",
                                    yaml_get(root, "model")};
    read_options(reading, &reader);
    /* a mistake in the number, too, says that values are drawn */
    reader.is_drawn =
        yaml_get(reading->node, "sample") != NULL && (reading->options.sample > 0 || errors->count > before);
    const int32_t before_axes = errors->count;
    compare_axes_read(&reader, reading->node, &reading->axes);
    const int has_axes = errors->count == before_axes && reading->axes.count > 0;
    const int has_only_seeds =
        errors->count == before_axes && !has_axes && (yaml_get(reading->node, "seeds") != NULL || tune != NULL);
    if (errors->count == before_axes && !has_axes && !has_only_seeds) {
        errors_add_at(errors, RONDO_INVALID, section->where,
                      "'compare' has nothing that varies, expected a key of the experiment with a list of values, such "
                      "as model.layers.0.cell: [lstm, gru], or only seeds: 8");
    }
    read_seeds(reading);
    read_target(reading);
    check_use(reading, tune);
    const int can_tune =
        tune != NULL && compare_tune_read(&reader, tune, &reading->axes, &reading->tuned, section) == RONDO_OK;
    if (has_axes && section->equal != COMPARE_AS_GIVEN) {
        compare_equal_read(&reader, &reading->axes, &reading->tuned, section);
    }
    if (has_axes && read_variants(reading) == RONDO_OK) {
        read_baseline(reading);
    } else if (has_only_seeds && make_only_variant(reading, root) == RONDO_OK) {
        read_baseline(reading);
    }
    if (can_tune) {
        make_trials(reading, tune);
    }
    section->n_runs =
        (int64_t)section->n_variants * (section->n_seeds + (int64_t)section->trials * section->tune_seeds);
}

rondo_status compare_section_take(struct yaml_node *root, struct compare_section *section, struct arena *arena,
                                  struct errors *errors) {
    static const char *const none[] = {NULL};
    *section = (struct compare_section){.layers = none, .baseline = -1, .target = NAN};
    struct yaml_node **link = &root->first;
    while (root->kind == YAML_MAPPING && *link != NULL && strcmp((*link)->key, "compare") != 0) {
        link = &(*link)->next;
    }
    if (root->kind != YAML_MAPPING || *link == NULL) {
        return RONDO_OK;
    }
    struct compare_reading reading = {.arena = arena, .errors = errors, .section = section, .node = *link};
    *link = reading.node->next;
    section->is_given = 1;
    section->where = reading.node->key_where;
    if (reading.node->kind != YAML_MAPPING) {
        return errors_add_at(errors, RONDO_INVALID, reading.node->where,
                             "'compare' must be a mapping of keys of the experiment to what varies, such as "
                             "{model.layers.0.cell: [lstm, gru]}");
    }
    struct errors own = {0}; /* the status is that of the first mistake here */
    reading.errors = &own;
    read_section(&reading, root);
    const rondo_status status = own.status;
    errors_move(errors, &own);
    return status;
}
