/* report/page_files.h: the page of a report as parts of the program: the files that report/meson.build lists, and Chart.js.
 */
#ifndef RONDO_REPORT_PAGE_FILES_H
#define RONDO_REPORT_PAGE_FILES_H

#include "io/embedded.h"

/* "page/page.html", "page/page.css", "chart.js/chart.min.js". Ends with a NULL path. */
extern const struct embedded_file report_page_files[];

#endif
