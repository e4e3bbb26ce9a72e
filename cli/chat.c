/* cli/chat.c: `rondo chat`. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/generation.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/print.h"
#include "cli/text_lines.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/suggest.h"

struct chat {
    struct generation generation;
    struct prompts prompts;
    /* A language model has read all lines and answers so far, [count] ids; the last line begins at `last`. */
    int32_t *ids;
    int64_t count, last, capacity;
    int is_current;   /* 1: the states of the generator are those after `ids` */
    char *line;       /* the last one that was answered; NULL: none */
    uint64_t answers; /* so far: names the random words of the next one */
    int has_ended;    /* /quit */
    int failed;       /* exit status of mistakes that were reported; 0: none */
    int at_terminal;
    struct errors *errors;
};

static const struct task *task_of(const struct chat *chat) {
    return chat->generation.tasks[0];
}

/* ---- answers ---- */

static rondo_status keep_ids(struct chat *chat, const int32_t *ids, int64_t count) {
    if (chat->count + count > chat->capacity) {
        const int64_t capacity = 2 * (chat->count + count) + 256;
        int32_t *larger = memory_realloc(chat->ids, (size_t)capacity * sizeof *larger);
        if (larger == NULL) {
            return errors_no_memory(chat->errors);
        }
        chat->ids = larger;
        chat->capacity = capacity;
    }
    if (count > 0) {
        memcpy(chat->ids + chat->count, ids, (size_t)count * sizeof *ids);
    }
    chat->count += count;
    return RONDO_OK;
}

/* Prints the one result of the generator: while it is written, if nothing can change it. */
static rondo_status print_result(struct chat *chat, const struct generate_hypothesis **result) {
    struct generator *generator = chat->generation.generator;
    int64_t count = 0;
    if (generation_can_write(&chat->generation)) {
        RONDO_TRY(generation_write(&chat->generation, interrupt_take_answer, chat->errors));
        RONDO_TRY(generator_results(generator, 0, result, &count, chat->errors));
        RONDO_CHECK(count > 0, chat->errors, "a text has a result");
        return RONDO_OK;
    }
    struct arena *arena = arena_create();
    struct generation_held held = {0};
    const char *text = NULL;
    rondo_status status = arena == NULL ? errors_no_memory(chat->errors) : generator_run(generator, NULL, chat->errors);
    status = status == RONDO_OK ? generator_results(generator, 0, result, &count, chat->errors) : status;
    if (status == RONDO_OK && count > 0) {
        status = prompts_text(&chat->prompts, *result, 0, arena, &text, chat->errors);
    }
    generation_print(&held, text == NULL ? "" : text);
    generation_print(&held, NULL);
    arena_destroy(arena);
    return status;
}

static rondo_status print_answer(struct chat *chat) {
    const struct generate_hypothesis *result = NULL;
    const rondo_status status = print_result(chat, &result);
    printf("\n");
    fflush(stdout);
    chat->answers++;
    if (status != RONDO_OK || result == NULL || task_has_inputs(task_of(chat))) {
        return status;
    }
    const int32_t end = dataset_find(task_of(chat)->data.shape, "target")->end;
    const int is_whole = result->ended || result->length >= chat->generation.settings.max_length;
    chat->is_current = is_whole && chat->generation.settings.beams == 1; /* else the generator stopped in the middle */
    RONDO_TRY(keep_ids(chat, result->ids, result->length));
    return result->ended && end >= 0 ? keep_ids(chat, &end, 1) : RONDO_OK;
}

/* A language model reads the line after all that there was before, and goes on. */
static rondo_status go_on(struct chat *chat, const char *line, struct location where) {
    struct arena *arena = arena_create();
    int32_t *ids;
    int64_t count;
    if (arena == NULL) {
        return errors_no_memory(chat->errors);
    }
    rondo_status status =
        chat->generation.settings.unknown == GENERATE_ALLOW
            ? task_encode(task_of(chat), "target", line, where, arena, &ids, &count, chat->errors)
            : task_encode_known(task_of(chat), "target", line, where, arena, &ids, &count, chat->errors);
    if (status == RONDO_OK) {
        chat->last = chat->count;
        status = keep_ids(chat, ids, count);
    }
    arena_destroy(arena);
    RONDO_TRY(status);
    struct generate_prompt prompt = {.number = chat->answers, .context = chat->ids, .n_context = chat->count};
    if (chat->is_current) {
        prompt.context = chat->ids + chat->last;
        prompt.n_context = count;
        RONDO_TRY(generator_continue(chat->generation.generator, &prompt, chat->errors));
    } else {
        const struct generate_prompts all = {.prompts = &prompt, .count = 1};
        RONDO_TRY(generator_start(chat->generation.generator, &all, chat->errors));
    }
    chat->is_current = 0;
    return print_answer(chat);
}

