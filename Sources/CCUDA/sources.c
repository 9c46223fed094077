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
static const char norms_text[] = {
#embed "kernels/norms.cu"
    , 0};
static const char long_norms_text[] = {
#embed "kernels/long_norms.cu"
    , 0};
static const char embedding_text[] = {
#embed "kernels/embedding.cu"
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
static const char attention_plain_text[] = {
#embed "kernels/attention_plain.cu"
    , 0};
static const char linears_text[] = {
#embed "kernels/linears.cu"
    , 0};
static const char halves_text[] = {
#embed "kernels/halves.cuh"
    , 0};
static const char held_linears_text[] = {
#embed "kernels/held_linears.cu"
    , 0};
static const char narrow_gradient_text[] = {
#embed "kernels/narrow_gradient.cu"
    , 0};
static const char part_sums_text[] = {
#embed "kernels/part_sums.cu"
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
static const char scan_vector_text[] = {
#embed "kernels/scan_vector.cu"
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
    {"gated_norms", gated_norms_text},
    {"gated_heads", gated_heads_text},
    {"long_norms", long_norms_text},
    {"embedding", embedding_text},
    {"scatter", scatter_text},
    {"loss", loss_text},
    {"head", head_text},
    {"head_numbers", head_numbers_text},
    {"head_softmax", head_softmax_text},
    {"head_tiles", head_tiles_text},
    {"head_groups", head_groups_text},
    {"streamed_head", streamed_head_text},
    {"streamed_head_rows", streamed_head_rows_text},
    {"grouped_head", grouped_head_text},
    {"streamed_head_weights", streamed_head_weights_text},
    {"optimizer", optimizer_text},
    {"convolution", convolution_text},
    {"attention_tiles", attention_tiles_text},
    {"attention", attention_text},
    {"attention_gradients", attention_gradients_text},
    {"attention_backward", attention_backward_text},
    {"attention_halves_tiles", attention_halves_tiles_text},
    {"attention_halves_gradients", attention_halves_gradients_text},
    {"attention_halves", attention_halves_text},
    {"attention_halves_backward", attention_halves_backward_text},
    {"attention_plain", attention_plain_text},
    {"linears", linears_text},
    {"halves", halves_text},
    {"held_linears", held_linears_text},
    {"narrow_gradient", narrow_gradient_text},
    {"part_sums", part_sums_text},
    {"blocks", blocks_text},
    {"diagonal", diagonal_text},
    {"scan", scan_text},
    {"scan_forward", scan_forward_text},
    {"scan_backward", scan_backward_text},
    {"scan_chunk", scan_chunk_text},
    {"scan_tiles", scan_tiles_text},
    {"scan_chunk_forward", scan_chunk_forward_text},
    {"scan_chunk_backward", scan_chunk_backward_text},
    {"scan_vector", scan_vector_text},
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
