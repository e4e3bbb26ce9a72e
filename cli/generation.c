#define _POSIX_C_SOURCE 200809L
#include "cli/generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/printable.h"
#include "io/utf8.h"

/* ---- flags ---- */

/* Settings of the training only. */
static int is_flag(const rondo_option *option) {
    return strcmp(option->key, "show") != 0;
}

static const char *value_name(const rondo_option *option) {
    return option->type == RONDO_CHOICE ? "WORD" : option->type == RONDO_INT ? "N" : "X";
}

void generation_flags_add(struct generation_flags *given, struct flag *flags, int32_t most) {
    *given = (struct generation_flags){0};
    int32_t used = 0;
    while (flags[used].name != NULL) {
        used++;
    }
    for (int32_t i = 0; i < GENERATION_MOST_FLAGS && generate_table[i].key != NULL; i++) {
        const rondo_option *option = &generate_table[i];
        snprintf(given->names[i], sizeof given->names[i], "%s", option->key);
        for (char *c = given->names[i]; *c != '\0'; c++) {
            *c = *c == '_' ? '-' : *c;
        }
        snprintf(given->places[i], sizeof given->places[i], "--%.29s", given->names[i]);
        if (is_flag(option) && used + 1 < most) {
            flags[used++] =
                (struct flag){given->names[i], value_name(option), FLAG_TEXT, &given->values[i], option->help};
        }
    }
    flags[used] = (struct flag){NULL, NULL, FLAG_ON, NULL, NULL};
}

/* struct generate_source: the flag of a key. */
static const char *flag_text(const void *arg, const char *key, struct location *where) {
    const struct generation_flags *given = arg;
    for (int32_t i = 0; generate_table[i].key != NULL; i++) {
        if (strcmp(generate_table[i].key, key) == 0) {
            *where = (struct location){given->places[i], 0, 0};
            return given->values[i];
        }
    }
    return NULL;
}

rondo_status generation_flags_apply(const struct generation_flags *given, struct generate_settings *settings,
                                    struct errors *errors) {
    const struct generate_source source = {given, flag_text};
    return generate_settings_replace(settings, &source, errors);
}

const char *generation_flags_first(const struct generation_flags *given) {
    for (int32_t i = 0; generate_table[i].key != NULL; i++) {
        if (given->values[i] != NULL) {
            return given->places[i];
        }
    }
    return NULL;
}

/* ---- runs ---- */

/* Texts that are written together: more need more memory, and are hardly faster. */
enum { MOST_ROWS = 256 };

static rondo_status open_runs(struct generation *generation, const char *const *folders,
                              const struct common_flags *common, struct session *session, struct errors *errors) {
    for (int32_t i = 0; folders[i] != NULL; i++) {
        if (i == GENERATION_MOST_RUNS) {
            return errors_add(errors, RONDO_INVALID, "more than %d runs", GENERATION_MOST_RUNS);
        }
        const struct run_record_settings settings = open_run_settings(common, folders[i]);
        generation->folders[i] = folders[i];
        generation->tasks[i] = open_run(&settings, session, common->json, errors);
        if (generation->tasks[i] == NULL) {
            return errors->status;
        }
        generation->count = generation->owned = i + 1;
    }
    return RONDO_OK;
}

rondo_status generation_set(struct generation *generation, const struct generate_settings *settings,
                            struct errors *errors) {
    RONDO_TRY(prompts_check_tasks(generation->tasks, generation->folders, generation->count, settings, errors));
    for (int32_t i = 0; i < generation->count; i++) {
        generation->networks[i] = generation->tasks[i]->network;
    }
    struct generate_settings together = *settings;
    const int64_t parts = (settings->samples + MOST_ROWS - 1) / MOST_ROWS;
    together.samples = (settings->samples + parts - 1) / parts;
    struct generator *generator =
        generator_create(generation->networks, generation->count, generation->tasks[0]->data.shape, &together, errors);
    if (generator == NULL) {
        return errors->status;
    }
    generator_destroy(generation->generator);
    generation->generator = generator;
    generation->settings = *settings;
    generation->together = together.samples;
    return RONDO_OK;
}

/* After the tasks have been opened. */
static rondo_status open_generator(struct generation *generation, const struct generation_flags *given,
                                   struct errors *errors) {
    struct generate_settings settings = generation->tasks[0]->experiment->generate;
    RONDO_TRY(generation_flags_apply(given, &settings, errors));
    return generation_set(generation, &settings, errors);
}

rondo_status generation_open(struct generation *generation, const char *const *folders,
                             const struct common_flags *common, const struct generation_flags *given,
                             struct session *session, struct errors *errors) {
    *generation = (struct generation){0};
    RONDO_TRY(open_runs(generation, folders, common, session, errors));
    return open_generator(generation, given, errors);
}

rondo_status generation_open_task(struct generation *generation, const char *folder, struct task *task,
                                  const struct generation_flags *given, struct errors *errors) {
    *generation = (struct generation){.folders = {folder}, .tasks = {task}, .count = 1};
    return open_generator(generation, given, errors);
}

void generation_close(struct generation *generation) {
    generator_destroy(generation->generator);
    for (int32_t i = 0; i < generation->owned; i++) {
        task_destroy(generation->tasks[i]);
    }
    *generation = (struct generation){0};
}

