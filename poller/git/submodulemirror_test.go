package git

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/secret"
)

// TestSubmoduleCredentials has submodules on a server that asks for a password,
// which only those get that are listed.
func TestSubmoduleCredentials(t *testing.T) {
	t.Parallel()
	f := newForge(t, "super", "a", "b")
	private, privately := f.guarded(t, gittest.HTTPOptions{User: "user", Password: "hunter2"})
	open, openly := f.guarded(t, gittest.HTTPOptions{})
	f.link(t, "super", "a", "../a.git", "")
	f.link(t, "super", "b", open+"/b.git", "")
	sha := f.repos["super"].Commit(nil)
	auth := func(context.Context, string) (string, secret.Text, error) { return "user", secret.New("hunter2"), nil }

	p := newPool(t)
	p.auth[private+"/super.git"] = auth
	p.fails(t, p.at(private+"/super.git"), sha, `submodule "a"`, private+"/a.git", "authentication required")

	// Nor do they come along in the address that the relative one is seen from.
	p = newPool(t)
	m := p.at(private + "/super.git")
	m.URL.User, m.URL.Password = secret.New("user"), secret.New("hunter2")
	p.fails(t, m, sha, `submodule "a"`, private+"/a.git", "authentication required")
	if _, authorized := privately(); !slices.Contains(authorized, "super.git") || slices.Contains(authorized, "a.git") {
		t.Errorf("credentials sent for %v", authorized)
	}

	p = newPool(t)
	p.auth[private+"/super.git"], p.auth[private+"/a.git"] = auth, auth
	f.equal(t, p.at(private+"/super.git"), p, sha)
	if asked, authorized := openly(); len(authorized) > 0 || !slices.Contains(asked, "b.git") {
		t.Errorf("the open server was asked for %v, with credentials for %v", asked, authorized)
	}

	p.refused[open+"/b.git"] = errors.New("not on the list")
	p.fails(t, p.at(private+"/super.git"), sha, `submodule "b"`, open+"/b.git", "not on the list")
}

// TestSubmoduleDoubt damages one mirror: it comes anew, with one warning, and
// no other does.
func TestSubmoduleDoubt(t *testing.T) {
	long(t)
	f := newForge(t, "super", "a", "b", "c")
	for i, repo := range []string{"super", "a", "b", "c"} {
		f.repos[repo].Commit(map[string]string{"noise": incompressible(uint64(i), 20_000)})
	}
	f.linked(t, "b", "c", "../c.git")
	f.link(t, "super", "a", "../a.git", "")
	sha := f.linked(t, "super", "libs/b", "../b.git")
	for name, harm := range map[string]func(pack string) error{
		"index cut":  func(pack string) error { return os.Truncate(pack+".idx", 1100) },
		"pack cut":   func(pack string) error { return os.Truncate(pack+".pack", 100) },
		"pack gone":  func(pack string) error { return os.Remove(pack + ".pack") },
		"both gone":  func(pack string) error { return errors.Join(os.Remove(pack+".idx"), os.Remove(pack+".pack")) },
		"blob wrong": func(pack string) error { return flip(pack+".pack", 10_000) },
		"tree wrong": func(pack string) error { return flip(pack+".pack", 200) },
	} {
		for _, whose := range []string{"super", "c", "a", "b"}[:rounds(4, 2)] {
			t.Run(name+" of "+whose, func(t *testing.T) {
				t.Parallel()
				root, p := f.overHTTP(t)
				m := p.at(root + "/super.git")
				f.equal(t, m, p, sha)
				var log bytes.Buffer
				for _, m := range p.all() {
					m.Log = slog.New(slog.NewTextHandler(&log, nil))
				}
				packs, _ := filepath.Glob(filepath.Join(p.at(root+"/"+whose+".git").Dir, "objects", "pack", "*.pack"))
				if len(packs) != 1 {
					t.Fatal(packs)
				}
				if err := harm(strings.TrimSuffix(packs[0], ".pack")); err != nil {
					t.Fatal(err)
				}
				f.equal(t, m, p, sha)
				if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "url="+root+"/"+whose+".git") {
					t.Errorf("%d warnings: %s", n, log.String())
				}
			})
		}
	}
}

// TestAllMirrorsInDoubt mends several of them in one call.
func TestAllMirrorsInDoubt(t *testing.T) {
	long(t)
	t.Parallel()
	f := nested(t)
	root, p := f.overHTTP(t)
	m := p.at(root + "/super.git")
	f.equal(t, m, p, f.repos["super"].SHA("HEAD"))
	for _, m := range p.all() {
		gittest.Write(t, filepath.Join(m.Dir, object.PackedRefs), "damaged")
	}
	f.equal(t, m, p, f.repos["super"].SHA("HEAD"))
}

// TestLocalSubmoduleDamaged throws nothing away, and says where it is.
func TestLocalSubmoduleDamaged(t *testing.T) {
	f := newForge(t, "super", "a")
	sha := f.linked(t, "super", "a", "../a.git")
	id := f.repos["a"].SHA("HEAD:a")
	if err := os.Remove(filepath.Join(f.repos["a"].Dir, "objects", id[:2], id[2:])); err != nil {
		t.Fatal(err)
	}
	p := newPool(t)
	p.fails(t, p.at(f.root+"/super.git"), sha, `submodule "a"`, f.root+"/a.git", id+" is missing")
	if _, err := os.Stat(f.repos["a"].Dir); err != nil {
		t.Error(err)
	}
}

// TestMaxSizeOfSubmodules counts the files of all.
func TestMaxSizeOfSubmodules(t *testing.T) {
	t.Parallel()
	f := newForge(t, "super", "a", "b")
	text := strings.Repeat("0123456789", 50_000)
	for _, name := range []string{"super", "a", "b"} {
		f.repos[name].Commit(map[string]string{"text": text})
	}
	f.link(t, "super", "a", "../a.git", "")
	sha := f.linked(t, "super", "b", "../b.git")
	for _, reach := range some(f.ways()) {
		root, p := reach(t)
		m := p.at(root + "/super.git")
		m.MaxSize = 1 << 20
		p.fails(t, m, sha, "--max-repo-size")
		m.MaxSize = 2 << 20
		f.equal(t, m, p, sha)
	}
}

func flip(path string, at int64) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content[at] ^= 0x10
	return os.WriteFile(path, content, 0o600)
}

// incompressible is what no compression makes smaller.
func incompressible(seed uint64, size int) string {
	random := rand.New(rand.NewPCG(seed, seed))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return string(b)
}
