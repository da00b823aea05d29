// Made by edgeq 0.1.0: what the host computed, bit by bit. Needs no device, and no TensorFlow Lite.

import Foundation
import XCTest

@testable import SmallNet

#if canImport(CryptoKit)
  import CryptoKit
#endif

final class SmallNetSpecTests: XCTestCase {
  private func assertBits(_ found: [Float], _ expected: [Float], line: UInt = #line) {
    XCTAssertEqual(found.map(\.bitPattern), expected.map(\.bitPattern), line: line)
  }

  func testTheModelIsTheOneThatTheseConstantsAreAbout() throws {
    let url = try XCTUnwrap(SmallNetSpec.modelURL)
    let content = try Data(contentsOf: url)
    XCTAssertEqual(content.count, SmallNetSpec.modelBytes)
    #if canImport(CryptoKit)
      let digest = SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined()
      XCTAssertEqual(digest, SmallNetSpec.modelSHA256)
    #endif
  }

  func testConstantsOfImage() {
    XCTAssertEqual(SmallNetSpec.Image.shape.reduce(1, *), SmallNetSpec.Image.elements)
    XCTAssertEqual(SmallNetSpec.Image.quantization.scale.bitPattern, 1016650112)
    XCTAssertEqual(SmallNetSpec.Image.quantization.zeroPoint, -14)
  }

  func testNormalizesImage() {
    let values: [Float] = [
      0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 64.0, 64.0, 64.0, 127.0, 127.0, 127.0, 128.0, 128.0, 128.0, 254.0,
      254.0, 254.0, 255.0, 255.0, 255.0, -3.5, -3.5, -3.5,
    ]
    let expected: [Float] = [
      -2.117904, -2.0357144, -1.8044444, -2.1007793, -2.0182073, -1.7870152, -1.0219197, -0.9152661,
      -0.688976, 0.056939755, 0.18767509, 0.4090632, 0.07406451, 0.2051821, 0.4264924, 2.2317834, 2.4110644,
      2.6225708, 2.2489083, 2.4285715, 2.64, -2.1778407, -2.096989, -1.8654466,
    ]
    assertBits(SmallNetSpec.Image.normalization.apply(to: values), expected)
  }

  func testPreprocessesImage() {
    let colors: [UInt32] = [
      0, 16777215, 16711680, 65280, 255, 8355969,
    ]
    let expected: [Float] = [
      -2.117904, -2.0357144, -1.8044444, 2.2489083, 2.4285715, 2.64, 2.2489083, -2.0357144, -1.8044444,
      -2.117904, 2.4285715, -1.8044444, -2.117904, -2.0357144, 2.64, 0.056939755, 0.2051821, 0.4439216,
    ]
    var rgba = colors.flatMap { [UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255), 0xAB] }
    rgba += [UInt8](repeating: 0, count: 4 * SmallNetSpec.Image.width * SmallNetSpec.Image.height - rgba.count)
    let values = SmallNetSpec.Image.preprocess(rgba: rgba)
    XCTAssertEqual(values.count, SmallNetSpec.Image.elements)
    assertBits(Array(values.prefix(expected.count)), expected)
  }

  func testQuantizesImage() {
    let values: [Float] = [
      0.0, 0.0093292, -0.0093292, 0.0279876, -0.0279876, 0.046646, -0.046646, 0.009310542, -0.009310542,
      0.0186584, -0.0186584, -2.1270576, 2.6308343, -2.1363869, 2.6401634, -2.2576663, 2.7614431,
      -2.1177282, 2.6215053, 0.1352734, -0.1446026, 18658.4, -18658.4, 3e+38, -3e+38,
    ]
    let expected: [Int8] = [
      -14, -13, -15, -12, -16, -11, -17, -14, -14, -13, -15, -128, 127, -128, 127, -128, 127, -127, 127, -7,
      -22, 127, -128, 127, -128,
    ]
    XCTAssertEqual(values.map { SmallNetSpec.Image.quantization.quantize($0, as: Int8.self) }, expected)
    XCTAssertEqual(SmallNetSpec.Image.quantization.quantize(Float.nan, as: Int8.self), .min)
  }

  func testDequantizesImage() {
    let integers: [Int8] = [
      -128, -127, -15, -14, -13, 0, 3, 63, 100, 126, 127,
    ]
    let expected: [Float] = [
      -2.1270576, -2.1083992, -0.0186584, 0.0, 0.0186584, 0.2612176, 0.3171928, 1.4366968, 2.1270576,
      2.612176, 2.6308343,
    ]
    assertBits(integers.map(SmallNetSpec.Image.quantization.dequantize), expected)
  }

  func testConstantsOfClassInput() {
    XCTAssertEqual(SmallNetSpec.ClassInput.shape.reduce(1, *), SmallNetSpec.ClassInput.elements)
  }

  func testConstantsOfDigit() {
    XCTAssertEqual(SmallNetSpec.Digit.shape.reduce(1, *), SmallNetSpec.Digit.elements)
    XCTAssertEqual(SmallNetSpec.Digit.quantization.scale.bitPattern, 1024980523)
    XCTAssertEqual(SmallNetSpec.Digit.quantization.zeroPoint, 5)
    XCTAssertEqual(SmallNetSpec.Digit.labels.count, 4)
    XCTAssertEqual(SmallNetSpec.Digit.labels.first, "say \"$no\"")
    XCTAssertEqual(SmallNetSpec.Digit.labels.last, "tab\there")
  }

  func testQuantizesDigit() {
    let values: [Float] = [
      0.0, 0.01855, -0.01855, 0.055649996, -0.055649996, 0.09275, -0.09275, 0.018512899, -0.018512899,
      0.0371, -0.0371, -4.9343, 4.5262, -4.95285, 4.5447497, -5.194, 4.7858996, -4.91575, 4.50765, 0.268975,
      -0.287525, 37100.0, -37100.0, 3e+38, -3e+38,
    ]
    let expected: [Int8] = [
      5, 6, 4, 7, 3, 8, 2, 5, 5, 6, 4, -128, 127, -128, 127, -128, 127, -128, 127, 12, -3, 127, -128, 127,
      -128,
    ]
    XCTAssertEqual(values.map { SmallNetSpec.Digit.quantization.quantize($0, as: Int8.self) }, expected)
    XCTAssertEqual(SmallNetSpec.Digit.quantization.quantize(Float.nan, as: Int8.self), .min)
  }

  func testDequantizesDigit() {
    let integers: [Int8] = [
      -128, -127, 0, 3, 4, 5, 6, 82, 100, 126, 127,
    ]
    let expected: [Float] = [
      -4.9343, -4.8971996, -0.1855, -0.0742, -0.0371, 0.0, 0.0371, 2.8567, 3.5245, 4.4891, 4.5262,
    ]
    assertBits(integers.map(SmallNetSpec.Digit.quantization.dequantize), expected)
  }

  func testRanksDigit() {
    var scores = [Float](repeating: 0, count: SmallNetSpec.Digit.elements)
    scores[3] = 1
    let best = SmallNetSpec.Digit.top(scores, count: 2)
    XCTAssertEqual(best.map(\.index), [3, 0])
    XCTAssertEqual(best.first?.label, "tab\there")
    scores[0] = .nan
    XCTAssertEqual(SmallNetSpec.Digit.top(scores, count: scores.count).last?.index, 0)
  }

  func testConstantsOfSum() {
    XCTAssertEqual(SmallNetSpec.Sum.shape.reduce(1, *), SmallNetSpec.Sum.elements)
  }
}
