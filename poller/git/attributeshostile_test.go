package git

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestHostileAttributes has files of attributes that are no such thing, or too
// much of it.
func TestHostileAttributes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 8))
	binary := make([]byte, 100_000)
	for i := range binary {
		binary[i] = byte(1 + random.IntN(255))
	}
	var globs, macros, names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&globs, "**/x?%d*/*.c text eol=crlf\n", i)
		fmt.Fprintf(&names, "some/dir/file%d eol=crlf\n", i)
		fmt.Fprintf(&macros, "[attr]m%d m%d\n", i, i+1)
	}
	macros.WriteString("[attr]m100000 text eol=crlf\n* m0\n")
	deep := map[string]string{}
	for i := range 100 {
		deep[strings.Repeat("d/", i)+attributesName] = globs.String()[:29*50] + "* eol=crlf\n"
	}
	for name, files := range map[string]map[string]string{
		"long line":    {attributesName: "a " + strings.Repeat("text ", 200_000) + "\n* eol=crlf\n"},
		"no line end":  {attributesName: strings.Repeat("*", 1<<20)},
		"binary":       {attributesName: string(binary)},
		"globs":        {attributesName: globs.String()},
		"names":        {attributesName: names.String(), "some/dir/file77": "a\n", "some/dir/file": "a\n"},
		"macros":       {attributesName: macros.String()},
		"own macro":    {attributesName: "[attr]m n\n[attr]n m text\n* m eol=crlf\n"},
		"as directory": {attributesName + "/x": "* eol=crlf\n"},
		"deep":         deep,
	} {
		files["x"] = "a\nb\n"
		files["d/d/d/x.c"] = "a\nb\n"
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			sha := asIs(t, r, "", files)
			mustEqualClone(t, overHTTP(t, r), r, sha)
			mustEqualClone(t, mirror(t, r.Dir), r, sha)
		})
	}
	for name, text := range map[string]string{
		"too many rules":  strings.Repeat("a text eol=crlf\n", 1+maxAttributesRules/3),
		"too many macros": strings.Repeat("[attr]m text eol=crlf\n", 1+maxAttributesRules/2),
		"too many bytes":  strings.Repeat("#\n", 1+maxAttributesBytes/2),
	} {
		t.Run(name, func(t *testing.T) {
			r := gittest.New(t)
			sha := asIs(t, r, "", map[string]string{attributesName: text, "x": ""})
			if err := mustFail(t, overHTTP(t, r), sha); !strings.Contains(err.Error(), errAttributes.Error()) {
				t.Error(err)
			}
		})
	}
}

// TestAttributesSteps has rules that take long with every file, but no longer
// than they may.
func TestAttributesSteps(t *testing.T) {
	v := newVocabulary()
	rules, err := v.parse(strings.Repeat("**/*a*a*a*a*a*a*a*ab eol=crlf\n", 1000), true)
	if err != nil {
		t.Fatal(err)
	}
	m := newAttributesMatch(v, false)
	m.steps = 1 << 20
	f := m.newFile(nil, 0, rules)
	m.file(f, bytes.Repeat([]byte("aaaaaaa/"), 100), 0)
	if m.steps > 0 || m.steps < -10_000 {
		t.Errorf("%d steps are left", m.steps)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add(manyAttributes, "sub/a.text", false)
	f.Add("[attr]m n\n[attr]n m\n* m\n", "a", true)
	f.Add("\"a\\142\" text\n**/[a-z]*[[:alpha:]]?\\x eol=crlf\n", "x/ab", false)
	random := rand.New(rand.NewPCG(6, 6))
	for range 20 {
		f.Add(gamble(random)+gamble(random), gambleName(random), random.IntN(2) == 0)
	}
	f.Fuzz(func(t *testing.T, text, path string, native bool) {
		v := newVocabulary()
		rules, err := v.parse(text, true)
		if err != nil {
			return
		}
		m := newAttributesMatch(v, native)
		m.steps = 1 << 20
		top := m.newFile(nil, 0, rules)
		if rules, err = v.parse(text, false); err != nil {
			return
		}
		dir := strings.IndexByte(path, '/') + 1
		file := m.newFile(top, dir, rules)
		m.file(file, []byte(path), strings.LastIndexByte(path, '/')+1)
		c := m.convert()
		if c > convertCRLF|convertAuto|convertIdent || c == convertAuto || c != 0 && !file.live {
			t.Errorf("%d", c)
		}
		if filter, encoding := m.leaves(); filter+encoding != "" && !file.live {
			t.Error("left, and not to be looked for")
		}
		if m.steps < -int64(len(text)+len(path)) {
			t.Errorf("%d steps too many", -m.steps)
		}
		content := []byte(text)
		if got := c.apply(content, [20]byte{}); c == 0 && !bytes.Equal(got, content) || string(content) != text {
			t.Error("changed")
		}
	})
}
