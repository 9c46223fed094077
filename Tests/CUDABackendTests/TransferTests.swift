import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Numbers arrive as they were when they were sent, however late the device takes them.
@Suite struct TransferTests {
  /// Three times the ring: parts are written again only after their copies.
  @Test func manyUploadsKeepTheirNumbers() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let sizes = [1, 3, 17, 1000, 262_144, 300_000, 65_537, 5]
      var sent: [(Tensor, Float)] = []
      for round in 0..<9 {
        for size in sizes {
          let value = Float(sent.count) + Float(round) / 16
          let tensor = backend.empty([size])
          [Float](repeating: value, count: size).withUnsafeBufferPointer {
            backend.upload($0, to: tensor)
          }
          sent.append((tensor, value))
        }
      }
      #expect(machine.calls("cuEventSynchronize") >= 2 * 8)
      for (tensor, value) in sent {
        let values = backend.values(tensor)
        #expect(values.first == value && values.last == value)
        #expect(values.allSatisfy { $0 == value })
      }
      #expect(backend.failure == nil)
    }
  }

  @Test func largeUploadsGoInParts() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let count = 3_000_001
      let values = (0..<Int32(count)).map { $0 &* 40_503 }
      let tensor = backend.indices(values, [count])
      #expect(backend.values(tensor) == values)
    }
  }

  @Test func freedMemoryIsUsedAgain() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      for _ in 0..<50 {
        let tensors = [3, 64, 1000].map { backend.zeros([$0]) }
        #expect(tensors.allSatisfy { backend.values($0).allSatisfy { $0 == 0 } })
      }
      #expect(backend.pool.systemAllocations == 3)
      // They are parts of one slab; the other block is the matrix library's workspace.
      #expect(machine.calls("cuMemAlloc_v2") == 2)
    }
  }

  @Test func smallBlocksArePartsOfFewSlabs() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let before = machine.calls("cuMemAlloc_v2")
      // 30 MB in blocks of 4 bytes to 3 MB: slabs of 1, 2, 4, 8 and 16 MB, or a little more.
      let sizes = (0..<40).map { $0 % 4 == 0 ? 1 + $0 * 20_000 : 1 + $0 }
      let tensors = sizes.enumerated().map { index, size in
        backend.tensor([Float](repeating: Float(index), count: size), [size])
      }
      #expect(machine.calls("cuMemAlloc_v2") - before <= 6)
      #expect(tensors.allSatisfy { Int(bitPattern: $0.pointer) % 256 == 0 })
      for (index, tensor) in tensors.enumerated() {
        #expect(backend.values(tensor).allSatisfy { $0 == Float(index) })
      }
    }
  }

  @Test func largeBlocksAreGivenBackAlone() throws {
    try withMachine { machine in
      let allocator = DeviceAllocator(try CUDAStream(try machine.device()))
      let part = allocator.allocate(byteCount: 1000)
      let large = allocator.allocate(byteCount: DeviceAllocator.largestPart + 1)
      let blocks = machine.live.blocks
      allocator.free(part)
      #expect(machine.live.blocks == blocks)
      allocator.free(large)
      #expect(machine.live.blocks == blocks - 1)
      #expect(allocator.failure == nil)
    }
  }

  @Test func poisonedMemoryIsNotANumberEveryTime() throws {
    try withMachine { machine in
      let backend = try machine.backend(poison: true)
      for _ in 0..<2 {
        let tensor = backend.empty([9])
        #expect(backend.values(tensor).allSatisfy { $0.isNaN })
        backend.fill(tensor, with: 1)
        #expect(backend.values(tensor) == [Float](repeating: 1, count: 9))
      }
    }
  }

  @Test func copiesAndFillingsKeepTheOrder() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let (a, b) = (backend.tensor([1, 2, 3], [3]), backend.empty([3]))
      backend.copy(a, to: b)
      backend.fill(a, with: -0.5)
      #expect(backend.values(b) == [1, 2, 3] && backend.values(a) == [-0.5, -0.5, -0.5])
    }
  }

  /// A tensor may outlive what made it; its memory is given back in the end.
  @Test func tensorsMayOutliveTheirBackend() throws {
    try withMachine { machine in
      var tensor: Tensor? = try machine.backend().zeros([10])
      #expect(machine.live.blocks == 2 && tensor?.count == 10)
      tensor = nil
      #expect(machine.isClean)
    }
  }
}
