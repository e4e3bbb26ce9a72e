#include "train/task_data.h"

#include <jansson.h>
#include <math.h>

#include "core/memory.h"
#include "core/memory_limit.h"
#include <stdlib.h>
#include <string.h>

#include "data/origins.h"

static const char *const part_keys[] = {"train", "valid", "test"}; /* by enum part_name */

static const struct data_files *files_of(const struct data_section *section, enum part_name part) {
    const struct data_files *files[] = {&section->train, &section->valid, &section->test};
    return files[part];
}

static const struct part *rule_of(const struct data_section *section, enum part_name part) {
    static const struct part whole = {.rule = PART_NONE};
    return part == PART_VALID ? &section->parts.valid : part == PART_TEST ? &section->parts.test : &whole;
}

static int has_parts(const struct data_section *section) {
    return section->parts.valid.rule != PART_NONE || section->parts.test.rule != PART_NONE;
}

static struct reader_source source_of(const struct data_section *section, enum part_name part) {
    const struct data_files *files = files_of(section, part);
    return (struct reader_source){files->paths, files->count, part, &section->parts};
}

const char *task_data_name(const struct data_section *section, enum part_name part, struct arena *arena) {
    if ((section->reader->flags & READER_NO_FILES) != 0) {
        return arena_printf(arena, "the %s data of reader '%s'", part_keys[part], section->reader->name);
    }
    const struct data_files *files = files_of(section, part);
    return files->count > 0
               ? files->paths[0].text
               : arena_printf(arena, "data.%s, a part of %s", part_keys[part], section->train.paths[0].text);
}

/* Windows need an input and a target at each step. */
static rondo_status check_windows(const struct task_data *data, const struct dataset *dataset, const char *name,
                                  struct errors *errors) {
    const int64_t example = windows_unaligned(dataset);
    if (example < 0) {
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, data->section->sequences_where,
                         "'data.window' cuts sequences with an input and a target at each step, and example %lld of %s "
                         "has %lld and %lld",
                         (long long)example + 1, name, (long long)dataset_find(dataset, "input")->length[example],
                         (long long)dataset_find(dataset, "target")->length[example]);
}

/* Sequences as windows, if the experiment wants that; lists are not cut. NULL with errors. */
static struct dataset *cut(const struct task_data *data, const struct dataset *dataset, const char *name,
                           struct errors *errors) {
    const struct data_options *settings = &data->section->settings;
    return check_windows(data, dataset, name, errors) == RONDO_OK
               ? windows_cut(dataset, settings->window, settings->carry ? data->lanes : 0, errors)
               : NULL;
}

/* What a series has no forecast for. */
static rondo_status no_origins(const struct task_data *data, const struct dataset *dataset,
                               const struct origins *origins, enum part_name part, const char *name,
                               struct errors *errors) {
    const struct timeline *timeline = dataset->timeline;
    const long long longest = (long long)origins_longest(dataset);
    if (longest < timeline->window + timeline->horizon) {
        return errors_add_at(
            errors, RONDO_INVALID, data->section->sequences_where,
            "the longest series of %s has %lld rows, and 'data.window' %lld and 'data.horizon' %lld need "
            "%lld",
            name, longest, (long long)timeline->window, (long long)timeline->horizon,
            (long long)timeline->window + (long long)timeline->horizon);
    }
    const struct stream *target = dataset_find(dataset, "target");
    int64_t rows = 0, empty = 0;
    for (int32_t s = 0; s < timeline->n_series; s++) {
        const struct timeline_series *series = &timeline->series[s];
        for (int64_t row = series->begin; row < series->begin + series->count; row++) {
            const int is_in_part = timeline->time[row] >= origins->from && timeline->time[row] < origins->to;
            rows += is_in_part;
            empty += is_in_part && isnan(stream_number(target, row, 0));
        }
    }
    return errors_add_at(
        errors, RONDO_INVALID, files_of(data->section, part)->where,
        "%s has no forecast whose targets, the next %lld rows ('data.horizon'), are all in it: it has %lld "
        "rows in %d series, %lld of them without a target",
        name, (long long)timeline->horizon, (long long)rows, timeline->n_series, (long long)empty);
}

