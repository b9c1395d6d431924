package git

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/worktree"
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
	return map[string]string{
		attributes.FileName:          "[attr]dos text eol=crlf\n*.bat dos\n*.auto text=auto eol=crlf\n*.id ident\n*.idcrlf ident text eol=crlf\n*.idauto ident text=auto eol=crlf\n",
		"a.bat":                      "echo\nexit\n",
		"same.txt":                   "echo\nexit\n", // the same blob
		"sub/same.bat":               "echo\nexit\n",
		"mixed.bat":                  "a\nb\r\nc\n",
		"mixed.auto":                 "a\nb\r\nc\n",
		"text.auto":                  "a\nb\n",
		"binary.auto":                "a\n\x00\n",
		"empty.bat":                  "",
		"x.id":                       "$Id$\n",
		"sub/" + attributes.FileName: "*.bat -text\n/only.bat text\ndeep/** -text\n*.txt dos\n",
		"sub/only.bat":               "a\nb\n",
		"sub/not.bat":                "a\nb\n",
		"sub/x/only.bat":             "a\nb\n",
		"sub/x/a.txt":                "a\nb\n",
		"sub/deep/x/a.txt":           "a\nb\n",
		">link.bat":                  "to\nnowhere",
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
		{attributes.FileName: "* text eol=crlf\n"},
		{attributes.FileName: "* -text\n", "sub/not.bat": "c\nd\n"},
		{"sub/" + attributes.FileName: "*.txt ident\n", "sub/x/a.txt": "$Id$\n"},
		{attributes.FileName: files[attributes.FileName], "a.bat": "more\n"},
	} {
		after := ""
		if len(shas) > 0 {
			after = shas[len(shas)-1]
		}
		shas = append(shas, gittest.AsIs(t, r, after, change))
		want = append(want, gittest.Cloned(t, r))
	}
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := reach(t, r)
			dir := filepath.Join(t.TempDir(), "kept", "dir")
			for i, sha := range slices.Concat(shas, []string{shas[1], shas[0]}) {
				if i == len(shas) {
					if err := os.Remove(worktree.RecordPath(dir)); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{Reuse: true}); err != nil {
						t.Fatal(err)
					}
					gittest.MustHave(t, fmt.Sprintf("%d kept", i), gittest.Snapshot(t, dir), want[slices.Index(shas, sha)])
				}
			}
			m = reach(t, r)
			for i, sha := range shas {
				gittest.MustHave(t, fmt.Sprintf("%d followed", i), gittest.Snapshot(t, mustCheckout(t, m, sha)), want[i])
				if i == 1 {
					gittest.MustHave(t, fmt.Sprintf("%d fresh", i), gittest.Snapshot(t, mustCheckout(t, reach(t, r), sha)), want[i])
				}
			}
			r := gittest.New(t) // of loose objects, small packs kept as they come
			r.Bare("config", "fastimport.unpackLimit", "1000")
			r.Bare("config", "receive.unpackLimit", "1000")
			m = reach(t, r)
			mustEqualClone(t, m, r, gittest.AsIs(t, r, "", files))
		})
	}
}

// TestLargeWithAttributes has files that are not held in memory: in the first
// checkout, and in one that follows.
func TestLargeWithAttributes(t *testing.T) {
	long(t)
	large := noise(rand.New(rand.NewPCG(2, 2)), pack.StreamAbove+1000)
	r := gittest.New(t)
	over := map[string]*Mirror{"path": mirrorOf(t, r.Dir), "http": overHTTP(t, r)}
	sha := ""
	for i, change := range []map[string]string{
		{
			attributes.FileName: attributed()[attributes.FileName],
			"a.bat":             large, "text.auto": large[1:], "binary.auto": large[2:] + "\x00", "x.idcrlf": "$Id: x $\n" + large + "$Id: cut",
		},
		{"a.bat": large + "more\n", attributes.FileName: "* text=auto eol=crlf\n"},
	} {
		sha = gittest.AsIs(t, r, sha, change)
		want := gittest.Cloned(t, r)
		for way, m := range over {
			gittest.MustHave(t, fmt.Sprintf("%d over %s", i, way), gittest.Snapshot(t, mustCheckout(t, m, sha)), want)
		}
	}
}

