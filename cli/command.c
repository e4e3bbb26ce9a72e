#define _POSIX_C_SOURCE 200809L
#include "cli/command.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/reading.h"
#include "core/memory_size.h"
#include "core/scan/scan.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/json.h"
#include "train/run_record.h"

/* A command with its arguments. */
struct command_call {
    const struct command *command;
    int argc;
    char **argv;
};

/* The number of characters of a UTF-8 text. Bytes of the form 10xxxxxx continue a character, so they are not
 * counted. */
static int count_characters(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static void print_help(const struct command *command, const struct flag *flags) {
    printf("%s\n\nusage: rondo %s\n\n", command->summary, command->usage);
    for (const struct flag *flag = flags; flag->name != NULL; flag++) {
        char left[64];
        snprintf(left, sizeof left, "%s--%s%s%s", strcmp(flag->name, "out") == 0 ? "-o, " : "", flag->name,
                 flag->value == NULL ? "" : " ", flag->value == NULL ? "" : flag->value);
        const int width = 20 + (int)strlen(left) - count_characters(left); /* printf counts bytes */
        printf("  %-*s %s\n", width, left, flag->help);
    }
    printf("  %-20s %s\n\n%s", "--help", "print this help", command->details);
}

int has_json_flag(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return 1;
        }
    }
    return 0;
}

/* Reports a mistake of the command line: `text`, then the subject in quotes (NULL: none), then `hint`. */
static int refuse(const struct command_call *call, const char *text, const char *subject, const char *hint) {
    struct errors errors = {0};
    if (subject == NULL) {
        errors_add(&errors, RONDO_INVALID, "%s", text);
    } else {
        errors_add(&errors, RONDO_INVALID, "%s '%s'%s", text, subject, hint);
    }
    const int json = has_json_flag(call->argc, call->argv);
    const int status = report_errors(&errors, json);
    if (!json) {
        fprintf(stderr, "usage: rondo %s\n", call->command->usage);
    }
    return status;
}

int refuse_missing(const struct command *command, int argc, char **argv) {
    return refuse(&(struct command_call){command, argc, argv}, "an argument is missing", NULL, "");
}

static int is_svg_name(const char *text) {
    const size_t length = strlen(text);
    return length > 4 && (strcmp(text + length - 4, ".svg") == 0 || strcmp(text + length - 4, ".SVG") == 0);
}

static int add_to_list(const char **list, const char *text) {
    int32_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    if (count == ARGUMENT_LIST_MAX) {
        return 0;
    }
    list[count] = text;
    return 1;
}

/* Stores the value of a flag; 0 if it is not valid. */
static int store(const struct flag *flag, const char *value) {
    switch (flag->kind) {
    case FLAG_ON:
        *(int *)flag->target = 1;
        return 1;
    case FLAG_TEXT:
        *(const char **)flag->target = value;
        return value[0] != '\0';
    case FLAG_ONCE:
        if (*(const char **)flag->target != NULL) {
            return 0;
        }
        *(const char **)flag->target = value;
        return 1;
    case FLAG_LIST:
        return add_to_list(flag->target, value);
    case FLAG_PLOT:
        *(struct plot_flag *)flag->target = (struct plot_flag){1, value, flag->name};
        return value == NULL || is_svg_name(value);
    case FLAG_MEMORY:
        return memory_size_parse(value, flag->target) == NULL;
    case FLAG_NUMBER: {
        char *end;
        errno = 0;
        const long long number = strtoll(value, &end, 10);
        *(int64_t *)flag->target = number;
        return errno == 0 && *end == '\0' && end != value && number >= 1 && number <= (long long)1 << 53;
    }
    default: {
        char *end;
        errno = 0;
        const long number = strtol(value, &end, 10);
        *(int32_t *)flag->target = (int32_t)number;
        return errno == 0 && *end == '\0' && end != value && number >= 1 &&
               number <= (flag->kind == FLAG_WIDTH ? 65536 : 4096);
    }
    }
}

/* "-o" is short for "--out", in all commands that write a file or a folder. */
static const char *long_flag(const char *word) {
    return strcmp(word, "-o") == 0 ? "--out" : word;
}

/* "--name", "--name=value" or "--name value". Advances *i past a value. After a mistake returns 0 and sets the
 * exit status. */
