/* test_cli_against.c: footlight check --save and --against: what was written reads back, and a deliberately wrong copy is told where. */
#include "io/npz_write.h"
#include "io/weights_file.h"
#include "tests/cli_rig.h"

static bool same_entry(const fl_bundle *b, const char *name, const real *want, int64_t n)
{
    const fl_entry *e = fl_bundle_find(b, name);
    real got[64];
    if (!e || fl_entry_count(e) != n) return false;
    fl_entry_read(e, 0, n, got);
    return memcmp(got, want, (size_t)n * sizeof *want) == 0;
}

TEST(io_npz_reads_back_what_was_written)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    const real a[6] = {1, R(-2.5), 3, R(1e-20), 0, 7}, one = 42;
    const int64_t size[2] = {2, 3};
    fl_npz_out z;
    fl_weights_file f;
    fl_bundle b;
    CHECK(fl_npz_begin(&z, &arena, rig_file("w.npz")) == FL_OK);
    fl_npz_add(&z, "activation:layer1.0", 2, size, a);
    fl_npz_add(&z, "class", 0, NULL, &one);
    CHECK_SAY(fl_npz_end(&z) == FL_OK, "%s", error.message);
    CHECK_SAY(fl_weights_file_open(&arena, rig_file("w.npz"), &f) == FL_OK && f.count == 2, "%s", error.message);
    fl_bundle_init(&b, &arena);
    CHECK(fl_weights_file_bundle(&f, &b) == FL_OK && same_entry(&b, "activation:layer1.0", a, 6) && same_entry(&b, "class", &one, 1));
    const fl_entry *e = fl_bundle_find(&b, "activation:layer1.0");
    CHECK(e && e->axes == 2 && e->size[0] == 2 && e->size[1] == 3);
    fl_weights_file_close(&f);
    CHECK(fl_npz_begin(&z, &arena, "/nowhere/w.npz") != FL_OK && fl_npz_end(&z) != FL_OK);
    fl_arena_free(&arena);
}

TEST(cli_against_itself_agrees)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK_SAY(rig_run("check $D/x.npy " TINY " --target 3 --save $D/ours.npz") == 0, "%s", rig_err);
    CHECK_SAY(rig_run("check --model tiny --weights formula --against $D/ours.npz --tolerance 0") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "they agree") && strstr(rig_out, "activation:stem_bn") &&
          strstr(rig_out, "gradient:pool") && !strstr(rig_out, "no node's"));
    /* exact sums are made node by node, ordinary ones in fused passes: signals are those of nodes in both */
    CHECK_SAY(rig_run("check --model tiny --weights formula --exact --against $D/ours.npz --tolerance 1e-5") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "gradient:relus.1"));
    char shared[4096];                                     /* the program runs in another folder */
    if (!fl_test_shared() || !realpath(fl_test_shared(), shared)) return;
    CHECK_SAY(rig_run("check --model tiny --weights formula --against '%s/reference/networks/tiny.npz' --tolerance 1e-6", shared) == 0,
              "%s", rig_err);
    CHECK(strstr(rig_out, "gradient  ") && strstr(rig_out, "13824 values"));
}

TEST(cli_against_a_wrong_copy_says_where)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    rig_inputs();
    CHECK(rig_run("check $D/x.npy " TINY " --target 3 --save $D/ours.npz") == 0);
    /* norms with other scales: everything from the first norm on differs, and nothing before it */
    CHECK(rig_run("check --model tiny --weights formula:1.05 --against $D/ours.npz --json") == 5);
    CHECK_SAY(strstr(rig_err, "they part at activation:stem_bn") && strstr(rig_err, "activation:stem still agrees"), "%s", rig_err);
    const fl_json_value *v = rig_json(&arena);
    CHECK(strstr(rig_text(v, "values_part_at"), "batchnorm.c") && strstr(rig_text(v, "gradients_part_at"), "gradient:"));
    CHECK(strcmp(rig_text(v, "arrays.0.name"), "input") == 0 && rig_number(v, "arrays.0.relative") == 0);
    CHECK(rig_run("check --model tiny --weights formula:1.05 --against $D/ours.npz --tolerance 10") == 0);
    /* a gradient of twice the size is a scale */
    real g[RIG_VOXELS];
    const int64_t size[5] = {1, RIG_C, RIG_T, RIG_SIDE, RIG_SIDE};
    fl_weights_file f;
    fl_bundle b;
    fl_npz_out z;
    fl_bundle_init(&b, &arena);
    CHECK(fl_weights_file_open(&arena, rig_file("ours.npz"), &f) == FL_OK && fl_weights_file_bundle(&f, &b) == FL_OK);
    const fl_entry *e = fl_bundle_find(&b, "gradient");
    if (CHECK(e && fl_entry_count(e) == RIG_VOXELS)) fl_entry_read(e, 0, RIG_VOXELS, g);
    for (int i = 0; i < RIG_VOXELS; i++) g[i] /= 2;
    CHECK(fl_npz_begin(&z, &arena, rig_file("half.npz")) == FL_OK);
    fl_npz_add(&z, "gradient", 5, size, g);
    fl_npz_add(&z, "someone.elses", 5, size, g);
    CHECK(fl_npz_end(&z) == FL_OK);
    fl_weights_file_close(&f);
    CHECK(rig_run("check $D/x.npy " TINY " --target 3 --against $D/half.npz") == 5);
    CHECK_SAY(strstr(rig_out, "the same direction, 2 times as large") &&
              strstr(rig_out, "1 arrays are no node's, first someone.elses"), "%s", rig_out);
    /* a gradient of another shape is no gradient that agrees, and a class is one number */
    CHECK(fl_npz_begin(&z, &arena, rig_file("part.npz")) == FL_OK);
    fl_npz_add(&z, "gradient", 5, (const int64_t[]){1, RIG_C, RIG_T / 2, RIG_SIDE, RIG_SIDE}, g);
    fl_npz_add(&z, "activation:stem", 5, (const int64_t[]){1, 1, 1, 1, 1}, g);
    fl_npz_add(&z, "input", 5, size, rig_inputs());
    CHECK(fl_npz_end(&z) == FL_OK);
    CHECK_SAY(rig_run("check --model tiny --weights formula --against $D/part.npz") == 5 && strstr(rig_err, "gradient was not compared"),
              "%s%s", rig_out, rig_err);
    CHECK(strstr(rig_out, "2 have another shape"));
    CHECK(fl_npz_begin(&z, &arena, rig_file("classes.npz")) == FL_OK);
    fl_npz_add(&z, "class", 1, (const int64_t[]){2}, g);
    CHECK(fl_npz_end(&z) == FL_OK);
    CHECK(rig_run("check $D/x.npy " TINY " --against $D/classes.npz") == 3 && strstr(rig_err, "expected one number"));
    /* what cannot be compared is said */
    CHECK(rig_run("check $D/x.npy " TINY " --against $D/x.npy") == 2 && strstr(rig_err, "nothing in it can be compared"));
    CHECK(rig_run("check $D/x.npy " TINY " --tolerance 1") == 2 && rig_run("check $D/x.npy " TINY " --against $D/none.npz") == 3);
    fl_arena_free(&arena);
}
