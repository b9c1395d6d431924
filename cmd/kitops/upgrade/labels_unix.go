//go:build unix && !linux

package upgrade

// copyLabels has nothing to do: there are no labels that programs go by.
func copyLabels(_, _ string) error { return nil }
