import Architectures
import CUDABackend
import Configuration
import Tensors
import Testing

/// GPUs on which blocks share less memory than on those that most kernels were made on.
@Suite struct SmallDeviceTests {
  /// What is kept is laid out as the kernels lay it out that keep it, whether or not a state comes in.
  @Test(arguments: [(17, 128), (32, 96), (20, 64), (40, 128), (20, 16)], [false, true])
  func scansKeepWithinTheirMemory(_ size: (length: Int, dim: Int), _ isDelta: Bool) throws {
    let (batch, heads, chunk) = (3, 2, 32)
    let shape = ScanShape(
      batch: batch, length: size.length, heads: heads, keyHeads: heads, keyDim: size.dim,
      valueDim: size.dim, decay: .scalar, update: isDelta ? .delta : .add, exclusive: false,
      scale: 1)
    try withMachine { machine in
      machine.becomeSmall()
      machine.stopWorking()
      let backend = try machine.backend()
      func vectors() -> Tensor { backend.empty([batch, size.length, heads, size.dim]) }
      func scalars() -> Tensor { backend.empty([batch, size.length, heads]) }
      let inputs = ScanTensors<Tensor?>(
        q: vectors(), k: vectors(), v: vectors(), decay: scalars(),
        beta: isDelta ? scalars() : nil, a: nil, b: nil, bonus: nil, initial: nil)
      let kept = backend.empty([backend.scanCheckpointCount(shape)])
      backend.scan(shape, inputs, into: vectors(), final: nil, checkpoints: kept)
      backend.synchronize()
      #expect(backend.failure == nil)
      let launch = try #require(machine.launches.last)
      // The last that these kernels keep is two numbers for each chunk.
      guard launch.name == "scan_halves_forward" else { return }
      let chunks = batch * heads * ((size.length + chunk - 1) / chunk)
      let end = UInt64(UInt(bitPattern: kept.pointer + kept.count))
      #expect(launch.parameters[11].address + UInt64(2 * 4 * chunks) <= end)
    }
  }

  /// What a kernel cannot have is said before the driver refuses it with a number.
  @Test func moreSharedMemoryThanThereIsIsNamed() throws {
    try withMachine { machine in
      machine.becomeSmall()
      machine.stopWorking()
      let backend = try machine.backend()
      let shape = CellShape(kind: .lstm, batch: 1, length: 1, heads: 1, dim: 9000)
      let few = backend.zeros([4])
      backend.cell(
        shape, x: few, recurrent: few, recurrentBias: nil, h0: nil, c0: nil, into: few, lastH: nil,
        lastC: nil, saved: nil)
      #expect(!machine.launches.contains { $0.name.contains("cell") })
      let failure = "\(try #require(backend.failure))"
      #expect(failure.hasPrefix("kernel 'cell_forward' needs "))
      #expect(failure.hasSuffix(" has 99: a smaller model runs, or --device cpu"))
    }
  }
}
