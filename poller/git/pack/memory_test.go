package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
)

// allocated is how many bytes do takes from the heap, given back or not.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// bombs are deltas of some bytes that make a large object each, upon a blob.
func bombs(t *testing.T, count, size int, byName bool) []byte {
	t.Helper()
	content := bytes.Repeat([]byte{0}, 1<<20)
	base := gittest.RawEntry(t, object.KindBlob, int64(len(content)), nil, content)
	id, err := object.NewHasher(object.SHA1).Of(object.Object{Kind: object.KindBlob, Data: content})
	if err != nil {
		t.Fatal(err)
	}
	varint := func(n int) (out []byte) {
		for ; n >= 0x80; n >>= 7 {
			out = append(out, byte(n)|0x80)
		}
		return append(out, byte(n))
	}
	copies := size >> 20
	entries, offset := [][]byte{base}, packHead+len(base)
	for i := range count {
		delta := append(varint(len(content)), varint(copies<<20+1)...)
		for range copies {
			delta = append(delta, 0x80|0x40, 0x10) // 1 MB from its beginning
		}
		delta = append(delta, 1, byte(i))
		var entry []byte
		if byName {
			entry = gittest.RawEntry(t, object.KindRefDelta, int64(len(delta)), id.Bytes(), delta)
		} else {
			head := AppendDeltaHead(nil, int64(len(delta)), int64(offset-packHead))
			entry = append(head, gittest.Deflated(t, delta, 6)...)
		}
		entries, offset = append(entries, entry), offset+len(entry)
	}
	return gittest.RawPack(uint32(len(entries)), entries...)
}

// retained is how many bytes of the heap stay for what do returns.
func retained(do func() any) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// take is what a fetch with a limit does with a pack.
func take(t *testing.T, pack []byte, limit int64) error {
	t.Helper()
	_, err := takeAll(t, pack, limit)
	return err
}

func takeAll(t *testing.T, pack []byte, limit int64) (*Receiver, error) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "pack")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	a := NewReceiver(t.Context(), bytes.NewReader(pack), file, limit, object.SHA1)
	if _, err = a.Read(t.Context()); err == nil {
		_, err = a.Resolve(t.Context(), nil)
	}
	a.stream.r = nil // the pack does not count
	return a, errors.Join(err, a.Entries.Close())
}

// TestMemoryOfHostilePacks holds what a pack costs to a part of its size, however
// many objects there are in it, and however large they are.
func TestMemoryOfHostilePacks(t *testing.T) {
	const large = 40 << 20
	for _, byName := range []bool{true, false} {
		pack := bombs(t, 3, large, byName)
		used := allocated(func() {
			if err := take(t, pack, 256<<20); err != nil {
				t.Error(err)
			}
		})
		t.Logf("deltas by name %t: a pack of %d KB took %d MB", byName, len(pack)>>10, used>>20)
		if most := uint64(16<<20 + len(pack)/100); used > most {
			t.Errorf("deltas by name %t: a pack of %d KB took %d MB, want %d", byName, len(pack)>>10, used>>20, most>>20)
		}
		if err := take(t, pack, 32<<20); err == nil || !strings.Contains(err.Error(), "--max-repo-size") {
			t.Errorf("results are not counted: %v", err)
		}
	}
	entry := gittest.RawEntry(t, object.KindBlob, 0, nil, nil)
	nowhere := gittest.RawEntry(t, object.KindRefDelta, 4, bytes.Repeat([]byte{7}, 20), []byte{0, 1, 1, 'x'})
	for name, c := range map[string]struct {
		entry []byte
		count uint32
		says  string
	}{
		"taken":         {entry, 400_000, ""},
		"bases nowhere": {nowhere, 250_000, errNoBase.Error()},
	} {
		kept := retained(func() any {
			a, err := takeAll(t, gittest.RawPack(c.count, bytes.Repeat(c.entry, int(c.count))), 4<<30)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
			return a
		})
		t.Logf("%s: %d objects took %d MB", name, c.count, kept>>20)
		if most := int64(14 << 20); kept > most {
			t.Errorf("%s: %d objects took %d MB, want %d", name, c.count, kept>>20, most>>20)
		}
	}
	if err := take(t, gittest.RawPack(350_000, entry), 1<<20); err == nil || !strings.Contains(err.Error(), "--max-repo-size") {
		t.Errorf("the number is not limited: %v", err)
	}
}

