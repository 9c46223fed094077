#include "CCUDA.h"

#define LOAD(member, symbol, parameters)               \
  table->member = (int(*) parameters)lookup(symbol, library); \
  if (!table->member) return symbol;

const char *hc_load_driver(hc_driver *table, hc_lookup lookup, void *library) {
  HC_DRIVER_FUNCTIONS(LOAD)
  return NULL;
}

const char *hc_load_launcher(hc_launcher *table, hc_lookup lookup, void *library) {
  HC_LAUNCHER_FUNCTIONS(LOAD)
  return NULL;
}

const char *hc_load_compiler(hc_compiler *table, hc_lookup lookup, void *library) {
  HC_COMPILER_FUNCTIONS(LOAD)
  return NULL;
}

const char *hc_load_blas(hc_blas *table, hc_lookup lookup, void *library) {
  HC_BLAS_FUNCTIONS(LOAD)
  return NULL;
}

const char *hc_load_fused(hc_fused *table, hc_lookup lookup, void *library) {
  HC_FUSED_FUNCTIONS(LOAD)
  return NULL;
}
