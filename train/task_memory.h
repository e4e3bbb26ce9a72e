/* train/task_memory.h: the memory that training a task takes, in parts, and the refusal of what takes too much.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_MEMORY_H
#define RONDO_TRAIN_TASK_MEMORY_H

#include "core/memory_limit.h"
#include "train/task.h"

/* In bytes. What is in memory at the same time while a model is trained, by purpose; and the peak before that. */
struct task_memory {
    uint64_t data;       /* the process before training: program, plug-ins, and all data that training keeps */
    uint64_t parameters; /* the trained ones, and a copy of the best so far */
    uint64_t gradients;  /* one of each parameter for every part of a batch; of tables, the rows that occur */
    uint64_t optimizer;  /* slots of the optimizer and its wrappers, and their memory during an update */
    uint64_t tapes;      /* what a forward pass keeps for the backward pass, of all parts of a batch */
    uint64_t checkpoint; /* the copy that is written to a file while training goes on */
    uint64_t other;      /* the order of examples, carried states, metrics, threads */
    uint64_t reading;    /* the peak while the data were read; it is over when training begins */
    int64_t n_shards;    /* parts of the largest batch */
    int is_measured;     /* 0: without tapes, gradients of tables and others, which are then zero */
};

/* The larger one of the sum of all parts, and of `reading`. */
uint64_t task_memory_total(const struct task_memory *memory);

/* The parts that follow from the shapes of the parameters. Needs the training data; allocates nothing. Errors of a plug-in
 * that chooses the shapes of its slots. */
rondo_status task_memory_plan(const struct task *task, struct task_memory *memory, struct errors *errors);

/* RONDO_INVALID, at the place of the layers, with all parts and what would make the largest one smaller, if the total is more
 * than the limit. */
rondo_status task_memory_check(const struct task *task, const struct task_memory *memory, struct memory_limit limit,
                               struct errors *errors);
/* The same of task_memory_plan, with what the process can have (core/memory_limit.h). */
rondo_status task_check_memory(const struct task *task, struct errors *errors);

#endif
