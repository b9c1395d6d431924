package git

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
)

// TestDoubt damages a mirror in many ways. Each time the checkout is right, the
// mirror is sound again, and one warning tells of it where something was lost.
func TestDoubt(t *testing.T) {
	pack := func(m *Mirror, ext string) string {
		found, _ := filepath.Glob(filepath.Join(m.Dir, "objects", "pack", "*"+ext))
		return found[0]
	}
	cut := func(t *testing.T, path string, keep int64) {
		t.Helper()
		if err := os.Truncate(path, keep); err != nil {
			t.Fatal(err)
		}
	}
	for name, harm := range map[string]func(t *testing.T, m *Mirror){
		"index cut":   func(t *testing.T, m *Mirror) { t.Helper(); cut(t, pack(m, ".idx"), 1100) },
		"index empty": func(t *testing.T, m *Mirror) { t.Helper(); cut(t, pack(m, ".idx"), 0) },
		"pack cut":    func(t *testing.T, m *Mirror) { t.Helper(); cut(t, pack(m, ".pack"), 100) },
		"pack empty":  func(t *testing.T, m *Mirror) { t.Helper(); cut(t, pack(m, ".pack"), 0) },
		"foreign config": func(t *testing.T, m *Mirror) {
			t.Helper()
			gittest.Write(t, filepath.Join(m.Dir, "config"), "[core]\n")
		},
		"refs of zeros": func(t *testing.T, m *Mirror) {
			t.Helper()
			gittest.Write(t, filepath.Join(m.Dir, object.PackedRefs), "\x00\x00\x00")
		},
		"refs to nowhere": func(t *testing.T, m *Mirror) {
			t.Helper()
			gittest.Write(t, filepath.Join(m.Dir, object.PackedRefs), strings.Repeat("12", 20)+" refs/heads/main\n")
		},
		"shallow empty": func(t *testing.T, m *Mirror) { t.Helper(); cut(t, filepath.Join(m.Dir, object.Shallow), 0) },
		"refs empty":    func(t *testing.T, m *Mirror) { t.Helper(); cut(t, filepath.Join(m.Dir, object.PackedRefs), 0) },
		"shallow of zeros": func(t *testing.T, m *Mirror) {
			t.Helper()
			gittest.Write(t, filepath.Join(m.Dir, object.Shallow), "\x00\x00\x00")
		},
		"alternates": func(t *testing.T, m *Mirror) {
			t.Helper()
			_ = os.Mkdir(filepath.Join(m.Dir, "objects", "info"), 0o700)
			gittest.Write(t, filepath.Join(m.Dir, "objects", "info", "alternates"), "/etc\n")
		},
		"pack flipped": func(t *testing.T, m *Mirror) {
			t.Helper()
			path := pack(m, ".pack")
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 200; i < len(content)-20; i += 50 {
				content[i] ^= 0x10
			}
			_ = os.Chmod(path, 0o600)
			gittest.Write(t, path, string(content))
		},
		"pack gone": func(t *testing.T, m *Mirror) { t.Helper(); _ = os.Remove(pack(m, ".pack")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			m := overHTTP(t, r)
			var log bytes.Buffer
			m.Log = slog.New(slog.NewTextHandler(&log, nil))
			sha := r.Commit(map[string]string{"a": strings.Repeat("one line\n", 10), "b/c": strings.Repeat("x1y2z", 300), "d": "d"})
			mustCheckout(t, m, sha)
			harm(t, m)
			mustEqual(t, m, r, sha)
			mustBeSound(t, m)
			if n := strings.Count(log.String(), "level=WARN"); n != 1 {
				t.Errorf("%d warnings: %s", n, log.String())
			}
			harm(t, m)
			mustEqual(t, m, r, r.Commit(map[string]string{"a": strings.Repeat("one line\n", 11)}))
			mustBeSound(t, m)
		})
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	r := gittest.New(t)
	m := overHTTP(t, r)
	mustCheckout(t, m, r.Commit(map[string]string{"a": "1"}))
	dir := filepath.Join(m.Dir, "objects", "pack")
	for _, name := range []string{"tmp_pack_123", "tmp_pack-" + strings.Repeat("0", 40) + ".idx", "pack-" + strings.Repeat("0", 40) + ".pack"} {
		gittest.Write(t, filepath.Join(dir, name), "half a p")
	}
	gittest.Write(t, filepath.Join(m.Dir, "tmp_packed-refs"), "half")
	mustEqual(t, m, r, r.Commit(map[string]string{"a": "2"}))
	mustBeSound(t, m)
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+strings.Repeat("0", 40)+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestMaxSize(t *testing.T) {
	r := gittest.New(t)
	text := strings.Repeat("0123456789", 100_000)
	sha := r.Commit(map[string]string{"a": text, "b": text, "c": text})
	for way, reach := range ways() {
		m := reach(t, r)
		m.MaxSize = 2 << 20 // the pack is smaller, the files are not
		if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "--max-repo-size") {
			t.Errorf("%s: %v", way, err)
		}
		m.MaxSize = 1000
		if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "--max-repo-size") {
			t.Errorf("%s: %v", way, err)
		}
		m.MaxSize = 0
		mustEqual(t, m, r, sha)
	}
}
