/* test_cli_labels.c: the check of labels: footlight sanity trains a network on shuffled labels, and compares maps. */
#include "tests/cli_rig.h"

static fl_error error;
static fl_arena arena;

#define TINY8 "--model tiny --classes 8 --weights true.safetensors --quiet --method gradient,grad_cam --checks labels "

static double learned(const char *member)
{
    char path[64];
    snprintf(path, sizeof path, "learned.%s", member);
    return rig_number(rig_json(&arena), path);
}

/* A network that learned what the clips show, and one of the same kind that learned 16 of them by heart under wrong names. */
TEST(cli_sanity_learns_shuffled_labels)
{
    NEEDS_PROGRAM();
    fl_arena_init(&arena, &error);
    CHECK(rig_run("synth -o $D/actions --count 1 --frames 8 --size 24x24 --seed 9 --quiet") == 0);
    CHECK_SAY(rig_run("train --model tiny --classes 8 --steps 120 --warm-up 20 --validate 0 --quiet -o $D/true.safetensors") == 0,
              "%s", rig_err);
    CHECK_SAY(rig_run("sanity actions/clip_000000.ppm " TINY8 "--label-clips 16 --json --threads 1") == 0, "%s", rig_err);
    CHECK_SAY(learned("known") >= 0.95 && learned("steps") >= 20 && learned("steps") < 1500, "said: %.400s", rig_out);
    for (int m = 0; m < 2; m++) {
        char path[64];
        snprintf(path, sizeof path, "methods.%d.labels.spearman_abs", m);
        const double rho = rig_number(rig_json(&arena), path);
        CHECK_SAY(fabs(rho) < 0.5, "method %d: %g", m, rho);
    }
    rig_keep();
    CHECK(rig_run("sanity actions/clip_000000.ppm " TINY8 "--label-clips 16 --json --threads 3") == 0 && strcmp(rig_out, rig_kept) == 0);
    fl_arena_free(&arena);
}

/* What was not learned decides nothing; what cannot be learned is said. */
TEST(cli_sanity_says_what_was_not_learned)
{
    NEEDS_PROGRAM();
    fl_arena_init(&arena, &error);
    CHECK(rig_run("synth -o $D/few --count 1 --frames 8 --size 24x24 --seed 9 --quiet") == 0);
    CHECK(rig_run("train --model tiny --classes 8 --steps 2 --warm-up 1 --validate 0 --quiet -o $D/true.safetensors") == 0);
    CHECK(rig_run("sanity few/clip_000000.ppm " TINY8 "--label-clips 200 --label-steps 21") == 0);
    CHECK_SAY(strstr(rig_out, "after 21 batches") && strstr(rig_out, "did not learn") && !strstr(rig_out, "FAILS"), "said: %s", rig_out);
    CHECK(rig_run("sanity few/clip_000000.ppm --model tiny --weights formula --checks labels --method gradient") == 2 &&
          strstr(rig_err, "--classes 8"));
    CHECK(rig_run("sanity few/clip_000000.ppm " TINY8 "--label-data nowhere") == 3);
    fl_arena_free(&arena);
}
