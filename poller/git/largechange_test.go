package git

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/pack"
)

// text is lines of many bytes that differ.
func text(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%016x stands in line %d\n", uint64(i)*0x9e3779b97f4a7c15, i)
	}
	return b.Bytes()
}

// TestLargeChanges brings a file that is too large to be kept in memory from commit to commit, each some
// bytes upon the one before: it never is in memory as a whole, and all is as git has it.
func TestLargeChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("takes git seconds to compare files of many MB")
	}
	const size = max(5*pack.StreamAbove, 5<<20) // too large to be kept
	r := gittest.New(t)
	content := text(size)
	push := func(part int) string {
		for i := range 40 {
			content[part*size/8+i*size/700] ^= 1
		}
		return r.Commit(map[string]string{"large": string(content)})
	}
	m := mirrorOf(t, gittest.ServeHTTP(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})+"/repo.git")
	mustCheckout(t, m, push(0))
	for part := 1; part < 3; part++ {
		sha := push(part)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		dir := mustCheckout(t, m, sha)
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("a change of a file of %d MB took %d MB", size>>20, took>>20)
		if took > 3*size/2+14<<20 { // of which all but buffers are the server's here
			t.Errorf("a change of a file of %d MB took %d MB", size>>20, took>>20)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "large")); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
		}
	}
	mustBeSound(t, m)
	if left, err := filepath.Glob(filepath.Join(m.Dir, "objects", "pack", "tmp_*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
