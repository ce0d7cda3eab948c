/* cli_rig.h: what the tests of the program share: run it, read its JSON, clips to give it.
 *
 * Most of them use `tiny` with formula weights and tensors of random values: seconds for all. */
#ifndef FL_CLI_RIG_H
#define FL_CLI_RIG_H

#include "io/json.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define NEEDS_PROGRAM() do { if (!getenv("FOOTLIGHT")) SKIP("no program under test"); } while (0)
#define TINY "--model tiny --weights formula --tensor"

enum { RIG_CLIPS = 3, RIG_C = 3, RIG_T = 8, RIG_SIDE = 24, RIG_VOXELS = RIG_C * RIG_T * RIG_SIDE * RIG_SIDE };
enum { RIG_CLASSES = 5 };

extern char rig_out[1 << 18], rig_err[65536];        /* stdout and stderr of the last run */
extern char rig_kept[65536];

/* Runs the program in the scratch folder, which is $D; returns the exit code. */
int rig_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
int rig_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));      /* a shell line there */
void rig_keep(void);                               /* copies rig_out to rig_kept */
bool rig_has_escape(const char *text);             /* characters that steer a terminal */

/* A path in the scratch folder; the last eight are valid. */
const char *rig_file(const char *name);

/* The absolute path of a file of tests/golden; the last eight are valid. */
const char *rig_golden(const char *name);

/* Writes x.npy (1,C,T,H,W), c.npy (the same as C,T,H,W), n.npy (N,C,T,H,W, the last one the same), and clip.ppm, a
 * clip of 16 frames of 64 x 64 with clip.csv, its boxes. Returns the values of x.npy, in file order. */
const real *rig_inputs(void);

/* The JSON on stdout, in the arena; NULL after a failed check. */
const fl_json_value *rig_json(fl_arena *);

/* A member far down, "maps.0.law.sum" (numbers count elements). When it is not there: NULL, NAN, "". */
const fl_json_value *rig_at(const fl_json_value *, const char *path);
double rig_number(const fl_json_value *, const char *path);
const char *rig_text(const fl_json_value *, const char *path);

#endif
