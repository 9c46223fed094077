/// Programs that stand for all that the backend may compile: every file of kernels, with the
/// constants of usual and of odd sizes.
///
/// Machines without a GPU compile them all, so that a kernel that does not compile is found there.
package enum KernelCatalog {
  package static let programs: [KernelProgram] = recurrent + listed

  private static let listed: [KernelProgram] = lines.split(separator: "\n").map {
    let words = $0.split(separator: " ")
    let constants = words.dropFirst().map { word in
      let parts = word.split(separator: "=")
      guard parts.count == 2, let value = Int(parts[1]) else {
        preconditionFailure("the catalogue of kernels holds '\(word)'")
      }
      return KernelProgram.Constant(name: String(parts[0]), value: value)
    }
    return KernelProgram(file: String(words[0]), constants: constants)
  }

  /// One line per program: the file and its constants in the order of its options.
  private static let lines = """
    pointwise
    pointwise FUNCTION=0
    pointwise FUNCTION=1
    pointwise FUNCTION=2
    pointwise FUNCTION=3
    pointwise FUNCTION=4
    pointwise FUNCTION=5
    pointwise FUNCTION=6
    pointwise FUNCTION=7
    pointwise FUNCTION=8
    pointwise FUNCTION=9
    pointwise FUNCTION=10
    pointwise FUNCTION=11
    optimizer
    rows VECTOR=1
    rows VECTOR=4
    sums VECTOR=1
    sums VECTOR=4
    norms VECTOR=4 LANES=16 PACKS=1
    norms VECTOR=1 LANES=32 PACKS=5
    norms VECTOR=1 LANES=1 PACKS=1
    gated_norms FUNCTION=8 VECTOR=4 LANES=16 PACKS=1
    gated_norms FUNCTION=4 VECTOR=1 LANES=32 PACKS=5
    gated_heads FUNCTION=8 HEADS=4 VECTOR=4 LANES=16 PACKS=1
    gated_heads FUNCTION=4 HEADS=2 VECTOR=1 LANES=32 PACKS=5
    gather_norms VECTOR=4 LANES=32 PACKS=1
    gather_norms VECTOR=1 LANES=32 PACKS=5
    gather_norms VECTOR=1 LANES=1 PACKS=1
    sum_norms VECTOR=4 LANES=32 PACKS=2
    sum_norms VECTOR=1 LANES=32 PACKS=5
    gated_sums FUNCTION=8 VECTOR=4 LANES=32 PACKS=1
    gated_sums FUNCTION=8 VECTOR=4 LANES=32 PACKS=4
    gated_sums FUNCTION=4 VECTOR=1 LANES=32 PACKS=5
    head_maps KIND=0 HEADS=4 DIM=32 VECTOR=4
    head_maps KIND=1 HEADS=4 DIM=32 VECTOR=4
    head_maps KIND=2 HEADS=4 DIM=32 VECTOR=4
    head_maps KIND=3 HEADS=4 DIM=32 VECTOR=4
    head_maps KIND=0 HEADS=8 DIM=16 VECTOR=1
    head_maps KIND=1 HEADS=8 DIM=16 VECTOR=1
    head_maps KIND=2 HEADS=8 DIM=16 VECTOR=1
    head_maps KIND=3 HEADS=3 DIM=16 VECTOR=1
    low_rank_softplus RANK=8 QUADS=64 VECTOR=4
    low_rank_softplus RANK=16 QUADS=128 VECTOR=4
    low_rank_softplus RANK=1 QUADS=256 VECTOR=1
    low_rank_power RANK=16 COLUMNS=64 VECTOR=4
    low_rank_power RANK=16 COLUMNS=128 VECTOR=4
    low_rank_power RANK=5 COLUMNS=24 VECTOR=1
    gated_blocks BLOCKS=64 COLUMNS=8 VECTOR=4
    gated_blocks BLOCKS=128 COLUMNS=2 VECTOR=1
    long_norms
    embedding VECTOR=1
    embedding VECTOR=4
    scatter_few VECTOR=1 LANES=1 WARPS=32
    scatter_few VECTOR=4 LANES=16 WARPS=32
    scatter_few VECTOR=4 LANES=32 WARPS=32
    scatter VECTOR=1 LANES=1 WARPS=32
    scatter VECTOR=4 LANES=16 WARPS=32
    scatter VECTOR=4 LANES=32 WARPS=32
    loss VECTOR=4 TEAM=256 PACKS=8
    loss VECTOR=4 TEAM=32 PACKS=3
    head ROWS=16 VOCABULARY=16 WIDTH=16 VECTOR=1
    head ROWS=16 VOCABULARY=256 WIDTH=64 VECTOR=4
    streamed_head DEPTH=16 SWIZZLED=0 VECTOR=1
    streamed_head DEPTH=128 SWIZZLED=1 VECTOR=4
    streamed_head_rows DEPTH=16 SWIZZLED=0
    streamed_head_rows DEPTH=64 SWIZZLED=0
    streamed_head_rows DEPTH=128 SWIZZLED=0
    streamed_head_weights DEPTH=16 SWIZZLED=0
    streamed_head_weights DEPTH=64 SWIZZLED=0
    streamed_head_weights DEPTH=128 SWIZZLED=0
    grouped_head DEPTH=64 SWIZZLED=1
    grouped_head DEPTH=128 SWIZZLED=1
    convolution WIDTH=4 FUNCTION=8 VECTOR=4 LANES=16 HEAD=0 BIAS=1 ADDS=0 SEGMENT=1
    convolution WIDTH=4 FUNCTION=8 VECTOR=4 LANES=32 HEAD=16 BIAS=0 ADDS=0 SEGMENT=0
    convolution WIDTH=4 FUNCTION=8 VECTOR=4 LANES=32 HEAD=0 BIAS=1 ADDS=1 SEGMENT=0
    convolution WIDTH=8 FUNCTION=8 VECTOR=4 LANES=16 HEAD=8 BIAS=1 ADDS=0 SEGMENT=0
    convolution WIDTH=3 FUNCTION=0 VECTOR=1 LANES=32 HEAD=0 BIAS=0 ADDS=0 SEGMENT=1
    convolution WIDTH=7 FUNCTION=9 VECTOR=1 LANES=4 HEAD=1 BIAS=1 ADDS=0 SEGMENT=0
    gated_convolution WIDTH=3 VECTOR=4 LANES=32 CHUNK=32
    gated_convolution WIDTH=8 VECTOR=4 LANES=16 CHUNK=8
    gated_convolution WIDTH=1 VECTOR=1 LANES=4 CHUNK=4
    attention_halves DIM=64 VALUE_DIM=64 VECTORS=1 WARPS=4
    attention_halves DIM=32 VALUE_DIM=32 VECTORS=1 WARPS=8
    attention_halves DIM=16 VALUE_DIM=80 VECTORS=1 WARPS=4
    attention_halves DIM=5 VALUE_DIM=3 VECTORS=0 WARPS=4
    attention_halves DIM=128 VALUE_DIM=128 VECTORS=1 WARPS=4
    attention_halves DIM=128 VALUE_DIM=128 VECTORS=1 WARPS=8
    attention_halves_backward DIM=64 VALUE_DIM=64 VECTORS=1 WARPS=4
    attention_halves_backward DIM=32 VALUE_DIM=32 VECTORS=1 WARPS=16
    attention_halves_backward DIM=16 VALUE_DIM=80 VECTORS=1 WARPS=4
    attention_halves_backward DIM=5 VALUE_DIM=3 VECTORS=0 WARPS=8
    attention_halves_backward DIM=128 VALUE_DIM=128 VECTORS=1 WARPS=8
    attention_halves_backward DIM=128 VALUE_DIM=128 VECTORS=1 WARPS=16
    grouped_attention DIM=128 VALUE_DIM=128 VECTORS=1 HALVES=0
    grouped_attention DIM=128 VALUE_DIM=128 VECTORS=1 HALVES=1
    grouped_attention_backward DIM=128 VALUE_DIM=128 VECTORS=1 HALVES=0
    grouped_attention_backward DIM=128 VALUE_DIM=128 VECTORS=1 HALVES=1
    attention DIM=192 VALUE_DIM=160 VECTORS=1
    attention_backward DIM=64 VALUE_DIM=64 VECTORS=1 TILE=64
    attention_backward DIM=5 VALUE_DIM=3 VECTORS=0 TILE=64
    attention_backward DIM=192 VALUE_DIM=256 VECTORS=1 TILE=32
    attention_plain
    linears KIND=0 LEFT=128 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=0 LEFT=128 RIGHT=64 STAGES=3 NARROW=1
    linears KIND=0 LEFT=128 RIGHT=128 STAGES=3 NARROW=0
    linears KIND=0 LEFT=128 RIGHT=128 STAGES=3 NARROW=1
    linears KIND=3 LEFT=64 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=3 LEFT=64 RIGHT=128 STAGES=3 NARROW=0
    linears KIND=3 LEFT=64 RIGHT=128 STAGES=3 NARROW=1
    linears KIND=3 LEFT=128 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=3 LEFT=128 RIGHT=128 STAGES=3 NARROW=0
    linears KIND=3 LEFT=128 RIGHT=128 STAGES=3 NARROW=1
    linears KIND=1 LEFT=64 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=1 LEFT=64 RIGHT=64 STAGES=3 NARROW=1
    linears KIND=1 LEFT=128 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=1 LEFT=128 RIGHT=64 STAGES=3 NARROW=1
    linears KIND=1 LEFT=128 RIGHT=128 STAGES=3 NARROW=0
    linears KIND=1 LEFT=128 RIGHT=128 STAGES=3 NARROW=1
    linears KIND=2 LEFT=128 RIGHT=64 STAGES=3 NARROW=0
    linears KIND=2 LEFT=128 RIGHT=64 STAGES=3 NARROW=1
    linears KIND=2 LEFT=128 RIGHT=128 STAGES=3 NARROW=0
    linears KIND=2 LEFT=128 RIGHT=128 STAGES=3 NARROW=1
    linears KIND=1 LEFT=128 RIGHT=128 STAGES=2 NARROW=1
    linears KIND=2 LEFT=128 RIGHT=128 STAGES=2 NARROW=1
    joint_gradients PANELS=1 NARROW=0
    joint_gradients PANELS=1 NARROW=1
    joint_gradients PANELS=2 NARROW=0
    joint_gradients PANELS=2 NARROW=1
    joint_gradients PANELS=3 NARROW=0
    joint_gradients PANELS=3 NARROW=1
    mlp WIDTH=128 WARPS=4 SPLIT=1
    mlp WIDTH=128 WARPS=12 SPLIT=1
    mlp WIDTH=128 WARPS=8 SPLIT=4
    mlp WIDTH=16 WARPS=8 SPLIT=4
    mlp_inputs WIDTH=128 WARPS=4 SPLIT=1
    mlp_inputs WIDTH=128 WARPS=12 SPLIT=1
    mlp_inputs WIDTH=128 WARPS=8 SPLIT=4
    mlp_inputs WIDTH=16 WARPS=8 SPLIT=4
    mlp_weights WIDTH=128 WARPS=8
    mlp_weights WIDTH=64 WARPS=4
    mlp_weights WIDTH=112 WARPS=4
    mlp_halves WIDTH=128 WARPS=8
    mlp_halves WIDTH=112 WARPS=8
    grouped_mlp WIDTH=128 WARPS=4 CLUSTER=1
    grouped_mlp WIDTH=128 WARPS=4 CLUSTER=2
    grouped_mlp WIDTH=128 WARPS=4 CLUSTER=4
    grouped_mlp WIDTH=128 WARPS=4 CLUSTER=8
    grouped_mlp WIDTH=128 WARPS=8 CLUSTER=1
    grouped_mlp WIDTH=128 WARPS=12 CLUSTER=1
    grouped_mlp_inputs WIDTH=128 WARPS=4 CLUSTER=1
    grouped_mlp_inputs WIDTH=128 WARPS=4 CLUSTER=2
    grouped_mlp_inputs WIDTH=128 WARPS=4 CLUSTER=4
    grouped_mlp_inputs WIDTH=128 WARPS=4 CLUSTER=8
    grouped_mlp_inputs WIDTH=128 WARPS=8 CLUSTER=1
    grouped_mlp_inputs WIDTH=128 WARPS=12 CLUSTER=1
    grouped_mlp_weights WIDTH=128 WARPS=8
    linear_outputs INPUTS=128 COLUMNS=400 WARPS=16 ALIGNED=1 HALVES=0
    linear_outputs INPUTS=128 COLUMNS=400 WARPS=16 ALIGNED=0 HALVES=0
    linear_outputs INPUTS=64 COLUMNS=208 WARPS=16 ALIGNED=0 HALVES=0
    linear_outputs INPUTS=64 COLUMNS=192 WARPS=4 ALIGNED=1 HALVES=0
    linear_outputs INPUTS=128 COLUMNS=384 WARPS=16 ALIGNED=1 HALVES=16
    linear_outputs INPUTS=16 COLUMNS=384 WARPS=4 ALIGNED=1 HALVES=16
    mapped_sums INPUTS=128 COLUMNS=128 NORM=0 WARPS=8
    mapped_sums INPUTS=128 COLUMNS=128 NORM=1 WARPS=8
    mapped_sums INPUTS=128 COLUMNS=128 NORM=2 WARPS=8
    mapped_sums INPUTS=128 COLUMNS=128 NORM=2 WARPS=6
    mapped_sums INPUTS=256 COLUMNS=128 NORM=0 WARPS=6
    mapped_sums INPUTS=256 COLUMNS=128 NORM=1 WARPS=6
    mapped_sums INPUTS=256 COLUMNS=128 NORM=2 WARPS=6
    mapped_sums INPUTS=64 COLUMNS=64 NORM=1 WARPS=8
    mapped_sums INPUTS=20 COLUMNS=36 NORM=2 WARPS=8
    mapped_sums INPUTS=16 COLUMNS=16 NORM=0 WARPS=8
    linear_outputs INPUTS=128 COLUMNS=128 WARPS=8 ALIGNED=0 HALVES=0
    linear_outputs INPUTS=256 COLUMNS=48 WARPS=8 ALIGNED=1 HALVES=0
    linear_outputs INPUTS=256 COLUMNS=64 WARPS=8 ALIGNED=0 HALVES=0
    linear_gradients SLICE=64 COLUMNS=64 BIASED=0 ALIGNED=1
    linear_gradients SLICE=64 COLUMNS=400 BIASED=0 ALIGNED=1
    linear_gradients SLICE=64 COLUMNS=384 BIASED=0 ALIGNED=0
    linear_gradients SLICE=64 COLUMNS=512 BIASED=0 ALIGNED=1
    linear_gradients SLICE=64 COLUMNS=256 BIASED=1 ALIGNED=1
    linear_gradients SLICE=128 COLUMNS=128 BIASED=1 ALIGNED=1
    part_sums VECTOR=1
    part_sums VECTOR=4
    late_sums
    blocks DEPTH=4 TRANSPOSED=0 VECTOR=4
    blocks DEPTH=16 TRANSPOSED=1 VECTOR=4
    blocks DEPTH=3 TRANSPOSED=0 VECTOR=1
    diagonal
    gates
    normaliser DIM=32 TOKENS=8
    normaliser DIM=64 TOKENS=4
    normaliser DIM=153 TOKENS=4
    taylor DIM=16 ROWS=16
    taylor DIM=5 ROWS=16
    """
}
