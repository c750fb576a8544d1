/* The result file survives its writer: killed in a transaction, locked, damaged, foreign, full. */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hash.h"
#include "store.h"

static int failures;
static char folder[] = "/tmp/dam-store-XXXXXX";
static char path[64];

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            failures++;                                                                   \
        }                                                                                 \
    } while (0)

#define CHECK_SAYS(e, text)                                                            \
    do {                                                                               \
        if (!strstr((e).message, text)) {                                              \
            fprintf(stderr, "%s:%d: \"%s\" does not say \"%s\"\n", __FILE__, __LINE__, \
                    (e).message, text);                                                \
            failures++;                                                                \
        }                                                                              \
    } while (0)

static dam_status run(dam_store *s, const char *sql, dam_error *e)
{
    dam_statement *statement;
    dam_status status;
    bool row = true;

    status = dam_store_prepare(s, sql, &statement, e);
    if (status == DAM_OK)
        status = dam_statement_bind(statement, NULL, 0, e);
    while (status == DAM_OK && row)
        status = dam_statement_step(statement, &row, e);
    dam_statement_finish(statement);
    return status;
}

static int64_t count_meta(dam_store *s)
{
    dam_statement *statement;
    dam_error e;
    bool row = false;
    int64_t n = -1;

    if (dam_store_prepare(s, "SELECT count(*) FROM meta", &statement, &e) == DAM_OK &&
        dam_statement_step(statement, &row, &e) == DAM_OK && row)
        n = dam_statement_column(statement, 0).integer;
    dam_statement_finish(statement);
    return n;
}

