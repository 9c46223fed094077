/// The functions of NVIDIA's driver, run-time compiler and BLAS that the GPU backend calls, and the
/// sources of its kernels.
///
/// Nothing here needs a toolkit: the declarations are those of the published interfaces, and the
/// functions are looked up in libraries that are opened while the program runs.
#ifndef HYSTERESIS_CCUDA_H
#define HYSTERESIS_CCUDA_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t hc_address;  // CUdeviceptr
typedef void *hc_handle;      // contexts, streams, events, modules, functions, graphs

enum {
  HC_SUCCESS = 0,
  HC_OUT_OF_MEMORY = 2,
};

/// The driver's device attributes that are asked for.
enum {
  HC_MULTIPROCESSORS = 16,
  HC_CLOCK_KILOHERTZ = 13,
  HC_MEMORY_CLOCK_KILOHERTZ = 36,
  HC_MEMORY_BUS_BITS = 37,
  HC_L2_BYTES = 38,
  HC_COMPUTE_MAJOR = 75,
  HC_COMPUTE_MINOR = 76,
  HC_SHARED_BYTES_PER_BLOCK = 97,
};

enum {
  HC_FUNCTION_SHARED_BYTES = 8,     // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
  HC_STREAM_NON_BLOCKING = 1,
  HC_CAPTURE_RELAXED = 2,           // memory may be asked for meanwhile
  HC_EVENT_DEFAULT = 0,
  HC_EVENT_NO_TIMING = 2,
};

/// What a launch can be told beyond its sizes (CUlaunchAttribute).
typedef struct hc_launch_attribute {
  int which;
  int unused;
  uint64_t value[8];
} hc_launch_attribute;

/// CUlaunchConfig
typedef struct hc_launch_configuration {
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  hc_handle stream;
  hc_launch_attribute *attributes;
  unsigned attribute_count;
} hc_launch_configuration;

enum {
  // CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
  HC_LAUNCH_OVERLAPS = 6,
};

/// cublasOperation_t, cudaDataType_t, cublasComputeType_t, cublasMath_t, cublasGemmAlgo_t
enum {
  HC_BLAS_NORMAL = 0,
  HC_BLAS_TRANSPOSED = 1,
  HC_REAL_32F = 0,
  HC_COMPUTE_32F = 68,
  HC_COMPUTE_32F_TF32 = 77,
  HC_ALGORITHM_DEFAULT = -1,
};

