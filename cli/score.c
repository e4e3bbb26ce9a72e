/* cli/score.c: `rondo score`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chosen_data.h"
#include "cli/json_builder.h"
#include "cli/open_run.h"
#include "cli/print.h"
#include "cli/text_lines.h"
#include "core/memory.h"
#include "data/next_symbol.h"
#include "io/json.h"
#include "train/task_text.h"

enum { BATCH = 256 }; /* lines that are scored together */

/* Sums over symbols. */
struct score {
    int64_t symbols, unknown;
    double log_probability, of_unknown; /* natural logarithms; of_unknown: of the unknown symbols among them */
};

struct scorer {
    struct task *task;
    const struct stream *target; /* of the data that is scored */
    int json, by_symbol, is_quiet;
    struct dataset *pending; /* lines that have been read and not been scored yet; NULL: none */
    struct score sum;
    int64_t texts;
    struct errors *errors;
};

static void add_score(struct score *sum, const struct score *add) {
    sum->symbols += add->symbols;
    sum->unknown += add->unknown;
    sum->log_probability += add->log_probability;
    sum->of_unknown += add->of_unknown;
}

/* The mean of -log2 p; NaN without a symbol. */
static double bits_of(double log_probability, int64_t symbols) {
    return symbols == 0 ? NAN : -log_probability / ((double)symbols * log(2));
}

/* ---- output ---- */

/* A text, or an example of a file: elements of the target, with their log-probabilities. */
struct scored {
    const char *text; /* NULL: not known */
    const int32_t *ids;
    const float *log_probabilities; /* NaN: the step has no target */
    int64_t count;
};

static struct score score_of(const struct scorer *scorer, const struct scored *scored) {
    struct score score = {0};
    for (int64_t i = 0; i < scored->count; i++) {
        const double p = (double)scored->log_probabilities[i];
        if (!isnan(p)) {
            const int is_unknown = scored->ids[i] == scorer->target->unknown;
            add_score(&score, &(struct score){1, is_unknown, p, is_unknown ? p : 0});
        }
    }
    return score;
}

/* The symbol of an id. */
static const char *name_of(const struct scorer *scorer, int32_t id, char number[NEXT_SYMBOL_BYTES]) {
    if (scorer->target->names != NULL) {
        return vocabulary_word(scorer->target->names, id);
    }
    snprintf(number, NEXT_SYMBOL_BYTES, "%d", id);
    return number;
}

static json_t *real_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* Adds the sums to an object. */
static void set_score(struct json_builder *builder, json_t *object, const struct score *score) {
    const double bits = bits_of(score->log_probability, score->symbols);
    const int64_t known = score->symbols - score->unknown;
    const double known_log = score->log_probability - score->of_unknown;
    json_set(builder, object, "symbols", json_integer(score->symbols));
    json_set(builder, object, "log_probability", json_real(score->log_probability));
    json_set(builder, object, "bits_per_symbol", real_or_null(bits));
    json_set(builder, object, "perplexity", real_or_null(exp2(bits)));
    json_set(builder, object, "unknown", json_integer(score->unknown));
    json_set(builder, object, "log_probability_without_unknown", json_real(known_log));
    json_set(builder, object, "bits_per_symbol_without_unknown", real_or_null(bits_of(known_log, known)));
}

static rondo_status print_json_text(const struct scorer *scorer, const struct scored *scored,
                                    const struct score *score) {
    struct json_builder builder = {0};
    json_t *object = json_object();
    json_set(&builder, object, "text", scored->text == NULL ? json_null() : json_text(scored->text));
    set_score(&builder, object, score);
    json_t *by_symbol = scorer->by_symbol ? json_array() : NULL;
    for (int64_t i = 0; i < scored->count && by_symbol != NULL; i++) {
        char number[NEXT_SYMBOL_BYTES];
        json_append(&builder, by_symbol,
                    json_pack("[o, o]", json_text(name_of(scorer, scored->ids[i], number)),
                              real_or_null((double)scored->log_probabilities[i])));
    }
    if (scorer->by_symbol) {
        json_set(&builder, object, "by_symbol", by_symbol);
    }
    return output_json(json_built(&builder, object), JSON_COMPACT | JSON_REAL_PRECISION(9), scorer->errors);
}

/* A line for each symbol, and an empty one after the text. */
static void print_symbols(const struct scorer *scorer, const struct scored *scored) {
    for (int64_t i = 0; i < scored->count; i++) {
        char number[NEXT_SYMBOL_BYTES], text[NEXT_SYMBOL_BYTES];
        const double p = (double)scored->log_probabilities[i];
        if (isnan(p)) {
            printf("-\t-\n");
            continue;
        }
        printf("%.4f\t", p);
        print_text(stdout, next_symbol_visible(name_of(scorer, scored->ids[i], number), text));
        printf("\n");
    }
    printf("\n");
}

