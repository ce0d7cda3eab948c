/* random_graph.c: grows a tape by random steps on a pool of nodes of one size T,H,W, then reads all loose ends. */
#include "tests/random_graph.h"

#include "autograd/ops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 64, MOST_CHANNELS = 8 };

typedef struct grower {
    fl_graph *g;
    fl_rng rng;
    random_graph net;
    fl_id pool[MOST];
    int count, named;
    bool read[MOST];                          /* has a reader */
} grower;

static int below(grower *r, int n) { return fl_rng_next_below(&r->rng, n); }

static const char *name(grower *r, const char *kind, char to[32])
{
    snprintf(to, 32, "%s%d", kind, r->named++);
    return to;
}

static fl_id param(grower *r, const char *kind, fl_shape s, double mean, double deviation)
{
    char text[32];
    const fl_id id = fl_node_param(r->g, name(r, kind, text), s);
    if (id == FL_NONE) return id;
    for (int64_t i = 0; i < fl_shape_count(s); i++)
        fl_graph_value(r->g, id)[i] = (real)(mean + deviation * fl_rng_next_normal(&r->rng));
    if (r->net.n_wrt < RANDOM_GRAPH_PARAMS) r->net.wrt[r->net.n_wrt++] = id;
    return id;
}

static fl_id any(grower *r)
{
    const int i = below(r, r->count);
    r->read[i] = true;
    return r->pool[i];
}

static int channels(const grower *r, fl_id id) { return fl_graph_shape(r->g, id).c; }

/* A node of the pool with so many channels, perhaps x itself. */
static fl_id like(grower *r, fl_id x)
{
    for (int i = 0; i < 8; i++) {
        const int k = below(r, r->count);
        if (channels(r, r->pool[k]) != channels(r, x)) continue;
        r->read[k] = true;
        return r->pool[k];
    }
    return x;
}

/* A weight of that shape, an old one if there is one and luck will have it. */
static fl_id weight(grower *r, fl_shape s)
{
    for (int i = 0; i < r->net.n_wrt; i++)
        if (fl_shape_equal(fl_graph_shape(r->g, r->net.wrt[i]), s) && below(r, 2)) return r->net.wrt[i];
    return param(r, "w", s, 0, 1 / sqrt((double)s.c * s.t * s.h * s.w));
}

static fl_id conv(grower *r, fl_id x, int k, const char *text)
{
    const int o = 3 + below(r, 2), groups = channels(r, x) % 2 == 0 && o % 2 == 0 && below(r, 2) ? 2 : 1;
    const fl_id w = weight(r, (fl_shape){o, channels(r, x) / groups, k, k, k});
    const fl_id b = below(r, 2) ? param(r, "b", fl_shape_vector(1, o), 0, 0.5) : FL_NONE;
    return fl_node_conv(r->g, text, x, w, b, fl_window_cube(k, k, k, 1, 1, 1), groups);
}

static fl_id norm(grower *r, fl_id x, const char *text)
{
    const fl_shape s = fl_shape_vector(1, channels(r, x));
    const fl_id gamma = param(r, "gamma", s, 1, 0.2), beta = param(r, "beta", s, 0, 0.2);
    fl_id mean, var;
    if (below(r, 2)) {
        mean = param(r, "mean", s, 0, 0.2);
        var = param(r, "var", s, 1, 0.05);
    } else {                                  /* as in training: of x itself */
        char a[32];
        const fl_id moments = fl_node_moments(r->g, name(r, "moments", a), x);
        mean = fl_node_slice(r->g, name(r, "mean", a), moments, FL_AXIS_N, 0, 1);
        var = fl_node_slice(r->g, name(r, "var", a), moments, FL_AXIS_N, 1, 2);
    }
    return fl_node_batchnorm(r->g, text, x, gamma, beta, mean, var, 1e-5);
}

static fl_id relu_three_times(grower *r, fl_id x, const char *text)
{
    char a[32], b[32], c[32];
    const fl_id y = fl_node_relu(r->g, name(r, "relu", a), x);
    return fl_node_add(r->g, text, y,
                       fl_node_mul(r->g, name(r, "gated", b), y, fl_node_sigmoid(r->g, name(r, "gate", c), y)));
}