// TestChainsOfLargeObjects makes each of a chain once, not all of it for each.
func TestChainsOfLargeObjects(t *testing.T) {
	const size, length = 17 << 20, 5 // none is kept for long
	content := make([]byte, size)
	entries := [][]byte{gittest.RawEntry(t, object.KindBlob, size, nil, content)}
	varint := binary.AppendUvarint
	for i := range length {
		delta := varint(varint(nil, uint64(size+i)), uint64(size+i+1))
		delta = append(delta, 1, byte(i))
		for left, at := size+i, 0; left > 0; {
			n := min(left, 0xffffff)
			delta = append(delta, 0xff, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(n), byte(n>>8), byte(n>>16))
			left, at = left-n, at+n
		}
		head := AppendDeltaHead(nil, int64(len(delta)), int64(len(entries[i])))
		entries = append(entries, append(head, gittest.Deflated(t, delta, 6)...))
	}
	a, err := takeAll(t, gittest.RawPack(length+1, entries...), 4<<30)
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(length+2) * (size + length); a.unfolded > most {
		t.Errorf("made %d MB of objects, want %d", a.unfolded>>20, most>>20)
	}
}

// TestObjectsTwice has the index of a pack with objects that are twice in it be
// the one that git makes.
func TestObjectsTwice(t *testing.T) {
	packs := realPacks(t)
	for _, whole := range [][]byte{packs[0], packs[2]} { // in the other deltas name their bases, which git refuses to have twice
		entries, err := takeIn(t, whole)
		if err != nil {
			t.Fatal(err)
		}
		var parts [][]byte
		for i, e := range entries {
			end := int64(len(whole) - 20)
			if i+1 < len(entries) {
				end = entries[i+1].Offset
			}
			if part := whole[e.Offset:end]; part[0]>>4&7 != byte(object.KindOffsetDelta) { // it would lean on something else
				parts = append(parts, part)
			}
		}
		twice := gittest.RawPack(uint32(len(entries)+len(parts)), whole[packHead:len(whole)-20], bytes.Join(parts, nil))
		entries, err = takeIn(t, twice)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		gittest.Git(t, dir, "init", "--quiet", "--bare", ".")
		path := filepath.Join(dir, "objects", "pack", "pack-"+object.SHA1.ID(twice[len(twice)-20:]).String())
		gittest.Write(t, path+".pack", string(twice))
		gittest.Git(t, dir, "index-pack", path+".pack")
		want, err := os.ReadFile(path + ".idx")
		if err != nil {
			t.Fatal(err)
		}
		found := indexOf(t, object.SHA1.ID(twice[len(twice)-20:]), entries...)
		if !bytes.Equal(found, want) {
			t.Errorf("an index of %d bytes differs from git's of %d", len(found), len(want))
		}
		if err := os.Remove(path + ".idx"); err != nil {
			t.Fatal(err)
		}
		gittest.Write(t, path+".idx", string(found))
		if out := gittest.Fsck(t, dir); strings.Contains(out, "error") {
			t.Error(out)
		}
	}
}

// TestDeltasThatAreNotLookedAt are beyond what is kept of a chain: what they make may be large.
func TestDeltasThatAreNotLookedAt(t *testing.T) {
	const large = 64 << 20 // whose delta has no room beside the other
	entries := [][]byte{bombs(t, 1, large, false)}
	entries[0] = entries[0][packHead : len(entries[0])-object.SHA1.Size()] // a blob and a delta of some bytes
	var inserts []byte
	for len(inserts) < mostDeltas-200 {
		inserts = append(append(inserts, 127), bytes.Repeat([]byte{'x'}, 127)...)
	}
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, large+1), uint64(len(inserts)/128*127))
	delta = append(delta, inserts...)
	upon := deltaOffset(t)
	head := AppendDeltaHead(nil, int64(len(delta)), int64(len(entries[0])-upon))
	whole := gittest.RawPack(3, append(entries, append(head, gittest.Deflated(t, delta, 6)...))...)
	file := filepath.Join(t.TempDir(), "pack")
	gittest.Write(t, file, string(whole))
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	at := Place{&Pack{File: opened, Size: int64(len(whole) - object.SHA1.Size()), Format: object.SHA1}, int64(packHead + len(entries[0]))}
	u := NewUnpacker(2 * mostDeltas)
	u.Spools.Dir = t.TempDir()
	var o object.Object
	used := allocated(func() { o, err = u.Unpack(at, nil) })
	if err != nil || len(o.Data) != len(inserts)/128*127 {
		t.Fatalf("%d bytes, %v", len(o.Data), err)
	}
	if used > large {
		t.Errorf("it took %d MB", used>>20)
	}
}

// deltaOffset is where the first delta of bombs begins, without the head of the pack.
func deltaOffset(t *testing.T) int {
	t.Helper()
	content := bytes.Repeat([]byte{0}, 1<<20)
	return len(gittest.RawEntry(t, object.KindBlob, int64(len(content)), nil, content))
}
