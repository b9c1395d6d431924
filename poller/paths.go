package poller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// scope is what a run knows of the paths that have changed since what was applied on its ref.
type scope struct {
	Paths  string // a digest of the task's
	anyway bool   // it runs whatever has changed
	order  bool   // somebody has asked for it
	passed string // why it is applied without a run; "": it is not
	traces bool   // since an action may have left something
	asked  bool   // nothing more can be found out
	known  bool   // all is what has changed
	all    git.Changed
	unrun  bool        // nothing has changed that concerns the task
	where  string      // that is
	file   string      // with the paths, for actions; "": none
	tried  *tried      // what the run may repeat
	since  git.Changed // that
}

// digestOf tells patterns from others; "" is that of none.
func digestOf(paths git.PathPatterns) string {
	if len(paths) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(paths, "\n")))
	return hex.EncodeToString(sum[:8])
}

// scopeOf is that of a run of a ref whose memory is r. Paths that were changed count for what changes from now on: until
// something was applied by them, all of it may concern the task. An action that failed may have left anything.
func (t Task) scopeOf(r RefState) scope {
	s := scope{Paths: digestOf(t.Paths)}
	s.traces = r.Traces || r.Run != nil && r.Run.Outcome != Success && r.Run.Action != ""
	s.order = r.Whole || r.Order != nil || r.Pinned != nil
	s.asked = r.Whole || r.Order != nil || r.Pinned != nil || r.Applied != "" && r.Paths != s.Paths // all of it is wanted
	s.anyway = s.asked || s.traces
	return s
}

// owe notes what holds until something is applied, however many tries come to nothing before.
func (r *RefState) owe(s scope) { r.Traces, r.Whole = s.traces, s.asked }

// settle notes that something is applied. What was passed over has undone nothing, and was by no paths.
func (r *RefState) settle(s scope) {
	r.Unrun = s.unrun
	r.owe(scope{traces: s.traces && s.passed != ""})
	if s.passed == "" || !s.asked {
		r.Paths = s.Paths
	}
}

// skips tells whether the revision was not run for paths that the task does not have any more.
func (t Task) skips(r RefState) bool { return r.Unrun && r.Paths != digestOf(t.Paths) }

// unchanged tells whether the run has nothing to do by the task's paths. Nothing is checked out for that.
func (w *watch) unchanged(ctx context.Context, run *Run, dir string) (bool, error) {
	if len(w.task.Paths) == 0 {
		return false, nil
	}
	return w.nothingBelow(ctx, run, dir, w.task.Paths)
}

// nothingBelow asks what has changed, and tells whether there is nothing to run by some paths. It returns *[repeatedError]
// for what was tried already.
func (w *watch) nothingBelow(ctx context.Context, run *Run, dir string, paths git.PathPatterns) (bool, error) {
	err := w.insist(ctx, run.Revision, dir, func() error {
		if err := w.askTried(ctx, *run); err != nil {
			return err
		}
		return w.askChanges(ctx, *run)
	})
	if err != nil {
		return false, err
	}
	if w.nothingIn(paths) {
		return true, nil
	}
	return false, w.repeats(run, paths)
}

// askChanges asks once what has changed. What is not known is no error: then it runs.
func (w *watch) askChanges(ctx context.Context, run Run) error {
	if w.scope.asked {
		return nil
	}
	w.scope.known = false
	if run.Previous != "" || w.branchesOff(run.Revision.Ref) {
		ctx, done := w.tellProgress(ctx, run)
		defer done()
		since := run.Previous
		if since == "" && run.Pull != nil {
			since = "refs/heads/" + run.Pull.Base
		}
		all, err := w.source(run).Changes(ctx, run.Revision, since)
		var doubt *git.DoubtError
		if err != nil && !errors.As(err, &doubt) {
			return err
		}
		w.scope.all, w.scope.known = all, err == nil
		if doubt != nil {
			w.tell(Event{Kind: Noticed, Run: run, Reason: doubt.Error() + "; it runs"})
		}
	}
	w.scope.asked = true
	return nil
}

// branchesOff tells whether a ref of which nothing was applied is new beside the default branch, with which it is compared.
func (w *watch) branchesOff(ref string) bool {
	return !w.task.Refs.Literal(ref) && !strings.HasPrefix(ref, "refs/tags/")
}

// nothingIn keeps of what has changed what patterns select, and tells whether there is nothing to run.
func (w *watch) nothingIn(paths git.PathPatterns) bool {
	w.scope.all = paths.Select(w.scope.all)
	w.scope.unrun = w.scope.known && !w.scope.anyway && len(w.scope.all) == 0
	w.scope.where = ""
	if w.scope.unrun {
		w.scope.where = paths.Where()
	}
	return w.scope.unrun
}

// limit is unchanged for the paths of a plan, which the revision brings.
func (w *watch) limit(ctx context.Context, run *Run, dir string, plan Plan) (nothing bool, err error) {
	if len(plan.Paths) > 0 {
		if nothing, err = w.nothingBelow(ctx, run, dir, plan.Paths); err != nil || nothing {
			return nothing, err
		}
	}
	return false, w.writeChanged(*run, dir)
}

// writeChanged has the actions' user read what has changed, in a file beside the workdir.
func (w *watch) writeChanged(run Run, dir string) error {
	if !w.scope.known {
		return nil
	}
	path := filepath.Join(filepath.Dir(dir), "changed.txt")
	if err := writeFor(w.p.userOf(run), path, w.scope.all.Lines()); err != nil {
		return fmt.Errorf("write the paths that have changed: %w", err)
	}
	w.scope.file = path
	return nil
}

// writeFor makes a file that a user may read only.
func writeFor(user *actions.User, path, content string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run in the same workdir that was cut off
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, giveTo(user, file))
}

// giveTo gives a file to a user to read only, and closes it.
func giveTo(user *actions.User, file *os.File) error {
	err := file.Chmod(0o400)
	if user != nil && user.IsAnother() {
		err = errors.Join(err, file.Chown(user.UID, user.GID))
	}
	return errors.Join(err, file.Close())
}

// removeChanged removes what writeChanged has made.
func (w *watch) removeChanged() {
	if w.scope.file != "" {
		_ = os.Remove(w.scope.file) // or it goes with the workdir's folder
	}
}

// changedVars are the variables of a task with paths. Where it is not known what has changed, there is no file.
func (w *watch) changedVars() []string {
	if !w.scope.asked {
		return nil
	}
	return []string{"KITOPS_CHANGED_FILES=" + w.scope.file}
}
