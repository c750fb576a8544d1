#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

static dam_config current;
static bool in_use;

/* A decimal number in [1, max] that ends at `end`, or 0. */
static int positive(const char *text, const char *end, long max)
{
    char *stop;
    long v;

    if (text == end || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    v = strtol(text, &stop, 10);
    return errno == 0 && stop == end && v >= 1 && v <= max ? (int)v : 0;
}

dam_status dam_config_set_device(dam_config *c, const char *text, const char *source, dam_error *e)
{
    dam_device_choice device;
    dam_error cause;

    if (strcmp(text, "auto") != 0 && dam_device_resolve(text, &device, &cause) != DAM_OK)
        return dam_fail(e, cause.status, "%s: %.900s", source, cause.message);
    snprintf(c->device, sizeof c->device, "%s", text);
    return DAM_OK;
}

dam_status dam_config_set_threads(dam_config *c, const char *text, const char *source, dam_error *e)
{
    int threads = positive(text, text + strlen(text), DAM_MAX_THREADS);

    if (!threads)
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "%s: '%.80s' is not allowed: expected an integer from 1 to %d", source,
                        text, DAM_MAX_THREADS);
    c->threads = threads;
    return DAM_OK;
}

dam_status dam_config_set_shard(dam_config *c, const char *text, dam_error *e)
{
    const char *slash = strchr(text, '/');
    int shard = slash ? positive(text, slash, 1000000) : 0;
    int shards = slash ? positive(slash + 1, text + strlen(text), 1000000) : 0;

    if (!shard || !shards || shard > shards)
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "--shard: '%.80s' is not allowed: expected i/n with 1 <= i <= n", text);
    c->shard = shard;
    c->shards = shards;
    return DAM_OK;
}

dam_status dam_config_environment(dam_config *c, dam_error *e)
{
    const char *device = getenv("DAMLUA_DEVICE");
    const char *threads = getenv("DAMLUA_THREADS");

    if (!c->device[0] && device && *device &&
        dam_config_set_device(c, device, "DAMLUA_DEVICE", e) != DAM_OK)
        return e->status;
    if (!c->threads && threads && *threads &&
        dam_config_set_threads(c, threads, "DAMLUA_THREADS", e) != DAM_OK)
        return e->status;
    return DAM_OK;
}

void dam_config_use(const dam_config *c)
{
    current = *c;
    if (!current.device[0])
        snprintf(current.device, sizeof current.device, "auto");
    if (current.threads)
        omp_set_num_threads(current.threads);
    else
        current.threads = omp_get_max_threads();
    in_use = true;
}

const dam_config *dam_config_current(void)
{
    return in_use ? &current : NULL;
}

const char *dam_config_device(void)
{
    const dam_config *config = dam_config_current();

    return config && *config->device ? config->device : "auto";
}
