package bucket_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

func TestStore(t *testing.T) {
	for _, numbered := range []bool{true, false} {
		storetest.Run(t, func(*testing.T) store.Store {
			return bucket.New(&objects.Bucket{Numbered: numbered, PageSize: 7}, bucket.Options{Folder: "team/tasks", Writer: "kitops/test"})
		})
	}
}

// endless is a server whose list never ends.
type endless struct{ *objects.Bucket }

func (endless) List(context.Context, string, string) (bucket.Page, error) {
	return bucket.Page{Next: "again"}, nil
}

func TestListThatNeverEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := bucket.New(endless{&objects.Bucket{}}, bucket.Options{}).List(ctx, "")
	if err == nil || !strings.Contains(err.Error(), "lists the same page again") {
		t.Errorf("error %v", err)
	}
}
