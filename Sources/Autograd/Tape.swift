package import Tensors

/// The record of a computation on one device, played backwards to get gradients.
public final class Tape {
  package let backend: any Backend
  /// Whether operations are recorded; off during evaluation, when nothing is kept.
  package var isRecording: Bool
  /// The positions that somebody looks at, [rows], in what a mixer makes of [batch, length, …]; nil
  /// for all.
  private var wanted: IndexTensor?
  /// A variable whose wanted positions are made in a cheaper way than by picking them.
  private var source: (variable: Variable, rows: () -> Variable)?
  private var nodes: [Node] = []

  private struct Node {
    let outputs: [Variable]
    let backward: ([Tensor?]) -> Void
  }

  package init(_ backend: any Backend, recording: Bool = true) {
    self.backend = backend
    isRecording = recording
  }

  /// A constant: no gradient flows to it.
  package func constant(_ value: Tensor) -> Variable { Variable(value, on: self) }

  /// Wraps an operation's result and records how its gradient reaches the inputs.
  ///
  /// - Parameters:
  ///   - value: The result.
  ///   - inputs: What it depends on.
  ///   - backward: Gets the result's gradient; it calls `contribute` on the inputs.
  /// - Returns: The result as a variable.
  package func result(
    _ value: Tensor, of inputs: [Variable?], backward: @escaping (Tensor) -> Void
  ) -> Variable {
    results([value], of: inputs) { gradients in
      if let gradient = gradients[0] { backward(gradient) }
    }[0]
  }

  /// The same for a linear map's result that is made when somebody asks for it.
  func waitingResult(
    _ map: MappedRows, shape: [Int], of inputs: [Variable?], backward: @escaping (Tensor) -> Void
  ) -> Variable {
    let needed = records(inputs)
    let output = Variable(map, shape: shape, on: self, needsGradient: needed)
    if needed {
      nodes.append(
        Node(outputs: [output]) { gradients in
          if let gradient = gradients[0] { backward(gradient) }
        })
    }
    return output
  }

  /// The same for several results; a result that nothing used has no gradient.
  package func results(
    _ values: [Tensor], of inputs: [Variable?], backward: @escaping ([Tensor?]) -> Void
  ) -> [Variable] {
    let needed = isRecording && inputs.contains { $0?.needsGradient ?? false }
    let outputs = values.map { Variable($0, on: self, needsGradient: needed) }
    if needed { nodes.append(Node(outputs: outputs, backward: backward)) }
    return outputs
  }

  /// Runs a body in which `atWantedRows` keeps some positions alone.
  ///
  /// - Parameters:
  ///   - places: [rows], each at most once, as batch index * length + position; -1 for none.
  ///   - input: The body's input.
  ///   - rows: Makes these positions of the input, [rows, columns], where the body asks for them.
  ///   - body: A mixer, which may make its results at these positions alone.
  /// - Returns: What the body returns.
  package func wanting(
    _ places: IndexTensor, of input: Variable, from rows: @escaping () -> Variable,
    _ body: () -> Variable
  ) -> Variable {
    let outer = (wanted, source)
    (wanted, source) = (places, (input, rows))
    defer { (wanted, source) = outer }
    return body()
  }

  /// The positions that somebody looks at; nil for all.
  var wantedRows: IndexTensor? { wanted }

  /// These positions of a variable, where it is known how to make them.
  func wantedRows(of variable: Variable) -> Variable? {
    guard let source, source.variable === variable else { return nil }
    return source.rows()
  }

  /// Whether an operation on these inputs must keep what its backward pass needs.
  package func records(_ inputs: [Variable?]) -> Bool {
    isRecording && inputs.contains { $0?.needsGradient ?? false }
  }

  /// Propagates the gradients of the given variables to everything that they depend on.
  ///
  /// Each node is dropped once it was played, so that its memory is used again at once.
  package func backward(from seeds: [(Variable, Tensor)]) {
    for (variable, gradient) in seeds { variable.contribute(gradient) }
    while let node = nodes.popLast() {
      if node.outputs.count == 1, node.outputs[0].goBackThroughMaps() { continue }
      let gradients = node.outputs.map(\.gradient)
      if gradients.contains(where: { $0 != nil }) { node.backward(gradients) }
    }
  }
}
