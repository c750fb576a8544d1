/*
 * The result file: one SQLite database that holds what was asked, the plan, and the rows computed
 * so far. This module promises that
 *   - what dam_store_commit has confirmed survives a killed process and a lost power supply: the
 *     rollback journal and full synchronisation, which are safe on local disks and on network file
 *     systems alike. (A write-ahead log would be neither: it needs shared memory, and a copy of the
 *     database file alone would lack what was committed last.) Between units the file is complete
 * by itself and can be copied;
 *   - there is one writer: a lock beside the file, which the system drops when its holder dies
 * however it dies, and which names its holder;
 *   - readers never disturb the writer beyond a short wait, and never create or change the data;
 *   - every failure names the file: disk full, folder not writable, not a database, a database of
 *     another program, a schema newer than this build.
 * It knows tables and statements, not what they mean: stdlib/dam/sweep writes them.
 */
#ifndef DAM_STORE_H
#define DAM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define DAM_STORE_APPLICATION 0x44414d4c /* "DAML" in the database header */
#define DAM_STORE_SCHEMA 1               /* raise with every change of the tables; keep a fixture */

typedef struct dam_store dam_store;
typedef struct dam_statement dam_statement;

typedef enum {
    DAM_STORE_READ,  /* the file must exist */
    DAM_STORE_WRITE, /* created when missing, folders too; the only writer until closed */
} dam_store_mode;

typedef enum { DAM_NULL, DAM_INTEGER, DAM_REAL, DAM_TEXT, DAM_BLOB } dam_value_type;

/* A value going in or coming out; text and blobs coming out live until the next step. */
typedef struct {
    dam_value_type type;
    int64_t integer;
    double real;
    const char *bytes;
    size_t size;
} dam_value;

dam_status dam_store_open(dam_store **out, const char *path, dam_store_mode mode, dam_error *e);

/* Rolls back an open transaction, releases the lock. NULL is allowed. Finish all statements first.
 */
void dam_store_close(dam_store *store);

/*
 * Who writes `path` now: "process 1234 on h since ...", or an empty text when nobody does. Takes
 * and changes nothing.
 */
void dam_store_holder(const char *path, char *text, size_t size);

const char *dam_store_path(const dam_store *store);

/* A write transaction. Rolling back without one is harmless. */
dam_status dam_store_begin(dam_store *store, dam_error *e);
dam_status dam_store_commit(dam_store *store, dam_error *e);
void dam_store_rollback(dam_store *store);

/* One SQL statement. */
dam_status dam_store_prepare(dam_store *store, const char *sql, dam_statement **out, dam_error *e);

/* Sets parameters 1..n and goes back to before the first row. */
dam_status dam_statement_bind(dam_statement *s, const dam_value *values, int n, dam_error *e);

/* *row: a row is there to be read; false: done. */
dam_status dam_statement_step(dam_statement *s, bool *row, dam_error *e);
int dam_statement_columns(const dam_statement *s);
const char *dam_statement_name(const dam_statement *s, int column); /* as after AS */
dam_value dam_statement_column(dam_statement *s, int column);
void dam_statement_reset(dam_statement *s);
void dam_statement_finish(dam_statement *s); /* NULL is allowed */

#endif
