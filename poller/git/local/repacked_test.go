package local

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
)

// TestObjectsArePackedMeanwhile: a push has git gc pack a repository, and remove
// the files of its objects, while it is read. Objects are found in whatever way
// they are asked for, also those that had been found before.
func TestObjectsArePackedMeanwhile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	large := make([]byte, pack.StreamAbove+1000)
	for i := range large {
		large[i] = "0123456789abcdef\n"[random.IntN(17)]
	}
	repo := gittest.New(t)
	id, _ := object.SHA1.ParseID(repo.Commit(map[string]string{"small": "one\n", "large": string(large)}))
	names := map[string]object.ID{}
	for _, name := range []string{"small", "large"} {
		names[name], _ = object.SHA1.ParseID(repo.Bare("rev-parse", "main:"+name))
	}
	for name, read := range map[string]func(r *odb.Reader, at pack.Place, id object.ID) ([]byte, error){
		"a blob": func(r *odb.Reader, at pack.Place, id object.ID) ([]byte, error) { return r.Blob(at, id) },
		"an object": func(r *odb.Reader, _ pack.Place, id object.ID) ([]byte, error) {
			o, err := r.Read(id)
			return o.Data, err
		},
		"in pieces": func(r *odb.Reader, at pack.Place, id object.ID) ([]byte, error) {
			var to bytes.Buffer
			err := r.CopyBlob(t.Context(), &to, at, id)
			return to.Bytes(), err
		},
		"up to a limit": func(r *odb.Reader, _ pack.Place, id object.ID) ([]byte, error) {
			var to bytes.Buffer
			_, err := r.CopyLoose(&to, id, 1<<30)
			return to.Bytes(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repo.git")
			if err := os.CopyFS(dir, os.DirFS(repo.Dir)); err != nil {
				t.Fatal(err)
			}
			l, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Store(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			places := map[string]pack.Place{}
			for name, id := range names {
				at, ok := s.Find(id)
				if !ok || at.Pack != nil {
					t.Fatalf("%s is in no file of its own", name)
				}
				places[name] = at
			}
			repo.Bare("--git-dir="+dir, "gc", "--quiet", "--prune=now")
			for name, want := range map[string]string{"small": "one\n", "large": string(large)} {
				got, err := read(s.Reader(), places[name], names[name])
				if err != nil || string(got) != want {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
			}
			if _, err := s.Reader().CopyLoose(&strings.Builder{}, names["large"], 1000); !errors.Is(err, object.ErrTooLarge) {
				t.Errorf("the large one within 1000 bytes: %v", err)
			}
			if s.Has(object.SHA1.ID(bytes.Repeat([]byte{1}, 20))) {
				t.Error("there is what nobody has made")
			}
		})
	}
}

// TestJoinedObjectsArePackedMeanwhile: a repository that joins another, as that of a submodule does, is looked at again even where
// the other one has been before.
func TestJoinedObjectsArePackedMeanwhile(t *testing.T) {
	var stores []*odb.Store
	var dirs []string
	var blobs []object.ID
	for _, text := range []string{"one\n", "two\n"} {
		repo := gittest.New(t)
		id, _ := object.SHA1.ParseID(repo.Commit(map[string]string{"file": text}))
		blob, _ := object.SHA1.ParseID(repo.Bare("rev-parse", "main:file"))
		l, err := Open(repo.Dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Store(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if s.Has(object.SHA1.ID(bytes.Repeat([]byte{1}, 20))) { // looks at all once more
			t.Error("there is what nobody has made")
		}
		stores, dirs, blobs = append(stores, s), append(dirs, repo.Dir), append(blobs, blob)
	}
	whole := stores[0]
	defer whole.Close()
	whole.Join(stores[1])
	at, _ := whole.Find(blobs[1])
	gittest.New(t).Bare("--git-dir="+dirs[1], "gc", "--quiet", "--prune=now")
	if got, err := whole.Reader().Blob(at, blobs[1]); err != nil || string(got) != "two\n" {
		t.Errorf("%q, %v", got, err)
	}
}
