#include "data/dates.h"

#include <stdio.h>
#include <string.h>

#include "core/number.h"

/* ---- calendar ---- */

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int date_month_days(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01. Years begin in March, so that the leap day is the last of its year; 400 years have 146,097 days.
 * Source: Hinnant, "chrono-compatible low-level date algorithms", 2013. */
static int64_t days_of(int64_t year, int month, int day) {
    const int64_t y = year - (month <= 2), era = floor_divide(y, 400), of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of_days(int64_t days, struct date_fields *fields) {
    const int64_t shifted = days + 719468, era = floor_divide(shifted, 146097), of_era = shifted - era * 146097;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    fields->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    fields->month = (int)(month < 10 ? month + 3 : month - 9);
    fields->year = year + era * 400 + (fields->month <= 2);
}

struct date_fields date_fields_of(int64_t time) {
    struct date_fields fields = {0};
    const int64_t days = floor_divide(time, DATE_DAY), rest = time - days * DATE_DAY, seconds = rest / DATE_SECOND;
    date_of_days(days, &fields);
    fields.hour = (int)(seconds / 3600);
    fields.minute = (int)(seconds / 60 % 60);
    fields.second = (int)(seconds % 60);
    fields.microsecond = rest % DATE_SECOND;
    return fields;
}

int64_t date_of_fields(const struct date_fields *fields) {
    const int64_t seconds = 3600 * fields->hour + 60 * fields->minute + fields->second;
    return days_of(fields->year, fields->month, fields->day) * DATE_DAY + seconds * DATE_SECOND + fields->microsecond;
}

int date_weekday(int64_t time) {
    const int64_t days = floor_divide(time, DATE_DAY) + 3; /* 1970-01-01 was a Thursday */
    return (int)(days - 7 * floor_divide(days, 7));
}

int date_is_month_end(int64_t time) {
    const struct date_fields fields = date_fields_of(time);
    return fields.day == date_month_days(fields.year, fields.month);
}

/* From a day of the weekend, the first step leads to Monday. */
static int64_t add_weekdays(int64_t time, int64_t count) {
    const int64_t weekday = date_weekday(time), from = weekday < 5 ? weekday : 4;
    const int64_t to = from + count;
    return time + (7 * floor_divide(to, 5) + (to - 5 * floor_divide(to, 5)) - weekday) * DATE_DAY;
}

int64_t date_months(int64_t time) {
    const struct date_fields fields = date_fields_of(time);
    return fields.year * 12 + fields.month - 1;
}

int64_t date_steps_between(int64_t from, int64_t to, struct date_step step, int day) {
    const int64_t weekdays = date_weekday(to) - date_weekday(from), days = (to - from) / DATE_DAY;
    const int64_t count = step.months > 0 ? (date_months(to) - date_months(from)) / step.months
                          : step.weekdays ? (days - weekdays) / 7 * 5 + weekdays
                                          : (to - from) / step.microseconds;
    return count > 0 && date_add(from, step, count, day) == to ? count : 0;
}

int64_t date_add(int64_t time, struct date_step step, int64_t count, int day) {
    if (step.weekdays) {
        return add_weekdays(time, count);
    }
    if (step.months == 0) {
        return time + step.microseconds * count;
    }
    struct date_fields fields = date_fields_of(time);
    const int64_t months = fields.year * 12 + fields.month - 1 + step.months * count;
    fields.year = floor_divide(months, 12);
    fields.month = (int)(months - fields.year * 12) + 1;
    const int most = date_month_days(fields.year, fields.month);
    fields.day = day > 0 ? day : fields.day;
    fields.day = fields.day > most ? most : fields.day;
    return date_of_fields(&fields);
}

/* ---- reading ---- */

static const char *const month_names[] = {"january", "february", "march",     "april",   "may",      "june",
                                          "july",    "august",   "september", "october", "november", "december"};
static const char *const weekday_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                            "friday", "saturday", "sunday"};

/* What has been read of a text. */
struct date_reading {
    const char *next;
    struct date_fields fields;
    int day_of_year, is_afternoon; /* 0, -1: not given */
    int32_t zone;
};

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A number of `least` to `most` digits. 0: there is none. */
static int read_digits(struct date_reading *reading, int least, int most, int64_t *number) {
    int count = 0;
    *number = 0;
    for (; count < most && is_digit(*reading->next); count++) {
        *number = 10 * *number + (*reading->next++ - '0');
    }
    return count >= least;
}

static int read_field(struct date_reading *reading, int least, int most, int *field) {
    int64_t number;
    const int is_read = read_digits(reading, least, most, &number);
    *field = (int)number;
    return is_read;
}

static int read_char(struct date_reading *reading, const char *any) {
    if (*reading->next == '\0' || strchr(any, *reading->next) == NULL) {
        return 0;
    }
    reading->next++;
    return 1;
}

/* Digits after the decimal point; those past the sixth are dropped. */
static int read_fraction(struct date_reading *reading) {
    int64_t unit = DATE_SECOND;
    const char *begin = reading->next;
    for (; is_digit(*reading->next); reading->next++) {
        unit /= 10;
        reading->fields.microsecond += (*reading->next - '0') * unit;
    }
    return reading->next > begin;
}

/* Z, +02, +0200 or +02:00. */
static int read_zone(struct date_reading *reading) {
    if (read_char(reading, "Zz")) {
        reading->zone = 0;
        return 1;
    }
    const int sign = *reading->next == '-' ? -1 : 1;
    int hours, minutes = 0;
    if (!read_char(reading, "+-") || !read_field(reading, 2, 2, &hours)) {
        return 0;
    }
    if (read_char(reading, ":") || is_digit(*reading->next)) {
        if (!read_field(reading, 2, 2, &minutes)) {
            return 0;
        }
    }
    reading->zone = sign * (60 * hours + minutes);
    return hours < 24 && minutes < 60;
}

/* The number of a name, or of its first three letters, in any case; -1: none. */
static int read_name(struct date_reading *reading, const char *const *names, int count) {
    for (int i = 0; i < count; i++) {
        size_t length = 0;
        while (names[i][length] != '\0' && (reading->next[length] | 0x20) == names[i][length]) {
            length++;
        }
        if (names[i][length] == '\0' || length == 3) {
            reading->next += length;
            return i;
        }
    }
    return -1;
}

/* hour:minute[:second[.fraction]] */
static int read_clock(struct date_reading *reading) {
    struct date_fields *fields = &reading->fields;
    if (!read_field(reading, 1, 2, &fields->hour) || !read_char(reading, ":") ||
        !read_field(reading, 2, 2, &fields->minute)) {
        return 0;
    }
    if (!read_char(reading, ":")) {
        return 1;
    }
    return read_field(reading, 2, 2, &fields->second) && (!read_char(reading, ".") || read_fraction(reading));
}

static int read_iso(struct date_reading *reading) {
    struct date_fields *fields = &reading->fields;
    if (!read_digits(reading, 4, 4, &fields->year) || !read_char(reading, "-") ||
        !read_field(reading, 2, 2, &fields->month)) {
        return 0;
    }
    if (!read_char(reading, "-")) {
        return 1;
    }
    if (!read_field(reading, 2, 2, &fields->day)) {
        return 0;
    }
    if (!read_char(reading, "Tt ")) {
        return 1;
    }
    while (read_char(reading, " ")) {
    }
    if (*reading->next == '\0') {
        return 1;
    }
    if (!read_clock(reading)) {
        return 0;
    }
    while (read_char(reading, " ")) {
    }
    return *reading->next == '\0' || read_zone(reading);
}

static int read_short_year(struct date_reading *reading) {
    const int is_read = read_digits(reading, 2, 2, &reading->fields.year);
    reading->fields.year += reading->fields.year < 69 ? 2000 : 1900; /* as in POSIX */
    return is_read;
}

static int read_half(struct date_reading *reading) {
    static const char *const halves[] = {"am", "pm"};
    reading->is_afternoon = read_name(reading, halves, 2);
    return reading->is_afternoon >= 0;
}

/* The text of one conversion of a pattern. */
static int read_conversion(struct date_reading *reading, char conversion) {
    struct date_fields *fields = &reading->fields;
    switch (conversion) {
    case 'Y':
        return read_digits(reading, 4, 4, &fields->year);
    case 'y':
        return read_short_year(reading);
    case 'm':
        return read_field(reading, 1, 2, &fields->month);
    case 'd':
    case 'e':
        read_char(reading, " ");
        return read_field(reading, 1, 2, &fields->day);
    case 'H':
    case 'I':
        return read_field(reading, 1, 2, &fields->hour);
    case 'M':
        return read_field(reading, 1, 2, &fields->minute);
    case 'S':
        return read_field(reading, 1, 2, &fields->second);
    case 'j':
        return read_field(reading, 1, 3, &reading->day_of_year) && reading->day_of_year > 0;
    case 'f':
        return read_fraction(reading);
    case 'p':
        return read_half(reading);
    case 'z':
        return read_zone(reading);
    case 'b':
    case 'B':
        fields->month = read_name(reading, month_names, 12) + 1;
        return fields->month > 0;
    case 'a':
    case 'A':
        return read_name(reading, weekday_names, 7) >= 0;
    default:
        return read_char(reading, (const char[]){conversion, '\0'});
    }
}

static int read_pattern(struct date_reading *reading, const char *format) {
    for (; *format != '\0'; format++) {
        if (*format == ' ') {
            while (read_char(reading, " ")) {
            }
        } else if (*format == '%') {
            if (!read_conversion(reading, *++format)) {
                return 0;
            }
        } else if (!read_char(reading, (const char[]){*format, '\0'})) {
            return 0;
        }
    }
    return 1;
}

int date_format_is_valid(const char *format, const char **bad) {
    *bad = format;
    if (format[0] == '\0' || strcmp(format, "seconds") == 0 || strcmp(format, "milliseconds") == 0) {
        return 1;
    }
    int count = 0;
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '%') {
            *bad = at++;
            if (*at == '\0' || strchr("YymdeHIMSfpjbBaAz%", *at) == NULL) {
                return 0;
            }
            count += *at != '%';
        }
    }
    return count > 0;
}

