import Platform
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Each test has a process of its own, because signals concern a whole process.
@Suite struct InterruptsTests {
  @Test func theFirstSignalOnlySetsTheFlag() async {
    await #expect(processExitsWith: .exitCode(3)) {
      Interrupts.install()
      if Interrupts.isRequested { exit(1) }
      kill(getpid(), SIGTERM)
      while !Interrupts.isRequested { usleep(1000) }
      exit(3)
    }
  }

  @Test func theSecondSignalEndsTheProcess() async {
    await #expect(processExitsWith: .exitCode(Interrupts.exitStatus)) {
      Interrupts.install()
      kill(getpid(), SIGINT)
      while !Interrupts.isRequested { usleep(1000) }
      kill(getpid(), SIGTERM)
      usleep(10_000_000)
    }
  }

  @Test func aClosedPipeIsNoSignal() async {
    await #expect(processExitsWith: .exitCode(4)) {
      Interrupts.install()
      kill(getpid(), SIGPIPE)
      usleep(1000)
      exit(4)
    }
  }
}
