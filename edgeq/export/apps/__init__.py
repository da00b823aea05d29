"""A build for phones as sources of an app: Kotlin and C++ for Android, Swift for iOS, around a variant's .tflite."""
