/* kit/op_sequences.h: the sequences on which an op with RONDO_OP_SEQUENCES is tested, and where their elements are.
 *
 * rondo_op.sample_lengths gives the lengths. Every case is tried with the sequences in several arrangements, because an op
 * that gets them only one after the other, from element 0 on, may ignore `begin`:
 *
 *     OP_IN_ORDER     input 0: 0 0 0 1 1          input 1: 0 0 1 1 1
 *     OP_SCATTERED    input 0: . 1 1 . 0 0 0 .    input 1: . . 0 0 . 1 1 1
 *     OP_SHARED       input 0: . 1 1 . 0 0 0 .    input 1: . . * * 1 . . .       *: of both sequences
 *
 * An element of no sequence (.) must be neither read nor written. In inputs it is not-a-number, or an index that is out of
 * range.
 */
#ifndef RONDO_KIT_OP_SEQUENCES_H
#define RONDO_KIT_OP_SEQUENCES_H

#include "rondo/plugin.h"

enum op_arrangement { OP_IN_ORDER = 0, OP_SCATTERED, OP_SHARED, OP_ARRANGEMENTS };

/* The sequences of a case, as the op gives them. */
struct op_lengths {
    int32_t count;    /* of sequences; 0: the op does not look along sequences */
    uint32_t divided; /* bit k: input k consists of sequences; the other inputs are the same for all sequences */
    int64_t length[RONDO_SAMPLE_INPUTS][RONDO_SAMPLE_SEQUENCES];
};

/* Their places in the inputs. `rows` and `list` point into the struct, so it must not be copied. */
struct op_places {
    uint32_t divided;
    int64_t begin[RONDO_SAMPLE_INPUTS][RONDO_SAMPLE_SEQUENCES], length[RONDO_SAMPLE_INPUTS][RONDO_SAMPLE_SEQUENCES];
    rondo_rows rows[RONDO_SAMPLE_INPUTS];
    const rondo_rows *list[RONDO_SAMPLE_INPUTS]; /* for rondo_op_call.rows */
};

/* 1 if two sequences of an input may have elements in common. */
int op_lengths_can_share(const struct op_lengths *lengths);

/* Arranges the sequences, and makes the first dimension of the inputs larger by the elements between them. If a changed shape
 * has no room for all elements, sequences are shortened; those of the first input that become empty are left out.
 * `lengths` has a sequence. 0 if an input that consists of sequences has no dimension. */
int op_places_make(struct op_places *places, const struct op_lengths *lengths, enum op_arrangement arrangement,
                   rondo_tensor *inputs);

/* 1 if element i of a tensor, whose first dimension has these sequences, is in one of them. NULL: every element is. */
int op_rows_contain(const rondo_rows *rows, const rondo_tensor *tensor, int64_t i);
/* Sets the elements of no sequence: floats to `value`, integers to the largest one if it is not-a-number. */
void op_fill_outside(const rondo_rows *rows, const rondo_tensor *tensor, double value);

#endif