int64_t generation_batch(const struct generation *generation) {
    const int64_t rows = generation->settings.samples * generation->settings.beams;
    return rows >= MOST_ROWS ? 1 : MOST_ROWS / rows;
}

rondo_status generation_run(struct generation *generation, struct prompts *prompts,
                            const struct generation_taker *taker, struct errors *errors) {
    struct generator *generator = generation->generator;
    const int64_t samples = generation->settings.samples;
    for (int64_t first = 0; first < samples; first += generation->together) {
        prompts_set_first_sample(prompts, first);
        RONDO_TRY(generator_start(generator, &prompts->list, errors));
        RONDO_TRY(generator_run(generator, NULL, errors));
        for (int64_t prompt = 0; prompt < prompts->list.count; prompt++) {
            const struct generate_hypothesis *results;
            int64_t count;
            RONDO_TRY(generator_results(generator, prompt, &results, &count, errors));
            for (int64_t i = 0; i < count && (samples == 1 || first + i < samples); i++) {
                RONDO_TRY(taker->take(taker->arg, &results[i], prompt, first + i));
            }
        }
        fflush(stdout);
    }
    return RONDO_OK;
}

/* ---- text ---- */

/* Prints one character, of which `bytes` are complete UTF-8, or no UTF-8 at all. */
static void print_character(const char *bytes) {
    const int is_layout = (bytes[0] == '\n' || bytes[0] == '\t') && bytes[1] == '\0';
    if (is_layout || !isatty(STDOUT_FILENO)) {
        fputs(bytes, stdout);
        return;
    }
    while (*bytes != '\0') {
        const struct printable_character next = printable_next(bytes, 0);
        fputs(next.text, stdout);
        bytes += next.taken;
    }
}

/* The bytes of a character that begins with this one. */
static int32_t character_length(unsigned char first) {
    return first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
}

static void flush_held(struct generation_held *held) {
    held->bytes[held->count] = '\0';
    if (held->count > 0) {
        print_character(held->bytes);
    }
    held->count = 0;
}

void generation_print(struct generation_held *held, const char *text) {
    for (; text != NULL && *text != '\0'; text++) {
        const int continues = ((unsigned char)*text & 0xC0) == 0x80;
        if (held->count > 0 && !continues) {
            flush_held(held); /* half a character */
        }
        held->bytes[held->count++] = *text;
        if (held->count >= character_length((unsigned char)held->bytes[0])) {
            flush_held(held);
        }
    }
    if (text == NULL) {
        flush_held(held);
    }
}

/* ---- a text that is printed while it is written ---- */

struct text_stream {
    const struct task *task;
    int32_t *ids; /* [count] so far: decoding needs the symbol before */
    int64_t count, capacity;
    struct generation_held held;
    struct arena *arena;
    int (*is_stopped)(void);
    rondo_status status;
    struct errors *errors;
};

/* Room for `count` more ids. */
static rondo_status reserve(struct text_stream *stream, int64_t count) {
    if (stream->count + count <= stream->capacity) {
        return RONDO_OK;
    }
    const int64_t capacity = 2 * (stream->count + count) + 64;
    int32_t *ids = memory_realloc(stream->ids, (size_t)capacity * sizeof *ids);
    if (ids == NULL) {
        return errors_no_memory(stream->errors);
    }
    stream->ids = ids;
    stream->capacity = capacity;
    return RONDO_OK;
}

/* struct generate_observer */
static int print_piece(void *arg, int64_t prompt, int64_t sample, const int32_t *ids, const float *numbers,
                       int64_t count) {
    struct text_stream *stream = arg;
    const char *piece;
    (void)prompt;
    (void)sample;
    (void)numbers;
    stream->status = reserve(stream, count);
    if (stream->status != RONDO_OK) {
        return 1;
    }
    memcpy(stream->ids + stream->count, ids, (size_t)count * sizeof *ids);
    stream->status = task_decode(stream->task, "target", stream->ids + stream->count, count, stream->count,
                                 stream->arena, &piece, stream->errors);
    if (stream->status != RONDO_OK) {
        return 1;
    }
    stream->count += count;
    generation_print(&stream->held, piece);
    arena_reset(stream->arena);
    if (isatty(STDOUT_FILENO)) {
        fflush(stdout);
    }
    return stream->is_stopped != NULL && stream->is_stopped();
}

int generation_can_write(const struct generation *generation) {
    const struct task *task = generation->tasks[0];
    return generation->settings.beams == 1 && generation->settings.unknown != GENERATE_REPLACE &&
           dataset_find(task->data.shape, "target")->kind != STREAM_REAL && task->data.reader->class->decode != NULL;
}

rondo_status generation_write(struct generation *generation, int (*is_stopped)(void), struct errors *errors) {
    struct text_stream stream = {.task = generation->tasks[0],
                                 .arena = arena_create(),
                                 .is_stopped = is_stopped,
                                 .status = RONDO_OK,
                                 .errors = errors};
    const struct generate_observer observer = {&stream, print_piece};
    const rondo_status status =
        stream.arena == NULL ? errors_no_memory(errors) : generator_run(generation->generator, &observer, errors);
    generation_print(&stream.held, NULL);
    arena_destroy(stream.arena);
    free(stream.ids);
    return status == RONDO_OK ? stream.status : status;
}
