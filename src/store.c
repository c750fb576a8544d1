#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "file.h"
#include "interrupt.h"

/* How long a reader waits for a commit, and a commit for readers (one may be stopped by Ctrl-Z). */
#define READER_PATIENCE 30
#define WRITER_PATIENCE 600

#define BUSY_SLEEP_MS 20

/* A lock file that is unlinked under us while we wait is opened anew, this often at most. */
#define LOCK_ATTEMPTS 16

#define HOLDER_SIZE 200

struct dam_store {
    sqlite3 *db;
    char *path;
    char *lock_path; /* NULL for readers */
    int lock;
    int patience; /* seconds to wait for others */
};

struct dam_statement {
    dam_store *store;
    sqlite3_stmt *sql;
};

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, started TEXT, finished TEXT, outcome TEXT,"
    " script_path TEXT, script TEXT, script_hash TEXT, options TEXT, version TEXT, device TEXT,"
    " host TEXT);"
    "CREATE TABLE plan(alpha REAL NOT NULL, T REAL NOT NULL, N INTEGER NOT NULL,"
    " M INTEGER NOT NULL, disorder INTEGER NOT NULL, PRIMARY KEY(alpha, T));"
    "CREATE TABLE rows(alpha REAL NOT NULL, T REAL NOT NULL, N INTEGER NOT NULL,"
    " M INTEGER NOT NULL, disorder INTEGER NOT NULL, phi_a REAL NOT NULL, phi_b REAL, q12 REAL,"
    " phi_max_other REAL, acceptance REAL NOT NULL, energy_a REAL, energy_b REAL,"
    " acceptance_a REAL, acceptance_b REAL, more BLOB, digest TEXT NOT NULL,"
    " checksum TEXT NOT NULL, PRIMARY KEY(alpha, T, N, M, disorder));"
    "CREATE TABLE cells(key TEXT PRIMARY KEY, position INTEGER NOT NULL, seconds REAL);"
    "CREATE TABLE cell_rows(key TEXT NOT NULL, place INTEGER NOT NULL, data TEXT NOT NULL,"
    " checksum TEXT NOT NULL, PRIMARY KEY(key, place));"
    "CREATE TABLE checkpoints(unit TEXT PRIMARY KEY, state BLOB NOT NULL, done REAL NOT NULL);";

/* The database's last failure as one sentence with the path and, where one exists, a way out. */
static dam_status fail_sql(const dam_store *s, int code, const char *doing, dam_error *e)
{
    int system = s->db ? sqlite3_system_errno(s->db) : errno;
    const char *said = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);

    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return dam_fail(e, DAM_ERR_MEMORY, "%s: not enough memory to %s the result file", s->path,
                        doing);
    case SQLITE_NOTADB:
        return dam_fail(e, DAM_ERR_IO, "%s is not a result file of damlua (not a database)",
                        s->path);
    case SQLITE_CORRUPT:
        return dam_fail(e, DAM_ERR_IO,
                        "%s is damaged (%s): take a copy, or begin anew with --fresh", s->path,
                        said);
    case SQLITE_FULL:
        return dam_fail(e, DAM_ERR_IO,
                        "cannot %s %s: the disk is full; what was committed is safe: make room and "
                        "run the script again",
                        doing, s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return dam_fail(e, DAM_ERR_IO, "cannot %s %s: another program has held it for %d seconds",
                        doing, s->path, s->patience);
    case SQLITE_READONLY:
        if (code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY)
            return dam_fail(
                e, DAM_ERR_IO,
                "%s was left by a writer that died, and cannot be restored where nothing "
                "can be written: copy it and %s-journal to another folder",
                s->path, s->path);
        return dam_fail(e, DAM_ERR_IO, "cannot %s %s: the file is read-only", doing, s->path);
    case SQLITE_IOERR:
        if (system == ENOSPC || system == EDQUOT)
            return fail_sql(s, SQLITE_FULL, doing, e);
        break;
    default:
        break;
    }
    if (system)
        return dam_fail(e, DAM_ERR_IO, "cannot %s %s: %s (%s)", doing, s->path, said,
                        dam_file_reason(system));
    return dam_fail(e, DAM_ERR_IO, "cannot %s %s: %s", doing, s->path, said);
}

