package import Tensors

/// What a check of one case found: the errors, relative to the reference's root mean square.
package struct OpFinding: CustomStringConvertible {
  package var what: String
  package var error: Double
  package var tolerance: Double
  package var passed: Bool { error <= tolerance }
  package var description: String { "\(what): error \(error), tolerance \(tolerance)" }
}

extension OpCase {
  /// Values against the reference, then gradients against its central differences.
  ///
  /// At most `samples` elements of each input are differentiated.
  package func check(on backend: any Backend, samples: Int = 12) -> [OpFinding] {
    expectation(samples: samples).map { check(on: backend, against: $0) } ?? []
  }

  /// Values and gradients against an expectation of this case.
  ///
  /// Devices that round the factors of products are allowed more where an operation holds products.
  /// With both factors rounded to 2^-11 at most, the error of a product's root mean square is about
  /// 0.6 times that, whatever the number of terms. An operation is a chain of a few products, and its
  /// gradient of a few more: they are allowed 4 and 8 roundings on top of what is allowed without.
  package func check(on backend: any Backend, against expected: OpExpectation) -> [OpFinding] {
    let rounding = multipliesMatrices ? backend.factorRounding : 0
    let tape = Tape(backend)
    let variables = zip(inputs, expected.inputs).map { input, elements in
      Variable(
        backend.tensor(elements, input.shape), on: tape, needsGradient: input.differentiable)
    }
    let outputs = run(tape, variables)
    precondition(
      outputs.count == expected.outputs.count, "\(self): the reference has other outputs")
    var findings: [OpFinding] = []
    var seeds: [(Variable, Tensor)] = []
    for (index, output) in outputs.enumerated() {
      let target = expected.outputs[index]
      precondition(output.shape == target.shape, "\(self): shape \(output.shape), \(target.shape)")
      let found = backend.values(output.value).map(Double.init)
      findings.append(
        OpFinding(
          what: "output \(index)", error: relativeError(found, target.values),
          tolerance: tolerance + 4 * rounding))
      guard output.needsGradient else { continue }
      seeds.append((output, backend.tensor(expected.weights[index], output.shape)))
    }
    tape.backward(from: seeds)

    for (index, variable) in variables.enumerated() {
      guard let probe = expected.gradients[index] else { continue }
      guard let gradient = variable.gradient else {
        findings.append(
          OpFinding(
            what: "gradient of \(inputs[index].name) missing", error: .infinity, tolerance: 0))
        continue
      }
      let found = backend.values(gradient).map(Double.init)
      // Elements that no one wrote are NaN under poisoning: look at all of them.
      let finite = found.allSatisfy(\.isFinite)
      let error = relativeError(probe.elements.map { found[$0] }, probe.gradients)
      findings.append(
        OpFinding(
          what: "gradient of \(inputs[index].name)", error: finite ? error : .infinity,
          tolerance: gradientTolerance + 8 * rounding))
    }
    return findings
  }
}

/// The root mean square of the difference over that of the target; NaN counts as infinite.
package func relativeError(_ found: [Double], _ target: [Double]) -> Double {
  var difference = 0.0
  var size = 0.0
  for (a, b) in zip(found, target) {
    difference += (a - b) * (a - b)
    size += b * b
  }
  guard difference.isFinite else { return .infinity }
  let floor = 1e-12 * Double(max(1, target.count))
  return (difference / max(size, floor)).squareRoot()
}
