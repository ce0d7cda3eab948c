/* test_io_zip.c: archives built by hand, right and wrong: whatever two readers could understand differently is
 * refused. */
#include "io/crc32.h"
#include "io/map.h"
#include "io/stored.h"
#include "io/zip.h"
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

/* Two stored members, "a" = "first" and "b/c" = "second!", as plain as they can be. */
typedef struct archive { unsigned char byte[1024]; size_t size, local[2], central[2], end; } archive;

static void put(archive *z, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) z->byte[z->size++] = (unsigned char)(v >> 8 * i);
}

static void put_text(archive *z, const char *text)
{
    memcpy(z->byte + z->size, text, strlen(text));
    z->size += strlen(text);
}

static void set(archive *z, size_t at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) z->byte[at + (size_t)i] = (unsigned char)(v >> 8 * i);
}

/* What both headers share, from the version on: flags, method, time, checksum, sizes, name's length. */
static void put_common(archive *z, const char *name, const char *content)
{
    put(z, 20, 2), put(z, 0, 2), put(z, 0, 2), put(z, 0, 4);
    put(z, fl_crc32(content, strlen(content)), 4), put(z, strlen(content), 4), put(z, strlen(content), 4),
        put(z, strlen(name), 2);
}

static archive build(void)
{
    static const char *const name[] = {"a", "b/c"}, *const content[] = {"first", "second!"};
    archive z = {.size = 0};
    for (int i = 0; i < 2; i++) {
        z.local[i] = z.size;
        put_text(&z, "PK\3\4"), put_common(&z, name[i], content[i]), put(&z, 0, 2);
        put_text(&z, name[i]), put_text(&z, content[i]);
    }
    for (int i = 0; i < 2; i++) {
        z.central[i] = z.size;
        put_text(&z, "PK\1\2"), put(&z, 20, 2), put_common(&z, name[i], content[i]);
        put(&z, 0, 2), put(&z, 0, 2), put(&z, 0, 2), put(&z, 0, 2), put(&z, 0, 4), put(&z, z.local[i], 4);
        put_text(&z, name[i]);
    }
    z.end = z.size;
    put_text(&z, "PK\5\6"), put(&z, 0, 4), put(&z, 2, 2), put(&z, 2, 2);
    put(&z, z.end - z.central[0], 4), put(&z, z.central[0], 4), put(&z, 0, 2);
    return z;
}

static bool holds(fl_arena *a, const fl_zip *zip, const char *name, const char *content)
{
    fl_bytes b;
    const fl_zip_member *m = fl_zip_find(zip, name);
    return m && fl_zip_read(a, m, "zip", false, &b) == FL_OK && b.size == strlen(content)
        && memcmp(b.data, content, b.size) == 0;
}

TEST(io_zip_reads_what_the_directory_says)
{
    fl_error err = {0};
    fl_arena a;
    fl_zip zip;
    archive z = build();
    fl_arena_init(&a, &err);
    CHECK_SAY(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_OK, "%s", err.message);
    CHECK(zip.count == 2 && holds(&a, &zip, "a", "first") && holds(&a, &zip, "b/c", "second!")
          && !fl_zip_find(&zip, "b"));
    /* as PyTorch writes: sizes and checksum after the data (flag 8), zeros in the local header */
    for (int i = 0; i < 2; i++) set(&z, z.local[i] + 6, 8, 2), set(&z, z.central[i] + 8, 8, 2),
        set(&z, z.local[i] + 14, 0, 8), set(&z, z.local[i] + 22, 0, 4);
    CHECK_SAY(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_OK, "%s", err.message);
    CHECK(holds(&a, &zip, "a", "first") && holds(&a, &zip, "b/c", "second!"));
    fl_arena_free(&a);
}

