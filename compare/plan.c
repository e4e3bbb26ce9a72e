#include "compare/plan.h"

#include <math.h>
#include <string.h>

#include "compare/size.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/program.h"
#include "train/run_identity.h"
#include "train/task_check.h"
#include "train/task_memory.h"

const struct yaml_node *comparison_value(const char *text, struct location where, struct arena *arena) {
    struct yaml_node *node = arena_calloc(arena, 1, sizeof *node);
    if (node != NULL && text != NULL) {
        *node = (struct yaml_node){.kind = YAML_SCALAR, .where = where, .text = text, .folder = "."};
    }
    return text == NULL ? NULL : node;
}

/* ---- the experiment of a variant ---- */

/* The settings of the variant, then `more`, then the seed; *count is their number. From `arena`; NULL: out of memory. */
static const struct compare_setting *join_settings(const struct comparison_plan *plan, int32_t variant,
                                                   const struct compare_setting *more, int32_t n_more, int64_t seed,
                                                   struct arena *arena, int32_t *count) {
    const struct planned_variant *planned = &plan->variants[variant];
    struct compare_setting *all = arena_calloc(arena, (size_t)(planned->n_settings + n_more) + 1, sizeof *all);
    const struct location where = {"seeds", 0, 0};
    const struct yaml_node *value = comparison_value(arena_printf(arena, "%lld", (long long)seed), where, arena);
    if (all == NULL || value == NULL) {
        return NULL;
    }
    *count = 0;
    for (int32_t i = 0; i < planned->n_settings; i++) {
        all[(*count)++] = planned->settings[i];
    }
    for (int32_t i = 0; i < n_more; i++) {
        all[(*count)++] = more[i];
    }
    all[(*count)++] = (struct compare_setting){"schedule.seed", value};
    return all;
}

static struct experiment *load_experiment(const struct comparison_plan *plan, int32_t variant,
                                          const struct compare_setting *more, int32_t n_more, int64_t seed,
                                          struct errors *errors) {
    int32_t count = 0;
    /* In the arena of the plan, since the tree of the experiment keeps these texts. */
    const struct compare_setting *all = join_settings(plan, variant, more, n_more, seed, plan->arena, &count);
    if (all == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    return experiment_load_tree(plan->file, plan->tree, all, count, plan->session, errors);
}

/* Moves the errors of a variant, without those that another variant had, too: they are mistakes of the experiment. */
static void move_new(struct errors *errors, struct errors *own) {
    const int32_t count = own->count < ERRORS_MAX ? own->count : ERRORS_MAX;
    for (int32_t i = 0; i < count; i++) {
        int is_known = 0;
        for (int32_t k = 0; k < errors->count && k < ERRORS_MAX; k++) {
            is_known |= strcmp(errors_text(errors, k), errors_text(own, i)) == 0;
        }
        if (!is_known) {
            errors_move_one(errors, own, i);
        }
    }
    errors_free(own);
}

/* A task whose data a task of this experiment may use; NULL: there is none. */
static const struct task *find_donor(const struct comparison_plan *plan, const struct experiment *experiment) {
    const struct task *donor = NULL;
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        const struct planned_variant *variant = &plan->variants[v];
        const struct task *task = variant->given != NULL ? variant->given : variant->task;
        if (task != NULL && !task->data.is_shared &&
            (donor == NULL || yaml_is_same(task->data.section->node, experiment->data.node))) {
            donor = task;
        }
    }
    return donor;
}

static struct task *open_task(const struct comparison_plan *plan, int32_t variant, const struct compare_setting *more,
                              int32_t n_more, int64_t seed, struct errors *errors) {
    struct experiment *experiment = load_experiment(plan, variant, more, n_more, seed, errors);
    struct task *task = experiment == NULL
                            ? NULL
                            : task_create_sharing(experiment, plan->session, find_donor(plan, experiment), errors);
    if (task == NULL) {
        experiment_destroy(experiment);
    }
    return task;
}

