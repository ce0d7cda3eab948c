/* test_io_weights.c: every kind of weight file against the same tensors; damaged, foreign and hostile ones. */
#include "io/weights_file.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/weights/"

typedef struct opened { fl_error err; fl_arena arena; fl_weights_file w; fl_status status; } opened;

static void open_file(opened *o, const char *path)
{
    memset(o, 0, sizeof *o);
    fl_arena_init(&o->arena, &o->err);
    o->status = fl_weights_file_open(&o->arena, path, &o->w);
    CHECK_SAY(o->status == o->err.status, "%s: status %d, error %d: %s", path, (int)o->status, (int)o->err.status,
              o->err.message);
}

static void close_file(opened *o)
{
    fl_weights_file_close(&o->w);
    fl_arena_free(&o->arena);
}

static const fl_stored *find(const fl_weights_file *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->tensor[i].name, name) == 0) return &w->tensor[i];
    return NULL;
}

/* The nearest number with so many binary digits and exponents from least on; of two equally near the even one. */
static double rounded(double x, int digits, int least)
{
    int e;
    frexp(x, &e);
    const double unit = ldexp(1, (e < least ? least : e) - digits);
    return rint(x / unit) * unit;
}

static double as_it_is(double x) { return x; }
static double as_half(double x) { return rounded(x, 11, -13); }
static double as_bfloat(double x) { return (double)(float)rounded(x, 8, -125); }

/* The same tensors as in plain.safetensors (make_weights.py), under a prefix, with "." perhaps written otherwise. */
static const struct same {
    const char *file, *kind, *container, *prefix;
    int dot;
    fl_scalar type;
    double (*round)(double);
} same[] = {
    {"plain.safetensors", "safetensors", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"unaligned.safetensors", "safetensors", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"zip.pth", "PyTorch checkpoint (zip)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"legacy.pth", "PyTorch checkpoint (stream)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"checkpoint_zip.pth.tar", "PyTorch checkpoint (zip)", "state_dict", "module.", '.', FL_SCALAR_F32, as_it_is},
    {"checkpoint_legacy.pth.tar", "PyTorch checkpoint (stream)", "state_dict", "module.", '.', FL_SCALAR_F32,
     as_it_is},
    {"float16.pth", "PyTorch checkpoint (zip)", NULL, "", '.', FL_SCALAR_F16, as_half},
    {"bfloat16.pth", "PyTorch checkpoint (zip)", NULL, "", '.', FL_SCALAR_BF16, as_bfloat},
    {"float64_legacy.pth", "PyTorch checkpoint (stream)", NULL, "", '.', FL_SCALAR_F64, as_it_is},
    {"strided_shared.pth", "PyTorch checkpoint (zip)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"strided_shared_legacy.pth", "PyTorch checkpoint (stream)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"whole_module_zip.pth", "PyTorch checkpoint (zip)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"parameters.pth", "PyTorch checkpoint (zip)", NULL, "", '_', FL_SCALAR_F32, as_it_is},
    {"stored.npz", "NumPy archive (.npz)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
    {"deflated.npz", "NumPy archive (.npz)", NULL, "", '.', FL_SCALAR_F32, as_it_is},
};
enum { SAME = sizeof same / sizeof *same };

static void check_tensor(int k, const fl_stored *want, const fl_stored *got)
{
    static real a[1 << 12], b[1 << 12];
    int wrong = 0;
    const bool whole = want->type == FL_SCALAR_I64;
    CHECK_SAY(got->type == (whole ? FL_SCALAR_I64 : same[k].type), "%s: %s has type %s", same[k].file, got->name,
              fl_scalar_name(got->type));
    CHECK(got->axes == want->axes && got->count == want->count && memcmp(got->size, want->size,
                                                                         sizeof got->size) == 0);
    fl_stored_decode(want, 0, want->count, a);
    fl_stored_decode(got, 0, got->count, b);
    for (int64_t i = 0; i < want->count; i++)
        wrong += (double)b[i] != (whole ? (double)a[i] : same[k].round((double)a[i]));
    CHECK_SAY(wrong == 0, "%s: %d values of %s are wrong, the first is %g, not %g", same[k].file, wrong, got->name,
              (double)b[0], (double)a[0]);
}

TEST(io_weights_every_kind_holds_the_same_tensors)
{
    opened plain;
    open_file(&plain, GOLDEN "plain.safetensors");
    CHECK(plain.w.count == 20);
    for (int k = 0; k < SAME; k++) {
        opened o;
        char path[200], name[200];
        snprintf(path, sizeof path, GOLDEN "%s", same[k].file);
        open_file(&o, path);
        CHECK_SAY(o.status == FL_OK, "%s", o.err.message);
        CHECK(o.w.kind && strcmp(o.w.kind, same[k].kind) == 0);
        CHECK_SAY(strcmp(o.w.container ? o.w.container : "", same[k].container ? same[k].container : "") == 0, "%s",
                  same[k].file);
        CHECK(o.w.count == (same[k].dot == '.' ? 20 : 17));        /* a ParameterDict has no counters */
        for (int i = 0; i < plain.w.count; i++) {
            const fl_stored *want = &plain.w.tensor[i];
            snprintf(name, sizeof name, "%s%s", same[k].prefix, want->name);
            for (char *c = name; *c; c++)
                if (*c == '.' && same[k].dot != '.' && !*same[k].prefix) *c = (char)same[k].dot;
            const fl_stored *got = find(&o.w, name);
            if (!got && same[k].dot != '.' && want->type == FL_SCALAR_I64) continue;
            CHECK_SAY(got != NULL, "%s: no tensor %s", same[k].file, name);
            if (got) check_tensor(k, want, got);
        }
        close_file(&o);
    }
    close_file(&plain);
}

TEST(io_weights_strides_and_shared_storages_are_what_they_seem)
{
    opened o;
    open_file(&o, GOLDEN "strided_shared.pth");
    const fl_stored *fc = find(&o.w, "fc.weight"), *gamma = find(&o.w, "stem_bn.weight"),
        *beta = find(&o.w, "stem_bn.bias");
    CHECK(fc && fc->strided && fc->stride[0] == 1 && fc->stride[1] == 5);
    CHECK(gamma && beta && beta->values == gamma->values + 8 * 4);
    real some[3] = {0}, all[40] = {0};
    if (fc) fl_stored_decode(fc, 0, 40, all);
    if (fc) fl_stored_decode(fc, 6, 3, some);                      /* from the middle of a row */
    CHECK(memcmp(some, all + 6, sizeof some) == 0);
    close_file(&o);
}

static const struct { const char *file, *says; } refused[] = {
    {"refuse_global_zip.pth", "posix.system"}, {"refuse_reachable_global_legacy.pth", "posix.system"},
    {"refuse_gzip.pth", "gunzip"}, {"refuse_html.pth", "web page"}, {"refuse_lfs.pth", "git lfs pull"},
    {"refuse_overflow.safetensors", "2^40"}, {"refuse_short.safetensors", "cut short"},
    {"refuse_truncated.pth", "cut short"},
};

TEST(io_weights_refuses_and_runs_nothing)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        opened o;
        char path[200];
        snprintf(path, sizeof path, GOLDEN "%s", refused[i].file);
        open_file(&o, path);
        CHECK_SAY(o.status == FL_UNREADABLE && strstr(o.err.message, refused[i].says), "%s: %s", refused[i].file,
                  o.err.message);
        CHECK(strstr(o.err.message, refused[i].file) != NULL);
        const bool hostile = strstr(refused[i].file, "global") != NULL;
        CHECK(!hostile || (o.w.imports && o.w.import[0].class == FL_IMPORT_DANGEROUS
                           && strcmp(o.w.import[0].name, "system") == 0));
        close_file(&o);
    }
    CHECK(!fl_file_exists("footlight_was_here"));                  /* what the hostile files would have made */
}