static rondo_status answer(struct chat *chat, const char *line, struct location where) {
    if (!task_has_inputs(task_of(chat))) {
        return go_on(chat, line, where);
    }
    RONDO_TRY(prompts_clear(&chat->prompts, chat->errors));
    RONDO_TRY(prompts_add(&chat->prompts, line, where, chat->answers, chat->errors));
    RONDO_TRY(generator_start(chat->generation.generator, &chat->prompts.list, chat->errors));
    return print_answer(chat);
}

/* Answers a line that is not a command, and remembers it for /again. */
static rondo_status answer_line(struct chat *chat, const char *line, struct location where) {
    RONDO_TRY(answer(chat, line, where));
    const size_t size = strlen(line) + 1;
    char *copy = line == chat->line ? chat->line : memory_alloc(size);
    if (copy == NULL) {
        return errors_no_memory(chat->errors);
    }
    if (copy != chat->line) {
        memcpy(copy, line, size);
        free(chat->line);
        chat->line = copy;
    }
    return RONDO_OK;
}

/* ---- commands ---- */

static rondo_status answer_again(struct chat *chat, struct location where) {
    if (chat->line == NULL) {
        return errors_add_at(chat->errors, RONDO_INVALID, where, "there is no answer yet");
    }
    chat->count = chat->last;
    chat->is_current = 0;
    return answer_line(chat, chat->line, where);
}

static void begin_anew(struct chat *chat) {
    chat->count = chat->last = 0;
    chat->is_current = 0;
    free(chat->line);
    chat->line = NULL;
}

/* A chat has one answer to a line. */
static rondo_status check_settings(const struct generate_settings *settings, struct errors *errors) {
    return settings->samples == 1 && settings->n_best == 1
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "a chat has one answer to each line, expected '%s' 1",
                            settings->samples > 1 ? "count" : "n_best");
}

/* Other settings; the prompts know them too. */
static rondo_status set_settings(struct chat *chat, const struct generate_settings *settings) {
    RONDO_TRY(check_settings(settings, chat->errors));
    RONDO_TRY(generation_set(&chat->generation, settings, chat->errors));
    prompts_close(&chat->prompts);
    chat->is_current = 0;
    return prompts_open(&chat->prompts, task_of(chat), settings, chat->errors);
}

static void print_settings(const struct chat *chat) {
    struct arena *arena = arena_create();
    for (const rondo_option *option = generate_table; option->key != NULL && arena != NULL; option++) {
        const char *text = option_text(option, &chat->generation.settings, arena);
        if (strcmp(option->key, "show") != 0 && strcmp(option->key, "count") != 0 &&
            strcmp(option->key, "n_best") != 0 && text != NULL) {
            printf("  /%s %s\n", option->key, text);
        }
    }
    arena_destroy(arena);
}

static const char help[] =
    "  /temperature 0.7   a setting, as the flags of `rondo generate`: /top_k, /top_p, /max_length, …\n"
    "  /settings          all settings\n"
    "  /again             another answer to the last line: a chat has one answer to each, so count and n_best are 1\n"
    "  //text             the line /text, which is no command\n"
    "  /new               forget everything that was said\n"
    "  /quit              or Ctrl-D; Ctrl-C ends an answer\n";

static rondo_status set_option(struct chat *chat, const char *name, const char *value, struct location where) {
    static const char *const others[] = {"again", "new", "settings", "help", "quit"};
    struct suggestion near = {0};
    const rondo_option *option = option_find(generate_table, name);
    if (option == NULL || strcmp(name, "show") == 0) {
        for (const rondo_option *known = generate_table; known->key != NULL; known++) {
            suggest(&near, name, known->key);
        }
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            suggest(&near, name, others[i]);
        }
        return errors_add_at(chat->errors, RONDO_INVALID, where, "unknown command '/%s'%s; /help lists them", name,
                             suggestion_text(&near).text);
    }
    if (value[0] == '\0') {
        return errors_add_at(chat->errors, RONDO_INVALID, where, "'/%s' needs a value", name);
    }
    struct generate_settings settings = chat->generation.settings;
    struct arena *arena = arena_create();
    const char *text = arena == NULL ? NULL : arena_printf(arena, "%s=%s", name, value);
    rondo_status status =
        text == NULL ? errors_no_memory(chat->errors) : generate_settings_parse(&settings, text, chat->errors);
    arena_destroy(arena);
    return status == RONDO_OK ? set_settings(chat, &settings) : status;
}

/* "/NAME VALUE" */
static rondo_status run_command(struct chat *chat, const char *line, struct location where) {
    char name[64];
    const size_t length = strcspn(line + 1, " \t");
    const char *value = line + 1 + length + strspn(line + 1 + length, " \t");
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), line + 1);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    if (strcmp(name, "quit") == 0 || strcmp(name, "exit") == 0) {
        chat->has_ended = 1;
    } else if (strcmp(name, "again") == 0) {
        return answer_again(chat, where);
    } else if (strcmp(name, "new") == 0) {
        begin_anew(chat);
    } else if (strcmp(name, "settings") == 0) {
        print_settings(chat);
    } else if (strcmp(name, "help") == 0) {
        fputs(help, stdout);
    } else {
        return set_option(chat, name, value, where);
    }
    return RONDO_OK;
}

