#include "data/scaling.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const scaling_input_kinds[] = {"none", "standard", NULL};
const char *const scaling_target_kinds[] = {"none", "standard", "auto", NULL}; /* by enum scaling_kind */

/* Moments of one number of a stream, or of all numbers of a channel. */
struct number_moments {
    int64_t count;
    int64_t bits; /* numbers that are 0 or 1 */
    double least, most, mean, deviation;
};

static int64_t channels_of(const struct stream *stream) {
    return stream->channels > 0 ? stream->channels : stream->size;
}

static int has_element(const struct stream *stream, int64_t index) {
    return strcmp(stream->name, "target") != 0 || stream_has_target(stream, index);
}

/* Calls *visit for all numbers of an element, for every element of every example. */
static void visit_elements(const struct dataset *dataset, const struct stream *stream,
                           void (*visit)(const struct stream *stream, int64_t index, struct number_moments *moments),
                           struct number_moments *moments) {
    for (int64_t i = 0; i < dataset->count; i++) {
        for (int64_t index = stream->begin[i]; index < stream->begin[i] + stream->length[i]; index++) {
            if (has_element(stream, index)) {
                visit(stream, index, moments);
            }
        }
    }
}

static void add_to_means(const struct stream *stream, int64_t index, struct number_moments *moments) {
    const int64_t channels = channels_of(stream);
    for (int64_t k = 0, channel = 0; k < stream->size; k++, channel = channel + 1 < channels ? channel + 1 : 0) {
        struct number_moments *own = &moments[channel];
        const double number = (double)stream_number(stream, index, k);
        own->least = own->count == 0 || number < own->least ? number : own->least;
        own->most = own->count == 0 || number > own->most ? number : own->most;
        own->count++;
        own->bits += number == 0 || number == 1;
        own->mean += number; /* the sum, until all are added */
    }
}

static void add_to_deviations(const struct stream *stream, int64_t index, struct number_moments *moments) {
    const int64_t channels = channels_of(stream);
    for (int64_t k = 0, channel = 0; k < stream->size; k++, channel = channel + 1 < channels ? channel + 1 : 0) {
        const double difference = (double)stream_number(stream, index, k) - moments[channel].mean;
        moments[channel].deviation += difference * difference; /* the sum of squares, until all are added */
    }
}

/* Two passes: the sum of squares about the mean has no cancellation.
 *     mean = sum(x) / n        deviation = sqrt(sum((x - mean)^2) / n)
 * A scale must be a normal float, because the model divides by it. */
