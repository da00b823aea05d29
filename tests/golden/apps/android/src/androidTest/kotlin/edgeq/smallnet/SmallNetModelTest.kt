// Made by edgeq 0.1.0: a sample that the host ran, on the phone.
package edgeq.smallnet

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
class SmallNetModelTest {
    private val instrumentation = InstrumentationRegistry.getInstrumentation()

    /** Of the test's own assets: float32, little-endian. */
    private fun golden(name: String): FloatArray {
        val bytes = instrumentation.context.assets.open("small_net/$name").use { it.readBytes() }
        val floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(floats.remaining()).also(floats::get)
    }

    /** Processors round in their own order: an SQNR of 60 dB is enough, as for `edgeq validate`. */
    private fun assertNear(expected: FloatArray, found: FloatArray) {
        assertEquals(expected.size, found.size)
        val signal = expected.sumOf { it.toDouble() * it }
        val noise = expected.indices.sumOf { val d = expected[it].toDouble() - found[it]; d * d }
        assertTrue("signal $signal, noise $noise", noise <= signal * 1.000000e-06)
    }

    /** Ops that XNNPACK leaves to LiteRT round to the other side now and then: one step is enough. */
    private fun assertWithinAStep(expected: FloatArray, found: FloatArray, step: Float) {
        assertEquals(expected.size, found.size)
        for (i in expected.indices) assertEquals("entry $i", expected[i], found[i], 1.01f * step)
    }

    @Test
    fun answersAsTheHost() {
        val inputs = SmallNetModel.Inputs(
            image = golden("golden_input_0.bin"),
            classInput = golden("golden_input_1.bin"),
        )
        SmallNetModel.load(instrumentation.targetContext).use { model ->
            val outputs = model.run(inputs)
            val step0 = SmallNetSpec.Digit.QUANTIZATION.scale
            assertWithinAStep(golden("golden_output_0.bin"), outputs.digit, step0)
            assertNear(golden("golden_output_1.bin"), outputs.sum)
        }
    }
}
