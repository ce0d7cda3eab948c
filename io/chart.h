/* chart.h: curves as SVG in a page, drawn here, so that they are there without a script too. */
#ifndef FL_CHART_H
#define FL_CHART_H

#include "io/buffer.h"

typedef struct fl_series {
    const char *name;            /* NULL: not named below the chart */
    int count;
    const double *x, *y;         /* points that are not finite break the line */
} fl_series;

typedef struct fl_chart {
    const char *title, *note;    /* note: behind the title; may be NULL */
    const char *x_name, *y_name;
    int count;                   /* of series */
    const fl_series *series;
    double y_high;               /* the y axis reaches at least there; it begins at 0, or below where a value is */
} fl_chart;

/* One <figure>. The first series has the page's accent; the others have colours of their own, which tell apart on light and dark. Wants
 * the rules .axis and .line of fl_chart_style or of the page. */
void fl_chart_draw(fl_buffer *, const fl_chart *);

/* A whole page of charts: light and dark, no script, nothing from the network. */
void fl_chart_page(fl_buffer *, const char *title, const char *text, const fl_chart *, int count);

#endif
