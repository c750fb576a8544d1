#include "memory.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GIB (1024.0 * 1024.0 * 1024.0)

/* Requests below this are not worth asking the system for its free memory. */
#define UNCHECKED_BYTES (1 << 20)

#define LARGE_PAGE ((uint64_t)2 << 20)

/* In front of every block: its size, padded so that the block itself stays aligned. */
typedef struct {
    uint64_t bytes;
    char pad[DAM_ALIGNMENT - sizeof(uint64_t)];
} header;

/*
 * What a block costs beyond its own bytes: header, malloc's share, and the Lua object that holds it
 * for two cycles of the collector. Counted, so that a million tiny arrays are seen as what they
 * are.
 */
#define BLOCK_COST 512

static _Atomic uint64_t live_bytes;  /* the engine's */
static _Atomic uint64_t total_bytes; /* with the host's */
static _Atomic uint64_t budget;      /* 0: none */

uint64_t dam_memory_live(void)
{
    return atomic_load(&live_bytes);
}

void dam_memory_set_budget(uint64_t bytes)
{
    atomic_store(&budget, bytes);
}

uint64_t dam_memory_budget(void)
{
    return atomic_load(&budget);
}

uint64_t dam_memory_charged(void)
{
    return atomic_load(&total_bytes);
}

bool dam_memory_charge(uint64_t bytes)
{
    uint64_t most = atomic_load(&budget);
    uint64_t before = atomic_fetch_add(&total_bytes, bytes);

    if (most == 0 || (before <= most && bytes <= most - before))
        return true;
    atomic_fetch_sub(&total_bytes, bytes);
    return false;
}

void dam_memory_discharge(uint64_t bytes)
{
    atomic_fetch_sub(&total_bytes, bytes);
}

/* What the budget leaves; infinite without one. */
static double budget_left(void)
{
    double most = (double)atomic_load(&budget), used = (double)atomic_load(&total_bytes);

    return most == 0 ? INFINITY : used < most ? most - used : 0;
}

/* The number after `key` in a file of "key number" lines, or the first number when key is NULL. */
static double read_number(const char *path, const char *key)
{
    FILE *f = fopen(path, "r");
    char line[256];
    double value = -1;

    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        const char *p = line;
        if (key) {
            if (strncmp(line, key, strlen(key)) != 0)
                continue;
            p += strlen(key);
        }
        if (sscanf(p, "%lf", &value) != 1)
            value = -1;
        break;
    }
    fclose(f);
    return value;
}

double dam_memory_available(void)
{
    double kib = read_number("/proc/meminfo", "MemAvailable:");
    double available = kib >= 0 ? kib * 1024.0 : 0;
    double limit = read_number("/sys/fs/cgroup/memory.max", NULL);
    double used = read_number("/sys/fs/cgroup/memory.current", NULL);

    if (kib < 0)
        available = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (limit >= 0 && used >= 0 && limit - used < available)
        available = limit > used ? limit - used : 0;
    return fmin(available, budget_left());
}

static dam_status over_budget(double bytes, const char *what, const char *remedy, dam_error *e)
{
    return dam_fail(e, DAM_ERR_MEMORY,
                    "%s needs %.3g GiB of memory, %.3g GiB are left of the %.3g GiB allowed: %s",
                    what, bytes / GIB, budget_left() / GIB, (double)dam_memory_budget() / GIB,
                    remedy);
}

dam_status dam_memory_check(double bytes, const char *what, const char *remedy, dam_error *e)
{
    double available;

    if (bytes < UNCHECKED_BYTES)
        return DAM_OK;
    available = dam_memory_available();
    if (bytes <= available)
        return DAM_OK;
    if (available == budget_left())
        return over_budget(bytes, what, remedy, e);
    return dam_fail(e, DAM_ERR_MEMORY, "%s needs %.3g GiB of memory, %.3g GiB are available: %s",
                    what, bytes / GIB, available / GIB, remedy);
}

/* Patterns are read over and over from end to end: fewer pages, fewer misses of their tables. */
static void advise_huge_pages(void *block, uint64_t bytes)
{
    const uintptr_t first = ((uintptr_t)block + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    const uintptr_t last = ((uintptr_t)block + bytes) / LARGE_PAGE * LARGE_PAGE;

    if (last > first + LARGE_PAGE)
        (void)madvise((void *)first, last - first, MADV_HUGEPAGE); /* as well without */
}

dam_status dam_alloc(void **out, uint64_t count, uint64_t size, const char *what,
                     const char *remedy, dam_error *e)
{
    double wanted = (double)count * (double)size;
    uint64_t bytes;
    header *h = NULL;

    *out = NULL;
    if (dam_memory_check(wanted, what, remedy, e) != DAM_OK)
        return e->status;
    bytes = (count * size + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
    if (!dam_memory_charge(bytes + BLOCK_COST))
        return over_budget(wanted, what, remedy, e);
    h = aligned_alloc(DAM_ALIGNMENT, sizeof(header) + bytes);
    if (!h)
        dam_memory_discharge(bytes + BLOCK_COST);
    if (!h)
        return dam_fail(e, DAM_ERR_MEMORY, "%s: the system refused %.3g GiB of memory: %s", what,
                        wanted / GIB, remedy);
    h->bytes = bytes + BLOCK_COST;
    advise_huge_pages(h, sizeof(header) + bytes);
    memset(h + 1, 0, bytes);
    atomic_fetch_add(&live_bytes, h->bytes);
    *out = h + 1;
    return DAM_OK;
}

void dam_free(void *p)
{
    if (p) {
        header *h = (header *)p - 1;
        atomic_fetch_sub(&live_bytes, h->bytes);
        dam_memory_discharge(h->bytes);
        free(h);
    }
}

uint64_t dam_cut(void *memory, const dam_piece *pieces, size_t count)
{
    uint64_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (memory)
            *pieces[i].piece = (char *)memory + at;
        at += (pieces[i].bytes + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
    }
    return at;
}
