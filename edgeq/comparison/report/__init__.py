"""A comparison as JSON, on the console and as an HTML page; all made from one frozen `Comparison`."""
