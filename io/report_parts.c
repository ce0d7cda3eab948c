/* report_parts.c: warnings, controls, predictions, methods, reading help, tables. */
#include "io/report_parts.h"
#include "io/html.h"

#include <math.h>
#include <stdio.h>

/* The page opens with the first method; what belongs to another one is hidden until it is chosen. */
static const char *hidden(int method) { return method ? " hidden" : ""; }

static void warning_items(fl_buffer *b, const fl_texts *list, int method)
{
    for (int i = 0; i < list->count; i++) {
        fl_buffer_text(b, "<li");
        if (method >= 0) fl_html(b, " data-method='%d'%s", method, hidden(method));
        fl_html(b, ">%s</li>\n", list->item[i]);
    }
}

void fl_report_warnings(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    int count = r->warnings.count;
    for (int k = 0; k < r->method_count; k++)
        count += m[k].method->warnings.count + (m[k].not_finite > 0) + m[k].flat;
    if (count == 0) return;
    fl_buffer_text(b, "<section class='warnings' aria-label='Warnings'><ul>\n");
    warning_items(b, &r->warnings, -1);
    for (int k = 0; k < r->method_count; k++) {
        warning_items(b, &m[k].method->warnings, k);
        if (m[k].flat)
            fl_html(b, "<li data-method='%d'%s>The map has the value %g everywhere: it does not tell one place from "
                    "another.</li>\n", k, hidden(k), m[k].min);
        if (m[k].not_finite > 0)
            fl_html(b, "<li data-method='%d'%s>%g values of the map are not finite; they are drawn as 0.</li>\n", k,
                    hidden(k), (double)m[k].not_finite);
    }
    fl_buffer_text(b, "</ul></section>\n");
}

typedef struct choice { const char *value, *label; } choice;

static void choices(fl_buffer *b, const char *name, const char *legend, const choice *c, int count, int chosen)
{
    fl_html(b, "<fieldset><legend class='label'>%s</legend><div class='choice'>", legend);
    for (int i = 0; i < count; i++)
        fl_html(b, "<label><input type='radio' name='%s' value='%s'%s><span>%s</span></label>", name, c[i].value,
                i == chosen ? " checked" : "", c[i].label);
    fl_buffer_text(b, "</div></fieldset>\n");
}

static void percentiles(fl_buffer *b, double chosen)
{
    static const double value[] = {100, 99.9, 99.5, 99, 98, 95, 90};
    bool listed = false;
    fl_buffer_text(b, "<div><label class='label' for='percentile'>Full colour from</label>"
                      "<select name='percentile' id='percentile'>");
    for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
        bool this_one = fabs(value[i] - chosen) < 1e-9;
        listed |= this_one;
        if (i == 0) fl_html(b, "<option value='100'%s>the largest value</option>", this_one ? " selected" : "");
        else
            fl_html(b, "<option value='%g'%s>%gth percentile</option>", value[i], this_one ? " selected" : "",
                    value[i]);
    }
    if (!listed) fl_html(b, "<option value='%g' selected>%gth percentile</option>", chosen, chosen);
    fl_buffer_text(b, "</select></div>\n");
}

/* With several methods each choice shows its own map of the present frame. */
static void methods(fl_buffer *b, const fl_result *r)
{
    bool several = r->method_count > 1;
    fl_html(b, "<fieldset class='wide'%s><legend class='label'>Method</legend><div class='choice pictures'>",
            several ? "" : " hidden");
    for (int k = 0; k < r->method_count; k++) {
        fl_html(b, "<label><input type='radio' name='method' value='%d'%s><span>", k, k ? "" : " checked");
        if (several) fl_html(b, "<canvas class='mini' width='%d' height='%d'></canvas>", r->width, r->height);
        fl_html(b, "<b id='method-%d'>%s</b></span></label>", k, fl_method_title(&r->method[k]));
    }
    fl_buffer_text(b, "</div></fieldset>\n");
}

void fl_report_controls(fl_buffer *b, const fl_result *r)
{
    static const choice show[] = {{"both", "both"}, {"positive", "for"}, {"negative", "against"},
                                  {"abs", "absolute"}};
    static const choice scope[] = {{"clip", "whole clip"}, {"frame", "each frame"}};
    static const choice palette[] = {{"auto", "automatic"}, {"signed", "blue to red"}, {"heat", "heat"},
                                     {"jet", "rainbow"}};
    fl_buffer_text(b, "<form class='controls' id='controls' aria-label='How the map is drawn' autocomplete='off'>\n");
    methods(b, r);
    choices(b, "show", "Evidence", show, 4, (int)r->look.show);
    choices(b, "scope", "Scale", scope, 2, (int)r->look.scope);
    choices(b, "palette", "Colours", palette, 4, (int)r->look.palette);
    percentiles(b, r->look.percentile);
    fl_html(b, "<div><label class='label' for='opacity'>Opacity <span id='opacity-value'></span></label>"
            "<input type='range' name='opacity' id='opacity' min='0' max='100' step='1' value='%d'></div>\n<div>"
            "<label class='check'><input type='checkbox' name='grey' checked>Grey frame below the map</label>",
            (int)(100 * r->look.opacity + 0.5));
    if (r->box)
        fl_html(b, "<label class='check'><input type='checkbox' name='box' checked>Box: %s</label>",
                r->box_name ? r->box_name : "annotated");
    fl_buffer_text(b, "</div>\n<p class='small wide'><kbd>space</kbd> plays, <kbd>&larr;</kbd> <kbd>&rarr;</kbd> "
                      "step, <kbd>home</kbd> <kbd>end</kbd> jump.</p>\n</form>\n");
}

