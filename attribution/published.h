/* published.h: a method as the study's code has it, where that differs: options.as_published. */
#ifndef FL_PUBLISHED_H
#define FL_PUBLISHED_H

#include "attribution/attribution.h"

typedef struct fl_published {
    const char *method, *doc;            /* doc: how it differs */
    fl_score score;
    fl_reduction reduction;
    fl_explain_options options;
    bool lawless;                        /* its values sum to something else than the method's law says */
} fl_published;

const fl_published *fl_published_find(const fl_method *);    /* NULL: there is no other way, or it is the same */

#endif
