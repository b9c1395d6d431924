package gittest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// failing notes that a test would have failed.
type failing struct {
	TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) { f.said = fmt.Sprintf(format, args...) }

// TestFsck sees damage in a repository that was sound before.
func TestFsck(t *testing.T) {
	t.Parallel()
	r := New(t)
	r.Commit(map[string]string{"a": "1", "dir/b": "2"})
	f := &failing{TB: t}
	for _, dir := range []string{r.Dir, r.Work, r.Dir, r.Work} {
		if said := Fsck(f, dir); said != "" || f.said != "" {
			t.Fatalf("%s: %s%s", dir, said, f.said)
		}
	}
	for _, gitDir := range []string{r.Dir, r.gitDir()} {
		object := objects{dir: filepath.Join(gitDir, "objects")}.path(r.Git("rev-parse", "HEAD:a"))
		whole, err := os.ReadFile(object)
		must(t, err, os.Chmod(object, 0o644))
		changed := bytes.Clone(whole)
		changed[len(changed)-1] ^= 1
		must(t, os.WriteFile(object, changed, 0o644))
		if f.said = ""; Fsck(f, gitDir) == "" || f.said == "" {
			t.Errorf("%s: nothing found", gitDir)
		}
		must(t, os.WriteFile(object, whole, 0o644))
	}
}

// TestServeHTTPFollows has the answers be those of the repository as it is now.
func TestServeHTTPFollows(t *testing.T) {
	t.Parallel()
	r := New(t)
	url := ServeHTTP(t, filepath.Dir(r.Dir), HTTPOptions{}) + "/repo.git/info/refs?service=git-upload-pack"
	ask := func() string {
		answer, err := http.Get(url) //nolint:gosec // loopback
		must(t, err)
		text, err := io.ReadAll(answer.Body)
		must(t, err, answer.Body.Close())
		return string(text)
	}
	seen := map[string]bool{}
	for _, change := range []func(){
		func() {},
		func() { r.Commit(map[string]string{"a": "1"}) },
		func() { r.Commit(map[string]string{"a": "2"}) },
		func() { r.Bare("config", "uploadpack.allowReachableSHA1InWant", "true") },
		func() { r.Bare("pack-refs", "--all"); r.Bare("tag", "light", "main") },
		func() { r.Bare("symbolic-ref", "HEAD", "refs/heads/unborn") },
	} {
		change()
		first := ask()
		if again := ask(); again != first || seen[first] {
			t.Errorf("asked twice: %q, then %q", first, again)
		}
		seen[first] = true
	}
}

func must(tb TB, errs ...error) {
	tb.Helper()
	if err := errors.Join(errs...); err != nil {
		tb.Fatalf("%v", err)
	}
}
