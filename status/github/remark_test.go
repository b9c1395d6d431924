package github

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/secret"
)

func TestRemarks(t *testing.T) {
	for line, want := range map[string]app.Annotation{
		"::error file=app.go,line=3::no":                      {Path: "app.go", StartLine: 3, EndLine: 3, Level: "failure", Message: "no"},
		"  ::warning file=./a/b.go,line=7,endLine=9,col=2::x": {Path: "a/b.go", StartLine: 7, EndLine: 9, Level: "warning", Message: "x"},
		"::notice file=a,line=0,endLine=-1,title=Vet%2C 2::x": {Path: "a", StartLine: 1, EndLine: 1, Level: "notice", Title: "Vet, 2", Message: "x"},
		"::error file=a,line=2,col=5,endColumn=1::x%0Ay%25":   {Path: "a", StartLine: 2, EndLine: 2, StartColumn: 5, EndColumn: 5, Level: "failure", Message: "x\ny%"},
		`::error file=a\b.go::x`:                              {Path: "a/b.go", StartLine: 1, EndLine: 1, Level: "failure", Message: "x"},
	} {
		if got, is := remark(line, redact); !is || got != want {
			t.Errorf("%s: %+v, %t", line, got, is)
		}
	}
	for _, line := range []string{
		"", "::error", "::error::x", "::error file=::x", "::error file=/etc/passwd::x", "::error file=../x::x", "::error file=a::",
		"::errors file=a::x", "error file=a::x", "::group::x", "::error file=a/..::x",
	} {
		if got, is := remark(line, redact); is {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// FuzzRemark: what GitHub would refuse a whole request for never comes out.
func FuzzRemark(f *testing.F) {
	f.Add("::error file=app.go,line=3,endLine=1,col=9,endColumn=2,title=x::message%0A")
	f.Fuzz(func(t *testing.T, line string) {
		a, is := remark(line, redact)
		if !is {
			return
		}
		if a.Path == "" || strings.HasPrefix(a.Path, "/") || strings.HasPrefix(a.Path, "..") || a.StartLine < 1 || a.EndLine < a.StartLine || a.Message == "" ||
			len(a.Message) > maxMessage || len(a.Title) > maxRemarkName || a.StartColumn > 0 && (a.StartLine != a.EndLine || a.EndColumn < a.StartColumn) {
			t.Errorf("%q: %+v", line, a)
		}
	})
}

// TestASecretThatComesTogetherIsHidden: escaped for GitHub, or with sequences for a terminal in between, which the mask of
// the output did not know it by. Control characters are gone, as on the page.
func TestASecretThatComesTogetherIsHidden(t *testing.T) {
	mask := &secret.Mask{}
	mask.Add(secret.New("100%,of:the\rday"), secret.New("correct horse"))
	r := record{mask: mask}
	for _, line := range []string{
		"::error file=a.go,title=100%25%2Cof%3Athe%0Dday correct\x1b[1m horse::100%25,of:the%0Dday and 100%,of:the%0Dday",
		"::error file=a.go,title=correct%0A horse\x07::correct \x1b[31mhorse%0A\x1b]8;;http://x\x07two\x00\u202e",
		"correct \x1b[31mhorse",
	} {
		r.print([]byte(line+"\n"), func(text string) []string {
			return strings.Split(strings.NewReplacer("\x1b[31m", "", "\x1b[1m", "", "\x1b]8;;http://x\x07", "", "\x07", "", "\x00", "", "\u202e", "").Replace(text), "\n")
		})
	}
	if got := fmt.Sprintf("%+v", r.remarks); len(r.remarks) != 2 || r.remarks[0].Title != "*** ***" || r.remarks[0].Message != "*** and ***" || r.remarks[1].Message != "***\ntwo" || r.remarks[1].Title != "correct  horse" {
		t.Errorf("%q", got)
	}
	if last := r.tail[len(r.tail)-1]; last != "***" {
		t.Errorf("%q", last)
	}
}

// TestTheEndOfALogFits: in bytes, cut at a line, within a fence that it cannot leave.
func TestTheEndOfALogFits(t *testing.T) {
	for name, line := range map[string]string{
		"short lines": "a line", "of four bytes": strings.Repeat("🙂", 100), "one long line": strings.Repeat("x", maxTail+10), "backticks": "````` and ```",
	} {
		r := record{}
		for range 20_000 {
			r.print([]byte(line+"\n"), func(line string) []string { return []string{line} })
			if len(r.tail) > 0 && len(line) > maxLine {
				break
			}
		}
		text := logText(r)
		fence, _, _ := strings.Cut(text[strings.Index(text, "`"):], "\n")
		body := strings.TrimSuffix(text[strings.Index(text, fence)+len(fence):], fence)
		if len(text) > maxTail || !strings.HasSuffix(text, fence) || strings.Contains(body, fence) || len(text) < 1000 {
			t.Errorf("%s: %d bytes: %.60q … %q", name, len(text), text, text[len(text)-20:])
		}
	}
}

func TestForeignWordsAreCode(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "-",
		"plain":                       "` plain `",
		"[a](http://x) @anna\n<b>":    "` [a](http://x) @anna <b> `",
		"a `b` ``c``":                 "``` a `b` ``c`` ```",
		"\x1b[31mred":                 "` \\x1b[31mred `",
		"https://u:p@example.com/x y": "` https://***@example.com/x y `",
	} {
		if got := code(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
