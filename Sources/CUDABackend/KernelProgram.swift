import CCUDA

/// A file of kernels with the constants that it is compiled with.
///
/// Sizes that shape a kernel's registers or shared memory are constants, so that each combination
/// is a program of its own, compiled when it is first needed.
package struct KernelProgram: Sendable, Hashable {
  /// The file's name without its ending.
  package let file: String
  /// Names and values, in the order of the options.
  package let constants: [Constant]

  package struct Constant: Sendable, Hashable {
    package let name: String
    package let value: Int
  }

  package init(_ file: String, _ constants: KeyValuePairs<String, Int> = [:]) {
    self.init(file: file, constants: constants.map { Constant(name: $0.key, value: $0.value) })
  }

  init(file: String, constants: [Constant]) {
    self.file = file
    self.constants = constants
  }

  /// The names of all files that have kernels.
  package static var files: [String] {
    var names: [String] = []
    while let name = hc_source_name(Int32(names.count)) { names.append(String(cString: name)) }
    let parts = Set(foundations.values.joined()).union(["common"])
    return names.filter { !parts.contains($0) }
  }

  /// What is compiled: the common part, what the file builds on, then the file.
  package var text: String {
    (["common"] + (Self.foundations[file] ?? []) + [file]).map(Self.text(of:)).joined()
  }

  /// Files of shared parts that some files are put after.
  private static let foundations = [
    "norms": ["held_rows"], "sum_norms": ["held_rows"], "gather_norms": ["held_rows"],
    "gated_norms": ["held_rows"], "gated_heads": ["held_rows"],
    "gated_sums": ["held_rows"], "gated_blocks": ["fold"],
    "low_rank_softplus": ["fold"],
    "scatter": ["scatter_order"], "scatter_few": ["scatter_order"],
    "scan_forward": ["scan"], "scan_backward": ["scan"],
    "attention": ["attention_tiles"],
    "attention_backward": ["attention_tiles", "attention_gradients"],
    "attention_halves": [
      "halves", "attention_tiles", "attention_factors", "attention_halves_tiles",
    ],
    "attention_halves_backward": [
      "halves", "attention_tiles", "attention_factors", "attention_halves_tiles",
      "attention_halves_gradients",
    ],
    "grouped_attention": [
      "halves", "attention_tiles", "attention_factors", "groups", "attention_groups",
    ],
    "grouped_attention_backward": [
      "halves", "attention_tiles", "attention_factors", "groups", "attention_groups",
      "attention_group_gradients", "attention_panel_gradients",
    ],
    "cell_forward": ["fold", "cell", "cell_step"],
    "cell_backward": ["fold", "cell", "cell_return"],
    "cell_tensor_forward": ["cell", "cell_step", "halves", "cell_tensor"],
    "cell_tensor_backward": ["cell", "cell_return", "halves", "cell_tensor"],
    "scan_chunk_forward": ["scan_chunk", "scan_tiles", "scan_inverse"],
    "scan_halves_forward": [
      "halves", "scan_halves", "scan_halves_tiles", "scan_normaliser", "scan_inverse",
    ],
    "scan_halves_backward": [
      "halves", "scan_halves", "scan_halves_tiles", "scan_normaliser", "scan_halves_gradients",
    ],
    "scan_chunk_backward": ["scan_chunk", "scan_tiles"],
    "scan_vector_forward": ["fold", "scan_chunk", "halves", "scan_vector_states"],
    "scan_vector_backward": [
      "fold", "scan_chunk", "scan_tiles", "halves", "scan_vector_states", "scan_vector",
    ],
    "selective_forward": ["fold", "selective"], "selective_backward": ["fold", "selective"],
    "mlp": ["halves", "mlp_parts"], "mlp_inputs": ["halves", "mlp_parts"],
    "mlp_weights": ["halves", "mlp_parts", "mlp_sums"],
    "mlp_halves": ["halves", "mlp_parts"],
    "grouped_mlp": ["halves", "mlp_parts", "groups", "mlp_groups", "mlp_clusters"],
    "grouped_mlp_inputs": ["halves", "mlp_parts", "groups", "mlp_groups", "mlp_clusters"],
    "grouped_mlp_weights": ["halves", "mlp_parts", "mlp_sums", "groups", "mlp_groups"],
    "linears": ["halves", "linear_maps", "linear_tiles"],
    "linear_gradients": ["halves", "linear_maps"],
    "joint_gradients": ["halves", "linear_maps", "groups", "joint_tiles"],
    "linear_outputs": ["halves", "linear_maps", "row_factor"],
    "mapped_sums": ["halves", "linear_maps", "row_factor"],
    "streamed_head": ["halves", "head_numbers"],
    "streamed_head_rows": ["halves", "head_numbers", "head_softmax", "head_tiles"],
    "streamed_head_weights": ["halves", "head_numbers", "head_tiles"],
    "grouped_head": ["halves", "head_numbers", "head_softmax", "groups", "head_groups"],
  ]

  /// Files whose instructions only compute capability 9.0 has.
  private static let grouped: Set = [
    "grouped_head", "grouped_attention", "grouped_attention_backward", "grouped_mlp",
    "grouped_mlp_inputs", "grouped_mlp_weights", "joint_gradients",
  ]

  private static func text(of name: String) -> String {
    guard let text = hc_source_text(name) else {
      preconditionFailure("no file of kernels is named '\(name)'")
    }
    return String(cString: text)
  }

  /// The compiler's options for an architecture such as "sm_90".
  package func options(architecture: String) -> [String] {
    // The instructions of 9.0 alone have to be asked for; other files should stay as they are.
    let suffix = Self.grouped.contains(file) && architecture == "sm_90" ? "a" : ""
    return [
      "--gpu-architecture=\(architecture)\(suffix)", "--std=c++17",
      "--extra-device-vectorization",
      // Older compilers take a lambda in a template for a host function otherwise.
      "--device-as-default-execution-space",
    ]
      + constants.map { "-D\($0.name)=\($0.value)" }
  }

  /// The file with the constants, such as "attention.cu HEAD_DIM=64".
  package var title: String {
    ([file + ".cu"] + constants.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
  }
}
