package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
)

// manyEntries is a pack of more entries than 16 pages hold: blobs, deltas that
// lean on those by offset and by name, before and after what they lean on, and deltas upon deltas.
func manyEntries(t *testing.T) []byte {
	t.Helper()
	const blobs = 4_000
	hash := object.NewHasher(object.SHA1)
	var entries [][]byte
	offset := packHead
	add := func(entry []byte) (at int) {
		entries = append(entries, entry)
		offset += len(entry)
		return offset - len(entry)
	}
	for i := range blobs {
		content := binary.BigEndian.AppendUint32([]byte("base"), uint32(i))
		id, err := hash.Of(object.Object{Kind: object.KindBlob, Data: content})
		if err != nil {
			t.Fatal(err)
		}
		appending := func(base int, tail byte) []byte { // a delta upon something of base bytes
			return []byte{byte(base), byte(base + 1), 0x90, byte(base), 1, tail}
		}
		add(stored(append(AppendEntryHead(nil, object.KindRefDelta, 6), id.Bytes()...), appending(8, 'n')))
		whole := add(stored(AppendEntryHead(nil, object.KindBlob, 8), content))
		at := add(stored(AppendDeltaHead(nil, 6, int64(offset-whole)), appending(8, 'o')))
		add(stored(AppendDeltaHead(nil, 6, int64(offset-at)), appending(9, 'u')))
	}
	if len(entries)*(nameAt+20) < 16*pageBytes {
		t.Fatal("too few entries")
	}
	return gittest.RawPack(uint32(len(entries)), entries...)
}

// stored is an entry that is not compressed, RFC 1950 and 1951.
func stored(head, content []byte) []byte {
	n := uint16(len(content))
	entry := binary.LittleEndian.AppendUint16(append(head, 0x78, 1, 1), n)
	entry = append(binary.LittleEndian.AppendUint16(entry, ^n), content...)
	return binary.BigEndian.AppendUint32(entry, adler32.Checksum(content))
}

// TestEntriesBeyondMemory has what comes of a pack be the same whether lists of
// its entries stay in memory or not, and its index be the one that git makes.
func TestEntriesBeyondMemory(t *testing.T) {
	whole := manyEntries(t)
	sum := object.SHA1.ID(whole[len(whole)-20:])
	var indexes [][]byte
	var lists [][]Entry
	dir := t.TempDir()
	for _, limit := range []int{16, heldPages} {
		file, err := os.Create(filepath.Join(dir, "pack"))
		if err != nil {
			t.Fatal(err)
		}
		a := NewReceiver(t.Context(), bytes.NewReader(whole), file, 1<<30, object.SHA1)
		a.Entries.scratch.limit = limit
		a.bases.limit = 0 // so that all deltas wait
		_, err = a.Read(t.Context())
		if err == nil {
			_, err = a.Resolve(t.Context(), nil)
		}
		path, indexErr := WriteIndex(dir, a.Entries, sum, nil)
		if err := errors.Join(err, indexErr); err != nil {
			t.Fatal(err)
		}
		if spilled := a.Entries.scratch.file != nil; spilled != (limit == 16) {
			t.Errorf("with %d pages there is a file: %t", limit, spilled)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		indexes, lists = append(indexes, data), append(lists, all(a.Entries))
		sameInFile(t, path, lists[0])
		if err := errors.Join(a.Entries.Close(), file.Close(), os.Remove(path)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(indexes[0], indexes[1]) || !reflect.DeepEqual(lists[0], lists[1]) {
		t.Error("what does not stay in memory differs")
	}
	gittest.Git(t, dir, "init", "--quiet", "--bare", ".")
	gittest.Git(t, dir, "index-pack", "-o", "git.idx", "pack")
	if want, err := os.ReadFile(filepath.Join(dir, "git.idx")); err != nil || !bytes.Equal(indexes[0], want) {
		t.Errorf("an index of %d bytes differs from git's of %d: %v", len(indexes[0]), len(want), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, object.TmpPrefix+"*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// sameInFile finds all entries in an index that stays in its file.
func sameInFile(t *testing.T, path string, entries []Entry) {
	t.Helper()
	x, err := openIndex(path, object.SHA1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	for _, e := range entries {
		if at, ok := x.Find(e.ID); !ok || at != e.Offset {
			t.Fatalf("%s is at %d, %t, want %d", e.ID, at, ok, e.Offset)
		}
	}
	for _, none := range []byte{0, 0x7f, 0xff} {
		if _, ok := x.Find(object.SHA1.ID(bytes.Repeat([]byte{none}, 20))); ok {
			t.Error("found what is not there")
		}
	}
	table, err := x.Entries(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all(table) {
		if want := entries[i]; e.ID != want.ID || e.Offset != want.Offset || e.Crc != want.Crc {
			t.Fatalf("entry %d is %v, want %v", i, e, want)
		}
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
}

// TestNoRoomForEntries ends the fetch where the lists of entries have no room.
func TestNoRoomForEntries(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	a := NewReceiver(t.Context(), bytes.NewReader(manyEntries(t)), file, 1<<30, object.SHA1)
	a.Entries.scratch.limit, a.Entries.scratch.dir = 4, filepath.Join(t.TempDir(), "gone")
	if _, err := a.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no room: %v", err)
	}
}
