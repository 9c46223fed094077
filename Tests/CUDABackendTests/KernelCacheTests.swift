import CUDABackend
import Foundation
import Platform
import Synchronization
import Tensors
import Testing

/// Compiled kernels on the disk.
@Suite struct KernelCacheTests {
  /// Adds two tensors on a new device and returns how many programs were compiled for it.
  private static func compiled(_ machine: FakeMachine, _ folder: String) throws -> Int {
    let before = machine.calls("nvrtcCompileProgram")
    let backend = try machine.backend(cache: KernelCache(folder: folder))
    let x = backend.zeros([4])
    backend.add(x, x, into: x)
    backend.apply(.tanh, x, into: x)
    if let failure = backend.failure { throw failure }
    return machine.calls("nvrtcCompileProgram") - before
  }

  @Test func programsAreCompiledOnce() throws {
    let folder = try TemporaryFolder()
    try withMachine { machine throws in
      #expect(try Self.compiled(machine, folder.path + "/a/b") == 2)
      #expect(try Self.compiled(machine, folder.path + "/a/b") == 0)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a/b").count == 2)
  }

  @Test(arguments: ["", "x", "other"]) func damagedFilesAreMadeAnew(_ content: String) throws {
    let folder = try TemporaryFolder()
    try withMachine { machine throws in
      #expect(try Self.compiled(machine, folder.path) == 2)
      let name = folder.path + "/" + folder.files.sorted()[0]
      let good = try Files.read(name)
      if content == "other" {
        // One bit.
        var bad = good
        bad[good.count / 2] ^= 4
        try AtomicFile.write(bad, to: name)
      } else {
        try AtomicFile.write(Array(content.utf8), to: name)
      }
      #expect(try Self.compiled(machine, folder.path) == 1)
      #expect(try Files.read(name) == good)
      #expect(try Self.compiled(machine, folder.path) == 0)
    }
  }

  /// Whole, but of a device that this driver does not know.
  @Test func codeThatDoesNotLoadIsMadeAnew() throws {
    let folder = try TemporaryFolder()
    try withMachine { machine throws in
      #expect(try Self.compiled(machine, folder.path) == 2)
      machine.fail("cuModuleLoadData", call: machine.calls("cuModuleLoadData") + 1, status: 200)
      #expect(try Self.compiled(machine, folder.path) == 1)
    }
  }

  @Test func aFolderThatCannotBeWrittenCostsOnlyTime() throws {
    let folder = try TemporaryFolder()
    // A file where the folder should be: root may write to any folder.
    try AtomicFile.write([1], to: folder.path + "/file")
    try withMachine { machine throws in
      #expect(try Self.compiled(machine, folder.path + "/file/cache") == 2)
      #expect(try Self.compiled(machine, folder.path + "/file/cache") == 2)
    }
    #expect(folder.files == ["file"])
  }

  /// As several processes would: each thread has devices of its own, and all have one folder.
  @Test func manyMayShareAFolder() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    try withMachine(memory: 4 << 30) { machine throws in
      let faults = Mutex<[String]>([])
      Threads.run(4) { _ in
        machine.use()
        for _ in 0..<3 {
          do {
            _ = try Self.compiled(machine, path)
          } catch {
            faults.withLock { $0.append("\(error)") }
          }
        }
      }
      #expect(faults.withLock { $0 }.isEmpty)
      #expect(try Self.compiled(machine, path) == 0)
    }
    #expect(folder.files.count == 2)
  }

  /// As several cells on one GPU do: threads with backends of their own compile nothing twice.
  @Test func threadsShareADevicesKernels() throws {
    try withMachine(memory: 4 << 30) { machine throws in
      let device = try machine.device()
      let faults = Mutex<[String]>([])
      Threads.run(4) { _ in
        machine.use()
        do {
          let backend = try CUDABackend(device)
          let x = backend.zeros([4])
          for _ in 0..<5 { backend.add(x, x, into: x) }
          if let failure = backend.failure { throw failure }
        } catch {
          faults.withLock { $0.append("\(error)") }
        }
      }
      #expect(faults.withLock { $0 }.isEmpty)
      #expect(machine.calls("nvrtcCompileProgram") == 1 && machine.launches.count == 20)
    }
  }

  /// Several cells that start together need not wait for each other's programs.
  @Test func differentProgramsAreCompiledSideBySide() throws {
    try withMachine(memory: 4 << 30) { machine throws in
      let device = try machine.device()
      machine.expectCompilers(2)
      Threads.run(2) { thread in
        machine.use()
        guard let backend = try? CUDABackend(device) else { return }
        let x = backend.zeros([4])
        if thread == 0 { backend.add(x, x, into: x) } else { backend.apply(.tanh, x, into: x) }
      }
      #expect(machine.calls("nvrtcCompileProgram") == 2)
    }
  }
}
