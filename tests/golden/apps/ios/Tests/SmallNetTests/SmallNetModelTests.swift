// Made by edgeq 0.1.0: a sample that the host ran, on this device.

#if canImport(TensorFlowLite)
  import Foundation
  import XCTest

  @testable import SmallNet

  final class SmallNetModelTests: XCTestCase {
    /// Of the test's bundle: float32, little-endian, as all of Apple's processors are.
    private func golden(_ name: String) throws -> [Float] {
      #if SWIFT_PACKAGE
        let place = Bundle.module.url(forResource: name, withExtension: "bin", subdirectory: "Golden")
      #else
        let place = Bundle(for: Self.self).url(forResource: name, withExtension: "bin")
      #endif
      let data = try Data(contentsOf: XCTUnwrap(place))
      return [Float](unsafeUninitializedCapacity: data.count / 4) { buffer, count in
        count = data.copyBytes(to: buffer) / 4
      }
    }

    /// Processors round in their own order: an SQNR of 60 dB is enough, as for `edgeq validate`.
    private func assertNear(_ found: [Float], _ expected: [Float]) {
      XCTAssertEqual(found.count, expected.count)
      let signal = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
      let noise = zip(found, expected).reduce(0.0) { sum, pair in
        let difference = Double(pair.0) - Double(pair.1)
        return sum + difference * difference
      }
      XCTAssertLessThanOrEqual(noise, signal * 1.000000e-06)
    }

    /// Ops that XNNPACK leaves to LiteRT round to the other side now and then: one step is enough.
    private func assertWithinAStep(_ found: [Float], _ expected: [Float], step: Float) {
      XCTAssertEqual(found.count, expected.count)
      for (one, other) in zip(found, expected) { XCTAssertEqual(one, other, accuracy: 1.01 * step) }
    }

    func testAnswersAsTheHost() throws {
      let model = try SmallNetModel()
      let outputs = try model.run(
        SmallNetModel.Inputs(
          image: golden("golden_input_0"),
          classInput: golden("golden_input_1")
        )
      )
      assertWithinAStep(
        outputs.digit, try golden("golden_output_0"), step: SmallNetSpec.Digit.quantization.scale)
      assertNear(outputs.sum, try golden("golden_output_1"))
    }
  }
#endif
