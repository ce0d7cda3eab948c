/* methods.c: the table of methods, and names: finding one, and the most similar to one that is not there. */
#include "attribution/driver.h"
#include "attribution/published.h"
#include "attribution/rulesets.h"
#include "models/nearest.h"

#include <string.h>

/* Defaults that several rows share: what the methods explain that change the clip and watch; segments that are always there. */
#define WATCHED     .target = {.score = FL_SCORE_PROBABILITY}
#define GRID_PIECES .segments = "grid", .pieces = 100, .compactness = 10, .time_spacing = 1, .hide = FL_HIDE_BASELINE

const fl_method fl_method_table[] = {
#include "attribution/methods.def"
    {.name = NULL}
};

const char *const fl_channels_name[] = {"default", "sum", "mean", "abs_sum", "mean_abs", "max_abs", "l2", NULL};
const char *const fl_polarity_name[] = {"default", "both", "positive", "negative", "abs", NULL};
const char *const fl_upsample_name[] = {"default", "bilinear", "nearest", "trilinear", NULL};
const char *const fl_cam_pooling_name[] = {"default", "global", "per_frame", NULL};
const char *const fl_hide_name[] = {"default", "baseline", "mean_colour", NULL};
const char *const fl_goal_name[] = {"default", "preserve", "delete", "dual", NULL};
const char *const fl_core_shape_name[] = {"default", "ellipsoid", "cylinder", NULL};
const char *const fl_law_name[] = {"none", "complete", "conserves", "sums_to_one", "shares", NULL};
const char *const fl_law_formula[] = {"", "sum of the map = score(clip) - score(baseline)",
                                      "sum of the map + absorbed by biases and stabilisers = score",
                                      "sum of the map + absorbed where nothing excites = 1",
                                      "sum over the segments = score(clip) - score(all segments hidden)", NULL};

const fl_method *fl_method_find(const char *name)
{
    for (const fl_method *m = fl_method_table; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

uint64_t fl_method_uses(const fl_method *m)
{
    const fl_ruleset *set = m->defaults.rules;
    uint64_t uses = m->driver->uses[m->variant] | (fl_published_find(m) ? FL_READS(as_published) : 0);
    if (!set) return uses;
    uses |= FL_READS(rules) | FL_READS(unfolded);
    uses |= (m->level == FL_LEVEL_LAYER ? FL_READS(layer) : 0) | (set->reference ? FL_READS_BASELINE : 0);
    return uses | (fl_ruleset_has_epsilon(set) ? FL_READS(epsilon) : 0) | (fl_ruleset_has_gamma(set) ? FL_READS(gamma) : 0) |
           (fl_ruleset_has_beta(set) ? FL_READS(beta) : 0) |
           (fl_ruleset_bounded(set) ? FL_READS(lowest) | FL_READS(highest) : 0);
}
const char *fl_method_driver(const fl_method *m) { return m->driver->name; }

int fl_name_find(const char *const *list, const char *name)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(list[i], name) == 0) return i;
    return -1;
}

const char *fl_name_nearest(const char *const *list, const char *name)
{
    const char *best = list[0];
    for (int i = 1; list[i]; i++)
        if (fl_word_distance(list[i], name) < fl_word_distance(best, name)) best = list[i];
    return best;
}

const char *fl_method_nearest(const char *name)
{
    const char *best = fl_method_table->name;
    for (const fl_method *m = fl_method_table; m->name; m++)
        if (fl_word_distance(m->name, name) < fl_word_distance(best, name)) best = m->name;
    return best;
}
