import Platform
import Testing

@Suite struct MachineTests {
  @Test func theMachineIsKnown() {
    #expect(Machine.cores >= 1)
    #expect(Machine.memory > 1 << 28)
    #expect(Machine.processIdentifier > 0)
    #expect(!Machine.hostName.isEmpty)
    #expect(!Machine.processor.isEmpty)
  }

  @Test func namesOfProcessors() {
    let file = "processor\t: 0\nmodel name\t: A Processor (TM) 3 @ 2.5 GHz \nmodel name\t: Other\n"
    #expect(Machine.processor(inProcessorFile: file) == "A Processor (TM) 3 @ 2.5 GHz")
    #expect(Machine.processor(inProcessorFile: "processor: 0\nBogoMIPS: 50.0\n") == "unknown")
    #expect(Machine.processor(inProcessorFile: "") == "unknown")
  }

  @Test func coresOfAffinityMasks() {
    #expect(Machine.cores(inStatusFile: "Name:\tx\nCpus_allowed:\tff,0000000f\n") == 12)
    #expect(Machine.cores(inStatusFile: "Cpus_allowed_list:\t0-3\n") == nil)
    #expect(Machine.cores(inStatusFile: "Cpus_allowed:\t0\n") == nil)
  }

  @Test func theMonotonicClockNeverGoesBack() {
    var last = MonotonicClock.seconds
    for _ in 0..<1000 {
      let now = MonotonicClock.seconds
      #expect(now >= last)
      last = now
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (1_714_979_289, "2024-05-06T07:08:09Z"),
    (951_868_799, "2000-02-29T23:59:59Z"),
  ])
  func timesOfDay(seconds: Int, text: String) {
    #expect(WallClock.text(secondsSince1970: seconds) == text)
  }
}
