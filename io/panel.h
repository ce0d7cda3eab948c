/* panel.h: what the sheet and the film have in common: inks, the colour bar, the importance bars, the overlay. */
#ifndef FL_PANEL_H
#define FL_PANEL_H

#include "io/font.h"
#include "io/result.h"

extern const fl_ink fl_paper, fl_ink_text, fl_ink_soft, fl_ink_line, fl_ink_bar, fl_ink_mark, fl_ink_warn, fl_ink_box;

#define FL_SMALL   ((fl_face){1, 0, fl_ink_text})
#define FL_SOFT    ((fl_face){1, 0, fl_ink_soft})
#define FL_STRONG  ((fl_face){1, 1, fl_ink_text})
#define FL_TITLE   ((fl_face){2, 1, fl_ink_text})
#define FL_LARGE   ((fl_face){2, 0, fl_ink_soft})

/* One method of a result, ready to be drawn. */
typedef struct fl_view {
    const fl_result *result;
    const fl_method_map *method;
    fl_scaled scaled;
    double *importance;          /* per frame */
    unsigned char *overlay;      /* one frame, height x width x 3 */
} fl_view;

fl_status fl_view_open(fl_view *, fl_arena *, const fl_result *, int method);

const char *fl_view_target(const fl_view *, char *room, size_t size);      /* label, or "class INDEX" */
void fl_view_frame(const fl_view *, fl_canvas *, int x, int y, int frame, int zoom);      /* as the network saw it */
void fl_view_overlay(const fl_view *, fl_canvas *, int x, int y, int frame, int zoom);    /* the map over it */

/* Bar, ticks and numbers, FL_BAR_HEIGHT high; for a flat map one sentence instead. */
enum { FL_BAR_HEIGHT = 34 };
void fl_view_bar(const fl_view *, fl_canvas *, int x, int y, int width);

/* The sentence that belongs to the bar: sign, percentile, scope. */
void fl_view_scale_text(const fl_view *, char *room, size_t size);

/* One bar per frame with the frame's index below, in a field of the given size; marked: a frame, or -1. */
void fl_view_curve(const fl_view *, fl_canvas *, int x, int y, int width, int height, int marked);

/* Value with so many significant digits into room; returns room. */
const char *fl_number_text(double value, int digits, char *room, size_t size);

#endif
