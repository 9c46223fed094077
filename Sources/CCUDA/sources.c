// The kernels' sources as texts. A new file of kernels is one line in each list.
#include "CCUDA.h"

#include <string.h>

static const char common_text[] = {
#embed "kernels/common.cuh"
    , 0};
static const char pointwise_text[] = {
#embed "kernels/pointwise.cu"
    , 0};
static const char rows_text[] = {
#embed "kernels/rows.cu"
    , 0};
static const char sums_text[] = {
#embed "kernels/sums.cu"
    , 0};
static const char held_rows_text[] = {
#embed "kernels/held_rows.cuh"
    , 0};
static const char gated_norms_text[] = {
#embed "kernels/gated_norms.cu"
    , 0};
static const char gated_heads_text[] = {
#embed "kernels/gated_heads.cu"
    , 0};
static const char gated_sums_text[] = {
#embed "kernels/gated_sums.cu"
    , 0};
static const char gated_blocks_text[] = {
#embed "kernels/gated_blocks.cu"
    , 0};
static const char head_maps_text[] = {
#embed "kernels/head_maps.cu"
    , 0};
static const char low_rank_power_text[] = {
#embed "kernels/low_rank_power.cu"
    , 0};
static const char low_rank_softplus_text[] = {
#embed "kernels/low_rank_softplus.cu"
    , 0};
static const char norms_text[] = {
#embed "kernels/norms.cu"
    , 0};
static const char gather_norms_text[] = {
#embed "kernels/gather_norms.cu"
};
static const char sum_norms_text[] = {
#embed "kernels/sum_norms.cu"
    , 0};
static const char long_norms_text[] = {
#embed "kernels/long_norms.cu"
    , 0};
static const char embedding_text[] = {
#embed "kernels/embedding.cu"
    , 0};
static const char scatter_order_text[] = {
#embed "kernels/scatter_order.cuh"
    , 0};
static const char scatter_few_text[] = {
#embed "kernels/scatter_few.cu"
    , 0};
static const char scatter_text[] = {
#embed "kernels/scatter.cu"
    , 0};
static const char loss_text[] = {
#embed "kernels/loss.cu"
    , 0};
static const char head_text[] = {
#embed "kernels/head.cu"
    , 0};
static const char head_numbers_text[] = {
#embed "kernels/head_numbers.cuh"
    , 0};
static const char head_softmax_text[] = {
#embed "kernels/head_softmax.cuh"
    , 0};
static const char head_tiles_text[] = {
#embed "kernels/head_tiles.cuh"
    , 0};
static const char groups_text[] = {
#embed "kernels/groups.cuh"
    , 0};
static const char head_groups_text[] = {
#embed "kernels/head_groups.cuh"
    , 0};
static const char streamed_head_text[] = {
#embed "kernels/streamed_head.cu"
    , 0};
static const char streamed_head_rows_text[] = {
#embed "kernels/streamed_head_rows.cu"
    , 0};
static const char grouped_head_text[] = {
#embed "kernels/grouped_head.cu"
    , 0};
static const char streamed_head_weights_text[] = {
#embed "kernels/streamed_head_weights.cu"
    , 0};
static const char optimizer_text[] = {
#embed "kernels/optimizer.cu"
    , 0};
static const char convolution_text[] = {
#embed "kernels/convolution.cu"
    , 0};
static const char gated_convolution_text[] = {
#embed "kernels/gated_convolution.cu"
    , 0};
static const char attention_tiles_text[] = {
#embed "kernels/attention_tiles.cuh"
    , 0};
static const char attention_text[] = {
#embed "kernels/attention.cu"
    , 0};
static const char attention_gradients_text[] = {
#embed "kernels/attention_gradients.cuh"
    , 0};
static const char attention_backward_text[] = {
#embed "kernels/attention_backward.cu"
    , 0};
static const char attention_factors_text[] = {
#embed "kernels/attention_factors.cuh"
    , 0};
static const char attention_halves_tiles_text[] = {
#embed "kernels/attention_halves_tiles.cuh"
    , 0};
