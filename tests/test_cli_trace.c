/* test_cli_trace.c: footlight trace: text, JSON, page, and what it refuses. */
#include "tests/cli_rig.h"

TEST(cli_trace_shows_one_pixel)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    rig_inputs();
    CHECK_SAY(rig_run("trace $D/x.npy " TINY " --pixel 3,10,12 --channel 1 --target 2 -o $D/walk.html") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "row 10, column 12, channel 1") && strstr(rig_out, "autograd/ops/conv.c") && strstr(rig_out, "stem_bn"));
    CHECK_SAY(rig_run("trace $D/x.npy " TINY " --pixel 3,10,12 --channel 1 --target 2 --json") == 0, "%s", rig_err);
    const fl_json_value *v = rig_json(&arena);
    const double signal = rig_number(v, "signal");
    CHECK_NEAR(rig_number(v, "through"), signal, 1e-3 * fabs(signal));
    CHECK(rig_number(v, "class") == 2 && rig_number(v, "way.0.signal_in") == 1 && strcmp(rig_text(v, "way.0.name"), "fc") == 0);
    CHECK(rig_number(v, "nodes.0.reached") == 1 && strcmp(rig_text(v, "nodes.0.op"), "input") == 0);
    CHECK(rig_shell("grep -c 'http\\|<script\\|src=.[^d]' walk.html") == 1);                   /* one file, no network, no script */
    CHECK(rig_shell("grep -q 'img-src data' walk.html && grep -q 'autograd/ops/linear.c' walk.html && "
                    "grep -q 'class=.mine.' walk.html") == 0);
    CHECK_SAY(rig_run("trace --model tiny --weights formula --method lrp_zplus") == 0 && strstr(rig_out, "who keeps most"), "%s", rig_err);
    CHECK(rig_run("trace --model tiny --weights formula --pixel 8,0,0") == 2 && strstr(rig_err, "below 8,24,24"));
    CHECK(rig_run("trace --model tiny --weights formula --pixel 8,0") == 2 &&
          rig_run("trace --model tiny --weights formula --channel 3") == 2);
    CHECK(rig_run("trace --model tiny --weights formula --method grad_cam") == 2 && strstr(rig_err, "one walk down"));
    CHECK(rig_run("trace --model tiny --weights formula --method gradient,deconvnet") == 2);
    fl_arena_free(&arena);
}