/* A number of seconds, or of thousandths of them. */
static int parse_number(const char *text, int64_t unit, int64_t *time) {
    char *end;
    const double number = number_parse(text, &end), most = 253402300799.0; /* the end of the year 9999 */
    const int is_plain = end != text && strspn(text, "0123456789.-+eE") == (size_t)(end - text);
    end += strspn(end, " ");
    if (!is_plain || *end != '\0' || !(number * (double)unit <= most * 1e6 && number * (double)unit >= -most * 1e6)) {
        return 0;
    }
    const double exact = number * (double)unit;
    *time = (int64_t)(exact < 0 ? exact - 0.5 : exact + 0.5);
    return 1;
}

/* 12-hour clocks and days of the year; 0: there is no such day or time. */
static int finish_fields(struct date_reading *reading) {
    struct date_fields *fields = &reading->fields;
    if (reading->is_afternoon >= 0) {
        if (fields->hour < 1 || fields->hour > 12) {
            return 0;
        }
        fields->hour = fields->hour % 12 + 12 * reading->is_afternoon;
    }
    if (fields->year < 1 || fields->year > 9999 || fields->month < 1 || fields->month > 12) {
        return 0;
    }
    if (reading->day_of_year > 0) {
        const int64_t first = days_of(fields->year, 1, 1);
        if (reading->day_of_year > 365 + is_leap(fields->year)) {
            return 0;
        }
        date_of_days(first + reading->day_of_year - 1, fields);
    }
    return fields->day >= 1 && fields->day <= date_month_days(fields->year, fields->month) && fields->hour < 24 &&
           fields->minute < 60 && fields->second < 60;
}

