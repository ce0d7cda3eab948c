/* trace_html.c: the page of a trace: the pixel, the way down step by step with formulas and numbers, the whole tape, who keeps what. */
#include "io/html.h"
#include "io/op_words.h"
#include "io/page.h"
#include "io/png_out.h"
#include "io/trace_page.h"
#include "io/trace_style.h"

#include <math.h>
#include <string.h>

enum { OPEN_STEPS = 30, SMALL_TAPE = 60 };

/* A number in a sentence; negative ones with a real minus. */
static void number(fl_buffer *b, double v)
{
    if (v < 0) fl_buffer_text(b, "\xe2\x88\x92");
    fl_html(b, "%g", fabs(v));
}

static void bold(fl_buffer *b, const char *style, double v)
{
    fl_html(b, "<b class='%s'>", style);
    number(b, v);
    fl_buffer_text(b, "</b>");
}

/* "channel 3, frame 2, row 5, column 6": axes of length 1 are left out. */
static void place(fl_buffer *b, const fl_node *node, int64_t at)
{
    static const char *const axis[] = {"channel", "frame", "row", "column"};
    const int length[] = {node->shape.c, node->shape.t, node->shape.h, node->shape.w};
    int p[4];
    const char *between = "";
    fl_trace_place(node, at, p);
    for (int a = 0; a < 4; a++) {
        if (length[a] == 1 && !(a == 0 && node->shape.t * node->shape.h * node->shape.w == 1)) continue;
        fl_html(b, "%s%s %d", between, axis[a], p[a]);
        between = ", ";
    }
}

/* ---- the pixel ---- */

static void picture(fl_buffer *b, const fl_trace_view *v)
{
    const fl_shape s = v->t->map.clip;
    if (!fl_buffer_reserve(b, (size_t)8 * (size_t)s.h * (size_t)s.w + 4096)) return;          /* before the mark: the page outlives it */
    const fl_mark mark = fl_arena_mark(b->arena);
    fl_buffer png = fl_buffer_new(b->arena);
    if (fl_png_encode(&png, v->rgb + (size_t)v->t->place[1] * (size_t)s.h * (size_t)s.w * 3, s.w, s.h) != FL_OK) b->failed = true;
    fl_buffer_text(b, "<div class='shot'><img alt='the frame' src='data:image/png;base64,");
    fl_buffer_base64(b, png.data, png.size);
    fl_buffer_text(b, "'><div class='spot' style='");
    fl_html(b, "left:%g%%;top:%g%%;width:%g%%;height:%g%%'></div></div>\n", 100.0 * v->t->place[3] / s.w, 100.0 * v->t->place[2] / s.h,
            100.0 / s.w, 100.0 / s.h);
    fl_arena_release(b->arena, mark);
}

static void fact(fl_buffer *b, const char *name, double value)
{
    fl_html(b, "<dt>%s</dt><dd>", name);
    number(b, value);
    fl_buffer_text(b, "</dd>\n");
}

static void side(fl_buffer *b, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_buffer_text(b, "<div class='side'><section class='card'><h2>The pixel</h2>\n<div style='height:10px'></div>");
    if (v->rgb) picture(b, v);
    fl_html(b, "<p class='small'>Frame %d, row %d, column %d, channel %d, as the network sees them.</p>\n<dl class='facts'>\n",
            v->frame_number, t->place[2], t->place[3], t->place[0]);
    fact(b, "its value", t->value);
    fact(b, "signal that arrives", t->signal);
    fact(b, "what the map shows", (double)t->map.data[t->element]);
    if (!t->g->rules) fact(b, "the way up alone says", t->trail.through);
    fact(b, "score", t->map.score);
    if (isfinite(t->map.sum)) fact(b, "sum of the whole map", t->map.sum);
    if (isfinite(t->map.absorbed)) fact(b, "absorbed on the way", t->map.absorbed);
    if (isfinite(t->map.residual)) fact(b, "residual of its law", t->map.residual);
    fl_html(b, "</dl>\n<h3>Method</h3><p class='small'>%s</p><p class='cite'>%s</p>\n", t->map.method->doc, v->citation ? v->citation : "");
    fl_buffer_text(b, "</section>\n");
    fl_html(b, "<section class='card'><h2>Where this comes from</h2><dl class='facts mono'>"
            "<dt>command</dt><dd>%s</dd><dt>weights</dt><dd>%s</dd>", v->command, v->weights);
    fl_html(b, "<dt>precision</dt><dd>%s</dd><dt>footlight</dt><dd>%s</dd></dl></section></div>\n", FL_REAL_NAME, FL_VERSION);
}

