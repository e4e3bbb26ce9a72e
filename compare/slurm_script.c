#include "compare/slurm_script.h"

#include <stdio.h>
#include <string.h>

#include "io/program.h"

/* ---- the user's options ---- */

/* Options that decide which tasks run, when, and where their output is. */
static const struct {
    const char *name; /* without its two dashes */
    char letter;      /* 0: it has no short form */
    const char *reason;
} own_options[] = {
    {"array", 'a', "sets it to the tasks that are missing"},
    {"dependency", 'd', "sets it so that each phase waits for the one before"},
    {"output", 'o', "sets it to files in the folder of the comparison"},
    {"error", 'e', "writes errors to the same file as other output"},
    {"job-name", 'J', "sets it to the name of the comparison"},
    {"parsable", 0, "needs it to read the number of the job"},
    {"wait", 'W', "does not wait: the same command shows the state at any time"},
    {"wrap", 0, "writes the script of the job"},
    {"test-only", 0, "would take the job as submitted"},
    {"help", 'h', "cannot submit a job with it"},
    {"usage", 0, "cannot submit a job with it"},
    {"version", 'V', "cannot submit a job with it"},
};
enum { OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

/* sbatch accepts the beginning of a long option's name. */
static rondo_status refuse_own(const char *word, struct errors *errors) {
    const int is_long = word[1] == '-';
    const size_t length = is_long ? strcspn(word + 2, "=") : 0;
    for (int i = 0; i < OWN_OPTIONS; i++) {
        if (is_long ? length >= 2 && strncmp(own_options[i].name, word + 2, length) == 0
                    : own_options[i].letter != 0 && word[1] == own_options[i].letter) {
            return errors_add(errors, RONDO_INVALID, "'%s' cannot be an option for sbatch here: Rondo %s", word,
                              own_options[i].reason);
        }
    }
    return RONDO_OK;
}

/* Takes a word from the text, without its quotes, into `word`, which has room for all of the text. Returns the rest of the
 * text; NULL if a quote is not closed. */
static const char *take_word(const char *text, char *word) {
    char quote = 0;
    for (; *text != '\0' && (quote != 0 || *text != ' '); text++) {
        if (quote == 0 && (*text == '\'' || *text == '"')) {
            quote = *text;
        } else if (*text == quote) {
            quote = 0;
        } else {
            *word++ = *text;
        }
    }
    *word = '\0';
    return quote == 0 ? text : NULL;
}

static int has_control(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) {
            return 1;
        }
    }
    return 0;
}

/* Adds a word: an option, or the value of the option before. */
static rondo_status add_word(const char *word, const char **words, int32_t *count, int *may_follow, struct arena *arena,
                             struct errors *errors) {
    if (word[0] != '-' || word[1] == '\0') {
        if (!*may_follow) {
            return errors_add(errors, RONDO_INVALID, "'%s' is not an option for sbatch: write --NAME=VALUE", word);
        }
        const char *option = words[*count - 1];
        words[*count - 1] = arena_printf(arena, "%s%s%s", option, option[1] == '-' ? "=" : "", word);
        *may_follow = 0;
        return RONDO_OK;
    }
    if (strcmp(word, "--") == 0) {
        return errors_add(errors, RONDO_INVALID, "'--' is not an option for sbatch: write --NAME=VALUE");
    }
    RONDO_TRY(refuse_own(word, errors));
    words[(*count)++] = arena_strdup(arena, word);
    *may_follow = word[1] == '-' ? strchr(word, '=') == NULL : word[2] == '\0';
    return RONDO_OK;
}

rondo_status slurm_options_read(const char *text, struct slurm_options *options, struct arena *arena,
                                struct errors *errors) {
    *options = (struct slurm_options){0};
    const size_t length = strlen(text);
    const char **words = arena_calloc(arena, length / 2 + 2, sizeof *words); /* with a blank after each but the last */
    char *word = arena_alloc(arena, length + 1);
    if (words == NULL || word == NULL) {
        return errors_no_memory(errors);
    }
    if (has_control(text)) {
        return errors_add(errors, RONDO_INVALID,
                          "the options for sbatch have a control character, such as a line break");
    }
    int may_follow = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        const char *rest = take_word(text, word);
        if (rest == NULL) {
            return errors_add(errors, RONDO_INVALID, "a quote in the options for sbatch is not closed: %s", text);
        }
        text = rest;
        RONDO_TRY(add_word(word, words, &options->n_words, &may_follow, arena, errors));
        if (arena_failed(arena)) {
            return errors_no_memory(errors);
        }
        options->has_memory |= strncmp(word, "--mem", 5) == 0 && strncmp(word, "--mem-bind", 10) != 0;
    }
    options->words = words;
    return RONDO_OK;
}

