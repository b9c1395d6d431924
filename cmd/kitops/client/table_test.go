package client

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTerminalsAreNotCommanded(t *testing.T) {
	var out strings.Builder
	text := "plain\x1b[2J\r\n\x1b]8;;http://evil\x07link\x1b]8;;\x07\n" + strings.Repeat("x", 100_000) + "\nno end\x07"
	if err := show(&out, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\r") || !strings.HasPrefix(out.String(), "plain") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%q", out.String()[:100])
	}
	out.Reset()
	if err := (table{{"TASK", "WHY"}, {"shop", "\x1b[31mred\nsecond line"}}).write(&out, 0); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%q", out.String())
	}
}

func TestTablesFit(t *testing.T) {
	wide := table{
		{"TASK", "REF", "WHY NOTHING RUNS NOW"},
		{"a-task-with-a-long-name", "feature/grüße-aus-köln", "error: " + strings.Repeat("no route to host ", 10)},
	}
	for _, width := range []int{200, 80, 40} {
		var out strings.Builder
		if err := wide.write(&out, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > width {
				t.Errorf("%d columns of %d: %q", n, width, line)
			}
		}
		if !strings.Contains(out.String(), "…") {
			t.Errorf("nothing says that something was cut: %s", out.String())
		}
	}
}
