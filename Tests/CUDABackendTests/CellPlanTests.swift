import CUDABackend
import Tensors
import Testing

@Suite struct CellPlanTests {
  /// Batches, heads and dims, with all that is between the kinds of blocks.
  private static let shapes: [CellShape] = CellShape.Kind.allCases.flatMap { kind in
    [1, 7, 264, 265, 5000].flatMap { batch in
      [
        (1, 1), (1, 15), (1, 16), (2, 17), (8, 32), (1, 100), (1, 128), (1, 129), (1, 256),
        (1, 700),
      ]
      .map { heads, dim in
        CellShape(kind: kind, batch: batch, length: 9, heads: heads, dim: dim)
      }
    }
  }

  private static let limits = [163 << 10, 227 << 10]

  private func constants(_ plan: CellPlan) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: plan.program.constants.map { ($0.name, $0.value) })
  }

  @Test(arguments: limits) func blocksFitAndCoverAllSequences(sharedBytes: Int) throws {
    for shape in Self.shapes {
      for pass in [CellPlan.Pass.forward, .backward] {
        let plan = CellPlan(shape, pass, multiprocessors: 132, sharedBytes: sharedBytes)
        let constants = constants(plan)
        let sequences = try #require(constants["SEQUENCES"])
        #expect(plan.sharedBytes <= sharedBytes, "\(shape)")
        #expect(plan.threads <= 512 && plan.threads % 32 == 0, "\(shape)")
        #expect(plan.blocks.sequences == (shape.batch + sequences - 1) / sequences, "\(shape)")
        #expect(plan.blocks.heads == shape.heads, "\(shape)")
      }
    }
  }

  /// R is all of the warps' fragments, in registers or in shared memory, within what a
  /// multiprocessor has of them.
  @Test func tensorCoresHaveAllOfR() throws {
    for shape in Self.shapes {
      for pass in [CellPlan.Pass.forward, .backward] {
        let plan = CellPlan(shape, pass, multiprocessors: 132, sharedBytes: 227 << 10)
        guard plan.isTensor else { continue }
        let constants = constants(plan)
        let held = try #require(constants["HELD"])
        let stored = try #require(constants["STORED"])
        let resident = try #require(constants["RESIDENT"])
        let warps = (shape.dim + 15) / 16
        #expect(plan.threads == 32 * warps, "\(shape)")
        #expect(held + stored == warps * shape.kind.gates, "\(shape)")
        #expect(4 * held * plan.threads * resident <= 65_536, "\(shape)")
        #expect(stored * plan.threads * 16 < plan.sharedBytes, "\(shape)")
        #expect(plan.sharedBytes * resident <= 227 << 10, "\(shape)")
      }
    }
  }

  @Test func tensorCoresServeHeadsOf16To128() {
    for shape in Self.shapes {
      let plan = CellPlan(shape, .backward, multiprocessors: 132, sharedBytes: 163 << 10)
      if (16...128).contains(shape.dim) { #expect(plan.isTensor, "\(shape)") }
      if shape.dim < 16 || shape.dim > 256 { #expect(!plan.isTensor, "\(shape)") }
    }
  }

  /// Few sequences are dealt to many blocks, many to blocks that run at once.
  @Test func sequencesOfABlockGrowWithTheBatch() {
    let sequences = [2, 264, 512, 4096].map { batch in
      constants(
        CellPlan(
          CellShape(kind: .lstm, batch: batch, length: 9, heads: 1, dim: 128), .backward,
          multiprocessors: 132, sharedBytes: 227 << 10))["SEQUENCES"]
    }
    #expect(sequences == [2, 2, 4, 8])
  }
}
