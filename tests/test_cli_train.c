/* test_cli_train.c: footlight train and evaluate as users call them: small runs of the smallest network. */
#include "tests/test.h"

#include <string.h>

#define RUN "cd '%s' && OMP_NUM_THREADS=2 \"$FOOTLIGHT\" "
#define SMALL "train --model tsm_small --steps 4 --warm-up 1 --batch 2 --validate 4 --every 2 --quiet "

TEST(cli_train_writes_the_same_bits_with_checkpoints_and_threads)
{
    char out[4096];
    const char *in = fl_test_folder();
    CHECK(fl_test_shell(out, sizeof out, RUN SMALL "--seed 1 -o plain.safetensors", in) == 0);
    CHECK_SAY(strstr(out, "held out: ") != NULL, "said: %s", out);
    CHECK(fl_test_shell(out, sizeof out, RUN SMALL "--seed 1 --threads 1 --checkpoint state -o saved.safetensors", in) == 0);
    CHECK(fl_test_shell(out, sizeof out, RUN SMALL "--seed 1 --checkpoint state --resume -o resumed.safetensors", in) == 0);
    CHECK(fl_test_shell(NULL, 0, "cd '%s' && cmp plain.safetensors saved.safetensors && cmp saved.safetensors resumed.safetensors",
                        in) == 0);
    CHECK(fl_test_shell(NULL, 0, RUN SMALL "--seed 2 -o other.safetensors", in) == 0);
    CHECK(fl_test_shell(NULL, 0, "cd '%s' && cmp -s plain.safetensors other.safetensors", in) != 0);
}

TEST(cli_train_refuses_what_does_not_belong_together)
{
    char out[4096];
    const char *in = fl_test_folder();
    CHECK(fl_test_shell(NULL, 0, RUN SMALL "--seed 1 --checkpoint mine", in) == 0);
    CHECK(fl_test_shell(out, sizeof out, RUN SMALL "--seed 3 --checkpoint mine --resume 2>&1", in) == 4);
    CHECK_SAY(strstr(out, "another recipe") && strstr(out, "--seed 3") && strstr(out, "--seed 1"), "said: %s", out);
    CHECK(fl_test_shell(NULL, 0, RUN "train --resume --steps 2 --warm-up 0 2>/dev/null", in) == 2);
    CHECK(fl_test_shell(NULL, 0, RUN "train --model tsm_small --steps 5 --warm-up 5 2>/dev/null", in) == 2);
    CHECK(fl_test_shell(NULL, 0, RUN "train --model tiny --steps 5 --warm-up 0 2>/dev/null", in) == 2);
    CHECK(fl_test_shell(NULL, 0, RUN "train --model tsm_small --data no_such_folder 2>/dev/null", in) == 3);
}

/* A random map hits as often as the boxes are large; the shipped network's integrated gradients do much better. */
TEST(cli_evaluate_prints_a_table_against_chance)
{
    char out[8192];
    double pointing = 0, chance = 0;
    CHECK(fl_test_shell(out, sizeof out, RUN "evaluate --model c3d_small --synth 12 --method grad_cam --json --quiet",
                        fl_test_folder()) == 0);
    const char *p = strstr(out, "\"pointing\": {"), *m = p ? strstr(p, "\"mean\":") : NULL, *c = p ? strstr(p, "\"chance\":") : NULL;
    if (!CHECK_SAY(m && c, "said: %s", out)) return;
    CHECK(sscanf(m, "\"mean\": %lf", &pointing) == 1 && sscanf(c, "\"chance\": %lf", &chance) == 1);
    CHECK_SAY(pointing > 2 * chance && chance > 0, "pointing %g, chance %g", pointing, chance);
    CHECK(fl_test_shell(NULL, 0, RUN "evaluate --model tiny --weights formula 2>/dev/null", fl_test_folder()) == 2);
}
