//go:build unix

package file_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoRoomForAChange: what fits neither at the end of the file nor in a new one was not saved, and the file is as it was.
// It is tried in a process of its own, since the limit holds for all files of a process: for what the test's own
// process writes about itself, too.
func TestNoRoomForAChange(t *testing.T) {
	if os.Getenv("LIMIT_FILES") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoRoomForAChange$", "-test.v")
		cmd.Env = append(os.Environ(), "LIMIT_FILES=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestNoRoomForAChange") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	put(t, f, "padding", "x: "+strings.Repeat("x", 512<<10), "")
	first := put(t, f, "a", "x: 1", "")
	before := readFile(t, path)

	restore := limitFiles(t, uint64(len(before)+25)) // in the middle of a change
	_, err := f.Put(t.Context(), "large", []byte("x: "+strings.Repeat("x", 20_000)), "")
	after := readFile(t, path)
	second, err2 := f.Put(t.Context(), "a", []byte("x: 2"), first)
	restore()

	if !errors.Is(err, syscall.EFBIG) || after != before {
		t.Errorf("a change without room: error %v, %d bytes became %d", err, len(before), len(after))
	}
	if err2 != nil || strings.Contains(readFile(t, path), "x: 1") {
		t.Errorf("with room in a new file only, it was not written anew: %v", err2)
	}
	put(t, f, "a", "x: 3", second)
	if got := get(t, open(t, path), "a"); string(got.Data) != "x: 3\n" {
		t.Errorf("afterwards the file holds %q", got.Data)
	}
}

// limitFiles bounds what files may have, until restore is called.
func limitFiles(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	set := func(limit unix.Rlimit) {
		t.Helper()
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.Rlimit{Cur: size, Max: old.Max})
	return func() { set(old); signal.Reset(syscall.SIGXFSZ) }
}
