package import Platform
import Synchronization

/// How the workers of a store tell that one of them is gone.
package struct ClaimTiming: Sendable {
  /// Seconds between two signs of life.
  package var beat: Double
  /// Seconds without a sign of life after which a worker elsewhere counts as gone.
  ///
  /// They are counted on the observer's own monotonic clock, so neither a clock that is set nor
  /// clocks that disagree matter.
  package var patience: Double
  /// Seconds between two looks at the claims of others.
  package var look: Double

  package init(beat: Double, patience: Double, look: Double) {
    self.beat = beat
    self.patience = patience
    self.look = look
  }

  /// What suits shared file systems, which may show changes late.
  package static let standard = ClaimTiming(beat: 10, patience: 120, look: 1)

  /// A worker that could not give a sign of life for this long gives its cells up before anyone
  /// else may take them over.
  var surrender: Double { patience / 2 }
}

/// The claims on a store's cells: who trains what, among any number of processes and machines, with
/// nothing in between but a file system.
///
/// A claim is a file `claims/<key>` that exactly one process can make. It says who made it and
/// holds a counter that goes up as long as its maker lives. A claim is taken over as soon as its
/// process is gone, if that ran in the same place (the same start of the same system), and otherwise
/// when the counter has not changed for ``ClaimTiming/patience``. A worker that finds its claim
/// taken over stops at once; since records of equal cells are equal bytes, even then nothing can
/// be spoilt.
package final class Claims: Sendable {
  /// What became of the wish to train a cell.
  package enum Attempt: Sendable {
    /// The cell is ours; from a worker that is gone, where `from` is not nil.
    case taken(Claim, from: RunningProcess?)
    /// Somebody has it; who, where that can be read.
    case held(RunningProcess?)
  }

  let folder: String
  let timing: ClaimTiming
  let owner: RunningProcess
  private let observed = Mutex<[String: Observation]>([:])
  private let hasLinks: Bool
  private let heart: Heart

  /// What was seen of somebody else's claim.
  private struct Observation {
    var content: [UInt8]
    /// For how long it was seen unchanged, counting no gap in which nobody looked.
    var unchanged = 0.0
    var lastLook: Double
  }

  package convenience init(_ store: RunStore, timing: ClaimTiming = .standard) {
    self.init(store, timing: timing, owner: .current)
  }

  /// Claims in another process's name or on a file system without second names, for tests.
  package init(
    _ store: RunStore, timing: ClaimTiming, owner: RunningProcess, hasLinks: Bool = true
  ) {
    self.hasLinks = hasLinks
    folder = store.claimsFolder
    self.timing = timing
    self.owner = owner
    heart = Heart(timing)
  }

  /// Tries to get a cell for this process alone.
  ///
  /// - Throws: `StoreError` where the store cannot be written, and for what is no key.
  package func take(_ key: String) throws(StoreError) -> Attempt {
    guard CellKey.isValid(key) else { throw StoreError(folder, "'\(key)' is not a cell's key") }
    do throws(FileError) {
      // Each round ends unless somebody else made or released a claim in it.
      for _ in 0..<100 {
        if let claim = try create(key) { return .taken(claim, from: nil) }
        guard let content = try read(path(key)) else { continue }
        let holder = ClaimContent.owner(in: content)
        guard isAbandoned(key, content, holder) else { return .held(holder) }
        guard let claim = try takeOver(key, content) else { return .held(nil) }
        forget(key)
        return .taken(claim, from: holder)
      }
      return .held(nil)
    } catch {
      throw StoreError(error)
    }
  }

  /// Removes what workers that are gone may have left, and the folder if no cell is claimed.
  package func sweep() {
    for key in ((try? Files.list(folder)) ?? []).filter(CellKey.isValid) {
      guard let content = try? Files.read(path(key)),
        ClaimContent.owner(in: content)?.isGone == true
      else { continue }
      _ = (try? takeOver(key, content))?.release()
    }
    guard let names = try? Files.list(folder), !names.contains(where: CellKey.isValid) else {
      return
    }
    for name in names { try? Files.remove("\(folder)/\(name)") }
    try? Files.remove(folder)
  }

  func path(_ key: String) -> String { "\(folder)/\(key)" }

  // MARK: - Making claims

  /// Makes a claim unless there is one.
  private func create(_ key: String) throws(FileError) -> Claim? {
    let path = path(key)
    if Files.exists(path) { return nil }
    let content = ClaimContent.make(owner)
    guard hasLinks else { return try createDirectly(key, content) }
    let temporary = "\(path).\(content.nonce).new"
    do throws(FileError) {
      let file = try makeFile(temporary, content.bytes)
      defer { try? Files.remove(temporary) }
      return try name(file, temporary, key, content)
    } catch {
      // Without second names a claim is made under its own, and is incomplete for a moment.
      guard error.hasNoLinks else { throw error }
      return try createDirectly(key, content)
    }
  }

  /// Gives a claim its name, which only one process can.
  private func name(
    _ file: SharedFile, _ temporary: String, _ key: String, _ content: ClaimContent
  ) throws(FileError) -> Claim? {
    do throws(FileError) {
      try Files.link(temporary, to: path(key))
    } catch {
      // Over a network a success can be reported as a failure, but then the file has two names.
      guard file.nameCount < 2 else { return claim(key, file, content) }
      // A missing file was swept away.
      guard error.isPresent || error.isMissing else { throw error }
      return nil
    }
    return claim(key, file, content)
  }

  private func createDirectly(_ key: String, _ content: ClaimContent) throws(FileError) -> Claim? {
    do throws(FileError) {
      return claim(key, try makeFile(path(key), content.bytes), content)
    } catch {
      guard error.isPresent else { throw error }
      return nil
    }
  }

  /// Makes a file, and the folder where that is missing or was just swept away.
  private func makeFile(_ path: String, _ bytes: [UInt8]) throws(FileError) -> SharedFile {
    for _ in 0..<10 {
      do throws(FileError) {
        return try SharedFile(creating: path, with: bytes)
      } catch {
        guard error.isMissing else { throw error }
        try Files.makeFolder(folder)
      }
    }
    return try SharedFile(creating: path, with: bytes)
  }

  private func claim(_ key: String, _ file: SharedFile, _ content: ClaimContent) -> Claim {
    let claim = Claim(key: key, path: path(key), file: file, nonce: content.nonce, timing: timing)
    heart.add(claim)
    return claim
  }

  // MARK: - Claims of others

  /// The bytes of a claim; nil where there is none.
  private func read(_ path: String) throws(FileError) -> [UInt8]? {
    do throws(FileError) {
      return try Files.read(path)
    } catch {
      guard error.isMissing else { throw error }
      return nil
    }
  }

  /// Whether a claim's maker is gone.
  private func isAbandoned(_ key: String, _ content: [UInt8], _ holder: RunningProcess?) -> Bool {
    if let holder, holder.isGone { return true }
    let now = MonotonicClock.seconds
    return observed.withLock { observed in
      guard var seen = observed[key], seen.content == content else {
        observed[key] = Observation(content: content, lastLook: now)
        return false
      }
      // A gap in which this process slept or waited for the file system says nothing of others.
      seen.unchanged += min(now - seen.lastLook, 4 * timing.look)
      seen.lastLook = now
      observed[key] = seen
      return seen.unchanged > timing.patience
    }
  }

  private func forget(_ key: String) { observed.withLock { $0[key] = nil } }

  /// Puts a claim of ours in place of an abandoned one; nil where somebody else was faster.
  ///
  /// The lock keeps two observers from doing it at once. Where the file system has none, an observer
  /// that took away a claim other than the one it judged gives it back.
  private func takeOver(_ key: String, _ abandoned: [UInt8]) throws(FileError) -> Claim? {
    var claim: Claim?
    let away = "\(path(key)).\(ClaimContent.make(owner).nonce).old"
    let attempt = try FileLock.attempt("\(folder)/lock") { () throws(FileError) in
      guard try read(path(key)) == abandoned else { return }
      do throws(FileError) {
        try Files.rename(path(key), to: away)
      } catch {
        guard error.isMissing else { throw error }
        return
      }
      let isRight = try read(away) == abandoned
      if !isRight { try? Files.link(away, to: path(key)) }
      try Files.remove(away)
      if isRight { claim = try create(key) }
    }
    return attempt == .done ? claim : nil
  }
}

extension RunStore {
  /// The cells that are claimed at present, with who claims them, where that can be read.
  ///
  /// Some of the claims may be of workers that are gone: those stay until somebody takes them over.
  package var claimed: [(key: String, owner: RunningProcess?)] {
    let names = (try? Files.list(claimsFolder)) ?? []
    return names.filter(CellKey.isValid).map { key in
      let content = try? Files.read("\(claimsFolder)/\(key)")
      return (key, content.flatMap(ClaimContent.owner))
    }
  }
}
