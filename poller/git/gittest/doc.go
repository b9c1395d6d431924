// Package gittest makes real repositories to test against. The git program
// serves them over http and ssh.
package gittest

// TB is what these helpers need of a *testing.T. A program that is no test,
// like a demonstration, brings its own.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	TempDir() string
	Cleanup(f func())
}
