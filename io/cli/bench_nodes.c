/* bench_nodes.c: a clock on every node of a graph, by looking on (fl_watch): a value is seen when it has just been made, a signal
 * just before it goes down. So a step takes from one sight to the next, and the steps of a pass add up to it. */
#include "io/cli/bench_nodes.h"

#include "autograd/receptive.h"
#include "tensor/peak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct clocks {
    double *best[2], last;               /* per node, up and down */
    fl_id sinking;                       /* whose signal is on its way down */
} clocks;

static void lap(clocks *c, bool down, fl_id i)
{
    const double now = fl_clock(), took = now - c->last;
    if (i != FL_NONE && took < c->best[down][i]) c->best[down][i] = took;
    c->last = now;
}

static void see_value(fl_graph *g, fl_id i, void *user)
{
    (void)g;
    lap(user, false, i);
}

static void see_signal(fl_graph *g, fl_id i, void *user)
{
    clocks *c = user;
    (void)g;
    lap(c, true, c->sinking);
    c->sinking = i;
}

typedef struct job { fl_graph *g; const real *seed; clocks *c; } job;

static void run(void *user)
{
    const job *j = user;
    j->c->last = fl_clock();
    j->c->sinking = FL_NONE;
    fl_graph_forward(j->g);
    if (!j->seed) return;
    fl_graph_backward(j->g, j->seed);
    lap(j->c, true, j->c->sinking);
}

static int dearest_first(const void *a, const void *b)
{
    const double x = ((const fl_node_cost *)a)->seconds, y = ((const fl_node_cost *)b)->seconds;
    return (x < y) - (x > y);
}

fl_status fl_nodes_time(fl_arena *arena, fl_graph *g, const real *seed, int repeat, fl_times *times, fl_node_costs *costs)
{
    clocks c = {.best = {FL_NEW(arena, double, g->count), FL_NEW(arena, double, g->count)}};
    costs->cost = FL_NEW(arena, fl_node_cost, 2 * g->count);
    costs->count = 0;
    if (!c.best[0] || !c.best[1] || !costs->cost) return arena->error->status;
    const fl_watch watch = {.value = see_value, .signal = see_signal, .user = &c}, *const before = g->watch;
    job j = {g, seed, &c};
    for (int way = 0; way < 2; way++)
        for (fl_id i = 0; i < g->count; i++) c.best[way][i] = (double)INFINITY;
    g->watch = &watch;
    const fl_status status = fl_time_work(arena, run, &j, repeat, times);
    g->watch = before;
    for (int way = 0; way < 2; way++)
        for (fl_id i = 0; i < g->count; i++)
            if (c.best[way][i] < (double)INFINITY && g->node[i].n_in)
                costs->cost[costs->count++] = (fl_node_cost){i, way == 1, c.best[way][i], 2e-9 * fl_node_macs(&g->node[i])};
    qsort(costs->cost, (size_t)costs->count, sizeof *costs->cost, dearest_first);
    return status;
}

/* ---- to read ---- */

typedef struct words { char op[40], layer[96]; } words;

/* "conv+add+relu" and a convolution as bench --layer takes it; of all else the shape. */
static words describe(const fl_graph *g, const fl_node_cost *c)
{
    const fl_node *node = &g->node[c->node], *head = node->head == FL_NONE ? NULL : &g->node[node->head];
    const fl_window *w = &node->attr.conv.win;
    const fl_shape x = node->in_shape[0];
    words to;
    fl_shape_text shape;
    const bool relu = head && head->op->kind == FL_OP_relu, alone = c->down || !head;
    snprintf(to.op, sizeof to.op, "%s%s%s", node->op->name, alone || node->beside == FL_NONE ? "" : "+add", alone || !relu ? "" : "+relu");
    if (node->op->kind != FL_OP_conv) snprintf(to.layer, sizeof to.layer, "%s", fl_shape_print(node->shape, &shape));
    else snprintf(to.layer, sizeof to.layer, "%d>%d %dx%dx%d s%d,%d,%d g%d @%dx%dx%d", x.c, node->shape.c, w->k[0], w->k[1], w->k[2],
                  w->s[0], w->s[1], w->s[2], node->attr.conv.groups, x.t, x.h, x.w);
    return to;
}

static double sum_of(const fl_node_costs *costs)
{
    double sum = 0;
    for (int i = 0; i < costs->count; i++) sum += costs->cost[i].seconds;
    return sum;
}

void fl_nodes_print(const fl_graph *g, const fl_node_costs *costs, double peak)
{
    const double sum = sum_of(costs);
    int width = 4;
    for (int i = 0; i < costs->count; i++) {
        const int n = (int)strlen(g->node[costs->cost[i].node].name);
        if (n > width) width = n;
    }
    printf("%4s  %-*s  %-14s  %-36s  %9s  %5s  %8s  %s\n", "way", width, "node", "op", "layer", "ms", "share", "GFLOP", "of peak");
    for (int i = 0; i < costs->count; i++) {
        const fl_node_cost *c = &costs->cost[i];
        const words w = describe(g, c);
        printf("%4s  %-*s  %-14s  %-36s  %9.4f  %4.1f%%", c->down ? "down" : "up", width, g->node[c->node].name, w.op, w.layer,
               1e3 * c->seconds, 100 * c->seconds / sum);
        if (c->gflop > 0) printf("  %8.4f  %3.0f%%", c->gflop, 1e11 * c->gflop / c->seconds / peak);
        printf("\n");
    }
    printf("%d steps, together %.6f s; peak %.4g GFLOP/s\n", costs->count, sum, 1e-9 * peak);
}

void fl_nodes_write(fl_json *j, const fl_graph *g, const fl_node_costs *costs, double peak)
{
    fl_json_array(j, "nodes");
    for (int i = 0; i < costs->count; i++) {
        const fl_node_cost *c = &costs->cost[i];
        const words w = describe(g, c);
        fl_json_object(j, NULL);
        fl_json_string(j, "way", c->down ? "down" : "up");
        fl_json_string(j, "node", g->node[c->node].name);
        fl_json_string(j, "op", w.op);
        fl_json_string(j, "layer", w.layer);
        fl_json_number(j, "seconds", c->seconds);
        fl_json_number(j, "gflop", c->gflop);
        fl_json_number(j, "of_peak", 1e9 * c->gflop / c->seconds / peak);
        fl_json_close(j);
    }
    fl_json_close(j);
}