static int parse_flag(const struct command_call *call, const struct flag *flags, int *i, int *status) {
    char **argv = call->argv;
    const char *name = long_flag(argv[*i]) + 2;
    const size_t length = strcspn(name, "=");
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), name);
    struct suggestion best = {0};
    for (const struct flag *flag = flags; flag->name != NULL; flag++) {
        suggest(&best, word, flag->name);
        if (strlen(flag->name) != length || strncmp(flag->name, name, length) != 0) {
            continue;
        }
        const char *value = name[length] == '=' ? name + length + 1 : NULL;
        if (flag->kind == FLAG_ON && value != NULL) {
            *status = refuse(call, "this flag takes no value:", argv[*i], "");
            return 0;
        }
        if (flag->kind == FLAG_PLOT && value == NULL) {
            value = *i + 1 < call->argc && is_svg_name(argv[*i + 1]) ? argv[++*i] : NULL;
        } else if (flag->kind != FLAG_ON && value == NULL) {
            if (*i + 1 >= call->argc) {
                *status = refuse(call, "a value is missing after", argv[*i], "");
                return 0;
            }
            value = argv[++*i];
        }
        if (!store(flag, value)) {
            char text[128];
            snprintf(text, sizeof text, "--%s expects %s, got", flag->name,
                     flag->kind == FLAG_COUNT    ? "a number from 1 to 4096"
                     : flag->kind == FLAG_WIDTH  ? "a number from 1 to 65536"
                     : flag->kind == FLAG_NUMBER ? "a number from 1"
                     : flag->kind == FLAG_MEMORY ? "a size with a unit, such as 512M, 4G or 4GiB"
                     : flag->kind == FLAG_PLOT   ? "the name of a file that ends in .svg"
                     : flag->kind == FLAG_LIST   ? "to be given at most 256 times"
                     : flag->kind == FLAG_ONCE   ? "to be given once"
                                                 : "a value that is not empty");
            char place[64] = "";
            if (flag->kind == FLAG_MEMORY) {
                uint64_t unused;
                snprintf(place, sizeof place, " (at character %d)",
                         (int)(memory_size_parse(value, &unused) - value) + 1);
            }
            *status = refuse(call, text, value, place);
            return 0;
        }
        return 1;
    }
    char hint[128] = "";
    if (best.name != NULL) {
        snprintf(hint, sizeof hint, " (did you mean '--%s'?)", best.name);
    }
    *status = refuse(call, "unknown flag", argv[*i], hint);
    return 0;
}

/* The flag, if a word that is no flag follows a --plot without a value, and names nothing: it was meant as the file of the plot.
 * NULL: it was not. */
static const struct flag *flag_meant(const struct flag *flags, const char *before, const char *word) {
    for (; flags->name != NULL; flags++) {
        if (flags->kind == FLAG_PLOT && strncmp(before, "--", 2) == 0 && strcmp(before + 2, flags->name) == 0) {
            return strcmp(word, "-") != 0 && !file_exists(word) ? flags : NULL;
        }
    }
    return NULL;
}

int arguments_parse(const struct command *command, const struct flag *flags, int argc, char **argv, int32_t least,
                    int32_t most, struct arguments *arguments, int *status) {
    const struct command_call call = {command, argc, argv};
    *arguments = (struct arguments){0};
    int flags_ended = 0;
    for (int i = 1; i < argc; i++) {
        if (!flags_ended && strcmp(argv[i], "--") == 0) {
            flags_ended = 1;
        } else if (!flags_ended && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(command, flags);
            *status = finish_output();
            return 0;
        } else if (!flags_ended && strncmp(long_flag(argv[i]), "--", 2) == 0) {
            if (!parse_flag(&call, flags, &i, status)) {
                return 0;
            }
        } else if (!flags_ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            *status = refuse(&call, "unknown flag", argv[i], "");
            return 0;
        } else if (!flags_ended && flag_meant(flags, argv[i - 1], argv[i]) != NULL) {
            char text[128];
            snprintf(text, sizeof text, "--%s expects a file that ends in .svg, and no file to read is called",
                     flag_meant(flags, argv[i - 1], argv[i])->name);
            *status = refuse(&call, text, argv[i], "");
            return 0;
        } else if (arguments->n_words == (most < ARGUMENT_LIST_MAX ? most : ARGUMENT_LIST_MAX)) {
            *status = refuse(&call, "one argument too many:", argv[i], "");
            return 0;
        } else {
            arguments->words[arguments->n_words++] = argv[i];
        }
    }
    if (arguments->n_words < least) {
        *status = refuse_missing(command, argc, argv);
        return 0;
    }
    return 1;
}

/* {"file": …, "line": …, "column": …, KEY: …} on one line; null where there is no value. 0: out of memory. */
static int print_json_error(const char *text, struct error_place place, const char *key) {
    char *file = place.file_length == 0 ? NULL : strndup(text, (size_t)place.file_length);
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o}", "file", file == NULL ? json_null() : json_text(file), "line",
                  place.line == 0 ? json_null() : json_integer(place.line), "column",
                  place.column == 0 ? json_null() : json_integer(place.column), key, json_text(text + place.message));
    char *line = object == NULL ? NULL : json_write(object, JSON_COMPACT);
    if (line != NULL) {
        fprintf(stderr, "%s\n", line);
    }
    const int is_printed = line != NULL;
    free(line);
    json_decref(object);
    free(file);
    return is_printed;
}

