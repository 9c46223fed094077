// swift-tools-version: 6.2
import PackageDescription

// The hot loops are optimised in every configuration, so that debug builds and tests stay fast.
var kernelFlags = ["-O3", "-fno-math-errno", "-fno-trapping-math"]
#if arch(x86_64)
  kernelFlags.append("-mprefer-vector-width=512")
#endif

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let warnings: [SwiftSetting] =
  Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// A library module of the package; the order below is the order of the layers.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  // Without Foundation nothing else links the C library's mathematics.
  .target(
    name: name, dependencies: dependencies, swiftSettings: strict + warnings,
    linkerSettings: [.linkedLibrary("m")])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
    swiftSettings: strict + warnings)
}

let package = Package(
  name: "hysteresis",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "hysteresis", targets: ["HysteresisCommand"]),
    .library(name: "HysteresisKit", targets: ["HysteresisKit"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    .target(
      name: "CKernels", exclude: ["kernels"],
      cSettings: [.unsafeFlags(kernelFlags)], linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CCUDA", exclude: ["kernels"]),
    .target(name: "CReportPage", exclude: ["page"]),
    module("Configuration"),
    module("Randomness"),
    module("Platform"),
    module("Tensors", ["Randomness", "Platform"]),
    module("CPUBackend", ["CKernels", "Tensors", "Platform"]),
    module("CUDABackend", ["CCUDA", "Tensors", "Platform"]),
    module("Autograd", ["Tensors", "Randomness", "Platform"]),
    module("Layers", ["Autograd", "Tensors", "Randomness", "Configuration", "Platform"]),
    module(
      "Architectures",
      ["Layers", "Autograd", "Tensors", "Configuration", "Randomness", "Platform"]),
    module("TaskGenerators", ["Randomness", "Configuration"]),
    module(
      "Training",
      [
        "Architectures", "Layers", "Autograd", "Tensors", "TaskGenerators", "Configuration",
        "Randomness", "Platform",
      ]),
    module("TensorFiles", ["Configuration", "Platform"]),
    module(
      "DataSets", ["TaskGenerators", "TensorFiles", "Randomness", "Configuration", "Platform"]),
    module("Records", ["Configuration", "Platform"]),
    module("Reports", ["CReportPage", "Records", "Configuration", "Platform"]),
    module(
      "Harness",
      [
        "Training", "Architectures", "Layers", "Autograd", "Tensors", "CPUBackend", "CUDABackend",
        "DataSets", "TensorFiles", "TaskGenerators", "Randomness", "Records", "Configuration",
        "Platform", .product(name: "Yams", package: "Yams"),
      ]),
    module(
      "HysteresisKit",
      [
        "Harness", "Reports", "DataSets", "Training", "Records", "TensorFiles", "Architectures",
        "TaskGenerators", "Layers", "Autograd", "Tensors", "Randomness", "Configuration",
        "Platform",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "HysteresisCommand", dependencies: ["HysteresisKit"],
      swiftSettings: strict + warnings),
    tests("Platform", []),
    tests("Randomness", []),
    tests("TensorFiles", ["Randomness", "Platform"]),
    tests(
      "DataSets", ["TaskGenerators", "TensorFiles", "Configuration", "Randomness", "Platform"]),
    tests("Records", ["Configuration", "Platform"]),
    tests("Reports", ["Records", "Configuration", "Platform"]),
    tests(
      "Harness",
      [
        "Architectures", "Autograd", "CUDABackend", "CPUBackend", "DataSets", "Tensors",
        "TaskGenerators", "Training", "TensorFiles", "Records", "Configuration", "Randomness",
        "Platform",
      ]),
    tests("TaskGenerators", ["Configuration", "Randomness"]),
    tests("Autograd", ["CPUBackend", "CKernels", "Tensors", "Randomness"]),
    // A stand-in for the GPU's libraries, which records what is asked of it.
    .target(name: "FakeCUDA", dependencies: ["CCUDA"], path: "Tests/FakeCUDA"),
    tests(
      "CUDABackend",
      [
        "FakeCUDA", "CPUBackend", "Autograd", "Architectures", "TaskGenerators", "Training",
        "Harness", "Records", "Configuration", "Tensors", "Platform",
      ]),
    tests("Layers", ["CPUBackend", "Autograd", "Tensors", "Configuration", "Randomness"]),
    tests(
      "Architectures",
      ["CPUBackend", "Autograd", "Layers", "Tensors", "Configuration", "Randomness", "Platform"]),
    tests(
      "Training",
      [
        "CPUBackend", "Architectures", "Autograd", "Layers", "Tensors", "TaskGenerators",
        "Configuration", "Randomness",
      ]),
    // The command line is tested as users have it: the program lies beside the tests.
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "HysteresisCommand", "HysteresisKit", "Architectures", "TaskGenerators", "Configuration",
      ],
      exclude: ["Snapshots"],
      swiftSettings: strict + warnings),
  ],
  cLanguageStandard: .gnu2x
)
