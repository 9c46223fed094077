// What every file of kernels begins with. It is put before the file's text when it is compiled, so
// nothing is included from a toolkit.
//
// Conventions: tensors are contiguous, row-major, 32-bit floats; sizes are `long`; gradients of
// activations are overwritten unless there is an `accumulate` flag, gradients of parameters are
// added to, and a null pointer is a gradient that nobody wants. No two threads add to one number with
// floating-point atomics: equal inputs give equal bits.

typedef unsigned int uint;
#define KERNEL extern "C" __global__ void
#define DEVICE __device__ __forceinline__
#define FULL_WARP 0xffffffffu

/// The first statement of every kernel, before any early return.
///
/// From compute capability 9.0 on, a kernel may be launched while the one before it in the stream
/// still runs ("programmatic dependent launch"): its blocks are then at hand when that one ends.
/// Until this has returned, a kernel may touch no memory that another one reads or writes. It returns
/// when the kernel before has ended with all that it wrote; because every thread of every kernel
/// waits so, all kernels before that one have ended too.
///
/// The next kernel's blocks come when this one's have ended. They could come when all of this one's
/// have begun (griddepcontrol.launch_dependents), but then crowd on the multiprocessors that are left:
/// on an H200 a step of DeltaNet at length 512, whose scans have few blocks, took 1.77 ms, not 1.57.
DEVICE void begin_kernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

DEVICE float warp_sum(float x) {
#pragma unroll
  for (int d = 16; d; d >>= 1) x += __shfl_xor_sync(FULL_WARP, x, d);
  return x;
}

DEVICE float warp_max(float x) {
#pragma unroll
  for (int d = 16; d; d >>= 1) x = fmaxf(x, __shfl_xor_sync(FULL_WARP, x, d));
  return x;
}

/// The sum over the block, in every thread; `shared` holds 32 floats and may be used again after it.
DEVICE float block_sum(float x, float *shared) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
  x = warp_sum(x);
  if (!lane) shared[warp] = x;
  __syncthreads();
  x = warp_sum(lane < warps ? shared[lane] : 0.0f);
  __syncthreads();
  return x;
}

/// Whether this block is the last of `all` that come here with this counter, which is 0 before and
/// after. It then sees what the others have written, past the cache of its multiprocessor.
DEVICE bool is_last_block(uint *counter, int all) {
  __shared__ bool answer;
  __threadfence();
  __syncthreads();
  if (!threadIdx.x) answer = atomicInc(counter, all - 1) == all - 1;
  __syncthreads();
  __threadfence();
  return answer;
}

/// The index of this thread in the grid, and the number of threads.
DEVICE long thread_index() { return (long)blockIdx.x * blockDim.x + threadIdx.x; }
DEVICE long thread_count() { return (long)gridDim.x * blockDim.x; }

DEVICE void put(float *target, float value, int accumulate) {
  *target = accumulate ? *target + value : value;
}

/// N floats that move at once; in memory, at a multiple of their size.
template <int N>
struct alignas(4 * N) Pack {
  float at[N];
};

template <int N>
DEVICE Pack<N> load_pack(const float *x) {
  return *(const Pack<N> *)x;
}

/// To global memory. In one store: the compiler would often make four of it.
template <int N>
DEVICE void store_pack(float *target, const Pack<N> &value) {
  if constexpr (N == 4)
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(target)),
                 "f"(value.at[0]), "f"(value.at[1]), "f"(value.at[2]), "f"(value.at[3])
                 : "memory");
  else if constexpr (N == 2)
    asm volatile("st.global.v2.f32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(target)),
                 "f"(value.at[0]), "f"(value.at[1])
                 : "memory");
  else
    *(Pack<N> *)target = value;
}

/// N floats from any address.
template <int N>
DEVICE Pack<N> load_floats(const float *x) {
  Pack<N> y;
#pragma unroll
  for (int i = 0; i < N; i++) y.at[i] = x[i];
  return y;
}

template <int N>
DEVICE void put_pack(float *target, Pack<N> value, int accumulate) {
  if (accumulate) {
    Pack<N> old = load_pack<N>(target);
#pragma unroll
    for (int i = 0; i < N; i++) value.at[i] += old.at[i];
  }
  store_pack(target, value);
}

