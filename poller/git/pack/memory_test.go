package pack

import (
	"bytes"
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

// take is what a fetch with a limit does with a pack.
func take(t *testing.T, pack []byte, limit int64) error {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "pack")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	a := NewReceiver(t.Context(), bytes.NewReader(pack), file, limit, object.SHA1)
	if _, err := a.Read(t.Context()); err != nil {
		return err
	}
	_, err = a.Resolve(t.Context(), nil)
	return err
}

// TestMemoryOfHostilePacks holds what a pack costs to its size, and to the
// largest object in it.
func TestMemoryOfHostilePacks(t *testing.T) {
	const large = 32 << 20
	for _, byName := range []bool{true, false} {
		pack := bombs(t, 6, large, byName)
		used := allocated(func() {
			if err := take(t, pack, 64<<20); err != nil {
				t.Error(err)
			}
		})
		t.Logf("deltas by name %t: a pack of %d KB took %d MB", byName, len(pack)>>10, used>>20)
		if most := uint64(64<<20 + len(pack)/100 + 2*large); used > most {
			t.Errorf("deltas by name %t: a pack of %d KB took %d MB, want %d", byName, len(pack)>>10, used>>20, most>>20)
		}
		if err := take(t, pack, 8<<20); err == nil || !strings.Contains(err.Error(), "--max-repo-size") {
			t.Errorf("results are not counted: %v", err)
		}
	}
	entry := gittest.RawEntry(t, object.KindBlob, 0, nil, nil)
	const many = 650_000
	pack := gittest.RawPack(many, bytes.Repeat(entry, many))
	used := allocated(func() {
		if err := take(t, pack, 4<<30); err == nil || !strings.Contains(err.Error(), "objects in") {
			t.Errorf("%d small objects: %v", many, err)
		}
	})
	t.Logf("%d MB of small objects took %d MB", len(pack)>>20, used>>20)
	if used > 192<<20 {
		t.Errorf("%d MB of small objects took %d MB", len(pack)>>20, used>>20)
	}
	if err := take(t, gittest.RawPack(many, entry), 1<<20); err == nil || !strings.Contains(err.Error(), "--max-repo-size") {
		t.Errorf("the number is not limited: %v", err)
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
		found := EncodeIndex(entries, object.SHA1.ID(twice[len(twice)-20:]))
		if !bytes.Equal(found, want) {
			t.Errorf("an index of %d bytes differs from git's of %d", len(found), len(want))
		}
		if err := os.Remove(path + ".idx"); err != nil {
			t.Fatal(err)
		}
		gittest.Write(t, path+".idx", string(found))
		if out := gittest.Git(t, dir, "fsck", "--full", "--strict", "--no-dangling"); strings.Contains(out, "error") {
			t.Error(out)
		}
	}
}
