package git

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// ways to have a file converted, by its extension.
const manyAttributes = `# all that matters
*.auto text=auto
*.autolf text=auto eol=lf
*.autocrlf text=auto eol=crlf
*.text text
*.textcrlf text eol=crlf
*.eolcrlf eol=crlf
*.eollf eol=lf
*.bin binary eol=crlf
*.input crlf=input eol=crlf
*.old crlf
*.ident ident
*.identauto ident text=auto
*.identcrlf ident text eol=crlf
*.identautocrlf ident text=auto eol=crlf
*.identautolf ident text=auto eol=lf
`

// borderTexts are texts at the borders of what git decides.
func borderTexts() []string {
	plain := strings.Repeat("plain text\n", 12) // 132 bytes, 120 of them printable
	long := strings.Repeat("0123456789abcdef\n", 600)
	all := []string{
		"", "\n", "\r", "\r\n", "\n\n", "\r\r\n", "\n\r", "a", "a\n", "a\r\n", "a\nb\r\nc\n", "a\rb\n", "a\n\r\nb", "a\x00\n", "\x00", "a\n\x00", "a\n\x1a", "a\n\x1ab\n", "\x1a", "a\n\x1a\x1a",
		plain, plain + "\x01", plain + plain[:8] + "\x01", plain + plain[:9] + "\x01", plain + "12345678\x01", plain + "1234567\x01", plain + "12345678\x01\x1a", plain + "\x7f", plain + "\b\t\f\x1b", plain + "\v",
		"\xff\xfe\n", "ünïcödé\n", "\xef\xbb\xbfa\n", strings.Repeat("\x80\xff\n", 300), long, long + "\r\n", long + "\x00", long + "\r", long[:len(long)-1], strings.Repeat("\n", 5000), strings.Repeat("\r\n", 5000),
		"$Id$", "$Id$\n", "a$Id$b\n$Id$\r\n", "$Id: old $\n", "$Id: 0123456789012345678901234567890123456789 $\n", "$Id: foreign id $\n", "$Id: foreign id$ $Id$\n", "$Id:$", "$Id:x$", "$Id:x y$", "$Id: x$", "$Id:  $", "$Id: \t$",
		"$Id", "$I", "$", "$Id:", "$Id: ", "$Id: x", "$Id: x\n$Id$", "$Id\n$", "$id$", "$Id $", "$$Id$", "$I$Id$", "$Id$Id$", "$Id$$Id$", "$Id: a$Id$\n", "$Id: a b$Id$\n", "$Id\x00$Id$", "$Id\x00", "$Id: \x00 a b$\n",
		"$Id: a\x00 b$\n", "$Id: a\tb$\n", "$Id: a\rb$\n", "$Idea$ $Id$\n", "\x00$Id$\n", "$Id$\n" + long, long + "$Id: " + strings.Repeat("x", 3000) + "$", strings.Repeat("$Id$\n", 1000), "$Id: \x01\x02 $\n", "$Id: a $\r\n",
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range 150 {
		var text strings.Builder
		for range random.IntN(30) {
			text.WriteString(pick(random, "\n", "\n", "a", "abc", "\r\n", "\x01", "\xff", "$Id$", "$Id: x $", "$", " ", "Id$", ":"))
			if random.IntN(60) == 0 {
				text.WriteString(pick(random, "\r", "\x00", "\x1a", plain))
			}
		}
		if !strings.Contains(text.String(), "$Ida$Id:") {
			all = append(all, text.String())
		}
	}
	return all
}

// TestConvertLikeGit compares how many contents are written under all
// attributes with what git clone does, on this system and where lines end in CRLF.
func TestConvertLikeGit(t *testing.T) {
	t.Parallel()
	files := map[string]string{attributesName: manyAttributes}
	for line := range strings.Lines(manyAttributes) {
		ext, _, ok := strings.Cut(line, " ")
		if !ok || ext[0] != '*' {
			continue
		}
		for i, content := range borderTexts() {
			files[fmt.Sprintf("%03d%s", i, ext[1:])] = content
		}
	}
	r := gittest.New(t)
	sha := asIs(t, r, "", files)
	for eol, native := range map[string]bool{"lf": false, "crlf": true} {
		want := cloned(t, r, "-c", "core.eol="+eol)
		p := planned(t, r, sha, native)
		converted := 0
		for _, f := range p.files {
			content := []byte(files[f.name])
			found := f.convert.apply(content, f.id)
			if is := want[f.name]; is != "false "+string(found) {
				t.Errorf("eol=%s %s: %.90q becomes %.90q, want %.90q", eol, f.name, content, found, is)
			}
			if !bytes.Equal(content, found) {
				converted++
			}
			if f.convert&convertAuto == 0 { // else idents differ, which only large files have so
				mustStream(t, f, content, found)
			}
		}
		if converted < 500 || len(p.files) != len(want)-1 {
			t.Errorf("%d of %d converted, want %d", converted, len(p.files), len(want))
		}
	}
}

// mustStream converts content that comes in pieces of all sizes.
func mustStream(t *testing.T, f planFile, content, want []byte) {
	t.Helper()
	for _, size := range []int{1, 2, 3, 1000} {
		var out bytes.Buffer
		w := f.convert.writer(&out, f.id)
		for rest := content; len(rest) > 0; {
			n, err := w.Write(rest[:min(size, len(rest))])
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.close(); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s in pieces of %d: %.90q, want %.90q, %v", f.name, size, out.Bytes(), want, err)
		}
	}
}

// TestIdentHeld has an ident that does not end: only so much of it is held.
func TestIdentHeld(t *testing.T) {
	content := []byte("$Id:" + strings.Repeat("x", 3*maxIdent) + "$ $Id$ $Id: y $\n")
	var out bytes.Buffer
	w := newIdentWriter(&out, plumbing.ZeroHash)
	for rest := content; len(rest) > 0; rest = rest[min(1000, len(rest)):] {
		if _, err := w.Write(rest[:min(1000, len(rest))]); err != nil {
			t.Fatal(err)
		}
		if len(w.held) > maxIdent+1 {
			t.Fatal("too much")
		}
	}
	ident := "$Id: " + plumbing.ZeroHash.String() + " $"
	if want := string(content[:3*maxIdent+6]) + ident + " " + ident + "\n"; w.close() != nil || out.String() != want {
		t.Errorf("%d bytes, want %d", out.Len(), len(want))
	}
}

func BenchmarkConvert(b *testing.B) {
	content := []byte(strings.Repeat("a line of text as it may be in a file\n", 250))
	for _, c := range []convert{convertCRLF, convertCRLF | convertAuto, convertIdent} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				c.apply(content, plumbing.ZeroHash)
			}
		})
	}
}

// mustEqualClone compares a checkout with what git clone makes of main.
func mustEqualClone(t *testing.T, m *Mirror, r *gittest.Repo, sha string) {
	t.Helper()
	mustHave(t, sha, snapshot(t, mustCheckout(t, m, sha)), cloned(t, r))
}
