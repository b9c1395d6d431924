package actions

// Isolate does nothing on Windows.
func Isolate() error { return nil }
