// Made by edgeq 0.1.0 from the int8 variant of a build. Export again to change it.

/// What `SmallNetModel` knows of its model: names, shapes, conversions, labels.
public enum SmallNetSpec {
  public static let modelName = "small_net"
  public static let modelBytes = 1881
  public static let modelSHA256 = "f32b534591bca8857a177a66d5664ebc937085f6c577c372ea43b15eaea0213f"
  public static let variant = "int8"
  public static let signature = "serving_default"

  /// Input 0, `image`: 1×2×3×3 of int8.
  public enum Image {
    public static let index = 0
    public static let name = "image"
    public static let shape: [Int] = [1, 2, 3, 3]
    public static let elements = 18
    public static let quantization = Quantization(scale: 0.0186584, zeroPoint: -14)

    /// What `SmallNetModel.Inputs.image` must have gone through.
    public static let normalization = Normalization(
      mean: [123.675, 116.28, 103.53],
      std: [58.395, 57.12, 57.375]
    )

    public static let width = 3
    public static let height = 2

    /// From the pixels of an image of this size, four bytes each (RGBA): the model's values.
    public static func preprocess(rgba: [UInt8]) -> [Float] {
      precondition(rgba.count == 4 * width * height, "\(rgba.count) bytes, not 4×\(width)×\(height)")
      return normalization.apply(to: rgb(rgba))
    }
  }

  /// Input 1, `class`: 1×5 of float32.
  public enum ClassInput {
    public static let index = 1
    public static let name = "class"
    public static let shape: [Int] = [1, 5]
    public static let elements = 5
  }

  /// Output 0, `digit`: 1×4 of int8.
  public enum Digit {
    public static let index = 0
    public static let name = "digit"
    public static let shape: [Int] = [1, 4]
    public static let elements = 4
    public static let quantization = Quantization(scale: 0.0371, zeroPoint: 5)

    /// The names of the entries, in their order.
    public static let labels: [String] = [
      "say \"$no\"", "back\\slash \\(x)", "ö 漢字 *\u{200b}/", "tab\there",
    ]

    /// The `count` best of the model's answer.
    public static func top(_ digit: [Float], count: Int = 5) -> [Ranked] {
      topRanked(digit, labels: labels, count: count)
    }
  }

  /// Output 1, `sum$`: 1×5 of float32.
  public enum Sum {
    public static let index = 1
    public static let name = "sum$"
    public static let shape: [Int] = [1, 5]
    public static let elements = 5
  }
}