int date_parse(const char *text, const char *format, int64_t *time, int32_t *zone) {
    struct date_reading reading = {
        .next = text + strspn(text, " "), .fields = {.month = 1, .day = 1}, .is_afternoon = -1, .zone = DATE_NO_ZONE};
    *zone = DATE_NO_ZONE;
    if (strcmp(format, "seconds") == 0 || strcmp(format, "milliseconds") == 0) {
        return parse_number(reading.next, format[0] == 's' ? DATE_SECOND : DATE_SECOND / 1000, time);
    }
    const int is_read = format[0] == '\0' ? read_iso(&reading) : read_pattern(&reading, format);
    reading.next += is_read ? strspn(reading.next, " ") : 0;
    if (!is_read || *reading.next != '\0' || !finish_fields(&reading)) {
        return 0;
    }
    *time = date_of_fields(&reading.fields);
    *zone = reading.zone;
    return 1;
}

const char *date_expected(const char *format) {
    return format[0] == '\0'                                         ? "a date such as 2012-06-01 or 2012-06-01T14:30"
           : strcmp(format, "seconds") == 0                          ? "a number of seconds since 1970"
           : format[0] != '%' && strcmp(format, "milliseconds") == 0 ? "a number of milliseconds since 1970"
                                                                     : "a date of the form of data.time_format";
}

