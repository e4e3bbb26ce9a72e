#include "cli/found_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/run_keys.h"
#include "compare/comparison.h"
#include "core/memory.h"
#include "experiment/experiment.h"
#include "io/file.h"
#include "io/folder.h"
#include "store/run_list.h"
#include "store/run_search.h"

#define COMPARISONS "comparisons" /* where `rondo compare` puts them */
#define TUNING      "tuning"      /* runs that only choose settings, in the folder of a comparison */

rondo_status found_runs_open(struct found_runs *list, struct errors *errors) {
    *list = (struct found_runs){.arena = arena_create(), .scratch = arena_create()};
    return list->arena == NULL || list->scratch == NULL ? errors_no_memory(errors) : RONDO_OK;
}

void found_runs_close(struct found_runs *list) {
    free(list->items);
    arena_destroy(list->arena);
    arena_destroy(list->scratch);
}

/* Makes room for one more run. */
static rondo_status reserve(struct found_runs *list, struct errors *errors) {
    if (list->count < list->capacity) {
        return RONDO_OK;
    }
    const int32_t capacity = 2 * list->capacity + 64;
    struct run_summary *items = memory_realloc(list->items, (size_t)capacity * sizeof *items);
    if (items == NULL) {
        return errors_no_memory(errors);
    }
    list->items = items;
    list->capacity = capacity;
    return RONDO_OK;
}

/* The comparison that has the run: a folder above it, as far as the path goes. In the arena; NULL: there is none. */
static const char *comparison_of(struct found_runs *list, const char *run) {
    enum { ABOVE = 5 }; /* a run of a comparison's tuning is so deep in it */
    const struct found_runs_cache *cache = &list->last;
    const char *path = path_folder(list->arena, run), *around = path;
    if (path != NULL && cache->around != NULL && strcmp(path, cache->around) == 0) {
        return cache->comparison; /* most runs are beside another one */
    }
    const char *comparison = NULL;
    for (int i = 0; i < ABOVE && path != NULL && comparison == NULL; i++) {
        comparison = found_runs_is_comparison(list, path) ? path : NULL;
        if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0) {
            break;
        }
        path = path_folder(list->arena, path);
    }
    list->last = (struct found_runs_cache){around, comparison};
    return comparison;
}

static rondo_status add_run(void *arg, const char *path, int descriptor, const struct run_file_list *files,
                            struct errors *errors) {
    struct found_runs *list = arg;
    const struct run_summary_settings settings = {EXPERIMENT_VERSION, list->scratch};
    RONDO_TRY(reserve(list, errors));
    RONDO_TRY(
        run_summary_read_listed(path, descriptor, files, &settings, &list->items[list->count], list->arena, errors));
    list->items[list->count].collection = comparison_of(list, path);
    list->count++;
    return RONDO_OK;
}

static int skips(void *arg, const struct run_file_list *files, const char *name) {
    struct found_runs *list = arg;
    const int is_tuning = !list->takes_trials && strcmp(name, TUNING) == 0 && run_search_has(files, COMPARISON_FILE);
    list->tunings += is_tuning;
    return is_tuning;
}

static int by_folder(const void *left, const void *right) {
    return run_compare_names(((const struct run_summary *)left)->folder, ((const struct run_summary *)right)->folder);
}

