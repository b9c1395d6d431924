package git

import (
	"bytes"
	"compress/flate"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// rawPack makes a pack of entries as they are.
func rawPack(count uint32, entries ...[]byte) []byte {
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count)
	for _, entry := range entries {
		pack = append(pack, entry...)
	}
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

func rawEntry(tb testing.TB, kind plumbing.ObjectType, size int64, head, content []byte) []byte {
	tb.Helper()
	first, rest := byte(kind)<<4|byte(size&15), uint64(size)>>4
	var entry []byte
	for ; rest > 0; rest >>= 7 {
		entry = append(entry, first|0x80)
		first = byte(rest & 0x7f)
	}
	entry = append(append(entry, first), head...)
	return append(entry, deflated(tb, content, flate.DefaultCompression)...)
}

// takeIn is what a fetch does with a pack.
func takeIn(tb testing.TB, pack []byte) ([]packEntry, error) {
	tb.Helper()
	file, err := os.CreateTemp(tb.TempDir(), "pack")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	a := newArrival(tb.Context(), bytes.NewReader(pack), file, 1<<20)
	if _, err := a.read(tb.Context()); err != nil {
		return nil, err
	}
	_, err = a.resolve(tb.Context(), nil)
	return a.entries, err
}

func TestHostilePacks(t *testing.T) {
	id := plumbing.NewHash(strings.Repeat("12", 20))
	blob := rawEntry(t, plumbing.BlobObject, 5, nil, []byte("hello"))
	copyAll := []byte{5, 5, 0x90, 5}
	good := rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 4, []byte{byte(len(blob))}, copyAll))
	if entries, err := takeIn(t, good); err != nil || len(entries) != 2 || entries[0].id != entries[1].id {
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
		"too few":           rawPack(3, blob),
		"too many":          rawPack(1, blob, blob),
		"claims 4 billion":  rawPack(1<<32-1, blob),
		"unknown kind":      rawPack(1, rawEntry(t, 5, 5, nil, []byte("hello"))),
		"kind 0":            rawPack(1, rawEntry(t, 0, 5, nil, []byte("hello"))),
		"claims more":       rawPack(1, rawEntry(t, plumbing.BlobObject, 6, nil, []byte("hello"))),
		"claims less":       rawPack(1, rawEntry(t, plumbing.BlobObject, 4, nil, []byte("hello"))),
		"claims 400 MB":     rawPack(1, rawEntry(t, plumbing.TreeObject, 400<<20, nil, []byte("hello"))),
		"claims 1 EB":       rawPack(1, rawEntry(t, plumbing.BlobObject, 1<<60, nil, []byte("hello"))),
		"bombs":             rawPack(9, bytes.Repeat(rawEntry(t, plumbing.BlobObject, int64(len(bomb)), nil, bomb), 9)),
		"base before begin": rawPack(1, rawEntry(t, plumbing.OFSDeltaObject, 4, []byte{100}, copyAll)),
		"base is itself":    rawPack(1, rawEntry(t, plumbing.OFSDeltaObject, 4, []byte{0}, copyAll)),
		"base amidst":       rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 4, []byte{byte(len(blob) - 1)}, copyAll)),
		"base nowhere":      rawPack(1, rawEntry(t, plumbing.REFDeltaObject, 4, id[:], copyAll)),
		"delta cut":         rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 3, []byte{byte(len(blob))}, copyAll[:3])),
		"delta of another":  rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 4, []byte{byte(len(blob))}, []byte{6, 5, 0x90, 5})),
		"delta beyond base": rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 5, []byte{byte(len(blob))}, []byte{5, 5, 0x91, 1, 5})),
		"delta too long":    rawPack(2, blob, rawEntry(t, plumbing.OFSDeltaObject, 6, []byte{byte(len(blob))}, []byte{5, 5, 0x90, 5, 0x90, 5})),
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
		entries, err := takeIn(t, append(pack[:len(pack):len(pack)], sum[:]...))
		if err != nil {
			return
		}
		x, ok := parsePackIndex(encodePackIndex(entries, sum))
		if !ok {
			t.Fatal("the index cannot be read back")
		}
		for _, e := range entries {
			if _, ok := x.find(e.id); !ok {
				t.Errorf("%s is not in the index", e.id)
			}
		}
	})
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte("hello"), []byte{5, 5, 0x90, 5})
	f.Add([]byte("hello"), []byte{5, 7, 2, 'a', 'b', 0x90, 5})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if out, err := applyDelta(base, delta, 1<<16); err == nil && len(out) > 1<<16 {
			t.Error("too large")
		}
	})
}

func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890" + "40000 b\x0012345678901234567890"))
	f.Add([]byte("120000 .git\x0012345678901234567890"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range entries {
			if seen[e.name] || strings.ContainsAny(e.name, "/\x00") || e.name == "" || e.name == ".." || strings.EqualFold(e.name, ".git") {
				t.Errorf("%q was let through", e.name)
			}
			seen[e.name] = true
		}
	})
}

func FuzzList(f *testing.F) {
	sha := strings.Repeat("12", 20)
	f.Add(pkt(sha+" HEAD symref-target:refs/heads/main", sha+" refs/heads/main", flush))
	f.Add(pkt("ERR not our ref", flush))
	f.Add([]byte("0000"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		ad, err := readList(newPktReader(bytes.NewReader(answer)))
		if (ad == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
		p := newPktReader(bytes.NewReader(answer))
		if _, err := readToPack(p); err == nil {
			_, _ = bytes.NewBuffer(nil).ReadFrom(p)
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add(encodePackIndex([]packEntry{{offset: 12}, {id: plumbing.NewHash(strings.Repeat("f", 40)), offset: 1 << 40}}, plumbing.ZeroHash))
	f.Fuzz(func(t *testing.T, data []byte) {
		if x, ok := parsePackIndex(data); ok {
			_, _ = x.find(plumbing.NewHash(strings.Repeat("f", 40)))
			for _, e := range x.entries() {
				_, _ = x.find(e.id)
			}
		}
	})
}

// TestTreeBomb has ten trees that stand for ten billion files.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	over := map[string]*Mirror{"path": mirror(t, r.Dir), "http": overHTTP(t, r)}
	inner, kind := gittest.GitInput(t, r.Dir, "boom", "hash-object", "-w", "--stdin"), "100644"
	for range 10 {
		var entries []string
		for i := range 10 {
			entries = append(entries, kind, string(rune('a'+i)), inner)
		}
		inner, kind = rawTree(t, r, entries...), "40000"
	}
	sha := commitTree(t, r, inner)
	for way, m := range over {
		if err := mustFail(t, m, sha); !strings.Contains(err.Error(), "files and directories") {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestServerErrors(t *testing.T) {
	p := newPktReader(bytes.NewReader(append(pkt("\x02progress"), pkt("\x03out of order")...)))
	var said *serverError
	if _, err := p.Read(make([]byte, 10)); !errors.As(err, &said) || said.text != "out of order" {
		t.Error(err)
	}
}