/* RONDO_IO if a cell has changed since the plan was opened. */
static rondo_status check_cells(const struct planned_variant *variant, const struct task *task, struct errors *errors) {
    const struct experiment_layers *layers = &task->experiment->layers;
    for (int32_t i = 0; i < layers->count; i++) {
        struct fingerprint now = {.bytes = 0};
        struct errors ignored = {0};
        const rondo_status status = fingerprint_of(layers->items[i].file, &now, &ignored);
        errors_free(&ignored);
        if (status != RONDO_OK || strcmp(now.hash, variant->cells[i].hash) != 0) {
            return errors_add(errors, RONDO_IO, "the cell '%s' has changed since the comparison began",
                              layers->items[i].file);
        }
    }
    return RONDO_OK;
}

struct task *comparison_plan_task(const struct comparison_plan *plan, int32_t variant,
                                  const struct compare_setting *more, int32_t n_more, int64_t seed,
                                  struct errors *errors) {
    struct errors own = {0};
    struct task *task = open_task(plan, variant, more, n_more, seed, &own);
    if (task != NULL && plan->is_open && check_cells(&plan->variants[variant], task, errors) != RONDO_OK) {
        task_destroy(task);
        task = NULL;
    } else if (task == NULL && plan->is_open && own.status != RONDO_NO_MEMORY && own.status != RONDO_INTERRUPTED) {
        errors_add(errors, RONDO_IO, "what the comparison began with can no longer be read: %s", errors_text(&own, 0));
        errors_free(&own);
    }
    errors_move(errors, &own);
    return task;
}

/* The hash of what the variant is made from. `cells`: their number. */
static rondo_status take_identity(struct comparison_plan *plan, struct planned_variant *variant, int32_t cells,
                                  struct errors *errors) {
    struct arena *arena = arena_create();
    const char *text = yaml_write(plan->tree, arena);
    for (int32_t i = 0; i < variant->n_settings && text != NULL; i++) {
        const char *value = yaml_line(variant->settings[i].value, arena);
        text = value == NULL ? NULL : arena_printf(arena, "%s\n%s: %s", text, variant->settings[i].key, value);
    }
    for (int32_t i = 0; i < cells && text != NULL; i++) {
        text = arena_printf(arena, "%s\n%s", text, variant->cells[i].hash);
    }
    variant->identity = text == NULL ? NULL : arena_strdup(plan->arena, fingerprint_of_bytes(text, strlen(text)).hash);
    arena_destroy(arena);
    return variant->identity == NULL ? errors_no_memory(errors) : RONDO_OK;
}

/* The fingerprints of the cells of a variant. */
static rondo_status take_cells(struct comparison_plan *plan, struct planned_variant *variant, struct errors *errors) {
    const struct experiment_layers *layers = &variant->task->experiment->layers;
    struct fingerprint *cells = arena_calloc(plan->arena, (size_t)layers->count + 1, sizeof *cells);
    for (int32_t i = 0; i < layers->count && cells != NULL; i++) {
        RONDO_TRY(fingerprint_of(layers->items[i].file, &cells[i], errors));
    }
    variant->cells = cells;
    return cells == NULL ? errors_no_memory(errors) : take_identity(plan, variant, layers->count, errors);
}

/* Loads the experiment of every trial, so that a value that it refuses is found here. Of very many, those of the first variant. */
static rondo_status check_trials(struct comparison_plan *plan, struct errors *errors) {
    enum { MOST = 2000 };
    const struct compare_section *section = &plan->section;
    const int64_t all = (int64_t)section->n_variants * section->trials;
    for (int32_t v = 0; v < (all > MOST ? 1 : section->n_variants); v++) {
        for (int32_t t = 0; t < section->trials; t++) {
            const struct compare_variant *trial = &section->trial_settings[t];
            struct errors own = {0};
            struct experiment *experiment =
                load_experiment(plan, v, trial->settings, trial->n_settings, section->seeds[0], &own);
            experiment_destroy(experiment);
            move_new(errors, &own);
        }
    }
    return errors->status;
}

/* ---- what is compared ---- */

/* The part whose scores are compared. */
static const char *scored_part(const struct task *task) {
    return data_section_has(&task->experiment->data, PART_TEST) ? "test" : "valid";
}

/* The metric that is the score of a variant: that of the section, with or without the name of the part whose scores are compared, or
 * the one that selects its weights. -1 with an error. */
