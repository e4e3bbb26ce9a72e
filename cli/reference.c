/* cli/reference.c: the catalogue as pages of Markdown, one per kind: docs/reference. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/catalogue_facts.h"
#include "cli/catalogue_write.h"
#include "core/kind.h"
#include "io/file.h"
#include "io/json.h"

/* The text at the top of a page. The page of a kind without a row begins with its name only. */
struct page {
    const char *kind, *title, *intro;
};
static const struct page pages[] = {
    {"op", "Ops",
     "An op is a function of tensors with a gradient. Equations of cells call it by its name, `y = tanh(x)`, with "
     "options as in `sum(x, axis=-1)`; `+ - * /` and `@` are the ops `add`, `sub`, `mul`, `div` and `matmul`. Losses "
     "consist of the same ops."},
    {"optimizer", "Optimizers",
     "An optimizer updates the parameters `p` from their gradients `g` after each batch. An experiment names one, with "
     "its options: `optimizer: {plugin: adam, lr: 0.001}`. Groups of parameters may have their own options, see "
     "[optimizer.groups](experiment.md#optimizergroupsn). The state is kept for every parameter, and saved in "
     "checkpoints."},
    {"loss", "Losses",
     "A loss defines what training minimises, and which metrics are reported. An experiment names one, "
     "`loss: {plugin: huber, delta: 1}`, or a weighted sum: `loss: {sum: [{plugin: huber, weight: 0.7}, {plugin: "
     "log_cosh, weight: 0.3}]}`. In the formulas, `x` are outputs of the network and `y` targets, unless the text says "
     "otherwise."},
    {"schedule", "Schedules",
     "A schedule is the factor `f` on the learning rate for every update: `schedule: {learning_rate: {plugin: "
     "cosine}}`. A [warm-up](experiment.md#schedulewarmup) can be added before any schedule."},
    {"metric", "Metrics",
     "A metric is a figure about predictions and their targets, computed over a whole dataset. An experiment lists "
     "those "
     "that are reported in addition to the loss, `metrics: [accuracy, {plugin: f1, average: macro}]`; `rondo eval RUN "
     "--metric f1:average=macro` adds one. A metric of this page replaces that of the loss with the same name."},
    {KIND_CELL, "Cells",
     "A cell is one step of a recurrence, written as equations: `x` is the input, `h` a state before the step and "
     "`h'` after it; any other free name is a parameter. Layers name a cell, with its options: `model: "
     "{layers: [{cell: gru, hidden: 64}]}`. `rondo cells show NAME` lists the parameters and their initial values; "
     "[Cells](../cells.md) describes how to write a cell."},
    {KIND_BLOCK, "Blocks",
     "A block is equations for a whole sequence, without states: `x` are all steps of the input, `memory` the outputs "
     "of an "
     "encoder, or the input itself; any other free name is a parameter. Layers name a block, with its options: `model: "
     "{layers: [{cell: gru, hidden: 64}, {block: attention, over: memory}]}`. [Blocks](../cells.md#blocks) describes "
     "how "
     "to write one."},
    {KIND_READER, "Readers",
     "A reader turns data files into examples, and predictions back into text. An experiment names one, with its "
     "options: `data: {reader: text, train: reviews.tsv, lowercase: false}`. [Your own data](../data.md) shows how to "
     "prepare files, [Adding a reader](../readers.md) how to write one."},
    {KIND_EXPERIMENT, "The experiment",
     "An experiment is one YAML file. This page lists all keys, section by section; [Experiments](../experiments.md) "
     "explains them. N is the index of an entry of a list, from 0. Editors complete the keys from "
     "[experiment.schema.json](experiment.schema.json)."},
};

/* A page that is being written. */
struct writing {
    const struct catalogue *catalogue;
    FILE *out;
    int failed; /* out of memory */
};

/* ---- Markdown ---- */

/* 1 if Markdown would interpret the character as markup. It does not in "x * y", "log_softmax" and "a <= b". A bar
 * would end the cell of a table. */
static int is_mark(const char *text, const char *c, int in_table) {
    const char before = c == text ? ' ' : c[-1], behind = c[1];
    switch (*c) {
    case '\\':
        return 1;
    case '|':
        return in_table;
    case '*':
        return before != ' ' || (behind != ' ' && behind != '\0');
    case '_':
        return !isalnum((unsigned char)before) || !isalnum((unsigned char)behind);
    case '<':
        return isalpha((unsigned char)behind) || behind == '/' || behind == '!';
    case ']':
        return behind == '(' || behind == '[';
    case '#':
    case '>':
    case '-':
    case '+':
        return c == text;
    default:
        return 0;
    }
}

