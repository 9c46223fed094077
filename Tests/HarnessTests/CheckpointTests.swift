import Configuration
import Foundation
import Harness
import Platform
import Records
import Synchronization
import Testing
import Training

/// Cells that go on from what a killed process left.
@Suite struct CheckpointTests {
  private static let grid = """
    name: tiny
    baseline:
      task: {name: parity, length: {from: 3, to: 20}, validation: {examples: 8}, test: {examples: 8}}
      model: {mixer: gru, width: 8, layers: 1}
      training: {steps: 8, batch: 4, evaluateEvery: 2}
    product:
      model.mixer: [lstm, attention, delta-net]

    """

  /// The checkpoints that a run kept, as they lay there at some moments.
  private static func checkpoints(of tiny: TinyRun) throws -> [(name: String, bytes: [UInt8])] {
    let folder = tiny.store.folder + "/checkpoints"
    let seen = Mutex<[(name: String, bytes: [UInt8])]>([])
    var options = RunOptions()
    options.checkpointEvery = 1e-9
    try tiny.run(options: options) { event in
      guard case .progress(_, .validated) = event else { return }
      for name in (try? Files.list(folder)) ?? [] {
        guard let bytes = try? Files.read("\(folder)/\(name)") else { continue }
        seen.withLock { $0.append((name, bytes)) }
      }
    }
    #expect(!Files.exists(folder) && !Files.exists(tiny.store.folder + "/claims"))
    return seen.withLock { $0 }
  }

  private func put(_ bytes: [UInt8], as name: String, into tiny: TinyRun) throws {
    try Files.makeFolder(tiny.store.folder + "/checkpoints")
    try AtomicFile.write(bytes, to: tiny.store.folder + "/checkpoints/" + name)
  }

  @Test func aKilledCellGoesOnWithTheSameBits() throws {
    let whole = try TinyRun(Self.grid)
    let checkpoints = try Self.checkpoints(of: whole)
    #expect(Set(checkpoints.map(\.name)).count == 3 && checkpoints.count >= 9)
    let records = try whole.recordFiles()
    for (name, bytes) in checkpoints {
      let again = try TinyRun(Self.grid)
      try put(bytes, as: name, into: again)
      let log = try again.run()
      #expect(try again.recordFiles() == records)
      #expect(log.notices.count == 1 && log.notices[0].contains("goes on at step"))
      let key = String(name.prefix(16))
      #expect(again.store.readTiming(key)?.resumptions == 1)
      #expect(!Files.exists(again.store.folder + "/checkpoints"))
    }
  }

  @Test func aDamagedCheckpointCostsOnlyTime() throws {
    let whole = try TinyRun(Self.grid)
    let (name, bytes) = try #require(try Self.checkpoints(of: whole).last)
    let records = try whole.recordFiles()
    var damaged = stride(from: 0, to: bytes.count, by: bytes.count / 5 + 1).map {
      Array(bytes.prefix($0))
    }
    for place in stride(from: 30, to: bytes.count, by: bytes.count / 6) {
      var changed = bytes
      changed[place] ^= 1
      damaged.append(changed)
    }
    for damage in damaged {
      let again = try TinyRun(Self.grid)
      try put(damage, as: name, into: again)
      let log = try again.run()
      #expect(try again.recordFiles() == records)
      #expect(log.notices.count == 1 && log.notices[0].contains("its cell starts again"))
      #expect(try Files.list(again.store.folder + "/damaged") == [name])
    }
  }