// X(name in the table, name in the library, parameters)
#define HC_DRIVER_FUNCTIONS(X)                                                                    \
  X(init, "cuInit", (unsigned flags))                                                             \
  X(driver_version, "cuDriverGetVersion", (int *version))                                         \
  X(error_name, "cuGetErrorName", (int error, const char **text))                                 \
  X(error_text, "cuGetErrorString", (int error, const char **text))                               \
  X(device_count, "cuDeviceGetCount", (int *count))                                               \
  X(device_get, "cuDeviceGet", (int *device, int ordinal))                                        \
  X(device_name, "cuDeviceGetName", (char *name, int length, int device))                         \
  X(device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, int device))            \
  X(device_memory, "cuDeviceTotalMem_v2", (size_t *bytes, int device))                            \
  X(context_retain, "cuDevicePrimaryCtxRetain", (hc_handle *context, int device))                 \
  X(context_release, "cuDevicePrimaryCtxRelease_v2", (int device))                                \
  X(context_set, "cuCtxSetCurrent", (hc_handle context))                                          \
  X(memory_info, "cuMemGetInfo_v2", (size_t *free, size_t *total))                                \
  X(allocate, "cuMemAlloc_v2", (hc_address *address, size_t bytes))                               \
  X(release, "cuMemFree_v2", (hc_address address))                                                \
  X(allocate_host, "cuMemHostAlloc", (void **address, size_t bytes, unsigned flags))              \
  X(release_host, "cuMemFreeHost", (void *address))                                               \
  X(copy_in, "cuMemcpyHtoDAsync_v2",                                                              \
    (hc_address to, const void *from, size_t bytes, hc_handle stream))                            \
  X(copy_out, "cuMemcpyDtoHAsync_v2",                                                             \
    (void *to, hc_address from, size_t bytes, hc_handle stream))                                  \
  X(copy_across, "cuMemcpyDtoDAsync_v2",                                                          \
    (hc_address to, hc_address from, size_t bytes, hc_handle stream))                             \
  X(fill, "cuMemsetD32Async", (hc_address to, unsigned value, size_t count, hc_handle stream))    \
  X(stream_create, "cuStreamCreate", (hc_handle *stream, unsigned flags))                         \
  X(stream_destroy, "cuStreamDestroy_v2", (hc_handle stream))                                     \
  X(stream_wait, "cuStreamSynchronize", (hc_handle stream))                                       \
  X(stream_wait_event, "cuStreamWaitEvent", (hc_handle stream, hc_handle event, unsigned flags))  \
  X(capture_begin, "cuStreamBeginCapture_v2", (hc_handle stream, int mode))                       \
  X(capture_end, "cuStreamEndCapture", (hc_handle stream, hc_handle *graph))                      \
  X(graph_nodes, "cuGraphGetNodes", (hc_handle graph, hc_handle *nodes, size_t *count))           \
  X(graph_instantiate, "cuGraphInstantiateWithFlags",                                             \
    (hc_handle *executable, hc_handle graph, unsigned long long flags))                           \
  X(graph_launch, "cuGraphLaunch", (hc_handle executable, hc_handle stream))                      \
  X(graph_destroy, "cuGraphDestroy", (hc_handle graph))                                           \
  X(graph_executable_destroy, "cuGraphExecDestroy", (hc_handle executable))                       \
  X(event_create, "cuEventCreate", (hc_handle *event, unsigned flags))                            \
  X(event_record, "cuEventRecord", (hc_handle event, hc_handle stream))                           \
  X(event_wait, "cuEventSynchronize", (hc_handle event))                                          \
  X(event_elapsed, "cuEventElapsedTime", (float *milliseconds, hc_handle from, hc_handle to))     \
  X(event_destroy, "cuEventDestroy_v2", (hc_handle event))                                        \
  X(module_load, "cuModuleLoadData", (hc_handle *module, const void *image))                      \
  X(module_unload, "cuModuleUnload", (hc_handle module))                                          \
  X(module_function, "cuModuleGetFunction",                                                       \
    (hc_handle *function, hc_handle module, const char *name))                                    \
  X(function_set, "cuFuncSetAttribute", (hc_handle function, int attribute, int value))           \
  X(launch, "cuLaunchKernel",                                                                     \
    (hc_handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,     \
     unsigned block_y, unsigned block_z, unsigned shared_bytes, hc_handle stream,                 \
     void **parameters, void **extra))

/// Launches that older drivers do not have.
#define HC_LAUNCHER_FUNCTIONS(X)                                                                  \
  X(launch, "cuLaunchKernelEx",                                                                   \
    (const hc_launch_configuration *configuration, hc_handle function, void **parameters,         \
     void **extra))

#define HC_COMPILER_FUNCTIONS(X)                                                                  \
  X(version, "nvrtcVersion", (int *major, int *minor))                                            \
  X(create, "nvrtcCreateProgram",                                                                 \
    (hc_handle *program, const char *source, const char *name, int header_count,                  \
     const char *const *headers, const char *const *header_names))                                \
  X(destroy, "nvrtcDestroyProgram", (hc_handle *program))                                         \
  X(compile, "nvrtcCompileProgram",                                                               \
    (hc_handle program, int option_count, const char *const *options))                            \
  X(binary_size, "nvrtcGetCUBINSize", (hc_handle program, size_t *bytes))                         \
  X(binary, "nvrtcGetCUBIN", (hc_handle program, char *binary))                                   \
  X(log_size, "nvrtcGetProgramLogSize", (hc_handle program, size_t *bytes))                       \
  X(log, "nvrtcGetProgramLog", (hc_handle program, char *log))

#define HC_BLAS_FUNCTIONS(X)                                                                      \
  X(create, "cublasCreate_v2", (hc_handle *blas))                                                 \
  X(destroy, "cublasDestroy_v2", (hc_handle blas))                                                \
  X(version, "cublasGetVersion_v2", (hc_handle blas, int *version))                               \
  X(set_stream, "cublasSetStream_v2", (hc_handle blas, hc_handle stream))                         \
  X(set_workspace, "cublasSetWorkspace_v2", (hc_handle blas, void *workspace, size_t bytes))      \
  X(multiply, "cublasGemmStridedBatchedEx",                                                       \
    (hc_handle blas, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a,   \
     int type_a, int lda, long long stride_a, const void *b, int type_b, int ldb,                 \
     long long stride_b, const void *beta, void *c, int type_c, int ldc, long long stride_c,      \
     int batch, int compute, int algorithm))