static int32_t find_score(const struct comparison_plan *plan, const struct task *task, struct errors *errors) {
    const char *name = plan->section.metric;
    const char *dot = name == NULL ? NULL : strchr(name, '.');
    struct suggestion best = {0};
    if (name == NULL) {
        return task->metric;
    }
    const char *part = scored_part(task);
    if (dot != NULL && (strncmp(name, "valid.", 6) == 0 || strncmp(name, "test.", 5) == 0)) {
        if (strncmp(name, part, strlen(part)) != 0) {
            errors_add_at(errors, RONDO_INVALID, plan->section.metric_where,
                          "'compare.metric' is '%s', and the variants are compared on the %s part; expected %s", name,
                          part, dot + 1);
            return -1;
        }
        name = dot + 1;
    }
    for (int32_t m = 0; m < network_metric_count(task->network); m++) {
        if (strcmp(network_metric_name(task->network, m), name) == 0) {
            return m;
        }
        suggest(&best, name, network_metric_name(task->network, m));
    }
    errors_add_at(errors, RONDO_INVALID, plan->section.metric_where,
                  "the experiment has no metric '%s'%s; `metrics:` adds one", name, suggestion_text(&best).text);
    return -1;
}

static rondo_status check_part(const struct comparison_plan *plan, const struct task *task, const char *part,
                               struct errors *errors) {
    const struct compare_section *section = &plan->section;
    if (strcmp(part, scored_part(task)) != 0) {
        return errors_add_at(errors, RONDO_INVALID, section->where,
                             "some variants have test data and others have none, so their scores are not comparable");
    }
    if (task->data.valid == NULL && (strcmp(part, "valid") == 0 || section->trials > 0)) {
        return errors_add_at(errors, RONDO_INVALID, section->where,
                             section->trials > 0
                                 ? "'compare.tune' chooses settings on validation data; expected data.valid"
                                 : "there are no data to compare the variants on: expected data.valid, "
                                   "data.test or both");
    }
    return RONDO_OK;
}

const char *comparison_test_data(const struct experiment *experiment, struct arena *arena, struct errors *errors) {
    const struct data_files *test = &experiment->data.test;
    const char *text = "";
    for (int32_t i = 0; i < test->count && text != NULL; i++) {
        struct fingerprint print;
        if (fingerprint_of(test->paths[i].text, &print, errors) != RONDO_OK) {
            return NULL;
        }
        text = arena_printf(arena, "%s%s%s", text, i == 0 ? "" : " ", print.hash);
    }
    if (text == NULL) {
        errors_no_memory(errors);
    }
    return text;
}

/* What the variants must agree on. */
static rondo_status describe_scores(struct comparison_plan *plan, struct errors *errors) {
    struct comparison *comparison = &plan->comparison;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        struct planned_variant *variant = &plan->variants[v];
        const struct network *network = variant->task->network;
        variant->metric = find_score(plan, variant->task, errors);
        if (variant->metric < 0) {
            return RONDO_INVALID;
        }
        const char *name = network_metric_name(network, variant->metric);
        const int higher = network_higher_is_better(network, variant->metric);
        if (v == 0) {
            comparison->metric = arena_strdup(plan->arena, name);
            comparison->higher_is_better = higher;
            comparison->part = scored_part(variant->task);
        } else if (comparison->metric != NULL &&
                   (strcmp(comparison->metric, name) != 0 || comparison->higher_is_better != higher)) {
            return errors_add_at(errors, RONDO_INVALID, plan->section.where,
                                 "the variants '%s' and '%s' have different scores, '%s' and '%s'; expected "
                                 "'compare.metric', a metric that all have",
                                 comparison->variants[0].name, comparison->variants[v].name, comparison->metric, name);
        }
        RONDO_TRY(check_part(plan, variant->task, comparison->part, errors));
        variant->test_data = comparison_test_data(variant->task->experiment, plan->arena, errors);
        if (variant->test_data == NULL) {
            return errors->status;
        }
        if (!variant->task->data.is_shared) {
            /* The test part is scored when all runs have ended; what is wrong with it should not be found only then. */
            RONDO_TRY(task_check_test(variant->task, errors));
        }
    }
    return RONDO_OK;
}