static const char attention_halves_gradients_text[] = {
#embed "kernels/attention_halves_gradients.cuh"
    , 0};
static const char attention_halves_text[] = {
#embed "kernels/attention_halves.cu"
    , 0};
static const char attention_halves_backward_text[] = {
#embed "kernels/attention_halves_backward.cu"
    , 0};
static const char attention_groups_text[] = {
#embed "kernels/attention_groups.cuh"
    , 0};
static const char attention_group_gradients_text[] = {
#embed "kernels/attention_group_gradients.cuh"
    , 0};
static const char attention_panel_gradients_text[] = {
#embed "kernels/attention_panel_gradients.cuh"
    , 0};
static const char grouped_attention_text[] = {
#embed "kernels/grouped_attention.cu"
    , 0};
static const char grouped_attention_backward_text[] = {
#embed "kernels/grouped_attention_backward.cu"
    , 0};
static const char attention_plain_text[] = {
#embed "kernels/attention_plain.cu"
    , 0};
static const char joint_tiles_text[] = {
#embed "kernels/joint_tiles.cuh"
    , 0};
static const char joint_gradients_text[] = {
#embed "kernels/joint_gradients.cu"
    , 0};
static const char linears_text[] = {
#embed "kernels/linears.cu"
    , 0};
static const char halves_text[] = {
#embed "kernels/halves.cuh"
    , 0};
static const char linear_tiles_text[] = {
#embed "kernels/linear_tiles.cuh"
    , 0};
static const char linear_maps_text[] = {
#embed "kernels/linear_maps.cuh"
    , 0};
static const char row_factor_text[] = {
#embed "kernels/row_factor.cuh"
    , 0};
static const char mapped_sums_text[] = {
#embed "kernels/mapped_sums.cu"
    , 0};
static const char linear_outputs_text[] = {
#embed "kernels/linear_outputs.cu"
    , 0};
static const char linear_gradients_text[] = {
#embed "kernels/linear_gradients.cu"
    , 0};
static const char mlp_parts_text[] = {
#embed "kernels/mlp_parts.cuh"
    , 0};
static const char mlp_text[] = {
#embed "kernels/mlp.cu"
    , 0};
static const char mlp_inputs_text[] = {
#embed "kernels/mlp_inputs.cu"
    , 0};
static const char mlp_groups_text[] = {
#embed "kernels/mlp_groups.cuh"
    , 0};
static const char mlp_clusters_text[] = {
#embed "kernels/mlp_clusters.cuh"
    , 0};
static const char mlp_halves_text[] = {
#embed "kernels/mlp_halves.cu"
    , 0};
static const char grouped_mlp_text[] = {
#embed "kernels/grouped_mlp.cu"
    , 0};
static const char grouped_mlp_inputs_text[] = {
#embed "kernels/grouped_mlp_inputs.cu"
    , 0};
static const char mlp_sums_text[] = {
#embed "kernels/mlp_sums.cuh"
    , 0};
static const char grouped_mlp_weights_text[] = {
#embed "kernels/grouped_mlp_weights.cu"
    , 0};
static const char mlp_weights_text[] = {
#embed "kernels/mlp_weights.cu"
    , 0};
static const char part_sums_text[] = {
#embed "kernels/part_sums.cu"
    , 0};
static const char late_sums_text[] = {
#embed "kernels/late_sums.cu"
    , 0};
static const char blocks_text[] = {
#embed "kernels/blocks.cu"
    , 0};
static const char diagonal_text[] = {
#embed "kernels/diagonal.cu"
    , 0};
static const char scan_text[] = {
#embed "kernels/scan.cu"
    , 0};
static const char scan_forward_text[] = {
#embed "kernels/scan_forward.cu"
    , 0};
static const char scan_backward_text[] = {
#embed "kernels/scan_backward.cu"
    , 0};
static const char scan_chunk_text[] = {
#embed "kernels/scan_chunk.cu"
    , 0};
static const char scan_tiles_text[] = {
#embed "kernels/scan_tiles.cuh"
    , 0};
