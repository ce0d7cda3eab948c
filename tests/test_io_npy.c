/* test_io_npy.c: .npy files made by hand from the format's definition: every type, both orders, damaged ones. */
#include "io/npy.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

/* A file in memory: version 1 with the given dictionary, then bytes. */
static fl_bytes npy_file(const char *dictionary, const void *values, size_t size)
{
    static unsigned char file[4096];
    size_t n = strlen(dictionary);
    snprintf((char *)file, sizeof file, "\x93NUMPY\x01...%s", dictionary);
    file[7] = 0;
    file[8] = (unsigned char)n;
    file[9] = (unsigned char)(n >> 8);
    if (size) memcpy(file + 10 + n, values, size);
    return (fl_bytes){file, 10 + n + size};
}

static const real *parse(fl_arena *a, fl_bytes b, fl_npy *npy)
{
    return fl_npy_parse(b, "test", npy, a->error) == FL_OK ? fl_npy_values(a, npy) : NULL;
}

TEST(io_npy_reads_every_type)
{
    /* the values 1, -2 and 0.5 (or the nearest that the type has), bytes written out by hand */
    static const struct { const char *type; int size; unsigned char bytes[24]; double value[3]; } c[] = {
        {"<f4", 4, {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f}, {1, -2, 0.5}},
        {">f4", 4, {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0}, {1, -2, 0.5}},
        {"<f8", 8, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f},
         {1, -2, 0.5}},
        {">f8", 8, {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0xe0}, {1, -2, 0.5}},
        {"<f2", 2, {0, 0x3c, 0, 0xc0, 1, 0}, {1, -2, 0x1p-24}},
        {">f2", 2, {0x3c, 0, 0x7b, 0xff, 0x83, 0xff}, {1, 65504, -1023 * 0x1p-24}},
        {"|i1", 1, {1, 0xfe, 0x80}, {1, -2, -128}},
        {"<i2", 2, {1, 0, 0xfe, 0xff, 0, 0x80}, {1, -2, -32768}},
        {">i4", 4, {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0}, {1, -2, -2147483648.0}},
        {"<i8", 8, {1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0,
         0x80}, {1, -2, -0x1p63}},
        {"|u1", 1, {1, 0xfe, 0x80}, {1, 254, 128}},
        {"<u2", 2, {1, 0, 0xfe, 0xff}, {1, 65534, 0}},
        {"<u4", 4, {1, 0, 0, 0, 0, 0, 0, 0x80}, {1, 0x1p31, 0}},
        {">u8", 8, {0, 0, 0, 0, 0, 0, 0, 1, 0x80}, {1, 0x1p63, 0}},
        {"|b1", 1, {1, 0, 2}, {1, 0, 1}},
    };
    for (size_t k = 0; k < sizeof c / sizeof c[0]; k++) {
        fl_error err = {0};
        fl_arena a;
        fl_npy npy;
        char dictionary[200];
        fl_arena_init(&a, &err);
        snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (3,), }\n",
                 c[k].type);
        const real *v = parse(&a, npy_file(dictionary, c[k].bytes, 3 * (size_t)c[k].size), &npy);
        CHECK_SAY(v && npy.axes == 1 && npy.size[0] == 3, "%s: %s", c[k].type, err.message);
        for (int i = 0; v && i < 3; i++)
            CHECK_SAY(v[i] == (real)c[k].value[i], "%s[%d] is %g, not %g", c[k].type, i, (double)v[i], c[k].value[i]);
        fl_arena_free(&a);
    }
}

TEST(io_npy_half_has_infinity_and_nan)
{
    fl_error err = {0};
    fl_arena a;
    fl_npy npy;
    fl_arena_init(&a, &err);
    const unsigned char bytes[] = {0, 0x7c, 0, 0xfc, 1, 0x7c};
    const real *v = parse(&a, npy_file("{'descr':'<f2','fortran_order':False,'shape':(3,)}", bytes, 6), &npy);
    CHECK(v && v[0] == (real)INFINITY && v[1] == -(real)INFINITY && isnan(v[2]));
    fl_arena_free(&a);
}