static rondo_status print_text_score(struct scorer *scorer, const struct scored *scored) {
    const struct score score = score_of(scorer, scored);
    add_score(&scorer->sum, &score);
    scorer->texts++;
    if (scorer->is_quiet) {
        return RONDO_OK;
    }
    if (scorer->json) {
        return print_json_text(scorer, scored, &score);
    }
    if (scorer->by_symbol) {
        print_symbols(scorer, scored);
        return RONDO_OK;
    }
    const double bits = bits_of(score.log_probability, score.symbols);
    printf("%.4f\t%lld\t", score.log_probability, (long long)score.symbols);
    printf(isnan(bits) ? "-" : "%.4f", bits);
    if (scored->text != NULL) {
        printf("\t");
        print_text(stdout, scored->text);
    }
    printf("\n");
    return RONDO_OK;
}

static void print_sum(const char *what, double log_probability, int64_t symbols) {
    const double bits = bits_of(log_probability, symbols);
    printf("%s, log-probability %.4f", what, log_probability);
    if (symbols > 0) {
        printf(", bits_per_symbol %.4f, perplexity %.4f", bits, exp2(bits));
    }
}

static rondo_status print_total(const struct scorer *scorer) {
    const struct score *sum = &scorer->sum;
    if (scorer->json) {
        struct json_builder builder = {0};
        json_t *total = json_object(), *object = json_object();
        json_set(&builder, total, "texts", json_integer(scorer->texts));
        set_score(&builder, total, sum);
        json_set(&builder, object, "total", total);
        return output_json(json_built(&builder, object), JSON_COMPACT | JSON_REAL_PRECISION(17), scorer->errors);
    }
    char what[96];
    snprintf(what, sizeof what, "total: %lld text%s, %lld symbols", (long long)scorer->texts,
             scorer->texts == 1 ? "" : "s", (long long)sum->symbols);
    print_sum(what, sum->log_probability, sum->symbols);
    if (sum->unknown > 0) {
        snprintf(what, sizeof what, "; without %lld unknown", (long long)sum->unknown);
        print_sum(what, sum->log_probability - sum->of_unknown, sum->symbols - sum->unknown);
    }
    printf("\n");
    return RONDO_OK;
}

/* ---- scores of datasets ---- */

/* The place of an example in its text, and its first row. */
struct place {
    int64_t begin, example, row;
};

static int compare_places(const void *left, const void *right) {
    const struct place *a = left, *b = right;
    return a->begin != b->begin ? (a->begin > b->begin) - (a->begin < b->begin)
                                : (a->example > b->example) - (a->example < b->example);
}

/* The examples in their order; windows in that of their sequences. NULL: out of memory. */
static struct place *order_examples(const struct scorer *scorer, const struct dataset *dataset, int64_t *rows) {
    struct place *places = memory_calloc((size_t)dataset->count + 1, sizeof *places);
    *rows = 0;
    for (int64_t i = 0; i < dataset->count && places != NULL; i++) {
        places[i] = (struct place){dataset->continues == NULL ? 0 : scorer->target->begin[i], i, *rows};
        *rows += network_prediction_rows(scorer->task->network, dataset, i);
    }
    if (places != NULL) {
        qsort(places, (size_t)dataset->count, sizeof *places, compare_places);
    }
    return places;
}

/* The room for one text. */
struct gathered {
    int32_t *ids;
    float *log_probabilities;
    int64_t count;
};

static void gather(const struct scorer *scorer, const struct place *place, int64_t rows, const float *log_probabilities,
                   struct gathered *text) {
    for (int64_t i = 0; i < rows; i++) {
        text->ids[text->count] = stream_id(scorer->target, scorer->target->begin[place->example] + i);
        text->log_probabilities[text->count++] = log_probabilities[place->row + i];
    }
}

/* The text of an example, or of a sequence whose last window it is; NULL: it has none, or is a part of a long text, whose end the model
 * has not learned. */
static rondo_status find_text(const struct scorer *scorer, const struct dataset *dataset, int64_t example,
                              const struct gathered *gathered, struct arena *arena, const char **text) {
    const struct task *task = scorer->task;
    *text = dataset->texts == NULL ? NULL : dataset->texts[example];
    if (*text != NULL || scorer->target->end < 0 || task->data.reader->class->decode == NULL) {
        return RONDO_OK;
    }
    if (dataset->continues == NULL) {
        return task_example_text(task, dataset, "target", example, arena, text, scorer->errors);
    }
    const int64_t count =
        gathered->count - (gathered->count > 0 && gathered->ids[gathered->count - 1] == scorer->target->end);
    return task_decode(task, "target", gathered->ids, count, 0, arena, text, scorer->errors);
}

