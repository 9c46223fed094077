import Configuration
import Platform
import Synchronization
import Testing

@testable import Records

/// Who trains what, seen by several workers.
@Suite final class ClaimTests {
  private let folder: String
  private let store: RunStore
  private let key = "0123456789abcdef"
  private let other = "fedcba9876543210"
  /// A worker of another machine, of which nothing can be known but its signs of life.
  private static let stranger = RunningProcess(
    host: "elsewhere", number: 7, place: "another boot", start: "1")
  private static let quick = ClaimTiming(beat: 0.02, patience: 0.3, look: 0.05)

  init() {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/claims-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    store = RunStore(folder)
  }

  deinit {
    let claims = folder + "/claims"
    for name in (try? Files.list(claims)) ?? [] { try? Files.remove(claims + "/" + name) }
    try? Files.remove(claims)
    try? Files.remove(folder)
  }

  private var names: [String] { (try? Files.list(folder + "/claims")) ?? [] }

  private func taken(_ attempt: Claims.Attempt) -> Claim? {
    if case .taken(let claim, _) = attempt { claim } else { nil }
  }

  /// Leaves a claim as a killed process does.
  private func abandon(_ key: String, as owner: RunningProcess) throws {
    try Files.makeFolder(folder + "/claims")
    try AtomicFile.write(ClaimContent.make(owner).bytes, to: folder + "/claims/" + key)
  }

  @Test func aCellIsHeldByOne() throws {
    let (first, second) = (Claims(store), Claims(store))
    let claim = try #require(taken(try first.take(key)))
    #expect(claim.isHeld && claim.verify())
    guard case .held(let holder) = try second.take(key) else {
      Issue.record("the cell was given twice")
      return
    }
    #expect(holder == .current)
    #expect(taken(try second.take(other)) != nil)
    #expect(names == [key, other])
    #expect(store.claimed.map(\.key) == [key, other])
    #expect(store.claimed.allSatisfy { $0.owner == .current })
    claim.release()
    #expect(!claim.isHeld && !claim.verify())
    #expect(taken(try second.take(key)) != nil)
  }

  /// As on file systems where a file has one name only.
  @Test func withoutSecondNamesACellIsHeldByOneToo() throws {
    let claims = (0..<2).map { _ in
      Claims(store, timing: Self.quick, owner: .current, hasLinks: false)
    }
    let claim = try #require(taken(try claims[0].take(key)))
    #expect(taken(try claims[1].take(key)) == nil && claim.verify())
    MonotonicClock.sleep(4 * Self.quick.beat)
    #expect(names == [key] && claim.verify())
    claim.release()
    #expect(names.isEmpty)
    try abandon(key, as: Self.stranger)
    var next: Claim?
    while next == nil {
      next = taken(try claims[1].take(key))
      MonotonicClock.sleep(Self.quick.look)
    }
    #expect(next?.verify() == true)
  }

  @Test func manyThreadsGetEachCellOnce() throws {
    let keys = (0..<40).map { "00000000000000" + String($0 + 16, radix: 16) }
    let owners = Mutex<[String: Int]>([:])
    let store = store
    Threads.run(8) { _ in
      let claims = Claims(store)
      for key in keys {
        guard case .taken(let claim, _)? = try? claims.take(key) else { continue }
        owners.withLock { $0[claim.key, default: 0] += 1 }
      }
    }
    #expect(owners.withLock { $0 } == Dictionary(uniqueKeysWithValues: keys.map { ($0, 1) }))
    #expect(names == keys)
  }

  @Test func theDeadAreFollowedAtOnce() throws {
    let me = RunningProcess.current
    // A number that no process has, and one that a process has that started later.
    for (number, start) in [(0x3fff_fff0, me.start), (me.number, me.start.map { $0 + "0" })] {
      guard me.place != nil, start != nil else { continue }
      let dead = RunningProcess(host: me.host, number: number, place: me.place, start: start)
      try abandon(key, as: dead)
      guard case .taken(let claim, let lost) = try Claims(store).take(key) else {
        Issue.record("the claim of \(number) still stands")
        return
      }
      #expect(lost == dead)
      claim.release()
      #expect(names == ["lock"])
    }
  }

  /// The same host name proves nothing: containers share names and numbers.
  @Test func strangersAreGivenTime() throws {
    let me = RunningProcess.current
    let twin = RunningProcess(host: me.host, number: 0x3fff_fff0, place: "elsewhere", start: "1")
    for owner in [Self.stranger, twin] {
      try abandon(key, as: owner)
      let claims = Claims(store, timing: Self.quick)
      let start = MonotonicClock.seconds
      var claim: Claim?
      while claim == nil {
        claim = taken(try claims.take(key))
        MonotonicClock.sleep(Self.quick.look)
      }
      #expect(MonotonicClock.seconds - start >= Self.quick.patience)
      claim?.release()
    }
  }