/* Fortran order: element (i,j,k) of a 2,3,4 array lies at i + 2 j + 6 k. */
TEST(io_npy_turns_fortran_order)
{
    fl_error err = {0};
    fl_arena a;
    fl_npy npy;
    unsigned char bytes[24];
    fl_arena_init(&a, &err);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++) bytes[i + 2 * j + 6 * k] = (unsigned char)(100 * i + 10 * j + k);
    const char *dictionary = "{\"shape\": (2L, 3L, 4L), 'fortran_order': True, 'descr': '|u1'}  \n";
    const real *v = parse(&a, npy_file(dictionary, bytes, 24), &npy);
    CHECK_SAY(v && npy.axes == 3, "%s", err.message);
    for (int i = 0; v && i < 24; i++) {
        int row = i / 12, column = i / 4 % 3, last = i % 4;
        CHECK(v[i] == (real)(100 * row + 10 * column + last));
    }
    fl_arena_free(&a);
}

TEST(io_npy_reads_scalars_and_empty_arrays)
{
    fl_error err = {0};
    fl_arena a;
    fl_npy npy;
    fl_arena_init(&a, &err);
    const real *v = parse(&a, npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "\x07", 1), &npy);
    CHECK(v && npy.axes == 0 && npy.count == 1 && v[0] == 7);
    v = parse(&a, npy_file("{'descr': '|u1', 'fortran_order': True, 'shape': (3, 0)}", "", 0), &npy);
    CHECK(v && npy.axes == 2 && npy.count == 0);
    fl_arena_free(&a);
}

TEST(io_npy_refuses)
{
    static const struct { const char *dictionary, *says; } bad[] = {
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "objects are never loaded"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "'<c8'"},
        {"{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", "'<U4'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "a type"},
        {"{'descr': '|u1', 'fortran_order': Maybe, 'shape': (1,)}", "True or False"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", "a number from 0"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}", "',' or ')'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "8 axes"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 1099511627776)}", "2^40"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999,)}", "2^40"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (17,)}", "cut short"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", "cut short"},
        {"{'descr': '|u1', 'fortran_order': False}", "all of"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "each once"},
        {"{'descr': '|u1', 'other': 3, 'fortran_order': False, 'shape': (1,)}", "the keys"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", "the end"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,", "a number"},
        {"{'descr': '|u1", "a type"}, {"", "'{'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fl_error err = {0};
        fl_npy npy;
        fl_bytes file = npy_file(bad[i].dictionary, "0123456789abcdef", 16);
        CHECK_SAY(fl_npy_parse(file, "test", &npy, &err) == FL_UNREADABLE, "accepted: %s", bad[i].dictionary);
        CHECK_SAY(strstr(err.message, bad[i].says) != NULL, "%s: %s", bad[i].dictionary, err.message);
    }
    fl_error err = {0};
    fl_npy npy;
    fl_bytes b = npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (16,)}", "0123456789abcdef", 16);
    CHECK(fl_npy_parse(b, "test", &npy, &err) == FL_OK);
    for (b.size--; b.size > 0; b.size--)        /* cut anywhere, it is refused */
        CHECK_SAY(fl_npy_parse(b, "test", &npy, &err) == FL_UNREADABLE, "accepted with %zu bytes", b.size);
}

TEST(io_npy_comes_back)
{
    fl_error err = {0};
    fl_arena a;
    fl_npy npy;
    char path[512];
    static real x[3 * 5 * 70];
    fl_arena_init(&a, &err);
    for (int i = 0; i < 3 * 5 * 70; i++) x[i] = R(1.0) / (real)(i + 1) - R(0.25);
    x[7] = (real)INFINITY;
    snprintf(path, sizeof path, "%s/x.npy", fl_test_folder());
    CHECK(fl_npy_write(path, 3, (const int64_t[]){3, 5, 70}, x, &err) == FL_OK);
    const real *v = fl_npy_read(&a, path, &npy);
    CHECK_SAY(v && npy.axes == 3 && npy.size[0] == 3 && npy.size[1] == 5 && npy.size[2] == 70, "%s", err.message);
    CHECK(v && fl_hash(v, sizeof x) == fl_hash(x, sizeof x));
    CHECK(fl_npy_write_as(FL_SCALAR_F32, path, 1, (const int64_t[]){1050}, x, &err) == FL_OK);
    fl_bytes b;
    CHECK(fl_file_read(&a, path, 1 << 20, &b) == FL_OK && b.size == 128 + 4 * 1050);      /* numbers begin at 128 */
    static const char head[] = "\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1050,), }";
    CHECK(memcmp(b.data, head, sizeof head - 1) == 0 && b.data[127] == '\n');
    v = fl_npy_read(&a, path, &npy);
    CHECK(v && npy.axes == 1 && v[20] == (real)(float)x[20]);
    CHECK(fl_npy_write(path, 0, NULL, x, &err) == FL_OK && fl_npy_read(&a, path, &npy) && npy.axes == 0);
    fl_arena_free(&a);
}
