/* test_cli_check.c: footlight check: its table, its JSON, its exit codes. */
#include "tests/cli_rig.h"

TEST(cli_check_is_a_verdict)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    rig_inputs();
    CHECK_SAY(rig_run("check --model tiny --weights formula") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "conv, network: forward = definition") && strstr(rig_out, " 0 failed") && !strstr(rig_out, "FAIL"));
    CHECK_SAY(rig_run("check $D/x.npy " TINY " --only ops --json") == 0, "%s", rig_err);
    const fl_json_value *v = rig_json(&arena);
    CHECK(rig_number(v, "failed") == 0 && rig_number(v, "passed") > 20 &&
          rig_number(v, "checks.0.figure") <= rig_number(v, "checks.0.bound"));
    CHECK(strcmp(rig_text(v, "checks.0.group"), "ops") == 0 && *rig_text(v, "checks.0.bound_from"));
    CHECK_SAY(rig_run("check --clip $D/x.npy " TINY " --only network --threads 2") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "switches held") && strstr(rig_out, "weights untouched") && !strstr(rig_out, "lrp_zero"));
    fl_arena_free(&arena);
}

#ifndef FL_F64
/* Weights four times too large: whatever the step, no two quotients agree. What was not compared is not called right. */
TEST(cli_check_says_what_this_precision_cannot_see)
{
    NEEDS_PROGRAM();
    CHECK_SAY(rig_run("check --model cnn_lstm_small --weights formula:4 --only network") == 0, "%s", rig_err);
    CHECK_SAY(strstr(rig_out, "no two quotients agree") && strstr(rig_out, "F64=1") && strstr(rig_out, "4 passed, 0 failed, 1 skipped"),
              "%s", rig_out);
}
#endif

TEST(cli_check_fails_with_a_fault_inside)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    CHECK(rig_run("check --model tiny --weights formula --inject missing_mask --json") == 5);
    CHECK_SAY(strstr(rig_err, "checks failed, first: relu"), "%s", rig_err);
    const fl_json_value *v = rig_json(&arena);
    CHECK(rig_number(v, "failed") > 5 && strcmp(rig_text(v, "injected"), "missing_mask") == 0);
    CHECK(rig_run("check --inject list") == 0 && strstr(rig_out, "transposed_kernel"));
    CHECK(rig_run("check --model tiny --weights formula --inject missing_mark") == 2 && strstr(rig_err, "missing_mask"));
    CHECK(rig_run("check --model tiny --weights formula --inject wrong_slope") == 2 && strstr(rig_err, "tanh"));
    CHECK(rig_run("check --model tiny --weights formula --tensor") == 2 && strstr(rig_err, "--clip"));
    CHECK(rig_run("check --model tiny --weights formula --only nothing") == 2);
    fl_arena_free(&arena);
}
