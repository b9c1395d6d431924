package object

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890" + "40000 b\x0012345678901234567890"))
	f.Add([]byte("120000 .git\x0012345678901234567890"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := ParseTree(SHA1, data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		var before TreeEntry
		for e := range tree.All() {
			if len(seen) > 0 && before.compare(e) >= 0 {
				t.Errorf("%q comes before %q", before.Name, e.Name)
			}
			before = e
			if seen[e.Name] || strings.ContainsAny(e.Name, "/\x00") || e.Name == "" || e.Name == ".." || strings.EqualFold(e.Name, ".git") {
				t.Errorf("%q was let through", e.Name)
			}
			seen[e.Name] = true
		}
		if len(seen) != tree.Len {
			t.Errorf("%d of %d entries", len(seen), tree.Len)
		}
	})
}

// TestTwins refuses a name that is twice in a tree, be that in git's order or not.
func TestTwins(t *testing.T) {
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + strings.Repeat("i", 20) }
	file, dir := func(name string) string { return entry("100644", name) }, func(name string) string { return entry("40000", name) }
	for text, twin := range map[string]bool{
		file("a") + file("b"):                                           false,
		file("a") + file("a"):                                           true,
		file("a") + dir("a"):                                            true,
		file("a") + file("a-x") + file("a.b") + dir("a"):                true,
		file("a") + file("a-x") + file("a-x-y") + dir("a.b") + dir("a"): true,
		file("a") + file("a-x") + dir("ab"):                             false,
		dir("a") + file("a"):                                            true,
		file("b") + file("a"):                                           false,
		file("b") + file("a") + dir("b"):                                true,
		dir("b") + file("a") + file("b"):                                true,
		dir("a.b") + dir("a") + file("a0"):                              false,
	} {
		if tree, err := ParseTree(SHA1, []byte(text)); (err != nil) != twin || err == nil && tree.Len != strings.Count(text, "\x00") {
			t.Errorf("%q: %v", text, err)
		}
		if tree, err := scanTree(SHA1, []byte(text)); err != nil || tree.Len != strings.Count(text, "\x00") {
			t.Errorf("%q as it is: %v", text, err)
		}
	}
}

// TestMemoryOfTrees has reading a tree take nothing beside it.
func TestMemoryOfTrees(t *testing.T) {
	const count = 40_000
	var data []byte
	for i := range count {
		data = append(fmt.Appendf(data, "100644 %07d%s\x00", i, strings.Repeat("n", 240)), make([]byte, 20)...)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tree, err := ParseTree(SHA1, data)
	found := 0
	for range tree.All() {
		found++
	}
	runtime.ReadMemStats(&after)
	if err != nil || found != count || tree.Len != count {
		t.Fatal(found, tree.Len, err)
	}
	took := after.TotalAlloc - before.TotalAlloc
	if most := uint64(64 << 10); took > most {
		t.Errorf("a tree of %d KB took %d KB, want %d", len(data)>>10, took>>10, most>>10)
	}
}
