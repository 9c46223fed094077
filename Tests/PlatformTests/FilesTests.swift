import Platform
import Testing

@Suite final class FilesTests {
  private let folder: String

  init() throws {
    let parent = Environment.value("TMPDIR") ?? "/tmp"
    folder = "\(parent)/files-\(Machine.processIdentifier)-\(Int.random(in: 0 ..< .max))"
    try Files.makeFolder(folder)
  }

  deinit { removeTree(folder) }

  private func removeTree(_ path: String) {
    for name in (try? Files.list(path)) ?? [] { removeTree(path + "/" + name) }
    try? Files.remove(path)
  }

  @Test func aFileGetsASecondNameOnce() throws {
    let (path, other) = (folder + "/first", folder + "/second")
    let file = try SharedFile(creating: path, with: [1, 2, 3])
    #expect(file.nameCount == 1)
    #expect { try SharedFile(creating: path, with: []) } throws: {
      ($0 as? FileError)?.isPresent == true
    }
    try Files.link(path, to: other)
    #expect(file.nameCount == 2)
    #expect { try Files.link(path, to: other) } throws: { ($0 as? FileError)?.isPresent == true }
    #expect { try Files.link(folder + "/none", to: folder + "/new") } throws: {
      ($0 as? FileError)?.isMissing == true
    }
    try Files.remove(path)
    try file.overwriteStart([9])
    #expect(try Files.read(other) == [9, 2, 3], "it is written under whatever name it has")
  }

  @Test func aLockIsForOneAtATime() throws {
    let path = folder + "/lock"
    var inner: FileLock.Attempt?
    let outer = try FileLock.attempt(path) { () throws(FileError) in
      inner = try FileLock.attempt(path) { () throws(FileError) in Issue.record("two had it") }
    }
    #expect(outer == .done && inner == .busy)
    #expect(try FileLock.attempt(path) { () throws(FileError) in } == .done)
    #expect(throws: FileError.self) {
      try FileLock.attempt(folder + "/none/lock") { () throws(FileError) in }
    }
  }

  @Test func aFolderThatCannotBeMadeSaysWhy() throws {
    try AtomicFile.write([1], to: folder + "/file")
    #expect { try Files.makeFolder(folder + "/file/x") } throws: {
      "\($0)".contains("file: cannot create: File exists")
    }
  }

  @Test(arguments: [0, 1, 65535, 65536, 200_000])
  func whatIsWrittenIsRead(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let path = folder + "/ü b"
    try AtomicFile.write([1, 2, 3], to: path)
    try AtomicFile.write(bytes, to: path)
    #expect(try Files.read(path) == bytes)
    #expect(try Files.list(folder) == ["ü b"])
  }

  @Test func aFailedWriteLeavesTheOldFileAndNoOther() throws {
    let target = folder + "/folder"
    try Files.makeFolder(target + "/inside")
    #expect(throws: FileError.self) { try AtomicFile.write([1], to: target) }
    #expect(try Files.list(folder) == ["folder"])
    #expect(throws: FileError.self) { try AtomicFile.write([1], to: self.folder + "/none/file") }
  }

  @Test func foldersAreMadeWithTheirParents() throws {
    try Files.makeFolder(folder + "/a/b/c/")
    try Files.makeFolder(folder + "/a/b/c")
    #expect(Files.isFolder(folder + "/a/b/c"))
    try AtomicFile.write([], to: folder + "/file")
    #expect(throws: FileError.self) { try Files.makeFolder(self.folder + "/file/x") }
    #expect(throws: FileError.self) { try Files.makeFolder(self.folder + "/file") }
  }

  @Test func listsAreSorted() throws {
    for name in ["b", "a", "C", "a.json"] { try AtomicFile.write([], to: folder + "/" + name) }
    #expect(try Files.list(folder) == ["C", "a", "a.json", "b"])
    #expect(throws: FileError.self) { try Files.list(self.folder + "/none") }
  }

  @Test func removingTwiceIsNoError() throws {
    let path = folder + "/file"
    try AtomicFile.write([], to: path)
    #expect(Files.exists(path))
    try Files.remove(path)
    try Files.remove(path)
    #expect(!Files.exists(path))
    try AtomicFile.write([], to: path)
    #expect(throws: FileError.self) { try Files.remove(self.folder) }
  }

  @Test func errorsNamePathActionAndReason() throws {
    let path = folder + "/none"
    do {
      _ = try Files.read(path)
      Issue.record("a missing file was read")
    } catch {
      #expect(error.description == "\(path): cannot read: No such file or directory")
    }
  }

  @Test(arguments: [
    ("a/b", "a"), ("b", "."), ("/b", "/"), ("/a/b/", "/a"), ("/", "/"), ("a//b", "a/"), ("a/", "."),
  ])
  func parents(path: String, parent: String) {
    #expect(Files.parent(of: path) == parent)
  }
}
