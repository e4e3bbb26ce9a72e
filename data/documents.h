/* data/documents.h: plain text files as documents, for readers of texts. A document is a whole file, or one of its lines.
 *
 *     struct documents documents;
 *     rondo_status status = documents_open(&documents, reader, &settings, source, errors);
 *     for (int64_t i = 0; i < documents.count && status == RONDO_OK; i++) {
 *         … documents.items[i] …
 *         status = document_pass(&documents.items[i], at, errors);
 *     }
 *     documents_close(&documents);
 *
 * The files are mapped (io/file_map.h): the pages that a pass has finished with are released.
 *
 * Threads: main thread.
 */
#ifndef RONDO_DATA_DOCUMENTS_H
#define RONDO_DATA_DOCUMENTS_H

#include "data/reader.h"

enum documents_form { DOCUMENTS_FILE = 0, DOCUMENTS_LINES = 1 };

/* A row for the option table of a reader: the field `documents`, enum documents_form. */
#define DOCUMENTS_OPTION(S)                                                                                            \
    RONDO_OPTION_CHOICE(S, documents, "file", documents_forms,                                                         \
                        "what is one sequence: the whole file, or each of its lines that is not empty")
extern const char *const documents_forms[];

struct documents_settings {
    int32_t form;         /* enum documents_form */
    int is_utf8;          /* the text must be UTF-8 without NUL bytes; a byte order mark is left out */
    const char *any_file; /* the option that reads any file, for messages; NULL: none does */
};

/* A file, and the reader that the progress of a pass over it is reported to. */
struct document_file {
    struct file_map map;
    const struct reader *reader;
};

/* One sequence. The text is not NUL-terminated. */
struct document {
    const char *text;
    size_t length;              /* bytes, >= 1 */
    struct document_file *file; /* that it is from; NULL: a line of standard input */
    int32_t line;               /* that it begins on, from 1 */
    int has_end;                /* it is a line: its end is not in the text */
};

/* The documents of all files of a source, in their order. */
struct documents {
    struct document *items;
    int64_t count, capacity;
    struct document_file *files; /* [n_files] */
    int32_t n_files;
};

/* Opens the files of a source for `reader`. RONDO_INVALID, at its place, for what is not UTF-8, and for a file without text.
 * Close with documents_close, also after a failure. */
rondo_status documents_open(struct documents *documents, const struct reader *reader,
                            const struct documents_settings *settings, const struct reader_source *source,
                            struct errors *errors);
void documents_close(struct documents *documents);

/* The place where a document begins. */
struct location document_place(const struct document *document);

/* A pass over the documents has reached byte `at` of this one (reader_pass). To be called about every thousand elements, and
 * at the end of each document. RONDO_INTERRUPTED and RONDO_IO as reader_pass. */
rondo_status document_pass(const struct document *document, size_t at, struct errors *errors);

/* Keeps a copy of the document as the text of the last example (dataset_add_text). */
rondo_status document_keep_text(const struct document *document, struct dataset *dataset, struct errors *errors);

/* Checks that a line of standard input is UTF-8; `where` is the line. */
rondo_status document_check_line(const char *line, struct location where, struct errors *errors);

/* What a reader counts in the training part, in order to learn its vocabulary. */
struct documents_counter {
    rondo_status (*elements)(const void *arg, const struct document *document, int64_t *count,
                             struct errors *errors); /* of the document */
    rondo_status (*count)(void *arg, const struct document *document, int64_t begin, int64_t end,
                          struct errors *errors); /* elements [begin, end) of it */
    void *arg;
};
/* Counts the training part, as part_view takes it: a range of the only document, or all of each document that belongs to
 * training; the range is then [0, INT64_MAX). */
rondo_status documents_count(const struct documents *documents, const struct parts *parts,
                             const struct documents_counter *counter, struct errors *errors);

#endif
