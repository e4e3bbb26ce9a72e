/* cli/runs_ls.c: `rondo runs ls`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/found_runs.h"
#include "cli/print.h"
#include "cli/run_json.h"
#include "cli/run_keys.h"
#include "cli/runs.h"
#include "io/json.h"

/* What is listed, and how. */
struct listing_request {
    const char *const *folders, *const *conditions; /* NULL-terminated */
    const char *sort;                               /* "KEY" or "-KEY"; NULL: by folder */
    const char *columns;                            /* "KEY,…"; NULL: the usual ones */
    int is_each, takes_trials, json;
};

/* ---- cells of the table ---- */

/* "6 finished, 2 training" */
static const char *states_text(const struct seed_group *group, struct arena *arena) {
    int32_t counts[RUN_OTHER_VERSION + 1] = {0};
    const char *text = "";
    for (int32_t i = 0; i < group->count; i++) {
        counts[group->runs[i]->state]++;
    }
    for (int state = 0; state <= RUN_OTHER_VERSION; state++) {
        if (counts[state] == group->count) {
            return group->count == 1 ? run_state_text(group->runs[0], arena) : run_state_name((enum run_state)state);
        }
        if (counts[state] > 0) {
            text =
                arena_printf(arena, "%s%s%d %s", text == NULL ? "" : text, text == NULL || text[0] == '\0' ? "" : ", ",
                             counts[state], run_state_name((enum run_state)state));
        }
    }
    return text;
}

/* "0.9120 ± 0.0040", and "(6)" if only 6 of the runs count. */
static const char *band_text(const struct seed_group *group, const char *score, struct arena *arena) {
    const struct seed_band band = seed_group_band(group, score);
    if (band.count == 0) {
        return "";
    }
    const char *mean = run_score_text(band.mean, arena), *deviation = run_score_text(band.deviation, arena);
    const char *count = band.count == seed_group_seeds(group) ? "" : arena_printf(arena, " (%d)", band.count);
    return mean == NULL || deviation == NULL || count == NULL ? NULL
           : band.count == 1                                  ? arena_printf(arena, "%s%s", mean, count)
                             : arena_printf(arena, "%s ± %s%s", mean, deviation, count);
}

/* "3", or "3 (6 runs)" if some were trained twice. */
static const char *seeds_text(const struct seed_group *group, struct arena *arena) {
    const int32_t seeds = seed_group_seeds(group);
    return seeds == group->count ? run_count_text(seeds, arena)
                                 : arena_printf(arena, "%d (%d runs)", seeds, group->count);
}

static const char *score_text(const struct seed_group *group, struct arena *arena) {
    const char *metric = seed_group_metric(group);
    const char *band = metric == NULL ? "" : band_text(group, metric, arena);
    return band == NULL || band[0] == '\0' ? "" : arena_printf(arena, "%s %s", metric, band);
}

static int64_t total_bytes(const struct seed_group *group) {
    int64_t bytes = 0;
    for (int32_t i = 0; i < group->count; i++) {
        bytes += group->runs[i]->bytes;
    }
    return bytes;
}

static int64_t last_start(const struct seed_group *group) {
    int64_t last = -1;
    for (int32_t i = 0; i < group->count; i++) {
        last = group->runs[i]->started > last ? group->runs[i]->started : last;
    }
    return last;
}

/* The different answers of the runs: one; the least and the most of numbers; or the first texts. */
static const char *answers_text(const struct seed_group *group, const char *key, struct arena *arena) {
    enum { SHOWN = 3 };
    const char *texts[SHOWN + 1] = {NULL};
    int32_t count = 0;
    struct run_answer least = {.number = NAN}, most = {.number = NAN};
    int are_numbers = 1;
    for (int32_t i = 0; i < group->count; i++) {
        const struct run_answer answer = run_answer(group->runs[i], key, arena);
        int is_new = answer.text != NULL;
        for (int32_t k = 0; k < count && k < SHOWN; k++) {
            is_new &= strcmp(texts[k], answer.text == NULL ? "" : answer.text) != 0;
        }
        if (is_new && count <= SHOWN) {
            texts[count++] = answer.text;
        }
        are_numbers &= answer.text == NULL || !isnan(answer.number);
        least = answer.number < least.number || isnan(least.number) ? answer : least;
        most = answer.number > most.number || isnan(most.number) ? answer : most;
    }
    if (count <= 1) {
        return count == 0 ? "" : texts[0];
    }
    if (are_numbers && count > SHOWN) {
        return arena_printf(arena, "%s–%s", least.text, most.text);
    }
    return arena_printf(arena, "%s, %s%s%s%s", texts[0], texts[1], count > 2 ? ", " : "", count > 2 ? texts[2] : "",
                        count > SHOWN ? ", …" : "");
}

