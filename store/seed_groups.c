#include "store/seed_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run with the text that is the same for all runs of its group. */
struct grouped_run {
    const struct run_summary *run;
    const char *text;
};

/* ---- which runs belong together ---- */

static int is_within(const char *key, const char *section) {
    const size_t length = strlen(section);
    return strncmp(key, section, length) == 0 && (key[length] == '\0' || key[length] == '.');
}

/* 1 if the key does not make another variant of a run; `is_each`: the seed does. */
static int is_free(const char *key, int is_each) {
    static const char *const keys[] = {"schedule.seed", "schedule.checkpoint", "schedule.diagnostics",
                                       "schedule.tensorboard"};
    for (size_t i = is_each; i < sizeof keys / sizeof keys[0]; i++) {
        if (is_within(key, keys[i])) {
            return 1;
        }
    }
    return 0;
}

static size_t put(char *text, size_t length, const char *part, char end) {
    const size_t bytes = strlen(part);
    if (text != NULL) {
        memcpy(text + length, part, bytes + 1);
        text[length + bytes] = end;
    }
    return length + bytes + 1;
}

static size_t put_values(char *text, size_t length, const struct run_values *values) {
    for (int32_t i = 0; i < values->count; i++) {
        if (!is_free(values->items[i].key, 0)) {
            length = put(text, length, values->items[i].key, '\1');
            length = put(text, length, values->items[i].text, '\2');
        }
    }
    return length;
}

/* Keys, values and fingerprints. NULL: out of memory. */
static const char *group_text(const struct run_summary *run, int is_each, struct arena *arena) {
    if (is_each || run->values.count == 0) {
        return run->folder;
    }
    const char *collection = run->collection == NULL ? "" : run->collection;
    const size_t first = put(NULL, 0, collection, '\3');
    const size_t length = put_values(NULL, put_values(NULL, first, &run->values), &run->contents);
    char *text = arena_alloc(arena, length + 1);
    if (text != NULL) {
        put(text, 0, collection, '\3');
        put_values(text, put_values(text, first, &run->values), &run->contents);
        text[length] = '\0';
    }
    return text;
}

static int by_folder(const void *left, const void *right) {
    return run_compare_names(((const struct run_summary *)left)->folder, ((const struct run_summary *)right)->folder);
}

/* Runs of a group together, in the order in which they were before: by folder. */
static int by_text(const void *left, const void *right) {
    const struct grouped_run *a = left, *b = right;
    const int order = strcmp(a->text, b->text);
    return order != 0 ? order : (a->run > b->run) - (a->run < b->run);
}

static int by_first_run(const void *left, const void *right) {
    const struct seed_group *a = left, *b = right;
    return (a->runs[0] > b->runs[0]) - (a->runs[0] < b->runs[0]);
}

static void divide(struct grouped_run *sorted, int32_t count, const struct run_summary **runs,
                   struct seed_groups *groups) {
    for (int32_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(sorted[i - 1].text, sorted[i].text) != 0) {
            groups->items[groups->count++] = (struct seed_group){.runs = runs + i};
        }
        runs[i] = sorted[i].run;
        groups->items[groups->count - 1].count++;
    }
    qsort(groups->items, (size_t)groups->count, sizeof *groups->items, by_first_run);
}

/* ---- names ---- */

/* The length of the path of the folder that a run is in; 0: the path has no folder. */
static size_t parent_length(const char *folder) {
    const char *slash = strrchr(folder, '/');
    return slash == NULL ? 0 : (size_t)(slash - folder);
}

/* The folder of its runs, if it has several beside each other in a collection: the variant of a comparison. */
static const char *group_folder(const struct seed_group *group, int is_each, struct arena *arena) {
    const struct run_summary *first = group->runs[0];
    const size_t length = parent_length(first->folder);
    if (is_each || group->count == 1 || first->collection == NULL || length <= strlen(first->collection)) {
        return first->folder;
    }
    for (int32_t i = 1; i < group->count; i++) {
        const char *other = group->runs[i]->folder;
        if (parent_length(other) != length || strncmp(first->folder, other, length) != 0) {
            return first->folder;
        }
    }
    return arena_strndup(arena, first->folder, length);
}

/* ---- what varies ---- */

/* The groups of experiments of one name. */
struct name_groups {
    struct seed_group **items; /* [count] */
    int32_t count;
    int is_each;
    struct arena *arena;
};

static const struct run_values *values_of(const struct seed_group *group, int of_contents) {
    return of_contents ? &group->runs[0]->contents : &group->runs[0]->values;
}

