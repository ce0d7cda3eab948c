/* flow_colour.c: colours of vectors, and the sheet that shows them with their wheel. */
#include "io/flow_colour.h"

#include "io/panel.h"
#include "io/png_out.h"

#include <math.h>
#include <stdio.h>

enum { BINS = 1000, COLUMNS = 4, MARGIN = 32, GAP = 8, CELL = 300, WHEEL = 75, NARROWEST = 620, TOP = 92 };

static double length_of(const real *f) { return sqrt((double)f[0] * (double)f[0] + (double)f[1] * (double)f[1]); }

double fl_flow_limit(const real *uv, int64_t vectors)
{
    int64_t bin[BINS + 1] = {0}, seen = 0;
    double most = 0;
    for (int64_t i = 0; i < vectors; i++) most = fmax(most, length_of(uv + 2 * i));
    if (!(most > 0)) return 0;
    for (int64_t i = 0; i < vectors; i++) bin[(int)(length_of(uv + 2 * i) / most * BINS)]++;
    for (int k = 0; k < BINS; k++) {
        seen += bin[k];
        if ((double)seen >= 0.99 * (double)vectors) return most * (k + 1) / BINS;
    }
    return most;
}

void fl_flow_colours(const real *uv, int64_t vectors, double limit, unsigned char *rgb)
{
    static const double axis[3][2] = {{1, 0}, {-0.5, 0.86602540378443865}, {-0.5, -0.86602540378443865}};
    for (int64_t i = 0; i < vectors; i++, uv += 2) {
        const double length = length_of(uv), strength = limit > 0 ? fmin(length / limit, 1) : 0;
        for (int c = 0; c < 3; c++) {
            const double along = length > 0 ? (axis[c][0] * (double)uv[0] + axis[c][1] * (double)uv[1]) / length : 0;
            const double hue = fmin(fmax(0.5 + 0.75 * along, 0), 1);
            rgb[3 * i + c] = (unsigned char)floor(255 * (1 - strength + strength * hue) + 0.5);
        }
    }
}

/* ---- the sheet ---- */

typedef struct layout { int columns, rows, zoom, cell_width, cell_height, width, height, wheel_y; } layout;

static layout plan(const fl_flow_sheet *s)
{
    layout l = {.columns = s->flows < COLUMNS ? s->flows : COLUMNS};
    l.rows = (s->flows + l.columns - 1) / l.columns;
    l.zoom = s->width <= CELL ? CELL / s->width : -((s->width + CELL - 1) / CELL);
    l.cell_width = fl_zoomed(s->width, l.zoom);
    l.cell_height = fl_zoomed(s->height, l.zoom);
    const int grid = l.columns * l.cell_width + (l.columns - 1) * GAP;
    l.width = (grid > NARROWEST ? grid : NARROWEST) + 2 * MARGIN;
    l.wheel_y = TOP + l.rows * ((s->rgb ? 2 : 1) * l.cell_height + 40);
    l.height = l.wheel_y + 2 * WHEEL + 60;
    return l;
}

static void line(fl_canvas *c, int y, const char *text, fl_face face)
{
    char cut[512];
    fl_font_fit(cut, sizeof cut, text, c->width - 2 * MARGIN, face);
    fl_font_draw(c, MARGIN, y, cut, face);
}

/* Every vector up to the limit, drawn where it points to. */
static void wheel(fl_canvas *c, int x, int y, double limit)
{
    char text[96], number[32];
    for (int dy = -WHEEL; dy <= WHEEL; dy++)
        for (int dx = -WHEEL; dx <= WHEEL; dx++) {
            const real f[2] = {(real)dx, (real)dy};
            unsigned char rgb[3];
            if (dx * dx + dy * dy > WHEEL * WHEEL) continue;
            fl_flow_colours(f, 1, WHEEL, rgb);
            fl_canvas_dot(c, x + dx, y + dy, (fl_ink){rgb[0], rgb[1], rgb[2]});
        }
    fl_font_place(c, x, y - WHEEL - 14, 0, "up", FL_SMALL);
    fl_font_place(c, x, y + WHEEL + 8, 0, "down", FL_SMALL);
    fl_font_place(c, x - WHEEL - 8, y - 4, 1, "left", FL_SMALL);
    fl_font_place(c, x + WHEEL + 8, y - 4, -1, "right", FL_SMALL);
    fl_number_text(limit, 3, number, sizeof number);
    snprintf(text, sizeof text, "rim: %s pixels per frame or more", number);
    fl_font_draw(c, x + WHEEL + 80, y - 22, text, FL_STRONG);
    fl_font_draw(c, x + WHEEL + 80, y - 2, "hue: which way it moves; white: it rests", FL_SMALL);
    fl_font_draw(c, x + WHEEL + 80, y + 16, "99 % of all pixels lie inside the rim", FL_SOFT);
}

fl_status fl_flow_sheet_png(fl_buffer *out, const fl_flow_sheet *s)
{
    const layout l = plan(s);
    const int64_t pixels = (int64_t)s->height * s->width;
    fl_canvas c = fl_canvas_new(out->arena, l.width, l.height, fl_paper);
    unsigned char *colours = FL_NEW(out->arena, unsigned char, 3 * pixels);
    if (!c.rgb || !colours) return out->arena->error->status;
    line(&c, 26, s->title, FL_TITLE);
    line(&c, 56, s->subtitle, FL_SOFT);
    for (int i = 0; i < s->flows; i++) {
        const int x = MARGIN + i % l.columns * (l.cell_width + GAP);
        int y = TOP + i / l.columns * ((s->rgb ? 2 : 1) * l.cell_height + 40);
        char text[32];
        snprintf(text, sizeof text, "%d to %d", s->number[i], s->number[i] + 1);
        fl_font_place(&c, x + l.cell_width / 2, y, 0, text, FL_SMALL);
        y += 14;
        if (s->rgb) {
            fl_canvas_image(&c, x, y, s->rgb + 3 * i * pixels, s->width, s->height, l.zoom);
            y += l.cell_height + 4;
        }
        fl_flow_colours(s->uv + 2 * i * pixels, pixels, s->limit, colours);
        fl_canvas_image(&c, x, y, colours, s->width, s->height, l.zoom);
    }
    wheel(&c, MARGIN + 36 + WHEEL, l.wheel_y + WHEEL + 20, s->limit);
    fl_font_place(&c, c.width - MARGIN, c.height - 24, 1, "footlight", FL_SOFT);
    return fl_png_encode(out, c.rgb, c.width, c.height);
}
