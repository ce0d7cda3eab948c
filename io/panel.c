/* panel.c: the parts of a picture of a result. */
#include "io/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const fl_ink fl_paper = {252, 251, 249}, fl_ink_text = {32, 34, 42}, fl_ink_soft = {110, 112, 122};
const fl_ink fl_ink_line = {214, 212, 208}, fl_ink_bar = {168, 172, 184}, fl_ink_mark = {214, 84, 36};
const fl_ink fl_ink_warn = {158, 82, 0}, fl_ink_box = {60, 220, 90};

const char *fl_number_text(double value, int digits, char *room, size_t size)
{
    if (!isfinite(value)) snprintf(room, size, "n/a");
    else snprintf(room, size, "%.*g", digits, value == 0 ? 0.0 : value);
    for (char *c = room; *c; c++)
        if (*c == ',') *c = '.';                    /* whatever the locale says */
    return room;
}

fl_status fl_view_open(fl_view *v, fl_arena *arena, const fl_result *r, int method)
{
    *v = (fl_view){.result = r};
    fl_status status = fl_result_check(r, arena->error);
    if (status != FL_OK) return status;
    fl_assert(method >= 0 && method < r->method_count);
    v->method = &r->method[method];
    status = fl_scale_map(&v->scaled, arena, v->method->map, r->frames, (int64_t)r->height * r->width, r->look);
    if (status != FL_OK) return status;
    v->importance = fl_method_importance(r, v->method, arena);
    v->overlay = FL_NEW(arena, unsigned char, (size_t)r->height * (size_t)r->width * 3);
    return v->importance && v->overlay ? FL_OK : FL_FAILED;
}

const char *fl_view_target(const fl_view *v, char *room, size_t size)
{
    if (v->result->target_label) snprintf(room, size, "%s", v->result->target_label);
    else snprintf(room, size, "class %d", v->result->target);
    return room;
}

static const unsigned char *frame_of(const fl_view *v, int frame)
{
    return v->result->rgb + (size_t)frame * (size_t)v->scaled.pixels * 3;
}

static int zoomed_place(int at, int zoom) { return zoom < 0 ? at / -zoom : at * zoom; }

static void draw(const fl_view *v, fl_canvas *c, int x, int y, int frame, int zoom, const unsigned char *rgb)
{
    const fl_result *r = v->result;
    int b[4];
    fl_canvas_image(c, x, y, rgb, r->width, r->height, zoom);
    if (!fl_result_box(r, frame, b)) return;
    fl_canvas_frame(c, x + zoomed_place(b[0], zoom), y + zoomed_place(b[1], zoom), fl_zoomed(b[2] - b[0] + 1, zoom),
                    fl_zoomed(b[3] - b[1] + 1, zoom), zoom > 1 ? 2 : 1, fl_ink_box);
}

void fl_view_frame(const fl_view *v, fl_canvas *c, int x, int y, int frame, int zoom)
{
    draw(v, c, x, y, frame, zoom, frame_of(v, frame));
}

void fl_view_overlay(const fl_view *v, fl_canvas *c, int x, int y, int frame, int zoom)
{
    fl_scaled_overlay(&v->scaled, frame, frame_of(v, frame), v->overlay);
    draw(v, c, x, y, frame, zoom, v->overlay);
}

void fl_view_scale_text(const fl_view *v, char *room, size_t size)
{
    static const char *const sign[] = {"both signs", "positive values only", "negative values only",
                                       "absolute values"};
    const fl_scaled *s = &v->scaled;
    char a[32], b[32];
    snprintf(room, size, "%s; full colour from the %gth percentile of %s on; values of this clip: %s to %s",
             sign[s->look.show], s->look.percentile, s->look.scope == FL_SCOPE_frame ? "each frame (L)" : "the clip",
             fl_number_text(s->min, 3, a, sizeof a), fl_number_text(s->max, 3, b, sizeof b));
}

