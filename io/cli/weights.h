/* weights.h: where a network's weights come from: --weights FILE, formula[:GAMMA], or the file that ships with it. */
#ifndef FL_CLI_WEIGHTS_H
#define FL_CLI_WEIGHTS_H

#include "io/cli/cli.h"
#include "io/sha256.h"
#include "io/weights_file.h"
#include "models/model.h"

typedef struct fl_weights {
    const char *name;            /* for results: as the user wrote it, or "weights/FILE" of a shipped file */
    const char *path;            /* where it is; NULL for a formula */
    fl_sha256_text *sha256;      /* read it with fl_weights_sha256 */
    fl_weights_file file;        /* stays open as long as the program runs */
    fl_bundle bundle;            /* its tensors, read on demand; none for a formula */
    double gamma;                /* of the formula */
    fl_match match;              /* of the bundle with the network, once applied */
    struct fl_weights *flow;     /* --flow-weights: a second file, for the flow stream; NULL: there is none */
} fl_weights;

/* Finds and reads what --weights names (text; NULL: what ships with the model). FL_USAGE: nothing ships with it, or
 * the formula is written wrongly; FL_UNREADABLE: no such file, or not one of weights (any kind
 * of weights_file.h). Lives in cli->arena. */
fl_status fl_weights_open(fl_cli *, const fl_model *, const char *text, fl_weights *);

bool fl_weights_is_formula(const char *text);        /* --weights formula[:GAMMA], no file */

/* SHA-256 of the file, "" for a formula. It takes about as long as loading, so the file is read for it when it is first asked for; a
 * failure is "" and FL_UNREADABLE in the error of the arena. */
const char *fl_weights_sha256(const fl_weights *);

/* Puts them into a graph that is built, under the key map that fits best, and says on stderr what did not match. FL_MISFIT:
 * a tensor of another shape, or missing ones without --allow-missing. */
fl_status fl_weights_apply(fl_cli *, fl_weights *, const fl_model *, fl_graph *);

/* A file under weights/: in $FOOTLIGHT_WEIGHTS, next to the build, where make install puts it, or in ./weights. The
 * arena's; NULL when it is in none of them (no error is set). */
const char *fl_weights_find(fl_cli *, const char *file);

#endif
