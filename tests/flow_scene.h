/* flow_scene.h: pairs of frames whose motion is known to every decimal: textures that are sums of waves, read
 * anywhere. */
#ifndef FL_FLOW_SCENE_H
#define FL_FLOW_SCENE_H

#include "tensor/real.h"

#include <stdbool.h>

typedef enum scene_kind { SCENE_SHIFT, SCENE_TURN, SCENE_ZOOM, SCENE_OBJECT } scene_kind;

/* SHIFT, OBJECT: a, b pixels right and down (of the object: a disc before a background that rests). TURN: a degrees
 * clockwise on the screen, about the centre. ZOOM: by the factor a. */
typedef struct scene { scene_kind kind; double a, b; } scene;

/* frame 0 or 1 (H,W), rounded to whole grey values as a camera does. */
void scene_frame(const scene *, int frame, int height, int width, real *grey);

/* Where the pixel (x, y) of frame 0 goes; false when it is covered by the object, or outside, in frame 1. */
bool scene_truth(const scene *, int height, int width, int y, int x, double *u, double *v);

/* Mean distance of flow (H,W,2) from the truth, in pixels, over those that are seen in both frames. */
double scene_error(const scene *, int height, int width, const real *flow);

#endif
