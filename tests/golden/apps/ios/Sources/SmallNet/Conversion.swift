// Made by edgeq 0.1.0.

/// real = scale · (q − zeroPoint): the same bits as TensorFlow Lite's QUANTIZE and DEQUANTIZE give, and as the host that
/// measured the model gave it.
public struct Quantization: Equatable, Sendable {
  public let scale: Float
  public let zeroPoint: Int32

  public init(scale: Float, zeroPoint: Int32) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }

  /// round(value / scale) + zeroPoint, half away from zero, saturating; the least for NaN. `Integer` has 8 or 16 bits.
  public func quantize<Integer: FixedWidthInteger>(_ value: Float, as type: Integer.Type = Integer.self) -> Integer {
    let limit: Float = 131_072  // beyond every 8- and 16-bit range at any zero point, and exact
    var scaled = value / scale
    scaled = scaled > -limit ? scaled : -limit
    scaled = scaled < limit ? scaled : limit
    var whole = Int32(scaled)  // towards zero
    let fraction = scaled - Float(whole)
    if fraction >= 0.5 { whole += 1 }
    if fraction <= -0.5 { whole -= 1 }
    return Integer(clamping: whole + zeroPoint)
  }

  /// scale · (q − zeroPoint), rounded once.
  public func dequantize<Integer: FixedWidthInteger>(_ q: Integer) -> Float {
    scale * Float(Int32(q) - zeroPoint)
  }
}

/// (x − mean) / std in single precision, in that order, which an app does to its own values before the model.
///
/// Mean and std have one number for all values, or one per channel; channels are the last, fastest axis.
public struct Normalization: Equatable, Sendable {
  public let mean: [Float]
  public let std: [Float]

  public init(mean: [Float], std: [Float]) {
    precondition(!mean.isEmpty && !std.isEmpty, "a normalization has a mean and a std")
    self.mean = mean
    self.std = std
  }

  public func apply(to values: [Float]) -> [Float] {
    values.enumerated().map { ($1 - mean[$0 % mean.count]) / std[$0 % std.count] }
  }
}

/// Red, green and blue of pixels of four bytes (RGBA), 0 to 255.
public func rgb(_ rgba: [UInt8]) -> [Float] {
  var values = [Float]()
  values.reserveCapacity(rgba.count / 4 * 3)
  for (offset, byte) in rgba.enumerated() where offset % 4 < 3 { values.append(Float(byte)) }
  return values
}

/// The luminance of pixels of four bytes (RGBA), 0 to 255: ITU-R 601 in integers, as Pillow's mode "L".
public func gray(_ rgba: [UInt8]) -> [Float] {
  stride(from: 0, to: rgba.count, by: 4).map { at in
    let sum = 19595 * UInt32(rgba[at]) + 38470 * UInt32(rgba[at + 1]) + 7471 * UInt32(rgba[at + 2])
    return Float((sum + 0x8000) >> 16)
  }
}

/// An entry of an output.
public struct Ranked: Equatable, Sendable {
  public let index: Int
  public let label: String
  public let score: Float
}

/// NaN is below every number, so that any scores have an order.
private func isAbove(_ score: Float, _ other: Float) -> Bool {
  score > other || (other.isNaN && !score.isNaN)
}

/// The `count` largest scores, the largest first; among equal ones the first in the output. NaN come last.
public func topRanked(_ scores: [Float], labels: [String], count: Int) -> [Ranked] {
  precondition(scores.count == labels.count, "\(scores.count) scores, \(labels.count) labels")
  return scores.indices
    .sorted { isAbove(scores[$0], scores[$1]) || (!isAbove(scores[$1], scores[$0]) && $0 < $1) }
    .prefix(max(count, 0))
    .map { Ranked(index: $0, label: labels[$0], score: scores[$0]) }
}
