/* report.c: the page from top to bottom; each function writes one part. */
#include "io/report.h"
#include "io/html.h"
#include "io/page.h"
#include "io/png_out.h"
#include "io/report_data.h"
#include "io/report_parts.h"
#include "io/report_script.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TOGETHER = 16 };          /* thumbnails made at a time */

static void percent(fl_buffer *b, const char *before, double probability, const char *after)
{
    if (isfinite(probability)) fl_html(b, "%s%g&#8239;%%%s", before, 100 * probability, after);
}

static void heading(fl_buffer *b, const fl_result *r, const char *target)
{
    fl_buffer_text(b, "<header>\n");
    fl_page_brand(b);
    fl_html(b, "<h1>Why <em>%s</em>?</h1>\n<p class='lede'><b>%s</b> saw <b>%s</b> and says ", target,
            r->model ? r->model : "The network", r->clip ? r->clip : "this clip");
    if (r->top_count > 0 && r->top[0].index != r->target) {
        char first[32];
        snprintf(first, sizeof first, "class %d", r->top[0].index);
        fl_html(b, "<b>%s</b>", r->top[0].label ? r->top[0].label : first);
        percent(b, " (", r->top[0].probability, ")");
        fl_html(b, ". Asked here: what speaks for <b>%s</b>", target);
        percent(b, ", which gets ", r->target_probability, "");
    } else {
        fl_html(b, "<b>%s</b>", target);
        percent(b, " with a probability of ", r->target_probability, "");
    }
    fl_buffer_text(b, ". The map shows which places and moments that answer comes from.</p>\n</header>\n");
}

static void frame_button(fl_buffer *b, const fl_result *r, int t, double share, const fl_buffer *png)
{
    fl_html(b, "<button type='button' tabindex='-1' class='%s' aria-label='frame %d'>", t % 10 ? "one" : "tenth",
            fl_result_index(r, t));
    fl_html(b, "<span class='level'><i style='--v:%g'></i></span>", share);
    fl_buffer_text(b, "<span class='thumb'><img alt='' src='data:image/png;base64,");
    fl_buffer_base64(b, png->data, png->size);
    fl_html(b, "'><canvas width='%d' height='%d'></canvas></span>", r->width, r->height);
    fl_html(b, "<span class='tag'>%d</span></button>\n", fl_result_index(r, t));
}

/* Of frames first, first + 1, ...: so many as are made at a time. */
static void frame_buttons(fl_buffer *b, const fl_result *r, int first, const double *importance, double largest)
{
    const size_t bytes = (size_t)r->height * (size_t)r->width * 3;
    const int count = r->frames - first < TOGETHER ? r->frames - first : TOGETHER;
    if (!fl_buffer_reserve(b, (2 * bytes + 4096) * (size_t)count)) return;          /* before the mark: the page outlives it */
    const fl_mark mark = fl_arena_mark(b->arena);
    fl_buffer png[TOGETHER];
    const unsigned char *rgb[TOGETHER];
    for (int i = 0; i < count; i++) {
        png[i] = fl_buffer_new(b->arena);
        rgb[i] = r->rgb + (size_t)(first + i) * bytes;
    }
    if (fl_png_encode_each(png, rgb, count, r->width, r->height) != FL_OK) b->failed = true;
    for (int i = 0; i < count && !b->failed; i++)
        frame_button(b, r, first + i, largest > 0 ? fabs(importance[first + i]) / largest : 0, &png[i]);
    fl_arena_release(b->arena, mark);
}

/* One button per frame: its importance as a bar, the frame, its number. Of many frames only the bars are shown. */
static void strip(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    double largest = 0;
    for (int t = 0; t < r->frames; t++) largest = fmax(largest, fabs(m->importance[t]));
    fl_buffer_text(b, "<div class='strip-head'><h3>Importance of each frame</h3>"
                      "<span class='small' id='curve-note'></span></div>\n");
    fl_html(b, "<div class='strip%s' id='strip' style='--count:%d'>\n", r->frames > 24 ? " many" : "", r->frames);
    for (int t = 0; t < r->frames && !b->failed; t += TOGETHER) frame_buttons(b, r, t, m->importance, largest);
    fl_buffer_text(b, "</div>\n");
}