static void flat_text(const fl_view *v, char *room, size_t size)
{
    char a[32];
    if (v->scaled.min == 0) snprintf(room, size, "zero map: every value is 0, nothing to draw");
    else snprintf(room, size, "constant map: every value is %s, no place differs from another",
                  fl_number_text(v->scaled.min, 3, a, sizeof a));
}

void fl_view_bar(const fl_view *v, fl_canvas *c, int x, int y, int width)
{
    const fl_scaled *s = &v->scaled;
    char text[128];
    if (s->flat) {
        flat_text(v, text, sizeof text);
        fl_font_draw(c, x, y + 4, text, (fl_face){1, 1, fl_ink_warn});
        return;
    }
    double low = fl_scaled_two_sided(s) || s->look.show == FL_SHOW_negative ? -1 : 0;
    double high = s->look.show == FL_SHOW_negative ? 0 : 1;
    for (int i = 0; i < width; i++)
        fl_canvas_fill(c, x + i, y, 1, 14, fl_scaled_colour(s, low + (high - low) * i / (width - 1)));
    fl_canvas_frame(c, x - 1, y - 1, width + 2, 16, 1, fl_ink_line);
    bool per_frame = s->look.scope == FL_SCOPE_frame;
    for (int i = 0; i <= 4; i++) {
        double level = low + (high - low) * i / 4;
        int at = x + (width - 1) * i / 4;
        char number[32];
        fl_canvas_fill(c, at, y + 15, 1, 4, fl_ink_soft);
        fl_number_text(per_frame ? level : level * s->limit[0], 3, number, sizeof number);
        snprintf(text, sizeof text, "%s%s", number, per_frame && level != 0 ? " L" : "");
        fl_font_place(c, at, y + 22, i == 0 ? -1 : i == 4, text, FL_SMALL);
    }
}

/* Smallest step of labels that leaves a gap between neighbours. */
static int label_step(const fl_result *r, double slot)
{
    char text[16];
    int widest = 0;
    for (int t = 0; t < r->frames; t++) {
        snprintf(text, sizeof text, "%d", fl_result_index(r, t));
        int width = fl_font_width(text, FL_SMALL);
        if (width > widest) widest = width;
    }
    return (int)ceil((widest + 6) / slot);
}

void fl_view_curve(const fl_view *v, fl_canvas *c, int x, int y, int width, int height, int marked)
{
    const fl_result *r = v->result;
    double low = 0, high = 0, slot = (double)width / r->frames;
    for (int t = 0; t < r->frames; t++) {
        if (v->importance[t] < low) low = v->importance[t];
        if (v->importance[t] > high) high = v->importance[t];
    }
    double unit = high > low ? (height - 18) / (high - low) : 0;
    int zero = y + (int)(high * unit + 0.5), step = label_step(r, slot);
    for (int t = 0; t < r->frames; t++) {
        int left = x + (int)(t * slot + slot * 0.12), right = x + (int)((t + 1) * slot - slot * 0.12);
        int size = (int)(fabs(v->importance[t]) * unit + 0.5), wide = right > left ? right - left : 1;
        char text[16];
        bool here = t == marked || (marked < 0 && v->importance[t] == high && high > 0);
        int top = v->importance[t] < 0 ? zero : zero - size;
        fl_canvas_fill(c, left, top, wide, size, here ? fl_ink_mark : fl_ink_bar);
        if (t % step && t != marked) continue;
        if (marked >= 0 && t != marked && abs(t - marked) < step) continue;     /* room for the marked number */
        snprintf(text, sizeof text, "%d", fl_result_index(r, t));
        fl_font_place(c, (left + right) / 2, y + height - 11, 0, text, t == marked ? FL_STRONG : FL_SOFT);
    }
    fl_canvas_fill(c, x, zero, width, 1, fl_ink_soft);
    if (marked < 0) return;
    int at = x + (int)((marked + 0.5) * slot);
    for (int i = 0; i < 5; i++) fl_canvas_fill(c, at - i, y - 4 - i, 2 * i + 1, 1, fl_ink_mark);
}
