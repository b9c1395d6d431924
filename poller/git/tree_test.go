package git

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestLargeTree compares 2,000 files of all kinds with what git archive says.
func TestLargeTree(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	files := map[string]string{
		"odd/\xff\xfe": "bytes", "odd/new\nline": "x", `odd/quote"'\`: "x", "odd/ünïcödé ☃": "x", "odd/-rf *": "x", "odd/ ": "x",
		"empty": "", "large": strings.Repeat("0123456789abcdef", 200_000), ".gitignore": "nothing", ".github/x": "x",
	}
	for i := range 2000 {
		files[fmt.Sprintf("d%d/e%d/f%d/file%d", i%3, i%5, i%7, i)] = strings.Repeat(fmt.Sprint(i), i%50)
	}
	r.Write(files)
	for _, link := range [][2]string{{"/etc/passwd", "absolute"}, {"../../../out", "d1/up"}, {"missing", "dangling"}, {"..//./odd/", "verbatim"}} {
		if err := os.Symlink(link[0], filepath.Join(r.Work, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(r.Work, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	sha := r.Commit(nil)
	want := t.TempDir()
	archive := exec.CommandContext(t.Context(), "sh", "-c", `git archive "$0" | tar -x -C "$1"`, sha, want)
	archive.Dir, archive.Env = r.Work, gittest.Environ()
	if out, err := archive.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	expected := gittest.Snapshot(t, want)
	for name, reach := range some(ways()) {
		t.Run(name, func(t *testing.T) {
			found := gittest.Snapshot(t, mustCheckout(t, reach(t, r), sha))
			gittest.MustHave(t, sha, found, expected)
			if len(found) <= 2000 {
				t.Errorf("%d entries", len(found))
			}
		})
	}
}

func TestHostileTrees(t *testing.T) {
	r := gittest.New(t)
	over := map[string]*Mirror{"path": mirrorOf(t, r.Dir), "http": overHTTP(t, r)}
	blob := gittest.GitInput(t, r.Dir, "../outside", "hash-object", "-w", "--stdin")
	inner := gittest.RawTree(t, r, "100644", "planted", blob)
	const file, link, dir = "100644", "120000", "40000"
	for name, entries := range map[string][]string{
		"dot":         {file, ".", blob},
		"dot dot":     {file, "..", blob},
		"up":          {dir, "..", inner},
		"slash":       {file, "a/b", blob},
		"climbing":    {file, "../b", blob},
		"absolute":    {file, "/b", blob},
		"git":         {dir, ".git", inner},
		"GIT":         {dir, ".GiT", inner},
		"git file":    {file, ".git", blob},
		"git link":    {link, ".git", blob},
		"ntfs dot":    {dir, ".git. .", inner},
		"ntfs short":  {dir, "GIT~1", inner},
		"ntfs stream": {dir, ".git::$INDEX_ALLOCATION", inner},
		"hfs":         {dir, ".g\u200cit", inner},
		"backslash":   {file, `a\.git\x`, blob},
		"modules":     {link, ".gitmodules", blob},
		"MODULES":     {link, ".GitModules ", blob},
		"modules~":    {link, "GITMOD~1", blob},
		"twice":       {file, "a", blob, file, "a", blob},
		"link as dir": {link, "a", blob, dir, "a", inner},
		"nested":      {dir, "sub", gittest.RawTree(t, r, dir, ".git", inner)},
	} {
		sha := gittest.CommitTree(t, r, gittest.RawTree(t, r, entries...))
		for way, m := range over {
			t.Run(name+" over "+way, func(t *testing.T) {
				if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "refused:") {
					t.Error(err)
				}
			})
		}
	}
}

func TestSubmodule(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub/module")
	r.Git("commit", "--quiet", "--message", "submodule")
	r.Push()
	dir := mustCheckout(t, overHTTP(t, r), r.SHA("HEAD"))
	if inside, err := os.ReadDir(filepath.Join(dir, "sub", "module")); err != nil || len(inside) > 0 {
		t.Errorf("submodule: %v, %v", inside, err)
	}
}

func TestModesIgnoreUmask(t *testing.T) {
	r := gittest.New(t)
	r.Write(map[string]string{"sub/plain": "", "run": ""})
	if err := os.Chmod(filepath.Join(r.Work, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := mustCheckout(t, mirrorOf(t, r.Dir), r.Commit(nil))
	for name, want := range map[string]fs.FileMode{".": 0o755, "sub": 0o755, "run": 0o755, "sub/plain": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestIncompleteRepository(t *testing.T) {
	for _, missing := range []string{"HEAD:sub/file", "HEAD:sub", "HEAD^{tree}", "HEAD"} {
		t.Run(missing, func(t *testing.T) {
			r := gittest.New(t)
			sha := r.Commit(map[string]string{"a": "1", "sub/file": "2"})
			id := r.SHA(missing)
			object := filepath.Join(r.Dir, "objects", id[:2], id[2:])
			whole, err := os.ReadFile(object)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(object); err != nil {
				t.Fatal(err)
			}
			if err := mustFail(t, mirrorOf(t, r.Dir), sha); !strings.Contains(err.Error(), id+" is missing") {
				t.Error(err)
			}
			other := r.SHA("HEAD:a")
			swapped, err := os.ReadFile(filepath.Join(r.Dir, "objects", other[:2], other[2:]))
			if err != nil {
				t.Fatal(err)
			}
			for content, bytes := range map[string][]byte{"truncated": whole[:len(whole)/2], "another": swapped, "empty": nil} {
				if err := os.WriteFile(object, bytes, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := mustFail(t, mirrorOf(t, r.Dir), sha); !strings.Contains(err.Error(), id) {
					t.Errorf("%s: %v", content, err)
				}
			}
		})
	}
}

// TestOldModes has modes that git wrote once be those that it reads.
func TestOldModes(t *testing.T) {
	r := gittest.New(t)
	blob := gittest.GitInput(t, r.Dir, "content", "hash-object", "-w", "--stdin")
	inner := gittest.RawTree(t, r, "100640", "f", blob)
	var entries []string
	for _, mode := range []string{"100600", "100640", "100644", "100664", "100666", "100700", "100711", "100755", "100775", "100777"} {
		entries = append(entries, mode, "f"+mode, blob)
	}
	sha := gittest.CommitTree(t, r, gittest.RawTree(t, r, append(entries, "40755", "x", inner, "120777", "y", blob)...))
	want := t.TempDir()
	r.Bare("--work-tree="+want, "checkout", "--quiet", "--force", sha, "--", ".")
	for name, reach := range some(ways()) {
		t.Run(name, func(t *testing.T) {
			m := reach(t, r)
			gittest.MustHave(t, sha, gittest.Snapshot(t, mustCheckout(t, m, sha)), gittest.Snapshot(t, want))
			dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: sha}, ancestry.FullHistory)
			if out := gittest.Git(t, dir, "status", "--porcelain"); out != "" {
				t.Errorf("status: %s", out)
			}
		})
	}
	sha = gittest.CommitTree(t, r, gittest.RawTree(t, r, "170000", "a", blob))
	if err := mustFail(t, overHTTP(t, r), sha); !strings.Contains(err.Error(), "mode") {
		t.Error(err)
	}
}
