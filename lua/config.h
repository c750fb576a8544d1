/*
 * How this process was asked to run: device, threads, and the switches of the command line that the
 * standard library obeys. The host fills it from options and environment; a stock lua5.4 that loads
 * dam.so gets the environment alone. An option given on the command line hides the variable of the
 * same meaning, so a bad value of that variable is then no error.
 */
#ifndef DAM_LUA_CONFIG_H
#define DAM_LUA_CONFIG_H

#include <stdbool.h>

#include "../src/device.h"
#include "../src/error.h"

#define DAM_MAX_THREADS 1024

typedef struct {
    char device[DAM_DEVICE_NAME_SIZE]; /* as asked: "auto", "cpu", ...; empty: not asked */
    int threads;                       /* 0: not asked */
    bool quiet;
    bool dry_run;
    bool fresh;
    int shard, shards;   /* 0, 0: not asked */
    const char *results; /* folder of result files; NULL: not asked */
    const char *program; /* the file that is damlua; NULL in another program */
} dam_config;

/* `source` is the option or variable that `text` comes from, for the message. */
dam_status dam_config_set_device(dam_config *c, const char *text, const char *source, dam_error *e);
dam_status dam_config_set_threads(dam_config *c, const char *text, const char *source,
                                  dam_error *e);
dam_status dam_config_set_shard(dam_config *c, const char *text, dam_error *e);

/* Fills what is not asked for from DAMLUA_DEVICE and DAMLUA_THREADS. */
dam_status dam_config_environment(dam_config *c, dam_error *e);

/* Makes `c` the configuration of this process. */
void dam_config_use(const dam_config *c);

/* The device asked for, "auto" where none is. */
const char *dam_config_device(void);

/* The configuration in use, or NULL before the first dam_config_use. */
const dam_config *dam_config_current(void);

#endif
