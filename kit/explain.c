/* kit/explain.c: see kit/explain.h. */
#include "kit/explain.h"

#include <string.h>

#include "core/suggest.h"
#include "kit/embedded.h"

/* The kinds, in the order of the page. */
static const struct {
    const char *what;
    const struct kit_check *checks;
} tables[] = {
    {"file", kit_file_checks},           {"options", kit_option_checks}, {"op", kit_op_checks},
    {"optimizer", kit_optimizer_checks}, {"loss", kit_loss_checks},      {"schedule", kit_schedule_checks},
    {"metric", kit_metric_checks},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

/* "prints" is reported while any other check runs. It has a section in the page, but no row in a table. */
static const char printing[] = "prints";

int table_has(const struct kit_check *table, const char *name) {
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_check(const char *name) {
    for (int t = 0; t < TABLES; t++) {
        if (table_has(tables[t].checks, name)) {
            return 1;
        }
    }
    return 0;
}

static rondo_status refuse_unknown(const char *name, struct errors *errors) {
    struct suggestion best = {0};
    for (int t = 0; t < TABLES; t++) {
        for (const struct kit_check *check = tables[t].checks; check->name != NULL; check++) {
            suggest(&best, name, check->name);
        }
    }
    suggest(&best, name, printing);
    return errors_add(errors, RONDO_INVALID, "unknown check '%.80s'%s", name, suggestion_text(&best).text);
}

rondo_status known_checks(const char *const *names, struct errors *errors) {
    rondo_status first = RONDO_OK, status = RONDO_OK;
    for (; *names != NULL; names++) {
        if (strcmp(*names, printing) == 0) {
            status = errors_add(errors, RONDO_INVALID,
                                "'%s' is reported while other checks run, expected the name of the check that printed",
                                printing);
        } else if (!is_check(*names)) {
            status = refuse_unknown(*names, errors);
        }
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

const char *list_checks(struct arena *arena) {
    const char *text = "";
    for (int t = 0; t < TABLES; t++) {
        text = text == NULL ? NULL : arena_printf(arena, "%s%s\n", text, tables[t].what);
        for (const struct kit_check *check = tables[t].checks; check->name != NULL; check++) {
            text = text == NULL ? NULL : arena_printf(arena, "%s  %-16s %s\n", text, check->name, check->summary);
        }
    }
    return text == NULL
               ? NULL
               : arena_printf(arena, "%sall\n  %-16s nothing is printed while any check runs\n", text, printing);
}

/* ---- the page ---- */

/* Wraps paragraphs at COLUMNS characters. Sections have neither lists nor tables. */
enum { COLUMNS = 100 };
static void wrap(char *text) {
    char *blank = NULL; /* where this line can end */
    int column = 0, since = 0;
    for (char *at = text; *at != '\0'; at++) {
        if (at[0] == '\n' && (at[1] == '\n' || (at > text && at[-1] == '\n'))) {
            blank = NULL;
            column = since = 0;
            continue;
        }
        if (*at == ' ' || *at == '\n') {
            *at = ' ';
            blank = at;
            since = -1;
        }
        const int is_character = ((unsigned char)*at & 0xc0) != 0x80;
        column += is_character;
        since += is_character;
        if (column > COLUMNS && blank != NULL) {
            *blank = '\n';
            blank = NULL;
            column = since;
        }
    }
}

/* The text between "### name" and the next heading, without blank lines at its ends; from `arena`. NULL: none. */
static const char *section_of(const char *name, struct arena *arena, struct errors *errors) {
    const struct embedded_file *file = embedded_files;
    while (file->path != NULL && strcmp(file->path, CHECK_PAGE) != 0) {
        file++;
    }
    const char *page = file->path == NULL ? "" : arena_strndup(arena, (const char *)file->bytes, file->size);
    const char *heading = arena_printf(arena, "\n### %s\n", name);
    if (page == NULL || heading == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    const char *found = strstr(page, heading);
    if (found == NULL) {
        errors_bug(errors, __FILE__, __LINE__, "every check has a section of " CHECK_PAGE);
        return NULL;
    }
    const char *begin = found + strlen(heading), *end = strstr(begin, "\n##");
    size_t length = end == NULL ? strlen(begin) : (size_t)(end - begin);
    while (length > 0 && begin[length - 1] == '\n') {
        length--;
    }
    char *section = arena_strndup(arena, begin, length);
    if (section == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    wrap(section);
    return section;
}

const char *explain_check(const char *name, struct arena *arena, struct errors *errors) {
    if (!is_check(name) && strcmp(name, printing) != 0) {
        refuse_unknown(name, errors);
        return NULL;
    }
    const char *section = section_of(name, arena, errors), *text = arena_printf(arena, "%s\n", name);
    for (int t = 0; section != NULL && t < TABLES; t++) {
        for (const struct kit_check *check = tables[t].checks; check->name != NULL; check++) {
            if (text != NULL && strcmp(check->name, name) == 0) {
                text = arena_printf(arena, "%s  %s: %s\n", text, tables[t].what, check->summary);
            }
        }
    }
    if (section == NULL) {
        return NULL;
    }
    text = text == NULL ? NULL : arena_printf(arena, "%s\n%s\n", text, section);
    if (text == NULL) {
        errors_no_memory(errors);
    }
    return text;
}
