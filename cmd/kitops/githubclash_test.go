//go:build unix

package main

import (
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestTasksThatWouldPaintOverEachOther are refused by check, at the start and by a reload, which leaves the tasks as they are.
func TestTasksThatWouldPaintOverEachOther(t *testing.T) {
	s := newScene(t, apptest.Options{})
	file := func(second string) []string {
		return s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main}
    github: {status_context: ci}
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
  - name: other
    git: {url: $GITHUB/acme/shop, branch: ` + second + `}
    github: {status_context: ci}
    actions: [{run: 'false'}]
`)
	}
	const problem = "tasks shop and other report on the same repository with the same context ci"
	agent := s.start(file("side")...)
	s.awaitStatus(s.first, "success")
	clash := file("main")
	agent.relist()
	agent.says("level=ERROR.*the task file is not taken over, the tasks stay as they are.*"+problem, 1)
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantRan(s.first, second)
	s.wantSaid(second, "pending", "success")
	wantWords(t, s.once(2, clash...), problem, "give one a status_context of its own")
	wantWords(t, s.ends(2, append([]string{"check"}, clash...)...), problem)
}
