/* names.c: what choices are called in options, results and reports; finding one, and the most similar to one that is not there. */
#include "attribution/attribution.h"
#include "models/nearest.h"

#include <string.h>

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
