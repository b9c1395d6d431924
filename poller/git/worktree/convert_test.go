package worktree

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestConvertLikeGit compares how many contents are written under all
// attributes with what git clone does, on this system and where lines end in CRLF.
func TestConvertLikeGit(t *testing.T) {
	t.Parallel()
	files := map[string]string{attributes.FileName: gittest.ManyAttributes}
	for line := range strings.Lines(gittest.ManyAttributes) {
		ext, _, ok := strings.Cut(line, " ")
		if !ok || ext[0] != '*' {
			continue
		}
		for i, content := range gittest.BorderTexts() {
			files[fmt.Sprintf("%03d%s", i, ext[1:])] = content
		}
	}
	r := gittest.New(t)
	sha := gittest.AsIs(t, r, "", files)
	for eol, native := range map[string]bool{"lf": false, "crlf": true} {
		want := gittest.Cloned(t, r, "-c", "core.eol="+eol)
		p := planned(t, r, sha, native)
		converted := 0
		for _, f := range p.Files {
			content := []byte(files[f.Name])
			found := f.Convert.Apply(content, f.ID.String())
			if is := want[f.Name]; is != "false "+string(found) {
				t.Errorf("eol=%s %s: %.90q becomes %.90q, want %.90q", eol, f.Name, content, found, is)
			}
			if !bytes.Equal(content, found) {
				converted++
			}
			if f.Convert&convert.Auto == 0 { // else idents differ, which only large files have so
				mustStream(t, f, content, found)
			}
		}
		if converted < 500 || len(p.Files) != len(want)-1 {
			t.Errorf("%d of %d converted, want %d", converted, len(p.Files), len(want))
		}
	}
}

// mustStream converts content that comes in pieces of all sizes.
func mustStream(t *testing.T, f PlanFile, content, want []byte) {
	t.Helper()
	for _, size := range []int{1, 2, 3, 1000} {
		var out bytes.Buffer
		w := f.Convert.Writer(&out, f.ID.String())
		for rest := content; len(rest) > 0; {
			n, err := w.Write(rest[:min(size, len(rest))])
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s in pieces of %d: %.90q, want %.90q, %v", f.Name, size, out.Bytes(), want, err)
		}
	}
}
