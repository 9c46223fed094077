#include "CKernels.h"

#include <stddef.h>
#include <string.h>

#if defined(__aarch64__)
extern const hk_kernels hk_kernels_neon;
static const hk_kernels *const levels[] = {&hk_kernels_neon};
static int present(int index) { return index == 0; }
#elif defined(__x86_64__)
extern const hk_kernels hk_kernels_x86_v4, hk_kernels_x86_v3, hk_kernels_baseline;
static const hk_kernels *const levels[] = {&hk_kernels_x86_v4, &hk_kernels_x86_v3, &hk_kernels_baseline};
static int present(int index) {
  switch (index) {
  case 0: return __builtin_cpu_supports("x86-64-v4") != 0;
  case 1: return __builtin_cpu_supports("x86-64-v3") != 0;
  default: return 1;
  }
}
#else
extern const hk_kernels hk_kernels_baseline;
static const hk_kernels *const levels[] = {&hk_kernels_baseline};
static int present(int index) { return index == 0; }
#endif

static const int count = sizeof levels / sizeof levels[0];

const hk_kernels *hk_select(const char *level) {
  for (int i = 0; i < count; i++)
    if ((level == NULL || strcmp(level, levels[i]->level) == 0) && present(i)) return levels[i];
  return NULL;
}

const char *hk_level(int index) { return index >= 0 && index < count ? levels[index]->level : NULL; }
