package settings

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// pullPattern is what a task with pull requests watches beside its branches and tags.
const pullPattern = "refs/pull/*/head"

// Pulls say which open pull requests of its repository a task runs.
type Pulls struct {
	Merge     bool         // what would be merged, rather than the head
	Base      git.Patterns // the branches that they are for; none: any
	Drafts    bool
	Approved  bool     // those of forks, too, each revision once somebody who may write has approved of it
	Untrusted []string // logins of those who are not trusted beside forks

	Most int // of one of these that run and wait at a time

	Environment string `json:",omitempty"` // runs of them are deployments to it; "": they are none
}

// pullKeys say which pull requests are watched.
type pullKeys struct {
	From      text    `key:"from" values:"repository,approved" default:"repository" help:"Whose run: those from branches of the repository itself, or (approved) of forks, too, each revision after somebody who may write to the repository has approved of it. It needs --untrusted-user."`
	On        text    `key:"on" values:"head,merge" default:"head" help:"What is checked out: the head, or its merge with the base branch. The status is the head's."`
	Base      texts   `key:"base" each:"branch" default:"any" help:"Names and patterns of the branches that they are for; !pattern excludes."`
	Drafts    boolean `key:"drafts" default:"false" help:"Whether drafts run, too."`
	Environ   text    `key:"environment" help:"Their runs are told as deployments to this environment of the repository, one for all pull requests, with environment_url in github. One that is closed is taken back. Without it they are no deployments." example:"preview"`
	Untrusted texts   `key:"untrusted" each:"login" default:"forks, dependabot[bot], renovate[bot]" help:"Whose pull requests are not trusted although they are from the repository: logins of bots and people. They run as --untrusted-user, with from: approved when somebody has approved of them, and without that user not at all. Those of forks are never trusted."`
	Most      count   `key:"max" range:"1-1000" default:"20" help:"How many pull requests of one author who is not trusted run and wait at a time, the oldest first. The commits of the others say so. What somebody has approved of is not kept back by it, nor are those of trusted authors."`
}

// usualMost is the default of max.
const usualMost = 20

// usualBots push what strangers have written.
func usualBots() []string { return []string{"dependabot[bot]", "renovate[bot]"} }

// pulls makes of the key pull_requests what a task watches.
func (f taskFile) pulls(keys *section[pullKeys], t *Task) {
	if !keys.given {
		return
	}
	k := &keys.keys
	p := &Pulls{Approved: k.From.value == "approved", Merge: k.On.value == "merge", Drafts: k.Drafts.value, Untrusted: usualBots(), Most: usualMost}
	if k.Most.given {
		p.Most = k.Most.value
	}
	if k.Base.given {
		p.Base = f.refs(&text{}, &k.Base)
		if slices.Contains(p.Base, "HEAD") {
			f.Wrong(k.Base.node, "base: branches are given by name here, not as HEAD")
		}
	}
	if k.Untrusted.given {
		p.Untrusted = nil
		for _, login := range k.Untrusted.all() {
			if login != "forks" { // which are never trusted
				p.Untrusted = append(p.Untrusted, strings.ToLower(login))
			}
		}
	}
	if name := k.Environ.value; name != "" {
		p.Environment = name
		f.judge(k.Environ.node, "environment", checkEnvironment(name))
	}
	if p.Approved && f.flags.Actions.Untrusted == "" {
		f.Wrong(k.From.node, "from: approved runs what strangers have written: give them a user who is for nothing else by --untrusted-user, or say that they are the user of all other actions by --untrusted-user same")
	}
	t.Pulls, t.Refs = p, append(t.Refs, pullPattern)
	if t.GitHub == nil && !f.common {
		f.Wrong(keys.node, "pull_requests needs a GitHub App, which tells what there is: see --github-app-id")
	}
}

// permissions are what the App needs for them.
func (p *Pulls) permissions() map[string]string {
	switch {
	case p == nil:
		return map[string]string{}
	case p.Approved: // by comments, too
		return map[string]string{"pull_requests": "read", "issues": "read"}
	}
	return map[string]string{"pull_requests": "read"}
}

// shownPulls are the keys as a task file has them.
func (p *Pulls) shown() section[pullKeys] {
	keys := pullKeys{From: text{given(), "repository"}, On: text{given(), "head"}, Untrusted: shownTexts(append([]string{"forks"}, p.Untrusted...))}
	if p.Approved {
		keys.From.value = "approved"
	}
	if p.Merge {
		keys.On.value = "merge"
	}
	if p.Environment != "" {
		keys.Environ = text{given(), p.Environment}
	}
	if p.Most != usualMost {
		keys.Most = count{given(), p.Most}
	}
	if p.Drafts {
		keys.Drafts = boolean{given(), true}
	}
	if len(p.Base) > 0 {
		var names []string
		for _, ref := range p.Base {
			names = append(names, strings.Replace(ref, "refs/heads/", "", 1))
		}
		keys.Base = shownTexts(names)
	}
	return section[pullKeys]{place: given(), keys: keys}
}

// isPull tells whether a pattern is the one of pull requests.
func isPull(pattern string) bool { return pattern == pullPattern }
