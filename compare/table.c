#include "compare/table.h"

#include "compare/table_content.h"

/* By comparison_form. */
static const struct {
    const char *file;
    const char *(*write)(const struct comparison_content *content, struct arena *arena);
} forms[] = {{"table.txt", table_as_text}, {"table.md", table_as_markdown}, {"table.tex", table_as_latex},
             {"table.csv", table_as_csv},  {"runs.csv", table_as_runs_csv}, {"table.json", table_as_json}};

const char *comparison_table_file(enum comparison_form form) {
    return forms[form].file;
}

rondo_status comparison_table(const struct comparison *comparison, const struct comparison_statistics *statistics,
                              enum comparison_form form, int with_measured, const char **text, struct arena *arena,
                              struct errors *errors) {
    struct comparison_content content;
    table_content_make(comparison, statistics, with_measured, &content, arena);
    *text = arena_failed(arena) ? NULL : forms[form].write(&content, arena);
    return *text == NULL ? errors_no_memory(errors) : RONDO_OK;
}
