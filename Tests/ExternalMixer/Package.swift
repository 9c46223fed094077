// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "external-mixer",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "hysteresis", path: "../..")],
  targets: [
    .executableTarget(
      name: "ExternalMixer",
      dependencies: [.product(name: "HysteresisKit", package: "hysteresis")])
  ]
)
