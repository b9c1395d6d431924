//go:build unix

package git

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/pack"
)

// TestReuseConverted leaves converted files alone that are as they should be, though an update has written them and so
// knows no time since which they have not changed.
func TestReuseConverted(t *testing.T) {
	r := gittest.New(t)
	k := keep(t, ways()["http"](t, r), Options{})
	line := strings.Repeat("0123456789abcde\n", 64)
	tree := func(n int) map[string]string {
		v := fmt.Sprint(n, "\n")
		return map[string]string{
			".gitattributes": "*.txt eol=crlf\n*.auto text=auto eol=crlf\n*.id ident\nboth.* ident text=auto eol=crlf\n",
			"a.txt":          v + "a\nb\n", "d/b.txt": v, "c.auto": v + "c\n", "binary.auto": v + "\x00\n", "d/e.id": v + "$Id$\n$Id: old $x$Id$\n",
			"both.x": v + "$Id$ $Id: $Id$\n", "empty.txt": "", "large.txt": v + strings.Repeat(line, pack.StreamAbove/len(line)+1), "large.id": v + "$Id$\n" + strings.Repeat(line, pack.StreamAbove/len(line)+1),
		}
	}
	k.update(t, r.Commit(tree(1)))
	second := r.Commit(tree(2))
	k.update(t, second)
	k.mustHold(t, r, second, nil)
	for range 2 {
		before := times(t, k.dir)
		k.update(t, second)
		if after := times(t, k.dir); !maps.Equal(before, after) {
			t.Errorf("touched without need: %v, was %v", after, before)
		}
	}
	// What somebody has changed is written anew, be its size the same or not.
	for _, name := range []string{"a.txt", "c.auto", "d/e.id", "both.x", "large.txt", "large.id", "empty.txt"} {
		for _, change := range []func(string) string{
			func(s string) string { return s + "x" },
			func(s string) string { return s[:len(s)/2] },
			func(s string) string { return strings.Replace(s, "2", "3", 1) },
		} {
			path := filepath.Join(k.dir, name)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			gittest.Write(t, path, change(string(content)))
			k.update(t, second)
			k.mustHold(t, r, second, nil)
		}
	}
}
