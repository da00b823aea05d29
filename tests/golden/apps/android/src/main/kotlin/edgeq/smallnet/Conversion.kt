// Made by edgeq 0.1.0. Plain Kotlin: no Android in it.
package edgeq.smallnet

private const val LIMIT = 131072f // beyond every 8- and 16-bit range at any zero point, and exact

/**
 * real = scale · (q − zeroPoint): the same bits as TensorFlow Lite's QUANTIZE and DEQUANTIZE give, and as the host that
 * measured the model gave it.
 *
 * @property range what q may be: [INT8] or [UINT8].
 */
class Quantization(val scale: Float, val zeroPoint: Int, val range: IntRange) {
    /** round(value / scale) + zeroPoint, half away from zero, saturating; the least for NaN. */
    fun quantize(value: Float): Int {
        var scaled = value / scale
        scaled = if (scaled > -LIMIT) scaled else -LIMIT
        scaled = if (scaled < LIMIT) scaled else LIMIT
        var whole = scaled.toInt()
        val fraction = scaled - whole.toFloat()
        if (fraction >= 0.5f) whole += 1
        if (fraction <= -0.5f) whole -= 1
        return (whole + zeroPoint).coerceIn(range)
    }

    /** Each value as its byte. */
    fun quantize(values: FloatArray): ByteArray = ByteArray(values.size) { quantize(values[it]).toByte() }

    /** scale · (q − zeroPoint), rounded once. */
    fun dequantize(q: Int): Float = scale * (q - zeroPoint).toFloat()

    /** The real value of each byte. */
    fun dequantize(bytes: ByteArray): FloatArray {
        val mask = if (range.first < 0) -1 else 0xFF
        return FloatArray(bytes.size) { dequantize(bytes[it].toInt() and mask) }
    }

    companion object {
        val INT8 = -128..127
        val UINT8 = 0..255
    }
}

/**
 * (x − mean) / std in single precision, in that order, which an app does to its own values before the model.
 *
 * Mean and std have one number for all values, or one per channel; channels are the last, fastest axis.
 */
class Normalization(mean: List<Float>, std: List<Float>) {
    private val mean = mean.toFloatArray()
    private val std = std.toFloatArray()

    /** A new array; [values] stays as it is. */
    fun apply(values: FloatArray): FloatArray =
        FloatArray(values.size) { (values[it] - mean[it % mean.size]) / std[it % std.size] }
}

/** Red, green and blue of each pixel, 0 to 255, as Bitmap.getPixels gives them; alpha is left out. */
fun rgb(argb: IntArray): FloatArray =
    FloatArray(3 * argb.size) { ((argb[it / 3] ushr (16 - 8 * (it % 3))) and 0xFF).toFloat() }

/** The luminance of each pixel, 0 to 255: ITU-R 601 in integers, as Pillow's mode "L". */
fun gray(argb: IntArray): FloatArray = FloatArray(argb.size) {
    val red = (argb[it] ushr 16) and 0xFF
    val green = (argb[it] ushr 8) and 0xFF
    val blue = argb[it] and 0xFF
    ((19595 * red + 38470 * green + 7471 * blue + 0x8000) ushr 16).toFloat()
}

/** An entry of an output. */
data class Ranked(val index: Int, val label: String, val score: Float)

/** NaN is below every number, and −0 equals 0, unlike in Kotlin's own order. */
private fun isAbove(score: Float, other: Float): Boolean = score > other || (other.isNaN() && !score.isNaN())

/** The [k] largest scores, the largest first; among equal ones the first in the output. NaN come last. */
fun topK(scores: FloatArray, labels: List<String>, k: Int): List<Ranked> {
    require(scores.size == labels.size) { "${scores.size} scores, ${labels.size} labels" }
    require(k >= 0) { "k is $k" }
    return scores.indices
        .sortedWith { a, b ->
            when {
                isAbove(scores[a], scores[b]) -> -1
                isAbove(scores[b], scores[a]) -> 1
                else -> 0
            }
        }
        .take(k)
        .map { Ranked(it, labels[it], scores[it]) }
}
