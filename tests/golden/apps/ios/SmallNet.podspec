# small_net: made by edgeq 0.1.0. A local pod: pod 'SmallNet', :path => 'the folder of this file'
Pod::Spec.new do |s|
  s.name = 'SmallNet'
  s.version = '1.0.0'
  s.summary = 'The model small_net for TensorFlow Lite'
  s.author = {'O\'Hara' => ''}
  s.homepage = 'https://example.org/net'
  s.source = { :git => '.' } # of a local pod this is not read

  s.ios.deployment_target = '13.0'
  s.swift_version = '5.7'
  s.static_framework = true # TensorFlow Lite's library is static

  s.source_files = 'Sources/SmallNet/*.swift'
  s.resource_bundles = { 'SmallNet' => ['Sources/SmallNet/Resources/*.tflite'] }
  s.dependency 'TensorFlowLiteSwift', '~> 2.14'

  s.test_spec 'Tests' do |t|
    t.source_files = 'Tests/SmallNetTests/*.swift'
    t.resources = 'Tests/SmallNetTests/Golden/*.bin'
  end
end
