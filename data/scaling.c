#include "data/scaling.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

const char *const scaling_input_kinds[] = {"none", "standard", "minmax", NULL}; /* by enum scaling_kind */
const char *const scaling_target_kinds[] = {"none", "standard", "minmax", "auto", NULL};
static const char *const stream_names[SCALING_STREAMS] = {"input", "target", "known"};

/* Moments of one number of a stream, or of all numbers of a channel. */
struct number_moments {
    int64_t count;
    int64_t bits; /* numbers that are 0 or 1 */
    double least, most, mean, deviation;
};

static int64_t channels_of(const struct stream *stream) {
    return stream->channels > 0 ? stream->channels : stream->size;
}

/* Numbers of an element that no other element has as well. */
static int64_t own_numbers(const struct stream *stream) {
    return stream->stride < stream->size ? stream->stride : stream->size;
}

static int has_element(const struct stream *stream, int64_t index) {
    const int overlaps = stream->stride < stream->size; /* then each number is missing or not */
    return strcmp(stream->name, "target") != 0 || overlaps || stream_has_target(stream, index);
}

/* Calls *visit for the numbers of every element of every example of a group, transformed, with the moments of its channel. */
static void visit_numbers(const struct dataset *dataset, const struct stream *stream, int32_t group,
                          void (*visit)(struct number_moments *moments, double number),
                          struct number_moments *moments) {
    const int64_t channels = channels_of(stream), size = own_numbers(stream);
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t end = dataset_group(dataset, i) == group ? stream->begin[i] + stream->length[i] : 0;
        for (int64_t index = stream->begin[i]; index < end; index++) {
            const int is_element = has_element(stream, index);
            for (int64_t k = 0, channel = 0; k < size && is_element;
                 k++, channel = channel + 1 < channels ? channel + 1 : 0) {
                const double stored = (double)stream_number(stream, index, k);
                if (!isnan(stored)) {
                    visit(&moments[channel], stream_transform(stream, k, stored));
                }
            }
        }
    }
}

static void add_to_mean(struct number_moments *own, double number) {
    own->least = own->count == 0 || number < own->least ? number : own->least;
    own->most = own->count == 0 || number > own->most ? number : own->most;
    own->count++;
    own->bits += number == 0 || number == 1;
    own->mean += number; /* the sum, until all are added */
}

static void add_to_deviation(struct number_moments *own, double number) {
    own->deviation += (number - own->mean) * (number - own->mean); /* the sum of squares, until all are added */
}

/* Two passes: the sum of squares about the mean has no cancellation.
 *     standard    shift = sum(x) / n                 scale = sqrt(sum((x - shift)^2) / n)
 *     minmax      shift = (least + most) / 2         scale = (most - least) / 2
 * A scale must be a normal float, because the model divides by it. */
static void learn_numbers(const struct dataset *dataset, const struct stream *stream, int32_t group, int32_t kind,
                          struct number_moments *moments, float *shift, float *scale) {
    const int64_t channels = channels_of(stream);
    visit_numbers(dataset, stream, group, add_to_mean, moments);
    for (int64_t k = 0; k < channels; k++) {
        moments[k].mean /= moments[k].count > 0 ? (double)moments[k].count : 1;
    }
    visit_numbers(dataset, stream, group, add_to_deviation, moments);
    for (int64_t k = 0; k < channels; k++) {
        const struct number_moments *own = &moments[k];
        const int is_indicator = own->bits == own->count; /* a rare one would get a large number */
        const int is_minmax = kind == SCALING_MINMAX;
        const double deviation = own->count > 0 ? sqrt(own->deviation / (double)own->count) : 0;
        const double spread = is_minmax ? (own->most - own->least) / 2 : deviation;
        const int is_constant = !(own->least < own->most) || spread < (double)FLT_MIN;
        shift[k] = is_indicator ? 0 : (float)(is_minmax ? own->least + (own->most - own->least) / 2 : own->mean);
        scale[k] = is_indicator || is_constant ? 1 : (float)spread;
    }
}