static dam_status execute(dam_store *s, const char *sql, const char *doing, dam_error *e)
{
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? DAM_OK : fail_sql(s, sqlite3_extended_errcode(s->db), doing, e);
}

static dam_status read_integer(dam_store *s, const char *sql, int64_t *out, dam_error *e)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
    }
    if (code != SQLITE_ROW)
        fail_sql(s, sqlite3_extended_errcode(s->db), "read", e);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? DAM_OK : e->status;
}

/* "process 1234 on host h since 2026-01-31 12:00:00": what the holder of the lock wrote there. */
static void read_holder(int lock, char *text, size_t size)
{
    ssize_t n = pread(lock, text, size - 1, 0);

    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    if (!text[0])
        snprintf(text, size, "another process");
}

static dam_status fail_held(const dam_store *s, dam_error *e)
{
    char holder[HOLDER_SIZE];

    read_holder(s->lock, holder, sizeof holder);
    return dam_fail(e, DAM_ERR_STATE,
                    "%s is being written by %s: wait for it or stop it (one writer at a time; "
                    "status, export and plot work meanwhile)",
                    s->path, holder);
}

static void write_holder(int lock)
{
    char host[64] = "", since[32], text[HOLDER_SIZE];
    time_t now = time(NULL);
    struct tm local;
    int n;

    gethostname(host, sizeof host - 1);
    localtime_r(&now, &local);
    strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &local);
    n = snprintf(text, sizeof text, "process %ld on %s since %s\n", (long)getpid(), host, since);
    /* The name is a courtesy: on a full disk the lock holds without it. */
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)n, 0) != n)
        return;
}

/* Makes the folders above `path` that are missing; what fails shows when the file is opened. */
static void make_folders(const char *path)
{
    char folder[PATH_MAX];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof folder)
            return;
        memcpy(folder, path, n);
        folder[n] = 0;
        dam_file_mkdir(folder, 0777);
    }
}

/*
 * Takes the writer's lock. An open-file-description lock: it conflicts within one process as well,
 * and the kernel drops it when the process dies. The lock file is removed by its holder, so after
 * locking we make sure that the name still leads to the file that we have locked.
 */
static dam_status take_lock(dam_store *s, dam_error *e)
{
    for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat ours, named;

        s->lock = dam_file_open(s->lock_path, O_RDWR | O_CREAT, 0666);
        if (s->lock < 0 && errno == ENOENT) {
            make_folders(s->lock_path);
            s->lock = dam_file_open(s->lock_path, O_RDWR | O_CREAT, 0666);
        }
        if (s->lock < 0)
            return dam_fail(e, DAM_ERR_IO, "cannot write %s: %s (%s)", s->path,
                            dam_file_reason(errno), s->lock_path);
        if (fcntl(s->lock, F_OFD_SETLK, &whole) != 0) {
            if (errno == EAGAIN || errno == EACCES)
                return fail_held(s, e);
            return dam_fail(e, DAM_ERR_IO,
                            "cannot lock %s: %s; this file system has no file locks: choose a file "
                            "elsewhere (file = \"...\")",
                            s->lock_path, strerror(errno));
        }
        if (fstat(s->lock, &ours) == 0 && dam_file_stat(s->lock_path, &named) == 0 &&
            ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
            write_holder(s->lock);
            return DAM_OK;
        }
        close(s->lock);
        s->lock = -1;
    }
    return dam_fail(e, DAM_ERR_STATE, "%s: the lock %s changes hands all the time", s->path,
                    s->lock_path);
}

