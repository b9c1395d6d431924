package git

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
)

func mustEqual(t *testing.T, m *Mirror, r *gittest.Repo, sha string) {
	t.Helper()
	gittest.MustHave(t, sha, gittest.Snapshot(t, mustCheckout(t, m, sha)), gittest.Exported(t, r, sha))
}

func mustBeSound(t *testing.T, m *Mirror) {
	t.Helper()
	if out := gittest.Fsck(t, m.Dir); out != "" {
		t.Errorf("git fsck: %s", out)
	}
}

// churn changes a work tree at random: edits, new files, deletions, renames,
// modes, links, files that become directories and back.
func churn(t *testing.T, r *gittest.Repo, random *rand.Rand) {
	t.Helper()
	name := func() string {
		parts := make([]string, 1+random.IntN(3))
		for i := range parts {
			parts[i] = fmt.Sprintf("n%d", random.IntN(6))
		}
		return filepath.Join(r.Work, filepath.Join(parts...))
	}
	for range 1 + random.IntN(8) {
		path := name()
		for at := filepath.Dir(path); at != r.Work; at = filepath.Dir(at) {
			if info, err := os.Lstat(at); err == nil && !info.IsDir() {
				_ = os.Remove(at)
			}
		}
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		switch random.IntN(7) {
		case 0:
			_ = os.RemoveAll(path)
		case 1:
			_ = os.RemoveAll(path)
			_ = os.Symlink(strings.Repeat("../", random.IntN(3))+"target", path)
		case 2:
			_ = os.Rename(path, name())
		case 3:
			_ = os.Chmod(path, []os.FileMode{0o644, 0o755}[random.IntN(2)])
		case 4:
			old, _ := os.ReadFile(path)
			_ = os.WriteFile(path, append(old, fmt.Sprintln("more", random.IntN(1000))...), 0o644)
		default:
			_ = os.RemoveAll(path)
			lines := strings.Repeat(fmt.Sprintf("line %d\n", random.IntN(3)), random.IntN(400))
			_ = os.WriteFile(path, []byte(lines+fmt.Sprint(random.IntN(100))), 0o644)
		}
	}
}

// TestGrowth follows many commits, and looks after the size of the mirror.
func TestGrowth(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	files := map[string]string{}
	for i := range 60 {
		files[fmt.Sprintf("d%d/f%d", i%10, i)] = strings.Repeat(fmt.Sprintf("%d %d\n", i, i*i), 100)
	}
	r.Commit(files)
	m := overHTTP(t, r)
	for i := range mirror.MaxPacks + 10 {
		sha := r.Commit(map[string]string{"d1/f1": fmt.Sprint(i), "d2/f2": fmt.Sprint(-i), "d3/f3": fmt.Sprint(i * i)})
		mustCheckout(t, m, sha)
	}
	mustEqual(t, m, r, r.SHA("HEAD"))
	mustBeSound(t, m)
	packs, _ := filepath.Glob(filepath.Join(m.Dir, "objects", "pack", "*.pack"))
	if len(packs) > mirror.MaxPacks {
		t.Errorf("%d packs", len(packs))
	}
}

// TestThinPack sees to it that little is sent for a small change.
func TestThinPack(t *testing.T) {
	long(t)
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	files := map[string]string{}
	for i := range 200 {
		noise := make([]byte, 1000)
		for j := range noise {
			noise[j] = byte('a' + random.IntN(26))
		}
		files[fmt.Sprintf("d%d/f%d", i%10, i)] = string(noise)
	}
	for _, way := range []string{"http", "ssh"} {
		r := gittest.New(t)
		m := ways()[way](t, r)
		mustCheckout(t, m, r.Commit(files))
		mustEqual(t, m, r, r.Commit(map[string]string{"d1/f1": files["d1/f1"] + "more"}))
		packs, _ := filepath.Glob(filepath.Join(m.Dir, "objects", "pack", "*.pack"))
		var small bool
		for _, p := range packs {
			info, err := os.Stat(p)
			small = small || err == nil && info.Size() < 10_000
		}
		if len(packs) != 2 || !small {
			t.Errorf("%s: %v", way, packs)
		}
	}
}
