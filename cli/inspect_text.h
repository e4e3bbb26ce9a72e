/* cli/inspect_text.h: an inspection (inspect/inspect.h) for people: sentences, tables and plots.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_INSPECT_TEXT_H
#define RONDO_CLI_INSPECT_TEXT_H

#include "cli/plot_page.h"
#include "inspect/inspect.h"

/* Prints the sentences and tables on standard output. */
void inspect_print(const struct inspection *inspection);
/* Adds the plots: norms against the distance, in powers of ten. */
void inspect_plot(struct plot_page *page, const struct inspection *inspection);

#endif