static dam_status check_header(dam_store *s, dam_error *e)
{
    int64_t application, version;

    if (read_integer(s, "PRAGMA application_id", &application, e) != DAM_OK ||
        read_integer(s, "PRAGMA user_version", &version, e) != DAM_OK)
        return e->status;
    if (application != DAM_STORE_APPLICATION)
        return dam_fail(e, DAM_ERR_IO, "%s is a database, but not a result file of damlua",
                        s->path);
    if (version > DAM_STORE_SCHEMA)
        return dam_fail(
            e, DAM_ERR_IO,
            "%s was written by a newer damlua (schema %lld, this one knows %d): use that "
            "version",
            s->path, (long long)version, DAM_STORE_SCHEMA);
    return DAM_OK;
}

/* A new file gets its tables and its name tags in one transaction, so that no half of it exists. */
static dam_status create_tables(dam_store *s, dam_error *e)
{
    char tags[128];

    snprintf(tags, sizeof tags, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             DAM_STORE_APPLICATION, DAM_STORE_SCHEMA);
    if (execute(s, "BEGIN IMMEDIATE", "write", e) == DAM_OK &&
        execute(s, schema, "write", e) == DAM_OK && execute(s, tags, "write", e) == DAM_OK &&
        execute(s, "COMMIT", "write", e) == DAM_OK)
        return DAM_OK;
    dam_store_rollback(s);
    return e->status;
}

/* Waits while others hold the database; not beyond the patience, nor after Ctrl-C. */
static int wait_for_others(void *store, int calls)
{
    const dam_store *s = store;

    if (dam_interrupt_raised() || calls > s->patience * 1000 / BUSY_SLEEP_MS)
        return 0;
    sqlite3_sleep(BUSY_SLEEP_MS);
    return 1;
}

static int guarded_open(const char *path, int flags, int mode)
{
    return dam_file_open(path, flags, (mode_t)mode);
}

static int guarded_access(const char *path, int mode)
{
    struct stat there;

    (void)mode; /* what may be written shows when it is opened */
    return dam_file_stat(path, &there);
}

/* Of the folders above, of which the guard says nothing, no link is known. */
static int guarded_lstat(const char *path, struct stat *out)
{
    int found = dam_file_stat(path, out);

    if (found != 0 && errno == EPERM)
        errno = ENOENT;
    return found;
}

static ssize_t no_link(const char *path, char *out, size_t size)
{
    (void)path, (void)out, (void)size;
    errno = EINVAL;
    return -1;
}

static int no_rmdir(const char *path)
{
    (void)path;
    errno = EPERM;
    return -1;
}

/* Where files are confined, the database's are too: its system calls pass the same guard. */
static void confine_database(void)
{
    static const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } calls[] = {{"open", (sqlite3_syscall_ptr)guarded_open},
                 {"access", (sqlite3_syscall_ptr)guarded_access},
                 {"stat", (sqlite3_syscall_ptr)dam_file_stat},
                 {"lstat", (sqlite3_syscall_ptr)guarded_lstat},
                 {"unlink", (sqlite3_syscall_ptr)dam_file_unlink},
                 {"mkdir", (sqlite3_syscall_ptr)dam_file_mkdir},
                 {"rmdir", (sqlite3_syscall_ptr)no_rmdir},
                 {"readlink", (sqlite3_syscall_ptr)no_link}};
    static bool done;
    sqlite3_vfs *vfs = dam_file_confined() && !done ? sqlite3_vfs_find(NULL) : NULL;

    for (size_t i = 0; vfs && i < sizeof calls / sizeof *calls; i++)
        vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call);
    done = done || vfs;
}

/*
 * A file may come from anybody: what its schema might do beyond tables is switched off, and other
 * databases cannot be reached from a statement.
 */
