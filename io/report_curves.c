/* report_curves.c: curves as SVG, drawn here, so that they are there without a script too. */
#include "io/html.h"
#include "io/report_parts.h"

#include <math.h>

enum { LEFT = 44, TOP = 12, WIDE = 300, HIGH = 150, FULL_WIDTH = 360, FULL_HEIGHT = 204 };

typedef struct range { double low, high; } range;

static range range_of(const double *v, int n, double low, double high)
{
    range r = {low, high};
    for (int i = 0; i < n; i++) {
        if (!isfinite(v[i])) continue;
        if (!(v[i] >= r.low)) r.low = v[i];
        if (!(v[i] <= r.high)) r.high = v[i];
    }
    return r;
}

static double part(double v, range r) { return r.high > r.low ? (v - r.low) / (r.high - r.low) : 0; }

static void point(fl_buffer *b, const fl_curve *c, int i, range x, range y, const char *command)
{
    fl_buffer_text(b, command);
    fl_buffer_number(b, LEFT + WIDE * part(c->x[i], x), 5);
    fl_buffer_text(b, " ");
    fl_buffer_number(b, TOP + HIGH * (1 - part(c->y[i], y)), 5);
}

static void label(fl_buffer *b, int x, int y, const char *anchor, double value)
{
    fl_html(b, "<text x='%d' y='%d' text-anchor='%s'>%g</text>", x, y, anchor, value);
}

/* Points that are not finite break the line. */
static void line(fl_buffer *b, const fl_curve *c, range x, range y)
{
    bool pen_down = false;
    fl_buffer_text(b, "<path class='line' d='");
    for (int i = 0; i < c->count; i++) {
        bool there = isfinite(c->x[i]) && isfinite(c->y[i]);
        if (there) point(b, c, i, x, y, pen_down ? "L" : "M");
        pen_down = there;
    }
    fl_buffer_text(b, "'/>");
}

static void draw(fl_buffer *b, const fl_curve *c)
{
    range x = range_of(c->x, c->count, c->count && isfinite(c->x[0]) ? c->x[0] : 0, -HUGE_VAL);
    range y = range_of(c->y, c->count, 0, 0);
    const char *title = c->title ? c->title : "curve";
    if (!(x.high >= x.low)) x.high = x.low;
    fl_html(b, "<figure><figcaption><b>%s</b>", title);
    if (isfinite(c->area)) fl_html(b, " area %g", c->area);
    fl_html(b, "</figcaption><svg viewBox='0 0 %d %d' role='img' ", FULL_WIDTH, FULL_HEIGHT);
    fl_html(b, "aria-label='%s: %d points from %g to %g'>", title, c->count, c->count ? c->y[0] : 0.0,
            c->count ? c->y[c->count - 1] : 0.0);
    fl_html(b, "<path class='axis' d='M%d %dV%dH%d'/>", LEFT, TOP, TOP + HIGH, LEFT + WIDE);
    line(b, c, x, y);
    label(b, LEFT - 6, TOP + 9, "end", y.high);
    label(b, LEFT - 6, TOP + HIGH, "end", y.low);
    label(b, LEFT, TOP + HIGH + 16, "start", x.low);
    label(b, LEFT + WIDE, TOP + HIGH + 16, "end", x.high);
    fl_html(b, "<text x='%d' y='%d' text-anchor='middle'>%s</text>", LEFT + WIDE / 2, TOP + HIGH + 32,
            c->x_name ? c->x_name : "");
    fl_html(b, "<text x='%d' y='%d'>%s</text></svg></figure>\n", LEFT + 8, TOP + 9, c->y_name ? c->y_name : "");
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
