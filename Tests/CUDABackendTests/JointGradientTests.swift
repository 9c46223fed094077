import Autograd
import CUDABackend
import Tensors
import Testing

/// Gradients of linear maps that go in one kernel with what lies before or beside them.
@Suite struct JointGradientTests {
  /// A norm's parameters and maps of its result.
  private struct Layer {
    let x: Variable
    let norm: Variable
    let weights: [Variable]

    init(_ backend: CUDABackend, rows: Int = 8200, width: Int = 64, outputs: [Int]) {
      let tape = Tape(backend)
      let variable = { (shape: [Int]) in
        Variable(backend.zeros(shape), on: tape, needsGradient: true)
      }
      x = variable([rows, width])
      norm = x.layerNorm(weight: variable([width]), bias: variable([width]))
      weights = outputs.map { variable([width, $0]) }
    }

    func goBack(from outputs: [Variable]) {
      x.tape.backward(from: outputs.map { ($0, x.tape.backend.zeros($0.shape)) })
    }
  }

  private func backward(
    outputs: [Int], width: Int = 64, _ use: (Layer) -> [Variable]
  ) throws -> [String] {
    var names: [String] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let layer = Layer(backend, width: width, outputs: outputs)
      let results = use(layer)
      let before = machine.launches.count
      layer.goBack(from: results)
      #expect(layer.x.gradient != nil && layer.weights.allSatisfy { $0.gradient != nil })
      names = machine.launches.dropFirst(before).map(\.name)
    }
    return names
  }

  @Test func aNormGoesWithTheMapsOfItsResult() throws {
    let names = try backward(outputs: [64, 32]) { $0.norm.linears($0.weights) }
    #expect(names.filter { $0 == "linears" }.count == 2)
    #expect(!names.contains("layer_norm_backward"))
  }

  @Test func aNormThatIsUsedTwiceGoesAlone() throws {
    for isFirst in [false, true] {
      let names = try backward(outputs: [64, 32]) { layer in
        let before = isFirst ? [layer.norm.silu()] : []
        let maps = layer.norm.linears(layer.weights)
        return before + maps + (isFirst ? [] : [layer.norm.silu()])
      }
      #expect(names.filter { $0 == "linears" }.count == 2)
      #expect(names.filter { $0 == "layer_norm_backward" }.count == 1)
    }
  }

  @Test func longRowsDoNot() throws {
    let wide = try backward(outputs: [64, 32], width: 132) { $0.norm.linears($0.weights) }
    #expect(wide.contains("layer_norm_backward"))
  }

  /// As the gates beside queries, keys and values.
  @Test(arguments: [[2, 64, 64], [64, 64, 1, 3, 5, 64], [64, 16], [32, 16, 16, 20]])
  func narrowMapsGoWithWideOnes(outputs: [Int]) throws {
    let names = try backward(outputs: outputs) { $0.norm.linears($0.weights) }
    #expect(names.filter { $0 == "linears" }.count == 2)
    #expect(!names.contains("linear_gradients") && !names.contains("layer_norm_backward"))
  }

  /// Too many narrow columns, columns that neither a narrow nor a wide map may have, and no wide map.
  @Test(arguments: [[64, 5, 6, 7], [64, 30, 2], [3, 5]])
  func otherNarrowMapsGoInOnePass(outputs: [Int]) throws {
    let names = try backward(outputs: outputs) { $0.norm.linears($0.weights) }
    #expect(names.contains("linear_gradients") && names.contains("layer_norm_backward"))
    #expect(!names.contains("linears"))
  }

  /// The sums of the parts of one map's gradient wait like those of a norm's.
  @Test func oneMapsGradientIsASumOfParts() throws {
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let layer = Layer(backend, rows: 16384, outputs: [64])
      let y = layer.x.linears(layer.weights)
      let before = machine.launches.count
      layer.goBack(from: y)
      #expect(machine.launches.count == before)
      _ = layer.weights[0].gradient.map { backend.values($0) }
      #expect(machine.launches.dropFirst(before).map(\.name) == ["late_sums"])
      // 32 numbers for each block.
      #expect(machine.launches[before].grid[0] == 64 * 64 / 32)
    }
  }
}