/* ---- the comparison as data ---- */

static const double unknown = NAN;

static struct compared_setting setting_text(const struct compare_setting *setting, struct arena *arena) {
    const char *text = yaml_line(setting->value, arena);
    return (struct compared_setting){.key = setting->key, .text = text};
}

static void describe_runs(struct comparison_plan *plan, struct compared_variant *variant) {
    const struct compare_section *section = &plan->section;
    variant->runs = arena_calloc(plan->arena, (size_t)section->n_seeds, sizeof *variant->runs);
    for (int32_t s = 0; s < section->n_seeds && variant->runs != NULL; s++) {
        variant->runs[s] = (struct compared_run){
            .seed = section->seeds[s],
            .folder = arena_printf(plan->arena, "runs/%s/seed-%lld", variant->folder, (long long)section->seeds[s]),
            .score = unknown,
            .valid = unknown,
            .best_epoch = unknown,
            .epochs = unknown,
            .seconds = unknown,
            .seconds_per_epoch = unknown,
            .peak_memory = unknown,
            .steps_to_target = unknown,
            .seconds_to_target = unknown};
    }
}

static void describe_variant(struct comparison_plan *plan, int32_t v) {
    const struct compare_variant *given = &plan->section.variants[v];
    struct compared_variant *variant = &plan->comparison.variants[v];
    struct compared_setting *settings = arena_calloc(plan->arena, (size_t)given->n_settings + 1, sizeof *settings);
    *variant = (struct compared_variant){
        .name = given->name, .folder = given->folder, .settings = settings, .budget_ratio = unknown};
    for (int32_t i = 0; i < given->n_settings && settings != NULL; i++) {
        settings[i] = setting_text(&given->settings[i], plan->arena);
    }
    variant->n_settings = settings == NULL ? 0 : given->n_settings;
    describe_runs(plan, variant);
}

static rondo_status describe(struct comparison_plan *plan, struct errors *errors) {
    const struct compare_section *section = &plan->section;
    struct comparison *comparison = &plan->comparison;
    comparison->n_variants = section->n_variants;
    comparison->seeds = section->seeds;
    comparison->n_seeds = section->n_seeds;
    comparison->equal = (enum compared_equal)section->equal;
    comparison->target = section->target;
    comparison->trials = section->trials;
    comparison->baseline = section->baseline < 0 ? NULL : section->variants[section->baseline].name;
    comparison->file = path_absolute(plan->arena, plan->file);
    comparison->variants = arena_calloc(plan->arena, (size_t)section->n_variants, sizeof *comparison->variants);
    plan->variants = arena_calloc(plan->arena, (size_t)section->n_variants, sizeof *plan->variants);
    for (int32_t v = 0; v < section->n_variants && !arena_failed(plan->arena); v++) {
        describe_variant(plan, v);
        plan->variants[v].settings = section->variants[v].settings;
        plan->variants[v].n_settings = section->variants[v].n_settings;
    }
    return arena_failed(plan->arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- opening ---- */

/* Takes the fingerprints of the files that a task has just read. Tasks that use its data have its fingerprints. */
static rondo_status take_data(const struct task *task, struct errors *errors) {
    return task->data.is_shared ? RONDO_OK : run_identity_take(task, errors);
}

/* Chooses the widths of a variant, for which its task is made with those that are given. */
static rondo_status size_variant(struct comparison_plan *plan, int32_t v, struct errors *errors) {
    if (plan->section.equal == COMPARE_AS_GIVEN) {
        return RONDO_OK;
    }
    struct task *given = comparison_plan_task(plan, v, NULL, 0, plan->section.seeds[0], errors);
    rondo_status status = given == NULL ? errors->status : take_data(given, errors);
    status = status == RONDO_OK ? comparison_size(plan, v, given, errors) : status;
    if (given != NULL && given->data.is_shared) {
        task_destroy(given);
    } else {
        plan->variants[v].given = given; /* that of the widths will use its data */
    }
    return status;
}

/* Loads all variants, so that the mistakes of all are reported. */
static rondo_status open_variants(struct comparison_plan *plan, struct errors *errors) {
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        struct planned_variant *variant = &plan->variants[v];
        struct errors own = {0};
        if (size_variant(plan, v, &own) == RONDO_OK) {
            variant->task = comparison_plan_task(plan, v, NULL, 0, plan->section.seeds[0], &own);
        }
        if (variant->task == NULL) {
            const int ends = own.status == RONDO_INTERRUPTED || own.status == RONDO_NO_MEMORY;
            move_new(errors, &own);
            if (ends) {
                break;
            }
            continue;
        }
        if (task_check_memory(variant->task, &own) != RONDO_OK) {
            move_new(errors, &own);
            continue;
        }
        RONDO_TRY(take_cells(plan, variant, errors));
        RONDO_TRY(take_data(variant->task, errors));
        const struct model *model = network_model(variant->task->network);
        variant->epochs = variant->task->experiment->schedule.options.epochs;
        variant->updates = variant->task->updates_per_epoch * variant->epochs;
        plan->comparison.variants[v].parameters = model_size(model);
        plan->comparison.variants[v].flops = model_step_flops(model) + model_encoder_flops(model);
    }
    return errors->status;
}

/* Closes the tasks that use the data of others: of thousands of variants, their programs would fill the memory. */
static void close_shared(struct comparison_plan *plan) {
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        if (plan->variants[v].task->data.is_shared) {
            task_destroy(plan->variants[v].task);
            plan->variants[v].task = NULL;
        }
    }
}

