package members

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestDocumentsThatOthersChange are read again, and only they.
func TestDocumentsThatOthersChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		a, c := open(t, b, "a"), open(t, b, "c")
		a.start(t)
		c.start(t)
		version, err := c.Documents.Put(t.Context(), "shop", []byte("url: there\n"), "")
		if err != nil {
			t.Fatal(err)
		}
		elapse(21 * time.Second)
		doc, seen := a.Documents.Seen("shop")
		if !seen || string(doc.Data) != "url: there\n" || time.Since(doc.Now).Abs() > 2*time.Second {
			t.Errorf("a sees %+v", doc)
		}
		if got := fmt.Sprint(a.Documents.Take(), c.Documents.Take()); got != "[shop] []" {
			t.Errorf("changed by others: %s", got)
		}
		before := b.Asked("Get")
		elapse(5 * time.Minute)
		if after := b.Asked("Get"); after != before {
			t.Errorf("%d reads of what has not changed", after-before)
		}
		if _, err := c.Documents.Put(t.Context(), "shop", nil, version); err != nil {
			t.Fatal(err)
		}
		elapse(21 * time.Second)
		if keys := a.Documents.Keys(); len(keys) != 0 {
			t.Errorf("a knows of %q", keys)
		}
	})
}

// TestDocumentsOfEachMember are beside each other, and pruned with their member.
func TestDocumentsOfEachMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		a, c := open(t, b, "a"), open(t, b, "c")
		for _, i := range []*instance{a, c} {
			i.Announce(map[string]Task{"fleet": {Each: true}, "shop": {}})
			i.start(t)
			for _, key := range []string{"fleet", "shop"} {
				if _, err := i.Documents.Put(t.Context(), key, []byte("by: "+i.name()+"\n"), ""); (err != nil) != (key == "shop" && i == c) {
					t.Errorf("%s by %s: %v", key, i.name(), err)
				}
			}
		}
		elapse(21 * time.Second)
		if keys, err := a.Documents.List(t.Context(), ""); err != nil || fmt.Sprint(keys) != "[fleet shop]" {
			t.Errorf("keys %q, %v", keys, err)
		}
		if others := a.Documents.Others("fleet"); len(others) != 1 || string(others["c"]) != "by: c\n" {
			t.Errorf("others have %q", others)
		}
		if !slices.Contains(b.Names(), "team/tasks/fleet/c.yaml") {
			t.Errorf("the bucket has %q", b.Names())
		}
		_, _ = a.end(), c.end()
		elapse(8 * 24 * time.Hour)
		a.start(t)
		elapse(21 * time.Second)
		if others := a.Documents.Others("fleet"); len(others) != 0 || slices.Contains(b.Names(), "team/tasks/fleet/c.yaml") {
			t.Errorf("after a week: %q, %q", others, b.Names())
		}
	})
}

// TestDocumentsOfMembersThatHaveEnded wait a week for the next start, however long they have not changed, and do not pile up.
func TestDocumentsOfMembersThatHaveEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		a, c := open(t, b, "a"), open(t, b, "c")
		for _, i := range []*instance{a, c} {
			i.Announce(map[string]Task{"fleet": {Each: true}})
			i.start(t)
		}
		if _, err := c.Documents.Put(t.Context(), "fleet", []byte("by: c\n"), ""); err != nil {
			t.Fatal(err)
		}
		elapse(10 * 24 * time.Hour)
		if err := errors.Join(c.end(), c.Leave(t.Context())); err != nil {
			t.Fatal(err)
		}
		elapse(6 * 24 * time.Hour)
		if live := names(a.View().Live); live != "[a]" || !slices.Contains(b.Names(), "team/tasks/fleet/c.yaml") {
			t.Errorf("before a week is over: %s, %q", live, b.Names())
		}
		elapse(2 * 24 * time.Hour)
		if left := strings.Join(b.Names(), " "); strings.Contains(left, "c.yaml") || strings.Contains(left, "beats/c") {
			t.Errorf("after a week: %s", left)
		}
	})
}

// TestDefinitionsThatDiffer are told, and a task whose only member has died has nobody.
func TestDefinitionsThatDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		a, c := open(t, b, "a"), open(t, b, "c")
		c.Announce(map[string]Task{"shop": {Definition: "2"}, "only here": {}})
		a.start(t)
		c.start(t)
		elapse(21 * time.Second)
		if got := fmt.Sprint(a.View().Disputed()); got != "map[shop:map[1:[a] 2:[c]]]" {
			t.Errorf("disputed %s", got)
		}
		if !c.Mine("only here") || len(a.View().Alone()) != 0 {
			t.Errorf("alone %q", a.View().Alone())
		}
		_ = c.end()
		elapse(2 * lease.TTL)
		if alone := fmt.Sprint(a.View().Alone()); alone != "[only here]" || !a.Mine("shop") {
			t.Errorf("alone %s", alone)
		}
	})
}
