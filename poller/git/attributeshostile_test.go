package git

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestHostileAttributes has files of attributes that are no such thing, or too
// much of it.
func TestHostileAttributes(t *testing.T) {
	long(t)
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 8))
	binary := make([]byte, 100_000)
	for i := range binary {
		binary[i] = byte(1 + random.IntN(255))
	}
	var globs, macros, names strings.Builder
	lines := 10_000
	for i := range lines {
		fmt.Fprintf(&globs, "**/x?%d*/*.c text eol=crlf\n", i)
		fmt.Fprintf(&names, "some/dir/file%d eol=crlf\n", i)
		fmt.Fprintf(&macros, "[attr]m%d m%d\n", i, i+1)
	}
	fmt.Fprintf(&macros, "[attr]m%d text eol=crlf\n* m0\n", lines)
	deep := map[string]string{}
	for i := range 100 {
		deep[strings.Repeat("d/", i)+attributes.FileName] = globs.String()[:29*50] + "* eol=crlf\n"
	}
	for name, files := range map[string]map[string]string{
		"long line":    {attributes.FileName: "a " + strings.Repeat("text ", 200_000) + "\n* eol=crlf\n"},
		"no line end":  {attributes.FileName: strings.Repeat("*", 1<<20)},
		"binary":       {attributes.FileName: string(binary)},
		"globs":        {attributes.FileName: globs.String()},
		"names":        {attributes.FileName: names.String(), "some/dir/file77": "a\n", "some/dir/file": "a\n"},
		"macros":       {attributes.FileName: macros.String()},
		"own macro":    {attributes.FileName: "[attr]m n\n[attr]n m text\n* m eol=crlf\n"},
		"as directory": {attributes.FileName + "/x": "* eol=crlf\n"},
		"deep":         deep,
	} {
		files["x"] = "a\nb\n"
		files["d/d/d/x.c"] = "a\nb\n"
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			sha := gittest.AsIs(t, r, "", files)
			mustEqualClone(t, overHTTP(t, r), r, sha)
			mustEqualClone(t, mirrorOf(t, r.Dir), r, sha)
		})
	}
	for name, text := range map[string]string{
		"too many rules":  strings.Repeat("a text eol=crlf\n", 1+attributes.MaxRules/3),
		"too many macros": strings.Repeat("[attr]m text eol=crlf\n", 1+attributes.MaxRules/2),
		"too many bytes":  strings.Repeat("#\n", 1+attributes.MaxBytes/2),
	} {
		t.Run(name, func(t *testing.T) {
			r := gittest.New(t)
			sha := gittest.AsIs(t, r, "", map[string]string{attributes.FileName: text, "x": ""})
			if err := mustFail(t, overHTTP(t, r), sha); !strings.Contains(err.Error(), attributes.ErrTooMany.Error()) {
				t.Error(err)
			}
		})
	}
}
