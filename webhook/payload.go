package webhook

import (
	"errors"
	"net/url"
	"strings"
)

// payload is what the events that matter have in common, and what each has of its own.
type payload struct {
	Action     string     `json:"action"`
	Ref        string     `json:"ref"` // in full for push, short for create and delete
	RefType    string     `json:"ref_type"`
	After      string     `json:"after"`
	Number     int64      `json:"number"`
	Repository repository `json:"repository"`

	PullRequest struct {
		Head struct {
			Ref  string     `json:"ref"`
			SHA  string     `json:"sha"`
			Repo repository `json:"repo"`
		} `json:"head"`
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
	} `json:"pull_request"`

	Installation struct {
		ID      int64   `json:"id"`
		Account account `json:"account"`
	} `json:"installation"`
	Account account `json:"account"` // of installation_target

	Changes struct {
		Login struct {
			From string `json:"from"`
		} `json:"login"`
		Repository struct {
			Name struct {
				From string `json:"from"`
			} `json:"name"`
		} `json:"repository"`
		Owner struct {
			From struct {
				User         account `json:"user"`
				Organization account `json:"organization"`
			} `json:"from"`
		} `json:"owner"`
	} `json:"changes"`
}

type repository struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
	CloneURL string `json:"clone_url"`
	Default  string `json:"default_branch"`
}

type account struct {
	Login   string `json:"login"`
	HTMLURL string `json:"html_url"`
}

// formerName is what the repository was called before it was renamed or transferred, or "".
func (p *payload) formerName() string {
	owner, name, _ := strings.Cut(p.Repository.FullName, "/")
	from := p.Changes.Owner.From
	switch {
	case p.Changes.Repository.Name.From != "":
		return owner + "/" + p.Changes.Repository.Name.From
	case from.Organization.Login != "":
		return from.Organization.Login + "/" + name
	case from.User.Login != "":
		return from.User.Login + "/" + name
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
