import Platform
import Testing

@Suite final class PendingFileTests {
  private let folder: String

  init() throws {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/pending-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    try Files.makeFolder(folder)
  }

  deinit {
    for name in (try? Files.list(folder)) ?? [] { try? Files.remove(folder + "/" + name) }
    try? Files.remove(folder)
  }

  @Test func theNameIsTakenOnlyAtTheEnd() throws {
    let path = folder + "/file"
    try AtomicFile.write([9], to: path)
    do {
      let file = try PendingFile(path)
      try [1, 2].withUnsafeBytes { try file.append($0) }
      #expect(try Files.read(path) == [9])
      #expect(try Files.list(folder).count == 2)
    }
    // Let go without a commit.
    #expect(try Files.list(folder) == ["file"])
    #expect(try Files.read(path) == [9])
  }

  /// Of the files that are being written, only those of processes that are gone are removed.
  @Test func whatKilledProcessesLeftIsRemoved() throws {
    let me = RunningProcess.current
    let gone = RunningProcess(host: me.host, number: 0x3fff_fff0, place: me.place, start: nil)
    let stranger = RunningProcess(host: me.host, number: 0x3fff_fff0, place: "x", start: nil)
    let words = [gone, stranger, me].map(\.word)
    for word in words { try AtomicFile.write([1], to: "\(folder)/a.json.\(word).1.part") }
    for name in ["a.json", "b.part", ".part", "a.json.host-1-1.part"] {
      try AtomicFile.write([1], to: folder + "/" + name)
    }
    let open = try PendingFile(folder + "/open")
    PendingFile.removeAbandoned(in: folder)
    #expect(try Files.list(folder).count == (me.place == nil ? 8 : 7))
    #expect(!Files.exists("\(folder)/a.json.\(words[0]).1.part") || me.place == nil)
    try open.commit()
  }

  @Test func placesAreWrittenInAnyOrder() throws {
    let path = folder + "/file"
    let file = try PendingFile(path)
    try [UInt8]([5, 6]).withUnsafeBytes { try file.write($0, at: 4) }
    try [UInt8]([1, 2]).withUnsafeBytes { try file.append($0) }
    try [UInt8]([3]).withUnsafeBytes { try file.append($0) }
    try file.commit()
    #expect(try Files.read(path) == [1, 2, 3, 0, 5, 6])
    let input = try InputFile(path)
    #expect(input.byteCount == 6)
    var bytes: [UInt8] = [0, 0]
    try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 4) }
    #expect(bytes == [5, 6])
    #expect(throws: FileError.self) {
      try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 5) }
    }
  }

  /// Renaming over a device would replace it for everybody.
  @Test(arguments: ["/dev/null", "/dev"])
  func onlyOrdinaryFilesAreReplaced(path: String) throws {
    let error = #expect(throws: FileError.self) { try PendingFile(path) }
    #expect(error?.description.hasPrefix("\(path): cannot write: it is") == true)
    #expect(Files.exists(path))
    #expect(throws: FileError.self) { try InputFile(path) }
  }
}

/// What a process says of others.
@Suite struct RunningProcessTests {
  @Test func aProcessIsKnownByPlaceNumberAndStart() {
    let me = RunningProcess.current
    #expect(!me.isGone && !RunningProcess.isGone(word: me.word))
    #expect(me.number == Machine.processIdentifier && !me.host.isEmpty)
    let nobody = 0x3fff_fff0
    let elsewhere = RunningProcess(host: me.host, number: nobody, place: "x", start: nil)
    #expect(!elsewhere.isGone && !RunningProcess.isGone(word: elsewhere.word))
    for number in [0, -1, .min, .max] {
      #expect(!RunningProcess(host: me.host, number: number, place: me.place, start: nil).isGone)
    }
    guard me.place != nil else { return }
    let gone = RunningProcess(host: me.host, number: nobody, place: me.place, start: me.start)
    #expect(gone.isGone && RunningProcess.isGone(word: gone.word))
    for word in ["", "-", "a-b-c", "\(me.word)-1", "-\(nobody)"] {
      #expect(!RunningProcess.isGone(word: word))
    }
    guard me.start != nil else { return }
    #expect(RunningProcess(host: me.host, number: me.number, place: me.place, start: "1").isGone)
  }

  /// A name may hold whatever the file system takes.
  @Test(arguments: ["cat", "a b", "a) R 1", ""]) func startsAreReadBehindTheName(_ name: String) {
    let fields = (3...52).map(String.init).joined(separator: " ")
    #expect(RunningProcess.start(inStatusFile: "17 (\(name)) \(fields)\n") == "22")
    #expect(RunningProcess.start(inStatusFile: "17 (\(name)) R 1") == nil)
    #expect(RunningProcess.start(inStatusFile: "") == nil)
  }
}
