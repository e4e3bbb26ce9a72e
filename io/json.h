/* io/json.h: text that may not be UTF-8, as JSON. */
#ifndef RONDO_IO_JSON_H
#define RONDO_IO_JSON_H

struct json_t;

/* A JSON string of any bytes; each byte that is not UTF-8, as in some file names, becomes U+FFFD. NULL if memory is
 * short. The caller owns it. */
struct json_t *json_text(const char *text);

#endif