/* ---- a step ---- */

static void product(fl_buffer *b, const fl_summand *x, bool mine)
{
    fl_buffer_text(b, mine ? "<span class='mine'>" : "<span>");
    number(b, x->x);
    fl_buffer_text(b, " &times; ");
    number(b, x->slope);
    fl_buffer_text(b, "</span>");
}

static bool is_mine(const fl_step *s, const fl_step *next, const fl_summand *x)
{
    return next && s->operand == x->operand && next->at == x->at;
}

static void linear_sum(fl_buffer *b, const fl_step *s, const fl_step *next)
{
    fl_buffer_text(b, "<p class='sum'>");
    for (int k = 0; k < s->tops; k++) {
        if (k) fl_buffer_text(b, " + ");
        product(b, &s->top[k], is_mine(s, next, &s->top[k]));
    }
    if (s->others) {
        fl_buffer_text(b, " + <span>");
        number(b, s->rest);
        fl_html(b, " (%d other%s)</span>", (int)s->others, s->others > 1 ? "s" : "");
    }
    if (s->offset != 0) {
        fl_buffer_text(b, " + <span>offset ");
        number(b, s->offset);
        fl_buffer_text(b, "</span>");
    }
    fl_buffer_text(b, " = ");
    bold(b, "", s->value);
    fl_buffer_text(b, "</p>\n");
}

static void from_operands(fl_buffer *b, const fl_step *s, const fl_step *next)
{
    fl_buffer_text(b, "<p class='sum'>");
    for (int k = 0; k < s->tops && k < 3; k++) {
        fl_html(b, "%s<span class='%s'>x = ", k ? ", " : "", is_mine(s, next, &s->top[k]) ? "mine" : "");
        number(b, s->top[k].x);
        fl_buffer_text(b, "</span>");
    }
    fl_buffer_text(b, s->tops ? ", so y = " : "y = ");
    bold(b, "", s->value);
    fl_buffer_text(b, "</p>\n");
}

static void up(fl_buffer *b, const fl_traced *t, const fl_step *s, const fl_step *next)
{
    const fl_node *node = &t->g->node[s->node];
    fl_html(b, "<div><h3>Up: the value</h3><p class='formula'>%s</p>\n", fl_op_words_of(node->op->kind)->up);
    if (!node->n_in) {
        fl_buffer_text(b, "<p class='sum'>The pixel itself: ");
        bold(b, "", s->value);
        fl_buffer_text(b, "</p></div>\n");
        return;
    }
    if (node->op->flags & FL_LINEAR && s->tops) linear_sum(b, s, next);
    else from_operands(b, s, next);
    fl_buffer_text(b, "<p class='small'>One more at the pixel changes this value by ");
    number(b, s->tangent);
    fl_buffer_text(b, ".</p></div>\n");
}

static void down(fl_buffer *b, const fl_traced *t, const fl_step *s, const fl_step *next)
{
    const fl_node *node = &t->g->node[s->node];
    const fl_rule *rule = fl_graph_rule(t->g, s->node);
    fl_html(b, "<div><h3>Down: the signal</h3><p class='formula'>%s%s%s</p>\n<p>", rule ? rule->name : fl_op_words_of(node->op->kind)->down,
            rule ? ": " : "", rule ? fl_rule_words(rule) : "");
    bold(b, "", s->signal);
    fl_buffer_text(b, " arrives");
    if (!next) {
        fl_buffer_text(b, node->n_in ? ", and nothing of it goes on.</p></div>\n"
                                     : ": this is what the method says of the pixel.</p></div>\n");
        return;
    }
    if (rule) fl_buffer_text(b, "; by the rule ");
    else {
        fl_buffer_text(b, "; ");
        number(b, s->signal);
        fl_buffer_text(b, " &times; slope ");
        bold(b, "", s->slope);
        fl_buffer_text(b, " = ");
    }
    bold(b, "out", s->handed_on);
    fl_buffer_text(b, " goes on to ");
    place(b, &t->g->node[next->node], next->at);
    fl_html(b, " of <b>%s</b>, where all ways together bring ", t->g->node[next->node].name);
    bold(b, "", next->signal);
    fl_buffer_text(b, ".</p>\n");
    const double share = fmin(fabs(s->handed_on) / fmax(fabs(next->signal), fabs(s->handed_on) + 1e-300), 1);
    fl_html(b, "<div class='flow' title='this way, of all that arrives there'><i style='width:%g%%'></i></div></div>\n", 100 * share);
}