static const char *cell_text(const struct seed_group *group, const char *key, struct arena *arena) {
    return strcmp(key, "state") == 0                         ? states_text(group, arena)
           : strcmp(key, "score") == 0                       ? score_text(group, arena)
           : strcmp(key, "size") == 0                        ? run_size_text(total_bytes(group), arena)
           : strcmp(key, "date") == 0                        ? run_date_text(last_start(group), arena)
           : run_answer(group->runs[0], key, arena).is_score ? band_text(group, key, arena)
                                                             : answers_text(group, key, arena);
}

/* The last word of a key, unless another one that varies ends with it, too. */
static const char *short_key(const struct run_values *varies, const char *key) {
    const char *dot = strrchr(key, '.'), *word = dot == NULL ? key : dot + 1;
    for (int32_t i = 0; i < varies->count; i++) {
        const char *other = varies->items[i].key, *end = strrchr(other, '.');
        if (strcmp(other, key) != 0 && strcmp(end == NULL ? other : end + 1, word) == 0) {
            return key;
        }
    }
    return word;
}

/* "cell lstm, hidden 32" */
static const char *varies_text(const struct seed_group *group, struct arena *arena) {
    enum { SHOWN = 4 };
    const char *text = "";
    for (int32_t i = 0; i < group->varies.count && i < SHOWN && text != NULL; i++) {
        const struct run_value *value = &group->varies.items[i];
        text = arena_printf(arena, "%s%s%s %s", text, i == 0 ? "" : ", ", short_key(&group->varies, value->key),
                            value->text[0] == '\0' ? "''" : value->text);
    }
    return group->varies.count <= SHOWN || text == NULL
               ? text
               : arena_printf(arena, "%s, and %d more", text, group->varies.count - SHOWN);
}

/* ---- order ---- */

struct ordered_group {
    const struct seed_group *group;
    double number;    /* NaN: it has none */
    const char *text; /* NULL: it does not have the key */
    int is_descending;
};

/* Numbers before texts, and groups without the key last, in both directions. */
static int by_answer(const void *left, const void *right) {
    const struct ordered_group *a = left, *b = right;
    int order = (a->text == NULL) - (b->text == NULL);
    if (order == 0 && a->text != NULL) {
        order = isnan(a->number) - isnan(b->number);
        if (order == 0) {
            order = isnan(a->number) ? run_compare_names(a->text, b->text)
                                     : (a->number > b->number) - (a->number < b->number);
            order = a->is_descending ? -order : order;
        }
    }
    return order != 0 ? order : (a->group > b->group) - (a->group < b->group);
}

/* The mean of the runs that have a number, and the text of the first run that has one. */
static struct ordered_group answer_of(const struct seed_group *group, const char *key, struct arena *arena) {
    struct ordered_group ordered = {.group = group, .number = NAN};
    double sum = 0;
    int32_t count = 0;
    for (int32_t i = 0; i < group->count; i++) {
        const struct run_answer answer = run_answer(group->runs[i], key, arena);
        ordered.text = ordered.text == NULL ? answer.text : ordered.text;
        sum += isnan(answer.number) ? 0 : answer.number;
        count += !isnan(answer.number);
    }
    ordered.number = count > 0 ? sum / count : NAN;
    return ordered;
}

