#include "cli/line_editor.h"

#include <errno.h>
#include <histedit.h>
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
};

static char *prompt_of(EditLine *edit) {
    struct line_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt; /* libedit does not change it */
}

struct line_editor *line_editor_create(const char *prompt, struct errors *errors) {
    struct line_editor *editor = memory_calloc(1, sizeof *editor);
    if (editor == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    setlocale(LC_CTYPE, ""); /* libedit reads characters of the terminal's encoding; numbers keep decimal points */
    editor->prompt = prompt;
    editor->history = history_init();
    editor->edit = editor->history == NULL ? NULL : el_init("rondo", stdin, stdout, stderr);
    if (editor->edit == NULL) {
        errors_no_memory(errors);
        line_editor_destroy(editor);
        return NULL;
    }
    history(editor->history, &editor->event, H_SETSIZE, MOST_HISTORY);
    history(editor->history, &editor->event, H_SETUNIQUE, 1);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, prompt_of);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_SIGNAL, 1); /* the terminal is restored before handlers run */
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
        free(editor->line);
        free(editor);
    }
}

enum line_result line_editor_read(struct line_editor *editor, const char **line) {
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