  @Test func gapsInWhichNobodyLookedDoNotCount() throws {
    try abandon(key, as: Self.stranger)
    let claims = Claims(store, timing: ClaimTiming(beat: 1, patience: 0.3, look: 0.001))
    #expect(taken(try claims.take(key)) == nil)
    MonotonicClock.sleep(0.4)
    #expect(taken(try claims.take(key)) == nil)
  }

  /// The stranger's claim is only as old as its last sign of life.
  @Test func signsOfLifeKeepAClaim() throws {
    let living = Claims(store, timing: Self.quick, owner: Self.stranger)
    let claim = try #require(taken(try living.take(key)))
    let observer = Claims(store, timing: Self.quick)
    let end = MonotonicClock.seconds + 3 * Self.quick.patience
    while MonotonicClock.seconds < end {
      #expect(taken(try observer.take(key)) == nil)
      MonotonicClock.sleep(Self.quick.look)
    }
    #expect(claim.verify())
    claim.release()
    #expect(taken(try observer.take(key)) != nil)
  }

  @Test func whoLosesAClaimLearnsOfIt() throws {
    let claims = Claims(store, timing: Self.quick)
    let claim = try #require(taken(try claims.take(key)))
    try abandon(key, as: Self.stranger)
    #expect(!claim.verify())
    claim.release()
    #expect(names == [key], "another's claim stays")
    let next = try #require(taken(try claims.take(other)))
    try Files.remove(folder + "/claims/" + other)
    while next.isHeld { MonotonicClock.sleep(0.01) }
    next.release()
  }

  /// A process that was stopped gives its cells up before others may take them.
  @Test func whoGivesNoSignsGivesUp() throws {
    let timing = ClaimTiming(beat: 60, patience: 0.2, look: 0.05)
    let claim = try #require(taken(try Claims(store, timing: timing).take(key)))
    #expect(claim.isHeld)
    MonotonicClock.sleep(timing.surrender + 0.01)
    #expect(!claim.isHeld)
  }

  @Test func aTornClaimIsGivenTimeToo() throws {
    try Files.makeFolder(folder + "/claims")
    let whole = ClaimContent.make(Self.stranger).bytes
    for count in [0, 10, 21, 40] {
      try AtomicFile.write(Array(whole.prefix(count)), to: folder + "/claims/" + key)
      let claims = Claims(store, timing: ClaimTiming(beat: 1, patience: 0.05, look: 0.02))
      #expect(taken(try claims.take(key)) == nil)
      var claim: Claim?
      while claim == nil {
        MonotonicClock.sleep(0.02)
        claim = taken(try claims.take(key))
      }
      claim?.release()
    }
  }

  /// All see the same dead worker at the same moment, and one follows it.
  @Test func onlyOneTakesOver() throws {
    for _ in 0..<20 {
      let me = RunningProcess.current
      try abandon(
        key, as: RunningProcess(host: me.host, number: 0x3fff_fff0, place: me.place, start: "1"))
      let count = Atomic(0)
      let (store, key) = (store, key)
      let claims = (0..<4).map { _ in Claims(store) }
      let held = Mutex<[Claim]>([])
      Threads.run(4) { worker in
        guard case .taken(let claim, _)? = try? claims[worker].take(key) else { return }
        count.add(1, ordering: .relaxed)
        held.withLock { $0.append(claim) }
      }
      #expect(count.load(ordering: .relaxed) <= 1)
      for claim in held.withLock({ $0 }) {
        #expect(claim.verify())
        claim.release()
      }
      for name in names { try Files.remove(folder + "/claims/" + name) }
    }
  }

  @Test func onlyKeysAreClaimed() throws {
    let store = store
    for name in ["", "..", "../../../etc/passwd", "0123456789abcde/", "0123456789ABCDEF", "a\0b"] {
      #expect(throws: StoreError.self) { try Claims(store).take(name) }
    }
    #expect(!Files.exists(folder))
  }

  @Test func aFolderThatCannotBeWrittenIsAnError() throws {
    try AtomicFile.write([1], to: folder)
    let store = store
    let key = key
    #expect { try Claims(store).take(key) } throws: { ($0 as? StoreError)?.kind == .system }
  }

  @Test func sweepingLeavesClaims() throws {
    let claims = Claims(store)
    let claim = try #require(taken(try claims.take(key)))
    try AtomicFile.write([1], to: folder + "/claims/\(other).1f.new")
    claims.sweep()
    #expect(names.contains(key))
    claim.release()
    try abandon(other, as: Self.stranger)
    claims.sweep()
    #expect(names.contains(other))
    try Files.remove(folder + "/claims/" + other)
    let me = RunningProcess.current
    if me.place != nil {
      // Of a cell that nobody wants any more.
      try abandon(
        other, as: RunningProcess(host: me.host, number: 0x3fff_fff0, place: me.place, start: "1"))
    }
    claims.sweep()
    #expect(!Files.exists(folder + "/claims"))
    // Where the folder is gone it is made again.
    #expect(taken(try claims.take(key)) != nil)
  }
}
