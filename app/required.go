package app

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Requirement is what a commit must have: a successful commit status, or check run, of a name.
type Requirement struct {
	text string
	name *regexp.Regexp
	app  string // whose; "" for anybody's
}

const maxStated = 2000 // lists that are kept: two for each commit of a task that waits

// ParseRequirement reads NAME or NAME@APP, where * in the name stands for anything, and APP is an App's name in addresses.
func ParseRequirement(text string) (Requirement, error) {
	q := Requirement{text: text}
	name := text
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		if name, q.app = text[:i], strings.ToLower(text[i+1:]); !isSlug(q.app) {
			return q, fmt.Errorf("%q: %q is no name of an App: write NAME or NAME@APP, such as build@github-actions", text, text[i+1:])
		}
	}
	if strings.TrimSpace(name) == "" || strings.ContainsAny(name, "\r\n\x00") {
		return q, fmt.Errorf("%q is no name of a status or check run", text)
	}
	// GitHub's contexts are the same in upper and lower case.
	q.name = regexp.MustCompile(`(?is)^` + strings.ReplaceAll(regexp.QuoteMeta(name), `\*`, `.*`) + `$`)
	return q, nil
}

func isSlug(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
}

// String is the requirement as it was written.
func (q Requirement) String() string { return q.text }

// Anybodys tells whether it does not matter which App meets it.
func (q Requirement) Anybodys() bool { return q.app == "" }

// Literal tells whether it is for one name only.
func (q Requirement) Literal() bool { return !strings.Contains(q.text, "*") }

// Names tells whether the requirement is for a name, whoever says it.
func (q Requirement) Names(name string) bool { return q.name.MatchString(name) }

// stated is a commit status or a check run.
type stated struct {
	name, app string
	newest    bool // of all of that name
	done, ok  bool
}

func (q Requirement) asksFor(s stated) bool {
	return q.Names(s.name) && (q.app == "" && s.newest || q.app != "" && q.app == s.app)
}

// statedLists is what was said of the commits of a repository, as far as it was read.
type statedLists struct {
	mu    sync.Mutex
	lists map[string]statedList // by path
	order []string
}

type statedList struct {
	etag string
	all  []stated
}

// Required tells which requirements a commit does not meet yet, by names: of those that nobody has met, and of statuses and
// check runs that wait for their end, or have failed. Each requirement must be met by at least one, and all that match must
// be successful; a check run that is neutral or skipped is, as for GitHub. Own are names that count for nothing. Needs
// statuses: read and checks: read. https://docs.github.com/rest/commits/statuses https://docs.github.com/rest/checks/runs
func (r *Repository) Required(ctx context.Context, sha string, all []Requirement, own func(name string) bool) (waits, failed []string, err error) {
	if !isSHA(sha) {
		return nil, nil, fmt.Errorf("%q is no commit", sha)
	}
	statuses := r.combined
	if slices.ContainsFunc(all, func(q Requirement) bool { return q.app != "" }) {
		statuses = r.eachStatus // which tells who said it
	}
	found, err := statuses(ctx, sha)
	if err != nil {
		return nil, nil, err
	}
	runs, err := r.checkRuns(ctx, sha)
	if err != nil {
		return nil, nil, err
	}
	found = slices.DeleteFunc(slices.Concat(found, runs), func(s stated) bool { return own(s.name) })
	for _, q := range all {
		met := false
		for _, s := range found {
			switch {
			case !q.asksFor(s):
				continue
			case !s.done:
				waits = append(waits, s.name)
			case !s.ok:
				failed = append(failed, s.name)
			}
			met = true
		}
		if !met {
			waits = append(waits, q.text)
		}
	}
	return unique(waits), unique(failed), nil
}

// unique are texts, each once.
func unique(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// combined reads the newest status of each context.
func (r *Repository) combined(ctx context.Context, sha string) ([]stated, error) {
	return r.stated(ctx, "commits/"+sha+"/status?per_page=100", permission{"statuses", "read"}, func(a answer) ([]stated, error) {
		var page struct {
			SHA      string `json:"sha"`
			Statuses []oneStatus
		}
		err := a.decode(&page)
		if err == nil && page.SHA != sha { // a proxy's page, for example
			err = &DownError{fmt.Errorf("it answered with the statuses of %q", page.SHA)}
		}
		return statuses(page.Statuses), err
	})
}

// eachStatus reads all statuses, of which the newest come first.
func (r *Repository) eachStatus(ctx context.Context, sha string) ([]stated, error) {
	all, err := r.stated(ctx, "commits/"+sha+"/statuses?per_page=100", permission{"statuses", "read"}, func(a answer) ([]stated, error) {
		var page []oneStatus
		err := a.decode(&page)
		return statuses(page), err
	})
	var newest []stated
	for _, s := range all {
		same := func(n stated) bool { return strings.EqualFold(n.name, s.name) }
		if slices.ContainsFunc(newest, func(n stated) bool { return same(n) && n.app == s.app }) {
			continue
		}
		s.newest = !slices.ContainsFunc(newest, same)
		newest = append(newest, s)
	}
	return newest, err
}

type oneStatus struct {
	Context, State string
	Creator        *Account
}

func statuses(page []oneStatus) []stated {
	var all []stated
	for _, one := range page {
		s := stated{name: one.Context, newest: true, done: one.State != "pending", ok: one.State == "success"}
		if one.Creator != nil && one.Creator.Type == "Bot" {
			s.app = strings.ToLower(strings.TrimSuffix(one.Creator.Login, "[bot]"))
		}
		all = append(all, s)
	}
	return all
}

// checkRuns reads the newest check run of each name in each suite.
func (r *Repository) checkRuns(ctx context.Context, sha string) ([]stated, error) {
	return r.stated(ctx, "commits/"+sha+"/check-runs?per_page=100", permission{"checks", "read"}, func(a answer) ([]stated, error) {
		var page struct {
			Runs []struct {
				Name, Status, Conclusion string
				App                      *struct{ Slug string }
			} `json:"check_runs"`
		}
		err := a.decode(&page)
		var all []stated
		for _, one := range page.Runs {
			s := stated{name: one.Name, newest: true, done: one.Status == "completed" && one.Conclusion != "action_required"} // which waits for somebody
			s.ok = s.done && slices.Contains([]string{"success", "neutral", "skipped"}, one.Conclusion)
			if one.App != nil {
				s.app = strings.ToLower(one.App.Slug)
			}
			all = append(all, s)
		}
		return all, err
	})
}

// stated reads a list to its end, or knows that it has not changed.
func (r *Repository) stated(ctx context.Context, list string, needs permission, decode func(answer) ([]stated, error)) ([]stated, error) {
	known := &r.said
	known.mu.Lock()
	before := known.lists[list]
	known.mu.Unlock()
	now, pages := statedList{}, 0
	err := r.pagesWith(ctx, list, before.etag, needs, func(a answer) (bool, error) {
		pages++
		found, err := decode(a)
		now.etag, now.all = a.etag, append(now.all, found...)
		return true, err
	})
	switch {
	case err != nil:
		return nil, err
	case pages == 0:
		return before.all, nil
	case pages > 1: // the ETag is that of one page
		now.etag = ""
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if _, there := known.lists[list]; !there {
		known.order = append(known.order, list)
	}
	if len(known.order) > maxStated {
		delete(known.lists, known.order[0])
		known.order = known.order[1:]
	}
	if known.lists == nil {
		known.lists = map[string]statedList{}
	}
	known.lists[list] = now
	return now.all, nil
}