/* Series as examples of forecasts. NULL with errors. */
static struct dataset *cut_series(const struct task_data *data, const struct dataset *dataset, enum part_name part,
                                  int with_targets, const char *name, struct errors *errors) {
    struct origins origins = {.use = !with_targets        ? ORIGINS_LAST
                                     : part == PART_TRAIN ? ORIGINS_TRAIN
                                                          : ORIGINS_SCORE,
                              .every_step = data->plan->architecture.output_every_step,
                              .from = INT64_MIN,
                              .to = INT64_MAX};
    if (data->whole != NULL && with_targets && dataset->timeline == data->whole->timeline) {
        part_times_range(&data->times, part, &origins.from, &origins.to);
    }
    struct dataset *cut = origins_cut(dataset, &origins, errors);
    if (cut != NULL && cut->count == 0) {
        no_origins(data, dataset, &origins, part, name, errors);
        dataset_destroy(cut);
        cut = NULL;
    }
    return cut;
}

/* Binds the scaling, cuts sequences into windows, and checks that the examples fit the architecture. Takes over
 * `dataset`. */
static struct dataset *prepare(const struct task_data *data, struct dataset *dataset, enum part_name part,
                               int with_targets, const char *name, struct errors *errors) {
    if (dataset != NULL) {
        scaling_bind(&data->scaling, dataset);
    }
    if (dataset != NULL && dataset->timeline != NULL) {
        struct dataset *whole = dataset;
        dataset = cut_series(data, whole, part, with_targets, name, errors);
        dataset_destroy(whole);
    }
    if (dataset != NULL && data->section->settings.window > 0 && with_targets &&
        dataset_find(dataset, "target")->kind != STREAM_LIST) {
        struct dataset *whole = dataset;
        dataset = cut(data, whole, name, errors);
        dataset_destroy(whole);
    }
    /* The model itself decides on the number of its outputs, unless the targets before them are known, as in a series. */
    const int is_written = !with_targets && data->plan->feedback && dataset != NULL && dataset->timeline == NULL;
    if (dataset != NULL && !is_written &&
        (dataset_fits(dataset, data->plan, with_targets, name, errors) != RONDO_OK ||
         (with_targets && dataset_has_targets(dataset, name, errors) != RONDO_OK))) {
        dataset_destroy(dataset);
        return NULL;
    }
    return dataset;
}

struct dataset *task_data_read(const struct task_data *data, const struct reader_source *source, int with_targets,
                               struct errors *errors) {
    const char *name = source->count > 0 ? source->paths[0].text : data->section->reader->name;
    return prepare(data, reader_read(data->reader, source, with_targets, errors), PART_TEST, with_targets, name,
                   errors);
}

/* The examples of a part as they are in the files; NULL with errors. */
static struct dataset *raw_part(const struct task_data *data, enum part_name part, const char *name,
                                struct errors *errors) {
    const struct data_section *section = data->section;
    if (data->whole != NULL && (part == PART_TRAIN || rule_of(section, part)->rule != PART_NONE)) {
        if (data->whole->timeline != NULL) { /* its parts are those of the targets, whose windows begin earlier */
            return origins_rows(data->whole, INT64_MIN, INT64_MAX, errors);
        }
        return part_view(data->whole, &section->parts, part, name, errors);
    }
    const struct reader_source source = source_of(section, part);
    return reader_read(data->reader, &source, 1, errors);
}

/* The seasonal naive forecast needs two rows that are a season apart in the training part, whose rows `rows` has. */
static rondo_status check_season(const struct task_data *data, const struct dataset *rows, struct errors *errors) {
    const struct stream *target = dataset_find(rows, "target");
    const int64_t season = rows->timeline->season;
    int64_t longest = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        longest = target->length[i] > longest ? target->length[i] : longest;
    }
    return season == 1 || season < longest
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, data->section->season_where,
                               "'data.season' is %lld, and the longest series of the training part has %lld row%s, so "
                               "none of them is a season after another; expected at most %lld",
                               (long long)season, (long long)longest, longest == 1 ? "" : "s",
                               (long long)(longest > 2 ? longest - 1 : 1));
}

/* Learns the scaling from the training data. */
static rondo_status learn_scaling(struct task_data *data, const struct dataset *dataset, int target_has_units,
                                  struct errors *errors) {
    const struct data_options *settings = &data->section->settings;
    const struct scaling_options options = {settings->scale_input, settings->scale_target};
    struct dataset *rows = NULL;
    if (data->whole != NULL && data->whole->timeline != NULL) {
        int64_t from, to;
        part_times_range(&data->times, PART_TRAIN, &from, &to);
        rows = origins_rows(dataset, from, to, errors);
        if (rows == NULL) {
            return errors->status;
        }
    }
    const struct dataset *training = rows == NULL ? dataset : rows;
    rondo_status status = training->timeline == NULL ? RONDO_OK : check_season(data, training, errors);
    if (status == RONDO_OK) {
        status = scaling_learn(&data->scaling, training, options, target_has_units, data->reader->arena, errors);
    }
    dataset_destroy(rows);
    return status;
}