TEST(io_weights_names_what_else_a_file_is)
{
    static const struct { const char *bytes; size_t size; const char *says; } other[] = {
        {"", 0, "empty"}, {"<!DOCTYPE html>", 15, "web page"}, {"\n  <html>", 9, "web page"},
        {"GGUF\3\0\0\0", 8, "GGUF"},
        {"\x89HDF\r\n\x1a\n\0\0\0\0", 12, "HDF5"}, {"\x04\0\0\0\1\0\0\0\3\0\0\0V 1\3\0\0", 18, "Torch7"},
        {"\x08\x04\x12\x07pytorch\x1a\x03" "1.9:", 17, "ONNX"}, {"\x0a\x08Sports1M\x12\x20\x0a\x04" "data", 18,
                                                                 "Caffe"},
        {"name: tensor\n", 13, "text file"}, {"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "empty zip"},
        {"\x01\x02\x03\x04\x05", 5, "01 02 03 04"}, {"\xfd" "7zXZ\0\0", 7, "unxz"}, {"\0\0\0 ftypisom", 12, "video"},
    };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_weights_file w;
        fl_arena_init(&a, &err);
        const fl_bytes b = {(const unsigned char *)other[i].bytes, other[i].size};
        CHECK(fl_weights_file_parse(&a, b, "other", &w) == FL_UNREADABLE);
        CHECK_SAY(strstr(err.message, other[i].says) != NULL, "%zu: %s", i, err.message);
        fl_arena_free(&a);
    }
    static unsigned char tar[1024] = "sys_info";
    for (int i = 0; i < 5; i++) tar[257 + i] = (unsigned char)"ustar"[i];
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    fl_arena_init(&a, &err);
    CHECK(fl_weights_file_parse(&a, (fl_bytes){tar, sizeof tar}, "old.pth", &w) == FL_UNREADABLE
          && strstr(err.message, "tar archive"));
    fl_arena_free(&a);
}

