//go:build !linux

package files

func yield() {}

func onMainThread() bool { return false }
