// Made by edgeq 0.1.0. LiteRT's CompiledModel API, 2.3.0.
package edgeq.smallnet

import android.content.Context
import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import java.security.MessageDigest
import java.util.Locale

/**
 * The model in LiteRT: real values in, real values out.
 *
 * Any thread may use it, one after the other; calls wait for each other. It holds native memory until [close].
 */
class SmallNetModel private constructor(private val model: CompiledModel) : AutoCloseable {
    /** What the model takes, all real values, row by row and channels last. */
    class Inputs(
        /** 1×2×3×3, of pixels: [SmallNetSpec.Image.preprocess]. */
        val image: FloatArray,
        /** 1×5. */
        val classInput: FloatArray,
    )

    /** What the model answers, real values in the same order. */
    class Outputs(
        /** 1×4, with [SmallNetSpec.Digit.LABELS]. */
        val digit: FloatArray,
        /** 1×5. */
        val sum: FloatArray,
    )

    private var closed = false
    private val inputs: Map<String, TensorBuffer> = listOf(
        SmallNetSpec.Image.NAME,
        SmallNetSpec.ClassInput.NAME,
    ).associateWith { model.createInputBuffer(it, SmallNetSpec.SIGNATURE) }
    private val outputs: Map<String, TensorBuffer> = listOf(
        SmallNetSpec.Digit.NAME,
        SmallNetSpec.Sum.NAME,
    ).associateWith { model.createOutputBuffer(it, SmallNetSpec.SIGNATURE) }

    /**
     * One inference.
     *
     * @throws IllegalArgumentException an input has another number of values than the model takes.
     * @throws com.google.ai.edge.litert.LiteRtException LiteRT's own failures.
     */
    @Synchronized
    fun run(values: Inputs): Outputs {
        require(values.image.size == SmallNetSpec.Image.ELEMENTS) {
            "image has ${values.image.size} values, not ${SmallNetSpec.Image.ELEMENTS}"
        }
        require(values.classInput.size == SmallNetSpec.ClassInput.ELEMENTS) {
            "classInput has ${values.classInput.size} values, not ${SmallNetSpec.ClassInput.ELEMENTS}"
        }
        inputs.getValue(SmallNetSpec.Image.NAME)
            .writeInt8(SmallNetSpec.Image.QUANTIZATION.quantize(values.image))
        inputs.getValue(SmallNetSpec.ClassInput.NAME).writeFloat(values.classInput)
        model.run(inputs, outputs, SmallNetSpec.SIGNATURE)
        return Outputs(
            digit = SmallNetSpec.Digit.QUANTIZATION.dequantize(
                outputs.getValue(SmallNetSpec.Digit.NAME).readInt8(),
            ),
            sum = outputs.getValue(SmallNetSpec.Sum.NAME).readFloat(),
        )
    }

    /** Frees the model, once; whoever calls [run] later gets an IllegalStateException. */
    @Synchronized
    override fun close() {
        if (closed) return
        closed = true
        (inputs.values + outputs.values).forEach(TensorBuffer::close)
        model.close()
    }

    companion object {
        /**
         * Loads the model from the module's assets. Slow (milliseconds to a second): not on the main thread.
         *
         * @param accelerators what may run it. On the CPU it computes what edgeq measured; a GPU rounds otherwise, and
         *   takes LiteRT's package litert-gpu beside.
         * @param threads of the CPU; null leaves the number to LiteRT.
         * @param verify reads the asset first, and compares its SHA-256.
         * @throws IllegalStateException the asset is not the model that [SmallNetSpec] is about.
         * @throws java.io.IOException there is no such asset, or it cannot be read.
         * @throws com.google.ai.edge.litert.LiteRtException LiteRT does not take it, for example compressed.
         */
        fun load(
            context: Context,
            accelerators: Set<Accelerator> = setOf(Accelerator.CPU),
            threads: Int? = null,
            verify: Boolean = true,
        ): SmallNetModel {
            val assets = context.applicationContext.assets
            if (verify) {
                val found = sha256(assets, SmallNetSpec.MODEL_ASSET)
                check(found == SmallNetSpec.MODEL_SHA256) { "${SmallNetSpec.MODEL_ASSET} has the SHA-256 $found" }
            }
            val options = CompiledModel.Options(accelerators)
            threads?.let { options.cpuOptions = CompiledModel.CpuOptions(numThreads = it) }
            val model = CompiledModel.create(assets, SmallNetSpec.MODEL_ASSET, options)
            return try {
                SmallNetModel(model)
            } catch (failure: Exception) {
                model.close()
                throw failure
            }
        }

        private fun sha256(assets: AssetManager, name: String): String {
            val digest = MessageDigest.getInstance("SHA-256")
            val buffer = ByteArray(1 shl 16)
            assets.open(name, AssetManager.ACCESS_STREAMING).use { stream ->
                while (true) {
                    val count = stream.read(buffer)
                    if (count < 0) break
                    digest.update(buffer, 0, count)
                }
            }
            return digest.digest().joinToString("") { "%02x".format(Locale.ROOT, it) }
        }
    }
}
