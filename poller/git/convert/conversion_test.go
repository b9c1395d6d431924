package convert

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestIdentHeld has an ident that does not end: only so much of it is held.
func TestIdentHeld(t *testing.T) {
	content := []byte("$Id:" + strings.Repeat("x", 3*maxIdent) + "$ $Id$ $Id: y $\n")
	var out bytes.Buffer
	w := newIdentWriter(&out, strings.Repeat("0", 40))
	for rest := content; len(rest) > 0; rest = rest[min(1000, len(rest)):] {
		if _, err := w.Write(rest[:min(1000, len(rest))]); err != nil {
			t.Fatal(err)
		}
		if len(w.held) > maxIdent+1 {
			t.Fatal("too much")
		}
	}
	ident := "$Id: " + strings.Repeat("0", 40) + " $"
	if want := string(content[:3*maxIdent+6]) + ident + " " + ident + "\n"; w.close() != nil || out.String() != want {
		t.Errorf("%d bytes, want %d", out.Len(), len(want))
	}
}

func BenchmarkConvert(b *testing.B) {
	content := []byte(strings.Repeat("a line of text as it may be in a file\n", 250))
	for _, c := range []Conversion{CRLF, CRLF | Auto, Ident} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				c.Apply(content, strings.Repeat("0", 40))
			}
		})
	}
}
