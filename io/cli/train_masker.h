/* train_masker.h: footlight train --masker: what is different when a masking network learns (models/masker.h). */
#ifndef FL_CLI_TRAIN_MASKER_H
#define FL_CLI_TRAIN_MASKER_H

#include "io/cli/cli.h"
#include "io/cli/weights.h"
#include "models/masker.h"

typedef struct fl_train_masker {
    fl_masker_lesson lesson;
    fl_weights weights;              /* of the classifier */
} fl_train_masker;

extern const fl_option_group fl_masking_options;         /* --masker --fakes ... */

/* The classifier with its weights, norms folded, and the weights of the loss. Refuses options that belong to the other lesson. */
fl_status fl_train_masker_open(fl_cli *, const fl_model *, fl_train_masker *);

/* The options of the lesson that the result depends on, and whose weights were watched; in the arena. */
char *fl_train_masker_describe(fl_cli *, const fl_train_masker *);

/* Prints what the masker does with count unseen clips. */
void fl_train_masker_print(const fl_cli *, fl_trainer *, const fl_dataset *, int64_t count);

#endif