static fl_id blend(grower *r, fl_id x, const char *text)
{
    char a[32];
    const fl_id mask = fl_node_sigmoid(r->g, name(r, "mask", a), param(r, "m", (fl_shape){1, 1, 1, 5, 4}, 0, 1));
    return fl_node_blend(r->g, text, x, like(r, x), mask);
}

static fl_id step(grower *r, bool smooth)
{
    char text[32], more[32];
    const fl_window cube = fl_window_cube(3, 3, 3, 1, 1, 1);
    const fl_id x = any(r);
    const int c = channels(r, x), kind = below(r, smooth ? 15 : 18);
    name(r, "y", text);
    name(r, "z", more);
    switch (kind) {
    case 0:  return conv(r, x, 3, text);
    case 1:  return conv(r, x, 1, text);
    case 2:  return fl_node_add(r->g, text, x, like(r, x));
    case 3:  return fl_node_mul(r->g, text, x, fl_node_tanh(r->g, more, like(r, x)));
    case 4:  return fl_node_add(r->g, text, fl_node_tanh(r->g, more, x), x);
    case 5:  return c <= MOST_CHANNELS / 2 ? fl_node_concat(r->g, text, FL_AXIS_C, 2, (fl_id[]){x, like(r, x)})
                                           : fl_node_slice(r->g, text, x, FL_AXIS_C, 1, 4);
    case 6:  return fl_node_softmax(r->g, text, x);
    case 7:  return fl_node_avgpool(r->g, text, x, cube, false, below(r, 2));
    case 8:  return norm(r, x, text);
    case 9:  return fl_node_sigmoid(r->g, text, x);
    case 10: return fl_node_shift(r->g, text, x, c / 3);
    case 11: return fl_node_blur(r->g, text, x, fl_blur_frames(0.6, FL_BORDER_REFLECT));
    case 12: return fl_node_lrn(r->g, text, x, 3, 0.3, 0.75, 1.0);
    case 13: return blend(r, x, text);
    case 14:
        return fl_node_add(r->g, text, x, fl_node_mean(r->g, more, like(r, x), 1u << FL_AXIS_C | 1u << FL_AXIS_T));
    case 15: return relu_three_times(r, x, text);
    case 16: return fl_node_relu(r->g, text, x);
    default: return fl_node_maxpool(r->g, text, x, cube, false);
    }
}

/* All loose ends, averaged, through one linear layer twice. */
static fl_id head(grower *r)
{
    fl_id ends[MOST];
    int n = 0;
    char text[32];
    for (int i = 0; i < r->count; i++)
        if (!r->read[i] || i == 0) ends[n++] = fl_node_global_average(r->g, name(r, "average", text), r->pool[i]);
    const fl_id features = fl_node_concat(r->g, "features", FL_AXIS_C, n, ends);
    const int c = channels(r, features);
    const fl_id w = weight(r, (fl_shape){c, c, 1, 1, 1}), b = param(r, "b", fl_shape_vector(1, c), 0, 0.2);
    const fl_id once = fl_node_tanh(r->g, "once", fl_node_linear(r->g, "first", features, w, b));
    const fl_id twice = fl_node_linear(r->g, "second", once, w, b);
    const fl_id logits = fl_node_linear(r->g, "logits", twice, weight(r, (fl_shape){5, c, 1, 1, 1}), FL_NONE);
    return fl_node_logsoftmax(r->g, "root", logits);
}

random_graph random_graph_build(fl_graph *g, uint64_t seed, bool smooth)
{
    grower r = {.g = g, .rng = {seed, 4, 0}};
    const fl_shape s = {2, 3, 3, 5, 4};
    r.net.x = fl_node_input(g, "x", s);
    if (r.net.x != FL_NONE) fl_rng_fill_normal(seed, 5, 0, fl_graph_value(g, r.net.x), fl_shape_count(s));
    r.net.wrt[r.net.n_wrt++] = r.net.x;
    r.pool[r.count++] = r.net.x;
    const int steps = 10 + below(&r, 15);
    for (int i = 0; i < steps && fl_graph_ok(g); i++) r.pool[r.count++] = step(&r, smooth);
    r.net.root = head(&r);
    return r.net;
}