static void screens(fl_buffer *b, const fl_result *r)
{
    static const char marks[] = "<div class='truth' hidden></div><div class='cross' hidden></div>";
    fl_html(b, "<div class='stage'>\n<figure class='pane plain'><div class='screen'><canvas id='plain' role='img' "
            "aria-label='The clip as the network saw it' width='%d' height='%d'></canvas>", r->width, r->height);
    fl_buffer_text(b, marks);
    fl_html(b, "</div><figcaption>What the network saw</figcaption></figure>\n<figure class='pane'>"
            "<div class='screen'><canvas id='under' width='%d' height='%d'></canvas>", r->width, r->height);
    fl_html(b, "<canvas id='map' role='img' aria-label='The map over the frame' width='%d' height='%d'></canvas>",
            r->width, r->height);
    fl_buffer_text(b, marks);
    fl_buffer_text(b, "<p class='nothing' id='nothing' hidden></p></div>"
        "<figcaption>Where the answer comes from</figcaption></figure>\n</div>\n"
        "<noscript><p class='small'>The map is drawn by a script, which is switched off here; sheet.png shows it too."
        "</p></noscript>\n");
}

static void scale_and_transport(fl_buffer *b, const fl_result *r)
{
    fl_buffer_text(b, "<div class='scale' id='scale'><div class='bar'>"
        "<canvas id='bar' width='256' height='1' role='img' aria-label='Colour bar'></canvas>"
        "<div class='needle' id='needle' hidden></div></div><div class='ticks' id='ticks'>"
        "<span style='left:0'></span><span style='left:25%'></span><span style='left:50%'></span>"
        "<span style='left:75%'></span><span style='left:100%'></span></div>"
        "<p class='small' id='scale-note'></p></div>\n"
        "<p class='readout' id='readout'></p>\n");
    fl_html(b, "<div class='transport'><button type='button' class='play' id='play' aria-label='Play'%s>"
        "<svg viewBox='0 0 20 20' aria-hidden='true'><path id='play-shape' fill='currentColor' d='M6 3l11 7-11 7z'/>"
        "</svg></button><label class='hidden' for='slider'>Frame</label>", r->frames > 1 ? "" : " disabled");
    fl_html(b, "<input type='range' id='slider' min='0' max='%d' value='0' step='1'>"
        "<output id='where' for='slider'></output></div>\n<p class='hidden' id='spoken' aria-live='polite'></p>\n",
        r->frames - 1);
}

static void viewer(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    fl_html(b, "<section class='card' aria-label='The clip and its map' style='--ratio:calc(%d / %d)'>\n", r->width,
            r->height);
    screens(b, r);
    scale_and_transport(b, r);
    strip(b, r, m);
    fl_report_controls(b, r);
    fl_buffer_text(b, "</section>\n");
}

fl_status fl_report_html(fl_buffer *out, const fl_result *r)
{
    fl_status status = fl_result_check(r, out->arena->error);
    if (status == FL_OK) status = fl_png_check(r->width, r->height, out->arena->error);
    if (status != FL_OK) return status;
    char number[32];
    const char *target = r->target_label ? r->target_label : number;
    snprintf(number, sizeof number, "class %d", r->target);
    fl_report_method *m = fl_report_methods(out->arena, r);
    if (!m) return out->arena->error ? out->arena->error->status : FL_FAILED;
    fl_page_begin(out, target, r->clip ? r->clip : "a clip", NULL);
    heading(out, r, target);
    fl_report_warnings(out, r, m);
    fl_buffer_text(out, "<main>\n<div class='columns'>\n");
    viewer(out, r, m);
    fl_buffer_text(out, "<div>\n");
    fl_report_predictions(out, r);
    fl_report_method_cards(out, r, m);
    fl_buffer_text(out, "</div>\n</div>\n");
    fl_report_curves(out, r);
    fl_report_reading(out, r, target);
    fl_report_tables(out, r, m);
    fl_buffer_text(out, "</main>\n");
    fl_page_foot(out);
    fl_buffer_text(out, "<script type='application/json' id='data'>");
    fl_report_data(out, r, m);
    fl_buffer_text(out, "</script>\n<script>\n");
    fl_buffer_text(out, fl_report_script);
    fl_buffer_text(out, "</script>\n</body>\n</html>\n");
    return out->failed ? FL_FAILED : FL_OK;
}
