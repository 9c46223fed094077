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
    try launches(outputs: outputs, width: width, use).map(\.name)
  }

  private func launches(
    rows: Int = 8200, outputs: [Int], width: Int, _ use: (Layer) -> [Variable]
  ) throws -> [Launch] {
    var launches: [Launch] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let layer = Layer(backend, rows: rows, width: width, outputs: outputs)
      let results = use(layer)
      let before = machine.launches.count
      layer.goBack(from: results)
      #expect(layer.x.gradient != nil && layer.weights.allSatisfy { $0.gradient != nil })
      backend.synchronize()
      #expect(backend.failure == nil)
      launches = Array(machine.launches.dropFirst(before))
    }
    return launches
  }

  /// Two blocks share the columns of 64 rows.
  @Test(arguments: [
    (8200, [128, 128, 128], 132), (4000, [64, 192], 126), (128, [128, 64, 64], 4),
    (8200, [128, 128, 2, 128, 9], 132), (8200, [16, 64, 64], 132), (1024, [256], 32),
  ])
  func allGradientsGoInOnePass(rows: Int, outputs: [Int], blocks: Int) throws {
    let launches = try launches(rows: rows, outputs: outputs, width: 128) {
      $0.norm.linears($0.weights)
    }
    let first = try #require(launches.first { $0.name == "joint_gradients" })
    #expect(first.grid == [blocks, 1, 1])
    // What a block may have on an H200.
    #expect(first.shared <= 232_448)
    #expect(!launches.contains { $0.name == "linears" || $0.name == "layer_norm_backward" })
  }

  /// Too many columns for one pass.
  @Test(arguments: [[256, 256], [128, 128, 256], [64, 64, 2, 128, 256]])
  func allGradientsGoInTwoPasses(outputs: [Int]) throws {
    let names = try launches(rows: 8200, outputs: outputs, width: 128) {
      $0.norm.linears($0.weights)
    }.map(\.name)
    #expect(names.filter { $0 == "joint_gradients" }.count == 2)
    #expect(!names.contains("linears") && !names.contains("layer_norm_backward"))
  }

  /// Columns that are not of two blocks' panels, and few rows.
  @Test(arguments: [
    (8200, [128, 64]), (8200, [128, 100]), (127, [64, 64]), (8200, [64, 60, 4]),
  ])
  func otherMapsGoInTwoPasses(rows: Int, outputs: [Int]) throws {
    let names = try launches(rows: rows, outputs: outputs, width: 128) {
      $0.norm.linears($0.weights)
    }.map(\.name)
    #expect(names.filter { $0 == "linears" }.count == 2)
    #expect(!names.contains("joint_gradients"))
  }

  /// Maps wait with their weights' gradients, until the norm's result has another share of its gradient.
  @Test func allGradientsAreMadeBesideOtherUses() throws {
    for isFirst in [false, true] {
      let names = try backward(outputs: [64, 64], width: 128) { layer in
        let before = isFirst ? [layer.norm.silu()] : []
        let maps = layer.norm.linears(layer.weights)
        return before + maps + (isFirst ? [] : [layer.norm.silu()])
      }
      #expect(names.filter { $0 == "linears" }.count == 2)
      #expect(names.filter { $0 == "layer_norm_backward" }.count == 1)
    }
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
