package actions

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLines: how the input is split into writes changes nothing, no piece is
// too long, no byte is lost, and no character is torn.
func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\n\nc", uint8(3), uint8(5), 100)
	f.Add("aé€😀aé€😀\r\n", uint8(1), uint8(4), 17)
	f.Add("\xff\xff\xff\xff\xff\xff\r\n", uint8(2), uint8(4), 0)
	f.Fuzz(func(t *testing.T, s string, part, size uint8, limit int) {
		part, size, limit = max(part, 1), max(size, utf8.UTFMax), max(limit, 0)
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
		if limit < len(s) {
			last := len(want) - 1
			if told := fmt.Sprintf("output truncated: %d more bytes", len(s)-limit); want[last] != told {
				t.Fatalf("last line %q, want %q", want[last], told)
			}
			want, s = want[:last], s[:limit]
		}
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
