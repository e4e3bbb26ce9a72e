#include "data/tokens.h"

#include <stdio.h>
#include <string.h>

#include "io/utf8.h"

/* How the splitter treats a character. The classes are ranges of codes instead of the Unicode tables, which would be larger
 * than the rest of Rondo: beyond ASCII everything is a letter, except the blocks of signs listed here. */
enum character_class { CLASS_BLANK, CLASS_LETTER, CLASS_APOSTROPHE, CLASS_SIGN };

#define RIGHT_QUOTE 0x2019u
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

#define DIGITS '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'
#define CAPITALS                                                                                                       \
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', \
        'X', 'Y', 'Z'
#define SMALL                                                                                                          \
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', \
        'x', 'y', 'z'
/* The ASCII letters and digits as they are written to a token; 0 for every other byte. [lowercase][byte] */
static const char ascii_letters[2][256] = {{['0'] = DIGITS, ['A'] = CAPITALS, ['a'] = SMALL},
                                           {['0'] = DIGITS, ['A'] = SMALL, ['a'] = SMALL}};

static int between(uint32_t code, uint32_t low, uint32_t high) {
    return code >= low && code <= high;
}

static enum character_class ascii_class(uint32_t code) {
    if (ascii_letters[0][code] != 0) {
        return CLASS_LETTER;
    }
    if (code <= ' ' || code == 0x7F) {
        return CLASS_BLANK;
    }
    return code == '\'' ? CLASS_APOSTROPHE : CLASS_SIGN;
}

/* Blanks and invisible characters: controls, no-break space and soft hyphen, the spaces and format characters of
 * U+2000 .. U+206F, the ideographic space, the byte order mark. */
static int is_blank(uint32_t code) {
    return between(code, 0x80, 0xA0) || code == 0xAD || between(code, 0x2000, 0x200F) ||
           between(code, 0x2028, 0x202F) || between(code, 0x205F, 0x206F) || code == 0x3000 || code == 0xFEFF;
}

/* Signs: Latin-1 signs, general punctuation, CJK punctuation, fullwidth punctuation, the replacement character. */
static int is_sign(uint32_t code) {
    return between(code, 0xA0, 0xBF) || between(code, 0x2000, 0x206F) || between(code, 0x3000, 0x303F) ||
           between(code, 0xFF01, 0xFF0F) || between(code, 0xFF1A, 0xFF20) || between(code, 0xFF3B, 0xFF40) ||
           between(code, 0xFF5B, 0xFF65) || code == 0xFFFD;
}

static enum character_class class_of(uint32_t code) {
    if (code < 0x80) {
        return ascii_class(code);
    }
    if (code == RIGHT_QUOTE) {
        return CLASS_APOSTROPHE;
    }
    return is_blank(code) ? CLASS_BLANK : is_sign(code) ? CLASS_SIGN : CLASS_LETTER;
}

/* Decodes the character at `text` and returns its length; 0 at the end of the text. A byte that is not UTF-8 counts as
 * one sign. */
static size_t next_character(const char *text, const char *end, uint32_t *code) {
    if (text == end) {
        *code = 0;
        return 0;
    }
    if ((unsigned char)*text < 0x80) {
        *code = (unsigned char)*text;
        return 1;
    }
    const size_t length = utf8_decode(text, (size_t)(end - text), code);
    if (length == 0) {
        *code = 0xFFFD;
        return 1;
    }
    return length;
}

/* The token that is being built. */
struct token_output {
    char *token;
    size_t size, length;
    int is_full; /* a character did not fit: nothing is appended after it */
};

static void append(struct token_output *output, const char *bytes, size_t length) {
    if (output->is_full || output->length + length >= output->size) {
        output->is_full = 1;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        output->token[output->length++] = bytes[i];
    }
}

/* Copies the ASCII letters and digits at `text` and returns what follows them. */
static const char *take_ascii(const char *text, const char *end, int lowercase, struct token_output *output) {
    const char *letter_of = ascii_letters[lowercase != 0];
    for (; text < end && letter_of[(unsigned char)*text] != 0; text++) {
        append(output, &letter_of[(unsigned char)*text], 1);
    }
    return text;
}

/* Copies the word at `text` and returns what follows it. */
static const char *take_word(const char *text, const char *end, int lowercase, struct token_output *output) {
    for (;;) {
        text = take_ascii(text, end, lowercase, output);
        uint32_t code, following;
        const size_t length = next_character(text, end, &code);
        const enum character_class class = length == 0 ? CLASS_BLANK : class_of(code);
        if (class == CLASS_LETTER) {
            append(output, text, length);
            text += length;
            continue;
        }
        /* An apostrophe belongs to the word if a letter follows. */
        if (class != CLASS_APOSTROPHE || next_character(text + length, end, &following) == 0 ||
            class_of(following) != CLASS_LETTER) {
            return text;
        }
        append(output, "'", 1);
        text += length;
    }
}

