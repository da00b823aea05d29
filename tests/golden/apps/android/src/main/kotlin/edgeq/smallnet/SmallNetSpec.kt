// Made by edgeq 0.1.0 from the int8 variant of a build. Export again to change it.
package edgeq.smallnet

/** What [SmallNetModel] knows of its model. Plain Kotlin: no Android in it. */
object SmallNetSpec {
    /** The model among the module's assets. */
    const val MODEL_ASSET = "small_net.tflite"
    const val MODEL_BYTES = 1881L
    const val MODEL_SHA256 = "f32b534591bca8857a177a66d5664ebc937085f6c577c372ea43b15eaea0213f"
    const val VARIANT = "int8"

    const val SIGNATURE = "serving_default"

    /** Input 0, `image`: 1×2×3×3 of int8. */
    object Image {
        const val NAME = "image"
        val SHAPE: List<Int> = listOf(1, 2, 3, 3)
        const val ELEMENTS = 18
        val QUANTIZATION = Quantization(0.0186584f, -14, Quantization.INT8)

        /** What [SmallNetModel.Inputs.image] must have gone through. */
        val NORMALIZATION = Normalization(
            mean = listOf(123.675f, 116.28f, 103.53f),
            std = listOf(58.395f, 57.12f, 57.375f),
        )

        const val WIDTH = 3
        const val HEIGHT = 2

        /** From the pixels of a bitmap of this size, as Bitmap.getPixels gives them: the model's values. */
        fun preprocess(argb: IntArray): FloatArray {
            require(argb.size == WIDTH * HEIGHT) { "${argb.size} pixels, not $WIDTH×$HEIGHT" }
            return NORMALIZATION.apply(rgb(argb))
        }
    }

    /** Input 1, `class`: 1×5 of float32. */
    object ClassInput {
        const val NAME = "class"
        val SHAPE: List<Int> = listOf(1, 5)
        const val ELEMENTS = 5
    }

    /** Output 0, `digit`: 1×4 of int8. */
    object Digit {
        const val NAME = "digit"
        val SHAPE: List<Int> = listOf(1, 4)
        const val ELEMENTS = 4
        val QUANTIZATION = Quantization(0.0371f, 5, Quantization.INT8)

        /** The names of the entries, in their order. */
        val LABELS: List<String> = labels0()

        /** The [k] best of the model's answer. */
        fun top(digit: FloatArray, k: Int = 5): List<Ranked> = topK(digit, LABELS, k)

        private fun labels0() = listOf(
            "say \"\$no\"", "back\\slash \\(x)", "ö 漢字 *\u200b/", "tab\there",
        )
    }

    /** Output 1, `sum$`: 1×5 of float32. */
    object Sum {
        const val NAME = "sum\$"
        val SHAPE: List<Int> = listOf(1, 5)
        const val ELEMENTS = 5
    }
}
