package members

import (
	"context"
	"path"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestADamagedDocumentIsItsOwnTrouble: it keeps nobody from having a name, and from giving signs of life.
func TestADamagedDocumentIsItsOwnTrouble(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"team/tasks/shop.yaml", "team/instances/other.yaml", "team/tasks/fleet/other.yaml"} {
		t.Run(path.Base(name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &objects.Bucket{}
				if _, err := b.Put(t.Context(), name, []byte("no document\n"), bucket.Condition{}); err != nil {
					t.Fatal(err)
				}
				i := open(t, b, "a")
				i.Announce(map[string]Task{"shop": {}, "fleet": {Each: true}})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := i.Claim(ctx); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				before := b.Asked("Get")
				if err := i.beat(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if asked := b.Asked("Get") - before; asked > 0 {
					t.Errorf("%s: what has not changed is read again, %d times", name, asked)
				}
			})
		})
	}
}

// keeping is a bucket without the permission to delete.
type keeping struct{ bucket.Objects }

func (keeping) Remove(context.Context, string) error {
	return &bucket.Error{Fault: bucket.Refused, Problem: "AccessDenied"}
}

// TestWhoMayNotDelete works all the same, also when there is somebody to be forgotten.
func TestWhoMayNotDelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		gone := open(t, b, "gone")
		gone.start(t)
		_ = gone.end()
		time.Sleep(kept + time.Hour)
		i := open(t, b, "a")
		i.Root = bucket.New(keeping{b}, bucket.Options{Folder: "team"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := i.Claim(ctx); err != nil {
			t.Error(err)
		}
		if err := i.beat(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
