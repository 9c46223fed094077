extension OpCatalog {
  /// Columns fewer than a vector, whole panels and what is left of them; rows on both sides of
  /// where the weight is rearranged; more inputs than one block; rows enough for kernels that share them
  /// among all gradients.
  static let linearCases: [OpCase] =
    [
      (1, 1, 1), (7, 5, 3), (65, 17, 16), (37, 20, 4), (9, 33, 2), (3, 40, 150), (130, 3, 40),
      (12, 300, 5), (1, 64, 65), (257, 16, 140), (260, 68, 40),
    ].flatMap { rows, inputs, outputs in
      [true, false].map { bias in
        let shape = LinearShape(lead: [rows], inputs: inputs, outputs: outputs, bias: bias)
        return linearCase(shape, reference: { [linearReference($0, shape)] })
      }
    } + [
      linearCase(leadingAxes, reference: { [linearReference($0, leadingAxes)] }),
      sharedCase(LinearShape(lead: [13], inputs: 18, outputs: 21, bias: true)),
    ]

  /// The shapes that training sees: projections, the two halves of a channel mixer, gates.
  package static let linearTimings: [OpCase] = [1280, 4096, 16384].flatMap { rows in
    [64, 128, 256].flatMap { width in
      [(width, width), (width, 4 * width), (4 * width, width), (width, 2), (width, 4)].map {
        inputs, outputs in
        linearCase(
          LinearShape(lead: [rows], inputs: inputs, outputs: outputs, bias: false),
          reference: nil)
      }
    }
  }

  private static let leadingAxes = LinearShape(lead: [2, 3, 5], inputs: 6, outputs: 7, bias: true)

  private static func linearCase(
    _ shape: LinearShape, reference: (@Sendable ([DoubleArray]) -> [DoubleArray])?
  ) -> OpCase {
    OpCase(
      "linear", shape.label, inputs: shape.opInputs, flops: shape.flops, reference: reference,
      run: { _, inputs in [inputs[0].linear(inputs[1], bias: shape.bias ? inputs[2] : nil)] })
  }

  /// Two uses of the same inputs, whose gradients add up.
  private static func sharedCase(_ shape: LinearShape) -> OpCase {
    OpCase(
      "linear", shape.label + "-shared", inputs: shape.opInputs, flops: 2 * shape.flops,
      reference: {
        let y = linearReference($0, shape)
        return [y, y]
      },
      run: { _, inputs in
        [
          inputs[0].linear(inputs[1], bias: inputs[2]),
          inputs[0].linear(inputs[1], bias: inputs[2]),
        ]
      })
  }

  private static func linearReference(
    _ arrays: [DoubleArray], _ shape: LinearShape
  ) -> DoubleArray {
    arrays[0].times(arrays[1], from: shape.bias ? arrays[2] : nil)
  }
}

/// What a case of `linear` is made of.
private struct LinearShape: Sendable {
  var lead: [Int]
  var inputs: Int
  var outputs: Int
  var bias: Bool

  var rows: Int { lead.reduce(1, *) }
  var flops: Double { 2 * Double(rows * inputs * outputs) }
  var label: String {
    let axes = (lead + [inputs, outputs]).map(String.init).joined(separator: "x")
    return axes + (bias ? "-bias" : "")
  }
  var opInputs: [OpInput] {
    [OpInput("x", lead + [inputs]), OpInput("weight", [inputs, outputs])]
      + (bias ? [OpInput("bias", [outputs])] : [])
  }
}