static const char scan_chunk_forward_text[] = {
#embed "kernels/scan_chunk_forward.cu"
    , 0};
static const char scan_chunk_backward_text[] = {
#embed "kernels/scan_chunk_backward.cu"
    , 0};
static const char scan_inverse_text[] = {
#embed "kernels/scan_inverse.cuh"
    , 0};
static const char scan_halves_text[] = {
#embed "kernels/scan_halves.cuh"
    , 0};
static const char scan_halves_tiles_text[] = {
#embed "kernels/scan_halves_tiles.cuh"
    , 0};
static const char scan_normaliser_text[] = {
#embed "kernels/scan_normaliser.cuh"
    , 0};
static const char scan_halves_gradients_text[] = {
#embed "kernels/scan_halves_gradients.cuh"
    , 0};
static const char scan_halves_forward_text[] = {
#embed "kernels/scan_halves_forward.cu"
    , 0};
static const char scan_halves_backward_text[] = {
#embed "kernels/scan_halves_backward.cu"
    , 0};
static const char scan_vector_text[] = {
#embed "kernels/scan_vector.cu"
    , 0};
static const char scan_vector_states_text[] = {
#embed "kernels/scan_vector_states.cuh"
    , 0};
static const char scan_vector_forward_text[] = {
#embed "kernels/scan_vector_forward.cu"
    , 0};
static const char scan_vector_backward_text[] = {
#embed "kernels/scan_vector_backward.cu"
    , 0};
static const char scan_fold_text[] = {
#embed "kernels/scan_fold.cu"
    , 0};
static const char cell_text[] = {
#embed "kernels/cell.cu"
    , 0};
static const char cell_forward_text[] = {
#embed "kernels/cell_forward.cu"
    , 0};
static const char cell_backward_text[] = {
#embed "kernels/cell_backward.cu"
    , 0};
static const char cell_step_text[] = {
#embed "kernels/cell_step.cuh"
    , 0};
static const char cell_return_text[] = {
#embed "kernels/cell_return.cuh"
    , 0};
static const char cell_tensor_text[] = {
#embed "kernels/cell_tensor.cuh"
    , 0};
static const char cell_tensor_forward_text[] = {
#embed "kernels/cell_tensor_forward.cu"
    , 0};
static const char cell_tensor_backward_text[] = {
#embed "kernels/cell_tensor_backward.cu"
    , 0};
static const char fold_text[] = {
#embed "kernels/fold.cuh"
    , 0};
static const char selective_text[] = {
#embed "kernels/selective.cu"
    , 0};
static const char selective_forward_text[] = {
#embed "kernels/selective_forward.cu"
    , 0};
static const char selective_backward_text[] = {
#embed "kernels/selective_backward.cu"
    , 0};
static const char gates_text[] = {
#embed "kernels/gates.cu"
    , 0};
static const char normaliser_text[] = {
#embed "kernels/normaliser.cu"
    , 0};
static const char taylor_text[] = {
#embed "kernels/taylor.cu"
    , 0};

