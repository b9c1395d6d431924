package pack

import (
	"bytes"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
)

// TestInPiecesAsInMemory makes the objects of real packs both ways.
func TestInPiecesAsInMemory(t *testing.T) {
	for _, whole := range realPacks(t) {
		entries, err := takeIn(t, whole)
		if err != nil {
			t.Fatal(err)
		}
		byFiles, err := takeInKeeping(t, whole, 0)
		if err != nil || !slices.Equal(byFiles, entries) {
			t.Errorf("named %d of %d, %v", len(byFiles), len(entries), err)
		}
		dir := t.TempDir()
		gittest.Write(t, dir+"/pack", string(whole))
		file, err := os.Open(dir + "/pack")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		p := &Pack{File: file, Size: int64(len(whole) - 20), Format: object.SHA1}
		small, large := NewUnpacker(resolveBases), NewUnpacker(0)
		large.Spools.Dir = dir
		find := func(id object.ID) (Place, Base, error) {
			i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == id })
			if i < 0 {
				return Place{}, Base{}, object.Missing(id)
			}
			return Place{p, entries[i].Offset}, Base{}, nil
		}
		for _, e := range entries {
			want, err := small.Unpack(Place{p, e.Offset}, find)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := large.Unpack(Place{p, e.Offset}, find)
			if err != nil || whole.Kind != want.Kind || !bytes.Equal(whole.Data, want.Data) {
				t.Errorf("%s: %d bytes instead of %d, %v", e.ID, len(whole.Data), len(want.Data), err)
			}
			var got bytes.Buffer
			err = large.Stream(Place{p, e.Offset}, find, t.Context().Err, func(kind object.Kind, size int64) (io.Writer, error) {
				if kind != want.Kind || size != int64(len(want.Data)) {
					t.Errorf("%s is a %s of %d bytes", e.ID, kind, size)
				}
				return &got, nil
			})
			if err != nil || !bytes.Equal(got.Bytes(), want.Data) {
				t.Errorf("%s in pieces: %d bytes instead of %d, %v", e.ID, got.Len(), len(want.Data), err)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

// TestLookAtWhatIsDamaged fails each time, and leaves nothing to go on with.
func TestLookAtWhatIsDamaged(t *testing.T) {
	nowhere := gittest.RawEntry(t, object.KindRefDelta, 4, bytes.Repeat([]byte{7}, 20), []byte{0, 1, 1, 'x'})
	whole := gittest.RawPack(1, nowhere)
	dir := t.TempDir()
	gittest.Write(t, dir+"/pack", string(whole))
	file, err := os.Open(dir + "/pack")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	at := Place{&Pack{File: file, Size: int64(len(whole) - 20), Format: object.SHA1}, packHead}
	find := func(id object.ID) (Place, Base, error) { return Place{}, Base{}, object.Missing(id) }
	u := NewUnpacker(resolveBases)
	for range 2 {
		if _, err := u.Large(at, find); err == nil {
			t.Error("it was looked at")
		}
	}
	if _, err := u.Unpack(at, find); err == nil {
		t.Error("it was made")
	}
}
