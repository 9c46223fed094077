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

  @Test(arguments: [(65_536, 128, 132, 256), (1024, 128, 32, 256), (65_536, 256, 132, 192)])
  func mapsThatEndBranchesAreOneKernelWithTheSumAndItsNorm(
    rows: Int, inputs: Int, blocks: Int, threads: Int
  ) throws {
    let launches = try Self.launches { backend in
      let tape = Tape(backend, recording: false)
      let (x, stream, weight) = (
        tape.constant(backend.empty([rows, inputs])), tape.constant(backend.empty([rows, 128])),
        tape.constant(backend.empty([inputs, 128]))
      )
      _ = stream.layerNorm(adding: x.linear(weight, isAdded: true), weight: nil, bias: nil)
      _ = stream.adding(x.linear(weight, isAdded: true))
    }
    #expect(launches.map(\.name) == ["mapped_sum", "mapped_sum"])
    #expect(launches.allSatisfy { $0.grid == [blocks, 1, 1] && $0.block == threads })
    #expect(launches.allSatisfy { $0.shared <= 232_448 })
  }

  /// Many weights are brought by all warps, and narrow maps of many inputs are one kernel too.
  @Test(arguments: [
    (4096, 128, [256, 256], 64, 512), (16_384, 128, [256, 256], 128, 512),
    (4096, 256, [8, 16, 16], 64, 128), (65_536, 256, [8, 16, 16], 132, 256),
  ])
  func wideMapsAndManyInputsAreOneKernel(
    rows: Int, inputs: Int, columns: [Int], blocks: Int, threads: Int
  ) throws {
    let launches = try Self.launches { backend in
      backend.linears(
        backend.empty([rows, inputs]), columns.map { backend.empty([inputs, $0]) },
        into: columns.map { backend.empty([rows, $0]) })
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

  /// Filters that two tensors share get their gradients one after the other.
  @Test(arguments: [false, true]) func sharedFiltersHaveKernelsOfTheirOwn(areShared: Bool) throws {
    let launches = try Self.launches { backend in
      let tape = Tape(backend)
      func variable(_ shape: [Int]) -> Variable {
        Variable(
          backend.empty(shape), on: tape, needsGradient: true, persistent: backend.zeros(shape))
      }
      let filters = [variable([4, 64]), variable([4, 64])]
      let ys = Variable.shortConvolutions(
        (0..<2).map {
          ShortConvolution(input: variable([8, 32, 64]), weight: filters[areShared ? 0 : $0])
        }, activation: .silu, unitHeads: 64)
      tape.backward(from: ys.map { ($0, backend.empty($0.shape)) })
    }
    #expect(
      launches.filter { $0.name == "short_convolution_backward" }.count == (areShared ? 2 : 1))
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

  /// Blocks that sum positions come with those that sort.
  @Test(arguments: [(nil, 128), (64, 192), (1024, 264)])
  func positionsAreSummedWhileTokensAreSorted(
    positions: Int?, blocks: Int
  ) throws {
    let launches = try Self.launches { backend in
      backend.scatterAddRows(
        backend.empty([8192, 64]), at: backend.emptyIndices([8192]), to: backend.empty([8192, 64]),
        positions: positions.map { backend.empty([$0, 64]) })
    }
    #expect(launches.map(\.name) == ["sum_rare", "sum_frequent"])
    #expect(launches[0].grid == [blocks, 1, 1] && launches[0].block == 1024)
  }

  /// Long rows alone are read again for their norm.
  @Test(arguments: [
    (64, true, ["gather_layer_norm"]), (64, false, ["gather_rms_norm"]),
    (2048, true, ["gather_rows", "long_norm"]),
  ])
  func rowsOfTokensComeWithTheirNorm(columns: Int, isLayer: Bool, names: [String]) throws {
    let launches = try Self.launches { backend in
      let tape = Tape(backend)
      let table = Variable(backend.empty([100, columns]), on: tape)
      let positions = Variable(backend.empty([32, columns]), on: tape)
      let rows = TokenRows(
        of: table, at: backend.emptyIndices([4, 32]), addingPositions: positions)
      let norm =
        isLayer ? rows.layerNorm(weight: nil, bias: nil).norm : rows.rmsNorm(weight: nil).norm
      #expect(norm.shape == [4, 32, columns])
    }
    #expect(launches.map(\.name) == names)
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

  /// A selective scan ends with its gate, both ways.
  @Test func aGateOfAScanHasNoKernel() throws {
    let launches = try Self.launches { backend in
      let tape = Tape(backend)
      func variable(_ shape: [Int]) -> Variable {
        Variable(backend.empty(shape), on: tape, needsGradient: true)
      }
      let (x, step, gate) = (variable([4, 9, 12]), variable([4, 9, 12]), variable([4, 9, 12]))
      let (y, _) = SelectiveScan()(
        x: x, step: step, logRate: variable([16, 12]), write: variable([4, 9, 16]),
        read: variable([4, 9, 16]), gate: gate)
      tape.backward(from: [(y, backend.empty([4, 9, 12]))])
      #expect(gate.gradient != nil)
    }
    #expect(
      launches.map(\.name).filter { !$0.hasSuffix("sums") && !$0.hasSuffix("partials") }
        == ["selective_forward", "selective_backward"])
  }

  /// The gradient through maps of few columns goes in chunks half as deep, with half the memory, and for
  /// few rows in shorter tiles.
  @Test(arguments: [
    (4096, [8, 16, 16], 46_080), (1 << 15, [8, 16, 16], 61_440), (4096, [8, 32, 16], 110_592),
  ])
  func mapsOfFewColumnsAreShallow(rows: Int, columns: [Int], shared: Int) throws {
    let launches = try Self.launches { backend in
      backend.linearsInputGradient(
        columns.map { backend.empty([rows, $0]) }, columns.map { backend.empty([256, $0]) },
        into: backend.empty([rows, 256]), accumulate: true)
    }
    #expect(launches.map(\.name) == ["linears"] && launches[0].shared == shared)
  }

  /// The parts of narrow maps' weights, from tiles half as wide, wait for those of others.
  @Test func weightsOfFewColumnsWait() throws {
    let launches = try Self.launches { backend in
      let gradients = [8, 16, 16].map {
        WeightGradient(
          output: backend.empty([22_528, $0]), weight: backend.empty([256, $0]), accumulate: false)
      }
      backend.linearsWeightGradients(backend.empty([22_528, 256]), gradients)
      backend.addScaled(1, gradients[1].weight, to: gradients[2].weight)
    }
    #expect(launches.map(\.name) == ["linears", "late_sums", "add_scaled"])
    #expect(launches[0].grid[0] <= 2 * 102 && launches[0].shared == 76_800)
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
