package poller

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// eventFile writes what GitHub would send for the push that a run is for beside the workdir, for
// tools such as act: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push. Only the
// user of the actions may read it, nobody may write, and it goes with the run. It returns the
// variable that names it, and how to remove it.
func (w *watch) eventFile(run Run, dir string) (vars []string, remove func(), err error) {
	if !w.task.EventFile {
		return nil, func() {}, nil
	}
	name := filepath.Join(filepath.Dir(dir), "event.json")
	remove = func() { _ = os.Remove(name) } // or it goes with the workdir's folder
	remove()                                // that of a run in the same workdir that was cut off
	text, err := json.MarshalIndent(pushEvent(w.task.URL, run), "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o400)
	}
	if err == nil && w.p.User != nil && w.p.User.IsAnother() {
		err = os.Chown(name, w.p.User.UID, w.p.User.GID)
	}
	if err != nil {
		remove()
		return nil, func() {}, fmt.Errorf("tell actions of the event: %w", err)
	}
	return []string{"KITOPS_EVENT_FILE=" + name}, remove, nil
}

// push has the names of GitHub's payload.
type push struct {
	Ref        string         `json:"ref"`
	Before     string         `json:"before"`
	After      string         `json:"after"`
	BaseRef    *string        `json:"base_ref"`
	Created    bool           `json:"created"`
	Deleted    bool           `json:"deleted"`
	Forced     bool           `json:"forced"`
	Commits    []pushCommit   `json:"commits"`
	HeadCommit pushCommit     `json:"head_commit"`
	Repository pushRepository `json:"repository"`
	Pusher     pushUser       `json:"pusher"`
	Sender     pushUser       `json:"sender"`
}

type pushCommit struct {
	ID string `json:"id"`
}

type pushUser struct {
	Name  string `json:"name"`
	Login string `json:"login"`
}

type pushRepository struct {
	Name     string   `json:"name"`
	FullName string   `json:"full_name"`
	CloneURL string   `json:"clone_url"`
	HTMLURL  string   `json:"html_url"`
	Owner    pushUser `json:"owner"`
}

// pushEvent says what is known of a push. Who has pushed is not: that is kitops.
func pushEvent(address string, run Run) push {
	before := run.Previous
	if before == "" {
		before = noSHA(run.Revision.SHA)
	}
	head := pushCommit{run.Revision.SHA}
	full := strings.TrimSuffix(address, ".git")
	if _, rest, is := strings.Cut(full, "://"); is {
		_, full, _ = strings.Cut(rest, "/")
	} else if _, after, is := strings.Cut(full, ":"); is { // git@host:path
		full = after
	}
	owner, name := path.Base(path.Dir(full)), path.Base(full)
	kitops := pushUser{"kitops", "kitops"}
	return push{
		Ref: run.Revision.Ref, Before: before, After: run.Revision.SHA, Created: run.Previous == "",
		Commits: []pushCommit{head}, HeadCommit: head, Pusher: kitops, Sender: kitops,
		Repository: pushRepository{
			Name: name, FullName: owner + "/" + name, Owner: pushUser{owner, owner},
			CloneURL: address, HTMLURL: strings.TrimSuffix(address, ".git"),
		},
	}
}
