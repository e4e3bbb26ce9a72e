#define _POSIX_C_SOURCE 200809L
#include "cli/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

enum { MOST_HISTORY = 1000 }; /* lines */

struct line_editor {
    EditLine *edit;
    History *history;
    HistEvent event; /* of the last call of history */
    const char *prompt;
    char *line; /* the last one */
    locale_t
        locale; /* while libedit runs; the thread has the locale "C" otherwise, in which it takes no character but ASCII */
};

static char *prompt_of(EditLine *edit) {
    struct line_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt; /* libedit does not change it */
}

/* ---- characters ---- */

/* The locale "C" with the characters of another one, if those are UTF-8; else (locale_t)0. */
static locale_t with_characters(const char *name) {
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t locale = plain == (locale_t)0 ? plain : newlocale(LC_CTYPE_MASK, name, plain);
    if (locale == (locale_t)0 && plain != (locale_t)0) {
        freelocale(plain);
    }
    if (locale != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") != 0) {
        freelocale(locale);
        return (locale_t)0;
    }
    return locale;
}

/* All texts are UTF-8, and so are terminals, also where no locale is set, as in a container. */
static locale_t open_locale(void) {
    static const char *const names[] = {"", "C.UTF-8", "en_US.UTF-8"};
    locale_t locale = (locale_t)0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && locale == (locale_t)0; i++) {
        locale = with_characters(names[i]);
    }
    if (locale == (locale_t)0) {
        fprintf(stderr, "rondo: there is no locale with UTF-8, so that only ASCII characters can be typed\n");
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    }
    return locale;
}

/* ---- the editor ---- */

/* In the editor's locale. */
static rondo_status open_editor(struct line_editor *editor, struct errors *errors) {
    editor->history = history_init();
    editor->edit = editor->history == NULL ? NULL : el_init("rondo", stdin, stdout, stderr);
    if (editor->edit == NULL) {
        return errors_no_memory(errors);
    }
    history(editor->history, &editor->event, H_SETSIZE, MOST_HISTORY);
    history(editor->history, &editor->event, H_SETUNIQUE, 1);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, prompt_of);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_SIGNAL, 1); /* the terminal is restored before handlers run */
    return RONDO_OK;
}

struct line_editor *line_editor_create(const char *prompt, struct errors *errors) {
    struct line_editor *editor = memory_calloc(1, sizeof *editor);
    if (editor == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    editor->prompt = prompt;
    editor->locale = open_locale();
    const locale_t outer = uselocale(editor->locale);
    const rondo_status status = open_editor(editor, errors);
    uselocale(outer);
    if (status != RONDO_OK) {
        line_editor_destroy(editor);
        return NULL;
    }
    return editor;
}

void line_editor_destroy(struct line_editor *editor) {
    if (editor != NULL) {
        if (editor->edit != NULL) {
            el_end(editor->edit);
        }
        if (editor->history != NULL) {
            history_end(editor->history);
        }
        if (editor->locale != (locale_t)0) {
            freelocale(editor->locale);
        }
        free(editor->line);
        free(editor);
    }
}

/* In the editor's locale. */
static enum line_result read_line(struct line_editor *editor, const char **line) {
    int count = 0;
    errno = 0;
    const char *text = el_gets(editor->edit, &count);
    if (text == NULL || count <= 0) {
        if (count < 0 && errno == EINTR) {
            el_reset(editor->edit);
            return LINE_STOPPED;
        }
        return LINE_END;
    }
    const size_t length = strcspn(text, "\n");
    free(editor->line);
    editor->line = memory_alloc(length + 1);
    if (editor->line == NULL) {
        return LINE_END;
    }
    memcpy(editor->line, text, length);
    editor->line[length] = '\0';
    if (length > 0) {
        history(editor->history, &editor->event, H_ENTER, text);
    }
    *line = editor->line;
    return LINE_READ;
}

enum line_result line_editor_read(struct line_editor *editor, const char **line) {
    const locale_t outer = uselocale(editor->locale);
    const enum line_result result = read_line(editor, line);
    uselocale(outer);
    return result;
}
