/* test_io_safetensors.c: files made by hand: every type, any alignment; round trip; refused and reference files. */
#include "io/safetensors.h"
#include "tests/test.h"

#include <string.h>

static fl_bytes tensors_file(const char *header, const void *blob, size_t size)
{
    static unsigned char file[8192];
    size_t n = strlen(header);
    memset(file, 0, 8);
    file[0] = (unsigned char)n;
    file[1] = (unsigned char)(n >> 8);
    snprintf((char *)file + 8, sizeof file - 8, "%s", header);
    if (size) memcpy(file + 8 + n, blob, size);
    return (fl_bytes){file, 8 + n + size};
}

static const char *scratch(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", fl_test_folder(), name);
    return path;
}

static const fl_entry *load(fl_arena *a, fl_bundle *b, const char *header, const void *blob, size_t size)
{
    fl_bytes file = tensors_file(header, blob, size);
    fl_bundle_init(b, a);
    fl_file_write(scratch("one.safetensors"), file.data, file.size, a->error);
    return fl_safetensors_read(b, scratch("one.safetensors"), NULL) == FL_OK ? &b->entry[0] : NULL;
}

TEST(io_safetensors_reads_every_type_at_every_alignment)
{
    static const struct { const char *type; int size; unsigned char bytes[16]; double value[2]; } c[] = {
        {"F64", 8, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, {1, -2}},
        {"F32", 4, {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, {1, -2}},
        {"F16", 2, {0, 0x3c, 0, 0xc0}, {1, -2}},
        {"BF16", 2, {0x80, 0x3f, 0, 0xc0}, {1, -2}},
        {"I64", 8, {1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, -2}},
        {"I32", 4, {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}, {1, -2}},
        {"I16", 2, {1, 0, 0xfe, 0xff}, {1, -2}},
        {"I8", 1, {1, 0xfe}, {1, -2}},
        {"U8", 1, {1, 0xfe}, {1, 254}},
        {"BOOL", 1, {1, 0}, {1, 0}},
    };
    for (size_t k = 0; k < sizeof c / sizeof c[0]; k++) {
        for (int pad = 0; pad < 8; pad++) {
            fl_error err = {0};
            fl_arena a;
            fl_bundle b;
            char header[300];
            fl_arena_init(&a, &err);
            snprintf(header, sizeof header, "{\"w\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%d]}}%*s",
                     c[k].type, 2 * c[k].size, pad, "");
            const fl_entry *e = load(&a, &b, header, c[k].bytes, 2 * (size_t)c[k].size);
            CHECK_SAY(e && e->axes == 1 && e->size[0] == 2, "%s, %d: %s", c[k].type, pad, err.message);
            CHECK_SAY(e && e->data[0] == (real)c[k].value[0] && e->data[1] == (real)c[k].value[1], "%s", c[k].type);
            fl_arena_free(&a);
        }
    }
}

TEST(io_safetensors_allows_empty_tensors_and_any_order)
{
    fl_error err = {0};
    fl_arena a;
    fl_bundle b;
    fl_metadata m;
    fl_arena_init(&a, &err);
    fl_bytes file = tensors_file("{\"second\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[1,3]},"
        "\"__metadata__\":{\"format\":\"pt\",\"note\":\"\\u00e9\"},"
        "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[1,1]},"
        "\"first\":{\"shape\":[],\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", "\x05\x06\x07", 3);
    fl_file_write(scratch("any.safetensors"), file.data, file.size, &err);
    fl_bundle_init(&b, &a);
    CHECK_SAY(fl_safetensors_read(&b, scratch("any.safetensors"), &m) == FL_OK, "%s", err.message);
    const fl_entry *first = fl_bundle_find(&b, "first"), *second = fl_bundle_find(&b, "second");
    CHECK(b.count == 3 && first && first->axes == 0 && first->data[0] == 5);
    CHECK(second && second->axes == 2 && second->data[0] == 6 && second->data[1] == 7);
    CHECK(m.count == 2 && strcmp(m.pair[0].key, "format") == 0 && strcmp(m.pair[0].value, "pt") == 0);
    CHECK(strcmp(fl_metadata_find(&m, "note"), "\xc3\xa9") == 0 && !fl_metadata_find(&m, "x"));
    fl_arena_free(&a);
}

TEST(io_safetensors_refuses)
{
    static const struct { const char *header, *says; } bad[] = {
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[17],\"data_offsets\":[0,17]}}", "cut short"},
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[15],\"data_offsets\":[0,15]}}", "after the last tensor"},
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[15],\"data_offsets\":[1,16]}}", "no tensor owns"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]},\"b\":{\"dtype\":\"U8\",\"shape\":[8],"
         "\"data_offsets\":[8,16]}}", "overlaps"},
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[16,0]}}", "need 16 bytes"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[0,16]}}", "need 64 bytes"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776],\"data_offsets\":[0,16]}}", "2^40"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}", "whole numbers"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[0,16]}}", "whole numbers"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,16]}}", "8 axes"},
        {"{\"w\":{\"dtype\":\"C64\",\"shape\":[2],\"data_offsets\":[0,16]}}", "C64"},
        {"{\"w\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "dtype"},
        {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}", "data_offsets"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},\"w\":3}", "no name twice"},
        {"{\"w\":7}", "dtype"}, {"{\"__metadata__\":{\"a\":1}}", "texts only"}, {"{\"w\":", "a value"},
        {"[]", "not a safetensors"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_safetensors s;
        fl_arena_init(&a, &err);
        fl_bytes file = tensors_file(bad[i].header, "0123456789abcdef", 16);
        CHECK_SAY(fl_safetensors_parse(&a, file, "bad", &s) == FL_UNREADABLE, "accepted: %s", bad[i].header);
        CHECK_SAY(strstr(err.message, bad[i].says) != NULL, "%s: %s", bad[i].header, err.message);
        fl_arena_free(&a);
    }
}

