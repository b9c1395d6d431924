package lfs

import (
	"os"
	"strings"
	"testing"
)

// TestTwoSizes has two pointers give one content different sizes: one of them is wrong, and no damage of the disk.
func TestTwoSizes(t *testing.T) {
	l, f := serve(t)
	p := pointerTo(t, l, "content")
	wrong := Pointer{OID: p.OID, Size: 9}
	for _, wanted := range [][]Pointer{{p, wrong}, {wrong, p}, {p, p, wrong}} {
		err := f.Run(t.Context(), wanted)
		if err == nil || !strings.Contains(err.Error(), "the server has 7 bytes, and the pointer says 9") {
			t.Errorf("%v: %v", wanted, err)
		}
		_ = os.RemoveAll(f.Dir)
	}
}
