/*
 * The command line of damlua. Parsing only: nothing is run, printed or changed, so that every
 * mistake is reported before anything happens. Options that this version does not have are errors,
 * never ignored.
 */
#ifndef DAM_HOST_OPTIONS_H
#define DAM_HOST_OPTIONS_H

#include <stdbool.h>

#include "../config.h"

/* What -e and -l ask for, in the order given. */
typedef struct {
    char kind; /* 'e': run `text`; 'l': require `text` ("mod" or "global=mod") */
    const char *text;
} dam_host_action;

typedef struct {
    dam_host_action *actions; /* `count` of them; released by dam_host_options_free */
    int count;
    bool interactive, version, strict, traceback;
    bool leave_after_version; /* --version, or -v with nothing to run */
    bool help;
    const char *verb;   /* of -m, or NULL */
    const char *script; /* file name, "-" for standard input, or NULL */
    bool sandbox;
    const char *out;   /* the folder that a sandboxed script may write, or NULL */
    const char **read; /* further folders that it may read; `read_count` of them */
    int read_count;
    double max_memory; /* bytes; 0: not given */
    double max_time;   /* seconds; 0: not given */
    int zeroth;        /* index in argv of the script or verb (argc when there is none) */
    dam_config config;
} dam_host_options;

/* DAM_ERR_ARGUMENT or DAM_ERR_DEVICE with a message that names the option and, if close, the one
 * that was meant. */
dam_status dam_host_options_parse(dam_host_options *o, int argc, char **argv, dam_error *e);
void dam_host_options_free(dam_host_options *o);

/* The text of --help. */
extern const char dam_host_usage[];

#endif