static void prediction(fl_buffer *b, int index, const char *label, double logit, double probability, bool asked)
{
    char number[32];
    double width = probability >= 0 && probability <= 1 ? 100 * probability : 0;
    snprintf(number, sizeof number, "class %d", index);
    fl_html(b, "<li class='%s'><div class='line'><span class='name'>%s</span><span class='number'>%g&#8239;%%</span>"
            "</div><div class='meter'><i style='width:%g%%'></i></div><span class='logit'>index %d",
            asked ? "asked" : "other", label ? label : number, 100 * probability, width, index);
    if (isfinite(logit)) fl_html(b, ", logit %g", logit);
    fl_buffer_text(b, asked ? ", explained here</span></li>\n" : "</span></li>\n");
}

void fl_report_predictions(fl_buffer *b, const fl_result *r)
{
    bool listed = false;
    fl_buffer_text(b, "<section class='card'><h2>What the network says</h2>\n<ul class='said'>\n");
    for (int i = 0; i < r->top_count; i++) {
        bool asked = r->top[i].index == r->target;
        listed |= asked;
        prediction(b, r->top[i].index, r->top[i].label, r->top[i].logit, r->top[i].probability, asked);
    }
    if (!listed) prediction(b, r->target, r->target_label, r->target_logit, r->target_probability, true);
    fl_buffer_text(b, "</ul></section>\n");
}

static void facts(fl_buffer *b, const fl_pairs *pairs, const char *style)
{
    fl_html(b, "<dl class='facts%s'>\n", style);
    for (int i = 0; i < pairs->count; i++)
        fl_html(b, "<dt>%s</dt><dd>%s</dd>\n", pairs->item[i].key, pairs->item[i].value ? pairs->item[i].value : "");
    fl_buffer_text(b, "</dl>\n");
}

static void number_fact(fl_buffer *b, const char *name, double value)
{
    if (!isfinite(value)) return;
    fl_html(b, "<dt>%s</dt><dd>", name);
    fl_buffer_number(b, value, 7);
    fl_buffer_text(b, "</dd>\n");
}

static void law(fl_buffer *b, const fl_law_result *l)
{
    if (!l->name) return;
    fl_html(b, "<h3>Its law: %s</h3>\n", l->name);
    if (l->formula) fl_html(b, "<p class='small'>%s</p>\n", l->formula);
    fl_buffer_text(b, "<dl class='facts'>\n");
    number_fact(b, "sum of the map", l->sum);
    if (l->absorbed != 0) number_fact(b, "absorbed on the way", l->absorbed);
    number_fact(b, "should be", l->wanted);
    number_fact(b, "residual", l->residual);
    fl_buffer_text(b, "</dl>\n");
}

void fl_report_method_cards(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    for (int k = 0; k < r->method_count; k++) {
        const fl_method_map *one = m[k].method;
        fl_html(b, "<section class='card' data-method='%d'%s><h2>%s</h2>\n", k, hidden(k), fl_method_title(one));
        if (one->note) fl_html(b, "<p class='small'>%s</p>\n", one->note);
        if (one->citation) fl_html(b, "<p class='cite'>%s</p>\n", one->citation);
        if (one->options.count) {
            fl_buffer_text(b, "<h3>Options</h3>\n");
            facts(b, &one->options, "");
        }
        law(b, &one->law);
        fl_buffer_text(b, "</section>\n");
    }
}

static const char reading[] =
    "<p>Colours are relative. With the scale of the <b>whole clip</b>, frames can be compared; with <b>each "
    "frame</b>, faint frames are amplified, and only places within a frame can be compared. The numbers below the "
    "colour bar are the values of the map.</p>\n<p>A map says what <b>this network</b> used, as <b>this method</b> "
    "sees it, not what is true. Look at a second method, at the residual of the method's law, and at the warnings "
    "before you believe it.</p>\n";

void fl_report_reading(fl_buffer *b, const fl_result *r, const char *target)
{
    fl_html(b, "<div class='two'>\n<section class='card read'><h2>How to read this map</h2>\n"
        "<p><b class='for'>Red</b> places speak for %s, <b class='against'>blue</b> places against it. Where the "
        "frame stays grey, the map is close to 0. A map without negative values is drawn in heat colours: bright is "
        "much, dark is little.</p>\n", target);
    fl_buffer_text(b, reading);
    fl_buffer_text(b, "</section>\n");
    if (r->provenance.count) {
        fl_buffer_text(b, "<section class='card'><h2>Where this comes from</h2>\n");
        facts(b, &r->provenance, " mono");
        fl_buffer_text(b, "</section>\n");
    }
    fl_buffer_text(b, "</div>\n");
}

static void table(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    double all = 0;
    for (int t = 0; t < r->frames; t++) all += fabs(m->importance[t]);
    fl_buffer_text(b, "<div class='scroll'><table>\n<thead><tr><th>frame</th><th>importance</th><th>share</th>"
                      "<th>lowest value</th><th>highest value</th></tr></thead>\n<tbody>\n");
    for (int t = 0; t < r->frames; t++) {
        double share = all > 0 ? 100 * fabs(m->importance[t]) / all : 0;
        fl_html(b, "<tr><td>%d</td><td>%g</td><td>%g&#8239;%%</td>", fl_result_index(r, t), m->importance[t], share);
        fl_html(b, "<td>%g</td><td>%g</td></tr>\n", m->least[t], m->most[t]);
    }
    fl_buffer_text(b, "</tbody></table></div>");
}

void fl_report_tables(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    for (int k = 0; k < r->method_count; k++) {
        fl_html(b, "<details class='card' data-method='%d'%s><summary>Frame by frame</summary>", k, hidden(k));
        table(b, r, &m[k]);
        fl_buffer_text(b, "</details>\n");
    }
}
