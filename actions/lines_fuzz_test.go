package actions

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLines: how the input is split into writes changes nothing, no piece is
// too long, no byte is lost, and no character is torn.
func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\n\nc", uint8(3), uint8(5), 100000)
	f.Add("aé€😀aé€😀\r\n", uint8(1), uint8(4), 1000)
	f.Add("a\nb\nc\nd\ne\nf\ng\nh\n", uint8(1), uint8(4), 900)
	f.Add("\xff\xff\xff\xff\xff\xff\r\n", uint8(2), uint8(4), 0)
	f.Fuzz(func(t *testing.T, s string, part, size uint8, limit int) {
		part, size, limit = max(part, 1), max(size, utf8.UTFMax), max(limit, 0)
		asked := limit
		var parts []string
		for p := range slices.Chunk([]byte(s), int(part)) {
			parts = append(parts, string(p))
		}
		cut := func(parts ...string) (got []string) {
			w := Lines(int64(limit), func(line string) { got = append(got, line) })
			w.size = int(size)
			for _, p := range parts {
				if n, err := io.WriteString(w, p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return got
		}
		want := cut(s)
		if got := cut(parts...); !slices.Equal(got, want) {
			t.Fatalf("in parts of %d bytes %q, at once %q", part, got, want)
		}
		limit = math.MaxInt
		all := cut(s)
		checkTruncated(t, want, all, int64(asked))
		want = all
		whole := utf8.ValidString(s)
		for _, line := range want {
			if len(line) > int(size) || strings.Contains(line, "\n") || whole && !utf8.ValidString(line) {
				t.Fatalf("bad line %q", line)
			}
		}
		flat := strings.NewReplacer("\r", "", "\n", "")
		if got, all := flat.Replace(strings.Join(want, "")), flat.Replace(s); got != all {
			t.Fatalf("%q became %q", all, got)
		}
	})
}

// checkTruncated: the beginning and the end are there, within the limit, and
// what is missing between them is counted.
func checkTruncated(t *testing.T, got, all []string, limit int64) {
	t.Helper()
	at := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, "output truncated: it is too long") })
	if at < 0 {
		if !slices.Equal(got, all) {
			t.Fatalf("%q became %q", all, got)
		}
		return
	}
	head, tail := got[:at], got[at+2:]
	missing := len(all) - len(head) - len(tail)
	if missing <= 0 || !slices.Equal(head, all[:at]) || !slices.Equal(tail, all[len(all)-len(tail):]) {
		t.Fatalf("limit %d: %q became %q", limit, all, got)
	}
	size := 0
	for _, line := range all[at : at+missing] {
		size += len(line)
	}
	if told := fmt.Sprintf("output truncated: %d lines, %d bytes are left out here", missing, size); got[at+1] != told {
		t.Fatalf("it says %q, want %q", got[at+1], told)
	}
	var cost int64
	for _, line := range slices.Concat(head, tail) {
		cost += costOf(len(line))
	}
	if cost > limit {
		t.Fatalf("limit %d, %d bytes", limit, cost)
	}
}
