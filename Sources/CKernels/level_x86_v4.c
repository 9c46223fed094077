#include "CKernels.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#define LEVEL x86_v4
#define LEVEL_TEXT "x86-64-v4"
#define LANES 16
#include "kernels/body.inc"
#pragma clang attribute pop
#endif