/* Writes plain text. Text in `backticks` remains code, in which only the bar is escaped. */
static void put_text(const struct writing *writing, const char *text, int in_table) {
    int in_code = 0;
    for (const char *c = text; *c != '\0'; c++) {
        in_code ^= *c == '`';
        if (in_code ? *c == '|' && in_table : is_mark(text, c, in_table)) {
            fputc('\\', writing->out);
        }
        fputc(*c, writing->out);
    }
}

/* The anchor of a heading, as GitHub and others generate it: lower case, spaces as dashes, no punctuation. */
static void put_anchor(const struct writing *writing, const char *heading) {
    for (const char *c = heading; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || *c == '_' || *c == '-' || *c == ' ') {
            fputc(*c == ' ' ? '-' : tolower((unsigned char)*c), writing->out);
        }
    }
}

static const char *heading_of(const struct entry *entry) {
    return entry->name[0] == '\0' ? "top" : entry->name;
}

static void put_link(const struct writing *writing, const char *heading) {
    fprintf(writing->out, "[%s](#", heading);
    put_anchor(writing, heading);
    fprintf(writing->out, ")");
}

/* ---- entries ---- */

static void put_keys(struct writing *writing, const struct entry *entry) {
    int32_t count = 0;
    const struct key_row *rows = entry_keys(entry, writing->catalogue->arena, &count);
    writing->failed |= rows == NULL;
    if (rows == NULL || count == 0) {
        return;
    }
    fprintf(writing->out, "\n| %s | default | expected | |\n|---|---|---|---|\n",
            entry->section == NULL ? "option" : "key");
    for (int32_t i = 0; i < count; i++) {
        const int is_value = rows[i].default_text != NULL && rows[i].default_text[0] != '\0';
        fprintf(writing->out, "| `%s` | %s%s%s | ", rows[i].key, is_value ? "`" : "", key_default(&rows[i]),
                is_value ? "`" : "");
        if (rows[i].section != NULL) {
            fprintf(writing->out, "%s: ", rows[i].expected);
            put_link(writing, rows[i].section);
        } else {
            put_text(writing, rows[i].expected, 1);
        }
        fprintf(writing->out, " | ");
        put_text(writing, rows[i].help, 1);
        fprintf(writing->out, " |\n");
    }
}

/* The properties, "- state: …", and the file that the entry comes from, relative to its folder: folders differ between
 * machines. */
static void put_facts(struct writing *writing, const struct entry *entry) {
    struct fact facts[FACTS_MOST];
    const int32_t count = entry_facts(entry, writing->catalogue->arena, facts);
    writing->failed |= count < 0;
    fprintf(writing->out, "\n");
    for (int32_t i = 0; i < count; i++) {
        fprintf(writing->out, "- %s: ", facts[i].label);
        put_text(writing, facts[i].text, 0);
        fprintf(writing->out, "\n");
    }
    if (entry->plugin != NULL) {
        const char *name = strrchr(entry->origin, '/'), *group = name;
        while (group > entry->origin && group[-1] != '/') {
            group--;
        }
        fprintf(writing->out, "- file: `%s`, version %s, %s\n", group == NULL ? entry->origin : group, entry->version,
                entry->licence);
    }
}

