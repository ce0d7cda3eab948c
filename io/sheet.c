/* sheet.c: layout from top to bottom; every block returns the y behind it. */
#include "io/sheet.h"
#include "io/panel.h"
#include "io/png_out.h"

#include <math.h>
#include <stdio.h>

enum { COLUMNS = 8, MARGIN = 32, GAP = 8, NARROWEST = 760, GRID = 1280, CURVE = 96 };

typedef struct layout {
    int columns, rows, zoom, cell_width, cell_height, grid, width, height;
} layout;

static int rows_of_text(const fl_view *v)
{
    int rows = v->result->warnings.count + v->method->warnings.count;
    return rows + (v->method->law.name != NULL) + (v->scaled.not_finite > 0);
}

static layout plan(const fl_view *v)
{
    const fl_result *r = v->result;
    layout l = {.columns = r->frames < COLUMNS ? r->frames : COLUMNS};
    l.rows = (r->frames + l.columns - 1) / l.columns;
    int cell = (GRID - GAP * (l.columns - 1)) / l.columns;
    if (cell > 256) cell = 256;
    l.zoom = r->width <= cell ? cell / r->width : r->width > 256 ? -((r->width + 223) / 224) : 1;
    l.cell_width = fl_zoomed(r->width, l.zoom);
    l.cell_height = fl_zoomed(r->height, l.zoom);
    l.grid = l.columns * l.cell_width + (l.columns - 1) * GAP;
    l.width = (l.grid > NARROWEST ? l.grid : NARROWEST) + 2 * MARGIN;
    l.height = 124 + l.rows * (2 * l.cell_height + 48) + (r->frames > 1 ? CURVE + 44 : 0) + FL_BAR_HEIGHT + 56 +
               FL_FONT_LINE * rows_of_text(v);
    return l;
}

static void line(fl_canvas *c, int x, int y, const char *text, fl_face face)
{
    char cut[512];
    fl_font_fit(cut, sizeof cut, text, c->width - x - MARGIN, face);
    fl_font_draw(c, x, y, cut, face);
}

static int heading(const fl_view *v, fl_canvas *c)
{
    const fl_result *r = v->result;
    char text[512], target[128], p[32], z[32];
    line(c, MARGIN, 26, r->clip ? r->clip : "clip", FL_TITLE);
    snprintf(text, sizeof text, "%s  -  %s", r->model ? r->model : "model", fl_method_title(v->method));
    line(c, MARGIN, 56, text, FL_LARGE);
    snprintf(text, sizeof text, "explained: %s (%d)   probability %s   logit %s",
             fl_view_target(v, target, sizeof target), r->target,
             fl_number_text(r->target_probability, 3, p, sizeof p), fl_number_text(r->target_logit, 3, z, sizeof z));
    line(c, MARGIN, 88, text, FL_STRONG);
    return 116;
}

static int grid(const fl_view *v, fl_canvas *c, const layout *l, int y)
{
    for (int t = 0; t < v->result->frames; t++) {
        int x = MARGIN + t % l->columns * (l->cell_width + GAP);
        int top = y + t / l->columns * (2 * l->cell_height + 48);
        char text[32], number[32];
        snprintf(text, sizeof text, "%d", fl_result_index(v->result, t));
        fl_font_place(c, x + l->cell_width / 2, top, 0, text, FL_SMALL);
        fl_view_frame(v, c, x, top + 14, t, l->zoom);
        fl_view_overlay(v, c, x, top + 14 + l->cell_height + 4, t, l->zoom);
        if (v->scaled.look.scope != FL_SCOPE_frame || v->scaled.flat) continue;
        snprintf(text, sizeof text, "L = %s", fl_number_text(v->scaled.limit[t], 3, number, sizeof number));
        fl_font_place(c, x + l->cell_width / 2, top + 2 * l->cell_height + 23, 0, text, FL_SOFT);
    }
    return y + l->rows * (2 * l->cell_height + 48);
}

static int curve(const fl_view *v, fl_canvas *c, int y)
{
    char number[32], text[96];
    double largest = v->importance[0];
    if (v->result->frames < 2) return y;
    for (int t = 1; t < v->result->frames; t++)
        if (v->importance[t] > largest) largest = v->importance[t];
    int x = fl_font_draw(c, MARGIN, y, "importance of each frame", FL_STRONG);
    snprintf(text, sizeof text, "%s; highest %s", v->method->per_frame ? "as the method gives it" : "sum of |map|",
             fl_number_text(largest, 3, number, sizeof number));
    fl_font_draw(c, x + 8, y, text, FL_SOFT);
    fl_view_curve(v, c, MARGIN, y + 22, c->width - 2 * MARGIN, CURVE, -1);
    return y + CURVE + 44;
}

static int notes(const fl_view *v, fl_canvas *c, int y)
{
    const fl_law_result *law = &v->method->law;
    const fl_texts *lists[] = {&v->result->warnings, &v->method->warnings};
    char text[512], a[32], b[32], d[32];
    fl_face warn = {1, 0, fl_ink_warn};
    if (law->name) {
        snprintf(text, sizeof text, "law: %s   sum of the map %s, wanted %s, residual %s", law->name,
                 fl_number_text(law->sum, 6, a, sizeof a), fl_number_text(law->wanted, 6, b, sizeof b),
                 fl_number_text(law->residual, 3, d, sizeof d));
        line(c, MARGIN, y, text, FL_SMALL);
        y += FL_FONT_LINE;
    }
    if (v->scaled.not_finite > 0) {
        snprintf(text, sizeof text, "warning: %lld values of the map are not finite and are drawn as 0",
                 (long long)v->scaled.not_finite);
        line(c, MARGIN, y, text, warn);
        y += FL_FONT_LINE;
    }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < lists[k]->count; i++, y += FL_FONT_LINE) {
            snprintf(text, sizeof text, "warning: %s", lists[k]->item[i]);
            line(c, MARGIN, y, text, warn);
        }
    return y;
}

static void draw_sheet(const fl_view *v, fl_canvas *c, const layout *l)
{
    char text[512];
    int y = curve(v, c, grid(v, c, l, heading(v, c)));
    fl_view_bar(v, c, MARGIN, y, c->width / 2 - MARGIN);
    fl_font_place(c, c->width - MARGIN, y + 2, 1, "footlight", FL_SOFT);
    y += FL_BAR_HEIGHT + 8;
    fl_view_scale_text(v, text, sizeof text);
    line(c, MARGIN, y, text, FL_SOFT);
    notes(v, c, y + 24);
}

fl_status fl_sheet_png(fl_buffer *out, const fl_result *r, int method)
{
    fl_view v;
    fl_status status = fl_view_open(&v, out->arena, r, method);
    if (status != FL_OK) return status;
    layout l = plan(&v);
    fl_canvas c = fl_canvas_new(out->arena, l.width, l.height, fl_paper);
    if (!c.rgb) return out->arena->error ? out->arena->error->status : FL_FAILED;
    draw_sheet(&v, &c, &l);
    return fl_png_encode(out, c.rgb, c.width, c.height);
}
