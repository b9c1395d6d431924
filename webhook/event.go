package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Event is what a delivery says, as far as it matters to kitops. Nothing of it is trusted.
type Event struct {
	Name         string    // GitHub's: push, ping, ...
	Action       string    // of events that have one
	GUID         string    // of the delivery
	At           time.Time // when GitHub told it, by this host's clock
	Verified     bool      // GitHub told it: it was signed, or it stands in the App's own log
	Nudges       []Nudge
	Installation *Installation // set when an installation of the App changed: what is known of it is outdated
	Repository   *Repository   // set by events about the repository itself: what is known of it is outdated
}

// Nudge names a repository that may have moved.
type Nudge struct {
	URL          string // for https; of an owner when all of their repositories are meant; empty when only the id is known
	RepositoryID int64  // stays through renames; 0 when not known
	Ref          string // refs/heads/main; empty: any
	SHA          string // to expect at the ref; empty: not known, or the ref is gone
}

// Installation is where an App was installed, changed or removed.
type Installation struct {
	ID     int64
	Owner  string
	Former string // what the owner was called until now; empty: the same
}

// Repository is one whose name, owner, settings or existence changed.
type Repository struct {
	ID            int64
	URL           string
	DefaultBranch string // empty: not told
	Deleted       bool
}

// ErrNotJSON is the error of Parse for what is no JSON document.
var ErrNotJSON = errors.New("not JSON")

// Parse reads the payload of an event: https://docs.github.com/webhooks/webhook-events-and-payloads
//
// An event that cannot move a head is returned without nudges. The error is or wraps ErrNotJSON, or says what else is wrong
// with a payload that should name a repository and does not.
func Parse(name string, body []byte) (Event, error) {
	e := Event{Name: name}
	read := readers(name)
	if read == nil {
		if !json.Valid(body) {
			return e, ErrNotJSON
		}
		return e, nil
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		if _, bad := errors.AsType[*json.SyntaxError](err); bad {
			return e, fmt.Errorf("%w: %w", ErrNotJSON, err)
		}
		return e, fmt.Errorf("event %s: %w", name, err)
	}
	e.Action = p.Action
	if err := read(&p, &e); err != nil {
		return Event{Name: name}, fmt.Errorf("event %s: %w", name, err)
	}
	return e, nil
}

// readers returns what reads the events of that name, or nil when nothing is to be read.
func readers(name string) func(*payload, *Event) error {
	switch name {
	case "push":
		return readPush
	case "create", "delete":
		return readBranch
	case "pull_request":
		return readPullRequest
	case "repository":
		return readRepository
	case "installation", "installation_repositories":
		return readInstallation
	case "installation_target":
		return readRenamedOwner
	}
	return nil
}

func readPush(p *payload, e *Event) error {
	n, err := p.Repository.nudge(p.Ref, p.After)
	e.Nudges = []Nudge{n}
	return err
}

func readBranch(p *payload, e *Event) error {
	ref := "refs/heads/" + p.Ref
	if p.RefType == "tag" {
		ref = "refs/tags/" + p.Ref
	}
	n, err := p.Repository.nudge(ref, "")
	e.Nudges = []Nudge{n}
	return err
}

// readPullRequest knows three heads: the request's own ref, the branch it comes from, and when it is merged the branch it goes to.
func readPullRequest(p *payload, e *Event) error {
	switch p.Action {
	case "opened", "reopened", "synchronize", "closed":
	default:
		return nil
	}
	request := p.PullRequest
	sha := request.Head.SHA
	if p.Action == "closed" { // by now the branch may be gone
		sha = ""
	}
	own, err := p.Repository.nudge(fmt.Sprintf("refs/pull/%d/head", p.Number), request.Head.SHA)
	if err != nil {
		return err
	}
	e.Nudges = []Nudge{own}
	if request.Head.Repo.FullName != "" { // a fork may have been deleted
		from, err := request.Head.Repo.nudge("refs/heads/"+request.Head.Ref, sha)
		if err != nil {
			return err
		}
		e.Nudges = append(e.Nudges, from)
	}
	if p.Action == "closed" {
		to, err := p.Repository.nudge("refs/heads/"+request.Base.Ref, "")
		if err != nil {
			return err
		}
		e.Nudges = append(e.Nudges, to)
	}
	return nil
}

// readRepository also nudges the tasks that know the repository by its former name.
func readRepository(p *payload, e *Event) error {
	now, err := p.Repository.nudge("", "")
	if err != nil {
		return err
	}
	if former := p.formerName(); former != "" {
		old := p.Repository
		old.FullName = former
		before, err := old.nudge("", "")
		if err != nil {
			return err
		}
		e.Nudges = []Nudge{before}
	}
	e.Nudges = append(e.Nudges, now)
	e.Repository = &Repository{ID: now.RepositoryID, URL: now.URL, Deleted: p.Action == "deleted"}
	if checkRef("refs/heads/"+p.Repository.Default) == nil {
		e.Repository.DefaultBranch = p.Repository.Default
	}
	return nil
}

func readInstallation(p *payload, e *Event) error {
	return e.installed(p.Installation.ID, p.Installation.Account, "")
}

// readRenamedOwner nudges by the former name: it is the one in the addresses of tasks.
// https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target
func readRenamedOwner(p *payload, e *Event) error {
	former := p.Changes.Login.From
	if p.Action != "renamed" || former == "" {
		return nil
	}
	if !isName(former) || strings.Contains(former, "/") {
		return errors.New("its former name is malformed")
	}
	return e.installed(p.Installation.ID, p.Account, former)
}

// installed says that the App's installation on an account changed, or the account itself.
func (e *Event) installed(id int64, owner account, former string) error {
	url, err := address(owner.HTMLURL, owner.Login)
	if err != nil {
		return err
	}
	e.Installation = &Installation{ID: id, Owner: owner.Login, Former: former}
	e.Nudges = []Nudge{{URL: url}}
	if former != "" {
		e.Nudges = append(e.Nudges, Nudge{URL: strings.TrimSuffix(url, owner.Login) + former})
	}
	return nil
}

// matters tells whether there is anything to do about the event.
func (e Event) matters() bool { return len(e.Nudges) > 0 || e.Installation != nil }
