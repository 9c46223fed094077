import CUDABackend
import Foundation
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

  /// One that did not wait would read what the kernel before it has not written yet.
  @Test func everyKernelBeginsByWaiting() {
    for file in KernelProgram.files {
      // Behind what defines the word.
      let kernels = KernelProgram(file).text.split(separator: "#define DEVICE", maxSplits: 1)[1]
        .replacing("extern \"C\" __global__ void", with: "KERNEL").components(separatedBy: "KERNEL")
      #expect(kernels.count > 1, "\(file)")
      for kernel in kernels.dropFirst() {
        let body = kernel.drop { $0 != "{" }.dropFirst().drop(while: \.isWhitespace)
        #expect(body.hasPrefix("begin_kernel();"), "\(file): \(kernel.prefix(80))")
      }
      #expect(!kernels.contains { $0.contains("__global__") }, "\(file)")
    }
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
    #expect(
      program.options(architecture: "sm_90").first == "--gpu-architecture=sm_90a")
    #expect(
      program.options(architecture: "sm_100").first == "--gpu-architecture=sm_100")
  }
}
