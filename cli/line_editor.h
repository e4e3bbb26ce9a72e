/* cli/line_editor.h: lines that are typed at a terminal, with editing and a history (libedit). They are UTF-8, in any locale.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_LINE_EDITOR_H
#define RONDO_CLI_LINE_EDITOR_H

#include "core/status.h"

struct line_editor;

/* For standard input and output. `prompt` is printed before each line, and must outlive the editor. NULL with an error. */
struct line_editor *line_editor_create(const char *prompt, struct errors *errors);
void line_editor_destroy(struct line_editor *editor);

enum line_result {
    LINE_READ,
    LINE_STOPPED, /* Ctrl-C: the line was given up */
    LINE_END      /* Ctrl-D, or the terminal is gone */
};
/* The next line, without its end; it is valid until the next call, and becomes part of the history. */
enum line_result line_editor_read(struct line_editor *editor, const char **line);

#endif
