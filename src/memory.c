#include "memory.h"

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

static _Atomic uint64_t live_bytes;

uint64_t dam_memory_live(void)
{
    return atomic_load(&live_bytes);
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
    return available;
}

dam_status dam_memory_check(double bytes, const char *what, const char *remedy, dam_error *e)
{
    double available;

    if (bytes < UNCHECKED_BYTES)
        return DAM_OK;
    available = dam_memory_available();
    if (bytes <= available)
        return DAM_OK;
    return dam_fail(e, DAM_ERR_MEMORY, "%s needs %.3g GiB of memory, %.3g GiB are available: %s",
                    what, bytes / GIB, available / GIB, remedy);
}

/* Asks for large pages, where the system has them on request: patterns are read from end to end,
 * and an address is then looked up 512 times less often. */
static void prefer_large_pages(void *p, uint64_t bytes)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t page = LARGE_PAGE, first = ((uintptr_t)p + page - 1) / page * page;
    const uintptr_t last = ((uintptr_t)p + bytes) / page * page;

    if (last > first)
        madvise((void *)first, last - first, MADV_HUGEPAGE); /* a wish: refusal does no harm */
#else
    (void)p;
    (void)bytes;
#endif
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
    h = aligned_alloc(DAM_ALIGNMENT, sizeof(header) + bytes);
    if (!h)
        return dam_fail(e, DAM_ERR_MEMORY, "%s: the system refused %.3g GiB of memory: %s", what,
                        wanted / GIB, remedy);
    h->bytes = bytes + BLOCK_COST;
    if (bytes >= 2 * LARGE_PAGE)
        prefer_large_pages(h, sizeof(header) + bytes);
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
        free(h);
    }
}
