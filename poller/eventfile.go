package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git"
)

// Told is what git and the host say of a run.
type Told struct {
	Push          git.Push       // of a branch or a tag
	Repository    map[string]any // as GitHub describes it; nil: nobody does
	DefaultBranch string         // in short
}

// eventFile writes what GitHub would send for the event that a run is for beside the workdir, for
// tools such as act: https://docs.github.com/en/webhooks/webhook-events-and-payloads. Only the
// user of the actions may read it, nobody may write, and it goes with the run. It returns the
// variables that name it and its event, and how to remove it.
func (w *watch) eventFile(ctx context.Context, run Run, dir string) (vars []string, remove func(), err error) {
	if w.task.Told == nil {
		return nil, func() {}, nil
	}
	told, err := w.task.Told(ctx, run)
	if err != nil && ctx.Err() == nil {
		w.tell(Event{Kind: Troubled, Run: run, Err: fmt.Errorf("the file of KITOPS_EVENT_FILE knows less: %w", err)})
	}
	event, payload := "push", any(pushPayload(w.task.URL, run, told))
	if IsPull(run.Revision.Ref) {
		event, payload = "pull_request", pullPayload(w.task.URL, run, told)
	}
	if run.Pull != nil {
		run.Pull.Payload = nil
	}
	name := filepath.Join(filepath.Dir(dir), "event.json")
	remove = func() { _ = os.Remove(name) } // or it goes with the workdir's folder
	remove()                                // that of a run in the same workdir that was cut off
	text, err := json.MarshalIndent(payload, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o400)
	}
	if user := w.p.userOf(run); err == nil && user.IsAnother() {
		err = os.Chown(name, user.UID, user.GID)
	}
	if err != nil {
		remove()
		return nil, func() {}, fmt.Errorf("tell actions of the event: %w", err)
	}
	return []string{"KITOPS_EVENT_FILE=" + name, "KITOPS_EVENT_NAME=" + event}, remove, nil
}