/* Prints one error; as text if there is no memory for its JSON. */
static void print_error(const char *text, struct error_place place, int json) {
    if (!json || !print_json_error(text, place, "message")) {
        fprintf(stderr, "rondo: ");
        print_message(stderr, text);
        fprintf(stderr, "\n");
    }
}

int report_errors(struct errors *errors, int json) {
    const int32_t shown = errors->count < ERRORS_MAX ? errors->count : ERRORS_MAX;
    for (int32_t i = 0; i < shown; i++) {
        print_error(errors_text(errors, i), errors_place(errors, i), json);
    }
    if (errors->count > shown) {
        char more[64];
        snprintf(more, sizeof more, "and %d more", errors->count - shown);
        print_error(more, (struct error_place){0}, json);
    }
    const int is_input = errors->status == RONDO_INVALID || errors->status == RONDO_NOT_FOUND;
    errors_free(errors);
    return is_input ? EXIT_INPUT : EXIT_FAILED;
}

void report_warnings(struct errors *warnings, int json) {
    for (int32_t i = 0; i < warnings->count && i < ERRORS_MAX; i++) {
        const char *text = errors_text(warnings, i);
        if (!json || !print_json_error(text, errors_place(warnings, i), "warning")) {
            fprintf(stderr, "rondo: warning: ");
            print_message(stderr, text);
            fprintf(stderr, "\n");
        }
    }
    errors_free(warnings);
}

void report_data(const struct task *task, int json) {
    struct errors warnings = {0};
    task_data_warn(&task->data, &warnings);
    report_warnings(&warnings, json);
}

rondo_status output_json(struct json_t *value, size_t flags, struct errors *errors) {
    char *text = json_write(value, flags);
    json_decref(value);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    puts(text); /* a failure is reported by finish_output */
    free(text);
    return RONDO_OK;
}

int finish_output(void) {
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno == 0) { /* an earlier write failed, and its errno is lost: writing again shows the reason */
            putchar('\n');
            fflush(stdout);
        }
        if (errno == EPIPE) {
            return EXIT_DONE; /* the reader has closed the pipe, which is not an error; SIGPIPE ends most commands */
        }
        fprintf(stderr, "rondo: cannot write to standard output: %s\n",
                errno == 0 ? "an earlier write has failed" : strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int finish_command(struct errors *errors, int json) {
    const int has_failed = errors->count > 0, finished = finish_output();
    return has_failed ? report_errors(errors, json) : finished;
}

static rondo_status parse_engine(const char *text, enum engine *engine, struct errors *errors) {
    static const char *const names[] = {[ENGINE_FUSED] = "fused", [ENGINE_TAPE] = "tape"};
    struct suggestion best = {0};
    *engine = ENGINE_FUSED;
    for (int i = 0; text != NULL && i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(names[i], text) == 0) {
            *engine = (enum engine)i;
            return RONDO_OK;
        }
        suggest(&best, text, names[i]);
    }
    return text == NULL ? RONDO_OK
                        : errors_add(errors, RONDO_INVALID, "unknown engine '%s'%s, expected fused or tape", text,
                                     suggestion_text(&best).text);
}

void print_log_line(void *out, int32_t level, const char *origin, const char *text) {
    (void)level;
    fprintf(out, "%s: %s\n", origin == NULL ? "rondo" : origin, text);
}

struct session *session_from_flags(const struct common_flags *common, struct errors *errors) {
    struct session_settings settings = {.plugins = common->plugins, .threads = common->threads};
    settings.log = (struct log_receiver){common->verbose ? print_log_line : NULL, stderr};
    const rondo_status engine = parse_engine(common->engine, &settings.engine, errors);
    const rondo_status passes = scan_passes_parse(common->passes, &settings.passes_off, errors);
    if (passes == RONDO_OK && settings.passes_off != 0 && settings.engine == ENGINE_TAPE) {
        errors_add(errors, RONDO_INVALID, "--passes '%s' is not used: the engine tape has no passes", common->passes);
        return NULL;
    }
    struct session *session = engine == RONDO_OK && passes == RONDO_OK ? session_create(&settings, errors) : NULL;
    struct reading *reading = session == NULL ? NULL : arena_calloc(session->arena, 1, sizeof *reading);
    if (reading != NULL) { /* without memory for it, nothing is shown */
        session->reading = reading_progress(reading);
    }
    return session;
}
