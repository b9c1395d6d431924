package webhook

import (
	"errors"
	"net/url"
	"strings"
)

// payload is what the events that matter have in common, and what each has of its own.
type payload struct {
	Action     string
	Ref        string // in full for push, short for create and delete
	RefType    string
	State      string // of a commit status
	After      string
	HeadCommit string // what a tag that was pushed leads to
	Number     int64
	Repository repository

	Check    Check
	Head     head // of a pull request
	HeadRepo repository
	Base     string
	Said     string // the address of the pull request of which somebody has said something

	Installation int64
	Account      account // of the installation, or of installation_target

	FormerLogin, FormerName, FormerUser, FormerOrganization string
}

type head struct{ Ref, SHA string }

type repository struct {
	ID       int64
	FullName string
	CloneURL string
	Default  string
}

type account struct{ Login, HTMLURL string }

// formerly is where a change tells what something was called.
func formerly(name string, into any) field { return field{name, []field{{"from", into}}} }

func (r *repository) fields() []field {
	return []field{{"id", &r.ID}, {"full_name", &r.FullName}, {"clone_url", &r.CloneURL}}
}

func (a *account) fields() []field { return []field{{"login", &a.Login}, {"html_url", &a.HTMLURL}} }

// formerName is what the repository was called before it was renamed or transferred, or "".
func (p *payload) formerName() string {
	owner, name, _ := strings.Cut(p.Repository.FullName, "/")
	switch {
	case p.FormerName != "":
		return owner + "/" + p.FormerName
	case p.FormerOrganization != "":
		return p.FormerOrganization + "/" + name
	case p.FormerUser != "":
		return p.FormerUser + "/" + name
	}
	return ""
}

// nudge names the repository at ref, where sha may be empty or all zeros.
func (r repository) nudge(ref, sha string) (Nudge, error) {
	if !strings.Contains(r.FullName, "/") {
		return Nudge{}, errors.New("it names no repository")
	}
	where, err := address(r.CloneURL, r.FullName)
	if err != nil {
		return Nudge{}, err
	}
	if err := checkRef(ref); err != nil {
		return Nudge{}, err
	}
	if sha != "" && !isSHA(sha) {
		return Nudge{}, errors.New("its SHA is malformed")
	}
	if strings.Trim(sha, "0") == "" {
		sha = ""
	}
	return Nudge{URL: where, RepositoryID: r.ID, Ref: ref, SHA: sha}, nil
}

// address is where owner or owner/name is, on the host of a URL that the payload gives.
func address(given, fullName string) (string, error) {
	u, err := url.Parse(given)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || !isHost(u.Host):
		return "", errors.New("it names no host")
	case !isName(fullName):
		return "", errors.New("its name is malformed")
	}
	return u.Scheme + "://" + u.Host + "/" + fullName, nil
}
