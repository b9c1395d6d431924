package gittest

import "os"

// InMemory has the temporary directories of a test binary be in memory, where
// the host has a file system for that, unless TMPDIR says where they shall be:
// most of what these tests cost on a disk is the making and removing of small
// files. It is for TestMain.
func InMemory() {
	const dir = "/dev/shm"
	if os.Getenv("TMPDIR") == "" && roomy(dir) {
		_ = os.Setenv("TMPDIR", dir) // or they stay where they are
	}
}