/* Zip64: the end record and the directory say "all ones", the wide fields hold the numbers. */
TEST(io_zip_reads_zip64)
{
    fl_error err = {0};
    fl_arena a;
    fl_zip zip;
    archive z = {.size = 0};
    fl_arena_init(&a, &err);
    put_text(&z, "PK\3\4"), put_common(&z, "w", "wide"), put(&z, 20, 2), put_text(&z, "w");
    put(&z, 1, 2), put(&z, 16, 2), put(&z, 4, 8), put(&z, 4, 8);
    set(&z, 18, 0xffffffff, 4), set(&z, 22, 0xffffffff, 4);
    put_text(&z, "wide");
    const size_t central = z.size;
    put_text(&z, "PK\1\2"), put(&z, 45, 2), put_common(&z, "w", "wide");
    put(&z, 28, 2), put(&z, 0, 2), put(&z, 0, 2), put(&z, 0, 2), put(&z, 0, 4), put(&z, 0xffffffff, 4),
        put_text(&z, "w");
    set(&z, central + 20, 0xffffffff, 4), set(&z, central + 24, 0xffffffff, 4);
    put(&z, 1, 2), put(&z, 24, 2), put(&z, 4, 8), put(&z, 4, 8), put(&z, 0, 8);
    const size_t wide = z.size;
    put_text(&z, "PK\6\6"), put(&z, 44, 8), put(&z, 45, 2), put(&z, 45, 2), put(&z, 0, 4), put(&z, 0, 4),
        put(&z, 1, 8), put(&z, 1, 8);
    put(&z, wide - central, 8), put(&z, central, 8);
    put_text(&z, "PK\6\7"), put(&z, 0, 4), put(&z, wide, 8), put(&z, 1, 4);
    put_text(&z, "PK\5\6"), put(&z, 0, 4), put(&z, 0xffff, 2), put(&z, 0xffff, 2), put(&z, 0xffffffff, 4),
        put(&z, 0xffffffff, 4), put(&z, 0, 2);
    CHECK_SAY(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_OK, "%s", err.message);
    CHECK(zip.count == 1 && holds(&a, &zip, "w", "wide"));
    set(&z, wide + 48, central + 1, 8);
    CHECK(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_UNREADABLE);
    fl_error_clear(&err);
    /* the short end record says otherwise */
    set(&z, wide + 48, central, 8), set(&z, z.size - 6, central + 1, 4);
    CHECK(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "contradict") != NULL, "%s", err.message);
    fl_arena_free(&a);
}

TEST(io_zip_refuses)
{
    enum { LOCAL_A, LOCAL_B, CENTRAL_A, CENTRAL_B, END };
    static const struct { size_t at; uint64_t value; const char *says; int where, bytes; } bad[] = {
        {42, 0, "another name", CENTRAL_B, 4},                   /* both records point at the first member */
        {30, 'x', "another name", LOCAL_A, 1}, {26, 2, "another name", LOCAL_A, 2},
        {8, 8, "another method", LOCAL_A, 2}, {6, 1, "other flags", LOCAL_A, 2},
        {18, 4, "another size", LOCAL_A, 4}, {22, 4, "another size", LOCAL_A, 4},
        {14, 7, "another size or checksum", LOCAL_A, 4},
        {8, 1, "encrypted", CENTRAL_A, 2}, {8, 64, "encrypted", CENTRAL_A, 2}, {8, 32, "patch", CENTRAL_A, 2},
        {10, 12, "method that is not read", CENTRAL_A, 2}, {24, 6, "two sizes", CENTRAL_A, 4},
        {34, 1, "several parts", CENTRAL_A, 2},
        {42, 5000, "outside the file", CENTRAL_A, 4}, {42, 3, "no member begins", CENTRAL_A, 4},
        {28, 0, "a name is empty", CENTRAL_A, 2},
        {0, 0, "expected a record", CENTRAL_A, 4}, {30, 900, "runs out of the directory", CENTRAL_B, 2},
        {46, 0, "zero byte", CENTRAL_A, 1},
        {8, 1, "several parts", END, 2}, {4, 1, "several parts", END, 2}, {20, 1, "end record is damaged", END, 2},
        {16, 0, "does not fill", END, 4}, {12, 9, "does not fill", END, 4}, {0, 0, "cut short", END, 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_zip zip;
        archive z = build();
        const size_t begin[] = {z.local[0], z.local[1], z.central[0], z.central[1], z.end};
        fl_arena_init(&a, &err);
        set(&z, begin[bad[i].where] + bad[i].at, bad[i].value, bad[i].bytes);
        CHECK_SAY(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "bad", &zip) == FL_UNREADABLE, "%zu is taken", i);
        CHECK_SAY(strstr(err.message, bad[i].says) != NULL, "%zu: %s", i, err.message);
        fl_arena_free(&a);
    }
}

static void check_refused(const archive *z, size_t begin, size_t size, const char *says)
{
    fl_error err = {0};
    fl_arena a;
    fl_zip zip;
    fl_arena_init(&a, &err);
    CHECK_SAY(fl_zip_parse(&a, (fl_bytes){z->byte + begin, size}, "bad", &zip) == FL_UNREADABLE, "'%s' is taken",
              says);
    CHECK_SAY(strstr(err.message, says) != NULL, "%s", err.message);
    fl_arena_free(&a);
}

