package git

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// noise is text of at least this many bytes that does not deflate to nothing.
func noise(random *rand.Rand, size int) string {
	var text strings.Builder
	for text.Len() < size {
		fmt.Fprintf(&text, "%x %x\n", random.Uint64(), random.Uint64())
	}
	return text.String()
}

func attributed() map[string]string {
	random := rand.New(rand.NewPCG(2, 2))
	large := noise(random, streamAbove+1000)
	return map[string]string{
		attributesName:          "[attr]dos text eol=crlf\n*.bat dos\n*.auto text=auto eol=crlf\n*.id ident\n*.idcrlf ident text eol=crlf\n*.idauto ident text=auto eol=crlf\n",
		"a.bat":                 "echo\nexit\n",
		"same.txt":              "echo\nexit\n", // the same blob
		"sub/same.bat":          "echo\nexit\n",
		"mixed.bat":             "a\nb\r\nc\n",
		"mixed.auto":            "a\nb\r\nc\n",
		"text.auto":             "a\nb\n",
		"binary.auto":           "a\n\x00\n",
		"empty.bat":             "",
		"x.id":                  "$Id$\n",
		"sub/" + attributesName: "*.bat -text\n/only.bat text\ndeep/** -text\n*.txt dos\n",
		"sub/only.bat":          "a\nb\n",
		"sub/not.bat":           "a\nb\n",
		"sub/x/only.bat":        "a\nb\n",
		"sub/x/a.txt":           "a\nb\n",
		"sub/deep/x/a.txt":      "a\nb\n",
		"large.bat":             large,
		"large.auto":            large[1:],
		"large binary.auto":     large[2:] + "\x00",
		"large.idcrlf":          "$Id: x $\n" + large + "$Id: cut",
		">link.bat":             "to\nnowhere",
	}
}

// TestCheckoutWithAttributes compares checkouts with git clone: of the first
// one, while much lands before its attributes are known, and of those that
// follow, also where nothing but the attributes changes.
func TestCheckoutWithAttributes(t *testing.T) {
	r := gittest.New(t)
	files := attributed()
	var shas []string
	var want []map[string]string
	for _, change := range []map[string]string{
		files,
		{attributesName: "* text eol=crlf\n"},
		{attributesName: "* -text\n", "sub/not.bat": "c\nd\n"},
		{"sub/" + attributesName: "*.txt ident\n", "sub/x/a.txt": "$Id$\n"},
		{attributesName: files[attributesName], "large.bat": files["large.bat"] + "more\n"},
	} {
		after := ""
		if len(shas) > 0 {
			after = shas[len(shas)-1]
		}
		shas = append(shas, asIs(t, r, after, change))
		want = append(want, cloned(t, r))
	}
	for _, f := range planned(t, r, shas[1], nativeCRLF).files {
		if f.dir == 0 && (f.convert == convertCRLF) == (f.mode == modeSymlink) {
			t.Errorf("%s: %d", f.name, f.convert)
		}
	}
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	for way, reach := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := reach(t, r)
			for i, sha := range shas {
				mustHave(t, fmt.Sprintf("%d followed", i), snapshot(t, mustCheckout(t, m, sha)), want[i])
				if i == 1 {
					mustHave(t, fmt.Sprintf("%d fresh", i), snapshot(t, mustCheckout(t, reach(t, r), sha)), want[i])
				}
			}
			r := gittest.New(t) // of loose objects, small packs kept as they come
			r.Bare("config", "fastimport.unpackLimit", "1000")
			r.Bare("config", "receive.unpackLimit", "1000")
			m = reach(t, r)
			mustEqualClone(t, m, r, asIs(t, r, "", files))
		})
	}
}

func mustHave(t *testing.T, what string, found, want map[string]string) {
	t.Helper()
	for name := range want {
		if found[name] != want[name] {
			t.Errorf("%s: %q is %.80q, want %.80q", what, name, found[name], want[name])
		}
	}
	if len(found) != len(want) {
		t.Errorf("%s: %d entries, want %d", what, len(found), len(want))
	}
}

