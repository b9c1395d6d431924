package object

import (
	"strings"
	"testing"
)

func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890" + "40000 b\x0012345678901234567890"))
	f.Add([]byte("120000 .git\x0012345678901234567890"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ParseTree(SHA1, data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range entries {
			if seen[e.Name] || strings.ContainsAny(e.Name, "/\x00") || e.Name == "" || e.Name == ".." || strings.EqualFold(e.Name, ".git") {
				t.Errorf("%q was let through", e.Name)
			}
			seen[e.Name] = true
		}
	})
}
