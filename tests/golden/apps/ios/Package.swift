// swift-tools-version:5.7
// small_net: made by edgeq 0.1.0. Generated only: edgeq's tests have no Swift compiler.

import PackageDescription

// TensorFlow Lite comes as a pod (SmallNet.podspec depends on it), and has no Swift package of its own. Without it the
// target has the constants, the conversions and the model's file. With a package of yours that has the module
// TensorFlowLite, add it to `dependencies` here and to those of the target, and SmallNetModel is there, too.
let package = Package(
  name: "SmallNet",
  platforms: [.iOS(.v13), .macOS(.v10_15)],
  products: [
    .library(name: "SmallNet", targets: ["SmallNet"])
  ],
  dependencies: [],
  targets: [
    .target(name: "SmallNet", dependencies: [], resources: [.copy("Resources/small_net.tflite")]),
    .testTarget(name: "SmallNetTests", dependencies: ["SmallNet"], resources: [.copy("Golden")]),
  ]
)
