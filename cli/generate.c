/* cli/generate.c: `rondo generate`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/generation.h"
#include "cli/json_builder.h"
#include "cli/text_lines.h"
#include "io/json.h"

/* Which prompts there are. */
struct prompt_arguments {
    const char *text, *file, *prefix; /* NULL: not given */
    struct location where;            /* of `text` */
};

struct generate_command {
    struct generation generation;
    struct prompts prompts;
    int json, scores, has_file; /* has_file: of prompts */
    int64_t printed;            /* texts */
    struct errors *errors;
};

static const struct task *task_of(const struct generate_command *command) {
    return command->generation.tasks[0];
}

/* ---- results ---- */

static json_t *numbers_json(const struct generate_hypothesis *hypothesis, int64_t size) {
    struct json_builder builder = {0};
    json_t *steps = json_array();
    for (int64_t step = 0; step < hypothesis->length && steps != NULL; step++) {
        json_t *row = json_array();
        for (int64_t k = 0; k < size && row != NULL; k++) {
            const double number = (double)hypothesis->numbers[step * size + k];
            json_append(&builder, row, isfinite(number) ? json_real(number) : json_null());
        }
        json_append(&builder, steps, row);
    }
    return json_built(&builder, steps);
}

/* The text that a prompt was made from; NULL: none. */
static const char *prompt_text(const struct generate_command *command, int64_t prompt, struct arena *arena) {
    const struct generate_prompts *list = &command->prompts.list;
    const struct generate_prompt *item = &list->prompts[prompt];
    if (list->dataset != NULL) {
        return list->dataset->texts == NULL ? NULL : list->dataset->texts[item->example];
    }
    const char *text = NULL;
    struct errors ignored = {0};
    if (item->n_context > 0) {
        task_decode(task_of(command), "target", item->context, item->n_context, 0, arena, &text, &ignored);
    }
    errors_free(&ignored);
    return text;
}

static rondo_status print_json(const struct generate_command *command, const struct generate_hypothesis *hypothesis,
                               int64_t prompt, int64_t number, const char *text, struct arena *arena) {
    struct json_builder builder = {0};
    json_t *object = json_object();
    const char *from = prompt_text(command, prompt, arena);
    const struct stream *target = dataset_find(task_of(command)->data.shape, "target");
    json_set(&builder, object, "prompt", from == NULL ? json_null() : json_text(from));
    json_set(&builder, object, command->generation.settings.beams > 1 ? "rank" : "sample", json_integer(number + 1));
    if (text != NULL) {
        json_set(&builder, object, "output", json_text(text));
        json_set(&builder, object, "log_probability", json_real(hypothesis->score));
        json_set(&builder, object, "symbols", json_integer(hypothesis->scored));
    } else {
        json_set(&builder, object, "numbers", numbers_json(hypothesis, target->size));
    }
    json_set(&builder, object, "ended", json_boolean(hypothesis->ended));
    return output_json(json_built(&builder, object), JSON_COMPACT | JSON_REAL_PRECISION(9), command->errors);
}

static void print_numbers(const struct generate_hypothesis *hypothesis, int64_t size) {
    for (int64_t step = 0; step < hypothesis->length; step++) {
        for (int64_t k = 0; k < size; k++) {
            printf("%s%.6g", k > 0 ? "\t" : "", (double)hypothesis->numbers[step * size + k]);
        }
        printf("\n");
    }
}

/* Texts that have no end may have line breaks, so a line is put between them. */
static void print_separator(struct generate_command *command) {
    const struct stream *target = dataset_find(task_of(command)->data.shape, "target");
    if (command->printed++ > 0 && (target->kind == STREAM_REAL || target->end < 0)) {
        printf("---\n");
    }
}

/* 1 if texts begin with the number of their prompt: there are several prompts, and several texts for each. */
static int is_numbered(const struct generate_command *command) {
    const struct generate_settings *settings = &command->generation.settings;
    return command->has_file && (settings->samples > 1 || settings->n_best > 1);
}

