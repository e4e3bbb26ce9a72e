/* data/fields.h: a prediction as named fields, which the caller prints as a line of text or as a JSON object.
 *
 *     fields_text(fields, "label", "great", 1);
 *     fields_number(fields, "probability", 0.97, "%.4f", 1);
 *
 * Failure is sticky: fields_failed once at the end.
 * Threads: an object belongs to one thread at a time.
 */
#ifndef RONDO_DATA_FIELDS_H
#define RONDO_DATA_FIELDS_H

#include "core/arena.h"

struct json_t;
struct reader_prediction;

/* A text of the line. */
struct field_shown {
    const char *text;
    int begins_line; /* fields_line was called before it */
    struct field_shown *next;
};

struct fields {
    struct arena *arena;               /* of the texts; borrowed */
    struct json_t *object;             /* all fields */
    struct field_shown *first, **last; /* the texts of the lines, which the caller separates by tabs */
    int begins_line;
    int failed;
};

/* Makes an empty object, with memory from `arena`; free it with fields_close. */
void fields_open(struct fields *fields, struct arena *arena);
void fields_close(struct fields *fields);
/* 1 if out of memory. */
int fields_failed(const struct fields *fields);

/* Adds a text or a number. The line shows the text, or the number in `format` (of one double); format NULL and is_shown 0:
 * only the object has it. A number that is not finite is null in the object. */
void fields_text(struct fields *fields, const char *key, const char *value, int is_shown);
void fields_number(struct fields *fields, const char *key, double value, const char *format);
/* A field of any JSON value, which is taken over; NULL: out of memory. Not part of the line. */
void fields_json(struct fields *fields, const char *key, struct json_t *value);
/* Adds a value to a list, or to an object, for a field: it is taken over. NULL, for any of the two: out of memory. */
void fields_append(struct fields *fields, struct json_t *list, struct json_t *value);
void fields_member(struct fields *fields, struct json_t *object, const char *key, struct json_t *value);
/* Appends a text, or a number, to the line only; copied. */
void fields_show(struct fields *fields, const char *text);
void fields_show_number(struct fields *fields, double value, const char *format);
/* The next text that is shown begins a line of its own, unless it is the first. */
void fields_line(struct fields *fields);

/* The usual form, by the kind of target and the number of outputs. The line shows what is right of the bar.
 *
 *     one class           text, label, probabilities | label and probability
 *     one row of numbers  text, value or values      | the numbers
 *     classes by step     text, labels               | the labels, in one text with blanks between them
 *     a list              text, labels               | the labels, in one text with blanks between them
 *     numbers by step     text, steps: [[…], …]      | for each step its numbers, in one text with blanks between them
 *
 * With prediction intervals, numbers are followed by all lower ends and then all upper ends, on the line too; the object has
 * `interval`, their probability, and `lower` and `upper`, each of the form of the numbers: one, a list, or a list by step. If
 * the loss predicts several values for each number, the object has their `median` of the same form.
 * `text` is the line that the example was made from, if there is one. */
void fields_of_prediction(const struct reader_prediction *prediction, struct fields *fields);

#endif
