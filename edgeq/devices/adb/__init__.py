"""`--device adb[:SERIAL]`: a phone, or any board with an adb daemon, on which the native agent runs for a while."""
