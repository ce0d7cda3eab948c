/* report_curves.c: the curves that belong to a map, one card per method. */
#include "io/chart.h"
#include "io/html.h"
#include "io/report_parts.h"

#include <math.h>
#include <stdio.h>

static void draw(fl_buffer *b, const fl_curve *c)
{
    char area[48] = "";
    const fl_series series = {NULL, c->count, c->x, c->y};
    if (isfinite(c->area)) snprintf(area, sizeof area, " area %.4g", c->area);
    fl_chart_draw(b, &(fl_chart){c->title ? c->title : "curve", area, c->x_name, c->y_name, 1, &series, 0});
}

void fl_report_curves(fl_buffer *b, const fl_result *r)
{
    for (int k = 0; k < r->method_count; k++) {
        const fl_method_map *m = &r->method[k];
        if (m->curve_count < 1) continue;
        fl_html(b, "<section class='card' data-method='%d'%s><h2>Curves of %s</h2><div class='charts'>\n", k,
                k ? " hidden" : "", fl_method_title(m));
        for (int i = 0; i < m->curve_count; i++) draw(b, &m->curve[i]);
        fl_buffer_text(b, "</div></section>\n");
    }
}