/* Skips blanks. Returns the length of the character after them, 0 at the end of the text. */
static size_t skip_blanks(struct token_cursor *cursor, uint32_t *code) {
    size_t length = next_character(cursor->next, cursor->end, code);
    while (length > 0 && class_of(*code) == CLASS_BLANK) {
        cursor->next += length;
        length = next_character(cursor->next, cursor->end, code);
    }
    return length;
}

/* Most tokens are words of ASCII letters and digits, after a blank or none, that fit. 1 for such a token. */
static inline int next_plain_word(struct token_cursor *cursor, int lowercase, char *token, size_t size) {
    const char *letter_of = ascii_letters[lowercase != 0], *text = cursor->next;
    text += text < cursor->end && *text == ' ';
    const size_t left = (size_t)(cursor->end - text);
    const char *stop = text + (left < size ? left : size - 1);
    char *to = token;
    for (char c; text < stop && (c = letter_of[(unsigned char)*text]) != 0; text++) {
        *to++ = c;
    }
    if (to == token || text == stop || (unsigned char)*text >= 0x80 || *text == '\'') {
        return 0;
    }
    *to = '\0';
    cursor->next = text;
    return 1;
}

int token_next(struct token_cursor *cursor, int lowercase, char *token, size_t size) {
    if (next_plain_word(cursor, lowercase, token, size)) {
        return 1;
    }
    struct token_output output = {.token = token, .size = size};
    uint32_t code;
    const size_t length = skip_blanks(cursor, &code);
    const char *text = cursor->next;
    if (length > 0 && class_of(code) == CLASS_LETTER) {
        text = take_word(text, cursor->end, lowercase, &output);
    } else if (length > 0) {
        append(&output, code == 0xFFFD ? REPLACEMENT : text, code == 0xFFFD ? strlen(REPLACEMENT) : length);
        text += length;
    }
    token[output.length] = '\0';
    cursor->next = text;
    return output.length > 0;
}

/* The characters up to the next blank. */
static int next_separated_token(struct token_cursor *cursor, int lowercase, char *token, size_t size) {
    struct token_output output = {.token = token, .size = size};
    uint32_t code;
    size_t length = skip_blanks(cursor, &code);
    while (length > 0 && class_of(code) != CLASS_BLANK) {
        const char lower = (char)(lowercase && between(code, 'A', 'Z') ? code - 'A' + 'a' : code);
        append(&output,
               length == 1 && code < 0x80 ? &lower
               : code == 0xFFFD           ? REPLACEMENT
                                          : cursor->next,
               code == 0xFFFD ? strlen(REPLACEMENT) : length);
        cursor->next += length;
        length = next_character(cursor->next, cursor->end, &code);
    }
    token[output.length] = '\0';
    return output.length > 0;
}

/* One character, written to `token`. 0 at the end of the text. */
static int next_character_token(struct token_cursor *cursor, int lowercase, char *token, size_t size) {
    struct token_output output = {.token = token, .size = size};
    uint32_t code;
    const size_t length = next_character(cursor->next, cursor->end, &code);
    const int is_upper = lowercase && between(code, 'A', 'Z');
    const char lower = (char)(is_upper ? code - 'A' + 'a' : 0);
    append(&output,
           is_upper         ? &lower
           : code == 0xFFFD ? REPLACEMENT
                            : cursor->next,
           length > 0 && code == 0xFFFD ? strlen(REPLACEMENT) : length);
    token[output.length] = '\0';
    cursor->next += length;
    return length > 0;
}

static int next_byte_token(struct token_cursor *cursor, int lowercase, char *token, size_t size) {
    token[0] = '\0';
    if (cursor->next == cursor->end) {
        return 0;
    }
    const unsigned char byte = (unsigned char)*cursor->next++;
    if (byte >= 0x80) {
        snprintf(token, size, "<0x%02X>", byte);
    } else {
        token[0] = (char)(lowercase && byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
        token[1] = '\0';
    }
    return 1;
}

int token_next_of(struct token_cursor *cursor, enum token_unit kind, int lowercase, char *token, size_t size) {
    switch (kind) {
    case TOKEN_CHARACTERS:
        return next_character_token(cursor, lowercase, token, size);
    case TOKEN_BYTES_KIND:
        return next_byte_token(cursor, lowercase, token, size);
    case TOKEN_WHITESPACE:
        return next_separated_token(cursor, lowercase, token, size);
    default:
        return token_next(cursor, lowercase, token, size);
    }
}

const char *token_begin(const struct token_cursor *cursor, enum token_unit kind, const char *before) {
    if (kind == TOKEN_CHARACTERS || kind == TOKEN_BYTES_KIND) {
        return before; /* blanks are tokens */
    }
    struct token_cursor blanks = {before, cursor->next};
    uint32_t code;
    skip_blanks(&blanks, &code);
    return blanks.next;
}
