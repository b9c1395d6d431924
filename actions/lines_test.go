package actions_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// lines writes the parts and returns what came out.
func lines(limit int64, parts ...string) (got []string) {
	w := actions.Lines(limit, func(s string) { got = append(got, s) })
	for _, part := range parts {
		io.WriteString(w, part) //nolint:errcheck // tested elsewhere
	}
	w.Close()
	return got
}

const tooLong = "output truncated: it is too long, its end follows when the action has ended"

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64<<10)
	for name, tt := range map[string]struct {
		limit int64
		parts []string
		want  []string
	}{
		"nothing":              {1 << 20, nil, nil},
		"lines of nothing":     {1 << 20, []string{"\n\na\n"}, []string{"", "", "a"}},
		"without an end":       {1 << 20, []string{"a\nb"}, []string{"a", "b"}},
		"in parts":             {1 << 20, []string{"a", "b\r", "\nc", "\n"}, []string{"ab", "c"}},
		"one return dropped":   {1 << 20, []string{"a\r\r\nb\rc\nd\r"}, []string{"a\r", "b\rc", "d"}},
		"any bytes":            {1 << 20, []string{"\x00\xff\n\xc3"}, []string{"\x00\xff", "\xc3"}},
		"just fits":            {1 << 20, []string{long, "\n", "b"}, []string{long, "b"}},
		"just fits, returned":  {1 << 20, []string{long, "\r\nb"}, []string{long, "b"}},
		"cut":                  {1 << 20, []string{long + "yz\n"}, []string{long, "yz"}},
		"cut between runes":    {1 << 20, []string{"a" + strings.Repeat("é", 32<<10)}, []string{"a" + strings.Repeat("é", 32<<10-1), "é"}},
		"cut, no rune in view": {1 << 20, []string{strings.Repeat("\x80", 64<<10+1)}, []string{strings.Repeat("\x80", 64<<10), "\x80"}},
		"limit met":            {1000, []string{"a\nb\n", "c\nd"}, []string{"a", "b", "c", "d"}},
		"beginning and end":    {1000, []string{"a\nb\nc\nd\ne\nfgh\nerror"}, []string{"a", "b", "c", tooLong, "output truncated: 3 lines, 5 bytes are left out here", "error"}},
		"empty lines":          {2000, []string{strings.Repeat("\n", 100), "error\n"}, []string{"", "", "", "", "", "", "", tooLong, "output truncated: 92 lines, 0 bytes are left out here", "", "error"}},
		"too long for the end": {1000, []string{strings.Repeat("x", 800), "\nb\n", "c\n"}, []string{tooLong, "output truncated: 2 lines, 801 bytes are left out here", "c"}},
		"no limit left":        {0, []string{"a"}, []string{tooLong, "output truncated: 1 lines, 1 bytes are left out here"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lines(tt.limit, tt.parts...); !slices.Equal(got, tt.want) {
				t.Errorf("got %.200q, want %.200q", got, tt.want)
			}
		})
	}
}

func TestLinesAfterClose(t *testing.T) {
	t.Parallel()
	var got []string
	w := actions.Lines(300, func(s string) { got = append(got, s) })
	if n, err := w.Write([]byte("a\nb")); n != 3 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if n, err := w.Write([]byte("d")); n != 0 || err != io.ErrClosedPipe { //nolint:errorlint // as documented
		t.Errorf("Write after Close: %d, %v", n, err)
	}
	if want := []string{"a", tooLong, "output truncated: 1 lines, 1 bytes are left out here"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinesConcurrently(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	w := actions.Lines(1<<20, func(s string) { got[s]++ })
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 100 {
				fmt.Fprintf(w, "line %d\n", i)
			}
		})
	}
	writers.Wait()
	for i := range 8 {
		if n := got[fmt.Sprintf("line %d", i)]; n != 100 {
			t.Errorf("writer %d: %d lines of 100", i, n)
		}
	}
}