static rondo_status print_gathered(struct scorer *scorer, const struct dataset *dataset, int64_t example,
                                   const struct gathered *text) {
    struct arena *arena = arena_create();
    struct scored scored = {.ids = text->ids, .log_probabilities = text->log_probabilities, .count = text->count};
    rondo_status status = arena == NULL      ? errors_no_memory(scorer->errors)
                          : scorer->is_quiet ? RONDO_OK
                                             : find_text(scorer, dataset, example, text, arena, &scored.text);
    status = status == RONDO_OK ? print_text_score(scorer, &scored) : status;
    arena_destroy(arena);
    return status;
}

/* Prints the texts: each example, or each sequence of windows. */
static rondo_status print_texts(struct scorer *scorer, const struct dataset *dataset, const struct place *places,
                                const float *log_probabilities, struct gathered *text) {
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t example = places[i].example;
        const int64_t rows = network_prediction_rows(scorer->task->network, dataset, example);
        gather(scorer, &places[i], rows, log_probabilities, text);
        const int goes_on =
            dataset->continues != NULL && i + 1 < dataset->count && dataset->continues[places[i + 1].example];
        if (!goes_on) {
            RONDO_TRY(print_gathered(scorer, dataset, example, text));
            text->count = 0;
        }
    }
    return RONDO_OK;
}

static rondo_status score_dataset(struct scorer *scorer, const struct dataset *dataset) {
    scorer->target = dataset_find(dataset, "target");
    int64_t rows;
    struct place *places = order_examples(scorer, dataset, &rows);
    float *log_probabilities = memory_calloc((size_t)rows + 1, sizeof *log_probabilities);
    struct gathered text = {memory_calloc((size_t)rows + 1, sizeof *text.ids),
                            memory_calloc((size_t)rows + 1, sizeof *text.log_probabilities), 0};
    const int has_memory =
        places != NULL && log_probabilities != NULL && text.ids != NULL && text.log_probabilities != NULL;
    rondo_status status = has_memory
                              ? network_score(scorer->task->network, dataset, scorer->task->experiment->schedule.batch,
                                              log_probabilities, scorer->errors)
                              : errors_no_memory(scorer->errors);
    if (status == RONDO_OK) {
        status = print_texts(scorer, dataset, places, log_probabilities, &text);
    }
    free(places);
    free(log_probabilities);
    free(text.ids);
    free(text.log_probabilities);
    return status;
}

/* ---- lines of text ---- */

/* Scores the lines that are pending. */
static rondo_status flush_pending(struct scorer *scorer) {
    if (scorer->pending == NULL) {
        return RONDO_OK;
    }
    const rondo_status status = score_dataset(scorer, scorer->pending);
    dataset_destroy(scorer->pending);
    scorer->pending = NULL;
    scorer->target = dataset_find(scorer->task->data.shape, "target");
    fflush(stdout);
    return status;
}

/* Adds a line to those that are pending. A text without any symbol is no example, and has the probability 1. */
static rondo_status add_line(struct scorer *scorer, const char *line, struct location where, struct arena *arena) {
    int32_t *ids;
    int64_t count;
    RONDO_TRY(task_encode(scorer->task, "target", line, where, arena, &ids, &count, scorer->errors));
    if (count == 0 && scorer->target->end < 0) {
        RONDO_TRY(flush_pending(scorer));
        return print_text_score(scorer, &(struct scored){.text = line});
    }
    if (scorer->pending == NULL) {
        scorer->pending = task_data_describe(&scorer->task->data, scorer->errors);
    }
    if (scorer->pending == NULL) {
        return scorer->errors->status;
    }
    RONDO_TRY(task_add_targets(scorer->pending, ids, count, scorer->errors));
    return dataset_add_text(scorer->pending, line, scorer->errors);
}

/* One text per line. At a terminal each is answered at once. */
static rondo_status score_lines(struct scorer *scorer, const char *file) {
    struct text_lines lines;
    rondo_status status = text_lines_open(&lines, file, scorer->errors);
    const int32_t most = status == RONDO_OK && text_lines_is_terminal(&lines) ? 1 : BATCH;
    while (status == RONDO_OK && text_lines_next(&lines, &status, scorer->errors)) {
        struct arena *arena = arena_create();
        status = arena == NULL ? errors_no_memory(scorer->errors) : add_line(scorer, lines.text, lines.where, arena);
        arena_destroy(arena);
        if (status == RONDO_OK && scorer->pending != NULL && scorer->pending->count == most) {
            status = flush_pending(scorer);
        }
    }
    text_lines_close(&lines);
    const rondo_status last = flush_pending(scorer);
    return status == RONDO_OK ? last : status;
}

