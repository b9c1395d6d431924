package main

import (
	"testing"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestAnApprovalIsOneOrderOfAllMembers, whichever reads it and has the lease, also when the one that ran it is gone and another
// reads all that was said anew.
func TestAnApprovalIsOneOrderOfAllMembers(t *testing.T) {
	waits(t)
	s, _, open, args := forkCheckScene(t)
	head, store := open.Head(), onS3(t, &objects.Bucket{})
	s.env = append(s.env, append(store.env, "KITOPS_TEST_LEASE_TTL="+testLease.String())...)
	members := map[string]*watcher{}
	join := func(name string) {
		members[name] = s.startWith(args, "--state", store.url, "--instance", name, "--repo-dir", s.path("clones-"+name), "--interval", "200ms", "--log-format", "text", "--control", "off")
	}
	join("one")
	join("two")
	ran := func(n int) {
		t.Helper()
		s.await("a run and its end", func() bool { return s.tells(head) >= n && s.count(`msg="run finished"`) >= n })
		s.idle()
		if s.tells(head) != n {
			t.Fatalf("ran %d times, want %d\n%s", s.tells(head), n, s.story())
		}
	}
	asked := s.awaitChecks(head, "action_required")[0]
	approve := s.shop.RequestAction(asked, "approve", s.anna)
	s.app.Deliver(t.Context(), approve)
	s.awaitChecks(head, "action_required", "failure")
	ran(1)
	open.Comment("anna", "/kitops again "+head)
	ran(2)
	for _, name := range []string{"one", "two"} {
		members[name].kill()
		ran(2) // by the other, once it polls
		join(name)
	}
	s.app.Deliver(t.Context(), approve)
	ran(2)
	open.Comment("anna", "/kitops again "+head)
	ran(3)
	members["one"].stop()
	members["two"].stop()
}
