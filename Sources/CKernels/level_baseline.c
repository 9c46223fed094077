#include "CKernels.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#if !defined(__aarch64__)
#define LEVEL baseline
#define LEVEL_TEXT "baseline"
#define LANES 4
#include "kernels/body.inc"
#endif