/* ---- the command ---- */

/* What is scored. */
struct score_source {
    struct run_record_settings record;
    struct chosen_data *data; /* in the format of the training data; no choice: texts */
    const char *const *files; /* lines of text; NULL-terminated */
};

/* 1 for data in the format of the training data. */
static int has_data(const struct score_source *source) {
    return source->data->part != NULL || chosen_data_has_files(source->data);
}

static rondo_status score_data(struct scorer *scorer, const struct score_source *source) {
    const rondo_status status =
        chosen_data_open(source->data, scorer->task, source->record.folder, scorer->errors) == RONDO_OK
            ? score_dataset(scorer, source->data->dataset)
            : scorer->errors->status;
    chosen_data_close(source->data);
    return status;
}

static rondo_status score_texts(struct scorer *scorer, const struct score_source *source) {
    if (!task_reads_targets_only(scorer->task)) {
        return errors_add(scorer->errors, RONDO_INVALID,
                          "the run '%s' is no model of plain texts: it predicts targets of what it reads; --on PART or "
                          "--data FILE scores these, from files like those that it was trained on",
                          source->record.folder);
    }
    if (source->files[0] == NULL) {
        return score_lines(scorer, "-");
    }
    for (const char *const *file = source->files; *file != NULL; file++) {
        RONDO_TRY(score_lines(scorer, *file));
    }
    return RONDO_OK;
}

static rondo_status score_source(struct scorer *scorer, const struct score_source *source) {
    const struct task *task = scorer->task;
    if (!network_predicts_classes(task->network)) {
        return errors_add(scorer->errors, RONDO_INVALID, "the run '%s' has no probabilities of symbols: its loss is %s",
                          source->record.folder, task->experiment->loss.terms[0].loss->base.name);
    }
    scorer->target = dataset_find(task->data.shape, "target");
    RONDO_TRY(has_data(source) ? score_data(scorer, source) : score_texts(scorer, source));
    return print_total(scorer);
}

static rondo_status check_choice(const struct score_source *source, struct errors *errors) {
    const int is_file = chosen_data_has_files(source->data);
    return (source->data->part != NULL) + is_file + (source->files[0] != NULL) <= 1
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID,
                            "there is more than one thing to score: name a part with --on, a file with --data, or "
                            "files of texts");
}

static int run_score(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct chosen_data data = {0};
    int by_symbol = 0, only_total = 0;
    const struct flag flags[] = {
        {"symbols", NULL, FLAG_ON, &by_symbol, "print the log-probability of each symbol"},
        {"total", NULL, FLAG_ON, &only_total, "print only the total"},
        FLAG_PART_OF(data, "score a part of the experiment's data: train, valid or test"),
        FLAG_DATA_OF(data, "score"),
        OPEN_RUN_FLAGS(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct score_source source = {
        .record = open_run_settings(&common, arguments.words[0]), .data = &data, .files = arguments.words + 1};
    if (by_symbol && only_total) {
        errors_add(&errors, RONDO_INVALID, "--symbols is not used with --total, which prints no symbols");
    }
    if (check_choice(&source, &errors) == RONDO_OK) {
        source.record.which = chosen_data_which(&data, &errors);
    }
    struct session *session = errors.count > 0 ? NULL : session_from_flags(&common, &errors);
    struct task *task = session == NULL ? NULL : open_run(&source.record, session, common.json, &errors);
    if (task != NULL) {
        struct scorer scorer = {
            .task = task, .json = common.json, .by_symbol = by_symbol, .is_quiet = only_total, .errors = &errors};
        score_source(&scorer, &source);
    }
    status = finish_command(&errors, common.json);
    task_destroy(task);
    session_destroy(session);
    return status;
}

const struct command command_score = {
    "score", "score RUN [FILE]… [--symbols | --total] [--on PART | --data FILE]",
    "print how probable texts are for a language model",
    "Reads one text per line from the files, or from standard input, and prints for each its log-probability\n"
    "(natural), its number of symbols, the bits per symbol, and the text; then the total. Each text is scored from "
    "its\n"
    "beginning, and with its end if the model has learned where texts end. Symbols that the vocabulary lacks are "
    "scored as\n"
    "its unknown symbol, and the total is given with and without them.\n\n"
    "With --on and --data, what is scored are the targets of a part of the experiment's data, or of a file, exactly "
    "as\n"
    "'rondo eval' reads them: bits_per_symbol is the same figure. A run that reads a source or an input can only be\n"
    "scored on these.\n\n"
    "With --symbols, each symbol has a line, and an empty line ends a text.\n\n"
    "  echo \"And God said\" | rondo score runs/language-model\n"
    "  rondo score runs/language-model --on test --total\n",
    run_score};