/* The groups in the order of --sort: [groups->count]; NULL: out of memory. */
static struct ordered_group *order_groups(const struct seed_groups *groups, const char *sort, struct arena *arena) {
    struct ordered_group *ordered = arena_calloc(arena, (size_t)groups->count, sizeof *ordered);
    const int is_descending = sort != NULL && sort[0] == '-';
    for (int32_t g = 0; ordered != NULL && g < groups->count; g++) {
        ordered[g] = sort == NULL ? (struct ordered_group){.group = &groups->items[g], .number = NAN}
                                  : answer_of(&groups->items[g], sort + is_descending, arena);
        ordered[g].is_descending = is_descending;
    }
    if (ordered != NULL && groups->count > 1) {
        qsort(ordered, (size_t)groups->count, sizeof *ordered, by_answer);
    }
    return ordered;
}

/* ---- output ---- */

enum { MOST_KEYS = 48, FIXED = 3 }; /* columns of keys; the run, what varies, and the number of seeds */

struct listed_keys {
    const char *items[MOST_KEYS];
    int32_t count;
};

/* The keys of --columns, or the usual ones. */
static rondo_status read_columns(const char *text, const struct found_runs *list, struct listed_keys *keys,
                                 struct errors *errors) {
    text = text == NULL ? "state,epochs,score,parameters,date,size" : text;
    keys->count = 0;
    while (*text != '\0') {
        const size_t length = strcspn(text, ",");
        const char *key = arena_strndup(list->arena, text, length);
        if (key == NULL) {
            return errors_no_memory(errors);
        }
        if (keys->count == MOST_KEYS) {
            return errors_add(errors, RONDO_INVALID, "--columns has more than %d keys", MOST_KEYS);
        }
        if (length > 0) {
            run_key_check("--columns", key, list->items, list->count, errors);
            keys->items[keys->count++] = key;
        }
        text += length + (text[length] == ',');
    }
    return errors->status;
}

static int is_text_key(const char *key) {
    return strcmp(key, "state") == 0 || strcmp(key, "date") == 0 || strcmp(key, "score") == 0;
}

static rondo_status print_table(const struct ordered_group *ordered, int32_t count, const struct listed_keys *keys,
                                struct arena *arena, struct errors *errors) {
    int is_right[FIXED + MOST_KEYS] = {0, 0, 1};
    int32_t most = 0;
    for (int32_t k = 0; k < keys->count; k++) {
        is_right[FIXED + k] = !is_text_key(keys->items[k]);
    }
    struct columns columns = columns_create(count + 1, FIXED + keys->count, is_right, arena);
    columns_set(&columns, 0, 0, "run");
    columns_set(&columns, 0, 1, "varies");
    columns_set(&columns, 0, 2, "seeds");
    for (int32_t g = 0; g < count; g++) {
        most = ordered[g].group->count > most ? ordered[g].group->count : most;
    }
    for (int32_t g = 0; g < count; g++) {
        const struct seed_group *group = ordered[g].group;
        columns_set(&columns, g + 1, 0, group->folder);
        columns_set(&columns, g + 1, 1, varies_text(group, arena));
        columns_set(&columns, g + 1, 2, most > 1 ? seeds_text(group, arena) : NULL);
        for (int32_t k = 0; k < keys->count; k++) {
            columns_set(&columns, g + 1, FIXED + k, cell_text(group, keys->items[k], arena));
        }
    }
    for (int32_t k = 0; k < keys->count; k++) {
        columns_set(&columns, 0, FIXED + k, keys->items[k]);
    }
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    columns_print(&columns, stdout, 0);
    return RONDO_OK;
}

static rondo_status print_json(const struct ordered_group *ordered, int32_t count, int is_each, struct arena *arena,
                               struct errors *errors) {
    struct json_builder builder = {arena, 0};
    json_t *object = json_object(), *items = json_array();
    for (int32_t g = 0; g < count; g++) {
        json_append(&builder, items,
                    is_each ? run_json(&builder, ordered[g].group->runs[0])
                            : seed_group_json(&builder, ordered[g].group));
    }
    json_set(&builder, object, is_each ? "runs" : "groups", items);
    return output_json(json_built(&builder, object), JSON_REAL_PRECISION(9), errors);
}