/* ---- cells of the command line ---- */

/* A mapping entry or list item at the end of a collection. NULL: out of memory. */
static struct yaml_node *add_node(struct yaml_node *parent, enum yaml_kind kind, const char *key, const char *text,
                                  struct arena *arena) {
    static const struct location where = {"--cells", 0, 0};
    struct yaml_node *node = arena_calloc(arena, 1, sizeof *node);
    struct yaml_node **link = &parent->first;
    if (node == NULL) {
        return NULL;
    }
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *node =
        (struct yaml_node){.kind = kind, .where = where, .text = text, .key = key, .key_where = where, .folder = "."};
    *link = node;
    return node;
}

/* 1 for "model.layers.0.cell" of any layer. */
static int is_cell_key(const char *key) {
    static const char layers[] = "model.layers.";
    if (strncmp(key, layers, strlen(layers)) != 0) {
        return 0;
    }
    const char *number = key + strlen(layers);
    return strcmp(number + strspn(number, "0123456789"), ".cell") == 0;
}

/* Takes the lists of cells away that the file compares: --cells is in place of them. */
static void remove_cells(struct yaml_node *compare) {
    for (struct yaml_node **link = &compare->first; *link != NULL;) {
        if (is_cell_key((*link)->key)) {
            *link = (*link)->next;
        } else {
            link = &(*link)->next;
        }
    }
}

