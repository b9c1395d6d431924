package poller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

func (r *remote) tag(name, c string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if delete(r.heads, "refs/tags/"+name); c != "" {
		r.heads["refs/tags/"+name] = sha(c)
	}
}

func (r *remote) tagTask(t *testing.T, versions string) Task {
	t.Helper()
	task := r.task("deploy")
	task.Refs = git.Patterns{"refs/tags/v*"}
	if versions != "" {
		var err error
		if task.Versions, err = git.NewVersions(versions, "", false); err != nil {
			t.Fatal(err)
		}
		task.Refs = task.Versions.Patterns()
	}
	return task
}

// started are the runs that were told to start, with where a tag was before.
func (b *bench) started() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		if r := e.Run; e.Kind == Finished {
			as := ""
			if r.Revision.IsTag() && r.TagName != r.Revision.Name() {
				as = " as " + r.TagName
			}
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %.1s after %.1s %s moved %.1s", r.Revision.Name(), r.Revision.SHA, r.Previous, r.Outcome, r.Moved))+as)
		}
	}
	return all
}

func TestTagsOfAPattern(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1", "a")
		r.tag("w1", "a")
		b := newBench(t, r.tagTask(t, ""))
		b.start(t)
		want(t, "remembered", b.told(Remembered), []string{"remembered v1 a"})
		r.tag("v2", "b")
		elapse(time.Minute)
		r.tag("v2", "c")
		elapse(time.Minute)
		r.tag("v1", "d")
		elapse(time.Minute)
		want(t, "runs", b.started(), []string{"v2 b after  success moved", "v2 c after b success moved b", "v1 d after  success moved a"})
		r.tag("v2", "")
		elapse(2 * time.Minute)
		want(t, "forgotten", b.told(Forgotten), []string{"forgotten v2 c"})
	})
}

func TestHighestVersionRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		for i, name := range []string{"v1.0.0", "v1.2.0", "v2.0.0", "v1.9", "2024-01-01"} {
			r.tag(name, fmt.Sprint(i))
		}
		b := newBench(t, r.tagTask(t, ">=1 <2"))
		stop := b.start(t)
		want(t, "at the first look", b.started(), []string{"v1.2.0 1 after  success moved"})
		want(t, "of all refs", len(b.state(t, "deploy").Refs)+len(b.state(t, "deploy").Remembered), 1)

		r.tag("v1.3.0", "b")
		elapse(time.Minute)
		r.tag("v1.3.1", "b") // at the same commit
		elapse(time.Minute)
		r.tag("v1.1.0", "c")
		elapse(time.Minute)
		all := []string{"v1.2.0 1 after  success moved", "v1.3.0 b after 1 success moved", "v1.3.1 b after b success moved"}
		want(t, "runs", b.started(), all)

		r.tag("v1.3.1", "")
		elapse(2 * time.Minute)
		want(t, "runs after the highest was deleted", b.started(), all)
		s, _, err := b.StandingOf(t.Context(), "deploy")
		if err != nil || len(s.Refs) != 1 || s.Refs[0].Ref != "refs/tags/v1.3.1" || !strings.Contains(s.Refs[0].Why, "gone from the remote") {
			t.Errorf("%+v %v", s, err)
		}
		want(t, "forgotten", b.told(Forgotten), []string{})
		stop()

		b = b.again(t, r.tagTask(t, ">=1 <2"))
		b.start(t)
		want(t, "runs after a restart", b.started(), []string(nil))
		r.tag("v1.4.0", "d")
		elapse(time.Minute)
		want(t, "runs", b.started(), []string{"v1.4.0 d after b success moved"})
		if _, err := b.Order(t.Context(), "deploy", Order{What: Rollback, By: "anna"}); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute)
		r.tag("v1.5.0", "e")
		elapse(time.Minute)
		want(t, "runs", b.started()[1:], []string{"v1.4.0 b after d success moved as v1.3.1", "v1.5.0 e after b success moved"})
	})
}

func TestMovedVersionIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1.2.3", "a")
		b := newBench(t, r.tagTask(t, "*"))
		stop := b.start(t)
		r.tag("v1.2.3", "b")
		elapse(10 * time.Minute)
		want(t, "runs", b.started(), []string{"v1.2.3 a after  success moved", "v1.2.3 b after a error moved a"})
		_, runs := r.seen()
		want(t, "checkouts", runs, []string{"v1.2.3 a"})
		stop()

		changed := r.tagTask(t, "*")
		changed.Digest = "another"
		b = b.again(t, changed)
		b.start(t)
		elapse(10 * time.Minute)
		s, _, _ := b.StandingOf(t.Context(), "deploy")
		if why := s.Refs[0].Why; why != "v1.2.3 was moved from aaaaaaa to bbbbbbb; kitops again deploy runs it" {
			t.Error(why)
		}
		if _, err := b.Order(t.Context(), "deploy", Order{What: Again, By: "anna", Ref: "v1.2.3"}); err != nil {
			t.Fatal(err)
		}
		elapse(10 * time.Minute)
		want(t, "runs after again", slices.Compact(b.started())[1:], []string{"v1.2.3 b after a success moved a"})
		_, runs = r.seen()
		want(t, "checkouts", runs, []string{"v1.2.3 a", "v1.2.3 b"})
	})
}

func TestEqualVersionsDoNotFlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1.0.0+1", "a")
		r.tag("v1.0.0+2", "b")
		b := newBench(t, r.tagTask(t, "*"))
		stop := b.start(t)
		elapse(5 * time.Minute)
		r.tag("v1.0.0+0", "c")
		elapse(5 * time.Minute)
		stop()
		b2 := b.again(t, r.tagTask(t, "*"))
		b2.start(t)
		elapse(5 * time.Minute)
		r.tag("v1.0.0+0", "")
		elapse(5 * time.Minute)
		want(t, "runs", append(b.started(), b2.started()...), []string{"v1.0.0+2 b after  success moved", "v1.0.0+0 c after b success moved"})
	})
}

func TestNoVersionAmongTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.tagTask(t, ">=1"))
		b.start(t)
		s, _, _ := b.StandingOf(t.Context(), "deploy")
		want(t, "why", s.Why, "no tag is a version >=1")
		r.tag("v1", "a")
		r.tag("latest", "a")
		elapse(time.Minute)
		s, _, _ = b.StandingOf(t.Context(), "deploy")
		want(t, "why", s.Why, "no tag is a version >=1; 2 tags are no versions at all")
		want(t, "runs", b.started(), []string(nil))
	})
}

func TestFoundTaskRemembersItsVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1.0.0", "a")
		r.tag("v0.9.0", "0")
		task := r.tagTask(t, "*")
		task.Found = true
		b := newBench(t, task)
		b.start(t)
		r.tag("v1.0.0", "")
		elapse(2 * time.Minute)
		want(t, "runs", b.started(), []string(nil))
		r.tag("v1.1.0", "b")
		elapse(2 * time.Minute)
		want(t, "runs", b.started(), []string{"v1.1.0 b after  success moved"})
	})
}

// TestRollbackFromAVersionThatIsGone runs what was applied before, also where its own tag is gone, too.
func TestRollbackFromAVersionThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.tag("v1.0.0", "1")
		b := newBench(t, r.tagTask(t, "*"))
		b.start(t)
		r.tag("v1.1.0", "2")
		elapse(time.Minute)
		r.tag("v1.1.0", "")
		elapse(time.Minute)
		want(t, "answer", b.ordered(t, Order{What: Rollback}), "rolled back to 1111111 by anna")
		elapse(10 * time.Minute)
		want(t, "runs", b.started(), []string{"v1.0.0 1 after  success moved", "v1.1.0 2 after 1 success moved", "v1.1.0 1 after 2 success moved as v1.0.0"})
		b.ordered(t, Order{What: Again})
		elapse(time.Minute)
		want(t, "runs", len(b.started()), 4)
		want(t, "why", strings.Contains(b.why(t), "rolled back to 1111111 by anna"), true)
		r.tag("v1.1.0", "2") // it was the head that was rolled back from
		elapse(time.Minute)
		want(t, "runs", len(b.started()), 4)
		r.tag("v1.1.1", "3")
		elapse(time.Minute)
		want(t, "runs", b.started()[4:], []string{"v1.1.1 3 after 1 success moved"})
	})
}

// TestVersionsDoNotRunBesideEachOther, nor a lower one that has waited while a higher one has come.
func TestVersionsDoNotRunBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, busy, g := newRemote("main a"), newRemote("main a"), &gauge{}
		busy.work = new(gauge).during(10 * time.Minute)
		r.work = g.during(5 * time.Minute)
		task := r.tagTask(t, "*")
		task.Rules.Parallel = 3
		b := newBench(t, task, busy.task("busy", "main"))
		b.Parallel = 1
		b.start(t)
		r.tag("v1.0.0", "1")
		elapse(5 * time.Minute)
		r.tag("v2.0.0", "2")
		elapse(6 * time.Minute)
		r.tag("v3.0.0", "3")
		elapse(20 * time.Minute)
		want(t, "at once", g.peak(), 1)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"v2.0.0 2", "v3.0.0 3"})
	})
}
