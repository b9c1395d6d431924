//go:build unix

package main

import (
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestRenamedWhileAway is a rename and a push while no kitops is there.
func TestRenamedWhileAway(t *testing.T) {
	s := newScene(t, apptest.Options{})
	gone := s.private("acme", "gone")
	gone.Push("main", nil)
	s.once(0, s.pattern()...)
	s.shop.Rename("store")
	gone.Delete()
	second := s.shop.Push("main", nil)
	s.once(0, s.pattern()...)
	s.did("acme@acme/store " + second)
	s.remembers(false, "acme@acme/shop", "acme@acme/gone")
	s.wantSaid(second, "pending", "success")
}

// TestNameOfARenamedRepositoryIsTaken lets another repository have the name.
func TestNameOfARenamedRepositoryIsTaken(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.pattern()...)
	agent.says("remembered, not run", 1)
	s.shop.Rename("store")
	second := s.shop.Push("main", nil) // is looked at by the old name
	s.awaitSuccess(s.shop, second, "kitops/acme")
	other := s.private("acme", "shop")
	first := other.Push("main", map[string]string{"other": "shop"})
	s.Settle()
	agent.relist()
	s.remembers(true, "acme@acme/store")
	agent.says("remembered, not run.*"+first, 1)
	third := s.shop.Push("main", nil)
	s.awaitSuccess(s.shop, third, "kitops/acme")
	fresh := other.Push("main", nil)
	s.awaitSuccess(other, fresh, "kitops/acme")
	agent.stop()
	s.did("acme@acme/shop "+second, "acme@acme/store "+third, "acme@acme/shop "+fresh)
}
