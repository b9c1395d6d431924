package webhook

import (
	"errors"
	"strings"
)

// Check is what somebody wants by a click on a check run or a check suite.
type Check struct {
	RepositoryID int64
	URL          string // of the repository
	SHA          string
	Suite        int64
	Run          int64  // the check run; 0: the whole suite
	Name         string // of the check run
	Button       string // the identifier of the button of kitops' own; empty: to run again
	Sender       Sender
}

// Sender is who did what a delivery tells of.
type Sender struct {
	ID    int64
	Login string
}

func (s *Sender) fields() []field { return []field{{"id", &s.ID}, {"login", &s.Login}} }

func suiteFields(c *Check) []field { return []field{{"id", &c.Suite}, {"head_sha", &c.SHA}} }

func checkReaders(name string, p *payload) ([]field, func(*payload, *Event) error) {
	common := []field{{"action", &p.Action}, {"repository", p.Repository.fields()}, {"sender", p.Check.Sender.fields()}}
	if name == "check_suite" {
		return append(common, field{"check_suite", suiteFields(&p.Check)}), readCheckSuite
	}
	run := []field{{"id", &p.Check.Run}, {"name", &p.Check.Name}, {"head_sha", &p.Check.SHA}, {"check_suite", []field{{"id", &p.Check.Suite}}}}
	button := field{"requested_action", []field{{"identifier", &p.Check.Button}}}
	return append(common, field{"check_run", run}, button), readCheckRun
}

// readCheckSuite takes a suite that GitHub expects after a push for a hint on that, and no more: it may come late.
func readCheckSuite(p *payload, e *Event) error {
	switch p.Action {
	case "requested":
		n, err := p.Repository.nudge("", "")
		e.Nudges = []Nudge{n}
		return err
	case "completed":
		return p.said(e, p.Check.SHA)
	case "rerequested":
		return p.clicked(e)
	}
	return nil
}

func readCheckRun(p *payload, e *Event) error {
	switch {
	case p.Action == "completed":
		return p.said(e, p.Check.SHA)
	case p.Action == "rerequested" && p.Check.Button == "", p.Action == "requested_action" && p.Check.Button != "":
	default:
		return nil
	}
	if p.Check.Run <= 0 {
		return errors.New("it names no check run")
	}
	return p.clicked(e)
}

// clicked has the event tell of a click.
func (p *payload) clicked(e *Event) error {
	n, err := p.Repository.nudge("", p.Check.SHA)
	switch {
	case err != nil:
		return err
	case n.SHA == "" || n.RepositoryID <= 0 || p.Check.Suite <= 0:
		return errors.New("it names no commit")
	case p.Check.Sender.ID <= 0 || !isSegment(strings.TrimSuffix(p.Check.Sender.Login, "[bot]")):
		return nil // nobody's, whom GitHub could be asked about
	}
	c := p.Check
	c.RepositoryID, c.URL = n.RepositoryID, n.URL
	e.Check = &c
	return nil
}
