/* report/data.h: the numbers that the page draws, as JSON. page/curves.js describes the fields.
 *
 * Threads: main thread.
 */
#ifndef RONDO_REPORT_DATA_H
#define RONDO_REPORT_DATA_H

#include "report/content.h"
#include "report/markup.h"

/* Adds the JSON. Numbers have 5 significant digits, except whole ones. */
rondo_status report_data_add(struct markup *markup, const struct report_content *content, struct arena *arena,
                             struct errors *errors);

#endif
