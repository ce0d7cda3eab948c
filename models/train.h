/* train.h: training by the house's own autodiff. Same recipe, same seed, same bits: for any thread count, and with
 * any number of interruptions.
 *
 *     fl_trainer t;
 *     fl_trainer_init(&t, &arena, model, &recipe, &data);
 *     while (fl_trainer_step(&t)) ...                       t.loss, t.correct, t.step
 *     fl_trainer_accuracy(&t, &held_out, 1000)
 *
 * Loss: mean cross-entropy of the batch. Rate: linear warm-up, then a half cosine down to zero (Loshchilov 2017).
 * Decay acts on weights of convolutions and linear layers, not on biases and norms. Norms keep running
 * statistics: r = 0.9 r + 0.1 s, with the unbiased variance, as PyTorch does. */
#ifndef FL_TRAIN_H
#define FL_TRAIN_H

#include "autograd/optimiser.h"
#include "models/model.h"

/* Where clips come from: a pure function of the index, called from several threads. rgb: T,H,W,3 bytes of the card's size. */
typedef struct fl_dataset {
    const void *user;
    int64_t count;               /* distinct clips, shuffled anew in every epoch; 0: endless, index i is clip i */
    int frames, height, width;   /* must be what the trained network sees */
    void (*clip)(const void *user, int64_t index, unsigned char *rgb, int *label);
} fl_dataset;

typedef struct fl_recipe {
    fl_optimiser_kind optimiser;
    double rate, momentum, decay;
    int64_t steps, warm_up;      /* in batches */
    int batch, classes;          /* classes 0: the model's */
    uint64_t seed;               /* of the first parameters and of the shuffling */
} fl_recipe;

typedef struct fl_trainer fl_trainer;

/* What is learned. Without one: the classes of clips. Another: masker.h. */
typedef struct fl_lesson {
    const char *part;            /* parameters whose names begin so are trained and stored; all else stays as it is */
    /* Adds nodes to the empty graphs t->g and t->judge, up to t->loss_node (N,1,1,1,1) and t->net, whose input takes the clips. */
    fl_status (*build)(fl_trainer *, void *user);
    void (*prepare)(fl_trainer *, void *user);          /* clips and labels of batch t->step are there: all other inputs */
    int  (*right)(const fl_trainer *, void *user);      /* after the pass: with how many clips of the batch the network was right */
} fl_lesson;

struct fl_trainer {
    const fl_model *model;
    const fl_lesson *lesson;
    void *user;                  /* the lesson's; borrowed */
    fl_recipe recipe;
    fl_dataset data;
    fl_arena *arena;             /* borrowed; owns all that follows */
    fl_graph *g, *judge;         /* for training; for prediction, with running statistics */
    fl_network net, judge_net;
    fl_id target, loss_node;
    fl_optimiser optimiser;
    int n_params;
    fl_id *params;
    real **state[2];             /* the optimiser's, per parameter */
    unsigned char *bytes;        /* a batch of clips as they come from the data */
    int *labels, *order;         /* order: of the current epoch */
    int64_t epoch;               /* that `order` belongs to; -1: none yet */
    int64_t step;                /* batches done */
    double loss;                 /* of the last batch */
    int correct;                 /* in the last batch */
};

/* Builds both graphs and fills the parameters from the seed. FL_USAGE for a batch beyond 1 .. 1024; otherwise what building
 * and memory may report. */
fl_status fl_trainer_init(fl_trainer *, fl_arena *borrowed, const fl_model *, const fl_recipe *, const fl_dataset *);
/* The same for another lesson: model says what clips are like. lesson and user are borrowed as long as the trainer is used. */
fl_status fl_trainer_init_lesson(fl_trainer *, fl_arena *borrowed, const fl_model *, const fl_recipe *, const fl_dataset *,
                                 const fl_lesson *, void *user);

/* One batch. False when recipe.steps are done. */
bool fl_trainer_step(fl_trainer *);

/* Share of the first `count` clips of a data set (of all, where it has fewer) whose label gets the largest logit, with
 * running statistics. Leaves the training as it is. */
double fl_trainer_accuracy(fl_trainer *, const fl_dataset *, int64_t count);

/* Clips first .. first+n-1 of a data set, n at most the batch, into the first samples of an input; labels into t->labels. And the
 * trained parameters and statistics into the graph `judge`: for lessons that judge in their own way. */
void fl_trainer_fill(fl_trainer *, const fl_dataset *, int n, int64_t first, real *input);
void fl_trainer_hand_over(fl_trainer *);
int  fl_trainer_best_class(const real *logits, int classes);      /* the first of the largest */

/* What resuming needs: parameters, statistics, the optimiser's state, the step. store copies into the bundle's arena.
 * load: FL_MISFIT names what belongs to another model, optimiser or recipe; the trainer is then of no further use. */
fl_status fl_trainer_store(const fl_trainer *, fl_bundle *);
fl_status fl_trainer_load(fl_trainer *, const fl_bundle *);

/* The synthetic clips as a data set: endless, clip i of that seed. options must outlive it. */
struct fl_synth_options;
fl_dataset fl_dataset_synth(const struct fl_synth_options *);

#endif
