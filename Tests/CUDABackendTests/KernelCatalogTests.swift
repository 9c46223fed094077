import CUDABackend
import Testing

@Suite struct KernelCatalogTests {
  /// What is in no program of the catalogue is compiled on no machine without a GPU.
  @Test func everyFileIsInTheCatalogue() {
    let files = KernelCatalog.programs.map(\.file)
    for file in KernelProgram.files { #expect(files.contains(file), "\(file)") }
    for file in files { #expect(KernelProgram.files.contains(file), "\(file)") }
  }

  @Test func noProgramIsListedTwice() {
    let programs = KernelCatalog.programs
    #expect(Set(programs).count == programs.count)
  }

  @Test func theCommonPartComesFirst() {
    let text = KernelProgram("pointwise", ["FUNCTION": 3]).text
    #expect(text.hasPrefix("// What every file of kernels begins with."))
    #expect(!text.contains("#include"))
  }

  @Test func constantsBecomeOptions() {
    let program = KernelProgram("pointwise", ["FUNCTION": 3, "WIDTH": -2])
    let options = program.options(architecture: "sm_80")
    #expect(options.first == "--gpu-architecture=sm_80")
    #expect(options.suffix(2) == ["-DFUNCTION=3", "-DWIDTH=-2"])
    #expect(program.title == "pointwise.cu FUNCTION=3 WIDTH=-2")
  }

  @Test func instructionsOfOneArchitectureAreAskedFor() {
    let program = KernelProgram("grouped_head", ["DEPTH": 64])
    #expect(program.options(architecture: "sm_90").first == "--gpu-architecture=sm_90a")
    #expect(program.options(architecture: "sm_100").first == "--gpu-architecture=sm_100")
  }
}