TEST(io_zip_refuses_two_of_a_name_overlaps_and_strays)
{
    archive z = build();
    z.byte[z.size] = 'x';
    check_refused(&z, 0, z.size + 1, "something follows");
    z = build();                                             /* one record more, or less, than there is */
    set(&z, z.end + 8, 3, 2), set(&z, z.end + 10, 3, 2);
    check_refused(&z, 0, z.size, "does not fill");
    set(&z, z.end + 8, 1, 2), set(&z, z.end + 10, 1, 2);
    check_refused(&z, 0, z.size, "more in it than its records");
    archive twice = {.size = 0};
    for (int i = 0; i < 2; i++) {
        twice.local[i] = twice.size;
        put_text(&twice, "PK\3\4"), put_common(&twice, "a", "same"), put(&twice, 0, 2), put_text(&twice, "asame");
    }
    const size_t central = twice.size;
    for (int i = 0; i < 2; i++) {
        put_text(&twice, "PK\1\2"), put(&twice, 20, 2), put_common(&twice, "a", "same"), put(&twice, 0, 6);
        put(&twice, 0, 6), put(&twice, twice.local[i], 4), put_text(&twice, "a");
    }
    const size_t end = twice.size;
    put_text(&twice, "PK\5\6"), put(&twice, 0, 4), put(&twice, 2, 2), put(&twice, 2, 2),
        put(&twice, end - central, 4), put(&twice, central, 4);
    put(&twice, 0, 2);
    check_refused(&twice, 0, twice.size, "have the name 'a'");
    /* the same member twice in the directory: the second begins inside of the first */
    set(&twice, central + 47 + 42, 0, 4);
    check_refused(&twice, 0, twice.size, "overlap");
    /* bytes before the first member, all offsets right */
    archive late = {.size = 0};
    put_text(&late, "stray");
    put_text(&late, "PK\3\4"), put_common(&late, "a", "same"), put(&late, 0, 2), put_text(&late, "asame");
    const size_t record = late.size;
    put_text(&late, "PK\1\2"), put(&late, 20, 2), put_common(&late, "a", "same"), put(&late, 0, 6), put(&late, 0, 6),
        put(&late, 5, 4), put_text(&late, "a");
    const size_t last = late.size;
    put_text(&late, "PK\5\6"), put(&late, 0, 4), put(&late, 1, 2), put(&late, 1, 2), put(&late, last - record, 4),
        put(&late, record, 4), put(&late, 0, 2);
    check_refused(&late, 0, late.size, "before the first member");
}

TEST(io_zip_compares_checksums)
{
    fl_error err = {0};
    fl_arena a;
    fl_zip zip;
    fl_bytes b;
    archive z = build();
    fl_arena_init(&a, &err);
    z.byte[z.local[1] + 33] ^= 1;                            /* in the content of "b/c" */
    CHECK(fl_zip_parse(&a, (fl_bytes){z.byte, z.size}, "zip", &zip) == FL_OK && holds(&a, &zip, "a", "first"));
    CHECK(fl_zip_read(&a, fl_zip_find(&zip, "b/c"), "zip", false, &b) == FL_UNREADABLE
          && strstr(err.message, "'b/c': the checksum"));
    fl_arena_free(&a);
}

/* CRC-32 of "123456789" is cbf43926 by its definition; long and short ways agree, in pieces as well. */
TEST(io_crc32_is_the_one_of_the_standard)
{
    static unsigned char x[100003];
    CHECK(fl_crc32("123456789", 9) == 0xcbf43926u && fl_crc32("", 0) == 0);
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)(i * i >> 3);
    uint32_t slow = 0;
    for (size_t i = 0; i < sizeof x; i += 1000)
        slow = fl_crc32_more(slow, x + i, sizeof x - i < 1000 ? sizeof x - i : 1000);
    CHECK(fl_crc32(x, sizeof x) == slow);
}

/* ---- mapped files ---- */

static long resident_pages(void)
{
    long all = 0, resident = -1;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &all, &resident) != 2) resident = -1;
    if (f) fclose(f);
    return resident;
}

/* 128 MB with holes: reading it all leaves next to nothing of it in memory. */
TEST(io_map_pages_do_not_pile_up)
{
    const int64_t count = (int64_t)32 << 20;
    char path[300];
    snprintf(path, sizeof path, "%s/large.f32", fl_test_folder());
    if (resident_pages() < 0) SKIP("no /proc here");
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    if (!f) return;
    CHECK(ftruncate(fileno(f), count * 4) == 0);
    fclose(f);
    fl_error err = {0};
    fl_arena a;
    fl_mapped m;
    static real part[1 << 14];
    fl_arena_init(&a, &err);
    CHECK(fl_map_open(&a, path, &m) == FL_OK && m.mapped && m.bytes.size == (size_t)count * 4);
    const fl_stored t = {.name = "t", .type = FL_SCALAR_F32, .mapped = true, .axes = 1, .size = {count},
                         .count = count, .values = m.bytes.data};
    const long before = resident_pages();
    long most = 0;
    for (int64_t at = 0; at < count; at += 1 << 14) {
        fl_stored_decode(&t, at, 1 << 14, part);
        if (at % (1 << 20) == 0 && resident_pages() - before > most) most = resident_pages() - before;
    }
    const long bytes = most * sysconf(_SC_PAGESIZE);
    CHECK_SAY(bytes < (long)48 << 20, "%ld bytes stay in memory", bytes);
    fl_map_close(&m);
    CHECK(!m.mapped && !m.bytes.data);
    remove(path);
    fl_arena_free(&a);
}
