/* cli/plot_page.h: the plots of a command with the flag --plot, and where they go: as text to standard output, or to an
 * SVG file, which is written completely or not at all.
 *
 * Plots and what they point to are allocated in `arena`. Failure to add a plot is sticky: plot_page_show reports it.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_PLOT_PAGE_H
#define RONDO_CLI_PLOT_PAGE_H

#include "cli/command.h"
#include "cli/plot.h"
#include "io/file.h"

struct plot_page {
    struct plot_flag flag;
    struct arena *arena;
    struct plot **plots;
    int32_t count, capacity;
    struct file_writer writer;
    int has_file; /* the writer is open */
};

/* Opens the page before the work, so that a file that cannot be written is reported at once. `json`: standard output is
 * JSON, which text is not mixed with. `example`: of --example, 0 if not given, which needs --plot. Without the flag nothing is opened. Close it also after a failure. */
rondo_status plot_page_open(struct plot_page *page, struct plot_flag flag, int64_t example, int json,
                            struct errors *errors);
void plot_page_close(struct plot_page *page);

/* An empty plot at the end of the page; NULL: out of memory. */
struct plot *plot_page_add(struct plot_page *page);

/* Prints or writes the page. `title` is that of the SVG document. RONDO_INVALID, with the reason `empty`, if it has no
 * plots. */
rondo_status plot_page_show(struct plot_page *page, const char *title, const char *empty, struct errors *errors);

#endif