/* ---- the script ---- */

const char *slurm_array_text(const int32_t *numbers, int32_t count, struct arena *arena) {
    const size_t size = (size_t)count * 12 + 1; /* a number has at most 10 digits */
    char *text = arena_alloc(arena, size);
    if (text == NULL) {
        return NULL;
    }
    text[0] = '\0';
    size_t used = 0;
    for (int32_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && numbers[end] == numbers[end - 1] + 1;) {
            end++;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%d", begin == 0 ? "" : ",", (int)numbers[begin]);
        if (end > begin + 1) {
            used +=
                (size_t)snprintf(text + used, size - used, "%c%d", end == begin + 2 ? ',' : '-', (int)numbers[end - 1]);
        }
    }
    return text;
}

/* A value in a line "#SBATCH --NAME=VALUE": in double quotes, with a backslash before what has a meaning there, and '_' for a
 * control character. In a path, Slurm replaces what begins with '%', if it is not doubled. */
static const char *directive_value(const char *text, int is_path, struct arena *arena) {
    char *quoted = arena_alloc(arena, 2 * strlen(text) + 3);
    if (quoted == NULL) {
        return NULL;
    }
    char *end = quoted;
    *end++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *end++ = '\\';
        } else if (is_path && *text == '%') {
            *end++ = '%';
        }
        *end++ = (unsigned char)*text < ' ' ? '_' : *text;
    }
    *end++ = '"';
    *end = '\0';
    return quoted;
}

/* The last line of the script: the command becomes the process of the job, so that signals of Slurm reach it. */
static const char *command_line(const struct slurm_script *script, struct arena *arena) {
    const char *line = "exec";
    for (const char *const *word = script->command; *word != NULL && line != NULL; word++) {
        const char *quoted = shell_word(*word, arena);
        line = quoted == NULL ? NULL : arena_printf(arena, "%s %s", line, quoted);
    }
    if (line == NULL) {
        return NULL;
    }
    return script->first == 0 ? arena_printf(arena, "%s \"$SLURM_ARRAY_TASK_ID\"\n", line)
                              : arena_printf(arena, "%s $((SLURM_ARRAY_TASK_ID + %d))\n", line, (int)script->first);
}

const char *slurm_script_text(const struct slurm_script *script, struct arena *arena) {
    const char *name = directive_value(script->name, 0, arena), *command = command_line(script, arena);
    const char *output = directive_value(script->output, 1, arena), *directory = shell_word(script->directory, arena);
    if (name == NULL || output == NULL || command == NULL || directory == NULL) {
        return NULL;
    }
    output = arena_printf(arena, "%.*s%%a.txt\"", (int)strlen(output) - 1, output);
    const char *at_once = script->at_once == 0 ? "" : arena_printf(arena, "%%%d", (int)script->at_once);
    const char *memory =
        script->megabytes == 0 ? "" : arena_printf(arena, "#SBATCH --mem=%lldM\n", (long long)script->megabytes);
    if (arena_failed(arena)) {
        return NULL;
    }
    return arena_printf(arena,
                        "#!/bin/sh\n"
                        "# Written by `rondo compare`, which writes it again when it submits further tasks.\n"
                        "#SBATCH --job-name=%s\n"
                        "#SBATCH --array=%s%s\n"
                        "#SBATCH --cpus-per-task=%d\n"
                        "%s"
                        "#SBATCH --output=%s\n"
                        "#SBATCH --open-mode=append\n"
                        "#SBATCH --requeue\n"
                        "cd %s || exit 1\n"
                        "%s",
                        name, script->array, at_once, (int)script->processors, memory, output, directory, command);
}
