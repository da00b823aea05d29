// small_net: made by edgeq 0.1.0. A library module; the root project says which Android plugin it is built with.
plugins {
    id("com.android.library")
}

// From its version 9 on the Android plugin compiles Kotlin by itself.
if (com.android.Version.ANDROID_GRADLE_PLUGIN_VERSION.substringBefore('.').toInt() < 9) {
    apply(plugin = "org.jetbrains.kotlin.android")
}

android {
    namespace = "edgeq.smallnet"
    compileSdk = 36

    defaultConfig {
        minSdk = 24 // LiteRT's
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    // LiteRT maps the model out of the APK. The Android plugin leaves .tflite files uncompressed by itself since 4.1; this
    // is for the tests' APK, and an app that has its own list needs the same line.
    androidResources {
        noCompress += "tflite"
    }
}

tasks.withType<org.jetbrains.kotlin.gradle.tasks.KotlinCompile>().configureEach {
    compilerOptions.jvmTarget.set(org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_17)
}

dependencies {
    api("com.google.ai.edge.litert:litert:2.3.0") // Accelerator is part of SmallNetModel.load

    testImplementation("junit:junit:4.13.2")
    androidTestImplementation("androidx.test.ext:junit:1.2.1")
    androidTestImplementation("androidx.test:runner:1.6.2")
}