static int distrust(sqlite3 *db)
{
    static const int off[] = {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                              SQLITE_DBCONFIG_TRUSTED_SCHEMA};
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

    for (size_t i = 0; i < sizeof off / sizeof *off && code == SQLITE_OK; i++)
        code = sqlite3_db_config(db, off[i], 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return code != SQLITE_OK ? code
                             : sqlite3_exec(db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
}

static dam_status open_database(dam_store *s, dam_store_mode mode, dam_error *e)
{
    /* A reader asks for writing too: only so can it roll back what a killed writer left half done.
     */
    int flags = SQLITE_OPEN_READWRITE | (mode == DAM_STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
    int64_t tables;
    int code;

    confine_database();
    code = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(s->db, 1);
    if (code == SQLITE_OK)
        code = distrust(s->db);
    if (code != SQLITE_OK)
        return fail_sql(s, code, "open", e);
    s->patience = mode == DAM_STORE_WRITE ? WRITER_PATIENCE : READER_PATIENCE;
    sqlite3_busy_handler(s->db, wait_for_others, s);
    if (read_integer(s, "SELECT count(*) FROM sqlite_schema", &tables, e) != DAM_OK)
        return e->status;
    if (mode == DAM_STORE_READ) {
        if (tables == 0)
            return dam_fail(e, DAM_ERR_IO, "%s is empty: no result was ever stored there", s->path);
        return check_header(s, e) == DAM_OK ? execute(s, "PRAGMA query_only=1", "read", e)
                                            : e->status;
    }
    if (tables > 0 && check_header(s, e) != DAM_OK)
        return e->status;
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return dam_fail(e, DAM_ERR_IO, "cannot write %s: the file is read-only", s->path);
    if (execute(s, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;", "write", e) != DAM_OK)
        return e->status;
    return tables == 0 ? create_tables(s, e) : DAM_OK;
}

static char *join(const char *a, const char *b)
{
    char *text = malloc(strlen(a) + strlen(b) + 1);

    if (text) {
        strcpy(text, a);
        strcat(text, b);
    }
    return text;
}

dam_status dam_store_open(dam_store **out, const char *path, dam_store_mode mode, dam_error *e)
{
    dam_store *s = calloc(1, sizeof *s);
    struct stat there;

    *out = NULL;
    if (!s)
        return dam_fail(e, DAM_ERR_MEMORY, "not enough memory to open %s", path);
    s->lock = -1;
    s->path = join(path, "");
    s->lock_path = mode == DAM_STORE_WRITE ? join(path, "-lock") : NULL;
    if (!s->path || (mode == DAM_STORE_WRITE && !s->lock_path))
        dam_fail(e, DAM_ERR_MEMORY, "not enough memory to open %s", path);
    else if (mode == DAM_STORE_READ && dam_file_stat(path, &there) != 0)
        dam_fail(e, DAM_ERR_IO, "cannot read %s: %s", path, dam_file_reason(errno));
    else if ((mode == DAM_STORE_READ || take_lock(s, e) == DAM_OK) &&
             open_database(s, mode, e) == DAM_OK) {
        *out = s;
        return DAM_OK;
    }
    dam_store_close(s);
    return e->status;
}

void dam_store_close(dam_store *s)
{
    if (!s)
        return;
    sqlite3_close_v2(s->db);
    if (s->lock >= 0) {
        struct stat ours, named;
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        /* Only the holder may remove the name; a process that was refused must leave it. */
        if (fcntl(s->lock, F_OFD_SETLK, &whole) == 0 && fstat(s->lock, &ours) == 0 &&
            dam_file_stat(s->lock_path, &named) == 0 && ours.st_ino == named.st_ino)
            dam_file_unlink(s->lock_path);
        close(s->lock);
    }
    free(s->lock_path);
    free(s->path);
    free(s);
}

void dam_store_holder(const char *path, char *text, size_t size)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *lock_path = join(path, "-lock");
    int lock = lock_path ? dam_file_open(lock_path, O_RDWR, 0) : -1;

    text[0] = 0;
    if (lock >= 0) {
        if (fcntl(lock, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
            read_holder(lock, text, size);
        close(lock);
    }
    free(lock_path);
}

const char *dam_store_path(const dam_store *s)
{
    return s->path;
}

dam_status dam_store_begin(dam_store *s, dam_error *e)
{
    return execute(s, "BEGIN IMMEDIATE", "write", e);
}

dam_status dam_store_commit(dam_store *s, dam_error *e)
{
    if (execute(s, "COMMIT", "write", e) == DAM_OK)
        return DAM_OK;
    dam_store_rollback(s);
    return e->status;
}

void dam_store_rollback(dam_store *s)
{
    if (s->db && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

dam_status dam_store_prepare(dam_store *store, const char *sql, dam_statement **out, dam_error *e)
{
    dam_statement *s = calloc(1, sizeof *s);
    int code;

    *out = NULL;
    if (!s)
        return dam_fail(e, DAM_ERR_MEMORY, "%s: not enough memory for a statement", store->path);
    s->store = store;
    code = sqlite3_prepare_v2(store->db, sql, -1, &s->sql, NULL);
    if (code != SQLITE_OK) {
        fail_sql(store, code, "use", e);
        dam_statement_finish(s);
        return e->status;
    }
    *out = s;
    return DAM_OK;
}

static int bind_one(sqlite3_stmt *sql, int i, const dam_value *v)
{
    switch (v->type) {
    case DAM_INTEGER:
        return sqlite3_bind_int64(sql, i, v->integer);
    case DAM_REAL:
        return sqlite3_bind_double(sql, i, v->real);
    case DAM_TEXT:
        return sqlite3_bind_text64(sql, i, v->bytes, v->size, SQLITE_TRANSIENT, SQLITE_UTF8);
    case DAM_BLOB:
        return sqlite3_bind_blob64(sql, i, v->bytes, v->size, SQLITE_TRANSIENT);
    case DAM_NULL:
    default:
        return sqlite3_bind_null(sql, i);
    }
}

dam_status dam_statement_bind(dam_statement *s, const dam_value *values, int n, dam_error *e)
{
    int wanted = sqlite3_bind_parameter_count(s->sql);

    sqlite3_reset(s->sql);
    if (n != wanted)
        return dam_fail(e, DAM_ERR_ARGUMENT, "%s: the statement has %d parameters, %d were given",
                        s->store->path, wanted, n);
    for (int i = 0; i < n; i++) {
        int code = bind_one(s->sql, i + 1, &values[i]);
        if (code != SQLITE_OK)
            return fail_sql(s->store, code, "write", e);
    }
    return DAM_OK;
}

dam_status dam_statement_step(dam_statement *s, bool *row, dam_error *e)
{
    int code = sqlite3_step(s->sql);

    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return DAM_OK;
    fail_sql(s->store, code, sqlite3_stmt_readonly(s->sql) ? "read" : "write", e);
    sqlite3_reset(s->sql);
    return e->status;
}

int dam_statement_columns(const dam_statement *s)
{
    return sqlite3_column_count(s->sql);
}

const char *dam_statement_name(const dam_statement *s, int column)
{
    return sqlite3_column_name(s->sql, column);
}

dam_value dam_statement_column(dam_statement *s, int column)
{
    dam_value v = {.type = DAM_NULL};

    switch (sqlite3_column_type(s->sql, column)) {
    case SQLITE_INTEGER:
        v.type = DAM_INTEGER;
        v.integer = sqlite3_column_int64(s->sql, column);
        break;
    case SQLITE_FLOAT:
        v.type = DAM_REAL;
        v.real = sqlite3_column_double(s->sql, column);
        break;
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        v.type = sqlite3_column_type(s->sql, column) == SQLITE_TEXT ? DAM_TEXT : DAM_BLOB;
        v.bytes = sqlite3_column_blob(s->sql, column); /* NULL when empty */
        v.size = (size_t)sqlite3_column_bytes(s->sql, column);
        break;
    default:
        break;
    }
    return v;
}

void dam_statement_reset(dam_statement *s)
{
    sqlite3_reset(s->sql);
}

void dam_statement_finish(dam_statement *s)
{
    if (s) {
        sqlite3_finalize(s->sql);
        free(s);
    }
}
