package pack

import (
	"bytes"
	"crypto/sha1"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
)

// takeIn is what a fetch does with a pack.
func takeIn(tb testing.TB, pack []byte) ([]Entry, error) {
	tb.Helper()
	return takeInKeeping(tb, pack, resolveBases)
}

// takeInKeeping takes objects of more than half of most bytes for large ones.
func takeInKeeping(tb testing.TB, pack []byte, most int) ([]Entry, error) {
	tb.Helper()
	file, err := os.CreateTemp(tb.TempDir(), "pack")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	a := NewReceiver(tb.Context(), bytes.NewReader(pack), file, 1<<20, object.SHA1)
	a.most = most
	defer func() { _ = a.Entries.Close() }()
	if _, err := a.Read(tb.Context()); err != nil {
		return nil, err
	}
	_, err = a.Resolve(tb.Context(), nil)
	return all(a.Entries), err
}

func all(t *Table) []Entry {
	entries := make([]Entry, t.Len())
	for i := range entries {
		entries[i] = t.At(i)
	}
	return entries
}

// indexOf is an index as it is written.
func indexOf(tb testing.TB, sum object.ID, entries ...Entry) []byte {
	tb.Helper()
	path, err := WriteIndex(tb.TempDir(), NewTable(object.SHA1, NewScratch(""), entries...), sum, nil)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestHostilePacks(t *testing.T) {
	id := idOf(t, strings.Repeat("12", 20))
	blob := gittest.RawEntry(t, object.KindBlob, 5, nil, []byte("hello"))
	copyAll := []byte{5, 5, 0x90, 5}
	good := gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 4, []byte{byte(len(blob))}, copyAll))
	if entries, err := takeIn(t, good); err != nil || len(entries) != 2 || entries[0].ID != entries[1].ID {
		t.Fatalf("a good pack: %v, %v", entries, err)
	}
	bomb := bytes.Repeat([]byte{0}, 3<<20)
	for name, pack := range map[string][]byte{
		"empty":             {},
		"no pack":           []byte("hello, hello, hello, hello, hello"),
		"cut":               good[:len(good)-21],
		"without end":       good[:len(good)-5],
		"behind the end":    append(good[:len(good):len(good)], 1),
		"wrong checksum":    append(good[:len(good)-1:len(good)-1], good[len(good)-1]^1),
		"too few":           gittest.RawPack(3, blob),
		"too many":          gittest.RawPack(1, blob, blob),
		"claims 4 billion":  gittest.RawPack(1<<32-1, blob),
		"unknown kind":      gittest.RawPack(1, gittest.RawEntry(t, 5, 5, nil, []byte("hello"))),
		"kind 0":            gittest.RawPack(1, gittest.RawEntry(t, 0, 5, nil, []byte("hello"))),
		"claims more":       gittest.RawPack(1, gittest.RawEntry(t, object.KindBlob, 6, nil, []byte("hello"))),
		"claims less":       gittest.RawPack(1, gittest.RawEntry(t, object.KindBlob, 4, nil, []byte("hello"))),
		"claims 400 MB":     gittest.RawPack(1, gittest.RawEntry(t, object.KindTree, 400<<20, nil, []byte("hello"))),
		"claims 1 EB":       gittest.RawPack(1, gittest.RawEntry(t, object.KindBlob, 1<<60, nil, []byte("hello"))),
		"bombs":             gittest.RawPack(9, bytes.Repeat(gittest.RawEntry(t, object.KindBlob, int64(len(bomb)), nil, bomb), 9)),
		"base before begin": gittest.RawPack(1, gittest.RawEntry(t, object.KindOffsetDelta, 4, []byte{100}, copyAll)),
		"base is itself":    gittest.RawPack(1, gittest.RawEntry(t, object.KindOffsetDelta, 4, []byte{0}, copyAll)),
		"base amidst":       gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 4, []byte{byte(len(blob) - 1)}, copyAll)),
		"base nowhere":      gittest.RawPack(1, gittest.RawEntry(t, object.KindRefDelta, 4, id.Bytes(), copyAll)),
		"delta cut":         gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 3, []byte{byte(len(blob))}, copyAll[:3])),
		"delta of another":  gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 4, []byte{byte(len(blob))}, []byte{6, 5, 0x90, 5})),
		"delta beyond base": gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 5, []byte{byte(len(blob))}, []byte{5, 5, 0x91, 1, 5})),
		"delta too long":    gittest.RawPack(2, blob, gittest.RawEntry(t, object.KindOffsetDelta, 6, []byte{byte(len(blob))}, []byte{5, 5, 0x90, 5, 0x90, 5})),
	} {
		if _, err := takeIn(t, pack); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// realPacks are what git makes, as seeds.
func realPacks(tb testing.TB) [][]byte {
	tb.Helper()
	r := gittest.New(tb)
	for i := range 4 {
		r.Commit(map[string]string{"a": strings.Repeat("a line\n", 30+i), "b/c": strings.Repeat("c", i)})
	}
	var packs [][]byte
	for _, args := range [][]string{{"--delta-base-offset"}, {"--window=50", "--depth=50"}, {"--window=0"}} {
		raw := gittest.RawOutput(tb, r.Dir, "HEAD\n", append([]string{"pack-objects", "--stdout", "--revs", "-q"}, args...)...)
		packs = append(packs, raw)
	}
	return packs
}

func FuzzPack(f *testing.F) {
	for _, pack := range realPacks(f) {
		if entries, err := takeIn(f, pack); err != nil || len(entries) == 0 {
			f.Fatal(err)
		}
		f.Add(pack[:len(pack)-20])
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		sum := sha1.Sum(pack) // or no change would get beyond the checksum
		whole := append(pack[:len(pack):len(pack)], sum[:]...)
		entries, err := takeIn(t, whole)
		byFiles, byFilesErr := takeInKeeping(t, whole, 0)
		if (err == nil) != (byFilesErr == nil) || err == nil && !slices.Equal(byFiles, entries) {
			t.Errorf("%d entries, %v; by way of files %d, %v", len(entries), err, len(byFiles), byFilesErr)
		}
		if err != nil {
			return
		}
		x, ok := ParseIndex(indexOf(t, object.SHA1.ID(sum[:]), entries...), object.SHA1)
		if !ok {
			t.Fatal("the index cannot be read back")
		}
		for _, e := range entries {
			if _, ok := x.Find(e.ID); !ok {
				t.Errorf("%s is not in the index", e.ID)
			}
		}
	})
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte("hello"), []byte{5, 5, 0x90, 5})
	f.Add([]byte("hello"), []byte{5, 7, 2, 'a', 'b', 0x90, 5})
	f.Add(bytes.Repeat([]byte("hello"), 10_000), append([]byte{0xd0, 0x86, 3, 0x80, 0x80, 4}, 0x80, 0x83, 0, 0x10, 1, 0xb0, 0x4f, 0xc3))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := applyDelta(base, delta, MaxObject)
		inPieces, otherErr := inPieces(t, base, delta)
		if (err == nil) != (otherErr == nil) || err == nil && !bytes.Equal(out, inPieces) {
			t.Errorf("%d bytes, %v; in pieces %d, %v", len(out), err, len(inPieces), otherErr)
		}
	})
}