// TestAttributesDifferential follows random attributes and contents, each
// revision compared with git clone.
func TestAttributesDifferential(t *testing.T) {
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(len(way)), 9))
			r := gittest.New(t)
			m := reach(t, r)
			texts := gittest.BorderTexts()
			sha := ""
			for i := range gittest.Rounds(6, 4) {
				files := map[string]string{}
				for _, dir := range []string{"", "a/", "b/", "a/b/"} {
					if random.IntN(3) > 0 {
						text := strings.ReplaceAll(gittest.Gamble(random), "working-tree-encoding=UTF-16", "text eol=crlf")
						files[dir+attributes.FileName] = "* " + gittest.Pick(random, "text", "ident", "text=auto eol=crlf", "eol=crlf", "-text") + "\n" + text
					}
					for range random.IntN(30) {
						name := dir + gittest.Pick(random, "", "a.", "b.", "x.") + gittest.Pick(random, "c", "x.c", "é", "[", "ab", "bat")
						files[name] = texts[random.IntN(len(texts))]
					}
				}
				sha = gittest.AsIs(t, r, sha, files)
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
	long(t)
	for _, lines := range []int{10_000, pack.StreamAbove/2 + 1000} { // of two bytes that become three
		r := gittest.New(t)
		text := strings.Repeat("x\n", lines)
		sha := gittest.AsIs(t, r, "", map[string]string{attributes.FileName: "* eol=crlf\n", "a": text, "b": text})
		for way, reach := range some(ways()) {
			for limit, fits := range map[int]bool{6*lines + 12: true, 6*lines + 11: false} {
				m := reach(t, r)
				m.MaxSize = disk.Size(limit)
				if fits {
					mustEqualClone(t, m, r, sha)
				} else if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "--max-repo-size") {
					t.Errorf("%s: %v", way, err)
				}
			}
		}
	}
}

// TestLeftIsToldOnce follows the warnings of one mirror.
func TestLeftIsToldOnce(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\n" + "oid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n"
	r := gittest.New(t)
	for way, reach := range some(ways()) {
		m := reach(t, r)
		var log bytes.Buffer
		m.Log = slog.New(slog.NewTextHandler(&log, nil))
		sha := ""
		for i, step := range []struct {
			files map[string]string
			want  string // in the line that comes; "": none
		}{
			{map[string]string{attributes.FileName: "*.psd filter=lfs -text\n", "a": ""}, ""},
			{map[string]string{"no.psd": strings.Repeat("no pointer", 200), "small.psd": "no pointer"}, ""},
			{map[string]string{"x/1.psd": pointer, "x/2.psd": pointer}, `msg="Git LFS pointers are left as they are: git.lfs: true in the task file fetches what they stand for" url=` + m.URL.String() + ` files=4 example=x/1.psd`},
			{map[string]string{"x/3.psd": pointer}, ""},
			{map[string]string{attributes.FileName: "*.psd filter=lfs -text\n*.key filter=git-crypt\n", "a.key": "secret", "sub/b.key": "secret"}, "files=2 example=a.key filter=git-crypt"},
			{map[string]string{"sub/" + attributes.FileName: "*.rc working-tree-encoding=UTF-16\n*.u working-tree-encoding=utf-8\n", "sub/u.u": "", "sub/x.rc": "x"}, "files=1 example=sub/x.rc encoding=UTF-16"},
			{map[string]string{"a": "more"}, ""},
			{map[string]string{attributes.FileName: "* -filter\n*.c filter\n*.d filter=\n", "c.c": "", "d.d": ""}, ""},
		} {
			sha = gittest.AsIs(t, r, sha, step.files)
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
		if w.first(attributes.Left{Kind: "filter", Value: fmt.Sprint(i / 2)}) {
			said++
		}
	}
	if said != maxWarned || len(w.kinds) != maxWarned {
		t.Errorf("%d warnings", said)
	}
}