/// The sum over each `lanes` neighbouring threads of a warp, a power of two; all of the warp call it.
template <int lanes>
DEVICE float group_sum(float x) {
#pragma unroll
  for (int d = lanes / 2; d; d >>= 1) x += __shfl_xor_sync(FULL_WARP, x, d);
  return x;
}

// Element-wise functions; the numbers are those of `Elementwise`.
enum {
  IDENTITY, NEGATE, SQUARE, EXP, SIGMOID, LOG_SIGMOID, TANH, RELU, SILU, GELU, SOFTPLUS,
  ELU_PLUS_ONE,
};

DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/// log(1 + e^x) without overflow.
DEVICE float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

DEVICE float normal_distribution(float x) { return 0.5f * erfcf(-x * 0.70710678f); }

/// f(x)
DEVICE float unary_value(int op, float x) {
  switch (op) {
    case NEGATE: return -x;
    case SQUARE: return x * x;
    case EXP: return expf(x);
    case SIGMOID: return sigmoid(x);
    case LOG_SIGMOID: return -softplus(-x);
    case TANH: return tanhf(x);
    case RELU: return fmaxf(x, 0.0f);
    case SILU: return x * sigmoid(x);
    case GELU: return x * normal_distribution(x);
    case SOFTPLUS: return softplus(x);
    case ELU_PLUS_ONE: return x > 0.0f ? x + 1.0f : expf(x);
    default: return x;
  }
}

/// f'(x), with y = f(x)
DEVICE float unary_slope(int op, float x, float y) {
  switch (op) {
    case NEGATE: return -1.0f;
    case SQUARE: return 2.0f * x;
    case EXP: return y;
    case SIGMOID: return y * (1.0f - y);
    case LOG_SIGMOID: return sigmoid(-x);
    case TANH: return 1.0f - y * y;
    case RELU: return x > 0.0f ? 1.0f : 0.0f;
    case SILU: {
      float s = sigmoid(x);
      return s + x * s * (1.0f - s);
    }
    case GELU: return normal_distribution(x) + x * 0.39894228f * expf(-0.5f * x * x);
    case SOFTPLUS: return sigmoid(x);
    case ELU_PLUS_ONE: return x > 0.0f ? 1.0f : y;
    default: return 1.0f;
  }
}

// Tensor cores, in TF32: products of 16x8 by 8x8 tiles, sums in 32-bit floats.

/// Rounds to TF32 as the tensor cores want it. Only from 9.0 on is that one instruction, and only
/// with ties to even; with ties away from zero it is three.
DEVICE uint to_tf32(float x) {
  uint bits;
#if __CUDA_ARCH__ >= 900
  asm("cvt.rn.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#else
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#endif
  return bits;
}

DEVICE int lane_group() { return (threadIdx.x & 31) >> 2; }
DEVICE int lane_in_group() { return threadIdx.x & 3; }

/// c += a b for one warp. With g = `lane_group()` and t = `lane_in_group()`:
/// a holds A[g][t], A[g+8][t], A[g][t+4], A[g+8][t+4]; b holds B[t][g], B[t+4][g];
/// c holds C[g][2t], C[g][2t+1], C[g+8][2t], C[g+8][2t+1].
DEVICE void mma_tf32(float c[4], const uint a[4], const uint b[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four matrices of 8 rows of 4 floats; lanes 8 i ..< 8 i + 8 give the addresses of the rows of
/// matrix i. Each lane gets element t of row g of each.
DEVICE void load_matrices(uint (&x)[4], const float *row) {
  const uint address = (uint)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(address)
               : "memory");
}

/// Copies 16 bytes from global to shared memory in the background.
DEVICE void copy_async(void *shared, const void *global) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(global));
}
/// The same where there is something to copy, else zeros; the address is good in either case.
DEVICE void copy_async(void *shared, const void *global, bool is_there) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global),
               "r"(is_there ? 16 : 0));
}
DEVICE void copy_commit() { asm volatile("cp.async.commit_group;"); }
/// Waits until at most `groups` of the committed copies are under way.
template <int groups>
DEVICE void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(groups));
}