/* ---- small files: a = [[1, -2, 0.5], [3, 4, -0.25]], b = [7, -8] ---- */

/* summed: every byte is under a checksum */
static const struct { const char *file; bool summed; } small[] = {
    {"small_zip.pth", true}, {"small_deflated.pth", true}, {"small_big_endian.pth", true}, {"small_stream.pth", false},
    {"small_stored.npz", true}, {"small_deflated.npz", true}, {"small_arrays_0.pkl", false}, {"small_arrays_1.pkl", false},
    {"small_arrays_2.pkl", false},
    {"small_arrays_3.pkl", false}, {"small_arrays_4.pkl", false}, {"small_arrays_5.pkl", false},
};
enum { SMALL = sizeof small / sizeof *small };

static fl_bytes read_small(fl_arena *a, int k)
{
    char path[200];
    fl_bytes b = {0};
    snprintf(path, sizeof path, GOLDEN "%s", small[k].file);
    CHECK_SAY(fl_file_read(a, path, 1 << 20, &b) == FL_OK, "%s", a->error->message);
    return b;
}

static bool is_small(const fl_weights_file *w)
{
    static const real want_a[] = {1, -2, R(0.5), 3, 4, R(-0.25)}, want_b[] = {7, -8};
    real got[6];
    const fl_stored *a = find(w, "a"), *b = find(w, "b");
    if (w->count != 2 || !a || !b || a->count != 6 || b->count != 2 || a->axes != 2 || a->size[1] != 3) return false;
    fl_stored_decode(a, 0, 6, got);
    if (memcmp(got, want_a, sizeof want_a) != 0) return false;
    fl_stored_decode(b, 0, 2, got);
    return memcmp(got, want_b, sizeof want_b) == 0;
}

/* Reads every value of what was accepted: ASan sees the rest. */
static volatile real last_read;
static void read_all(const fl_weights_file *w)
{
    real part[64];
    for (int i = 0; i < w->count; i++)
        for (int64_t at = 0; at < w->tensor[i].count && at < 1 << 12; at += 64) {
            const int64_t left = w->tensor[i].count - at;
            fl_stored_decode(&w->tensor[i], at, left < 64 ? left : 64, part);
            last_read = part[0];
        }
}

TEST(io_weights_pickled_arrays_of_every_protocol)
{
    for (int k = 0; k < SMALL; k++) {
        fl_error err = {0};
        fl_arena a;
        fl_weights_file w;
        fl_arena_init(&a, &err);
        CHECK_SAY(fl_weights_file_parse(&a, read_small(&a, k), small[k].file, &w) == FL_OK, "%s", err.message);
        CHECK_SAY(is_small(&w), "%s: other tensors", small[k].file);
        for (int i = 0; i < w.imports; i++)
            CHECK_SAY(w.import[i].class == FL_IMPORT_KNOWN, "%s: %s.%s", small[k].file, w.import[i].module,
                      w.import[i].name);
        fl_arena_free(&a);
    }
}

/* Pages of a mapped file are given back after reading; numbers that were unpacked or decoded are not in the file. */
TEST(io_weights_can_be_read_again)
{
    for (int k = 0; k < SMALL; k++) {
        opened o;
        char path[200];
        snprintf(path, sizeof path, GOLDEN "%s", small[k].file);
        open_file(&o, path);
        CHECK_SAY(o.status == FL_OK && o.w.file.mapped, "%s", o.err.message);
        for (int times = 0; times < 3; times++) CHECK_SAY(is_small(&o.w), "%s, time %d", path, times);
        close_file(&o);
    }
}

TEST(io_weights_cut_anywhere_is_an_error)
{
    fl_error err = {0};
    fl_arena file, a;
    fl_arena_init(&file, &err);
    fl_arena_init(&a, &err);
    for (int k = 0; k < SMALL; k++) {
        fl_bytes b = read_small(&file, k);
        for (size_t size = 0; size < b.size; size++) {
            fl_weights_file w;
            const fl_mark mark = fl_arena_mark(&a);
            fl_error_clear(&err);
            CHECK_SAY(fl_weights_file_parse(&a, (fl_bytes){b.data, size}, "cut", &w) == FL_UNREADABLE && *err.message,
                      "%s: %zu bytes of %zu are taken", small[k].file, size, b.size);
            fl_arena_release(&a, mark);
        }
    }
    fl_arena_free(&a);
    fl_arena_free(&file);
}

