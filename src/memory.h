/*
 * Memory of the engine. Everything large goes through here: it is checked against what the machine
 * has before it is taken, aligned for the widest vectors, and counted, so that the Lua collector
 * can be told how much lives outside its sight.
 */
#ifndef DAM_MEMORY_H
#define DAM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define DAM_ALIGNMENT 64

/*
 * `count` items of `size` bytes, zeroed, aligned to DAM_ALIGNMENT, or DAM_ERR_MEMORY with a message
 * that names `what`, the GiB needed, the GiB available and `remedy` (what to lower).
 */
dam_status dam_alloc(void **out, uint64_t count, uint64_t size, const char *what,
                     const char *remedy, dam_error *e);

/* Releases memory of dam_alloc; NULL is allowed. */
void dam_free(void *p);

/* A part of a block of memory: where its address is to stand, and its size. */
typedef struct {
    void **piece;
    uint64_t bytes;
} dam_piece;

/*
 * Cuts `memory` into `count` pieces, each aligned to DAM_ALIGNMENT as `memory` is, and returns the
 * size of all; with NULL nothing but that.
 */
uint64_t dam_cut(void *memory, const dam_piece *pieces, size_t count);

/* DAM_ERR_MEMORY if `bytes` more cannot be had now; takes nothing. */
dam_status dam_memory_check(double bytes, const char *what, const char *remedy, dam_error *e);

/* Bytes of the engine that are live now, with what each block costs beside its own; 0: no blocks.
 */
uint64_t dam_memory_live(void);

/*
 * Bytes that can still be taken: the system's estimate, the control group's limit and the budget
 * considered.
 */
double dam_memory_available(void);

/*
 * A limit of all counted bytes together: the engine's and those that a host charges (Lua's). 0: no
 * limit, which is how it begins. What does not fit is refused.
 */
void dam_memory_set_budget(uint64_t bytes);
uint64_t dam_memory_budget(void);
uint64_t dam_memory_charged(void); /* of it, in use */

/* Counts memory of the host; false, and nothing counted, when the budget does not allow it. */
bool dam_memory_charge(uint64_t bytes);
void dam_memory_discharge(uint64_t bytes);

#endif