struct date_text date_formats_of(const char *text) {
    static const char *const days[] = {"%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y",  "%d-%m-%Y", "%Y.%m.%d",
                                       "%d.%m.%y", "%d %b %Y", "%b %d %Y", "%b %d, %Y", "%d-%b-%Y", "%Y%m%d"};
    static const char *const clocks[] = {"", " %H:%M", " %H:%M:%S", " %I:%M %p"};
    struct date_text found = {""};
    size_t length = 0;
    const size_t digits = strspn(text, "0123456789");
    if (text[digits] == '\0' && digits != 8) {
        const char *unit = digits == 4 ? "%Y" : digits == 9 || digits == 10 ? "seconds" : "milliseconds";
        snprintf(found.text, sizeof found.text, "%s", digits == 4 || digits > 8 ? unit : "");
        return found;
    }
    for (size_t d = 0; d < sizeof days / sizeof days[0]; d++) {
        for (size_t c = 0; c < sizeof clocks / sizeof clocks[0] && length < sizeof found.text; c++) {
            char format[32];
            int64_t time;
            int32_t zone;
            snprintf(format, sizeof format, "%s%s", days[d], clocks[c]);
            if (date_parse(text, format, &time, &zone)) {
                length += (size_t)snprintf(found.text + length, sizeof found.text - length, "%s%s",
                                           length == 0 ? "" : " or ", format);
            }
        }
    }
    return found;
}

/* ---- writing ---- */

struct date_text date_text(int64_t time, int32_t zone, int has_clock, const char *format) {
    struct date_text text;
    const struct date_fields fields = date_fields_of(time);
    if (strcmp(format, "seconds") == 0 || strcmp(format, "milliseconds") == 0) {
        const int64_t unit = format[0] == 's' ? DATE_SECOND : DATE_SECOND / 1000;
        if (time % unit == 0) {
            snprintf(text.text, sizeof text.text, "%lld", (long long)(time / unit));
        } else {
            snprintf(text.text, sizeof text.text, "%s", number_shortest((double)time / (double)unit, 15).text);
        }
        return text;
    }
    char clock[24] = "", of_zone[16] = "";
    if (has_clock && fields.microsecond != 0) {
        snprintf(clock, sizeof clock, "T%02d:%02d:%02d.%06d", fields.hour, fields.minute, fields.second,
                 (int)fields.microsecond);
    } else if (has_clock) {
        const int length = snprintf(clock, sizeof clock, "T%02d:%02d", fields.hour, fields.minute);
        if (fields.second != 0) {
            snprintf(clock + length, sizeof clock - (size_t)length, ":%02d", fields.second);
        }
    }
    if (has_clock && zone == 0) {
        snprintf(of_zone, sizeof of_zone, "Z");
    } else if (has_clock && zone != DATE_NO_ZONE) {
        const int minutes = zone < 0 ? -zone : zone;
        snprintf(of_zone, sizeof of_zone, "%c%02d:%02d", zone < 0 ? '-' : '+', minutes / 60 % 24, minutes % 60);
    }
    snprintf(text.text, sizeof text.text, "%04d-%02d-%02d%s%s", (int)(fields.year % 10000), fields.month, fields.day,
             clock, of_zone);
    return text;
}

struct date_text date_step_text(struct date_step step) {
    static const struct {
        const char *name;
        int64_t size;
    } units[] = {
        {"day", DATE_DAY}, {"hour", 3600 * DATE_SECOND}, {"minute", 60 * DATE_SECOND}, {"second", DATE_SECOND}};
    struct date_text text;
    if (step.weekdays) {
        return (struct date_text){"1 weekday"};
    }
    if (step.months > 0) {
        const int in_years = step.months % 12 == 0;
        const long long count = (long long)(in_years ? step.months / 12 : step.months);
        snprintf(text.text, sizeof text.text, "%lld %s%s", count, in_years ? "year" : "month", count == 1 ? "" : "s");
        return text;
    }
    for (int i = 0; i < 4; i++) {
        if (step.microseconds >= units[i].size && step.microseconds % units[i].size == 0) {
            const long long count = (long long)(step.microseconds / units[i].size);
            snprintf(text.text, sizeof text.text, "%lld %s%s", count, units[i].name, count == 1 ? "" : "s");
            return text;
        }
    }
    number_print(text.text, sizeof text.text, "%g seconds", (double)step.microseconds / 1e6);
    return text;
}
