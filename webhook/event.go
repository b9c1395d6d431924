package webhook

import (
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
	Said         *Nudge        // set when a commit, whose ref is not told, has a new status or a check run that has ended
	Check        *Check        // set when somebody wants something by a click on GitHub
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
// An event that cannot move a head is returned without nudges. Of two fields of one name the first counts. The error is or
// wraps ErrNotJSON, or says what else is wrong with a payload that should name a repository and does not.
func Parse(name string, body []byte) (Event, error) {
	e := Event{Name: name}
	p := &payload{}
	fields, read := readers(name, p)
	if err := readFields(body, fields); errors.Is(err, ErrNotJSON) {
		return e, err
	} else if err != nil {
		return e, fmt.Errorf("event %s: %w", name, err)
	}
	if read == nil {
		return e, nil
	}
	e.Action = p.Action
	if err := read(p, &e); err != nil {
		return Event{Name: name}, fmt.Errorf("event %s: %w", name, err)
	}
	return e, nil
}

// readers returns the fields of the events of that name, and what makes something of them: nil when that is nothing.
func readers(name string, p *payload) ([]field, func(*payload, *Event) error) {
	repository := field{"repository", p.Repository.fields()}
	action := field{"action", &p.Action}
	installation := field{"installation", []field{{"id", &p.Installation}, {"account", p.Account.fields()}}}
	switch name {
	case "push":
		return []field{{"ref", &p.Ref}, {"after", &p.After}, {"head_commit", []field{{"id", &p.HeadCommit}}}, repository}, readPush
	case "create", "delete":
		return []field{{"ref", &p.Ref}, {"ref_type", &p.RefType}, repository}, readBranch
	case "check_run", "check_suite":
		return checkReaders(name, p)
	case "status":
		return saidReaders(p)
	case "pull_request":
		head := []field{{"ref", &p.Head.Ref}, {"sha", &p.Head.SHA}, {"repo", p.HeadRepo.fields()}}
		request := []field{{"head", head}, {"base", []field{{"ref", &p.Base}}}}
		return []field{action, {"number", &p.Number}, {"pull_request", request}, repository}, readPullRequest
	case "issue_comment":
		return []field{action, {"issue", []field{{"number", &p.Number}, {"pull_request", []field{{"url", &p.Said}}}}}, repository}, readSaid
	case "pull_request_review":
		return []field{action, {"pull_request", []field{{"number", &p.Number}, {"url", &p.Said}}}, repository}, readSaid
	case "repository":
		whose := []field{{"user", []field{{"login", &p.FormerUser}}}, {"organization", []field{{"login", &p.FormerOrganization}}}}
		changes := []field{{"repository", []field{formerly("name", &p.FormerName)}}, formerly("owner", whose)}
		whole := append(p.Repository.fields(), field{"default_branch", &p.Repository.Default})
		return []field{action, {"repository", whole}, {"changes", changes}}, readRepository
	case "installation", "installation_repositories":
		return []field{action, installation}, readInstallation
	case "installation_target":
		changes := []field{formerly("login", &p.FormerLogin)}
		return []field{action, {"account", p.Account.fields()}, {"changes", changes}, {"installation", []field{{"id", &p.Installation}}}}, readRenamedOwner
	}
	return nil, nil
}

func readPush(p *payload, e *Event) error {
	sha := p.After
	if strings.HasPrefix(p.Ref, "refs/tags/") && strings.Trim(sha, "0") != "" { // after may be the tag's own object
		sha = p.HeadCommit
	}
	n, err := p.Repository.nudge(p.Ref, sha)
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
// readSaid has a pull request be looked at of which somebody has said something that may be an order. Below an issue nobody
// gives orders.
func readSaid(p *payload, e *Event) error {
	if p.Said == "" || p.Action != "created" && p.Action != "submitted" && p.Action != "dismissed" {
		return nil
	}
	n, err := p.Repository.nudge(fmt.Sprintf("refs/pull/%d/head", p.Number), "")
	e.Nudges = []Nudge{n}
	return err
}

func readPullRequest(p *payload, e *Event) error {
	switch p.Action {
	case "opened", "reopened", "synchronize", "closed":
	default:
		return nil
	}
	sha := p.Head.SHA
	if p.Action == "closed" { // by now the branch may be gone
		sha = ""
	}
	own, err := p.Repository.nudge(fmt.Sprintf("refs/pull/%d/head", p.Number), p.Head.SHA)
	if err != nil {
		return err
	}
	e.Nudges = []Nudge{own}
	if p.HeadRepo.FullName != "" { // a fork may have been deleted
		from, err := p.HeadRepo.nudge("refs/heads/"+p.Head.Ref, sha)
		if err != nil {
			return err
		}
		e.Nudges = append(e.Nudges, from)
	}
	if p.Action == "closed" {
		to, err := p.Repository.nudge("refs/heads/"+p.Base, "")
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
	return e.installed(p.Installation, p.Account, "")
}

// readRenamedOwner nudges by the former name: it is the one in the addresses of tasks.
// https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target
func readRenamedOwner(p *payload, e *Event) error {
	former := p.FormerLogin
	if p.Action != "renamed" || former == "" {
		return nil
	}
	if !isName(former) || strings.Contains(former, "/") {
		return errors.New("its former name is malformed")
	}
	return e.installed(p.Installation, p.Account, former)
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
func (e Event) matters() bool {
	return len(e.Nudges) > 0 || e.Installation != nil || e.Check != nil || e.Said != nil
}
