/* methods.c: the table of methods; finding one, and the most similar to one that is not there. */
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

const fl_method *fl_method_find(const char *name)
{
    for (const fl_method *m = fl_method_table; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

const char *fl_method_nearest(const char *name)
{
    const char *best = fl_method_table->name;
    for (const fl_method *m = fl_method_table; m->name; m++)
        if (fl_word_distance(m->name, name) < fl_word_distance(best, name)) best = m->name;
    return best;
}
