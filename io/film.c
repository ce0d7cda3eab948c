/* film.c: the overlay as a moving picture. Left the frame, right the map over it, below the importance of each frame
 * with the present one marked. */
#include "io/apng.h"
#include "io/panel.h"
#include "io/sheet.h"

#include <stdio.h>

enum { MARGIN = 20, GAP = 10, SIDE = 336, CURVE = 64, TOP = 52, BELOW = 28, END = 14 };

static int zoom_for(const fl_result *r)
{
    int longer = r->width > r->height ? r->width : r->height;
    return longer <= SIDE ? SIDE / longer : -((longer + SIDE - 1) / SIDE);
}

static void heading(const fl_view *v, fl_canvas *c)
{
    char text[512], cut[512], target[128], p[32];
    int width = c->width - 2 * MARGIN;
    snprintf(text, sizeof text, "%s: %s", fl_method_title(v->method), fl_view_target(v, target, sizeof target));
    fl_font_fit(cut, sizeof cut, text, width, FL_STRONG);
    fl_font_draw(c, MARGIN, 14, cut, FL_STRONG);
    fl_number_text(v->result->target_probability, 3, p, sizeof p);
    snprintf(text, sizeof text, "%s, %s, probability %s", v->result->clip ? v->result->clip : "clip",
             v->result->model ? v->result->model : "model", p);
    fl_font_fit(cut, sizeof cut, text, width, FL_SOFT);
    fl_font_draw(c, MARGIN, 32, cut, FL_SOFT);
}

static void draw_frame(const fl_view *v, fl_canvas *c, int t, int zoom)
{
    const int w = fl_zoomed(v->result->width, zoom), h = fl_zoomed(v->result->height, zoom);
    fl_view_frame(v, c, MARGIN, TOP, t, zoom);
    fl_view_overlay(v, c, MARGIN + w + GAP, TOP, t, zoom);
    fl_canvas_fill(c, 0, TOP + h, c->width, c->height - TOP - h, fl_paper);
    fl_view_curve(v, c, MARGIN, TOP + h + BELOW, c->width - 2 * MARGIN, CURVE, t);
}

fl_status fl_film_png(fl_buffer *out, const fl_result *r, int method)
{
    fl_view v;
    fl_apng film;
    fl_status status = fl_view_open(&v, out->arena, r, method);
    if (status != FL_OK) return status;
    const int zoom = zoom_for(r), together = r->frames < FL_APNG_TOGETHER ? r->frames : FL_APNG_TOGETHER;
    const int width = 2 * (MARGIN + fl_zoomed(r->width, zoom)) + GAP, height = TOP + fl_zoomed(r->height, zoom) + BELOW + CURVE + END;
    fl_canvas c[FL_APNG_TOGETHER];
    const unsigned char *rgb[FL_APNG_TOGETHER];
    for (int i = 0; i < together; i++) {
        c[i] = fl_canvas_new(out->arena, width, height, fl_paper);
        if (!c[i].rgb) return out->arena->error ? out->arena->error->status : FL_FAILED;
        heading(&v, &c[i]);
        rgb[i] = c[i].rgb;
    }
    status = fl_apng_begin(&film, out, width, height, r->frames, (int)(1000 / fl_result_rate(r) + 0.5));
    for (int t = 0; t < r->frames && status == FL_OK; t += together) {
        const int count = r->frames - t < together ? r->frames - t : together;
        for (int i = 0; i < count; i++) draw_frame(&v, &c[i], t + i, zoom);
        status = fl_apng_add(&film, rgb, count);
    }
    return status == FL_OK ? fl_apng_end(&film) : status;
}
