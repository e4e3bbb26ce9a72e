/* io/json.h: texts from the outside as JSON. */
#ifndef RONDO_IO_JSON_H
#define RONDO_IO_JSON_H

struct json_t;

/* A JSON string of any bytes: what is no UTF-8, as file names may be, becomes U+FFFD. NULL where memory is short. The
 * caller owns it. */
struct json_t *json_text(const char *text);

#endif
