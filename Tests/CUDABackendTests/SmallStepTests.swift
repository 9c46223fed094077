import Autograd
import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Small tensors take few kernels, and light ones, so that many models share a GPU.
@Suite struct SmallStepTests {
  /// The launches of what a backend is asked for.
  private static func launches(_ body: (CUDABackend) -> Void) throws -> [Launch] {
    var launches: [Launch] = []
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      body(backend)
      backend.synchronize()
      #expect(backend.failure == nil)
      launches = machine.launches
    }
    return launches
  }

  @Test(arguments: [(256, 4, 128), (4096, 64, 128), (16_384, 128, 256), (65_536, 132, 512)])
  func fewRowsOfMapsHaveSmallBlocks(rows: Int, blocks: Int, threads: Int) throws {
    let launches = try Self.launches { backend in
      let x = backend.empty([rows, 64])
      let weights = (0..<3).map { _ in backend.empty([64, 64]) }
      backend.linears(x, weights, into: (0..<3).map { _ in backend.empty([rows, 64]) })
    }
    #expect(launches.map(\.name) == ["linear_outputs"])
    #expect(launches[0].grid == [blocks, 1, 1] && launches[0].block == threads)
  }

  @Test(arguments: [(4096, 1, 32), (4096, 3, 32), (8192, 3, 32), (256, 1, 4)])
  func gradientsOfSmallMapsWaitForOthers(rows: Int, maps: Int, blocks: Int) throws {
    let launches = try Self.launches { backend in
      let x = backend.empty([rows, 64])
      let maps = (0..<maps).map { _ -> LinearGradients in
        var map = LinearGradients(
          output: backend.empty([rows, 64]), weight: backend.empty([64, 64]))
        map.dWeight = GradientTarget(tensor: backend.empty([64, 64]), accumulate: false)
        return map
      }
      backend.linearGradients(
        x, maps, into: GradientTarget(tensor: backend.empty([rows, 64]), accumulate: false))
    }
    #expect(launches.map(\.name) == ["linear_gradients", "late_sums"])
    #expect(launches[0].grid == [blocks, 1, 1])
  }

  @Test(arguments: [(4096, ["add_few_rows"]), (4097, ["sum_rare", "sum_frequent"])])
  func fewTokensOfAnEmbeddingAreOneKernel(rows: Int, names: [String]) throws {
    let launches = try Self.launches { backend in
      backend.scatterAddRows(
        backend.empty([rows, 64]), at: backend.emptyIndices([rows]), to: backend.empty([8192, 64]))
    }
    #expect(launches.map(\.name) == names)
    // What a block may have on an H200.
    #expect(launches.allSatisfy { $0.shared <= 232_448 })
  }

  @Test(arguments: [(4096, 1, 0), (4097, 1, 1)])
  func pickedRowsAreWrittenWithTheirZeros(rows: Int, kernels: Int, fills: Int) throws {
    try withMachine { machine in
      machine.stopWorking()
      let backend = try machine.backend()
      backend.spreadDistinctRows(
        backend.empty([rows, 8]), at: backend.emptyIndices([rows]), into: backend.empty([9000, 8]))
      #expect(machine.launches.count == kernels && machine.calls("cuMemsetD32Async") == fills)
    }
  }

  /// The zeros between picked rows are not written where another share of the gradient comes.
  @Test func pickedRowsAreAddedToTheNextShare() throws {
    let launches = try Self.launches { backend in
      let tape = Tape(backend)
      let x = Variable(backend.empty([512, 8]), on: tape, needsGradient: true)
      let y = x.tanh()
      let places = backend.emptyIndices([32])
      let picked = x.gatheringRows(at: places, shape: [32, 8], distinct: true)
      tape.backward(from: [(picked, backend.empty([32, 8])), (y, backend.empty([512, 8]))])
      #expect(x.gradient != nil)
    }
    #expect(
      launches.map(\.name).suffix(3) == ["gather_rows", "unary_backward", "add_distinct_rows"])
  }

  @Test func blocksOfTheNormAreCountedInOnePlace() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (gradients, norm) = (backend.zeros([100_000]), backend.empty([1]))
      let before = machine.calls("cuMemsetD32Async")
      for _ in 0..<3 { backend.gradientNorm(gradients, into: norm) }
      // Where blocks count themselves, so that the last one knows that it is.
      #expect(Set(machine.launches.map { $0.parameters[3].address }).count == 1)
      #expect(machine.calls("cuMemsetD32Async") == before + 1)
    }
  }
}