  /// Wherever a file is cut or changed, it is refused; nothing is read past its end.
  @Test func everyCutAndManyChangesAreSeen() throws {
    let whole = try TinyRun(Self.grid)
    let (_, bytes) = try #require(try Self.checkpoints(of: whole).first)
    let path = whole.folder.path + "/c"
    var random = SplitMix(state: 4)
    for place in stride(from: 0, to: bytes.count, by: 97) {
      try Data(bytes.prefix(place)).write(to: URL(fileURLWithPath: path))
      #expect(throws: CheckpointFile.Problem.self) { try CheckpointFile.read(path) }
    }
    for _ in 0..<60 {
      var changed = bytes
      let place = Int.random(in: changed.indices, using: &random)
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      try Data(changed).write(to: URL(fileURLWithPath: path))
      #expect(throws: CheckpointFile.Problem.self, "byte \(place)") {
        try CheckpointFile.read(path)
      }
    }
  }

  @Test func checkpointsOfOthersAreNotUsed() throws {
    let whole = try TinyRun(Self.grid)
    let (name, bytes) = try #require(try Self.checkpoints(of: whole).last)
    let path = whole.folder.path + "/c"
    try AtomicFile.write(bytes, to: path)
    let (header, checkpoint) = try CheckpointFile.read(path)
    #expect(header.key == name.prefix(16))
    var others = [header, header, header]
    others[0].device = "cuda Abacus"
    others[1].program = "0.0.1"
    others[2].key = "0123456789abcdef"
    for other in others {
      let again = try TinyRun(Self.grid)
      try Files.makeFolder(again.store.folder + "/checkpoints")
      try CheckpointFile.write(
        checkpoint, other, to: again.store.folder + "/checkpoints/" + name)
      let log = try again.run()
      #expect(try again.recordFiles() == whole.recordFiles())
      #expect(log.notices.count == 1 && log.notices[0].contains("starts again"))
    }
  }

  @Test func whatKilledProcessesLeaveIsClearedAway() throws {
    let tiny = try TinyRun(Self.grid)
    try tiny.run()
    let records = try tiny.recordFiles()
    let name = try #require(records.keys.sorted().first)
    let cells = tiny.store.folder + "/cells/"
    try Files.remove(cells + name)
    try AtomicFile.write([1], to: cells + name + ".host-1-1.part")
    // A checkpoint of a cell that is finished, from between its record and the removal.
    let last = try #require(records.keys.sorted().last)
    try put([1], as: "\(last.prefix(16)).safetensors", into: tiny)
    try tiny.run()
    #expect(try tiny.recordFiles() == records)
    #expect(!Files.exists(tiny.store.folder + "/checkpoints"))
  }

  @Test func noCheckpointsAreKeptWhereNoneAreWanted() throws {
    let tiny = try TinyRun(Self.grid)
    var options = RunOptions()
    options.checkpointEvery = 0
    let folder = tiny.store.folder
    let found = Mutex(false)
    try tiny.run(options: options) { _ in
      if Files.exists(folder + "/checkpoints") { found.withLock { $0 = true } }
    }
    #expect(!found.withLock { $0 })
  }

  /// In a process of its own, because a signal concerns a whole process.
  @Test func aSignalSavesTheRunningCells() async {
    await #expect(processExitsWith: .exitCode(7)) {
      exit(try Self.interruptedCellsGoOn() ? 7 : 1)
    }
  }

  private static func interruptedCellsGoOn() throws -> Bool {
    let whole = try TinyRun(grid)
    try whole.run()
    let tiny = try TinyRun(grid)
    Interrupts.install()
    let sent = Mutex(false)
    let log = try tiny.run(jobs: 3) { event in
      guard case .progress(_, .validated) = event else { return }
      sent.withLock { sent in
        if !sent { kill(getpid(), SIGTERM) }
        sent = true
      }
      while !Interrupts.isRequested { usleep(100) }
    }
    let saved = try Files.list(tiny.store.folder + "/checkpoints")
    guard log.outcome.interrupted, log.outcome.saved == saved.count, !saved.isEmpty,
      Interrupts.exitStatus == 143, !Files.exists(tiny.store.folder + "/claims")
    else { return false }
    Interrupts.install()
    let rest = try tiny.run()
    return try rest.notices.count == saved.count && tiny.recordFiles() == whole.recordFiles()
  }
}
