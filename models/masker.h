/* masker.h: a network that learns to say, in one pass, which part of a clip shows a class: real-time image saliency
 * (Dabkowski and Gal 2017, arXiv:1705.07857), with time as one more axis.
 *
 *   classifier, as it is:  features F0 (deepest), F1, F2 ... each finer than the one before, down to a quarter of the frame
 *   selector:              act = <F0(t,h,w), C_y>,   F0 <- F0 sigmoid(act - confidence)          C_y: learned, one per class
 *   decoder:               enlarged, beside the finer features, mixed by a residual block: once per finer features
 *   head:                  two planes a, b:   mask = |a| / (|a| + |b| + 0.001), enlarged to the clip
 *
 * The mask is 1 where the clip is to be kept. It is trained by masker_train.c, and applied by attribution/. */
#ifndef FL_MASKER_H
#define FL_MASKER_H

#include "models/train.h"

#define FL_MASKER_PART "masker."         /* how the names of its parameters begin */

typedef struct fl_masker {               /* nodes */
    fl_id target;                        /* input N,classes,1,1,1: 1 at the class that is asked for, else 0 */
    fl_id confidence;                    /* input 1,1,1,1,1: how sure the selector must be; 0 */
    fl_id exists;                        /* N,1,1,1,1: mean of act: above 0, the class is in the clip */
    fl_id mask;                          /* N,1,T,H,W of the clip */
} fl_masker;

/* Which nodes of a classifier a masker reads, deepest first: net.cam, then below it the last node of every finer picture, as long as
 * that has at most a quarter of the input's rows and columns. Nodes that folded norms (fold.h) leave in their place. Returns how many;
 * FL_USAGE with the graph's error set, and 0: the network has no such node, or no logits. */
enum { FL_MASKER_FEATURES = 4 };
int fl_masker_features(const fl_graph *, fl_network, fl_id feature[FL_MASKER_FEATURES]);

/* Adds a masker that reads these nodes of g (N,C,T',H',W' each). clip: the shape that the mask shall have, but for its channels.
 * g->batch_statistics: its norms take the moments of the batch. Sticky. */
fl_masker fl_masker_build(fl_graph *g, int count, const fl_id *feature, fl_shape clip, int classes);

/* ---- training ---- */

typedef struct fl_masking {              /* weights of the loss, as in the paper; fl_masking_default */
    double area;                         /* of mean((mask + 0.0005)^0.3) */
    double smoothness;                   /* of half the squared differences of neighbours, per frame, at a frame of 224 */
    double preserved;                    /* of what the kept part must still show; what is left must no longer: 1 */
    double fakes;                        /* share of clips whose masker is asked for a class that is not there */
    double kept_margin, left_margin;     /* by how much the logit must lead, or trail, the strongest other one */
} fl_masking;
fl_masking fl_masking_default(void);     /* 8, 0.005, 0.3, 0.3, 1, 5 */

/* The nodes of the loss of one graph, for those who look closer. */
typedef struct fl_masking_nodes {
    fl_masker masker;
    fl_id input, label, real_or_fake;    /* clips; N,classes: the true class; N,2: 0,1 or 1,0 */
    fl_id noise, colour, blurred;        /* 2N,C,T,H,W; the same; 2N,1: 1 where the substrate is a blur. Rows 0 .. N-1: what is left */
    fl_id sign, margin;                  /* 2N,1: loss of a row = max(0, sign (z_y - z_other) + margin) */
    fl_id logits;                        /* 2N,classes */
    fl_id loss;                          /* N,1 */
} fl_masking_nodes;

typedef struct fl_masker_lesson {        /* user of fl_lesson_masker */
    fl_masking how;
    fl_graph *classifier;                /* borrowed: built for inference, with its weights; never changed */
    fl_network net;                      /* of that graph */
    fl_masking_nodes nodes, judge;       /* of the trainer's two graphs; filled in */
    real *field;                         /* normal numbers of a step, one per value of a clip; the trainer's */
} fl_masker_lesson;

/* For fl_trainer_init_lesson(..., &fl_lesson_masker, &lesson). Right is a clip whose kept part shows its class, or where a class was
 * asked for that is not there, does not. */
extern const fl_lesson fl_lesson_masker;

/* Adds clip, classifier, masker and loss for n clips to g. training: norms of the masker take the moments of the batch. */
void fl_masking_build(fl_graph *g, const fl_masker_lesson *, int n, bool training, fl_masking_nodes *);

/* Of unseen clips, with running statistics, asked for their own class. */
typedef struct fl_masker_figures {
    double size;                         /* mean of the mask */
    double kept, left;                   /* share whose class is still the first by what the mask keeps, and by what it leaves */
} fl_masker_figures;
fl_masker_figures fl_masker_judge(fl_trainer *, const fl_dataset *, int64_t count);

#endif
