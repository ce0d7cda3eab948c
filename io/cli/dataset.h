/* dataset.h: the clips that training sees: synthetic, or read from a folder once and kept as bytes. */
#ifndef FL_CLI_DATASET_H
#define FL_CLI_DATASET_H

#include "io/cli/cli.h"
#include "models/synth.h"
#include "models/train.h"

typedef struct fl_clips {
    fl_dataset data;                 /* refers to the rest: do not move it after open */
    fl_synth_options synth;
    unsigned char *bytes;            /* count clips of T,H,W,3, fitted; the arena's */
    int *label;
    int classes;
} fl_clips;

/* folder NULL: synthetic actions of that seed, endless. Otherwise folder/CLASS/CLIP: classes are numbered in the order of their
 * names, or, where these are the names of the network's classes, as it numbers them; frames are sampled evenly and fitted as the
 * model's card says. FL_UNREADABLE names the file; FL_USAGE where the number of classes is not the network's, or some folders are
 * named after its classes and others not. */
fl_status fl_clips_open(fl_clips *, fl_cli *, const fl_model *, const char *folder, uint64_t seed);

/* Every clip gets a class drawn at random, a function of seed and number. *s must outlive the data. */
typedef struct fl_shuffled { fl_dataset whole; uint64_t seed; int classes; } fl_shuffled;
void fl_dataset_shuffle(fl_shuffled *s, fl_dataset *, uint64_t seed, int classes);

#endif
