/* cone_parts.h: what the two halves of a cone share: cone.c says where boxes lie and finds memory, cone_run.c computes them. */
#ifndef FL_CONE_PARTS_H
#define FL_CONE_PARTS_H

#include "autograd/cone.h"
#include "autograd/slab.h"

typedef struct seat {              /* an operand of a node in a pass: what the op will read */
    bool copied;                   /* cut out of base and boxes; else it is there already: a weight, the base, the operand's boxes */
    int size[3];
    fl_sight sight[3];
    real *values;                  /* variants one behind the other */
} seat;

typedef struct spot {              /* a node in a pass */
    bool changed;                  /* in some variant */
    bool apart;                    /* the op takes several variants as samples */
    bool whole[3];                 /* along t, h, w boxes have the node's full length */
    int size[3];                   /* of a box; it may reach beyond the node's end, where its values mean nothing */
    int (*lo)[3];                  /* per variant: where its box begins */
    fl_region *differs;            /* per variant: what can differ from the base, inside its box; perhaps nothing */
    seat *in;
    int last;                      /* node that reads it */
    real *values;                  /* variants one behind the other: N, box, C each */
    real *wide;                    /* with frames around that come out wrong (shift); NULL: no need */
} spot;

struct fl_cone {
    fl_graph *g;
    fl_id input, root;
    fl_arena *arena;
    bool *depends;                 /* per node: on the input */
    bool *kept;                    /* per node: its base is there, as the plan was told */
    bool parts;
    spot *at;                      /* per node */
    fl_shape *shapes;              /* room for the operands of any node */
    const real **operands;
    int seats;                     /* operands of all nodes */
    /* a pass */
    int count;
    fl_buffer *list, **live;
    int buffers;
    double macs;
    /* memory of passes, in two layers: what follows the number of variants, and what follows the boxes */
    struct { fl_mark before; size_t used; } layer[2];
    int room;
    real *slab;
    void *work;
    int64_t slab_count;
    size_t work_bytes;
};

/* The call of an op for variants first, first+1, .. as samples of one batch: as many as have their boxes in places alike. Fills in a
 * node with the shapes of the boxes, and returns how many variants it is for. */
int fl_cone_crop(const fl_cone *, fl_id, int first, fl_node *crop);

/* cone_boxes.c. One size for all variants, on a grid; what node i computes; what it reads. */
void fl_cone_fit(const fl_cone *, spot *, fl_shape, const int tile[3]);
void fl_cone_find_boxes(const fl_cone *, fl_id);
void fl_cone_find_seats(const fl_cone *, fl_id);

/* First place that the box of a variant reads of operand k; it may be negative. */
int fl_cone_reads_from(const spot *, int k, int variant, int axis);

static inline int64_t fl_box_count(fl_shape s, const int size[3]) { return (int64_t)s.n * s.c * size[0] * size[1] * size[2]; }

#endif