static rondo_status list_runs(const struct listing_request *request, struct found_runs *list, struct errors *errors) {
    struct errors notes = {0};
    struct seed_groups groups;
    struct listed_keys keys;
    list->takes_trials = request->takes_trials;
    const rondo_status found = found_runs_find(list, request->folders, &notes, errors);
    report_warnings(&notes, request->json);
    RONDO_TRY(found);
    const int has_any = list->count > 0;
    read_columns(request->columns, list, &keys, errors);
    if (request->sort != NULL) {
        run_key_check("--sort", request->sort + (request->sort[0] == '-'), list->items, list->count, errors);
    }
    RONDO_TRY(found_runs_filter(list, request->conditions, errors));
    RONDO_TRY(seed_groups_make(list->items, list->count, request->is_each, &groups, list->arena, errors));
    const struct ordered_group *ordered = order_groups(&groups, request->sort, list->arena);
    if (ordered == NULL) {
        return errors_no_memory(errors);
    }
    if (request->json) {
        return print_json(ordered, groups.count, request->is_each, list->arena, errors);
    }
    if (!has_any) {
        found_runs_report_none(request->folders);
        return RONDO_OK;
    }
    RONDO_TRY(print_table(ordered, groups.count, &keys, list->arena, errors));
    if (list->tunings > 0) {
        fprintf(stderr, "the runs that only chose settings of %d comparison%s are left out; --all lists them, too\n",
                list->tunings, list->tunings == 1 ? "" : "s");
    }
    return RONDO_OK;
}

static int run_ls(const struct command *command, int argc, char **argv) {
    const char *conditions[ARGUMENT_LIST_MAX + 1] = {NULL};
    struct listing_request request = {.conditions = conditions};
    const struct flag flags[] = {
        {"where", "KEY=VALUE", FLAG_LIST, conditions,
         "only runs for which this holds; also with !=, <, <=, >, >=; may be repeated"},
        {"sort", "KEY", FLAG_TEXT, &request.sort,
         "in the order of this key; -KEY: the largest first (default: by folder)"},
        {"columns", "KEY,…", FLAG_TEXT, &request.columns,
         "these columns (default: state,epochs,score,parameters,date,size)"},
        {"each", NULL, FLAG_ON, &request.is_each, "every run on a line of its own"},
        {"all", NULL, FLAG_ON, &request.takes_trials, "also the runs that only chose settings of a comparison"},
        {"json", NULL, FLAG_ON, &request.json, "print JSON"},
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    struct errors errors = {0};
    struct found_runs list = {0};
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    request.folders = arguments.words;
    if (found_runs_open(&list, &errors) == RONDO_OK) {
        list_runs(&request, &list, &errors);
    }
    found_runs_close(&list);
    return finish_command(&errors, request.json);
}

const struct command runs_ls = {
    "ls", "runs ls [FOLDER…] [--where KEY=VALUE]… [--sort KEY] [--columns KEY,…] [--each] [--all] [--json]",
    "list runs: one line for all seeds of a variant",
    "Finds the runs below the folders (default: runs/ and comparisons/), without reading their data. Runs that\n"
    "differ only in schedule.seed are one line: the mean of their scores ± the standard deviation. The column\n"
    "`varies` has the keys in which experiments of the same name differ. The line has the folder of the first\n"
    "run, or that of the variant in a comparison.\n\n"
    "KEY is a key of the experiment (optimizer.lr, model.layers.0.cell), a score (valid.accuracy, test.loss; a\n"
    "metric alone is that of the validation part), or one of run, state, metric, score, epochs, steps,\n"
    "best_epoch, best_step, parameters, size, date, seconds, memory, version. Scores are those of the weights\n"
    "that are kept.\n\n"
    "States: finished; unfinished (`rondo train --resume RUN` goes on); training (a process trains in the\n"
    "folder now); damaged; other version (a format of experiments that this Rondo does not know).\n\n"
    "  rondo runs ls\n"
    "  rondo runs ls --where model.layers.0.cell=lstm --where 'valid.accuracy>0.9' --sort -valid.accuracy\n"
    "  rondo runs ls --each --columns state,schedule.seed,valid.loss,test.loss\n",
    run_ls};