/* A child commits one value, writes a second one and waits in the open transaction. */
static pid_t start_writer(int *ready)
{
    int ends[2];
    pid_t child;
    char byte;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        exit(1);
    if (child == 0) {
        dam_store *s;
        dam_error e;
        if (dam_store_open(&s, path, DAM_STORE_WRITE, &e) != DAM_OK ||
            run(s, "INSERT INTO meta VALUES('a', '1')", &e) != DAM_OK ||
            dam_store_begin(s, &e) != DAM_OK ||
            run(s, "INSERT INTO meta VALUES('b', '2')", &e) != DAM_OK)
            _exit(1);
        if (write(ends[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ends[1]);
    *ready = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    return child;
}

static void test_killed_writer(void)
{
    dam_store *s, *second;
    dam_error e = {0};
    char number[128];
    int ready;
    pid_t child = start_writer(&ready);

    CHECK(ready);
    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_ERR_STATE);
    snprintf(number, sizeof number, "process %ld on ", (long)child);
    CHECK_SAYS(e, number);
    CHECK_SAYS(e, path);
    CHECK(dam_store_open(&s, path, DAM_STORE_READ, &e) == DAM_OK);
    CHECK(count_meta(s) == 1);
    CHECK(run(s, "INSERT INTO meta VALUES('c', '3')", &e) != DAM_OK);
    dam_store_close(s);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK(dam_store_open(&s, path, DAM_STORE_READ, &e) == DAM_OK);
    CHECK(count_meta(s) == 1);
    dam_store_close(s);
    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    CHECK(count_meta(s) == 1);
    CHECK(dam_store_open(&second, path, DAM_STORE_WRITE, &e) == DAM_ERR_STATE); /* same process */
    dam_store_close(s);
    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    dam_store_close(s);
    snprintf(number, sizeof number, "%s/a.sqlite-lock", folder);
    CHECK(access(number, F_OK) != 0);
}

static void test_values(void)
{
    static const double values[] = {0.1, 1.0, -1e-310, 4503599627370497.5, 0.30000000000000004};
    dam_store *s;
    dam_statement *in, *out;
    dam_error e = {0};
    bool row;

    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    CHECK(run(s, "CREATE TEMP TABLE t(x REAL)", &e) == DAM_OK);
    CHECK(dam_store_prepare(s, "INSERT INTO t VALUES(?)", &in, &e) == DAM_OK);
    CHECK(dam_store_prepare(s, "SELECT x FROM t ORDER BY rowid", &out, &e) == DAM_OK);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        dam_value v = {.type = DAM_REAL, .real = values[i]};
        CHECK(dam_statement_bind(in, &v, 1, &e) == DAM_OK);
        CHECK(dam_statement_step(in, &row, &e) == DAM_OK && !row);
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        CHECK(dam_statement_step(out, &row, &e) == DAM_OK && row);
        CHECK(dam_statement_column(out, 0).type == DAM_REAL);
        CHECK(dam_statement_column(out, 0).real == values[i]);
    }
    CHECK(dam_statement_bind(in, NULL, 0, &e) == DAM_ERR_ARGUMENT);
    dam_statement_finish(in);
    dam_statement_finish(out);
    dam_store_close(s);
}

static void expect_refusal(const char *name, dam_store_mode mode, const char *says)
{
    dam_store *s;
    dam_error e = {0};
    char file[128];

    snprintf(file, sizeof file, "%s/%s", folder, name);
    CHECK(dam_store_open(&s, file, mode, &e) == DAM_ERR_IO);
    CHECK(s == NULL);
    CHECK_SAYS(e, file);
    CHECK_SAYS(e, says);
}

static void test_refusals(void)
{
    char text[256];
    dam_store *s;
    dam_error e = {0};
    FILE *f;

    snprintf(text, sizeof text, "%s/text.sqlite", folder);
    f = fopen(text, "w");
    for (int i = 0; i < 2000; i++)
        fputs("not a database ", f);
    fclose(f);
    expect_refusal("text.sqlite", DAM_STORE_READ, "not a result file");
    expect_refusal("text.sqlite", DAM_STORE_WRITE, "not a result file");
    expect_refusal("none.sqlite", DAM_STORE_READ, "No such file");
    expect_refusal("text.sqlite/none", DAM_STORE_WRITE, "Not a directory");

    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    CHECK(run(s, "PRAGMA user_version=99", &e) == DAM_OK);
    dam_store_close(s);
    expect_refusal("a.sqlite", DAM_STORE_READ, "newer damlua (schema 99");
    expect_refusal("a.sqlite", DAM_STORE_WRITE, "newer damlua (schema 99");
    unlink(path);
    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    CHECK(run(s, "PRAGMA application_id=7", &e) == DAM_OK);
    dam_store_close(s);
    expect_refusal("a.sqlite", DAM_STORE_WRITE, "not a result file");
    unlink(path);
}

static void test_full(void)
{
    dam_store *s;
    dam_error e = {0};

    CHECK(dam_store_open(&s, path, DAM_STORE_WRITE, &e) == DAM_OK);
    CHECK(run(s, "INSERT INTO meta VALUES('kept', '1')", &e) == DAM_OK);
    CHECK(run(s, "PRAGMA max_page_count=1", &e) == DAM_OK); /* clamped to the present size */
    CHECK(dam_store_begin(s, &e) == DAM_OK);
    CHECK(run(s, "INSERT INTO meta VALUES('big', hex(zeroblob(100000)))", &e) == DAM_ERR_IO);
    CHECK_SAYS(e, "disk is full");
    CHECK_SAYS(e, path);
    dam_store_rollback(s);
    CHECK(count_meta(s) == 1);
    dam_store_close(s);
}

static void test_hash(void)
{
    CHECK(dam_crc32(0, "123456789", 9) == UINT32_C(0xcbf43926)); /* the CRC's published check */
    CHECK(dam_crc32(dam_crc32(0, "1234", 4), "56789", 5) == UINT32_C(0xcbf43926));
    CHECK(dam_hash64("", 0) != dam_hash64("\0", 1));
    CHECK(dam_hash64("\0\0", 2) != dam_hash64("\0", 1));
    CHECK(dam_hash64("abcdefgh", 8) != dam_hash64("abcdefgi", 8));
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/a.sqlite", folder);
    test_killed_writer();
    test_values();
    test_refusals();
    test_full();
    test_hash();
    unlink(path);
    snprintf(path, sizeof path, "%s/text.sqlite", folder);
    unlink(path);
    if (rmdir(folder) != 0) {
        perror(folder);
        failures++;
    }
    return failures != 0;
}
