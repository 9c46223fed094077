import CUDABackend
import FakeCUDA
import Tensors
import Testing

/// Work that is recorded once and replayed.
@Suite struct CapturedStepTests {
  private static func add(_ launch: Launch) {
    guard launch.name == "add" else { return }
    for index in 0..<launch.parameters[0].count {
      launch.floats(3)[index] = launch.floats(1)[index] + launch.floats(2)[index]
    }
  }

  @Test func replaysReadTheirInputsAnew() throws {
    try withMachine { machine in
      machine.onLaunch(Self.add)
      let backend = try machine.backend()
      let (x, sum) = (backend.zeros([2]), backend.zeros([2]))
      let body = {
        let twice = backend.empty([2])
        backend.add(x, x, into: twice)
        backend.add(twice, sum, into: sum)
      }
      backend.rehearse(body)
      let step = try #require(backend.capture(body))
      #expect(step.nodeCount == 2)
      #expect(backend.values(sum) == [0, 0])
      for number in 1...3 {
        [Float(number), 10].withUnsafeBufferPointer { backend.upload($0, to: x) }
        step.replay()
      }
      #expect(backend.values(sum) == [12, 60])
      #expect(machine.replays == 3 && backend.failure == nil)
    }
  }

  /// A recorded copy reads its source at every replay, long after the ring was used for others.
  @Test func constantsThatWereUploadedMeanwhileStay() throws {
    try withMachine { machine in
      machine.onLaunch(Self.add)
      let backend = try machine.backend()
      let sum = backend.zeros([3])
      let body = { backend.add(backend.tensor([1, 2, 3], [3]), sum, into: sum) }
      backend.rehearse(body)
      let step = try #require(backend.capture(body))
      #expect(machine.live.host_blocks == 2)
      let other = backend.empty([100_000])
      for _ in 0..<30 {
        [Float](repeating: 7, count: 100_000).withUnsafeBufferPointer {
          backend.upload($0, to: other)
        }
      }
      step.replay()
      step.replay()
      #expect(backend.values(sum) == [3, 6, 9])
    }
  }

  @Test func stepsUseMemoryOfTheirOwn() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let body = { for _ in 0..<5 { backend.fill(backend.empty([1000]), with: 1) } }
      let outside = backend.empty([1000])
      backend.rehearse(body)
      let blocks = machine.live.blocks
      let step = try #require(backend.capture(body))
      #expect(step.nodeCount == 5 && machine.live.blocks == blocks)
      backend.fill(outside, with: 2)
      step.replay()
      #expect(backend.values(outside).allSatisfy { $0 == 2 })
    }
  }

  /// They stay 0 between steps, whatever a step that was captured earlier writes to.
  @Test func countersAreNotInTheMemoryOfEarlierSteps() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let earlier = { backend.fill(backend.empty([2048]), with: 1) }
      backend.rehearse(earlier)
      let step = try #require(backend.capture(earlier))
      let (dy, dtable) = (backend.zeros([1 << 16, 1]), backend.zeros([100, 1]))
      let index = backend.indices([Int32](repeating: 7, count: 1 << 16), [1 << 16])
      backend.rehearse { backend.scatterAddRows(dy, at: index, to: dtable) }
      step.replay()
      backend.synchronize()
      let launch = try #require(machine.launches.first { $0.name == "sum_rare" })
      let counters = UnsafeBufferPointer(start: launch.floats(7), count: 2048)
      #expect(counters.allSatisfy { $0 == 0 })
    }
  }

  @Test func keepingTheMemoryOfStepsIsAFailure() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      var kept: [Tensor] = []
      backend.rehearse { backend.fill(backend.empty([5]), with: 1) }
      #expect(backend.failure == nil)
      backend.rehearse { kept.append(backend.zeros([5])) }
      #expect("\(try #require(backend.failure))".hasSuffix("in the memory that steps share"))
      kept = []
    }
  }

  @Test func readingWhileRecordingIsAFailure() throws {
    try withMachine { machine in
      let backend = try machine.backend()
      let x = backend.zeros([2])
      #expect(backend.capture { _ = backend.values(x) } == nil)
      #expect("\(try #require(backend.failure))".contains("copying from cuda:0"))
    }
  }
}
