/* trace_text.c: a trace as text and as JSON, and what all forms of it share. */
#include "io/trace_page.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

int fl_trace_scope(const char *name)
{
    const size_t first = strcspn(name, ".");
    if (!name[first]) return (int)first;
    const char *next = name + first + 1;
    const size_t second = strcspn(next, ".");
    const bool step = isdigit((unsigned char)next[*next == 't']);          /* layer1.0, lstm1.t3: a block, a step in time */
    return (int)(step && next[second] ? first + 1 + second : first);
}

void fl_trace_place(const fl_node *node, int64_t at, int place[4])
{
    const fl_shape s = node->shape;
    const int64_t p = at / s.c;
    place[0] = (int)(at % s.c);
    place[1] = (int)(p / s.w / s.h % s.t);
    place[2] = (int)(p / s.w % s.h);
    place[3] = (int)(p % s.w);
}

static double kept(const fl_met *m) { return m->ledger.arrived - m->ledger.handed_on; }

int fl_trace_absorbers(const fl_traced *t, fl_id *node, int room)
{
    int n = 0;
    for (fl_id i = 0; t->g->rules && i < t->g->count; i++) {
        const fl_met *m = &t->trail.met[i];
        if (!m->on_tape || t->g->node[i].role != FL_COMPUTED || !(fabs(kept(m)) > 1e-6 * fabs(m->ledger.arrived))) continue;
        int at = n < room ? n++ : room;
        while (at > 0 && fabs(kept(&t->trail.met[node[at - 1]])) < fabs(kept(m))) at--;
        if (at == room) continue;
        memmove(node + at + 1, node + at, (size_t)(n - 1 - at) * sizeof *node);
        node[at] = i;
    }
    return n;
}

/* ---- text ---- */

static const char *rule_name(const fl_traced *t, fl_id i)
{
    const fl_rule *rule = fl_graph_rule(t->g, i);
    return rule ? rule->name : "gradient";
}

static void print_way(FILE *to, const fl_traced *t)
{
    fprintf(to, "the way of the strongest signal, from the score down:\n\n  %5s  %-10s %-28s %-18s %11s %11s %11s %11s  %s\n",
            "node", "op", "name", "c,t,y,x", "value", "signal", "slope", "hands on", "rule, source");
    for (int k = 0; k < t->trail.steps; k++) {
        const fl_step *s = &t->trail.step[k];
        const fl_node *node = &t->g->node[s->node];
        int p[4];
        char place[48];
        fl_trace_place(node, s->at, p);
        snprintf(place, sizeof place, "%d,%d,%d,%d", p[0], p[1], p[2], p[3]);
        fprintf(to, "  %5d  %-10s %-28s %-18s %11.4g %11.4g ", s->node, node->op->name, node->name, place, s->value, s->signal);
        if (s->operand >= 0) fprintf(to, "%11.4g %11.4g  %s, %s\n", s->slope, s->handed_on, rule_name(t, s->node), node->op->file);
        else fprintf(to, "%11s %11s  %s\n", "-", "-", node->n_in ? "the way ends here: no signal goes on" : "the clip's own value");
    }
}

/* The last column is what passes through the pixel's reach (gradients), or what is kept (rules). */
static void print_node_head(FILE *to, bool rules)
{
    fprintf(to, "\nthe tape, from the clip up: how many elements the pixel changes, by how much at most, and what passes:\n\n"
            "  %5s  %-10s %-34s %21s %11s %11s %11s\n",
            "node", "op", "name", "reached", "change", "signal", rules ? "absorbed" : "through");
}

static void print_numbers(FILE *to, int64_t reached, int64_t all, double most, double signal, double last)
{
    fprintf(to, " %10lld of %7lld %11.4g %11.4g %11.4g\n", (long long)reached, (long long)all, most, signal, last);
}

static void print_node(FILE *to, const fl_traced *t, fl_id i)
{
    const fl_met *m = &t->trail.met[i];
    const fl_node *node = &t->g->node[i];
    fprintf(to, "  %5d  %-10s %-34s", i, node->op->name, node->name);
    print_numbers(to, m->reached, fl_shape_count(node->shape), m->most, m->signal, t->g->rules ? kept(m) : m->through);
}

/* A scope: what its last node has, and what all of it absorbed. */
static void print_scope(FILE *to, const fl_traced *t, fl_id first, fl_id last, int nodes)
{
    const fl_met *m = &t->trail.met[last];
    const fl_node *node = &t->g->node[last];
    double absorbed = 0;
    for (fl_id i = first; i <= last; i++)
        if (t->trail.met[i].on_tape && t->g->node[i].role == FL_COMPUTED) absorbed += kept(&t->trail.met[i]);
    fprintf(to, "  %5d  %3d nodes  %-34.*s", last, nodes, fl_trace_scope(node->name), node->name);
    print_numbers(to, m->reached, fl_shape_count(node->shape), m->most, m->signal, t->g->rules ? absorbed : m->through);
}

enum { SMALL_TAPE = 60 };

static int tape_length(const fl_traced *t)
{
    int n = 0;
    for (fl_id i = 0; i < t->g->count; i++) n += t->trail.met[i].on_tape;
    return n;
}

static bool same_scope(const fl_traced *t, fl_id a, fl_id b)
{
    const char *x = t->g->node[a].name, *y = t->g->node[b].name;
    const int n = fl_trace_scope(x);
    return n == fl_trace_scope(y) && strncmp(x, y, (size_t)n) == 0;
}

