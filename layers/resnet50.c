/* resnet50.c: the 2-D network of 50 layers (He 2015) on every frame, with the stride in the 3x3 convolutions.
 *
 * H,W -> conv 7x7 /2 64 -> max pool 3x3 /2 -> 3 x 256 -> 4 x 512 /2 -> 6 x 1024 /2 -> 3 x 2048 /2. */
#include "layers/layers.h"

#include <stdio.h>

enum { STAGES = 4 };

/* The children of the trunk, by name and by their number in an nn.Sequential. */
static const char *const names[2][4 + STAGES] = {
    {"conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"}, {"0", "1", "2", "3", "4", "5", "6", "7"}};

static fl_id stage(fl_graph *g, const char *name, fl_id x, int blocks, int width, int stride, bool shift)
{
    size_t mark = fl_graph_enter(g, "%s", name);
    for (int b = 0; b < blocks; b++) {
        char block[12];
        snprintf(block, sizeof block, "%d", b);
        x = fl_layer_bottleneck(g, block, x, width, b ? 1 : stride, shift ? fl_graph_shape(g, x).c / 8 : 0);
    }
    fl_graph_leave(g, mark);
    return x;
}

fl_resnet50_ends fl_layer_resnet50(fl_graph *g, const char *scope, fl_id x, fl_resnet50 how)
{
    static const fl_window pool = {{1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};
    static const int blocks[STAGES] = {3, 4, 6, 3};
    const char *const *name = names[how.numbered];
    fl_id end[STAGES];
    size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){name[0], name[1], name[2]}, x, 64, fl_window_cube(1, 7, 7, 1, 2, 2), 1e-5);
    x = fl_node_maxpool(g, name[3], x, pool, false);
    for (int s = 0; s < STAGES; s++) end[s] = x = stage(g, name[4 + s], x, blocks[s], 64 << s, s ? 2 : 1, how.shift);
    fl_graph_leave(g, mark);
    return (fl_resnet50_ends){end[2], end[3]};
}
