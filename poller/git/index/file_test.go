package index

import (
	"crypto/sha1"
	"encoding/binary"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/object"
)

// TestIndexPaths has paths around the length that an entry has room for.
func TestIndexPaths(t *testing.T) {
	x := &File{Extras: []Extra{{"KOPS", []byte("extra")}}}
	for length := 1; length < 5000; length += 1 + length/4093*500 {
		path := strings.Repeat("p", length)
		x.Entries = append(x.Entries, Entry{Path: path, Mode: object.ModeRun, ID: idOf(t, strings.Repeat("70", 20)), Stat: FileStat{Size: uint32(length)}})
	}
	x.Trees = []Tree{{Entries: -1, Below: 1}, {Name: "below", Entries: 2, ID: idOf(t, strings.Repeat("12", 20))}}
	found, err := Parse(Encode(x), object.SHA1)
	if err != nil || !reflect.DeepEqual(found, x) {
		t.Errorf("%v: %d entries, want %d", err, len(found.Entries), len(x.Entries))
	}
	if StatSize(0) != 0 || StatSize(1<<32) == 0 || StatSize(5<<32+7) != 7 {
		t.Error("sizes of large files")
	}
}

func TestHostileIndex(t *testing.T) {
	entry := func(path string) Entry { return Entry{Path: path, Mode: object.ModeFile} }
	encoded := func(x File) []byte { return Encode(&x) }
	good := File{Entries: []Entry{entry("a"), entry("b/c")}, Trees: []Tree{{Entries: 2, Below: 1}, {Name: "b", Entries: 1}}}
	if _, err := Parse(encoded(good), object.SHA1); err != nil {
		t.Fatal(err)
	}
	// edit changes bytes of the good one and makes the checksum right.
	edit := func(f func(b []byte) []byte) []byte {
		b := encoded(good)
		b = f(b[:len(b)-sha1.Size])
		sum := sha1.Sum(b)
		return append(b, sum[:]...)
	}
	bad := map[string][]byte{
		"empty":       {},
		"no index":    []byte("hello, hello, hello, hello, hello, hello"),
		"cut":         encoded(good)[:100],
		"checksum":    append(encoded(good)[:len(encoded(good))-1], 1),
		"version 4":   edit(func(b []byte) []byte { b[7] = 4; return b }),
		"too many":    edit(func(b []byte) []byte { b[11]++; return b }),
		"billions":    edit(func(b []byte) []byte { binary.BigEndian.PutUint32(b[8:], 1<<31); return b }),
		"conflict":    edit(func(b []byte) []byte { b[12+(stageStat+22)-2] |= 0x10; return b }),
		"longer name": edit(func(b []byte) []byte { b[12+(stageStat+22)-1] = 9; return b }),
		"longest name": edit(func(b []byte) []byte {
			b[12+(stageStat+22)-2], b[12+(stageStat+22)-1] = 0x0f, 0xff
			b[12+(stageStat+22)] = 0
			return b
		}),
		"no padding":      edit(func(b []byte) []byte { b[12+(stageStat+22)+1] = 1; return b }),
		"extension":       edit(func(b []byte) []byte { return append(b, "link\x00\x00\x00\x00"...) }),
		"extension cut":   edit(func(b []byte) []byte { return append(b, "KOPS\x00\x00\x00\x01"...) }),
		"a byte too much": edit(func(b []byte) []byte { return append(b, 0) }),
		"mode":            encoded(File{Entries: []Entry{{Path: "a", Mode: object.ModeDir}}}),
		"order":           encoded(File{Entries: []Entry{entry("b"), entry("a")}}),
		"twice":           encoded(File{Entries: []Entry{entry("a"), entry("a")}}),
		"empty path":      encoded(File{Entries: []Entry{entry("")}}),
		"deep":            encoded(File{Entries: []Entry{entry(strings.Repeat("d/", object.MaxDepth+1) + "f")}}),
	}
	for _, path := range []string{"..", "../a", "/a", "a/", "a//b", "a/../b", "a/.", "a/.git/hooks/b", "a/.git/.git", ".git", "a/.GIT", ".GIT/b", "a\x00b"} {
		bad["path "+path] = encoded(File{Entries: []Entry{entry(path)}})
		bad["later path "+path] = encoded(File{Entries: []Entry{entry("!"), entry(path)}})
	}
	for name, trees := range map[string][]Tree{
		"missing":   {{Entries: 2, Below: 1}},
		"surplus":   {{Entries: 2}, {Name: "b", Entries: 1}},
		"root name": {{Name: "x", Entries: 2}},
		"up":        {{Entries: 2, Below: 1}, {Name: "..", Entries: 1}},
		"entries":   {{Entries: 3}},
		"negative":  {{Entries: 2, Below: -1}},
		"unknown":   {{Entries: -2}},
		"billions":  {{Entries: 2, Below: 1 << 30}},
	} {
		bad["trees "+name] = encoded(File{Entries: good.Entries, Trees: trees})
	}
	for name, data := range bad {
		if x, err := Parse(data, object.SHA1); err == nil {
			t.Errorf("%s: taken, %v", name, x)
		}
	}
	assumed := edit(func(b []byte) []byte { b[12+(stageStat+22)-2] |= 0x80; return b })
	if x, err := Parse(assumed, object.SHA1); err != nil || !reflect.DeepEqual(x.Entries, good.Entries) {
		t.Errorf("flags: %v, %v", x, err)
	}
}

func FuzzIndexFile(f *testing.F) {
	x := &File{Entries: []Entry{{Path: "a", Mode: object.ModeFile}, {Path: "b/c", Mode: object.ModeSymlink}}, Trees: []Tree{{Entries: 2, Below: 1}, {Name: "b", Entries: 1}}}
	seed := Encode(x)
	f.Add(seed[:len(seed)-sha1.Size])
	x.Extras = []Extra{{"KOPS", []byte("x")}}
	seed = Encode(x)
	f.Add(seed[:len(seed)-sha1.Size])
	f.Fuzz(func(t *testing.T, data []byte) {
		sum := sha1.Sum(data) // or no change would get beyond the checksum
		x, err := Parse(append(data[:len(data):len(data)], sum[:]...), object.SHA1)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(x.Entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) }) {
			t.Error("not in order")
		}
		for _, e := range x.Entries {
			if !filepath.IsLocal(e.Path) || strings.Contains(e.Path, "\x00") || slices.Contains(strings.Split(strings.ToLower(strings.TrimSuffix(e.Path, "/.git")), "/"), ".git") {
				t.Errorf("%q was let through", e.Path)
			}
		}
		again, err := Parse(Encode(x), object.SHA1)
		if err != nil || !reflect.DeepEqual(x, again) {
			t.Errorf("%v after writing it again: %v", err, again)
		}
	})
}

func idOf(tb testing.TB, hex string) object.ID {
	tb.Helper()
	id, ok := object.ParseID(hex)
	if !ok {
		tb.Fatalf("%q is no name", hex)
	}
	return id
}