static void put_code(const struct writing *writing, const char *language, const char *text) {
    const size_t length = strlen(text);
    fprintf(writing->out, "\n```%s\n%s%s```\n", language, text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

static void put_entry(struct writing *writing, const struct entry *entry, int level) {
    fprintf(writing->out, "\n%.*s %s\n\n", level, "####", heading_of(entry));
    put_text(writing, entry->summary, 0);
    fprintf(writing->out, "\n");
    if (entry->source[0] != '\0') {
        fprintf(writing->out, "\n");
        put_text(writing, entry->source, 0);
        fprintf(writing->out, "\n");
    }
    if (entry->cell != NULL) {
        put_code(writing, "", entry->cell->equations.text);
    } else if (entry->section == NULL) {
        const char *example = entry_example(entry, writing->catalogue->arena);
        writing->failed |= example == NULL;
        put_code(writing, strcmp(entry->kind, kind_name(RONDO_KIND_OP)) == 0 ? "" : "yaml",
                 example == NULL ? "" : example);
    }
    put_keys(writing, entry);
    if (entry->section == NULL) {
        put_facts(writing, entry);
    }
}

/* ---- pages ---- */

static int is_on_page(const struct entry *entry, const char *kind, int wrappers) {
    return strcmp(entry->kind, kind) == 0 && entry_is_wrapper(entry) == wrappers;
}

/* A line of links to all entries. */
static void put_index(const struct writing *writing, const char *kind, int wrappers) {
    int is_first = 1;
    for (int32_t i = 0; i < writing->catalogue->count; i++) {
        const struct entry *entry = &writing->catalogue->entries[i];
        if (is_on_page(entry, kind, wrappers)) {
            fprintf(writing->out, "%s", is_first ? "\n" : " · ");
            put_link(writing, heading_of(entry));
            is_first = 0;
        }
    }
    fprintf(writing->out, "\n");
}

static int has_wrappers(const struct catalogue *catalogue, const char *kind) {
    for (int32_t i = 0; i < catalogue->count; i++) {
        if (is_on_page(&catalogue->entries[i], kind, 1)) {
            return 1;
        }
    }
    return 0;
}

static void put_entries(struct writing *writing, const char *kind, int wrappers, int level) {
    for (int32_t i = 0; i < writing->catalogue->count; i++) {
        if (is_on_page(&writing->catalogue->entries[i], kind, wrappers)) {
            put_entry(writing, &writing->catalogue->entries[i], level);
        }
    }
}

static void put_page(struct writing *writing, const char *kind) {
    struct page page = {kind, kind, NULL};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        page = strcmp(pages[i].kind, kind) == 0 ? pages[i] : page;
    }
    fprintf(writing->out,
            "<!-- Generated by `make reference` (rondo list --reference docs/reference): edit what it describes, not "
            "this page. -->\n# %s\n",
            page.title);
    if (page.intro != NULL) {
        fprintf(writing->out, "\n%s\n", page.intro);
    }
    put_index(writing, kind, 0);
    if (!has_wrappers(writing->catalogue, kind)) {
        put_entries(writing, kind, 0, 2);
        return;
    }
    fprintf(writing->out, "\nWrappers can be combined with any of them:\n");
    put_index(writing, kind, 1);
    fprintf(writing->out, "\n## %s, by name\n", page.title);
    put_entries(writing, kind, 0, 3);
    fprintf(writing->out,
            "\n## Wrappers\n\nA wrapper can be combined with any optimizer. It acts before the optimizer, where "
            "it rewrites the gradient, or after it, where it reads or rewrites the new value. An "
            "experiment lists wrappers, in order, under `optimizer.wrappers`.\n");
    put_entries(writing, kind, 1, 3);
}

/* ---- files ---- */

static rondo_status write_page(const struct catalogue *catalogue, const char *kind, const char *file,
                               struct errors *errors) {
    char *text = NULL;
    size_t length = 0;
    struct writing writing = {catalogue, open_memstream(&text, &length), 0};
    if (writing.out == NULL) {
        return errors_no_memory(errors);
    }
    put_page(&writing, kind);
    const int failed = ferror(writing.out);
    rondo_status status = RONDO_OK;
    if (fclose(writing.out) != 0 || failed || writing.failed) {
        status = errors_no_memory(errors);
    } else {
        status = file_write(file, text, length, errors);
    }
    free(text);
    return status;
}

static rondo_status write_schema(const struct catalogue *catalogue, const char *file, struct errors *errors) {
    json_t *schema = catalogue_schema(catalogue);
    char *text = json_write(schema, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    const char *line = text == NULL ? NULL : arena_printf(catalogue->arena, "%s\n", text);
    const rondo_status status = line == NULL ? errors_no_memory(errors) : file_write(file, line, strlen(line), errors);
    free(text);
    json_decref(schema);
    return status;
}

/* "docs/reference/optimizers.md" */
static const char *page_file(const struct catalogue *catalogue, const char *folder, int32_t kind) {
    if (kind < RONDO_KIND_COUNT) {
        return arena_printf(catalogue->arena, "%s/%s.md", folder, kind_folder(kind));
    }
    const char *name = catalogue_kind(kind);
    const int is_plural = strcmp(name, KIND_CELL) == 0 || strcmp(name, KIND_BLOCK) == 0;
    return arena_printf(catalogue->arena, "%s/%s%s.md", folder, name, is_plural ? "s" : "");
}

rondo_status catalogue_reference(const struct catalogue *catalogue, const char *folder, struct errors *errors) {
    RONDO_TRY(folder_create(folder, NULL, errors));
    for (int32_t kind = 0; catalogue_kind(kind) != NULL; kind++) {
        const char *file = page_file(catalogue, folder, kind);
        if (file == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(write_page(catalogue, catalogue_kind(kind), file, errors));
    }
    const char *file = arena_printf(catalogue->arena, "%s/experiment.schema.json", folder);
    return file == NULL ? errors_no_memory(errors) : write_schema(catalogue, file, errors);
}
