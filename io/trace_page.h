/* trace_page.h: a trace for people: as text, as JSON, as a page from which one can learn how a gradient comes about. */
#ifndef FL_TRACE_PAGE_H
#define FL_TRACE_PAGE_H

#include "attribution/trace.h"
#include "io/buffer.h"
#include "io/json.h"

#include <stdio.h>

typedef struct fl_trace_view {
    const fl_traced *t;
    const char *model, *weights, *clip, *target, *method;     /* texts from anywhere; target: the class's name */
    const char *citation, *command;
    const unsigned char *rgb;                                 /* T,H,W,3: what the network saw */
    int frame_number;                                         /* of the pixel's frame in the source */
    double probability;
} fl_trace_view;

fl_status fl_trace_html(fl_buffer *, const fl_trace_view *);      /* one self-contained page */
void fl_trace_print(FILE *, const fl_trace_view *);
void fl_trace_write(fl_json *, const fl_trace_view *);            /* members "place", "way", "nodes", "absorbers" */

/* ---- shared by the three ---- */

/* Letters of the node's scope: "layer1.0" of "layer1.0.conv1", all of a name without scope. */
int fl_trace_scope(const char *name);
/* c,t,h,w of an element of a node. */
void fl_trace_place(const fl_node *, int64_t at, int place[4]);
/* The nodes that kept most, by |arrived - handed on|, most first; at most room. Without rules none. */
int fl_trace_absorbers(const fl_traced *, fl_id *node, int room);

#endif
