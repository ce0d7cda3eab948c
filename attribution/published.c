/* published.c: the study's own settings of its methods (published.def), by name. */
#include "attribution/published.h"

#include "attribution/rulesets.h"

#include <string.h>

static const fl_published table[] = {
#define FL_PUBLISHED(method, doc, score, channels, polarity, ...) \
    {method, doc, score, {channels, polarity, FL_UPSAMPLE_DEFAULT}, __VA_ARGS__, false},
#define FL_PUBLISHED_LAWLESS(method, doc, score, channels, polarity, ...) \
    {method, doc, score, {channels, polarity, FL_UPSAMPLE_DEFAULT}, __VA_ARGS__, true},
#include "attribution/published.def"
#undef FL_PUBLISHED
#undef FL_PUBLISHED_LAWLESS
    {.method = NULL}};

const fl_published *fl_published_find(const fl_method *m)
{
    for (const fl_published *p = table; p->method; p++)
        if (strcmp(p->method, m->name) == 0) return p;
    return NULL;
}
