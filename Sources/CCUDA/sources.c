// The kernels' sources as texts. A new file of kernels is one entry.
#include "CCUDA.h"

#include <string.h>

static const hc_source sources[] = {
    {"common", (const char[]){
#embed "kernels/common.cuh"
    , 0}},
    {"pointwise", (const char[]){
#embed "kernels/pointwise.cu"
    , 0}},
    {"rows", (const char[]){
#embed "kernels/rows.cu"
    , 0}},
    {"sums", (const char[]){
#embed "kernels/sums.cu"
    , 0}},
    {"held_rows", (const char[]){
#embed "kernels/held_rows.cuh"
    , 0}},
    {"norms", (const char[]){
#embed "kernels/norms.cu"
    , 0}},
    {"gather_norms", (const char[]){
#embed "kernels/gather_norms.cu"
    , 0}},
    {"sum_norms", (const char[]){
#embed "kernels/sum_norms.cu"
    , 0}},
    {"gated_norms", (const char[]){
#embed "kernels/gated_norms.cu"
    , 0}},
    {"gated_heads", (const char[]){
#embed "kernels/gated_heads.cu"
    , 0}},
    {"low_rank_power", (const char[]){
#embed "kernels/low_rank_power.cu"
    , 0}},
    {"low_rank_softplus", (const char[]){
#embed "kernels/low_rank_softplus.cu"
    , 0}},
    {"head_maps", (const char[]){
#embed "kernels/head_maps.cu"
    , 0}},
    {"gated_blocks", (const char[]){
#embed "kernels/gated_blocks.cu"
    , 0}},
    {"gated_sums", (const char[]){
#embed "kernels/gated_sums.cu"
    , 0}},
    {"long_norms", (const char[]){
#embed "kernels/long_norms.cu"
    , 0}},
    {"embedding", (const char[]){
#embed "kernels/embedding.cu"
    , 0}},
    {"scatter_order", (const char[]){
#embed "kernels/scatter_order.cuh"
    , 0}},
    {"scatter_few", (const char[]){
#embed "kernels/scatter_few.cu"
    , 0}},
    {"scatter", (const char[]){
#embed "kernels/scatter.cu"
    , 0}},
    {"loss", (const char[]){
#embed "kernels/loss.cu"
    , 0}},
    {"head", (const char[]){
#embed "kernels/head.cu"
    , 0}},
    {"head_numbers", (const char[]){
#embed "kernels/head_numbers.cuh"
    , 0}},
    {"head_softmax", (const char[]){
#embed "kernels/head_softmax.cuh"
    , 0}},
    {"head_tiles", (const char[]){
#embed "kernels/head_tiles.cuh"
    , 0}},
    {"groups", (const char[]){
#embed "kernels/groups.cuh"
    , 0}},
    {"head_groups", (const char[]){
#embed "kernels/head_groups.cuh"
    , 0}},
    {"streamed_head", (const char[]){
#embed "kernels/streamed_head.cu"
    , 0}},
    {"streamed_head_rows", (const char[]){
#embed "kernels/streamed_head_rows.cu"
    , 0}},
    {"grouped_head", (const char[]){
#embed "kernels/grouped_head.cu"
    , 0}},
    {"streamed_head_weights", (const char[]){
#embed "kernels/streamed_head_weights.cu"
    , 0}},
    {"optimizer", (const char[]){
#embed "kernels/optimizer.cu"
    , 0}},
    {"convolution", (const char[]){
#embed "kernels/convolution.cu"
    , 0}},
    {"gated_convolution", (const char[]){
#embed "kernels/gated_convolution.cu"
    , 0}},
    {"attention_tiles", (const char[]){
#embed "kernels/attention_tiles.cuh"
    , 0}},
    {"attention", (const char[]){
#embed "kernels/attention.cu"
    , 0}},
    {"attention_gradients", (const char[]){
#embed "kernels/attention_gradients.cuh"
    , 0}},
    {"attention_backward", (const char[]){
#embed "kernels/attention_backward.cu"
    , 0}},
    {"attention_factors", (const char[]){
#embed "kernels/attention_factors.cuh"
    , 0}},
    {"attention_halves_tiles", (const char[]){
#embed "kernels/attention_halves_tiles.cuh"
    , 0}},
    {"attention_halves_gradients", (const char[]){
#embed "kernels/attention_halves_gradients.cuh"
    , 0}},
    {"attention_halves", (const char[]){
#embed "kernels/attention_halves.cu"
    , 0}},
    {"attention_halves_backward", (const char[]){
#embed "kernels/attention_halves_backward.cu"
    , 0}},
    {"attention_groups", (const char[]){
#embed "kernels/attention_groups.cuh"
    , 0}},
    {"attention_group_gradients", (const char[]){
#embed "kernels/attention_group_gradients.cuh"
    , 0}},
    {"attention_panel_gradients", (const char[]){
#embed "kernels/attention_panel_gradients.cuh"
    , 0}},
    {"grouped_attention", (const char[]){
#embed "kernels/grouped_attention.cu"
    , 0}},
    {"grouped_attention_backward", (const char[]){
#embed "kernels/grouped_attention_backward.cu"
    , 0}},
    {"attention_plain", (const char[]){
#embed "kernels/attention_plain.cu"
    , 0}},
    {"linears", (const char[]){
#embed "kernels/linears.cu"
    , 0}},
    {"joint_tiles", (const char[]){
#embed "kernels/joint_tiles.cuh"
    , 0}},
    {"joint_gradients", (const char[]){
#embed "kernels/joint_gradients.cu"
    , 0}},
    {"halves", (const char[]){
#embed "kernels/halves.cuh"
    , 0}},
    {"linear_maps", (const char[]){
#embed "kernels/linear_maps.cuh"
    , 0}},
    {"linear_tiles", (const char[]){
#embed "kernels/linear_tiles.cuh"
    , 0}},
    {"mlp_parts", (const char[]){
#embed "kernels/mlp_parts.cuh"
    , 0}},
    {"mlp", (const char[]){
#embed "kernels/mlp.cu"
    , 0}},
    {"mlp_inputs", (const char[]){
#embed "kernels/mlp_inputs.cu"
    , 0}},
    {"mlp_groups", (const char[]){
#embed "kernels/mlp_groups.cuh"
    , 0}},
    {"mlp_clusters", (const char[]){
#embed "kernels/mlp_clusters.cuh"
    , 0}},
    {"mlp_halves", (const char[]){
#embed "kernels/mlp_halves.cu"
    , 0}},
    {"mlp_sums", (const char[]){
#embed "kernels/mlp_sums.cuh"
    , 0}},
    {"grouped_mlp", (const char[]){
#embed "kernels/grouped_mlp.cu"
    , 0}},
    {"grouped_mlp_inputs", (const char[]){
#embed "kernels/grouped_mlp_inputs.cu"
    , 0}},
    {"mlp_weights", (const char[]){
#embed "kernels/mlp_weights.cu"
    , 0}},
    {"grouped_mlp_weights", (const char[]){
#embed "kernels/grouped_mlp_weights.cu"
    , 0}},
    {"row_factor", (const char[]){
#embed "kernels/row_factor.cuh"
    , 0}},
    {"mapped_sums", (const char[]){
#embed "kernels/mapped_sums.cu"
    , 0}},
    {"linear_outputs", (const char[]){
#embed "kernels/linear_outputs.cu"
    , 0}},
    {"linear_gradients", (const char[]){
#embed "kernels/linear_gradients.cu"
    , 0}},
    {"part_sums", (const char[]){
#embed "kernels/part_sums.cu"
    , 0}},
    {"late_sums", (const char[]){
#embed "kernels/late_sums.cu"
    , 0}},
    {"blocks", (const char[]){
#embed "kernels/blocks.cu"
    , 0}},
    {"diagonal", (const char[]){
#embed "kernels/diagonal.cu"
    , 0}},
    {"scan", (const char[]){
#embed "kernels/scan.cu"
    , 0}},
    {"scan_forward", (const char[]){
#embed "kernels/scan_forward.cu"
    , 0}},
    {"scan_backward", (const char[]){
#embed "kernels/scan_backward.cu"
    , 0}},
    {"scan_chunk", (const char[]){
#embed "kernels/scan_chunk.cu"
    , 0}},
    {"scan_tiles", (const char[]){
#embed "kernels/scan_tiles.cuh"
    , 0}},
    {"scan_chunk_forward", (const char[]){
#embed "kernels/scan_chunk_forward.cu"
    , 0}},
    {"scan_chunk_backward", (const char[]){
#embed "kernels/scan_chunk_backward.cu"
    , 0}},
    {"scan_inverse", (const char[]){
#embed "kernels/scan_inverse.cuh"
    , 0}},
    {"scan_halves", (const char[]){
#embed "kernels/scan_halves.cuh"
    , 0}},
    {"scan_halves_tiles", (const char[]){
#embed "kernels/scan_halves_tiles.cuh"
    , 0}},
    {"scan_normaliser", (const char[]){
#embed "kernels/scan_normaliser.cuh"
    , 0}},
    {"scan_halves_gradients", (const char[]){
#embed "kernels/scan_halves_gradients.cuh"
    , 0}},
    {"scan_halves_forward", (const char[]){
#embed "kernels/scan_halves_forward.cu"
    , 0}},
    {"scan_halves_backward", (const char[]){
#embed "kernels/scan_halves_backward.cu"
    , 0}},
    {"scan_vector", (const char[]){
#embed "kernels/scan_vector.cu"
    , 0}},
    {"scan_vector_states", (const char[]){
#embed "kernels/scan_vector_states.cuh"
    , 0}},
    {"scan_vector_forward", (const char[]){
#embed "kernels/scan_vector_forward.cu"
    , 0}},
    {"scan_vector_backward", (const char[]){
#embed "kernels/scan_vector_backward.cu"
    , 0}},
    {"scan_fold", (const char[]){
#embed "kernels/scan_fold.cu"
    , 0}},
    {"cell", (const char[]){
#embed "kernels/cell.cu"
    , 0}},
    {"cell_forward", (const char[]){
#embed "kernels/cell_forward.cu"
    , 0}},
    {"cell_backward", (const char[]){
#embed "kernels/cell_backward.cu"
    , 0}},
    {"cell_step", (const char[]){
#embed "kernels/cell_step.cuh"
    , 0}},
    {"cell_return", (const char[]){
#embed "kernels/cell_return.cuh"
    , 0}},
    {"cell_tensor", (const char[]){
#embed "kernels/cell_tensor.cuh"
    , 0}},
    {"cell_tensor_forward", (const char[]){
#embed "kernels/cell_tensor_forward.cu"
    , 0}},
    {"cell_tensor_backward", (const char[]){
#embed "kernels/cell_tensor_backward.cu"
    , 0}},
    {"fold", (const char[]){
#embed "kernels/fold.cuh"
    , 0}},
    {"selective", (const char[]){
#embed "kernels/selective.cu"
    , 0}},
    {"selective_forward", (const char[]){
#embed "kernels/selective_forward.cu"
    , 0}},
    {"selective_backward", (const char[]){
#embed "kernels/selective_backward.cu"
    , 0}},
    {"gates", (const char[]){
#embed "kernels/gates.cu"
    , 0}},
    {"normaliser", (const char[]){
#embed "kernels/normaliser.cu"
    , 0}},
    {"taylor", (const char[]){
#embed "kernels/taylor.cu"
    , 0}},
};
enum { source_count = sizeof sources / sizeof sources[0] };

const char *hc_source_text(const char *name) {
  for (int i = 0; i < source_count; i++)
    if (!strcmp(sources[i].name, name)) return sources[i].text;
  return NULL;
}

const char *hc_source_name(int index) {
  return index >= 0 && index < source_count ? sources[index].name : NULL;
}
