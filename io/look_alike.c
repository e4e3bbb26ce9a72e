#include "io/look_alike.h"

#include <stdio.h>

#include "io/utf8.h"

/* In order of their codes. */
static const struct look_alike characters[] = {
    {0x00A0, "a no-break space", " "},
    {0x00AD, "a soft hyphen", NULL},
    {0x00B4, "an acute accent", "'"},
    {0x00B7, "a middle dot", "*"},
    {0x00D7, "a multiplication sign", "*"},
    {0x00F7, "a division sign", "/"},
    {0x02BC, "a letter apostrophe", "'"},
    {0x1680, "a blank of the Ogham script", " "},
    {0x2000, "a wide blank", " "},
    {0x2001, "a wide blank", " "},
    {0x2002, "a wide blank", " "},
    {0x2003, "a wide blank", " "},
    {0x2004, "a narrow blank", " "},
    {0x2005, "a narrow blank", " "},
    {0x2006, "a narrow blank", " "},
    {0x2007, "a blank as wide as a digit", " "},
    {0x2008, "a narrow blank", " "},
    {0x2009, "a thin blank", " "},
    {0x200A, "a thin blank", " "},
    {0x200B, "an invisible zero-width space", NULL},
    {0x200C, "an invisible zero-width character", NULL},
    {0x200D, "an invisible zero-width character", NULL},
    {0x200E, "an invisible direction mark", NULL},
    {0x200F, "an invisible direction mark", NULL},
    {0x2010, "a hyphen", "-"},
    {0x2011, "a no-break hyphen", "-"},
    {0x2012, "a dash", "-"},
    {0x2013, "a dash", "-"},
    {0x2014, "a dash", "-"},
    {0x2018, "a typographic quotation mark", "'"},
    {0x2019, "a typographic quotation mark", "'"},
    {0x201C, "a typographic quotation mark", "\""},
    {0x201D, "a typographic quotation mark", "\""},
    {0x2026, "an ellipsis", "..."},
    {0x202F, "a narrow no-break space", " "},
    {0x2032, "a prime", "'"},
    {0x205F, "a narrow blank", " "},
    {0x2060, "an invisible word joiner", NULL},
    {0x2212, "a minus sign of typography", "-"},
    {0x2215, "a division slash", "/"},
    {0x2217, "an asterisk operator", "*"},
    {0x22C5, "a dot operator", "*"},
    {0x3000, "an ideographic blank", " "},
    {0xFEFF, "an invisible byte order mark", NULL},
    {0xFF08, "a full-width bracket", "("},
    {0xFF09, "a full-width bracket", ")"},
    {0xFF0B, "a full-width plus sign", "+"},
    {0xFF0C, "a full-width comma", ","},
    {0xFF1A, "a full-width colon", ":"},
    {0xFF1D, "a full-width equals sign", "="},
};

const struct look_alike *look_alike_at(const char *text, size_t *length) {
    uint32_t code;
    const size_t bytes = (unsigned char)*text < 0x80 ? 0 : utf8_decode(text, 4, &code);
    for (size_t i = 0; bytes > 0 && i < sizeof characters / sizeof characters[0]; i++) {
        if (characters[i].code == code) {
            if (length != NULL) {
                *length = bytes;
            }
            return &characters[i];
        }
    }
    return NULL;
}

int look_alike_is_blank(const struct look_alike *character) {
    return character->plain == NULL || *character->plain == ' ';
}

struct look_alike_text look_alike_text(const struct look_alike *character) {
    struct look_alike_text shown;
    const char *plain = character->plain;
    if (plain == NULL || *plain == ' ') {
        snprintf(shown.text, sizeof shown.text, "U+%04X, %s%s", (unsigned)character->code, character->name,
                 plain == NULL ? "; remove it" : "; expected a blank");
    } else {
        snprintf(shown.text, sizeof shown.text, "U+%04X, %s; expected '%s'", (unsigned)character->code, character->name,
                 plain);
    }
    return shown;
}