/* One wrong bit: an error, or a file all the same; where there are checksums, the same tensors. */
TEST(io_weights_no_single_bit_does_harm)
{
    fl_error err = {0};
    fl_arena file, a;
    fl_arena_init(&file, &err);
    fl_arena_init(&a, &err);
    for (int k = 0; k < SMALL; k++) {
        const fl_bytes whole = read_small(&file, k);
        unsigned char *copy = FL_NEW(&file, unsigned char, whole.size);
        int taken = 0;
        memcpy(copy, whole.data, whole.size);
        for (size_t i = 0; i < whole.size * 8; i++) {
            fl_weights_file w;
            const fl_mark mark = fl_arena_mark(&a);
            fl_error_clear(&err);
            copy[i / 8] ^= (unsigned char)(1 << i % 8);
            const fl_status status = fl_weights_file_parse(&a, (fl_bytes){copy, whole.size}, "flipped", &w);
            CHECK_SAY(status == err.status && (status == FL_OK || status == FL_UNREADABLE), "%s, bit %zu: status %d",
                      small[k].file, i,
                      (int)status);
            if (status == FL_OK) {
                read_all(&w);
                taken++;
                CHECK_SAY(!small[k].summed || is_small(&w), "%s, bit %zu: other tensors", small[k].file, i);
            }
            copy[i / 8] ^= (unsigned char)(1 << i % 8);
            fl_arena_release(&a, mark);
        }
        CHECK_SAY(taken > 0 && (size_t)taken < whole.size * 8, "%s: %d of %zu", small[k].file, taken, whole.size * 8);
    }
    fl_arena_free(&a);
    fl_arena_free(&file);
}

TEST(io_weights_survive_every_failed_allocation)
{
    static const char *const files[] = {"small_zip.pth", "small_stream.pth", "small_deflated.npz",
                                        "small_arrays_0.pkl", "small_arrays_2.pkl",
                                        "whole_module_zip.pth", "unaligned.safetensors"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        bool done = false;
        char path[200], out[300];
        snprintf(path, sizeof path, GOLDEN "%s", files[f]);
        snprintf(out, sizeof out, "%s/k.safetensors", fl_test_folder());
        for (long k = 1; !done && k < 20000; k += k < 300 ? 1 : 37) {
            fl_error err = {0};
            fl_arena a;
            fl_bundle b;
            fl_weights_file w;
            fl_arena_init(&a, &err);
            fl_bundle_init(&b, &a);
            fl_arena_fail_at(k);
            fl_status status = fl_weights_file_open(&a, path, &w);
            if (status == FL_OK) status = fl_weights_file_bundle(&w, &b);
            if (status == FL_OK) status = fl_weights_file_write(&w, out, &err);
            fl_arena_fail_at(0);
            done = status == FL_OK;
            CHECK_SAY(status == err.status && (done || status == FL_FAILED), "%s, %ld: status %d: %s", files[f], k,
                      (int)status, err.message);
            fl_weights_file_close(&w);
            fl_arena_free(&a);
        }
        CHECK_SAY(done, "%s", files[f]);
    }
}

/* ---- out again ---- */

TEST(io_weights_convert_keeps_every_bit)
{
    for (int k = 0; k < SAME; k++) {
        opened from, to;
        char path[200], out[300];
        static unsigned char a[1 << 14], b[1 << 14];
        snprintf(path, sizeof path, GOLDEN "%s", same[k].file);
        snprintf(out, sizeof out, "%s/c.safetensors", fl_test_folder());
        open_file(&from, path);
        CHECK_SAY(fl_weights_file_write(&from.w, out, &from.err) == FL_OK, "%s", from.err.message);
        open_file(&to, out);
        CHECK_SAY(to.status == FL_OK && to.w.count == from.w.count, "%s", to.err.message);
        for (int i = 0; i < to.w.count && i < from.w.count; i++) {
            const fl_stored *p = &from.w.tensor[i], *q = &to.w.tensor[i];
            CHECK(strcmp(p->name, q->name) == 0 && p->type == q->type && p->count == q->count && p->axes == q->axes);
            fl_stored_pack(p, 0, p->count, a);
            fl_stored_pack(q, 0, q->count, b);
            CHECK_SAY(memcmp(a, b, (size_t)(p->count * fl_scalar_size(p->type))) == 0, "%s: %s", same[k].file,
                      p->name);
        }
        CHECK(to.w.file.bytes.size > 8 && to.w.file.bytes.data[0] % 8 == 0);
        close_file(&to);
        close_file(&from);
    }
}
