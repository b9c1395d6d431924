package page_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/page"
)

// TestAPageDoesNotWaitForEachRef has a clone that is fetched into while thirty refs have something new.
func TestAPageDoesNotWaitForEachRef(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *page.Options) {
		o.API.Standings = func(context.Context) ([]poller.Standing, error) {
			one := poller.Standing{Task: "shop"}
			for i := range 30 {
				one.Refs = append(one.Refs, poller.RefStanding{Ref: fmt.Sprintf("refs/heads/b%d", i), Applied: strings.Repeat("a", 40), Head: head})
			}
			return []poller.Standing{one}, nil
		}
		o.Changes = func(ctx context.Context, _, _, _ string, _ int) ([]page.Commit, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	b := s.local()
	began := time.Now()
	if a := b.get("/task?name=shop"); a.status != http.StatusOK || !strings.Contains(a.body, "not at hand") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the page took %s", took)
	}
}
