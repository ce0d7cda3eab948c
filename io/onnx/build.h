/* build.h: the builder that onnx.c puts into the model of a file. */
#ifndef FL_ONNX_BUILD_H
#define FL_ONNX_BUILD_H

#include "io/onnx/import.h"
#include "io/onnx/onnx.h"

fl_network fl_onnx_build(fl_graph *, const fl_model *, const fl_model_options *);

#endif