static const hc_source sources[] = {
    {"common", common_text},
    {"pointwise", pointwise_text},
    {"rows", rows_text},
    {"sums", sums_text},
    {"held_rows", held_rows_text},
    {"norms", norms_text},
    {"gather_norms", gather_norms_text},
    {"sum_norms", sum_norms_text},
    {"gated_norms", gated_norms_text},
    {"gated_heads", gated_heads_text},
    {"low_rank_power", low_rank_power_text},
    {"low_rank_softplus", low_rank_softplus_text},
    {"head_maps", head_maps_text},
    {"gated_blocks", gated_blocks_text},
    {"gated_sums", gated_sums_text},
    {"long_norms", long_norms_text},
    {"embedding", embedding_text},
    {"scatter_order", scatter_order_text},
    {"scatter_few", scatter_few_text},
    {"scatter", scatter_text},
    {"loss", loss_text},
    {"head", head_text},
    {"head_numbers", head_numbers_text},
    {"head_softmax", head_softmax_text},
    {"head_tiles", head_tiles_text},
    {"groups", groups_text},
    {"head_groups", head_groups_text},
    {"streamed_head", streamed_head_text},
    {"streamed_head_rows", streamed_head_rows_text},
    {"grouped_head", grouped_head_text},
    {"streamed_head_weights", streamed_head_weights_text},
    {"optimizer", optimizer_text},
    {"convolution", convolution_text},
    {"gated_convolution", gated_convolution_text},
    {"attention_tiles", attention_tiles_text},
    {"attention", attention_text},
    {"attention_gradients", attention_gradients_text},
    {"attention_backward", attention_backward_text},
    {"attention_factors", attention_factors_text},
    {"attention_halves_tiles", attention_halves_tiles_text},
    {"attention_halves_gradients", attention_halves_gradients_text},
    {"attention_halves", attention_halves_text},
    {"attention_halves_backward", attention_halves_backward_text},
    {"attention_groups", attention_groups_text},
    {"attention_group_gradients", attention_group_gradients_text},
    {"attention_panel_gradients", attention_panel_gradients_text},
    {"grouped_attention", grouped_attention_text},
    {"grouped_attention_backward", grouped_attention_backward_text},
    {"attention_plain", attention_plain_text},
    {"linears", linears_text},
    {"joint_tiles", joint_tiles_text},
    {"joint_gradients", joint_gradients_text},
    {"halves", halves_text},
    {"linear_maps", linear_maps_text},
    {"linear_tiles", linear_tiles_text},
    {"mlp_parts", mlp_parts_text},
    {"mlp", mlp_text},
    {"mlp_inputs", mlp_inputs_text},
    {"mlp_groups", mlp_groups_text},
    {"mlp_clusters", mlp_clusters_text},
    {"mlp_halves", mlp_halves_text},
    {"mlp_sums", mlp_sums_text},
    {"grouped_mlp", grouped_mlp_text},
    {"grouped_mlp_inputs", grouped_mlp_inputs_text},
    {"mlp_weights", mlp_weights_text},
    {"grouped_mlp_weights", grouped_mlp_weights_text},
    {"row_factor", row_factor_text},
    {"mapped_sums", mapped_sums_text},
    {"linear_outputs", linear_outputs_text},
    {"linear_gradients", linear_gradients_text},
    {"part_sums", part_sums_text},
    {"late_sums", late_sums_text},
    {"blocks", blocks_text},
    {"diagonal", diagonal_text},
    {"scan", scan_text},
    {"scan_forward", scan_forward_text},
    {"scan_backward", scan_backward_text},
    {"scan_chunk", scan_chunk_text},
    {"scan_tiles", scan_tiles_text},
    {"scan_chunk_forward", scan_chunk_forward_text},
    {"scan_chunk_backward", scan_chunk_backward_text},
    {"scan_inverse", scan_inverse_text},
    {"scan_halves", scan_halves_text},
    {"scan_halves_tiles", scan_halves_tiles_text},
    {"scan_normaliser", scan_normaliser_text},
    {"scan_halves_gradients", scan_halves_gradients_text},
    {"scan_halves_forward", scan_halves_forward_text},
    {"scan_halves_backward", scan_halves_backward_text},
    {"scan_vector", scan_vector_text},
    {"scan_vector_states", scan_vector_states_text},
    {"scan_vector_forward", scan_vector_forward_text},
    {"scan_vector_backward", scan_vector_backward_text},
    {"scan_fold", scan_fold_text},
    {"cell", cell_text},
    {"cell_forward", cell_forward_text},
    {"cell_backward", cell_backward_text},
    {"cell_step", cell_step_text},
    {"cell_return", cell_return_text},
    {"cell_tensor", cell_tensor_text},
    {"cell_tensor_forward", cell_tensor_forward_text},
    {"cell_tensor_backward", cell_tensor_backward_text},
    {"fold", fold_text},
    {"selective", selective_text},
    {"selective_forward", selective_forward_text},
    {"selective_backward", selective_backward_text},
    {"gates", gates_text},
    {"normaliser", normaliser_text},
    {"taylor", taylor_text},
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