/* struct generation_taker */
static rondo_status print_result(void *arg, const struct generate_hypothesis *hypothesis, int64_t prompt,
                                 int64_t number) {
    struct generate_command *command = arg;
    struct arena *arena = arena_create();
    const char *text = NULL;
    rondo_status status = arena == NULL
                              ? errors_no_memory(command->errors)
                              : prompts_text(&command->prompts, hypothesis, prompt, arena, &text, command->errors);
    if (status == RONDO_OK && command->json) {
        status = print_json(command, hypothesis, prompt, number, text, arena);
    } else if (status == RONDO_OK) {
        struct generation_held held = {0};
        print_separator(command);
        if (text == NULL) {
            print_numbers(hypothesis, dataset_find(task_of(command)->data.shape, "target")->size);
        } else {
            if (is_numbered(command)) {
                printf("%lld\t", (long long)command->prompts.list.prompts[prompt].number + 1);
            }
            if (command->scores) {
                printf("%.4f\t", hypothesis->score);
            }
            generation_print(&held, text);
            generation_print(&held, NULL);
            printf("\n");
        }
    }
    arena_destroy(arena);
    return status;
}

/* 1 if there is a single text, which nothing can change once it is written. */
static int can_stream(const struct generate_command *command) {
    const struct generate_settings *settings = &command->generation.settings;
    return command->prompts.list.count == 1 && command->printed == 0 && settings->samples == 1 &&
           settings->beams == 1 && settings->unknown != GENERATE_REPLACE && !command->json && !command->scores &&
           dataset_find(task_of(command)->data.shape, "target")->kind != STREAM_REAL &&
           task_of(command)->data.reader->class->decode != NULL;
}

/* ---- prompts ---- */

/* Generates for the prompts that are collected, and removes them. `is_last`: there are no more. */
static rondo_status flush_prompts(struct generate_command *command, int is_last) {
    struct prompts *prompts = &command->prompts;
    if (prompts->list.count == 0) {
        return RONDO_OK;
    }
    if (is_last && can_stream(command)) {
        RONDO_TRY(generator_start(command->generation.generator, &prompts->list, command->errors));
        RONDO_TRY(generation_write(&command->generation, NULL, command->errors));
        printf("\n");
        return RONDO_OK;
    }
    const struct generation_taker taker = {command, print_result};
    RONDO_TRY(generation_run(&command->generation, prompts, &taker, command->errors));
    return prompts_clear(prompts, command->errors);
}

/* A prompt on each line. At a terminal each is answered at once. */
static rondo_status generate_lines(struct generate_command *command, const char *file) {
    struct text_lines lines;
    rondo_status status = text_lines_open(&lines, file, command->errors);
    const int64_t most =
        status == RONDO_OK && text_lines_is_terminal(&lines) ? 1 : generation_batch(&command->generation);
    while (status == RONDO_OK && text_lines_next(&lines, &status, command->errors)) {
        status =
            prompts_add(&command->prompts, lines.text, lines.where, (uint64_t)lines.where.line - 1, command->errors);
        if (status == RONDO_OK && command->prompts.list.count == most) {
            status = flush_prompts(command, 0);
        }
    }
    text_lines_close(&lines);
    /* The prompts before a mistake are answered as well. */
    const rondo_status last = flush_prompts(command, 0);
    return status == RONDO_OK ? last : status;
}

/* The examples of a file like those of the training, for a reader that does not read lines. */
static rondo_status generate_examples(struct generate_command *command, const char *file) {
    const struct reader_path path = {.text = file, .where = {"--prompt-file", 0, 0}};
    const struct reader_source source = {.paths = &path, .count = 1, .part = PART_TEST};
    struct dataset *dataset = task_data_read(&task_of(command)->data, &source, 0, command->errors);
    const int64_t batch = generation_batch(&command->generation);
    rondo_status status = dataset == NULL ? command->errors->status : RONDO_OK;
    for (int64_t begin = 0; status == RONDO_OK && begin < dataset->count; begin += batch) {
        const int64_t end = dataset->count - begin < batch ? dataset->count : begin + batch;
        status = prompts_add_examples(&command->prompts, dataset, begin, end, (uint64_t)begin, command->errors);
        status = status == RONDO_OK ? flush_prompts(command, 0) : status;
    }
    dataset_destroy(dataset);
    return status;
}

static rondo_status generate(struct generate_command *command, const struct prompt_arguments *given) {
    const struct task *task = task_of(command);
    RONDO_TRY(prompts_open(&command->prompts, task, &command->generation.settings, command->errors));
    if (given->prefix != NULL) {
        RONDO_TRY(
            prompts_set_prefix(&command->prompts, given->prefix, (struct location){"--prefix", 0, 0}, command->errors));
    }
    command->has_file = given->file != NULL;
    if (given->file != NULL) {
        const int has_lines = !task_has_inputs(task) || task->data.reader->class->add != NULL;
        return has_lines ? generate_lines(command, given->file) : generate_examples(command, given->file);
    }
    RONDO_TRY(prompts_add(&command->prompts, given->text, given->where, 0, command->errors));
    return flush_prompts(command, 1);
}

