import Tensors

extension OpCatalog {
  static let gateCases: [OpCase] =
    Elementwise.allCases.map { gateCase($0, differentiable: (true, true)) }
    + [
      gateCase(.silu, differentiable: (true, true)).ranTwice(),
      gateCase(.sigmoid, differentiable: (true, false)),
      gateCase(.tanh, differentiable: (false, true)).ranTwice(),
      OpCase(
        "gate", "itself", inputs: [OpInput("x", [9])], tolerance: 1e-6,
        reference: {
          [DoubleArray($0[0].shape, $0[0].values.map { $0 * Elementwise.sigmoid.exact($0) })]
        },
        run: { _, inputs in [inputs[0].gated(by: inputs[0], .sigmoid)] }),
    ]

  private static func gateCase(
    _ function: Elementwise, differentiable: (a: Bool, b: Bool)
  ) -> OpCase {
    OpCase(
      "gate", "\(function)-\(differentiable.a ? "a" : "")\(differentiable.b ? "b" : "")",
      inputs: [
        OpInput("a", [5, 13], differentiable: differentiable.a),
        OpInput("b", [5, 13], .normal(scale: 2), differentiable: differentiable.b),
      ],
      tolerance: 1e-6,
      reference: { arrays in
        let products = zip(arrays[0].values, arrays[1].values).map { $0 * function.exact($1) }
        return [DoubleArray(arrays[0].shape, products)]
      },
      run: { _, inputs in [inputs[0].gated(by: inputs[1], function)] })
  }
}