/// cublasLtMatmulDescAttributes_t, cublasLtMatmulPreferenceAttributes_t, cublasLtEpilogue_t
enum {
  HC_FUSED_TRANSPOSE_A = 3,
  HC_FUSED_TRANSPOSE_B = 4,
  HC_FUSED_EPILOGUE = 7,
  HC_FUSED_BIAS_ADDRESS = 8,
  HC_FUSED_WORKSPACE_BYTES = 1,
  HC_FUSED_ALIGNMENT_A = 5,  // B, C and D follow
  HC_EPILOGUE_BIAS = 4,
};

/// cublasLtMatmulHeuristicResult_t, which begins with the algorithm.
typedef struct hc_algorithm {
  uint64_t data[8];
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
} hc_algorithm;

/// Products whose last step is fused with them. Machines may lack this library.
#define HC_FUSED_FUNCTIONS(X)                                                                     \
  X(create, "cublasLtCreate", (hc_handle *fused))                                                 \
  X(destroy, "cublasLtDestroy", (hc_handle fused))                                                \
  X(operation_create, "cublasLtMatmulDescCreate",                                                 \
    (hc_handle *operation, int compute, int type))                                                \
  X(operation_set, "cublasLtMatmulDescSetAttribute",                                              \
    (hc_handle operation, int attribute, const void *value, size_t bytes))                        \
  X(operation_destroy, "cublasLtMatmulDescDestroy", (hc_handle operation))                        \
  X(layout_create, "cublasLtMatrixLayoutCreate",                                                  \
    (hc_handle *layout, int type, uint64_t rows, uint64_t columns, int64_t distance))             \
  X(layout_destroy, "cublasLtMatrixLayoutDestroy", (hc_handle layout))                            \
  X(preference_create, "cublasLtMatmulPreferenceCreate", (hc_handle *preference))                 \
  X(preference_set, "cublasLtMatmulPreferenceSetAttribute",                                       \
    (hc_handle preference, int attribute, const void *value, size_t bytes))                       \
  X(preference_destroy, "cublasLtMatmulPreferenceDestroy", (hc_handle preference))                \
  X(choose, "cublasLtMatmulAlgoGetHeuristic",                                                     \
    (hc_handle fused, hc_handle operation, hc_handle a, hc_handle b, hc_handle c, hc_handle d,    \
     hc_handle preference, int wanted, hc_algorithm *found, int *count))                          \
  X(multiply, "cublasLtMatmul",                                                                   \
    (hc_handle fused, hc_handle operation, const void *alpha, const void *a, hc_handle a_layout,  \
     const void *b, hc_handle b_layout, const void *beta, const void *c, hc_handle c_layout,      \
     void *d, hc_handle d_layout, const hc_algorithm *algorithm, void *workspace, size_t bytes,   \
     hc_handle stream))

#define HC_MEMBER(member, symbol, parameters) int (*member) parameters;
typedef struct hc_driver { HC_DRIVER_FUNCTIONS(HC_MEMBER) } hc_driver;
typedef struct hc_launcher { HC_LAUNCHER_FUNCTIONS(HC_MEMBER) } hc_launcher;
typedef struct hc_compiler { HC_COMPILER_FUNCTIONS(HC_MEMBER) } hc_compiler;
typedef struct hc_blas { HC_BLAS_FUNCTIONS(HC_MEMBER) } hc_blas;
typedef struct hc_fused { HC_FUSED_FUNCTIONS(HC_MEMBER) } hc_fused;
#undef HC_MEMBER

/// Finds a function of a library; NULL where it has none of the name.
typedef void *(*hc_lookup)(const char *symbol, void *library);

/// Fill a table; they return the first symbol that was not found, or NULL.
const char *hc_load_driver(hc_driver *table, hc_lookup lookup, void *library);
const char *hc_load_launcher(hc_launcher *table, hc_lookup lookup, void *library);
const char *hc_load_compiler(hc_compiler *table, hc_lookup lookup, void *library);
const char *hc_load_blas(hc_blas *table, hc_lookup lookup, void *library);
const char *hc_load_fused(hc_fused *table, hc_lookup lookup, void *library);

/// A file of kernels, as text that ends with 0.
typedef struct hc_source {
  const char *name;
  const char *text;
} hc_source;

/// The file of the given name without its ending, or NULL.
const char *hc_source_text(const char *name);
/// The files' names; NULL past the end.
const char *hc_source_name(int index);

#endif
