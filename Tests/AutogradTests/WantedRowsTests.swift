import Autograd
import CPUBackend
import Randomness
import Tensors
import Testing

/// Linear maps at few positions, whose rows are made in another way than by picking them.
@Suite struct WantedRowsTests {
  private static let places: [Int32] = [3, 9, -1, 0]

  /// Results and gradients are those of maps of all rows, of which some are picked.
  @Test func aMapOfWantedRowsIsAsAMapOfAll() throws {
    for level in CPUBackend.availableLevels {
      let alone = try results(isAlone: true, on: CPUBackend(level: level, poison: true))
      let all = try results(isAlone: false, on: CPUBackend(level: level, poison: true))
      for (one, other) in zip(alone, all) {
        #expect(one.contains { $0 != 0 } && one.count == other.count)
        #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
  }

  /// Where all positions are wanted, the last map is one of the others.
  @Test func allRowsAreWantedElsewhere() throws {
    let backend = try CPUBackend()
    let tape = Tape(backend)
    let x = tape.constant(backend.zeros([2, 5, 8]))
    let weight = tape.constant(backend.zeros([8, 3]))
    #expect(x.linears([weight], atWantedRows: weight).map(\.shape) == [[2, 5, 3], [2, 5, 3]])
    #expect(x.linears([weight], atWantedRows: nil).count == 1)
  }

  private func results(isAlone: Bool, on backend: CPUBackend) throws -> [[Float]] {
    let tape = Tape(backend)
    var random = RandomSource(seed: 5)
    func tensor(_ shape: [Int]) -> Tensor {
      let count = shape.reduce(1, *)
      return backend.tensor((0..<count).map { _ in random.uniformFloat() - 0.5 }, shape)
    }
    func variable(_ shape: [Int]) -> Variable {
      Variable(tensor(shape), on: tape, needsGradient: true)
    }
    let (x, scale, first, last) = (
      variable([2, 5, 8]), variable([8]), variable([8, 6]), variable([8, 3])
    )
    let index = backend.indices(Self.places, [Self.places.count])
    let norm = x.rmsNorm(weight: scale)
    var outputs: [Variable] = []
    if isAlone {
      let picked = {
        x.gatheringRows(at: index, shape: [index.count, 8], distinct: true)
          .rmsNorm(weight: scale)
      }
      _ = tape.wanting(index, of: norm, from: picked) {
        outputs = norm.linears([first], atWantedRows: last)
        return outputs[1]
      }
    } else {
      outputs = norm.linears([first, last])
      outputs[1] = outputs[1].reshaped([10, 3])
        .gatheringRows(at: index, shape: [index.count, 3], distinct: true)
    }
    tape.backward(from: outputs.map { ($0, tensor($0.shape)) })
    let gradients = [x, scale, first, last].compactMap(\.gradient)
    #expect(gradients.count == 4)
    return (outputs.map(\.value) + gradients).map { backend.values($0) }
  }
}
