import CUDABackend
import Tensors
import Testing

/// How many blocks of a layer of two maps work together, on a machine with 132 multiprocessors.
@Suite struct MLPTests {
  /// The launches of the layer's both ways.
  private static func launches(rows: Int, hidden: Int) throws -> [Launch] {
    var launches: [Launch] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      let shapes = [[128, hidden], [hidden], [hidden, 128], [128]]
      let parameters = shapes.map { backend.empty($0) }
      var layer = MLP(
        x: backend.empty([rows, 128]), up: parameters[0], upBias: parameters[1],
        down: parameters[2], downBias: parameters[3])
      layer.norm = MLPNorm(
        weight: backend.empty([128]), epsilon: 1e-5, scale: backend.empty([rows]))
      layer.isAdded = true
      let weights = backend.mlp(layer, into: backend.empty([rows, 128]))
      let targets = shapes.map { GradientTarget(tensor: backend.empty($0), accumulate: false) }
      var gradients = MLPGradients(
        x: GradientTarget(tensor: backend.empty([rows, 128]), accumulate: false), up: targets[0],
        upBias: targets[1], down: targets[2], downBias: targets[3])
      gradients.norm = backend.empty([128])
      backend.mlpBackward(
        layer, weights: weights, dy: backend.empty([rows, 128]), into: gradients)
      backend.synchronize()
      #expect(backend.failure == nil)
      launches = machine.launches
    }
    return launches
  }

  /// Few rows have their hidden columns in blocks that share them.
  @Test(arguments: [
    (1, 512, 8, [4, 1]), (1024, 512, 128, [4, 8]), (1025, 512, 68, [4, 9]),
    (4224, 512, 132, [4, 33]), (4225, 512, 67, [4, 23]), (22_528, 512, 118, [4, 32]),
    (1024, 256, 64, [2, 8]), (300, 384, 10, [3, 3]),
  ])
  func fewRowsAreShared(rows: Int, hidden: Int, blocks: Int, weightBlocks: [Int]) throws {
    let launches = try Self.launches(rows: rows, hidden: hidden)
    #expect(
      launches.prefix(4).map(\.name) == [
        "mlp_halves", "grouped_mlp", "grouped_mlp_inputs", "grouped_mlp_weights",
      ])
    #expect(launches[1].grid == [blocks, 1, 1] && launches[2].grid == [blocks, 1, 1])
    #expect(launches[3].grid == weightBlocks + [1])
    // What a block may have on an H200.
    #expect(launches.allSatisfy { $0.shared <= 232_448 })
  }
}
