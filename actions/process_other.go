//go:build !linux && !darwin

package actions

// startOf cannot tell: a saved group is then never taken for the same one.
func startOf(int) string { return "" }