/* The scale of the naive forecast (Hyndman & Koehler 2006), in the units of the data:
 *
 *     q = mean of |x[t] - x[t - season]|
 *
 * NaN if that is 0, or if no two rows of the training part are a season apart: the series has no such scale. */
static void learn_naive(const struct dataset *dataset, const struct stream *stream, int32_t group,
                        struct number_moments *moments, float *naive) {
    const int64_t channels = channels_of(stream), season = dataset->timeline->season;
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t end = dataset_group(dataset, i) == group ? stream->begin[i] + stream->length[i] : 0;
        for (int64_t index = stream->begin[i] + season; index < end; index++) {
            for (int64_t k = 0; k < channels; k++) {
                const double step =
                    (double)stream_number(stream, index, k) - (double)stream_number(stream, index - season, k);
                if (!isnan(step)) {
                    add_to_mean(&moments[k], fabs(step));
                }
            }
        }
    }
    for (int64_t k = 0; k < channels; k++) {
        const float mean = moments[k].count == 0 ? 0 : (float)(moments[k].mean / (double)moments[k].count);
        naive[k] = mean < FLT_MIN ? NAN : mean;
    }
}

/* Repeats the numbers of the channels for the whole element, so that no reader of them needs to know of channels. */
static void repeat_channels(float *numbers, int64_t channels, int64_t size) {
    for (int64_t k = channels; k < size; k++) {
        numbers[k] = numbers[k - channels];
    }
}

/* Finds the stream in a dataset; NULL if there is none or if it has ids. */
static const struct stream *find_numbers(const struct dataset *dataset, const char *name) {
    const struct stream *stream = dataset_find(dataset, name);
    return stream == NULL || stream->kind != STREAM_REAL ? NULL : stream;
}

/* Room for the numbers of all groups, [groups, size]. */
static float *group_numbers(const struct scaling_stream *own, struct arena *arena) {
    return arena_calloc(arena, (size_t)own->groups * (size_t)own->size, sizeof(float));
}

/* Learns one group after the other. `kind` SCALING_NONE: the stream is not scaled. */
static rondo_status learn_stream(struct scaling_stream *own, const struct dataset *training,
                                 const struct stream *stream, int32_t kind, struct arena *arena,
                                 struct errors *errors) {
    const int has_naive = training->timeline != NULL && strcmp(own->name, "target") == 0;
    own->size = stream->size;
    own->channels = channels_of(stream);
    own->groups = training->timeline == NULL ? 1 : training->timeline->groups;
    RONDO_CHECK(own->size % own->channels == 0, errors, "the channels of a stream divide its size");
    if (kind != SCALING_NONE) {
        own->shift = group_numbers(own, arena);
        own->scale = group_numbers(own, arena);
    }
    own->naive = has_naive ? group_numbers(own, arena) : NULL;
    struct number_moments *moments = memory_calloc((size_t)own->channels, sizeof *moments);
    if (arena_failed(arena) || moments == NULL) {
        free(moments);
        return errors_no_memory(errors);
    }
    for (int32_t group = 0; group < own->groups; group++) {
        const int64_t at = group * own->size;
        if (kind != SCALING_NONE) {
            memset(moments, 0, (size_t)own->channels * sizeof *moments);
            learn_numbers(training, stream, group, kind, moments, own->shift + at, own->scale + at);
            repeat_channels(own->shift + at, own->channels, own->size);
            repeat_channels(own->scale + at, own->channels, own->size);
        }
        if (has_naive) {
            memset(moments, 0, (size_t)own->channels * sizeof *moments);
            learn_naive(training, stream, group, moments, own->naive + at);
            repeat_channels(own->naive + at, own->channels, own->size);
        }
    }
    free(moments);
    return RONDO_OK;
}

