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
    await #expect(processExitsWith: .exitCode(130)) {
      Interrupts.install()
      kill(getpid(), SIGTERM)
      while !Interrupts.isRequested { usleep(1000) }
      kill(getpid(), SIGINT)
      usleep(10_000_000)
    }
  }

  /// Schedulers repeat it; the work goes on saving.
  @Test func aSecondTerminationIsNoMore() async {
    await #expect(processExitsWith: .exitCode(143)) {
      Interrupts.install()
      for _ in 0..<3 { kill(getpid(), SIGTERM) }
      while !Interrupts.isRequested { usleep(1000) }
      exit(Interrupts.exitStatus)
    }
  }

  @Test func theStatusTellsTheSignal() async {
    await #expect(processExitsWith: .exitCode(130)) {
      Interrupts.install()
      kill(getpid(), SIGINT)
      while !Interrupts.isRequested { usleep(1000) }
      exit(Interrupts.exitStatus)
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
