/* canvas.c: rectangles and enlarged or reduced pictures, pixel by pixel. */
#include "io/canvas.h"

#include <string.h>

fl_canvas fl_canvas_new(fl_arena *arena, int width, int height, fl_ink paper)
{
    fl_canvas c = {width, height, NULL};
    if (width < 1 || height < 1 || width > (1 << 26) / height)
        fl_error_set(arena->error, FL_USAGE, "a picture of %d x %d pixels; expected 1 to 2^26 pixels; use fewer or "
                     "smaller frames", width, height);
    else c.rgb = FL_NEW(arena, unsigned char, (size_t)width * (size_t)height * 3);
    fl_canvas_fill(&c, 0, 0, width, height, paper);
    return c;
}

void fl_canvas_dot(fl_canvas *c, int x, int y, fl_ink ink)
{
    if (!c->rgb || x < 0 || y < 0 || x >= c->width || y >= c->height) return;
    memcpy(c->rgb + ((size_t)y * (size_t)c->width + (size_t)x) * 3, (unsigned char[3]){ink.r, ink.g, ink.b}, 3);
}

void fl_canvas_fill(fl_canvas *c, int x, int y, int width, int height, fl_ink ink)
{
    int left = x < 0 ? 0 : x, right = x + width < c->width ? x + width : c->width;
    int top = y < 0 ? 0 : y, bottom = y + height < c->height ? y + height : c->height;
    for (int j = top; j < bottom; j++)
        for (int i = left; i < right; i++) fl_canvas_dot(c, i, j, ink);
}

void fl_canvas_frame(fl_canvas *c, int x, int y, int width, int height, int thick, fl_ink ink)
{
    fl_canvas_fill(c, x, y, width, thick, ink);
    fl_canvas_fill(c, x, y + height - thick, width, thick, ink);
    fl_canvas_fill(c, x, y, thick, height, ink);
    fl_canvas_fill(c, x + width - thick, y, thick, height, ink);
}

int fl_zoomed(int side, int zoom)
{
    int size = zoom >= 0 ? side * zoom : side / -zoom;
    return size > 0 ? size : 1;
}

static fl_ink pixel(const unsigned char *rgb, int width, int x, int y)
{
    const unsigned char *p = rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;
    return (fl_ink){p[0], p[1], p[2]};
}

/* The mean of the block whose corner is (x,y), rounded; blocks at the far edges are cut there. */
static fl_ink block_mean(const unsigned char *rgb, int width, int height, int x, int y, int side)
{
    int sum[3] = {0, 0, 0}, count = 0;
    for (int j = y; j < y + side && j < height; j++)
        for (int i = x; i < x + side && i < width; i++, count++) {
            fl_ink p = pixel(rgb, width, i, j);
            sum[0] += p.r;
            sum[1] += p.g;
            sum[2] += p.b;
        }
    fl_assert(count > 0);
    for (int k = 0; k < 3; k++) sum[k] = (sum[k] + count / 2) / count;
    return (fl_ink){(unsigned char)sum[0], (unsigned char)sum[1], (unsigned char)sum[2]};
}

void fl_canvas_image(fl_canvas *c, int x, int y, const unsigned char *rgb, int width, int height, int zoom)
{
    int w = fl_zoomed(width, zoom), h = fl_zoomed(height, zoom);
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++)
            fl_canvas_dot(c, x + i, y + j, zoom > 0 ? pixel(rgb, width, i / zoom, j / zoom)
                                                    : block_mean(rgb, width, height, i * -zoom, j * -zoom, -zoom));
}