/* `learns`: the scaling is learned from this part, the training data. */
static struct dataset *read_part(struct task_data *data, enum part_name part, int learns, int target_has_units,
                                 struct errors *errors) {
    struct arena *arena = arena_create();
    const char *name = task_data_name(data->section, part, arena);
    struct dataset *dataset = NULL;
    if (name == NULL) {
        errors_no_memory(errors);
    } else {
        dataset = raw_part(data, part, name, errors);
    }
    const struct data_options *settings = &data->section->settings;
    if (dataset != NULL && learns && learn_scaling(data, dataset, target_has_units, errors) != RONDO_OK) {
        dataset_destroy(dataset);
        dataset = NULL;
    }
    if (dataset != NULL && part == PART_TRAIN && windows_longest(dataset) < settings->window) {
        errors_add_at(errors, RONDO_INVALID, data->section->sequences_where,
                      "'data.window' is %lld, and the longest sequence of %s has %lld steps",
                      (long long)settings->window, name, (long long)windows_longest(dataset));
        dataset_destroy(dataset);
        dataset = NULL;
    }
    dataset = prepare(data, dataset, part, 1, name, errors);
    if (dataset == NULL && name != NULL) {
        (void)errors_memory_for(errors, errors->status, (struct location){0}, "the examples of %s", name);
    }
    arena_destroy(arena);
    return dataset;
}

struct dataset *task_data_describe(const struct task_data *data, struct errors *errors) {
    struct dataset *dataset = reader_describe(data->reader, errors);
    if (dataset != NULL) {
        scaling_bind(&data->scaling, dataset);
    }
    return dataset;
}

