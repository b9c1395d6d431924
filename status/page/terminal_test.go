package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// rendered is what output looks like, its lines apart; the last one has not ended.
func rendered(output string) []string {
	t := &terminal{}
	var lines []string
	t.write([]byte(output), func(html string) { lines = append(lines, html) })
	return append(lines, t.html())
}

func TestOutputLooksAsOnATerminal(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"plain\n":                  "plain|",
		"a\r\nb":                   "a|b",
		"10%\r20%\r100%":           "100%",
		"longer\rab":               "abnger",
		"abc\b\bX":                 "aXc",
		"\b\bx":                    "x",
		"abc\r\x1b[K":              "",
		"abc\b\x1b[Kx":             "abx",
		"abc\b\x1b[1Kx":            "  x",
		"abc\x1b[2Kd":              "   d",
		"a\tb":                     "a       b",
		"<b>&\"'":                  "&lt;b&gt;&amp;&#34;&#39;",
		"\x1b[31mred\x1b[0m.":      `<span class="f1">red</span>.`,
		"\x1b[1;4;92;41mx":         `<span class="f10 g1 bo un">x</span>`,
		"\x1b[31ma\nb\x1b[39mc":    `<span class="f1">a</span>|<span class="f1">b</span>c`,
		"\x1b[38;5;196mx":          `<span class="f9">x</span>`,
		"\x1b[38;2;0;0;255mx":      `<span class="f12">x</span>`,
		"\x1b[38:2::0:0:255mx":     `<span class="f12">x</span>`,
		"\x1b[48;5;2;1mx":          `<span class="g2 bo">x</span>`,
		"\x1b[38;5mx":              `<span class="f0">x</span>`,
		"\x1b[?25lx\x1b[2Jy\x1b[H": "xy",
		"\x1b]0;title\x07x":        "x",
		"\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\": "link",
		"\x1b]1337;File=inline=1:AAAA\x07x":                    "x",
		"\x1bPq#0;2;0;0;0~\x1b\\x":                             "x",
		"\x1b_Gf=32;AAAA\x1b\\x":                               "x",
		"\x1b]unterminated\nx":                                 "|x",
		"\x1b(Bx\x1b=y\x1bcz":                                  "xyz",
		"\x1b[\x1b[31mx":                                       `<span class="f1">x</span>`,
		"\x1b[>4;1mx":                                          "x",
		"a\u202eb\u200bc":                                      `a\u202eb\u200bc`,
		"a\x00\x07\u0085b":                                     "ab",
		"\xff\xfe":                                             "\ufffd\ufffd",
		"grün ✓ 漢字 🎉":                                          "grün ✓ 漢字 🎉",
	} {
		if got := strings.Join(rendered(output), "|"); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}

// TestLongLinesAreParted has one that a browser would choke on.
func TestLongLinesAreParted(t *testing.T) {
	t.Parallel()
	lines := rendered(strings.Repeat("x", 3*maxCells+1))
	if len(lines) != 4 || len(lines[0]) != maxCells || lines[3] != "x" {
		t.Errorf("%d lines", len(lines))
	}
}

// TestOutputGoesOnAnywhere cuts output at every byte, and goes on in another terminal from the place of the first.
func TestOutputGoesOnAnywhere(t *testing.T) {
	t.Parallel()
	output := "a\x1b[1;31mb\nc grün\x1b[0m\r" + strings.Repeat("0123456789\x1b[32m", 500) + "\nprogress 1\rprogress 2\n\x1b[44mend\nof it"
	want := strings.Join(rendered(output), "\n")
	for cut := 0; cut < len(output); cut++ {
		if cut > 60 && cut < len(output)-60 {
			cut += 96
		}
		var lines []string
		keep := func(html string) { lines = append(lines, html) }
		first := &terminal{}
		first.write([]byte(output[:cut]), keep)
		second := resume(first.place())
		second.write([]byte(output[second.at:]), keep)
		if got := strings.Join(append(lines, second.html()), "\n"); got != want {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
	}
}

// TestAProgressBarOfHoursIsResumed has one line that is written again and again.
func TestAProgressBarOfHoursIsResumed(t *testing.T) {
	t.Parallel()
	first := &terminal{}
	for i := range 20000 {
		first.write(fmt.Appendf(nil, "\r%d of 20000", i), func(string) {})
	}
	second := resume(first.place())
	if first.at-second.at > 2*maxOverwritten {
		t.Errorf("%d bytes are read again", first.at-second.at)
	}
}

var markup = regexp.MustCompile(`<span class="[a-z0-9 ]+">|</span>`)

func FuzzTerminal(f *testing.F) {
	for _, seed := range []string{"\x1b[31mred\x1b[0m\n", "\x1b]8;;x\x1b\\y", "a\rb\b\x1b[K", "\x1b[38;5;300;48;2;1;2;3m<", "\x1b[\x1b]\x1bP\x1b\\", "\xe2\x82"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, output []byte, cut int) {
		cut = min(max(cut, 0), len(output))
		whole, parts := &terminal{}, &terminal{}
		var all, some strings.Builder
		whole.write(output, func(html string) { all.WriteString(html + "\n") })
		parts.write(output[:cut:cut], func(html string) { some.WriteString(html + "\n") })
		parts.write(output[cut:], func(html string) { some.WriteString(html + "\n") })
		all.WriteString(whole.html())
		some.WriteString(parts.html())
		if all.String() != some.String() {
			t.Errorf("parted: %q, whole: %q", some.String(), all.String())
		}
		text := all.String()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x7f }) {
			t.Errorf("control characters in %q", text)
		}
		if rest := markup.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>\"'") {
			t.Errorf("markup in %q", rest)
		}
		if len(whole.cells) > maxCells || len(whole.sequence) > 2*maxSequence {
			t.Errorf("%d cells, %d bytes of a sequence", len(whole.cells), len(whole.sequence))
		}
	})
}

// TestATabAtTheEndOfAWideLineEnds has a tab where a line is full: it must not write lines for ever.
func TestATabAtTheEndOfAWideLineEnds(t *testing.T) {
	t.Parallel()
	var one terminal
	lines := 0
	one.write([]byte(strings.Repeat("x", maxCells)+"\tend\n"), func(string) {
		if lines++; lines > 10 {
			panic("it writes lines without end")
		}
	})
	if lines != 2 {
		t.Errorf("%d lines", lines)
	}
}