/* 1 if a key has several values among the groups; *is_missing: some group does not have it. */
static int has_several(const struct name_groups *groups, const char *key, int of_contents, int *is_missing) {
    const char *first = run_values_get(values_of(groups->items[0], of_contents), key);
    int is_other = 0;
    *is_missing = first == NULL;
    for (int32_t g = 1; g < groups->count; g++) {
        const char *text = run_values_get(values_of(groups->items[g], of_contents), key);
        *is_missing |= text == NULL;
        is_other |= first == NULL || text == NULL ? first != text : strcmp(first, text) != 0;
    }
    return is_other;
}

/* 1 if a key is there in some groups only because another one differs: the options of another plug-in, or the keys of one more
 * layer. */
static int is_explained(const struct name_groups *groups, const char *key) {
    static const char *const deciding[] = {"", ".plugin", ".reader"};
    int ignored;
    for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        for (size_t i = 0; i < sizeof deciding / sizeof deciding[0]; i++) {
            const char *other = arena_printf(groups->arena, "%.*s%s", (int)(dot - key), key, deciding[i]);
            if (other == NULL || (strcmp(other, key) != 0 && has_several(groups, other, 0, &ignored))) {
                return 1;
            }
        }
    }
    return 0;
}

/* 1 if the fingerprint of a file differs although its name does not. */
static int is_other_content(const struct name_groups *groups, const char *key) {
    const char *cell = arena_printf(groups->arena, "%s.cell", key);
    int is_missing, ignored;
    return has_several(groups, key, 1, &is_missing) && !is_missing && !has_several(groups, key, 0, &ignored) &&
           cell != NULL && !has_several(groups, cell, 0, &ignored);
}

/* Adds a key that varies to all groups; contents as "data.train.contents". */
static void add_varying(struct name_groups *groups, const char *key, int of_contents, int32_t capacity) {
    for (int32_t g = 0; g < groups->count; g++) {
        struct run_values *varies = &groups->items[g]->varies;
        struct run_value *items = varies->count > 0 ? (struct run_value *)varies->items
                                                    : arena_alloc(groups->arena, (size_t)capacity * sizeof *items);
        const char *text = run_values_get(values_of(groups->items[g], of_contents), key);
        const char *name = of_contents ? arena_printf(groups->arena, "%s.contents", key) : key;
        if (items != NULL && name != NULL) {
            items[varies->count++] = (struct run_value){name, text == NULL ? "-" : text};
            varies->items = items;
        }
    }
}

static int by_text_of_key(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* All keys of the groups, each once, sorted: [*count]. NULL: out of memory. */
static const char **all_keys(const struct name_groups *groups, int of_contents, int32_t *count) {
    size_t most = 0, n = 0;
    *count = 0;
    for (int32_t g = 0; g < groups->count; g++) {
        most += (size_t)values_of(groups->items[g], of_contents)->count;
    }
    const char **keys = arena_alloc(groups->arena, (most + 1) * sizeof *keys);
    for (int32_t g = 0; keys != NULL && g < groups->count; g++) {
        const struct run_values *values = values_of(groups->items[g], of_contents);
        for (int32_t i = 0; i < values->count; i++) {
            keys[n++] = values->items[i].key;
        }
    }
    if (n > 1) {
        qsort(keys, n, sizeof *keys, by_text_of_key);
    }
    for (size_t i = 0; i < n; i++) {
        if (*count == 0 || strcmp(keys[*count - 1], keys[i]) != 0) {
            keys[(*count)++] = keys[i];
        }
    }
    return keys;
}

static int is_varying(const struct name_groups *groups, const char *key, int of_contents) {
    int is_missing = 0;
    return !is_free(key, groups->is_each) &&
           (of_contents ? is_other_content(groups, key)
                        : has_several(groups, key, 0, &is_missing) && !(is_missing && is_explained(groups, key)));
}

static void find_varying(struct name_groups *groups) {
    int32_t counts[2];
    const char **keys[2] = {all_keys(groups, 0, &counts[0]), all_keys(groups, 1, &counts[1])};
    for (int of_contents = 0; of_contents < 2 && !arena_failed(groups->arena); of_contents++) {
        for (int32_t k = 0; k < counts[of_contents]; k++) {
            if (is_varying(groups, keys[of_contents][k], of_contents)) {
                add_varying(groups, keys[of_contents][k], of_contents, counts[0] + counts[1]);
            }
        }
    }
}

/* An experiment without a name is one with an empty name. */
static const char *name_of(const struct seed_group *group) {
    const char *name = group->runs[0]->name;
    return name == NULL ? "" : name;
}

static int by_experiment(const void *left, const void *right) {
    return strcmp(name_of(*(struct seed_group *const *)left), name_of(*(struct seed_group *const *)right));
}

static void find_all_varying(struct seed_groups *groups, int is_each, struct arena *arena) {
    struct seed_group **sorted = arena_alloc(arena, (size_t)groups->count * sizeof *sorted);
    int32_t count = 0;
    for (int32_t g = 0; sorted != NULL && g < groups->count; g++) {
        if (groups->items[g].runs[0]->values.count > 0) {
            sorted[count++] = &groups->items[g];
        }
    }
    if (count > 1) {
        qsort(sorted, (size_t)count, sizeof *sorted, by_experiment);
    }
    for (int32_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && by_experiment(&sorted[begin], &sorted[end]) == 0; end++) {
        }
        struct name_groups of_name = {sorted + begin, end - begin, is_each, arena};
        if (of_name.count > 1) {
            find_varying(&of_name);
        }
    }
}