struct json_t *task_data_save(const struct task_data *data, struct errors *errors) {
    json_t *object = reader_save(data->reader, errors);
    if (object != NULL && scaling_save(&data->scaling, object, errors) != RONDO_OK) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* A part without examples, of a reader that makes its data, is not given. */
static void drop_empty(const struct task_data *data, struct dataset **dataset) {
    if ((data->section->reader->flags & READER_NO_FILES) != 0 && *dataset != NULL && (*dataset)->count == 0) {
        dataset_destroy(*dataset);
        *dataset = NULL;
    }
}

/* The times at which the parts of series begin. */
static rondo_status find_times(struct task_data *data, struct errors *errors) {
    const struct timeline *timeline = data->whole->timeline;
    int64_t count = 0;
    if (timeline == NULL) {
        return RONDO_OK;
    }
    for (int32_t s = 0; s < timeline->n_series; s++) {
        count += timeline->series[s].count;
    }
    int64_t *time = memory_calloc((size_t)count + 1, sizeof *time), *next = time;
    if (time == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < timeline->n_series; s++) {
        memcpy(next, timeline->time + timeline->series[s].begin, (size_t)timeline->series[s].count * sizeof *next);
        next += timeline->series[s].count;
    }
    const rondo_status status = part_times_of(&data->section->parts, time, count, timeline->zone,
                                              data->section->train.paths[0].where, &data->times, errors);
    free(time);
    return status;
}

/* 1 if the parts after the one that ended with this status are not read. */
static int is_final(rondo_status status) {
    return status == RONDO_INTERRUPTED || status == RONDO_NO_MEMORY;
}

static rondo_status read_parts(struct task_data *data, const struct task_data_settings *settings,
                               struct errors *errors) {
    const int which = settings->which;
    const struct data_section *section = data->section;
    struct dataset **all[] = {&data->train, &data->valid, &data->test};
    const int wants_part = (which & TASK_TRAIN) != 0 ||
                           (section->parts.valid.rule != PART_NONE && (which & TASK_VALID)) ||
                           (section->parts.test.rule != PART_NONE && (which & TASK_TEST));
    const int32_t before = errors->count;
    if (has_parts(section) && wants_part) {
        const struct reader_source source = source_of(section, PART_TRAIN);
        data->whole = reader_read(data->reader, &source, 1, errors);
        if (data->whole == NULL) {
            return errors->status;
        }
        RONDO_TRY(find_times(data, errors));
    }
    for (int part = PART_TRAIN; part <= PART_TEST && !is_final(errors->status); part++) {
        /* what is wrong with the training file is not reported again for its other parts */
        const int is_told = errors->count > before && rule_of(section, (enum part_name)part)->rule != PART_NONE;
        if ((which & 1 << part) != 0 && data_section_has(section, (enum part_name)part) && !is_told) {
            const int learns = part == PART_TRAIN && settings->learned == NULL;
            *all[part] = read_part(data, (enum part_name)part, learns, settings->target_has_units, errors);
            drop_empty(data, all[part]);
        }
        data->reading_peak = part <= PART_VALID ? memory_peak() : data->reading_peak;
    }
    return errors->count > before ? errors->status : RONDO_OK;
}

/* A mistake without a place is one of an option. */
static rondo_status learn(const struct task_data *data, struct errors *errors) {
    const struct data_section *section = data->section;
    const struct reader_source source = source_of(section, PART_TRAIN);
    struct errors own = {0};
    const rondo_status status = reader_learn(data->reader, &source, &own);
    if (status == RONDO_INVALID && own.count == 1 && errors_place(&own, 0).file_length == 0) {
        plugin_section_errors(section->node, section->node->where, NULL, &own, errors);
    } else {
        errors_move(errors, &own);
    }
    return status;
}

rondo_status task_data_open(struct task_data *data, const struct task_data_settings *settings, struct errors *errors) {
    const struct data_section *section = settings->section;
    *data = (struct task_data){.section = section,
                               .plan = settings->plan,
                               .lanes = settings->lanes,
                               .target_has_units = settings->target_has_units,
                               .which = settings->which,
                               .is_learned = settings->learned != NULL};
    data->reader = reader_create(section->reader, section->options, section->columns, settings->interrupt, errors);
    if (data->reader == NULL) {
        return errors->status;
    }
    data->reader->progress = settings->progress;
    if (settings->learned != NULL) {
        RONDO_TRY(reader_load(data->reader, settings->learned, settings->file, errors));
        RONDO_TRY(scaling_load(&data->scaling, settings->learned, settings->file, data->reader->arena, errors));
    } else {
        RONDO_TRY(learn(data, errors));
    }
    if (section->reader->fits != NULL && section->train.count > 0) {
        RONDO_TRY(section->reader->fits(data->reader, data->plan->architecture, section->train.paths[0].where, errors));
    }
    data->shape = reader_describe(data->reader, errors);
    return data->shape == NULL ? errors->status : read_parts(data, settings, errors);
}

int task_data_is_same(const struct task_data *data, const struct task_data_settings *settings) {
    const struct batch_plan *left = data->plan, *right = settings->plan;
    const int has_lanes = settings->section->settings.window > 0 && settings->section->settings.carry;
    return !data->is_learned && settings->learned == NULL && data->which == settings->which &&
           data->target_has_units == settings->target_has_units && (!has_lanes || data->lanes == settings->lanes) &&
           left->dtype == right->dtype && left->feedback == right->feedback && left->steps == right->steps &&
           left->architecture.input_every_step == right->architecture.input_every_step &&
           left->architecture.output_every_step == right->architecture.output_every_step &&
           yaml_is_same(data->section->node, settings->section->node);
}

void task_data_notes(const struct dataset *dataset, struct location where, struct errors *warnings) {
    for (int32_t n = 0; dataset != NULL && n < dataset->n_notes; n++) {
        const struct dataset_note *note = &dataset->notes[n];
        errors_add_at(warnings, RONDO_INVALID, where, "%lld example%s %s %s", (long long)note->count,
                      note->count == 1 ? "" : "s", note->count == 1 ? "is" : "are", note->text);
    }
}

void task_data_warn(const struct task_data *data, struct errors *warnings) {
    const struct dataset *datasets[] = {data->train, data->valid, data->test};
    data_section_warn(data->section, warnings);
    task_data_notes(data->whole, data->section->train.where, warnings); /* its parts have none */
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        task_data_notes(datasets[part], files_of(data->section, (enum part_name)part)->where, warnings);
    }
}

void task_data_share(struct task_data *data, const struct task_data *from) {
    *data = *from;
    data->is_shared = 1;
}

void task_data_close(struct task_data *data) {
    if (data->is_shared) {
        *data = (struct task_data){0};
        return;
    }
    dataset_destroy(data->train);
    dataset_destroy(data->valid);
    dataset_destroy(data->test);
    dataset_destroy(data->whole);
    dataset_destroy(data->shape);
    reader_destroy(data->reader);
    *data = (struct task_data){0};
}
