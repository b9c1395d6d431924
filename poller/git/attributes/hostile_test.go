package attributes

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestAttributesSteps has rules that take long with every file, but no longer
// than they may.
func TestAttributesSteps(t *testing.T) {
	v := NewVocabulary()
	rules, err := v.Parse(strings.Repeat("**/*a*a*a*a*a*a*a*ab eol=crlf\n", 1000), true)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMatcher(v, false)
	m.Steps = 1 << 20
	f := m.NewFile(nil, 0, rules)
	m.File(f, bytes.Repeat([]byte("aaaaaaa/"), 100), 0)
	if m.Steps > 0 || m.Steps < -10_000 {
		t.Errorf("%d steps are left", m.Steps)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add(gittest.ManyAttributes, "sub/a.text", false)
	f.Add("[attr]m n\n[attr]n m\n* m\n", "a", true)
	f.Add("\"a\\142\" text\n**/[a-z]*[[:alpha:]]?\\x eol=crlf\n", "x/ab", false)
	random := rand.New(rand.NewPCG(6, 6))
	for range 20 {
		f.Add(gittest.Gamble(random)+gittest.Gamble(random), gittest.GambleName(random), random.IntN(2) == 0)
	}
	f.Fuzz(func(t *testing.T, text, path string, native bool) {
		v := NewVocabulary()
		rules, err := v.Parse(text, true)
		if err != nil {
			return
		}
		m := NewMatcher(v, native)
		m.Steps = 1 << 20
		top := m.NewFile(nil, 0, rules)
		if rules, err = v.Parse(text, false); err != nil {
			return
		}
		dir := strings.IndexByte(path, '/') + 1
		file := m.NewFile(top, dir, rules)
		m.File(file, []byte(path), strings.LastIndexByte(path, '/')+1)
		c := m.Convert()
		if c > convert.CRLF|convert.Auto|convert.Ident || c == convert.Auto || c != 0 && !file.Live {
			t.Errorf("%d", c)
		}
		if filter, encoding := m.Leaves(); filter+encoding != "" && !file.Live {
			t.Error("left, and not to be looked for")
		}
		if m.Steps < -int64(len(text)+len(path)) {
			t.Errorf("%d steps too many", -m.Steps)
		}
		content := []byte(text)
		if got := c.Apply(content, strings.Repeat("0", 40)); c == 0 && !bytes.Equal(got, content) || string(content) != text {
			t.Error("changed")
		}
	})
}
