/* test_cli_rules.c: footlight rules, and explain with a rule set of the user's. */
#include "attribution/rulesets.h"
#include "tests/cli_rig.h"

TEST(cli_rules_print_what_they_read)
{
    NEEDS_PROGRAM();
    for (int i = 0; fl_ruleset_name[i]; i++) {
        if (i % 7) continue;
        CHECK_SAY(rig_run("rules %s", fl_ruleset_name[i]) == 0 && strstr(rig_out, "match"), "%s: %s", fl_ruleset_name[i], rig_err);
        rig_keep();
        CHECK(rig_shell("\"$FOOTLIGHT\" rules %s > a.rules && \"$FOOTLIGHT\" rules a.rules", fl_ruleset_name[i]) == 0);
        CHECK_SAY(strcmp(rig_out, rig_kept) == 0, "%s reads back as another one", fl_ruleset_name[i]);
    }
    CHECK(rig_run("rules") == 0);
    for (int i = 0; fl_ruleset_name[i]; i++) CHECK(strstr(rig_out, fl_ruleset_name[i]) != NULL);
    CHECK(rig_run("rules lrp_epsilno") == 2 && strstr(rig_err, "did you mean 'lrp_epsilon'"));
    CHECK(rig_run("rules nothing.rules") == 3 && strstr(rig_err, "nothing.rules"));
    rig_shell("printf 'ruleset a\\nrule b shar\\n' > b.rules");
    CHECK(rig_run("rules b.rules") == 3 &&
          strstr(rig_err, "b.rules:2: kind of rule 'shar' is unknown; did you mean 'share'?"));
}

static double law_of(fl_arena *arena, const char *options, const char *member)
{
    CHECK_SAY(rig_run("explain $D/x.npy " TINY " -o $D/out --json --quiet %s", options) == 0, "%s: %s", options, rig_err);
    const fl_json_value *v = rig_json(arena);
    return v ? rig_number(v, member) : (double)NAN;
}

TEST(cli_rules_reach_the_map)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    rig_inputs();
    const double plain = law_of(&arena, "--method lrp_zplus", "maps.0.law.sum");
    CHECK(law_of(&arena, "--method lrp_zplus --no-fold", "maps.0.law.sum") != plain);
    CHECK(law_of(&arena, "--method lrp_zplus --rules lrp_flat", "maps.0.law.sum") ==
          law_of(&arena, "--method lrp_flat", "maps.0.law.sum"));
    rig_shell("\"$FOOTLIGHT\" rules lrp_zplus > z.rules");
    CHECK(law_of(&arena, "--method lrp_flat --rules $D/z.rules", "maps.0.law.sum") == plain);
    CHECK(law_of(&arena, "--method lrp_zplus", "maps.0.law.residual") < 1e-4);
    const double absorbed = law_of(&arena, "--method lrp_epsilon", "maps.0.law.absorbed");
    CHECK(fabs(law_of(&arena, "--method lrp_epsilon --epsilon 10", "maps.0.law.absorbed")) > 2 * fabs(absorbed));
    CHECK(rig_run("explain $D/x.npy " TINY " --method lrp_zplus --gamma 1 -o $D/out") == 2 && strstr(rig_err, "reads no such option"));
    CHECK(rig_run("explain $D/x.npy " TINY " --method gradient --rules lrp_zplus -o $D/out") == 2);
    CHECK(rig_run("explain $D/x.npy " TINY " --method lrp_zplus --rules deeplift -o $D/out") == 2 && strstr(rig_err, "baseline"));
    CHECK(rig_run("explain $D/x.npy " TINY " --method lrp_zbox --lowest 0 -o $D/out") == 2 && strstr(rig_err, "--highest"));
    rig_shell("printf 'ruleset a\\nrule b share\\nterm 1 1 0\\nmatch -> b\\n' > c.rules");
    CHECK(rig_run("explain $D/x.npy " TINY " --method lrp_zplus --rules $D/c.rules -o $D/out") == 2 &&
          strstr(rig_err, "cannot be used at node"));
    fl_arena_free(&arena);
}