/* ---- the command ---- */

/* --prompt, --input and --prompt-file: at most one of them. */
static rondo_status check_prompts(const char *prompt, const char *input, const char *file, struct errors *errors) {
    return (prompt != NULL) + (input != NULL) + (file != NULL) <= 1
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "expected one of --prompt, --input and --prompt-file");
}

/* Refuses the flag of another kind of model: --prompt is a text, and --input a value, such as a class, that is read once. */
static rondo_status check_kind(const struct task *task, const struct prompt_arguments *given, struct errors *errors) {
    const int has_input = dataset_find(task->data.shape, "input") != NULL;
    const int is_input = strcmp(given->where.file, "--input") == 0;
    if (given->file != NULL || (given->text == NULL && !has_input) || (given->text != NULL && is_input == has_input)) {
        return RONDO_OK;
    }
    if (given->text == NULL) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){"--input", 0, 0},
                             "the model reads an input before it writes, expected --input VALUE, or --prompt-file with "
                             "one on each line");
    }
    return errors_add_at(errors, RONDO_INVALID, given->where,
                         has_input               ? "the model reads an input, such as a class, which --input gives"
                         : task_has_inputs(task) ? "the model answers a text, which --prompt gives"
                                                 : "the model reads no input: it goes on with a text, which --prompt "
                                                   "gives");
}

static int run_generate(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *prompt = NULL, *input = NULL, *file = NULL, *prefix = NULL;
    int scores = 0;
    struct generation_flags given;
    struct flag flags[48] = {
        {"prompt", "TEXT", FLAG_ONCE, &prompt, "the text that the model goes on with, or the source that it answers"},
        {"input", "VALUE", FLAG_ONCE, &input, "the input of a model that reads one, such as a class"},
        {"prompt-file", "FILE", FLAG_ONCE, &file, "a prompt on each line; -: standard input"},
        {"prefix", "TEXT", FLAG_ONCE, &prefix, "what each text begins with"},
        {"score", NULL, FLAG_ON, &scores, "print the log-probability before each text"},
        OPEN_RUN_FLAGS(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    generation_flags_add(&given, flags, 48);
    if (!arguments_parse(command, flags, argc, argv, 1, GENERATION_MOST_RUNS, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct generate_command generate_command = {.json = common.json, .scores = scores, .errors = &errors};
    struct session *session =
        check_prompts(prompt, input, file, &errors) == RONDO_OK ? session_from_flags(&common, &errors) : NULL;
    const struct prompt_arguments prompts = {.text = prompt != NULL ? prompt : input,
                                             .file = file,
                                             .prefix = prefix,
                                             .where = {input != NULL ? "--input" : "--prompt", 0, 0}};
    if (session != NULL &&
        generation_open(&generate_command.generation, arguments.words, &common, &given, session, &errors) == RONDO_OK &&
        check_kind(task_of(&generate_command), &prompts, &errors) == RONDO_OK) {
        generate(&generate_command, &prompts);
    }
    prompts_close(&generate_command.prompts);
    generation_close(&generate_command.generation);
    status = finish_command(&errors, common.json);
    session_destroy(session);
    return status;
}

const struct command command_generate = {
    "generate", "generate RUN… [--prompt TEXT | --input VALUE | --prompt-file FILE] [--prefix TEXT] [--count N] …",
    "write text with a model that reads its own outputs",
    "A language model goes on with the prompt, or begins a text without one; a model with an encoder answers it; a\n"
    "model with an input, such as a class, writes what belongs to that. Only what is written is printed, with "
    "--prefix\n"
    "at its beginning. A single text is printed while it is written.\n\n"
    "The flags replace the settings of `generate:` in the experiment. The same seed gives the same text, whatever else "
    "is\n"
    "generated with it. With several prompts of a file, and several texts for each, a text begins with the number of "
    "its\n"
    "prompt. Several runs with the same vocabulary write together, by the mean of their probabilities. "
    "With\n"
    "--json, each text is an object on a line.\n\n"
    "  rondo generate runs/language-model --prompt \"And God said\" --temperature 0.7 --seed 2\n"
    "  rondo generate runs/names --input german --count 10\n"
    "  rondo generate runs/translation --prompt \"the cat sleeps\" --beam 5 --n-best 3 --score\n",
    run_generate};