/* ---- the conversation ---- */

/* A line that begins with "//" is no command: it is answered without the first slash. */
static rondo_status take_line(struct chat *chat, const char *line, struct location where) {
    return line[0] == '/' && line[1] != '/' ? run_command(chat, line, where)
                                            : answer_line(chat, line[0] == '/' ? line + 1 : line, where);
}

/* At a terminal, a mistake does not end the conversation. */
static rondo_status talk_at_terminal(struct chat *chat) {
    struct line_editor *editor = line_editor_create("> ", chat->errors);
    const char *line = NULL;
    enum line_result result = LINE_END;
    interrupt_on_answers(0);
    while (editor != NULL && !chat->has_ended && (result = line_editor_read(editor, &line)) != LINE_END) {
        interrupt_on_answers(1);
        if (result == LINE_STOPPED) {
            interrupt_take_answer();
            printf("\n");
        } else if (take_line(chat, line, (struct location){0}) != RONDO_OK) {
            report_errors(chat->errors, 0);
        }
        fflush(stdout);
        interrupt_on_answers(0);
    }
    if (!chat->has_ended) {
        printf("\n");
    }
    line_editor_destroy(editor);
    return chat->errors->status;
}

/* A mistake does not end the conversation, but the exit status is 2 at its end. */
static rondo_status talk_by_lines(struct chat *chat) {
    struct text_lines lines;
    rondo_status status = text_lines_open(&lines, "-", chat->errors);
    int has_next = status == RONDO_OK;
    while (has_next && status == RONDO_OK && !chat->has_ended) {
        if (text_lines_next(&lines, &status, chat->errors)) {
            status = take_line(chat, lines.text, lines.where);
        } else {
            has_next = status == RONDO_INVALID;
        }
        if (status == RONDO_INVALID) {
            fflush(stdout);
            chat->failed = report_errors(chat->errors, 0);
            status = RONDO_OK;
        }
    }
    text_lines_close(&lines);
    return status;
}

static rondo_status talk(struct chat *chat) {
    struct generate_settings settings = chat->generation.settings;
    RONDO_TRY(prompts_open(&chat->prompts, task_of(chat), &settings, chat->errors));
    RONDO_TRY(check_settings(&settings, chat->errors));
    if (dataset_find(task_of(chat)->data.shape, "target")->kind != STREAM_CLASS ||
        task_of(chat)->data.reader->class->decode == NULL) {
        return errors_add(chat->errors, RONDO_INVALID,
                          "the run '%s' writes no text; `rondo predict` prints its outputs",
                          chat->generation.folders[0]);
    }
    if (!chat->at_terminal) {
        return talk_by_lines(chat);
    }
    printf("%s: /help lists the commands\n", task_of(chat)->experiment->name);
    return talk_at_terminal(chat);
}

/* ---- the command ---- */

static int run_chat(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct generation_flags given;
    struct flag flags[48] = {
        OPEN_RUN_FLAGS(common),
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    generation_flags_add(&given, flags, 48);
    if (!arguments_parse(command, flags, argc, argv, 1, GENERATION_MOST_RUNS, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct chat chat = {.at_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO), .errors = &errors};
    struct session *session = session_from_flags(&common, &errors);
    if (session != NULL &&
        generation_open(&chat.generation, arguments.words, &common, &given, session, &errors) == RONDO_OK) {
        talk(&chat);
    }
    prompts_close(&chat.prompts);
    generation_close(&chat.generation);
    free(chat.ids);
    free(chat.line);
    const int finished = finish_command(&errors, 0);
    status = finished != 0 ? finished : chat.failed;
    session_destroy(session);
    return status;
}

const struct command command_chat = {
    "chat", "chat RUN…", "write to a model line by line, and read its answers",
    "A model with an encoder answers each line by itself. A language model reads each line after all that was said\n"
    "before, and goes on with it; --max-length bounds its answers. At a terminal, lines can be edited, and the arrows\n"
    "find earlier ones; Ctrl-C ends an answer. Otherwise the lines of standard input are answered, one after the "
    "other.\n\n"
    "A line that begins with a slash is a command: /help lists them. The flags are those of 'rondo generate', and "
    "each\n"
    "of them is a command as well: /temperature 0.7. A line //text is the text /text. There is one answer to each "
    "line,\n"
    "so --count and --n-best are 1. A mistake is reported, and the conversation goes on; by lines of standard input, "
    "the\n"
    "exit status is then 2.\n\n"
    "  rondo chat runs/pronunciation\n"
    "  echo quixotic | rondo chat runs/pronunciation\n",
    run_chat};