static void step(fl_buffer *b, const fl_traced *t, int k)
{
    const fl_step *s = &t->trail.step[k], *next = k + 1 < t->trail.steps ? s + 1 : NULL;
    const fl_node *node = &t->g->node[s->node];
    fl_html(b, "<li><span class='dot'>%d</span><article class='card'><div class='who'><span class='op'>%s</span><b>%s</b>"
            "<span class='small'>", k + 1, node->op->name, node->name);
    place(b, node, s->at);
    fl_html(b, " (node %d, %d &times; %d &times; %d &times; %d)</span><code>%s</code></div>\n<div class='updown'>", s->node, node->shape.c,
            node->shape.t, node->shape.h, node->shape.w, node->op->file);
    up(b, t, s, next);
    down(b, t, s, next);
    fl_buffer_text(b, "</div></article></li>\n");
}

/* ---- the way ---- */

static bool same_scope(const char *a, const char *b)
{
    const int n = fl_trace_scope(a);
    return n == fl_trace_scope(b) && strncmp(a, b, (size_t)n) == 0;
}

static void block(fl_buffer *b, const fl_traced *t, int first, int last)
{
    const fl_step *s = &t->trail.step[first], *e = &t->trail.step[last];
    const char *name = t->g->node[s->node].name;
    char scope[192];
    snprintf(scope, sizeof scope, "%.*s", fl_trace_scope(name), name);
    fl_html(b, "<details class='card'><summary>%s <span class='small'>%d step%s; signal ", scope, last - first + 1,
            last > first ? "s" : "");
    number(b, s->signal);
    fl_buffer_text(b, " arrives at ");
    fl_html(b, "%s, ", t->g->node[s->node].op->name);
    number(b, e->operand >= 0 ? e->handed_on : e->signal);
    fl_buffer_text(b, e->operand >= 0 ? " is handed on" : " stays");
    fl_buffer_text(b, "</span></summary>\n<ol class='way'>\n");
    for (int k = first; k <= last && !b->failed; k++) step(b, t, k);
    fl_buffer_text(b, "</ol></details>\n");
}

static void way(fl_buffer *b, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_html(b, "<section><h2>The strongest way down, in %d steps</h2>\n<p class='small'>From the score at the top to the pixel at the "
            "bottom: at every node to the element of reach that gets most. Read upwards, the same steps say how the pixel's value became "
            "the score: a sum is written as x &times; weight, the largest first, and the shaded one is on this way. Of a step's bar, the "
            "coloured part is what this way brings of all that arrives below.</p>\n", t->trail.steps);
    if (t->trail.steps <= OPEN_STEPS) {
        fl_buffer_text(b, "<ol class='way'>\n");
        for (int k = 0; k < t->trail.steps && !b->failed; k++) step(b, t, k);
        fl_buffer_text(b, "</ol></section>\n");
        return;
    }
    fl_buffer_text(b, "<div class='blocks'>\n");
    for (int first = 0, last; first < t->trail.steps; first = last + 1) {
        for (last = first; last + 1 < t->trail.steps &&
             same_scope(t->g->node[t->trail.step[first].node].name, t->g->node[t->trail.step[last + 1].node].name); last++) continue;
        block(b, t, first, last);
    }
    fl_buffer_text(b, "</div></section>\n");
}

/* ---- the tape ---- */

static bool walked(const fl_traced *t, fl_id i)
{
    for (int k = 0; k < t->trail.steps; k++)
        if (t->trail.step[k].node == i) return true;
    return false;
}

static void row(fl_buffer *b, const fl_traced *t, fl_id i)
{
    const fl_node *node = &t->g->node[i];
    const fl_met *m = &t->trail.met[i];
    const fl_rule *rule = fl_graph_rule(t->g, i);
    const double share = (double)m->reached / (double)fl_shape_count(node->shape);
    fl_html(b, "<tr class='%s'><td>%d</td><td class='name'>%s</td><td class='name'>%s</td><td class='bar'><i style='width:%g%%'></i></td>",
            walked(t, i) ? "walked" : "", i, node->name, node->op->name, 100 * share);
    fl_html(b, "<td>%g&#8239;%%</td><td>%g</td>", 100 * share, m->most);
    if (!t->g->rules) fl_html(b, "<td>%g</td>", m->through);
    fl_html(b, "<td>%g</td>", m->signal);
    if (t->g->rules)
        fl_html(b, "<td class='name'>%s</td><td>%g</td>", rule ? rule->name : "gradient", m->ledger.arrived - m->ledger.handed_on);
    fl_buffer_text(b, "</tr>\n");
}

