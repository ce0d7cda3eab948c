/* methods.c: the table of methods, and names: finding one, and the most similar to one that is not there. */
#include "attribution/driver.h"
#include "models/nearest.h"

#include <string.h>

const fl_method fl_method_table[] = {
#include "attribution/methods.def"
    {.name = NULL}
};

const char *const fl_channels_name[] = {"default", "sum", "mean", "abs_sum", "mean_abs", "max_abs", "l2", NULL};
const char *const fl_polarity_name[] = {"default", "both", "positive", "negative", "abs", NULL};
const char *const fl_upsample_name[] = {"default", "bilinear", "nearest", "trilinear", NULL};
const char *const fl_cam_pooling_name[] = {"default", "global", "per_frame", NULL};
const char *const fl_law_name[] = {"none", "complete", NULL};
const char *const fl_law_formula[] = {"", "sum of the map = score(clip) - score(baseline)", NULL};

const fl_method *fl_method_find(const char *name)
{
    for (const fl_method *m = fl_method_table; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

unsigned fl_method_uses(const fl_method *m) { return m->driver->uses[m->variant]; }
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
