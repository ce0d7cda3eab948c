/* cone_parts.h: what the two halves of a cone share: cone.c says where boxes lie and finds memory, cone_run.c computes them. */
#ifndef FL_CONE_PARTS_H
#define FL_CONE_PARTS_H

#include "autograd/cone.h"
#include "autograd/slab.h"

typedef struct seat {              /* an operand of a node in a pass: what the op will read */
    bool copied;                   /* cut out of base and boxes; else it is there already: a weight, the base, the operand's boxes */
    fl_sight sight[3];
    int64_t count;                 /* reals of the largest call */
    real *values;
} seat;

typedef struct spot {              /* a node in a pass */
    bool changed;                  /* in some variant */
    bool apart;                    /* the op takes several variants as samples */
    fl_region *differs;            /* per variant: what can differ from the base; perhaps nothing */
    int (*lo)[3], (*size)[3];      /* per variant: its box. It may reach beyond the node's end, where its values mean nothing */
    int64_t *place;                /* per variant: where its values begin (N, box, C); and the end of the last one */
    seat *in;
    int last;                      /* node that reads it */
    real *values;
    int64_t wide_count;            /* shift: of the largest call, with frames around that come out wrong */
    real *wide;
} spot;

struct fl_cone {
    fl_graph *g;
    fl_id input, root;
    fl_arena *arena;
    bool *depends;                 /* per node: on the input */
    bool *kept;                    /* per node: its base is there, as the plan was told */
    bool parts, exact;
    spot *at;                      /* per node */
    fl_shape *shapes;              /* room for the operands of any node */
    const real **operands;
    int seats;                     /* operands of all nodes */
    /* a pass */
    int count;
    int *order, *slot;             /* boxes alike lie side by side: variant v is the caller's order[v], his k is variant slot[k] */
    fl_buffer *list, **placed;
    int buffers;
    double macs;
    /* memory of passes, in two layers: what follows the number of variants, and what follows the boxes */
    struct { fl_mark before; size_t used; } layer[2];
    int room;
    real *slab;
    void *work;
    int64_t slab_count;
    size_t work_bytes, bytes;
    bool own_work;
};

/* The call of an op for variants first, first+1, .. as samples of one batch: as many as have boxes alike. Fills in a node with the
 * shapes of the boxes, and returns how many variants it is for. */
int fl_cone_crop(const fl_cone *, fl_id, int first, fl_node *crop);

/* cone_boxes.c. The box of a variant, on a grid; what node i computes; what it reads. */
void fl_cone_fit(spot *, fl_shape, int variant, const int tile[3]);
void fl_cone_find_boxes(const fl_cone *, fl_id);
void fl_cone_find_seats(const fl_cone *, fl_id);

/* What the box of a variant reads of operand k: the first place along an axis, which may be negative, and how many. */
typedef struct fl_reading { int lo[3], size[3]; } fl_reading;
fl_reading fl_cone_reads(const fl_node *, const spot *, int k, int variant);

/* Along an axis the box of a variant has the node's full length, and no margins. */
static inline bool fl_spot_is_whole(const fl_node *node, const spot *s, int variant, int axis)
{
    return s->size[variant][axis] == (axis == 0 ? node->shape.t : axis == 1 ? node->shape.h : node->shape.w);
}

static inline int64_t fl_box_count(fl_shape s, const int size[3]) { return (int64_t)s.n * s.c * size[0] * size[1] * size[2]; }

#endif