TEST(io_safetensors_names_what_else_it_may_be)
{
    static const struct { const char *bytes, *says; } other[] = {
        {"PK\x03\x04 0123456789", "zip"}, {"\x80\x02}q\x01 012345678", "pickle"}, {"<!DOCTYPE html>", "web page"},
        {"version https://git-lfs.github.com/spec/v1", "git lfs pull"}, {"\x1f\x8b\x08 01234567890", "gunzip"},
        {"", "empty"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff{}", "damaged"},
    };
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_safetensors s;
        fl_arena_init(&a, &err);
        fl_bytes b = {(const unsigned char *)other[i].bytes, strlen(other[i].bytes)};
        CHECK(fl_safetensors_parse(&a, b, "other", &s) == FL_UNREADABLE);
        CHECK_SAY(strstr(err.message, other[i].says) != NULL, "%s", err.message);
        fl_arena_free(&a);
    }
}

TEST(io_safetensors_comes_back)
{
    fl_error err = {0};
    fl_arena a;
    fl_bundle out, in;
    fl_metadata m;
    static real x[2000];
    fl_arena_init(&a, &err);
    for (int i = 0; i < 2000; i++) x[i] = (real)(float)(1.0 / (i + 1) - 0.3);      /* exact in F32 in both builds */
    fl_bundle_init(&out, &a);
    fl_bundle_add(&out, "conv.weight", 5, (const int64_t[]){8, 5, 5, 5, 2}, x);
    fl_bundle_add(&out, "scalar", 0, NULL, x + 7);
    fl_bundle_add(&out, "odd \"name\"", 1, (const int64_t[]){3}, x + 1);
    fl_metadata_pair pair[] = {{"recipe", "seed 3"}, {"accuracy", "0.97"}};
    const fl_metadata written = {pair, 2};
    CHECK(fl_safetensors_write(scratch("w.safetensors"), &out, &written, &err) == FL_OK);
    fl_bundle_init(&in, &a);
    CHECK_SAY(fl_safetensors_read(&in, scratch("w.safetensors"), &m) == FL_OK, "%s", err.message);
    CHECK(in.count == 3 && m.count == 2 && strcmp(fl_metadata_find(&m, "accuracy"), "0.97") == 0);
    for (int i = 0; i < in.count; i++) {
        const fl_entry *e = &in.entry[i], *w = &out.entry[i];
        CHECK(strcmp(e->name, w->name) == 0 && e->axes == w->axes && fl_entry_count(e) == fl_entry_count(w));
        CHECK(memcmp(e->size, w->size, sizeof e->size) == 0);
        CHECK(memcmp(e->data, w->data, (size_t)fl_entry_count(e) * sizeof(real)) == 0);
    }
    fl_bytes one, two;
    fl_file_read(&a, scratch("w.safetensors"), 1 << 20, &one);
    CHECK(one.data[0] % 8 == 0);
    CHECK(fl_safetensors_write(scratch("w2.safetensors"), &in, &m, &err) == FL_OK);
    fl_file_read(&a, scratch("w2.safetensors"), 1 << 20, &two);
    CHECK(one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
    fl_arena_free(&a);
}

TEST(io_safetensors_survives_every_failed_allocation)
{
    bool done = false;
    for (long k = 1; !done && k < 100; k++) {
        fl_error err = {0};
        fl_arena a;
        fl_bundle b;
        fl_metadata m;
        static const real x[4] = {1, 2, 3, 4};
        fl_arena_init(&a, &err);
        fl_bundle_init(&b, &a);
        fl_bundle_add(&b, "w", 1, (const int64_t[]){4}, x);
        fl_arena_fail_at(k);
        fl_status status = fl_safetensors_write(scratch("k.safetensors"), &b, NULL, &err);
        fl_bundle_init(&b, &a);
        if (status == FL_OK) status = fl_safetensors_read(&b, scratch("k.safetensors"), &m);
        fl_arena_fail_at(0);
        done = status == FL_OK;
        CHECK(status == err.status && (done || status == FL_FAILED));
        CHECK(!done || (b.count == 1 && b.entry[0].data[3] == 4));
        fl_arena_free(&a);
    }
    CHECK(done);
}

/* The reference files hold the parameters of `tiny`, filled by a formula (see reference/README.md): element i of a
 * weight with 2 or more axes is (2u - 1) sqrt(6 / fan in). The formula is written out here from its definition. */
static double formula(const char *name, int64_t i)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *c = name; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    uint64_t z = h + (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z = z ^ z >> 31;
    return (double)(z >> 40) / (1 << 24);
}

static void check_reference(const char *file)
{
    fl_error err = {0};
    fl_arena a;
    fl_bundle b;
    fl_metadata m;
    char path[600];
    fl_arena_init(&a, &err);
    fl_bundle_init(&b, &a);
    snprintf(path, sizeof path, "%s/reference/weights/%s", fl_test_shared(), file);
    CHECK_SAY(fl_safetensors_read(&b, path, &m) == FL_OK, "%s", err.message);
    CHECK(m.count == 1 && strcmp(m.pair[0].value, "pt") == 0);
    int checked = 0;
    for (int k = 0; k < b.count; k++) {
        const fl_entry *e = &b.entry[k];
        if (e->axes < 2) continue;
        int64_t fan_in = fl_entry_count(e) / e->size[0];
        for (int64_t i = 0; i < fl_entry_count(e); i++, checked++)
            CHECK_NEAR(e->data[i], (float)((2 * formula(e->name, i) - 1) * sqrt(6 / (double)fan_in)), 0);
    }
    const fl_entry *e = fl_bundle_find(&b, "stem_bn.num_batches_tracked");
    CHECK(checked > 1500 && e && e->axes == 0);
    fl_arena_free(&a);
}

TEST(io_safetensors_reference_files)
{
    if (!fl_test_shared()) SKIP("no reference files here");
    check_reference("plain.safetensors");
    check_reference("unaligned.safetensors");
    static const char *const refused[] = {"refuse_overflow", "refuse_short"};
    for (int i = 0; i < 2; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_bundle b;
        char path[600];
        fl_arena_init(&a, &err);
        fl_bundle_init(&b, &a);
        snprintf(path, sizeof path, "%s/reference/weights/%s.safetensors", fl_test_shared(), refused[i]);
        CHECK(fl_safetensors_read(&b, path, NULL) == FL_UNREADABLE);
        CHECK_SAY(strstr(err.message, "fc.weight") != NULL, "%s", err.message);
        fl_arena_free(&a);
    }
}
