package object

import (
	"strings"
	"testing"
)

func FuzzCommit(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add([]byte("tree " + id + "\nparent " + id + "\nparent " + id + "\nauthor x\n\nparent " + id + "\n"))
	f.Add([]byte("tree " + id + "\nparent x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCommit(ID{}, Object{KindCommit, data})
		if err == nil && 48*len(c.Parents)+46 > len(data) {
			t.Errorf("%d parents of %d bytes", len(c.Parents), len(data))
		}
	})
}
