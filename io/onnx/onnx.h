/* onnx.h: an ONNX file as a network: its nodes become nodes of an ordinary graph, so every method works on it.
 *
 *     fl_onnx *onnx;
 *     fl_onnx_open(&arena, "x3d.onnx", &onnx);
 *     fl_network net = fl_model_build(graph, &onnx->model, &(fl_model_options){.frames = 13});
 *
 * The build leaves the file's values in the graph's parameters: there is nothing to load. They are called as in the
 * file, nodes as in the file with dots for slashes.
 *
 * The input. One of three channels, recognised by its shape, the first that fits (a length that the file leaves open
 * fits everywhere but as channels; N is 1 or open):
 *
 *     5 axes   N,3,T,H,W    N,T,3,H,W    N,T,H,W,3
 *     4 axes   T,3,H,W      3,T,H,W      T,H,W,3          (a batch of pictures is a row of frames)
 *
 * The output is the first one of the file. Where it has a row of scores per frame, the mean over the rows is
 * explained. Behind a softmax, the logits are what goes into it. Grad-CAM reads the last node with places (H or W
 * above 1).
 *
 * The card. A file says nothing about pixels. Beside x3d.onnx, x3d.card.json, or else card.json, does
 * (io/card_json.h); without one, 1 is white and mean and deviation are ImageNet's, or Kinetics' where kernels have
 * three axes; .assumed says so. */
#ifndef FL_ONNX_H
#define FL_ONNX_H

#include "io/map.h"
#include "io/onnx/program.h"
#include "models/model.h"

typedef struct fl_onnx_notes { char text[512]; } fl_onnx_notes;

typedef struct fl_onnx {
    fl_model model;                      /* first: a model that is built by fl_onnx_of(model) is one of these */
    fl_onnx_program program;
    const char *path;
    fl_mapped file;
    const char *axes;                    /* of the input, such as "NCTHW" */
    const char *assumed;                 /* about the card; "" when a card.json said everything */
    fl_onnx_notes *notes;                /* about the output: written by every build */
} fl_onnx;

/* Reads the file at path, and its card. Everything lives in the arena. FL_UNREADABLE: not ONNX, damaged, an input
 * that is no clip. Whether its nodes are known shows when it is built. */
fl_status fl_onnx_open(fl_arena *, const char *path, fl_onnx **);
void fl_onnx_close(fl_onnx *);                       /* gives the mapped file back; no build after it */

/* The same for bytes in memory (which must outlive it), without a card. */
fl_status fl_onnx_of_bytes(fl_arena *, fl_bytes, const char *path, fl_onnx **);

const fl_onnx *fl_onnx_of(const fl_model *);         /* NULL for a network of the house */
bool fl_onnx_is_file(const char *name); /* whether a name of a model is that of such a file: ends in .onnx */

#endif
