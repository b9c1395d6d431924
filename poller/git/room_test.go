package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/safedir"
)

func TestRoom(t *testing.T) {
	var asked int
	space, broken := disk.Space{}, error(nil)
	at := func(s disk.Space, err error) *disk.FreeSpace {
		asked, space, broken = 0, s, err
		return &disk.FreeSpace{Dir: "/there", Space: func(string) (disk.Space, error) { asked++; return space, broken }}
	}
	const mb, large = 1 << 20, 1 << 40
	r := at(disk.Space{Free: 356 * mb, Total: large}, nil)
	for i := range 100 { // nothing is written in truth, so the second look allows as much
		if err := r.Take(mb); err != nil {
			t.Fatalf("%d MB of 100: %v", i, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times for 100 MB", asked)
	}
	space.Free = 256*mb + 10
	for r.Left.Load() >= mb {
		_ = r.Take(mb)
	}
	err := r.Take(mb)
	if !errors.Is(err, disk.ErrNoRoom) {
		t.Fatalf("beyond the reserve: %v", err)
	}
	for _, want := range []string{"256 MB are free in /there", "256 MB stay so", "--repo-dir"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	for name, c := range map[string]struct {
		space  disk.Space
		err    error
		n      int64
		refuse bool
	}{
		"small disk":           {disk.Space{Free: 60 * mb, Total: 100 * mb}, nil, 54 * mb, false},
		"small disk, too much": {disk.Space{Free: 60 * mb, Total: 100 * mb}, nil, 56 * mb, true},
		"full":                 {disk.Space{Total: large}, nil, 1, true},
		"tells nothing":        {disk.Space{}, nil, large, false},
		"cannot be asked":      {disk.Space{}, errors.New("no"), large, false},
		"without end":          {disk.Space{Free: math.MaxUint64, Total: math.MaxUint64}, nil, large, false},
	} {
		if err := at(c.space, c.err).Take(c.n); (err != nil) != c.refuse {
			t.Errorf("%s: %v", name, err)
		}
	}
	r = at(disk.Space{Free: 266 * mb, Total: large}, nil)
	for range 2000 {
		if err = r.TakeFile(1); err != nil {
			t.Fatal(err)
		}
	}
	if space.Free = 0; r.Left.Load() > 3*mb || r.TakeFile(1) != nil {
		t.Errorf("2,000 files of a byte leave %d bytes of 10 MB", r.Left.Load())
	}
}

// noise is a revision that no compression makes smaller.
func randomFiles(files, size int, seed uint64) map[string]string {
	random := rand.New(rand.NewPCG(seed, 1))
	all := map[string]string{}
	for i := range files {
		content := make([]byte, size)
		for j := range content {
			content[j] = byte(random.Uint32())
		}
		all[fmt.Sprintf("d%d/f%d", i%3, i)] = string(content)
	}
	return all
}

// nothingHalf sees to it that a failed checkout left no files.
func nothingHalf(t *testing.T, m *Mirror, parent string) {
	t.Helper()
	for _, pattern := range []string{filepath.Join(parent, "*"), filepath.Join(m.Dir, object.TmpPrefix+"*"), filepath.Join(m.Dir, "objects", "pack", "*")} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			t.Errorf("%q are left", found)
		}
	}
}

// TestNoRoom has the disk fill while a pack and while files are written.
func TestNoRoom(t *testing.T) {
	r := gittest.New(t)
	rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(randomFiles(40, 20_000, 1))}
	plenty := disk.Space{Free: 1 << 40, Total: 1 << 40}
	bit := disk.Space{Free: disk.MaxReserve + 300_000, Total: 1 << 40}
	smallDisk := disk.Space{Free: 8<<20/20 + 300_000, Total: 8 << 20}
	for name, later := range map[string]struct {
		held   bool
		spaces []disk.Space
	}{
		"full":                {false, []disk.Space{{Total: 1 << 40}}},
		"full amid the pack":  {false, []disk.Space{bit, bit, {Total: 1 << 40}}},
		"small disk":          {false, []disk.Space{smallDisk, smallDisk, {Total: 8 << 20}}},
		"small disk, held":    {true, []disk.Space{smallDisk, {Total: 8 << 20}}},
		"full before files":   {true, []disk.Space{{Total: 1 << 40}}},
		"full amid the files": {true, []disk.Space{bit, {Total: 1 << 40}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := overHTTP(t, r)
			if later.held {
				mustCheckout(t, m, rev.SHA)
			}
			var mu sync.Mutex // the pack and the files each ask
			m.space = func(string) (disk.Space, error) {
				mu.Lock()
				defer mu.Unlock()
				s := later.spaces[0]
				later.spaces = later.spaces[min(1, len(later.spaces)-1):]
				return s, nil
			}
			parent := t.TempDir()
			err := m.Checkout(gittest.Generous(t), rev, filepath.Join(parent, "workdir"), Options{})
			if !errors.Is(err, disk.ErrNoRoom) || !strings.Contains(err.Error(), "MB are free in "+filepath.Dir(m.Dir)) && !strings.Contains(err.Error(), "MB are free in "+parent) || !strings.Contains(err.Error(), "make room, or name another disk with --repo-dir") {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
			if !later.held {
				nothingHalf(t, m, parent)
			}
			m.space = func(string) (disk.Space, error) { return plenty, nil }
			mustEqual(t, m, r, rev.SHA)
			mustBeSound(t, m)
		})
	}
}

// TestNoRoomForDotGit has the disk fill while packs become part of a checkout:
// those of the mirror are copied where the files are another user's, and those
// of a repository of this host always.
func TestNoRoomForDotGit(t *testing.T) {
	r := gittest.New(t)
	rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(randomFiles(40, 20_000, 1))}
	r.Commit(map[string]string{"d0/f0": "less", "d1/f1": "less"})
	for name, m := range some(map[string]*Mirror{"http": overHTTP(t, r), "path": mirrorOf(t, r.Dir)}) {
		mustCheckout(t, m, rev.SHA)
		m.space = func(string) (disk.Space, error) { return disk.Space{Free: disk.MaxReserve, Total: 1 << 40}, nil }
		c := &checkout{Mirror: m, Options: Options{DotGit: true, Owner: &safedir.Owner{}}, kept: m.depot(1), rev: mirror.Held{Ref: rev.Ref, ID: idOf(t, rev.SHA)}, dir: filepath.Join(t.TempDir(), "workdir")}
		var s *odb.Store
		err := c.withGit(gittest.Generous(t), func(ctx context.Context) (err error) {
			s, _, err = c.reach(ctx, "")
			return err
		})
		if !errors.Is(err, disk.ErrNoRoom) {
			t.Errorf("%s: %v", name, err)
			s.Close()
		}
		if left, _ := os.ReadDir(filepath.Dir(c.dir)); len(left) > 0 {
			t.Errorf("%s: %v are left", name, left)
		}
	}
}

// TestTidyWithoutRoom throws the mirror away where two of it do not fit.
func TestTidyWithoutRoom(t *testing.T) {
	r := gittest.New(t)
	m := overHTTP(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	mustCheckout(t, m, r.Commit(randomFiles(20, 10_000, 1)))
	const room = 300_000 // for the next revision, not for both again
	m.space = func(string) (disk.Space, error) {
		return disk.Space{Free: disk.MaxReserve + room, Total: 1 << 40}, nil
	}
	sha := r.Commit(randomFiles(20, 10_000, 2))
	mustCheckout(t, m, sha)
	if _, err := os.Stat(m.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mirror is there: %v", err)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "thrown away, will be fetched anew") {
		t.Errorf("logged %q", text)
	}
	mustEqual(t, m, r, sha)
	mustBeSound(t, m)
}

func idOf(tb testing.TB, hex string) object.ID {
	tb.Helper()
	id, ok := object.ParseID(hex)
	if !ok {
		tb.Fatalf("%q is no name", hex)
	}
	return id
}
