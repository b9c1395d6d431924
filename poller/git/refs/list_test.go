package refs

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func listOf(names ...string) List {
	var l Listing
	for i, name := range names {
		l.Add(name, []byte{byte(i), 0xff})
	}
	return l.List()
}

func TestLists(t *testing.T) {
	l := listOf("refs/heads/b", "refs/heads/a", "refs/heads/c", "refs/heads/a")
	if want := (List{{"refs/heads/a", "03ff"}, {"refs/heads/b", "00ff"}, {"refs/heads/c", "02ff"}}); !slices.Equal(l, want) {
		t.Errorf("%v, want %v", l, want)
	}
	for name, want := range map[string]string{"refs/heads/a": "03ff", "refs/heads/c": "02ff", "refs/heads/d": "", "": ""} {
		if sha, ok := l.Find(name); sha != want || ok != (want != "") {
			t.Errorf("%q is at %q, %v", name, sha, ok)
		}
	}
	if some := l.Select(Patterns{"refs/heads/[ac]"}); len(some) != 2 || some[1].Ref != "refs/heads/c" || len(l) != 3 || l[1].Ref != "refs/heads/b" {
		t.Errorf("selected %v of %v", some, l)
	}
	if all := append(l.Select(Patterns{"refs/heads/*"}), Revision{}); len(all) != 4 || &all[0] == &l[0] {
		t.Error("what is appended to a part would change the whole")
	}
	if none := listOf(); len(none) != 0 {
		t.Error(none)
	}
}

func TestSieve(t *testing.T) {
	all := listOf("refs/heads/main", "refs/heads/\xff", "refs/heads/a b")
	found, out, example := all.Sieve()
	if out != 2 || example != "refs/heads/a b" || len(found) != 1 || len(all) != 3 {
		t.Error(out, example, found, all)
	}
	if again, out, _ := found.Sieve(); out != 0 || len(again) != 1 {
		t.Error(out, again)
	}
}

// TestMemoryOfLists holds a ref to what its text and two strings take.
func TestMemoryOfLists(t *testing.T) {
	const count = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var l Listing
	id := bytes.Repeat([]byte{0xab}, 20)
	size := 0
	for i := range count {
		name := fmt.Sprintf("refs/heads/%d", i)
		l.Add(name, id)
		size += len(name) + 40
	}
	all := l.List()
	l = Listing{}
	runtime.GC()
	runtime.ReadMemStats(&after)
	took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if most := int64(size) + count*32*5/4 + 1<<20; took > most {
		t.Errorf("%d refs with %d KB of text take %d KB, want %d", len(all), size>>10, took>>10, most>>10)
	}
	if sha, ok := all.Find("refs/heads/77777"); !ok || sha != strings.Repeat("ab", 20) {
		t.Error(sha, ok)
	}
}