rondo_status scaling_learn(struct scaling *scaling, const struct dataset *training, struct scaling_options options,
                           int target_has_units, struct arena *arena, struct errors *errors) {
    const int32_t target = options.scale_target != SCALING_AUTO ? options.scale_target
                           : target_has_units                   ? SCALING_STANDARD
                                                                : SCALING_NONE;
    const int32_t kinds[SCALING_STREAMS] = {options.scale_input, target, options.scale_input};
    *scaling = (struct scaling){0};
    for (int32_t s = 0; s < SCALING_STREAMS; s++) {
        scaling->streams[s].name = stream_names[s];
        const struct stream *stream = find_numbers(training, stream_names[s]);
        if (stream != NULL) {
            RONDO_TRY(learn_stream(&scaling->streams[s], training, stream, kinds[s], arena, errors));
        }
    }
    return RONDO_OK;
}

int scaling_has_naive(const struct scaling *scaling) {
    for (int32_t s = 0; s < SCALING_STREAMS; s++) {
        const struct scaling_stream *own = &scaling->streams[s];
        for (int64_t i = 0; own->naive != NULL && i < own->groups * own->size; i++) {
            if (!isnan(own->naive[i])) {
                return 1;
            }
        }
    }
    return 0;
}

void scaling_bind(const struct scaling *scaling, struct dataset *dataset) {
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &dataset->streams[s];
        for (int32_t i = 0; i < SCALING_STREAMS; i++) {
            const struct scaling_stream *own = &scaling->streams[i];
            if (own->size == stream->size && strcmp(own->name, stream->name) == 0) {
                stream->shift = own->shift;
                stream->scale = own->scale;
                stream->naive = own->naive;
            }
        }
    }
}

/* ---- JSON: {"scaling": {"input": {"size": 784, "shift": […], "scale": […]}, …}} ----
 *
 * The lists have an entry for each channel, of one group after the other. Without "size", every number is a channel;
 * without "groups", there is one. A float is exact as the double of the file. A scale of the naive forecast may be null. */

