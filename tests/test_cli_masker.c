/* test_cli_masker.c: masking networks as users call them: one that ships, and one that is trained for a moment. */
#include "tests/cli_rig.h"

static fl_error error;
static fl_arena arena;

/* The mean of a metric from `evaluate --synth N --json`; NAN when it is not there. */
static double mean_of(const char *metric)
{
    char key[64];
    double mean = (double)NAN;
    snprintf(key, sizeof key, "\"%s\": {", metric);
    const char *at = strstr(rig_out, key), *m = at ? strstr(at, "\"mean\":") : NULL;
    if (m) sscanf(m, "\"mean\": %lf", &mean);
    return mean;
}

#define JUDGE "evaluate --model r2plus1d_small --synth 4 --metric insertion --curve-points 8 --json --quiet --method "

TEST(cli_masker_that_ships_beats_a_random_map)
{
    NEEDS_PROGRAM();
    CHECK_SAY(rig_run(JUDGE "real_time_saliency") == 0, "%s", rig_err);
    const double masker = mean_of("insertion");
    rig_keep();
    CHECK(rig_run(JUDGE "real_time_saliency --threads 1") == 0 && strcmp(rig_out, rig_kept) == 0);
    CHECK_SAY(rig_run(JUDGE "random") == 0, "%s", rig_err);
    const double random = mean_of("insertion");
    CHECK_SAY(masker > random + 0.2 && masker <= 1 && random > 0, "insertion %g, of a random map %g", masker, random);
}

TEST(cli_masker_is_trained_and_used)
{
    NEEDS_PROGRAM();
    fl_arena_init(&arena, &error);
    rig_inputs();
    const char *train = "train --masker --model tsm_small --steps 3 --warm-up 1 --batch 2 --validate 2 --every 1 --quiet ";
    CHECK_SAY(rig_run("%s-o $D/plain.safetensors", train) == 0, "%s", rig_err);
    CHECK_SAY(strstr(rig_out, "the mask is") != NULL, "said: %s", rig_out);
    CHECK(rig_run("%s--threads 1 --checkpoint $D/masker.state -o $D/saved.safetensors", train) == 0);
    CHECK(rig_run("%s--checkpoint $D/masker.state --resume -o $D/resumed.safetensors", train) == 0);
    CHECK(rig_shell("cmp plain.safetensors saved.safetensors && cmp saved.safetensors resumed.safetensors") == 0);
    CHECK(rig_run("%s--mask-area 9 --checkpoint $D/masker.state --resume -o $D/other.safetensors", train) == 4);
    CHECK(strstr(rig_err, "--mask-area 9") != NULL);
    const char *explain = "explain clip.ppm --quiet --method real_time_saliency --masker plain.safetensors ";
    CHECK_SAY(rig_run("%s--model tsm_small -o $D/once", explain) == 0, "%s", rig_err);
    CHECK(rig_run("%s--model tsm_small --threads 1 -o $D/twice", explain) == 0 && rig_shell("cmp once/map.npy twice/map.npy") == 0);
    CHECK(rig_shell("grep -q plain.safetensors once/result.json") == 0);
    CHECK_SAY(rig_run("%s--model c3d_small -o $D/never", explain) == 4 && strstr(rig_err, "tsm_small"), "said: %s", rig_err);
    CHECK(rig_run("explain clip.ppm --model c3d_small --method real_time_saliency -o $D/never") == 2 && strstr(rig_err, "train --masker"));
    fl_arena_free(&arena);
}

/* Folders named after the classes are numbered as the network numbers them (in the order of their names one clip of nine keeps its
 * class); clips are files of several kinds, and one is a folder of frames. */
#define SORTED "\"$FOOTLIGHT\" synth -o made --count 8 --quiet | while read clip class rest; do " \
               "mkdir -p data/$class && mv made/$clip.ppm data/$class/; done"
#define FRAMES "cd data/grow && mkdir frames && split -b 12301 -d -a 2 --additional-suffix=.ppm *.ppm frames/f && rm *.ppm"
#define GREY   "(printf 'YUV4MPEG2 W64 H64 F25:1 Cmono\\n'; for i in 1 2 3; do printf 'FRAME\\n'; head -c 4096 clip.ppm; done) " \
               "> data/move_up/grey.y4m"

TEST(cli_masker_learns_from_folders_of_clips)
{
    NEEDS_PROGRAM();
    rig_inputs();
    const char *train = "train --masker --model r2plus1d_small --data data --validation-data data --steps 2 --warm-up 1 --batch 2 "
                        "--every 1 --validate 9 --json ";
    double kept = 0;
    CHECK_SAY(rig_shell(SORTED) == 0 && rig_shell(FRAMES) == 0 && rig_shell(GREY) == 0, "no clips");
    CHECK_SAY(rig_run("%s--quiet", train) == 0, "%s", rig_err);
    const char *at = strstr(rig_out, "\"kept\": ");
    CHECK_SAY(strstr(rig_out, "\"held_out\": 9") && at && sscanf(at, "\"kept\": %lf", &kept) == 1 && kept > 0.4, "said: %s",
              rig_out);
    CHECK(rig_shell("mv data/shrink data/growth") == 0);
    CHECK_SAY(rig_run("%s--quiet", train) == 2 && strstr(rig_err, "'growth' is none"), "said: %s", rig_err);
    CHECK(rig_shell("mv data/growth data/shrink && cp clip.csv data/shrink/boxes.csv") == 0);
    CHECK_SAY(rig_run("%s--quiet", train) == 3 && strstr(rig_err, "boxes.csv"), "said: %s", rig_err);
    CHECK(rig_shell("rm -r data/shrink") == 0);
    CHECK_SAY(rig_run("%s--quiet", train) == 2 && strstr(rig_err, "expected 8 folders"), "said: %s", rig_err);
}