static void tape(fl_buffer *b, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    int nodes = 0;
    for (fl_id i = 0; i < t->g->count; i++) nodes += t->trail.met[i].on_tape;
    fl_html(b, "<details class='card'%s><summary>The whole tape, %d nodes, from the clip up</summary>\n<div class='scroll'>"
            "<p class='small'>Reached: the part of a node's elements that the pixel changes.",
            nodes <= SMALL_TAPE ? " open" : "", nodes);
    fl_buffer_text(b, t->g->rules ? " Kept: what arrived and was not handed on, by biases and stabilisers."
                                  : " Through: the sum over them of signal times change; it is the pixel's own gradient at every node "
                                    "through which all ways pass.");
    fl_buffer_text(b, " The nodes of the way above are marked.</p>\n<table><thead><tr><th>node</th><th class='name'>name</th>"
                   "<th class='name'>op</th><th colspan='2'>reached</th><th>largest change</th>");
    if (!t->g->rules) fl_buffer_text(b, "<th>through</th>");
    fl_buffer_text(b, "<th>sum of signal</th>");
    fl_buffer_text(b, t->g->rules ? "<th class='name'>rule</th><th>kept</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n");
    for (fl_id i = 0; i < t->g->count && !b->failed; i++)
        if (t->trail.met[i].on_tape) row(b, t, i);
    fl_buffer_text(b, "</tbody></table></div></details>\n");
}

static void absorbers(fl_buffer *b, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_id node[10];
    const int n = fl_trace_absorbers(t, node, 10);
    if (!n) return;
    fl_buffer_text(b, "<section class='card'><h2>Who keeps most of it</h2>\n<p class='small'>Of the whole clip's relevance, not of this "
                   "pixel's alone: what arrives and is not handed on stays with biases and stabilisers.</p>"
                   "<div class='scroll' style='padding:10px 0 0'><table><thead><tr><th class='name'>node</th><th class='name'>rule</th>"
                   "<th>arrived</th><th>handed on</th><th>kept</th></tr></thead><tbody>\n");
    for (int k = 0; k < n; k++) {
        const fl_met *m = &t->trail.met[node[k]];
        const fl_rule *rule = fl_graph_rule(t->g, node[k]);
        fl_html(b, "<tr><td class='name'>%s</td><td class='name'>%s</td><td>%g</td><td>%g</td><td>%g</td></tr>\n", t->g->node[node[k]].name,
                rule ? rule->name : "gradient", m->ledger.arrived, m->ledger.handed_on, m->ledger.arrived - m->ledger.handed_on);
    }
    fl_buffer_text(b, "</tbody></table></div></section>\n");
}

static void heading(fl_buffer *b, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_page_brand(b);
    fl_html(b, "<header><h1>How <em>%s</em> comes down to one pixel</h1>\n"
            "<p class='lede'><b>%s</b> saw <b>%s</b>; its score for <b>%s</b> is ", v->target, v->model, v->clip, v->target);
    bold(b, "", t->map.score);
    fl_html(b, ". <b>%s</b> sends a signal down from there, node by node, and ", v->method);
    bold(b, "", t->signal);
    fl_html(b, " of it arrives at frame %d, row %d, column %d, channel %d. Every number on this page is from that one run.</p></header>\n",
            v->frame_number, t->place[2], t->place[3], t->place[0]);
}

fl_status fl_trace_html(fl_buffer *b, const fl_trace_view *v)
{
    fl_page_begin(b, v->target, v->clip, fl_trace_style);
    heading(b, v);
    fl_buffer_text(b, "<main>\n<div class='columns trace'>\n");
    side(b, v);
    fl_buffer_text(b, "<div>\n");
    way(b, v);
    fl_buffer_text(b, "</div>\n</div>\n");
    absorbers(b, v);
    tape(b, v);
    fl_buffer_text(b, "</main>\n");
    fl_page_foot(b);
    fl_buffer_text(b, "</body>\n</html>\n");
    return b->failed ? FL_FAILED : FL_OK;
}
