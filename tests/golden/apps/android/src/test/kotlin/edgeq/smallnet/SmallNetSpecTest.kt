// Made by edgeq 0.1.0: what the host computed, bit by bit. Runs on the JVM, without a phone.
package edgeq.smallnet

import java.io.File
import java.security.MessageDigest
import java.util.Locale
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class SmallNetSpecTest {
    /** The module's folder, in which Gradle runs tests; elsewhere -Dmodule=…. */
    private val module = File(System.getProperty("module", "."))

    private fun assertBits(expected: FloatArray, found: FloatArray) =
        assertArrayEquals(bits(expected), bits(found))

    private fun bits(values: FloatArray) = IntArray(values.size) { values[it].toRawBits() }

    @Test
    fun theModelIsTheOneThatTheseConstantsAreAbout() {
        val content = File(module, "src/main/assets/${SmallNetSpec.MODEL_ASSET}").readBytes()
        val digest = MessageDigest.getInstance("SHA-256").digest(content)
        assertEquals(SmallNetSpec.MODEL_SHA256, digest.joinToString("") { "%02x".format(Locale.ROOT, it) })
        assertEquals(SmallNetSpec.MODEL_BYTES, content.size.toLong())
    }

    @Test
    fun constantsOfImage() {
        assertEquals(SmallNetSpec.Image.ELEMENTS, SmallNetSpec.Image.SHAPE.fold(1, Int::times))
        assertEquals(1016650112, SmallNetSpec.Image.QUANTIZATION.scale.toRawBits())
        assertEquals(-14, SmallNetSpec.Image.QUANTIZATION.zeroPoint)
    }

    @Test
    fun normalizesImage() {
        val values = floatArrayOf(
            0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f, 64.0f, 64.0f, 64.0f, 127.0f, 127.0f, 127.0f, 128.0f, 128.0f,
            128.0f, 254.0f, 254.0f, 254.0f, 255.0f, 255.0f, 255.0f, -3.5f, -3.5f, -3.5f,
        )
        val expected = floatArrayOf(
            -2.117904f, -2.0357144f, -1.8044444f, -2.1007793f, -2.0182073f, -1.7870152f, -1.0219197f,
            -0.9152661f, -0.688976f, 0.056939755f, 0.18767509f, 0.4090632f, 0.07406451f, 0.2051821f,
            0.4264924f, 2.2317834f, 2.4110644f, 2.6225708f, 2.2489083f, 2.4285715f, 2.64f, -2.1778407f,
            -2.096989f, -1.8654466f,
        )
        assertBits(expected, SmallNetSpec.Image.NORMALIZATION.apply(values))
    }

    @Test
    fun preprocessesImage() {
        val colors = intArrayOf(
            0, 16777215, 16711680, 65280, 255, 8355969,
        )
        val expected = floatArrayOf(
            -2.117904f, -2.0357144f, -1.8044444f, 2.2489083f, 2.4285715f, 2.64f, 2.2489083f, -2.0357144f,
            -1.8044444f, -2.117904f, 2.4285715f, -1.8044444f, -2.117904f, -2.0357144f, 2.64f, 0.056939755f,
            0.2051821f, 0.4439216f,
        )
        val pixels = IntArray(SmallNetSpec.Image.WIDTH * SmallNetSpec.Image.HEIGHT) { colors.getOrElse(it) { 0 } or (0xAB shl 24) }
        val values = SmallNetSpec.Image.preprocess(pixels)
        assertEquals(SmallNetSpec.Image.ELEMENTS, values.size)
        assertBits(expected, values.copyOf(expected.size))
    }

    @Test
    fun quantizesImage() {
        val values = floatArrayOf(
            0.0f, 0.0093292f, -0.0093292f, 0.0279876f, -0.0279876f, 0.046646f, -0.046646f, 0.009310542f,
            -0.009310542f, 0.0186584f, -0.0186584f, -2.1270576f, 2.6308343f, -2.1363869f, 2.6401634f,
            -2.2576663f, 2.7614431f, -2.1177282f, 2.6215053f, 0.1352734f, -0.1446026f, 18658.4f, -18658.4f,
            3e+38f, -3e+38f,
        )
        val expected = intArrayOf(
            -14, -13, -15, -12, -16, -11, -17, -14, -14, -13, -15, -128, 127, -128, 127, -128, 127, -127,
            127, -7, -22, 127, -128, 127, -128,
        )
        assertArrayEquals(expected, IntArray(values.size) { SmallNetSpec.Image.QUANTIZATION.quantize(values[it]) })
        val bytes = SmallNetSpec.Image.QUANTIZATION.quantize(values)
        assertArrayEquals(ByteArray(expected.size) { expected[it].toByte() }, bytes)
        assertEquals(SmallNetSpec.Image.QUANTIZATION.range.first, SmallNetSpec.Image.QUANTIZATION.quantize(Float.NaN))
    }

    @Test
    fun dequantizesImage() {
        val integers = intArrayOf(
            -128, -127, -15, -14, -13, 0, 3, 63, 100, 126, 127,
        )
        val expected = floatArrayOf(
            -2.1270576f, -2.1083992f, -0.0186584f, 0.0f, 0.0186584f, 0.2612176f, 0.3171928f, 1.4366968f,
            2.1270576f, 2.612176f, 2.6308343f,
        )
        val bytes = ByteArray(integers.size) { integers[it].toByte() }
        assertBits(expected, SmallNetSpec.Image.QUANTIZATION.dequantize(bytes))
    }

    @Test
    fun constantsOfClassInput() {
        assertEquals(SmallNetSpec.ClassInput.ELEMENTS, SmallNetSpec.ClassInput.SHAPE.fold(1, Int::times))
    }

    @Test
    fun constantsOfDigit() {
        assertEquals(SmallNetSpec.Digit.ELEMENTS, SmallNetSpec.Digit.SHAPE.fold(1, Int::times))
        assertEquals(1024980523, SmallNetSpec.Digit.QUANTIZATION.scale.toRawBits())
        assertEquals(5, SmallNetSpec.Digit.QUANTIZATION.zeroPoint)
        assertEquals(4, SmallNetSpec.Digit.LABELS.size)
        assertEquals("say \"\$no\"", SmallNetSpec.Digit.LABELS.first())
        assertEquals("tab\there", SmallNetSpec.Digit.LABELS.last())
    }

    @Test
    fun quantizesDigit() {
        val values = floatArrayOf(
            0.0f, 0.01855f, -0.01855f, 0.055649996f, -0.055649996f, 0.09275f, -0.09275f, 0.018512899f,
            -0.018512899f, 0.0371f, -0.0371f, -4.9343f, 4.5262f, -4.95285f, 4.5447497f, -5.194f, 4.7858996f,
            -4.91575f, 4.50765f, 0.268975f, -0.287525f, 37100.0f, -37100.0f, 3e+38f, -3e+38f,
        )
        val expected = intArrayOf(
            5, 6, 4, 7, 3, 8, 2, 5, 5, 6, 4, -128, 127, -128, 127, -128, 127, -128, 127, 12, -3, 127, -128,
            127, -128,
        )
        assertArrayEquals(expected, IntArray(values.size) { SmallNetSpec.Digit.QUANTIZATION.quantize(values[it]) })
        val bytes = SmallNetSpec.Digit.QUANTIZATION.quantize(values)
        assertArrayEquals(ByteArray(expected.size) { expected[it].toByte() }, bytes)
        assertEquals(SmallNetSpec.Digit.QUANTIZATION.range.first, SmallNetSpec.Digit.QUANTIZATION.quantize(Float.NaN))
    }

    @Test
    fun dequantizesDigit() {
        val integers = intArrayOf(
            -128, -127, 0, 3, 4, 5, 6, 82, 100, 126, 127,
        )
        val expected = floatArrayOf(
            -4.9343f, -4.8971996f, -0.1855f, -0.0742f, -0.0371f, 0.0f, 0.0371f, 2.8567f, 3.5245f, 4.4891f,
            4.5262f,
        )
        val bytes = ByteArray(integers.size) { integers[it].toByte() }
        assertBits(expected, SmallNetSpec.Digit.QUANTIZATION.dequantize(bytes))
    }

    @Test
    fun ranksDigit() {
        val scores = FloatArray(SmallNetSpec.Digit.ELEMENTS) { if (it == 3) 1f else 0f }
        val best = SmallNetSpec.Digit.top(scores, 2)
        assertEquals("tab\there", best.first().label)
        assertEquals(listOf(3, 0), best.map { it.index })
        scores[0] = Float.NaN
        assertEquals(0, SmallNetSpec.Digit.top(scores, scores.size).last().index)
    }

    @Test
    fun constantsOfSum() {
        assertEquals(SmallNetSpec.Sum.ELEMENTS, SmallNetSpec.Sum.SHAPE.fold(1, Int::times))
    }
}