/* Adds to `compare.variants` one variant for each cell of the list, in all layers. */
static rondo_status add_cells(struct comparison_plan *plan, const char *cells, struct errors *errors) {
    struct arena *arena = plan->arena;
    const struct yaml_node *list = yaml_get(yaml_get(plan->tree, "model"), "layers");
    const int32_t layers = yaml_count(list);
    struct yaml_node *compare = yaml_get(plan->tree, "compare");
    compare = compare != NULL ? compare : add_node(plan->tree, YAML_MAPPING, "compare", NULL, arena);
    if (compare != NULL && (compare->kind != YAML_MAPPING || yaml_get(compare, "variants") != NULL)) {
        return errors_add_at(errors, RONDO_INVALID, compare->where,
                             "--cells makes the variants, and the experiment has a section 'compare.variants'");
    }
    if (compare != NULL) {
        remove_cells(compare);
    }
    struct yaml_node *variants = compare == NULL ? NULL : add_node(compare, YAML_SEQUENCE, "variants", NULL, arena);
    for (const char *at = cells; variants != NULL; at += 1) {
        const size_t length = strcspn(at, ",");
        const char *cell = arena_strndup(arena, at, length);
        struct yaml_node *variant = add_node(variants, YAML_MAPPING, NULL, NULL, arena);
        if (cell == NULL || variant == NULL) {
            break;
        }
        if (layers > 1) { /* without a name, it would be that of all keys */
            add_node(variant, YAML_SCALAR, "name", cell, arena);
        }
        const struct yaml_node *layer = list == NULL ? NULL : list->first;
        for (int32_t k = 0; k < (layers > 0 ? layers : 1); k++) {
            if (yaml_get(layer, "block") == NULL) {
                add_node(variant, YAML_SCALAR, arena_printf(arena, "model.layers.%d.cell", k), cell, arena);
            }
            layer = layer == NULL ? NULL : layer->next;
        }
        at += length;
        if (*at == '\0') {
            break;
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* The flags of the command, so that it can be given again. From the arena of the plan; NULL: out of memory. */
static const char *flags_text(const struct comparison_plan *plan, const struct comparison_settings *settings) {
    const char *cells = settings->cells == NULL ? NULL : shell_word(settings->cells, plan->arena);
    const char *text = cells == NULL ? arena_strdup(plan->arena, "") : arena_printf(plan->arena, " --cells %s", cells);
    for (const char *const *set = settings->assignments; set != NULL && *set != NULL && text != NULL; set++) {
        const char *word = shell_word(*set, plan->arena);
        text = word == NULL ? NULL : arena_printf(plan->arena, "%s --set %s", text, word);
    }
    return text;
}

static rondo_status open_plan(struct comparison_plan *plan, const struct comparison_settings *settings,
                              struct errors *errors) {
    plan->tree = experiment_tree(settings->file, settings->assignments, plan->arena, errors);
    if (plan->tree == NULL) {
        return errors->status;
    }
    RONDO_TRY(settings->cells == NULL ? RONDO_OK : add_cells(plan, settings->cells, errors));
    RONDO_TRY(compare_section_take(plan->tree, &plan->section, plan->arena, errors));
    if (!plan->section.is_given) {
        return errors_add_at(errors, RONDO_INVALID, plan->tree->where,
                             "the experiment has no section 'compare', which names what varies, such as "
                             "`compare: {model.layers.0.cell: [lstm, gru]}`; --cells lstm,gru compares cells");
    }
    if (plan->section.n_runs > COMPARE_MOST_RUNS && !settings->allows_many) {
        return errors_add_at(errors, RONDO_INVALID, plan->section.where,
                             "the comparison has %lld runs, which is more than %d; --yes trains them nevertheless",
                             (long long)plan->section.n_runs, COMPARE_MOST_RUNS);
    }
    RONDO_TRY(describe(plan, errors));
    RONDO_TRY(open_variants(plan, errors));
    plan->comparison.name = arena_strdup(plan->arena, plan->variants[0].task->experiment->name);
    plan->comparison.flags = flags_text(plan, settings);
    plan->comparison.folder = settings->folder != NULL
                                  ? arena_strdup(plan->arena, settings->folder)
                                  : arena_printf(plan->arena, "comparisons/%s", plan->comparison.name);
    if (arena_failed(plan->arena)) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(describe_scores(plan, errors));
    RONDO_TRY(check_trials(plan, errors));
    close_shared(plan);
    plan->is_open = 1;
    return RONDO_OK;
}

rondo_status comparison_plan_open(struct comparison_plan *plan, const struct comparison_settings *settings,
                                  struct session *session, struct errors *errors) {
    *plan = (struct comparison_plan){.arena = arena_create(), .session = session};
    plan->file = arena_strdup(plan->arena, settings->file);
    return plan->file == NULL ? errors_no_memory(errors) : open_plan(plan, settings, errors);
}

void comparison_plan_close(struct comparison_plan *plan) {
    /* Those that read data come before those that share them. */
    for (int32_t v = plan->variants == NULL ? 0 : plan->comparison.n_variants; v > 0; v--) {
        task_destroy(plan->variants[v - 1].task);
    }
    for (int32_t v = plan->variants == NULL ? 0 : plan->comparison.n_variants; v > 0; v--) {
        task_destroy(plan->variants[v - 1].given);
    }
    arena_destroy(plan->arena);
    *plan = (struct comparison_plan){0};
}