static void print_tape(FILE *to, const fl_traced *t)
{
    const bool small = tape_length(t) <= SMALL_TAPE;
    print_node_head(to, t->g->rules != NULL);
    for (fl_id i = 0; i < t->g->count; i++) {
        if (!t->trail.met[i].on_tape) continue;
        if (small) {
            print_node(to, t, i);
            continue;
        }
        fl_id last = i;
        int nodes = 1;
        for (fl_id k = i + 1; k < t->g->count; k++) {
            if (!t->trail.met[k].on_tape) continue;
            if (!same_scope(t, i, k)) break;
            last = k;
            nodes++;
        }
        if (nodes == 1) print_node(to, t, i);
        else print_scope(to, t, i, last, nodes);
        i = last;
    }
}

void fl_trace_print(FILE *to, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_id absorber[10];
    const int n = fl_trace_absorbers(t, absorber, 10);
    fprintf(to, "%s, %s\n%s: frame %d, row %d, column %d, channel %d holds %.6g\n"
            "%s of '%s' (%s %.6g): the signal there is %.6g, the map %.6g\n",
            v->model, v->weights, v->clip, v->frame_number, t->place[2], t->place[3], t->place[0], t->value, t->map.method->name, v->target,
            fl_score_name[t->map.options.target.score], t->map.score, t->signal, (double)t->map.data[t->element]);
    if (!t->g->rules) fprintf(to, "the way up alone (changes times seed): %.6g\n", t->trail.through);
    fprintf(to, "\n");
    print_way(to, t);
    print_tape(to, t);
    if (n) fprintf(to, "\nwho keeps most of it:\n");
    for (int k = 0; k < n; k++) {
        const fl_met *m = &t->trail.met[absorber[k]];
        fprintf(to, "  %-34s %-10s arrived %11.4g, handed on %11.4g, kept %11.4g\n", t->g->node[absorber[k]].name,
                rule_name(t, absorber[k]), m->ledger.arrived, m->ledger.handed_on, kept(m));
    }
}

/* ---- JSON ---- */

static void write_element(fl_json *j, const char *key, const fl_node *node, int64_t at)
{
    int p[4];
    fl_trace_place(node, at, p);
    fl_json_ints(j, key, p, 4);
}

static void write_step(fl_json *j, const fl_traced *t, const fl_step *s)
{
    const fl_node *node = &t->g->node[s->node];
    fl_json_object(j, NULL);
    fl_json_int(j, "index", s->node);
    fl_json_string(j, "name", node->name);
    fl_json_string(j, "op", node->op->name);
    fl_json_string(j, "file", node->op->file);
    fl_json_string(j, "rule", rule_name(t, s->node));
    write_element(j, "element", node, s->at);
    fl_json_number(j, "value", s->value);
    fl_json_number(j, "tangent", s->tangent);
    fl_json_number(j, "signal_in", s->signal);
    if (s->operand >= 0) {
        fl_json_int(j, "to", node->in[s->operand]);
        fl_json_number(j, "slope", s->slope);
        fl_json_number(j, "signal_out", s->handed_on);
    }
    fl_json_array(j, "summands");
    for (int k = 0; k < s->tops; k++) {
        const fl_summand *x = &s->top[k];
        fl_json_object(j, NULL);
        fl_json_int(j, "node", node->in[x->operand]);
        write_element(j, "element", &t->g->node[node->in[x->operand]], x->at);
        fl_json_number(j, "x", x->x);
        fl_json_number(j, "slope", x->slope);
        fl_json_close(j);
    }
    fl_json_close(j);
    fl_json_int(j, "other_summands", s->others);
    fl_json_number(j, "their_sum", s->rest);
    fl_json_number(j, "offset", s->offset);
    fl_json_close(j);
}

static void write_node(fl_json *j, const fl_traced *t, fl_id i)
{
    const fl_node *node = &t->g->node[i];
    const fl_met *m = &t->trail.met[i];
    fl_json_object(j, NULL);
    fl_json_int(j, "index", i);
    fl_json_string(j, "name", node->name);
    fl_json_string(j, "op", node->op->name);
    fl_json_string(j, "file", node->op->file);
    fl_json_string(j, "rule", rule_name(t, i));
    fl_json_ints(j, "shape", (int[]){node->shape.n, node->shape.c, node->shape.t, node->shape.h, node->shape.w}, 5);
    fl_json_int(j, "reached", m->reached);
    if (m->reached) {
        fl_json_ints(j, "reached_from", m->low, 3);
        fl_json_ints(j, "reached_to", m->high, 3);
    }
    fl_json_number(j, "largest_change", m->most);
    if (!t->g->rules) fl_json_number(j, "through", m->through);
    fl_json_number(j, "signal", m->signal);
    if (t->g->rules) {
        fl_json_number(j, "arrived", m->ledger.arrived);
        fl_json_number(j, "handed_on", m->ledger.handed_on);
        fl_json_number(j, "absorbed", kept(m));
    }
    fl_json_close(j);
}

void fl_trace_write(fl_json *j, const fl_trace_view *v)
{
    const fl_traced *t = v->t;
    fl_id absorber[10];
    const int n = fl_trace_absorbers(t, absorber, 10);
    fl_json_ints(j, "place", t->place, 4);
    fl_json_number(j, "value", t->value);
    fl_json_number(j, "signal", t->signal);
    fl_json_number(j, "map", (double)t->map.data[t->element]);
    if (!t->g->rules) fl_json_number(j, "through", t->trail.through);
    fl_json_array(j, "way");
    for (int k = 0; k < t->trail.steps; k++) write_step(j, t, &t->trail.step[k]);
    fl_json_close(j);
    fl_json_array(j, "nodes");
    for (fl_id i = 0; i < t->g->count; i++)
        if (t->trail.met[i].on_tape) write_node(j, t, i);
    fl_json_close(j);
    fl_json_array(j, "absorbers");
    for (int k = 0; k < n; k++) fl_json_string(j, NULL, t->g->node[absorber[k]].name);
    fl_json_close(j);
}
