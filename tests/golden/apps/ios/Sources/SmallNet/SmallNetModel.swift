// Made by edgeq 0.1.0. TensorFlow Lite's Swift API; without that module there are the constants alone.

#if canImport(TensorFlowLite)
  import CryptoKit
  import Foundation
  import TensorFlowLite

  /// The model in TensorFlow Lite: real values in, real values out.
  ///
  /// One thread at a time may use it; it may move between threads.
  public final class SmallNetModel {
    /// What the model takes, all real values, row by row and channels last.
    public struct Inputs: Sendable {
      /// 1×2×3×3, of pixels: `SmallNetSpec.Image.preprocess`.
      public var image: [Float]
      /// 1×5.
      public var classInput: [Float]

      public init(image: [Float], classInput: [Float]) {
        self.image = image
        self.classInput = classInput
      }
    }

    /// What the model answers, real values in the same order.
    public struct Outputs: Sendable {
      /// 1×4, with `SmallNetSpec.Digit.labels`.
      public let digit: [Float]
      /// 1×5.
      public let sum: [Float]
    }

    public enum Failure: Error, Equatable {
      /// The bundle has no model.
      case noModel
      /// The file is not the model that `SmallNetSpec` is about; this is its SHA-256.
      case otherModel(sha256: String)
      /// An input has another number of values than the model takes.
      case wrongCount(input: String, found: Int, expected: Int)
      /// TensorFlow Lite gave an output of another size.
      case wrongOutput(String)
    }

    private let interpreter: Interpreter

    /// Loads the model of the bundle. Slow: not on the main thread.
    ///
    /// - Parameters:
    ///   - threads: of the CPU.
    ///   - verify: reads the file first, and compares its SHA-256.
    /// - Throws: `Failure`, or TensorFlow Lite's own errors.
    public init(threads: Int = 1, verify: Bool = true) throws {
      guard let url = SmallNetSpec.modelURL else { throw Failure.noModel }
      if verify {
        let digest = SHA256.hash(data: try Data(contentsOf: url, options: .mappedIfSafe))
        let found = digest.map { String(format: "%02x", $0) }.joined()
        guard found == SmallNetSpec.modelSHA256 else { throw Failure.otherModel(sha256: found) }
      }
      var options = Interpreter.Options()
      options.threadCount = threads
      interpreter = try Interpreter(modelPath: url.path, options: options)
      try interpreter.allocateTensors()
    }

    /// One inference.
    ///
    /// - Throws: `Failure`, or TensorFlow Lite's own errors.
    public func run(_ inputs: Inputs) throws -> Outputs {
      try Self.check(inputs.image, "image", SmallNetSpec.Image.elements)
      try Self.check(inputs.classInput, "classInput", SmallNetSpec.ClassInput.elements)
      let q0 = inputs.image.map { SmallNetSpec.Image.quantization.quantize($0, as: Int8.self) }
      try interpreter.copy(Self.data(q0), toInputAt: SmallNetSpec.Image.index)
      try interpreter.copy(Self.data(inputs.classInput), toInputAt: SmallNetSpec.ClassInput.index)
      try interpreter.invoke()
      let out0 = try output(SmallNetSpec.Digit.index, SmallNetSpec.Digit.elements, as: Int8.self)
      let out1 = try output(SmallNetSpec.Sum.index, SmallNetSpec.Sum.elements, as: Float.self)
      return Outputs(
        digit: out0.map(SmallNetSpec.Digit.quantization.dequantize),
        sum: out1
      )
    }

    private static func check(_ values: [Float], _ name: String, _ expected: Int) throws {
      guard values.count == expected else {
        throw Failure.wrongCount(input: name, found: values.count, expected: expected)
      }
    }

    private static func data<Element>(_ values: [Element]) -> Data {
      values.withUnsafeBytes { Data($0) }
    }

    private func output<Element>(_ index: Int, _ elements: Int, as type: Element.Type) throws -> [Element] {
      let data = try interpreter.output(at: index).data
      guard data.count == elements * MemoryLayout<Element>.stride else {
        throw Failure.wrongOutput("output \(index) has \(data.count) bytes")
      }
      return [Element](unsafeUninitializedCapacity: elements) { buffer, count in
        count = data.copyBytes(to: buffer) / MemoryLayout<Element>.stride
      }
    }
  }
#endif
