/* footlight.h: the library in one include: cc -I. program.c build/libfootlight.a -lm -fopenmp
 *
 * What the command line does, in C: a clip, a network with weights, a map, a page.
 *
 *     fl_error error = {0};
 *     fl_arena arena, work;                        arena: everything that stays; work: the graph and nothing else
 *     fl_arena_init(&arena, &error);
 *     fl_arena_init(&work, &error);
 *
 *     const fl_model *model = fl_model_find("r2plus1d_small");
 *     fl_clip clip;
 *     fl_network_clip seen;
 *     int frame[16];
 *     fl_clip_read(&arena, "clip.y4m", NULL, &clip);
 *     fl_sample(&(fl_sample_options){.frames = 16}, clip.frames, frame, &error);
 *     fl_preprocess(&arena, &model->input, &clip, frame, 16, &seen);
 *
 *     fl_graph *graph = fl_graph_new(&work);
 *     fl_network net = fl_model_build(graph, model, &(fl_model_options){.n = 1});
 *     fl_bundle weights;
 *     fl_bundle_init(&weights, &arena);
 *     fl_weights_file file;
 *     fl_weights_file_open(&arena, "weights/r2plus1d_small.safetensors", &file);      .pth, .npz as well
 *     fl_weights_file_bundle(&file, &weights);
 *     fl_graph_load(graph, &weights);
 *     fl_weights_file_close(&file);
 *
 *     fl_map map;
 *     fl_explainer *explainer = fl_explainer_new(graph, net, &model->input);
 *     fl_explain(explainer, fl_method_find("grad_cam"), seen.input.data,
 *                &(fl_explain_options){.target = {.class_index = FL_CLASS_AUTO}}, &arena, &map);
 *     real *drawn = fl_map_reduce(&map, NULL, &arena);             T,H,W
 *
 *     fl_arena_free(&work);
 *     fl_arena_free(&arena);
 *
 * Functions return a status, and leave one message in the fl_error: the first error stays, so a program may ask once
 * at the end of a step (error.status). Nothing is printed, nothing ends the program, memory comes from the caller's
 * arenas only. Numbers depend on inputs, seed and precision, not on threads. Compile with -DFL_F64 against the
 * float64 build; the linker refuses a mixture.
 *
 * Where to read on: tensor/tensor.h (how arrays lie in memory), autograd/graph.h (networks of your own, with
 * autograd/ops.h and layers/layers.h), attribution/attribution.h (methods), io/result.h (pictures and pages). */
#ifndef FOOTLIGHT_H
#define FOOTLIGHT_H

#include "attribution/attribution.h"
#include "attribution/localise.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "io/clip.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/onnx/onnx.h"
#include "io/preprocess.h"
#include "io/report.h"
#include "io/result.h"
#include "io/safetensors.h"
#include "io/sample.h"
#include "io/sheet.h"
#include "io/weights_file.h"
#include "layers/layers.h"
#include "models/model.h"
#include "models/synth.h"
#include "tensor/kernels.h"
#include "tensor/par.h"

#endif
