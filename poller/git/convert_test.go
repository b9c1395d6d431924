package git

import (
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// mustEqualClone compares a checkout with what git clone makes of main.
func mustEqualClone(t *testing.T, m *Mirror, r *gittest.Repo, sha string) {
	t.Helper()
	gittest.MustHave(t, sha, gittest.Snapshot(t, mustCheckout(t, m, sha)), gittest.Cloned(t, r))
}