static void learn_numbers(const struct dataset *dataset, const struct stream *stream, struct number_moments *moments,
                          float *shift, float *scale) {
    const int64_t channels = channels_of(stream);
    visit_elements(dataset, stream, add_to_means, moments);
    for (int64_t k = 0; k < channels; k++) {
        moments[k].mean /= moments[k].count > 0 ? (double)moments[k].count : 1;
    }
    visit_elements(dataset, stream, add_to_deviations, moments);
    for (int64_t k = 0; k < channels; k++) {
        const struct number_moments *own = &moments[k];
        const int is_indicator = own->bits == own->count; /* a rare one would get a large number */
        const double deviation = own->count > 0 ? sqrt(own->deviation / (double)own->count) : 0;
        const int is_constant = !(own->least < own->most) || deviation < (double)FLT_MIN;
        shift[k] = is_indicator ? 0 : (float)own->mean;
        scale[k] = is_indicator || is_constant ? 1 : (float)deviation;
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

rondo_status scaling_learn(struct scaling *scaling, const struct dataset *training, struct scaling_options options,
                           int target_has_units, struct arena *arena, struct errors *errors) {
    const int target_is_scaled =
        options.scale_target == SCALING_AUTO ? target_has_units : options.scale_target == SCALING_STANDARD;
    const int is_scaled[SCALING_STREAMS] = {options.scale_input == SCALING_STANDARD, target_is_scaled};
    *scaling = (struct scaling){{{.name = "input"}, {.name = "target"}}};
    for (int32_t s = 0; s < SCALING_STREAMS; s++) {
        struct scaling_stream *own = &scaling->streams[s];
        const struct stream *stream = find_numbers(training, own->name);
        if (stream == NULL || !is_scaled[s]) {
            continue;
        }
        own->size = stream->size;
        own->channels = channels_of(stream);
        RONDO_CHECK(own->size % own->channels == 0, errors, "the channels of a stream divide its size");
        own->shift = arena_calloc(arena, (size_t)own->size, sizeof *own->shift);
        own->scale = arena_calloc(arena, (size_t)own->size, sizeof *own->scale);
        if (own->shift == NULL || own->scale == NULL) {
            return errors_no_memory(errors);
        }
        struct number_moments *moments = calloc((size_t)own->channels, sizeof *moments);
        if (moments == NULL) {
            return errors_no_memory(errors);
        }
        learn_numbers(training, stream, moments, own->shift, own->scale);
        repeat_channels(own->shift, own->channels, own->size);
        repeat_channels(own->scale, own->channels, own->size);
        free(moments);
    }
    return RONDO_OK;
}

void scaling_bind(const struct scaling *scaling, struct dataset *dataset) {
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        struct stream *stream = &dataset->streams[s];
        for (int32_t i = 0; i < SCALING_STREAMS; i++) {
            const struct scaling_stream *own = &scaling->streams[i];
            if (own->shift != NULL && strcmp(own->name, stream->name) == 0 && own->size == stream->size) {
                stream->shift = own->shift;
                stream->scale = own->scale;
            }
        }
    }
}

/* ---- JSON: {"scaling": {"input": {"size": 784, "shift": […], "scale": […]}, …}} ----
 *
 * The lists have an entry for each channel. Without "size", every number is a channel. A float is exact as the double of
 * the file. */

static json_t *numbers_json(const float *numbers, int64_t count) {
    json_t *list = json_array();
    for (int64_t k = 0; k < count; k++) {
        json_array_append_new(list, json_real((double)numbers[k]));
    }
    if (json_array_size(list) != (size_t)count) {
        json_decref(list);
        return NULL;
    }
    return list;
}

rondo_status scaling_save(const struct scaling *scaling, struct json_t *object, struct errors *errors) {
    json_t *members = json_object();
    int failed = json_object_set_new(object, "scaling", members) != 0;
    for (int32_t s = 0; s < SCALING_STREAMS && !failed; s++) {
        const struct scaling_stream *own = &scaling->streams[s];
        if (own->shift != NULL) {
            json_t *member = json_object();
            failed = json_object_set_new(members, own->name, member) != 0 ||
                     json_object_set_new(member, "shift", numbers_json(own->shift, own->channels)) != 0 ||
                     json_object_set_new(member, "scale", numbers_json(own->scale, own->channels)) != 0 ||
                     (own->channels != own->size && json_object_set_new(member, "size", json_integer(own->size)) != 0);
        }
    }
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

/* The member `key` of a stream: a list of `count` finite numbers, above 0 if they are scales. */
static rondo_status load_numbers(const json_t *member, const char *key, int64_t count, int is_scale, const char *file,
                                 float *numbers, struct errors *errors) {
    const json_t *list = json_object_get(member, key);
    int is_good = json_array_size(list) == (size_t)count;
    for (int64_t k = 0; k < count && is_good; k++) {
        const json_t *item = json_array_get(list, (size_t)k);
        numbers[k] = (float)json_number_value(item);
        is_good = json_is_number(item) && isfinite(numbers[k]) && (!is_scale || numbers[k] >= FLT_MIN);
    }
    return is_good ? RONDO_OK
                   : errors_add(errors, RONDO_INVALID, "%s: '%s' must be a list of %lld numbers%s", file, key,
                                (long long)count, is_scale ? " above 0" : "");
}

/* The numbers of an element, of which `channels` are listed. */
static rondo_status load_size(const json_t *member, int64_t channels, const char *file, int64_t *size,
                              struct errors *errors) {
    const json_t *item = json_object_get(member, "size");
    *size = item == NULL ? channels : json_integer_value(item);
    return *size >= channels && *size <= INT32_MAX && *size % channels == 0
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: 'size' must be a multiple of the %lld numbers of 'shift'", file,
                            (long long)channels);
}

rondo_status scaling_load(struct scaling *scaling, const struct json_t *object, const char *file, struct arena *arena,
                          struct errors *errors) {
    *scaling = (struct scaling){{{.name = "input"}, {.name = "target"}}};
    for (int32_t s = 0; s < SCALING_STREAMS; s++) {
        struct scaling_stream *own = &scaling->streams[s];
        const json_t *member = json_object_get(json_object_get(object, "scaling"), own->name);
        if (member == NULL) {
            continue;
        }
        const int64_t channels = (int64_t)json_array_size(json_object_get(member, "shift"));
        if (channels == 0) {
            return errors_add(errors, RONDO_INVALID, "%s: 'shift' of '%s' must be a list of numbers", file, own->name);
        }
        int64_t size;
        RONDO_TRY(load_size(member, channels, file, &size, errors));
        float *shift = arena_calloc(arena, (size_t)size, sizeof *shift);
        float *scale = arena_calloc(arena, (size_t)size, sizeof *scale);
        if (shift == NULL || scale == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(load_numbers(member, "shift", channels, 0, file, shift, errors));
        RONDO_TRY(load_numbers(member, "scale", channels, 1, file, scale, errors));
        repeat_channels(shift, channels, size);
        repeat_channels(scale, channels, size);
        *own = (struct scaling_stream){own->name, size, channels, shift, scale};
    }
    return RONDO_OK;
}
