// Made by edgeq 0.1.0.

import Foundation

private final class Anchor {}

extension SmallNetSpec {
  /// Where the model lies: in the package's bundle, or the pod's.
  public static var modelURL: URL? {
    #if SWIFT_PACKAGE
      let bundle: Bundle? = Bundle.module
    #else
      let place = Bundle(for: Anchor.self).url(forResource: "SmallNet", withExtension: "bundle")
      let bundle = place.flatMap(Bundle.init(url:))
    #endif
    return bundle?.url(forResource: modelName, withExtension: "tflite")
  }
}