// inPieces does what a delta says by way of files.
func inPieces(t *testing.T, base, delta []byte) ([]byte, error) {
	t.Helper()
	file, err := Spools{Dir: t.TempDir()}.create()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.close() }()
	if _, err := file.Write(base); err != nil {
		t.Fatal(err)
	}
	d, err := newDeltaStream(bytes.NewReader(delta), int64(len(delta)), Base{Kind: object.KindBlob, spool: file}, t.Context().Err)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = d.copy(&out)
	return out.Bytes(), err
}

func FuzzIndex(f *testing.F) {
	f.Add(indexOf(f, object.SHA1.ID(make([]byte, 20)), Entry{Offset: 12}, Entry{ID: idOf(f, strings.Repeat("f", 40)), Offset: 1 << 40}))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "index")
		gittest.Write(t, path, string(data))
		large, err := openIndex(path, object.SHA1, 0)
		if err == nil {
			defer func() { _ = large.Close() }()
		}
		if x, ok := ParseIndex(data, object.SHA1); ok {
			if err != nil {
				t.Fatal(err)
			}
			_, _ = x.Find(idOf(t, strings.Repeat("f", 40)))
			entries, err := x.Entries("")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all(entries) {
				_, found := x.Find(e.ID)
				if _, again := large.Find(e.ID); found && !again && sorted(x) {
					t.Errorf("%s is not found in the file", e.ID)
				}
			}
		}
	})
}

// sorted says whether the names of an index are in order.
func sorted(x *Index) bool {
	for i := 1; i < x.Count; i++ {
		if bytes.Compare(x.data[indexNames+(i-1)*20:][:20], x.data[indexNames+i*20:][:20]) > 0 {
			return false
		}
	}
	return true
}

func idOf(tb testing.TB, hex string) object.ID {
	tb.Helper()
	id, ok := object.ParseID(hex)
	if !ok {
		tb.Fatalf("%q is no name", hex)
	}
	return id
}
