// The machine's state, shared by the files of the three libraries.
#ifndef HYSTERESIS_FAKE_MACHINE_H
#define HYSTERESIS_FAKE_MACHINE_H

#include "CCUDA.h"
#include "FakeCUDA.h"

#include <pthread.h>

// A number for every function, by which its calls are counted.
#define NUMBER(member, symbol, parameters) driver_##member##_call,
#define LAUNCHER_NUMBER(member, symbol, parameters) launcher_##member##_call,
#define COMPILER_NUMBER(member, symbol, parameters) compiler_##member##_call,
#define BLAS_NUMBER(member, symbol, parameters) blas_##member##_call,
#define FUSED_NUMBER(member, symbol, parameters) fused_##member##_call,
enum {
  HC_DRIVER_FUNCTIONS(NUMBER) HC_LAUNCHER_FUNCTIONS(LAUNCHER_NUMBER)
  HC_COMPILER_FUNCTIONS(COMPILER_NUMBER) HC_BLAS_FUNCTIONS(BLAS_NUMBER) HC_FUSED_FUNCTIONS(FUSED_NUMBER) call_count
};

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100,
       INVALID_IMAGE = 200, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500,
       ILLEGAL_ADDRESS = 700, CAPTURE_UNSUPPORTED = 900 };

/// Something that is made and given back. A handle is its address; it is kept after its end, so that
/// a later use is noticed.
typedef enum kind {
  BLOCK, HOST_BLOCK, STREAM, EVENT, CONTEXT, MODULE, PROGRAM, GRAPH, EXECUTABLE, BLAS, FUSED,
  OPERATION, LAYOUT, PREFERENCE, KINDS
} kind;

typedef struct product {
  int transpose_a, transpose_b, m, n, k, lda, ldb, ldc, batch;
  float alpha, beta;
  const float *a, *b, *bias;
  float *c;
  long long stride_a, stride_b, stride_c;
} product;

/// Work in a stream or a graph.
typedef struct work {
  enum { COPY_IN, COPY_OUT, COPY_ACROSS, FILL, LAUNCH, PRODUCT } what;
  char *to;
  const char *from;
  size_t bytes;
  unsigned value;
  fake_launch launch;
  product product;
} work;

typedef struct work_list {
  work *items;
  long count, capacity;
} work_list;

typedef struct object {
  kind kind;
  int alive;
  struct object *next;
  size_t bytes;          // blocks; contexts: how often they are held
  char *memory;          // blocks, modules' and programs' texts
  work_list list;        // streams, graphs
  long done;             // streams: how much of the list is done
  struct object *graph;  // streams: what is being recorded
  struct object *stream; // events, BLAS handles
  long mark;             // events: the length of the list when they were recorded
  product product;       // operations and layouts of fused products
  int ends_with_launch;  // streams, graphs: whether what came last is a kernel's launch
} object;

struct fake_cuda {
  pthread_mutex_t lock;
  int devices, idle, capability, driver_version, shared_bytes;
  size_t memory, used;
  long calls[call_count];
  long failing_call[call_count];
  int failing_status[call_count];
  object *objects;
  long live[KINDS];
  fake_launch *launches;
  long launch_count, launch_capacity, replays;
  void (*on_launch)(const fake_launch *, void *);
  void *context;
  const char *fault;
  pthread_cond_t compiling;
  int compilers, wanted_compilers;
};

extern _Thread_local fake_cuda *machine;

int enter(int call);
/// The same after the end of the function's turn.
int leave(int status);
/// Begins a function: counts the call, and fails where that was asked for.
#define ENTER(call)                       \
  do {                                    \
    int failed = enter(call##_call);      \
    if (failed) return failed;            \
  } while (0)

object *make(kind kind);
/// The live object of a handle; NULL, and a fault, where there is none.
object *find(void *handle, kind kind);
/// Ends an object's life; the status of the function that does.
int give_back(void *handle, kind kind);
int fault(const char *what, int status);
int is_inside(kind kind, const void *address, size_t bytes);
void append(work_list *list, const work *item);
/// Queues work in a stream, or records it.
int queue(hc_handle stream, const work *item);
// A kernel's handle is the place of its parameters in its module's text.
const char *find_kernel(const char *text, const char *name);
int parse_parameters(const char *text, const char *parameters, char kinds[FAKE_MOST_PARAMETERS]);
/// Keeps and queues a launch of which the sizes are given, with the parameters' values.
int launch_kernel(fake_launch launch, hc_handle function, hc_handle stream, void **values);
/// Does a stream's work up to a length of its list.
void drain(object *stream, long end);
void drain_all(void);

#endif
