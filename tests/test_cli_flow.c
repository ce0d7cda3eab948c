/* test_cli_flow.c: footlight flow, as a user calls it. */
#include "io/npy.h"
#include "tests/cli_rig.h"

TEST(cli_flow_writes_what_it_says)
{
    NEEDS_PROGRAM();
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    rig_inputs();
    CHECK_SAY(rig_run("flow $D/clip.ppm -o $D/flow.npy --picture $D/flow.png --json --threads 1") == 0, "%s",
              rig_err);
    const fl_json_value *j = rig_json(&a);
    CHECK(rig_number(j, "shape.0") == 15 && rig_number(j, "shape.1") == 64 && rig_number(j, "shape.3") == 2);
    CHECK(rig_number(j, "residual") < 0.6 * rig_number(j, "residual_without_flow"));
    fl_npy npy;
    const real *uv = fl_npy_read(&a, rig_file("flow.npy"), &npy);
    CHECK_SAY(uv != NULL, "%s", err.message);
    if (uv) {
        const int64_t *s = npy.size;
        CHECK(npy.axes == 4 && s[0] == 15 && s[1] == 64 && s[2] == 64 && s[3] == 2);
        double sum = 0, most = 0;
        for (int64_t i = 0; i < npy.count / 2; i++) {
            const double length = hypot((double)uv[2 * i], (double)uv[2 * i + 1]);
            sum += length;
            most = fmax(most, length);
        }
        CHECK_NEAR(rig_number(j, "mean_magnitude"), 2 * sum / (double)npy.count, 1e-6);
        CHECK_NEAR(rig_number(j, "max_magnitude"), most, 1e-5);
    }
    CHECK(rig_shell("cp flow.npy flow1.npy; head -c 4 flow.png | tail -c 3 | grep -q PNG") == 0);
    CHECK(rig_run("flow $D/clip.ppm -o $D/flow.npy --threads 5") == 0);
    CHECK_SAY(strstr(rig_out, "15 flows of 64 x 64 from 16 frames") != NULL, "%s", rig_out);
    CHECK(rig_shell("cmp flow.npy flow1.npy") == 0);
    CHECK(rig_run("flow $D/clip.ppm --json --short-side 32") == 0);
    CHECK(rig_number(rig_json(&a), "shape.2") == 32);
    CHECK(rig_run("flow $D/clip.ppm --json --model tiny") == 0);
    CHECK(rig_number(rig_json(&a), "shape.1") == 24);
    fl_arena_free(&a);
}

#define I3D_FLOW "--model i3d_flow --weights formula --frames 8 --json "

/* Logit of the best class; NAN after a failure. */
static double best_logit(fl_arena *a, const char *arguments)
{
    if (!CHECK_SAY(rig_run("predict %s %s", arguments, I3D_FLOW) == 0, "%s", rig_err)) return NAN;
    return rig_number(rig_json(a), "top.0.logit");
}

/* A clip, its flow beside it, and its flow alone: the network sees the same. */
TEST(cli_flow_reaches_the_network)
{
    NEEDS_PROGRAM();
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    rig_inputs();
    CHECK(rig_shell("head -c %d clip.ppm > short.ppm", 9 * 12301) == 0);      /* 9 frames, 8 flows */
    CHECK(rig_run("flow $D/short.ppm -o $D/flow.npy --model i3d_flow") == 0);
    const double computed = best_logit(&a, "$D/short.ppm --stride 1");
    CHECK(strcmp(rig_text(rig_json(&a), "input.flow.from"), "tv-l1") == 0);
    const double beside = best_logit(&a, "$D/short.ppm --stride 1 --flow $D/flow.npy");
    CHECK(strstr(rig_text(rig_json(&a), "input.flow.from"), "flow.npy") != NULL);
    const double alone = best_logit(&a, "$D/flow.npy --stride 1");
    CHECK(strcmp(rig_text(rig_json(&a), "input.format"), "flow npy") == 0);
    const double file = sizeof(real) == 8 ? 1e-6 : 0;                        /* it holds float32 */
    CHECK_SAY(fabs(beside - computed) <= file, "%.9g beside the clip, %.9g computed", beside, computed);
    CHECK_SAY(fabs(alone - computed) <= file, "%.9g alone, %.9g computed", alone, computed);
    CHECK(rig_run("predict $D/flow.npy --flow $D/flow.npy %s", I3D_FLOW) == 2 && strstr(rig_err, "flow already"));
    CHECK(rig_run("predict $D/clip.ppm --flow $D/flow.npy %s", I3D_FLOW) == 2);
    CHECK_SAY(strstr(rig_err, "8 flows do not belong") != NULL, "%s", rig_err);
    CHECK(rig_run("explain $D/flow.npy --method integrated_gradients --steps 1 --baseline black -o $D/out %s",
                  I3D_FLOW) == 2);
    CHECK_SAY(strstr(rig_err, "black") != NULL, "%s", rig_err);
    fl_arena_free(&a);
}

TEST(cli_flow_bench_measures)
{
    NEEDS_PROGRAM();
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    CHECK(rig_run("bench --flow 48x32 --repeat 1 --json") == 0);
    const fl_json_value *j = rig_json(&a);
    CHECK(rig_number(j, "best_s_per_flow") > 0 && rig_number(j, "flows") == 8);
    CHECK(rig_number(j, "peak_bytes") > 9 * 48 * 32 * 3);
    CHECK(rig_run("bench --flow 8x9") == 2 && rig_run("bench --flow wide") == 2 && strstr(rig_err, "320x240"));
    CHECK(rig_run("bench --flow 48x32 --peak") == 2 && strstr(rig_err, "several"));
    fl_arena_free(&a);
}

TEST(cli_flow_refuses)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("flow") == 2);
    CHECK(rig_run("flow $D/clip.ppm --short-side 32 --model tiny") == 2 && strstr(rig_err, "one of the two"));
    CHECK(rig_run("flow $D/clip.ppm --model nonsense") == 2 && strstr(rig_err, "nonsense"));
    CHECK(rig_run("flow $D/clip.ppm --levels 99") == 2 && strstr(rig_err, "levels"));
    CHECK(rig_run("flow $D/nowhere.ppm") == 3);
    CHECK(rig_shell("head -c 12301 clip.ppm > one.ppm") == 0);
    CHECK(rig_run("flow $D/one.ppm") == 2 && strstr(rig_err, "2 frames"));
    CHECK(rig_run("flow $D/clip.ppm -o $D/no/such/folder/f.npy") == 1);
    CHECK(rig_run("predict $D/clip.ppm --model r2plus1d_small --weights formula --flow $D/flow.npy") == 2 &&
          strstr(rig_err, "--flow: does nothing"));
}
