package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestNoDocumentIsEverDeleted: what is given back, and forgotten, is replaced. In a bucket with versions a deletion leaves a mark, and
// servers were seen on which nothing could be made in its place.
func TestNoDocumentIsEverDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		r := newRemote("main a")
		one := joining(t, b, "one", found(r, "ci@acme/shop", "1"))
		one.start(t)
		elapse(time.Minute)
		r.push("main", "b")
		elapse(5 * time.Minute)
		one.Set(nil)
		elapse(time.Minute)
		if err := one.Forget(t.Context(), "ci@acme/shop"); err != nil {
			t.Fatal(err)
		}
		one.crash()
		two := joining(t, b, "two", found(r, "ci@acme/shop", "1"))
		two.start(t)
		elapse(5 * time.Minute)
		if _, runs := r.seen(); len(runs) == 0 {
			t.Error("nothing has run")
		}
		if n := b.Asked("Remove"); n != 0 {
			t.Errorf("%d deletions", n)
		}
	})
}
