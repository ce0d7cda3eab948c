/* chart.c: curves as SVG (chart.h). */
#include "io/chart.h"

#include "io/html.h"

#include <math.h>
#include <string.h>

enum { LEFT = 44, TOP = 12, WIDE = 300, HIGH = 150, FULL_WIDTH = 360, FULL_HEIGHT = 204, COLOURS = 8, ROW = 15, LETTERS = 20 };
static const char *const colour[COLOURS] = {NULL, "#d1495b", "#2a9d6f", "#c98a00", "#8e5bd0", "#2f97c1", "#e0739d", "#7a8450"};

typedef struct range { double low, high; } range;

static void widen(range *r, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        if (!isfinite(v[i])) continue;
        if (!(v[i] >= r->low)) r->low = v[i];
        if (!(v[i] <= r->high)) r->high = v[i];
    }
}

static double part(double v, range r) { return r.high > r.low ? (v - r.low) / (r.high - r.low) : 0; }

static void point(fl_buffer *b, const fl_series *s, int i, range x, range y, const char *command)
{
    fl_buffer_text(b, command);
    fl_buffer_number(b, LEFT + WIDE * part(s->x[i], x), 5);
    fl_buffer_text(b, " ");
    fl_buffer_number(b, TOP + HIGH * (1 - part(s->y[i], y)), 5);
}

static void label(fl_buffer *b, int x, int y, const char *anchor, double value)
{
    fl_html(b, "<text x='%d' y='%d' text-anchor='%s'>%g</text>", x, y, anchor, value);
}

/* Beyond the eighth series colours come again, with broken lines. */
static void paint(fl_buffer *b, int k)
{
    if (k == 0) return;
    fl_html(b, " style='stroke:%s%s'", k % COLOURS ? colour[k % COLOURS] : "var(--accent)", k < COLOURS ? "" : ";stroke-dasharray:5 3");
}

static void line(fl_buffer *b, const fl_series *s, int k, range x, range y)
{
    bool pen_down = false;
    fl_buffer_text(b, "<path class='line'");
    paint(b, k);
    fl_buffer_text(b, " d='");
    for (int i = 0; i < s->count; i++) {
        const bool there = isfinite(s->x[i]) && isfinite(s->y[i]);
        if (there) point(b, s, i, x, y, pen_down ? "L" : "M");
        pen_down = there;
    }
    fl_buffer_text(b, "'/>");
}

/* Two names side by side where all of them are short. */
static int names_per_row(const fl_chart *c)
{
    for (int k = 0; k < c->count; k++)
        if (strlen(c->series[k].name) > LETTERS) return 1;
    return 2;
}

static void names(fl_buffer *b, const fl_chart *c)
{
    const int per_row = names_per_row(c);
    for (int k = 0; k < c->count; k++) {
        const int x = LEFT + k % per_row * (WIDE / per_row), y = FULL_HEIGHT + ROW / 2 + k / per_row * ROW;
        fl_html(b, "<path class='line'");
        paint(b, k);
        fl_html(b, " d='M%d %dH%d'/><text x='%d' y='%d'>%s</text>", x, y - 4, x + 16, x + 21, y, c->series[k].name);
    }
}

void fl_chart_draw(fl_buffer *b, const fl_chart *c)
{
    const fl_series *first = c->series;
    range x = {first->count && isfinite(first->x[0]) ? first->x[0] : 0, -HUGE_VAL}, y = {0, c->y_high};
    for (int k = 0; k < c->count; k++) {
        widen(&x, c->series[k].x, c->series[k].count);
        widen(&y, c->series[k].y, c->series[k].count);
    }
    if (!(x.high >= x.low)) x.high = x.low;
    const bool named = first->name != NULL;
    fl_html(b, "<figure><figcaption><b>%s</b>%s</figcaption><svg viewBox='0 0 %d %d' role='img' ", c->title, c->note ? c->note : "",
            FULL_WIDTH, FULL_HEIGHT + (named ? (c->count + names_per_row(c)) / names_per_row(c) * ROW : 0));
    fl_html(b, "aria-label='%s: %d points from %g to %g'>", c->title, first->count, first->count ? first->y[0] : 0.0,
            first->count ? first->y[first->count - 1] : 0.0);
    fl_html(b, "<path class='axis' d='M%d %dV%dH%d'/>", LEFT, TOP, TOP + HIGH, LEFT + WIDE);
    for (int k = 0; k < c->count; k++) line(b, &c->series[k], k, x, y);
    label(b, LEFT - 6, TOP + 9, "end", y.high);
    label(b, LEFT - 6, TOP + HIGH, "end", y.low);
    label(b, LEFT, TOP + HIGH + 16, "start", x.low);
    label(b, LEFT + WIDE, TOP + HIGH + 16, "end", x.high);
    fl_html(b, "<text x='%d' y='%d' text-anchor='middle'>%s</text>", LEFT + WIDE / 2, TOP + HIGH + 32, c->x_name ? c->x_name : "");
    fl_html(b, "<text x='%d' y='%d'>%s</text>", LEFT + 8, TOP + 9, c->y_name ? c->y_name : "");
    if (named) names(b, c);
    fl_buffer_text(b, "</svg></figure>\n");
}

static const char style[] =
    ":root { --paper: #fbfaf7; --ink: #1f2128; --soft: #646772; --line: #d4d1ca; --accent: #3157d5; }\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #121318; --ink: #e9e7e1; --soft: #9c9eaa; --line: #40434e; --accent: "
        "#8ea6ff; } }\n"
    "body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 0 auto; "
    "padding: 24px; }\nh1 { font-size: 22px; margin: 0 0 4px; } p { color: var(--soft); margin: 0 0 20px; }\n"
    ".charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 24px; }\nfigure { margin: 0; }\n"
    "svg { width: 100%; display: block; margin-top: 6px; } text { font: 11px system-ui, sans-serif; fill: var(--soft); }\n"
    ".axis { fill: none; stroke: var(--line); stroke-width: 1.5; }\n"
    ".line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }\n";

void fl_chart_page(fl_buffer *b, const char *title, const char *text, const fl_chart *c, int count)
{
    fl_html(b, "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n<meta name='viewport' content='width=device-width, "
            "initial-scale=1'>\n<title>%s</title>\n<style>\n", title);
    fl_buffer_text(b, style);
    fl_html(b, "</style>\n</head>\n<body>\n<h1>%s</h1>\n<p>%s</p>\n<div class='charts'>\n", title, text);
    for (int i = 0; i < count; i++) fl_chart_draw(b, &c[i]);
    fl_buffer_text(b, "</div>\n</body>\n</html>\n");
}
