/// A stand-in for NVIDIA's libraries over the host's memory: what the GPU backend does with them can
/// be tested on machines without a GPU.
///
/// Copies, fillings and products are really done, but as late as a GPU may do them: when somebody
/// waits for the stream or for an event. Kernels are recorded with their parameters; a test may give
/// a function that does their work. "Machine code" is the kernels' source text, in which the
/// kernels' parameters are looked up.
#ifndef HYSTERESIS_FAKE_CUDA_H
#define HYSTERESIS_FAKE_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef struct fake_cuda fake_cuda;

/// A machine with so many GPUs, which share so many bytes of memory.
fake_cuda *fake_create(int devices, size_t memory);
/// The GPUs' compute capability, such as 80, and the driver's version, such as 12020 for 12.2; what
/// a new machine has is 9.0 and 13.1.
void fake_set_capability(fake_cuda *fake, int capability);
void fake_set_driver_version(fake_cuda *fake, int version);
/// What a block of a kernel may share; 227 KiB where nobody says otherwise, as 9.0 has.
void fake_set_shared_bytes(fake_cuda *fake, int bytes);
void fake_destroy(fake_cuda *fake);
/// Makes it the machine of the calling thread.
void fake_use(fake_cuda *fake);

/// The address of a function of any of the three libraries; NULL where there is none of the name.
void *fake_symbol(const char *symbol);

/// Makes one call of a function fail, counted from 1 since the machine was made.
void fake_fail(fake_cuda *fake, const char *symbol, long call, int status);
/// How often a function was called.
long fake_calls(fake_cuda *fake, const char *symbol);
/// The functions' names; NULL past the end.
const char *fake_symbol_name(int index);

/// What was made and not yet given back.
typedef struct fake_counts {
  long blocks, host_blocks, streams, events, contexts, modules, programs, graphs, executables,
      blas_handles, descriptions;
  size_t bytes;
} fake_counts;
fake_counts fake_live(fake_cuda *fake);

enum { FAKE_MOST_PARAMETERS = 48 };

/// One run of a kernel, which may begin before the one before it ends (`overlaps`). A kind is 'p' for a pointer, 'l' for long, 'i' for int, 'f' for float, '?'
/// for any other type.
typedef struct fake_launch {
  char name[64];
  unsigned grid[3], block[3], shared;
  int count, overlaps;
  char kinds[FAKE_MOST_PARAMETERS];
  uint64_t slots[FAKE_MOST_PARAMETERS];
} fake_launch;

/// The launches in the order in which they were queued or recorded.
long fake_launch_count(fake_cuda *fake);
fake_launch fake_launch_at(fake_cuda *fake, long index);
/// Called when a launch's turn comes.
void fake_on_launch(
    fake_cuda *fake, void (*function)(const fake_launch *launch, void *context), void *context);

/// Whether queued work is done; otherwise it is only recorded, whatever its size.
void fake_set_working(fake_cuda *fake, int working);

/// Makes programs wait until so many threads compile; a fault where they do not come.
void fake_expect_compilers(fake_cuda *fake, int count);

/// How often graphs were launched.
long fake_replays(fake_cuda *fake);
/// The first wrong use: memory that is not the caller's, something given back twice; NULL for none.
const char *fake_fault(fake_cuda *fake);
/// Whether an address lies in a live block of device memory.
int fake_is_device_memory(fake_cuda *fake, uint64_t address);

#endif