/* Sorts the runs, and leaves out those that were found twice: a folder may be named twice, or be within another. */
static void sort_runs(struct found_runs *list) {
    int32_t kept = 0;
    if (list->count > 1) {
        qsort(list->items, (size_t)list->count, sizeof *list->items, by_folder);
    }
    for (int32_t i = 0; i < list->count; i++) {
        if (kept == 0 || strcmp(list->items[kept - 1].folder, list->items[i].folder) != 0) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

rondo_status found_runs_find(struct found_runs *list, const char *const *folders, struct errors *notes,
                             struct errors *errors) {
    static const char *const usual[] = {RUN_LIST_FOLDER, COMPARISONS, NULL};
    const int is_given = folders[0] != NULL;
    const struct run_search search = {add_run, skips, list, list->scratch};
    for (const char *const *folder = is_given ? folders : usual; *folder != NULL; folder++) {
        if (is_given || folder_is(*folder)) {
            RONDO_TRY(run_search(*folder, &search, notes, errors));
        }
    }
    sort_runs(list);
    return RONDO_OK;
}

static void keep(struct found_runs *list, const struct run_condition *condition) {
    int32_t kept = 0;
    for (int32_t i = 0; i < list->count; i++) {
        const struct arena_mark mark = arena_mark(list->scratch);
        if (run_condition_holds(condition, &list->items[i], list->scratch)) {
            list->items[kept++] = list->items[i];
        }
        arena_release(list->scratch, mark);
    }
    list->count = kept;
}

rondo_status found_runs_filter(struct found_runs *list, const char *const *texts, struct errors *errors) {
    int32_t count = 0;
    while (texts[count] != NULL) {
        count++;
    }
    struct run_condition *conditions = arena_alloc(list->arena, (size_t)count * sizeof *conditions);
    if (conditions == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) { /* all mistakes are reported together */
        if (run_condition_read(texts[i], &conditions[i], list->arena, errors) == RONDO_OK) {
            run_key_check("--where", conditions[i].key, list->items, list->count, errors);
        }
    }
    for (int32_t i = 0; i < count && errors->count == 0; i++) {
        keep(list, &conditions[i]);
    }
    return arena_failed(list->scratch) && errors->count == 0 ? errors_no_memory(errors) : errors->status;
}

const char *found_runs_path(const char *folder, struct arena *arena) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    return arena_strndup(arena, folder, length);
}

int found_runs_is_comparison(struct found_runs *list, const char *folder) {
    const char *file = arena_printf(list->scratch, "%s/" COMPARISON_FILE, folder);
    return file != NULL && file_exists(file);
}

/* Says what a folder is that is not one of a run. */
static rondo_status refuse_folder(struct found_runs *list, const char *folder, struct errors *errors) {
    struct found_runs below = {.arena = list->arena, .scratch = list->scratch};
    struct errors ignored = {0};
    const char *in_runs = arena_printf(list->scratch, RUN_LIST_FOLDER "/%s", folder);
    if (in_runs == NULL) {
        return errors_no_memory(errors);
    }
    if (!file_exists(folder)) {
        const int is_in_runs = folder[0] != '/' && folder_is(in_runs);
        return errors_add(errors, RONDO_NOT_FOUND, "there is no folder '%s'%s%s%s", folder,
                          is_in_runs ? " (did you mean '" : "", is_in_runs ? in_runs : "", is_in_runs ? "'?)" : "");
    }
    if (!folder_is(folder)) {
        return errors_add(errors, RONDO_NOT_FOUND, "'%s' is a file, expected the folder of a run", folder);
    }
    if (found_runs_is_comparison(list, folder)) {
        return errors_add(errors, RONDO_NOT_FOUND,
                          "'%s' is a comparison, expected one run: 'rondo runs ls %s --each' lists its runs", folder,
                          folder);
    }
    const char *const folders[] = {folder, NULL};
    found_runs_find(&below, folders, &ignored, &ignored);
    errors_free(&ignored);
    const int32_t count = below.count;
    free(below.items);
    return count > 0 ? errors_add(errors, RONDO_NOT_FOUND,
                                  "'%s' is not the folder of a run; 'rondo runs ls %s --each' lists the %d in it",
                                  folder, folder, count)
                     : errors_add(errors, RONDO_NOT_FOUND, "'%s' is not the folder of a run", folder);
}

rondo_status found_runs_read(struct found_runs *list, const char *folder, struct run_summary *run,
                             struct run_file_list *files, struct errors *errors) {
    const struct run_summary_settings settings = {EXPERIMENT_VERSION, list->scratch};
    const rondo_status status = run_summary_read(folder, &settings, run, files, list->arena, errors);
    if (status == RONDO_OK) {
        run->collection = comparison_of(list, folder);
    }
    return status == RONDO_NOT_FOUND ? refuse_folder(list, folder, errors) : status;
}

rondo_status found_runs_add(struct found_runs *list, const char *folder, struct errors *errors) {
    RONDO_TRY(reserve(list, errors));
    RONDO_TRY(found_runs_read(list, folder, &list->items[list->count], NULL, errors));
    list->count++;
    return RONDO_OK;
}

void found_runs_report_none(const char *const *folders) {
    fprintf(stderr, "no run was found in ");
    if (folders[0] == NULL) {
        fprintf(stderr, "'" RUN_LIST_FOLDER "' and '" COMPARISONS "' of this folder");
    }
    for (const char *const *folder = folders; *folder != NULL; folder++) {
        fprintf(stderr, "%s'", folder == folders ? "" : ", ");
        print_text(stderr, *folder);
        fprintf(stderr, "'");
    }
    fprintf(stderr, "\n");
}
