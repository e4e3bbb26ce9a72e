"""Writes plugins/metrics/lower_case.h from the Unicode data of Python.

    python3 scripts/lower_case.py > plugins/metrics/lower_case.h && clang-format -i plugins/metrics/lower_case.h
"""
import unicodedata

runs = []  # first, last, step, what is added
for c in range(0x110000):
    lower = chr(c).lower()
    if len(lower) != 1 or ord(lower) == c:
        continue
    added = ord(lower) - c
    if runs and runs[-1][3] == added:
        first, last, step, _ = runs[-1]
        if c - last == step or (first == last and c - last <= 2):
            runs[-1] = (first, c, c - last, added)
            continue
    runs.append((c, c, 1, added))

print(f"""/* plugins/metrics/lower_case.h: the lower case of characters, Unicode {unicodedata.unidata_version}. Written by scripts/lower_case.py.
 */
#ifndef RONDO_PLUGINS_LOWER_CASE_H
#define RONDO_PLUGINS_LOWER_CASE_H

#include <stdint.h>

/* Every `step`-th character from `first` to `last` has as its lower case the one that is `added` further on. Sorted. */
static const struct lower_case_run {{
    uint32_t first, last, step;
    int32_t added;
}} lower_case_runs[] = {{""")
print(" ".join(f"{{{first:#x}, {last:#x}, {step}, {added}}}," for first, last, step, added in runs))
print("""};

/* The simple lower case of a character; the character itself if it has none. */
static inline uint32_t lower_case(uint32_t character) {
    int begin = 0, end = (int)(sizeof lower_case_runs / sizeof lower_case_runs[0]);
    while (begin < end) { /* the first run that ends at the character or after it */
        const int middle = (begin + end) / 2;
        if (lower_case_runs[middle].last < character) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    if (begin == (int)(sizeof lower_case_runs / sizeof lower_case_runs[0])) {
        return character;
    }
    const struct lower_case_run *run = &lower_case_runs[begin];
    const int is_in = character >= run->first && (character - run->first) % run->step == 0;
    return is_in ? (uint32_t)((int32_t)character + run->added) : character;
}

#endif""")
