import Autograd
import Randomness
package import Tensors

/// All parameters of a model in one tensor, their gradients in another.
///
/// Those with weight decay come first, so that the optimiser knows the two groups by one number.
package final class ParameterArena {
  package let values: Tensor
  package let gradients: Tensor
  /// Parameters begin at multiples of so many floats, as wide loads want it; what lies between is 0
  /// and stays 0.
  private static let alignment = 32

  /// How many floats, from the start, have weight decay.
  package let decayed: Int
  private let placed: [(parameter: Parameter, offset: Int)]
  private let backend: any Backend

  init(_ parameters: [Parameter], on tape: Tape, random: RandomSource) {
    backend = tape.backend
    let ordered = parameters.filter(\.decays) + parameters.filter { !$0.decays }
    var placed: [(Parameter, Int)] = []
    var count = 0
    for parameter in ordered {
      placed.append((parameter, count))
      count += parameter.shape.reduce(1, *)
      count += -count & (Self.alignment - 1)
    }
    self.placed = placed
    decayed = placed.first { !$0.0.decays }?.1 ?? count
    values = backend.empty([count])
    gradients = backend.zeros([count])
    if backend.keepsNumbers { upload(Self.elements(placed, count, random)) }
    for (parameter, offset) in placed {
      let value = Tensor(storage: values.storage, offset: offset, shape: parameter.shape)
      let gradient = Tensor(storage: gradients.storage, offset: offset, shape: parameter.shape)
      parameter.place(
        Variable(value, on: tape, needsGradient: true, persistent: gradient))
    }
  }

  /// The initial values, each parameter's from a source of its own.
  private static func elements(
    _ placed: [(parameter: Parameter, offset: Int)], _ count: Int, _ random: RandomSource
  ) -> [Float] {
    var elements: [Float] = []
    elements.reserveCapacity(count)
    for (parameter, offset) in placed {
      elements += [Float](repeating: 0, count: offset - elements.count)
      var source = random.split(stableHash(parameter.name))
      elements += parameter.initial.elements(parameter.shape, using: &source)
    }
    return elements + [Float](repeating: 0, count: count - elements.count)
  }

  private func upload(_ elements: [Float]) {
    elements.withUnsafeBufferPointer { backend.upload($0, to: values) }
  }

  package func clearGradients() { backend.fill(gradients, with: 0) }

  /// Where each parameter lies among the values and gradients.
  package var places: [(name: String, range: Range<Int>)] {
    placed.map { ($0.name, $1..<$1 + $0.shape.reduce(1, *)) }
  }

  /// The parameters' elements on the host, by name.
  package func exported() -> [(name: String, shape: [Int], elements: [Float])] {
    let all = backend.values(values)
    return placed.map { parameter, offset in
      let count = parameter.shape.reduce(1, *)
      return (parameter.name, parameter.shape, Array(all[offset..<offset + count]))
    }
  }

  /// Sets all parameters from their elements by name.
  ///
  /// - Throws: `ParameterMismatch` where a name or a number of elements does not fit.
  package func load(_ elements: [String: [Float]]) throws(ParameterMismatch) {
    var all = [Float](repeating: 0, count: values.count)
    for (parameter, offset) in placed {
      guard let own = elements[parameter.name], own.count == parameter.shape.reduce(1, *) else {
        throw ParameterMismatch(name: parameter.name, shape: parameter.shape)
      }
      all.replaceSubrange(offset..<offset + own.count, with: own)
    }
    guard elements.count == placed.count else {
      let known = Set(placed.map(\.parameter.name))
      throw ParameterMismatch(name: elements.keys.first { !known.contains($0) } ?? "", shape: [])
    }
    upload(all)
  }
}

/// Saved parameters that do not fit a model.
package struct ParameterMismatch: Error, CustomStringConvertible {
  package let name: String
  package let shape: [Int]
  package var description: String {
    shape.isEmpty
      ? "the model has no parameter '\(name)'"
      : "parameter '\(name)' with shape \(shape) is missing or has another size"
  }
}

/// A hash of a name that is the same on every machine and in every run (FNV-1a, 64 bits).
package func stableHash(_ name: String) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  return hash
}
