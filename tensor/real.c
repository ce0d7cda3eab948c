/* real.c: the name by which the linker tells the two builds apart. */
#include "tensor/real.h"

const char fl_precision[] = FL_REAL_NAME;