rondo_status seed_groups_make(struct run_summary *runs, int32_t count, int is_each, struct seed_groups *groups,
                              struct arena *arena, struct errors *errors) {
    struct grouped_run *sorted = arena_alloc(arena, (size_t)count * sizeof *sorted);
    const struct run_summary **members = arena_alloc(arena, (size_t)count * sizeof *members);
    *groups = (struct seed_groups){arena_calloc(arena, (size_t)count, sizeof *groups->items), 0};
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    if (count == 0) {
        return RONDO_OK;
    }
    qsort(runs, (size_t)count, sizeof *runs, by_folder);
    for (int32_t i = 0; i < count; i++) {
        sorted[i] = (struct grouped_run){&runs[i], group_text(&runs[i], is_each, arena)};
    }
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    qsort(sorted, (size_t)count, sizeof *sorted, by_text);
    divide(sorted, count, members, groups);
    for (int32_t g = 0; g < groups->count; g++) {
        groups->items[g].folder = group_folder(&groups->items[g], is_each, arena);
    }
    find_all_varying(groups, is_each, arena);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- bands ---- */

const char *seed_group_metric(const struct seed_group *group) {
    const char *metric = group->runs[0]->metric;
    for (int32_t i = 1; i < group->count; i++) {
        const char *other = group->runs[i]->metric;
        metric = metric == NULL || other == NULL || strcmp(metric, other) != 0 ? NULL : metric;
    }
    return metric;
}

static int has_finished(const struct seed_group *group) {
    for (int32_t i = 0; i < group->count; i++) {
        if (group->runs[i]->state == RUN_FINISHED) {
            return 1;
        }
    }
    return 0;
}

/* 1 if a run before this one has the same seed, and counts as well. */
static int is_repeated(const struct seed_group *group, int32_t index, int only_finished) {
    const char *seed = run_values_get(&group->runs[index]->values, "schedule.seed");
    for (int32_t i = 0; seed != NULL && i < index; i++) {
        const char *other = run_values_get(&group->runs[i]->values, "schedule.seed");
        if (other != NULL && strcmp(seed, other) == 0 && (!only_finished || group->runs[i]->state == RUN_FINISHED)) {
            return 1;
        }
    }
    return 0;
}

int32_t seed_group_seeds(const struct seed_group *group) {
    int32_t count = 0;
    for (int32_t i = 0; i < group->count; i++) {
        count += !is_repeated(group, i, 0);
    }
    return count;
}

struct seed_band seed_group_band(const struct seed_group *group, const char *score) {
    const int only_finished = has_finished(group);
    struct seed_band band = {.mean = NAN, .deviation = NAN, .least = NAN, .most = NAN};
    double sum = 0, squares = 0;
    for (int pass = 0; pass < 2;
         pass++) { /* the mean comes first: a variance as a difference of squares loses digits */
        for (int32_t i = 0; i < group->count; i++) {
            const double value = run_summary_score(group->runs[i], score);
            if (isnan(value) || (only_finished && group->runs[i]->state != RUN_FINISHED) ||
                is_repeated(group, i, only_finished)) {
                continue;
            }
            if (pass == 0) {
                sum += value;
                band.count++;
                band.least = isnan(band.least) ? value : fmin(band.least, value);
                band.most = isnan(band.most) ? value : fmax(band.most, value);
            } else {
                squares += (value - band.mean) * (value - band.mean);
            }
        }
        if (band.count > 0 && pass == 0) {
            band.mean = sum / band.count;
        }
    }
    if (band.count > 1) { /* the mean of equal values may be rounded */
        band.deviation = band.least == band.most ? 0 : sqrt(squares / (band.count - 1));
    }
    return band;
}
