//go:build !linux

package actions_test

func help(string) int { return 1 }