// TestAttributesDifferential follows random attributes and contents, each
// revision compared with git clone.
func TestAttributesDifferential(t *testing.T) {
	for way, reach := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(len(way)), 9))
			r := gittest.New(t)
			m := reach(t, r)
			texts := borderTexts()
			sha := ""
			for i := range 12 {
				files := map[string]string{}
				for _, dir := range []string{"", "a/", "b/", "a/b/"} {
					if random.IntN(3) > 0 {
						text := strings.ReplaceAll(gamble(random), "working-tree-encoding=UTF-16", "text eol=crlf")
						files[dir+attributesName] = "* " + pick(random, "text", "ident", "text=auto eol=crlf", "eol=crlf", "-text") + "\n" + text
					}
					for range random.IntN(30) {
						name := dir + pick(random, "", "a.", "b.", "x.") + pick(random, "c", "x.c", "é", "[", "ab", "bat")
						files[name] = texts[random.IntN(len(texts))]
					}
				}
				sha = asIs(t, r, sha, files)
				if i%5 == 4 {
					m = reach(t, r)
				}
				mustEqualClone(t, m, r, sha)
			}
		})
	}
}

// TestAttributesCount sees to it that the limit is for what is written in the
// end, however often that was done.
func TestAttributesCount(t *testing.T) {
	for _, lines := range []int{10_000, streamAbove} { // of two bytes that become three
		r := gittest.New(t)
		text := strings.Repeat("x\n", lines)
		sha := asIs(t, r, "", map[string]string{attributesName: "* eol=crlf\n", "a": text, "b": text})
		for way, reach := range ways() {
			for limit, fits := range map[int]bool{6*lines + 12: true, 6*lines + 11: false} {
				m := reach(t, r)
				m.MaxSize = Size(limit)
				if fits {
					mustEqualClone(t, m, r, sha)
				} else if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "--max-repo-size") {
					t.Errorf("%s: %v", way, err)
				}
			}
		}
	}
}

// TestHostileAttributes has files of attributes that are no such thing, or too
// much of it.
func TestHostileAttributes(t *testing.T) {
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
		deep[strings.Repeat("d/", i)+attributesName] = globs.String()[:29*200] + "* eol=crlf\n"
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

// TestLeftIsToldOnce follows the warnings of one mirror.
func TestLeftIsToldOnce(t *testing.T) {
	pointer := lfsHead + "oid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n"
	r := gittest.New(t)
	for way, reach := range ways() {
		m := reach(t, r)
		var log bytes.Buffer
		m.Log = slog.New(slog.NewTextHandler(&log, nil))
		sha := ""
		for i, step := range []struct {
			files map[string]string
			want  string // in the line that comes; "": none
		}{
			{map[string]string{attributesName: "*.psd filter=lfs -text\n", "a": ""}, ""},
			{map[string]string{"no.psd": strings.Repeat("no pointer", 200), "small.psd": "no pointer"}, ""},
			{map[string]string{"x/1.psd": pointer, "x/2.psd": pointer}, `msg="Git LFS pointers are left as they are" url=` + m.URL.String() + ` files=4 example=x/1.psd`},
			{map[string]string{"x/3.psd": pointer}, ""},
			{map[string]string{attributesName: "*.psd filter=lfs -text\n*.key filter=git-crypt\n", "a.key": "secret", "sub/b.key": "secret"}, "files=2 example=a.key filter=git-crypt"},
			{map[string]string{"sub/" + attributesName: "*.rc working-tree-encoding=UTF-16\n*.u working-tree-encoding=utf-8\n", "sub/u.u": "", "sub/x.rc": "x"}, "files=1 example=sub/x.rc encoding=UTF-16"},
			{map[string]string{"a": "more"}, ""},
			{map[string]string{attributesName: "* -filter\n*.c filter\n*.d filter=\n", "c.c": "", "d.d": ""}, ""},
		} {
			sha = asIs(t, r, sha, step.files)
			log.Reset()
			mustCheckout(t, m, sha)
			if got := log.String(); strings.Count(got, "\n") > 1 || !strings.Contains(got, step.want) || (step.want == "") != (got == "") {
				t.Errorf("%s, step %d: %q, want %q", way, i, got, step.want)
			}
		}
	}
}

func TestWarnedIsBounded(t *testing.T) {
	var w warned
	said := 0
	for i := range 3 * maxWarned {
		if w.first(left{"filter", fmt.Sprint(i / 2)}) {
			said++
		}
	}
	if said != maxWarned || len(w.kinds) != maxWarned {
		t.Errorf("%d warnings", said)
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
			t.Skip()
		}
		m := newAttributesMatch(v, native)
		m.steps = 1 << 20
		top := m.newFile(nil, 0, rules)
		if rules, err = v.parse(text, false); err != nil {
			t.Skip()
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
		if m.steps < -len(text)-len(path) {
			t.Errorf("%d steps too many", -m.steps)
		}
		content := []byte(text)
		if got := c.apply(content, [20]byte{}); c == 0 && !bytes.Equal(got, content) || string(content) != text {
			t.Error("changed")
		}
	})
}