static json_t *numbers_json(const struct scaling_stream *own, const float *numbers) {
    json_t *list = json_array();
    for (int64_t i = 0; i < own->groups * own->channels; i++) {
        const int64_t at = i / own->channels * own->size + i % own->channels;
        json_array_append_new(list, isnan(numbers[at]) ? json_null() : json_real((double)numbers[at]));
    }
    if (json_array_size(list) != (size_t)(own->groups * own->channels)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static int add_numbers(json_t *member, const char *key, const struct scaling_stream *own, const float *numbers) {
    return numbers != NULL && json_object_set_new(member, key, numbers_json(own, numbers)) != 0;
}

static int add_count(json_t *member, const char *key, int64_t count, int64_t usual) {
    return count != usual && json_object_set_new(member, key, json_integer(count)) != 0;
}

rondo_status scaling_save(const struct scaling *scaling, struct json_t *object, struct errors *errors) {
    json_t *members = json_object();
    int failed = json_object_set_new(object, "scaling", members) != 0;
    for (int32_t s = 0; s < SCALING_STREAMS && !failed; s++) {
        const struct scaling_stream *own = &scaling->streams[s];
        if (own->shift != NULL || own->naive != NULL) {
            json_t *member = json_object();
            failed =
                json_object_set_new(members, own->name, member) != 0 || add_count(member, "groups", own->groups, 1) ||
                add_count(member, "size", own->size, own->channels) || add_numbers(member, "shift", own, own->shift) ||
                add_numbers(member, "scale", own, own->scale) || add_numbers(member, "naive", own, own->naive);
        }
    }
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

/* What the numbers of a member are. */
enum number_rule { ANY_NUMBER, ABOVE_ZERO, ABOVE_ZERO_OR_NULL };

/* The member `key` of a stream: finite numbers of each channel of each group; null is NaN. *numbers stays NULL if there is no
 * such member. */
static rondo_status load_numbers(const json_t *member, const char *key, const struct scaling_stream *own,
                                 enum number_rule rule, const char *file, struct arena *arena, float **numbers,
                                 struct errors *errors) {
    const json_t *list = json_object_get(member, key);
    const int64_t count = own->groups * own->channels;
    if (list == NULL) {
        return RONDO_OK;
    }
    *numbers = group_numbers(own, arena);
    if (*numbers == NULL) {
        return errors_no_memory(errors);
    }
    int is_good = json_array_size(list) == (size_t)count;
    for (int64_t i = 0; i < count && is_good; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        float *number = *numbers + i / own->channels * own->size + i % own->channels;
        const int is_null = rule == ABOVE_ZERO_OR_NULL && json_is_null(item);
        *number = is_null ? NAN : (float)json_number_value(item);
        is_good = is_null || (json_is_number(item) && isfinite(*number) && (rule == ANY_NUMBER || *number >= FLT_MIN));
    }
    for (int64_t group = 0; group < own->groups; group++) {
        repeat_channels(*numbers + group * own->size, own->channels, own->size);
    }
    return is_good ? RONDO_OK
                   : errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of %lld numbers%s", file, key,
                                (long long)count, rule == ANY_NUMBER ? "" : " above 0");
}

/* Groups, and numbers of an element, of which the lists have those of the channels. */
static rondo_status load_counts(const json_t *member, const char *file, struct scaling_stream *own,
                                struct errors *errors) {
    const json_t *size = json_object_get(member, "size"), *groups = json_object_get(member, "groups");
    const json_t *list = json_object_get(member, "shift");
    list = list == NULL ? json_object_get(member, "naive") : list;
    const int64_t listed = (int64_t)json_array_size(list);
    own->groups = groups == NULL ? 1 : json_integer_value(groups);
    if (listed == 0) {
        return errors_add(errors, RONDO_INVALID, "%s: 'shift' of '%s' must be a list of numbers", file, own->name);
    }
    if (own->groups < 1 || own->groups > listed || listed % own->groups != 0) {
        return errors_add(errors, RONDO_INVALID, "%s: 'groups' must divide the %lld numbers of '%s'", file,
                          (long long)listed, own->name);
    }
    own->channels = listed / own->groups;
    own->size = size == NULL ? own->channels : json_integer_value(size);
    return own->size >= own->channels && own->size <= INT32_MAX && own->size % own->channels == 0
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: 'size' must be a multiple of the %lld numbers of 'shift'", file,
                            (long long)own->channels);
}

static rondo_status load_stream(const json_t *member, const char *file, struct scaling_stream *own, struct arena *arena,
                                struct errors *errors) {
    RONDO_TRY(load_counts(member, file, own, errors));
    RONDO_TRY(load_numbers(member, "shift", own, ANY_NUMBER, file, arena, &own->shift, errors));
    RONDO_TRY(load_numbers(member, "scale", own, ABOVE_ZERO, file, arena, &own->scale, errors));
    RONDO_TRY(load_numbers(member, "naive", own, ABOVE_ZERO_OR_NULL, file, arena, &own->naive, errors));
    return (own->shift == NULL) == (own->scale == NULL)
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: '%s' must have both 'shift' and 'scale'", file, own->name);
}

rondo_status scaling_load(struct scaling *scaling, const struct json_t *object, const char *file, struct arena *arena,
                          struct errors *errors) {
    *scaling = (struct scaling){0};
    for (int32_t s = 0; s < SCALING_STREAMS; s++) {
        scaling->streams[s].name = stream_names[s];
        const json_t *member = json_object_get(json_object_get(object, "scaling"), stream_names[s]);
        if (member != NULL) {
            RONDO_TRY(load_stream(member, file, &scaling->streams[s], arena, errors));
        }
    }
    return RONDO_OK;
}
