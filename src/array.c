#include "array.h"

#include <stddef.h>
#include <string.h>

#include "memory.h"

dam_status dam_array_create(dam_array *a, int rank, const int64_t *shape, dam_error *e)
{
    double count = 1;
    void *data;

    memset(a, 0, sizeof *a);
    for (int i = 0; i < rank; i++)
        count *= (double)shape[i];
    if (count > 0x1p60)
        return dam_fail(e, DAM_ERR_MEMORY, "an array of %.3g numbers is too large", count);
    if (dam_alloc(&data, (uint64_t)count, sizeof(double), "an array", "make it smaller", e))
        return e->status;
    a->rank = rank;
    memcpy(a->shape, shape, (size_t)rank * sizeof *shape);
    a->count = (int64_t)count;
    a->data = data;
    return DAM_OK;
}

void dam_array_close(dam_array *a)
{
    dam_free(a->data);
    a->data = NULL;
}
