package file_test

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// A state of 10,000 tasks has 6 MB: were that much garbage of each save, the collector would cost more than all else.
func TestSavesOfALargeFileLeaveNoGarbageOfItsSize(t *testing.T) {
	const saves, each = 20, 1 << 20
	f := open(t, filepath.Join(t.TempDir(), "state.yaml"))
	for i := range 6 {
		put(t, f, "large"+strconv.Itoa(i), "text: "+strings.Repeat("x", each), "")
	}
	version := put(t, f, "small", "n: 0", "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range saves {
		version = put(t, f, "small", "n: "+strconv.Itoa(i+1), version)
	}
	runtime.ReadMemStats(&after)
	if garbage := (after.TotalAlloc - before.TotalAlloc) / saves; garbage > each {
		t.Errorf("%d bytes for each save", garbage)
	}
}
