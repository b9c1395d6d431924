package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Head is where a ref is.
type Head struct {
	Ref string // refs/heads/main
	SHA string
	Tag bool // SHA is that of an annotated tag, and not of the commit that this leads to
}

// head and page are answers kept for conditional requests.
type head struct{ etag, sha string }

type page struct {
	etag  string
	heads []Head
	next  int // the number of the next page, or 0
}

// isSHA knows both object formats.
func isSHA(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// Heads asks where refs are, given as refs/heads/main, refs/heads/release/* or HEAD for the default branch. It returns
// more than the patterns match: exclusions (!refs/heads/old) are left to the caller. A branch that does not exist is
// absent. Each literal branch, and each pattern or tag, costs a conditional request. ErrEmpty: there is no commit yet.
func (r *Repository) Heads(ctx context.Context, refs []string) ([]Head, error) {
	if err := r.follow(ctx); err != nil {
		return nil, err
	}
	literals, prefixes, byDefault := plan(refs)
	var heads []Head
	if byDefault {
		found, err := r.defaultHead(ctx)
		if err != nil {
			return nil, err
		}
		heads = append(heads, found...)
	}
	for _, ref := range literals {
		found, err := r.literal(ctx, ref)
		if err != nil {
			return nil, err
		}
		heads = append(heads, found...)
	}
	for _, prefix := range prefixes {
		found, err := r.matching(ctx, prefix)
		if err != nil {
			return nil, err
		}
		heads = append(heads, found...)
	}
	return distinct(heads), nil
}

// follow learns the new name when a redirect told that there is one.
func (r *Repository) follow(ctx context.Context) error {
	r.mu.Lock()
	moved := r.moved
	r.mu.Unlock()
	if !moved {
		return nil
	}
	_, err := r.learn(ctx)
	return err
}

func distinct(heads []Head) []Head {
	seen := make(map[string]bool, len(heads))
	kept := heads[:0]
	for _, h := range heads {
		if !seen[h.Ref] {
			seen[h.Ref] = true
			kept = append(kept, h)
		}
	}
	return kept
}

// defaultHead looks at the default branch. Which one that is, is learned hourly, when the branch is missing or has moved, and
// while it may have changed: a look must not run what it could have known to be the default no more.
func (r *Repository) defaultHead(ctx context.Context) ([]Head, error) {
	begun := time.Now()
	f, err := r.known(ctx)
	if err != nil {
		return nil, err
	}
	if f, err = r.expected(ctx, f); err != nil {
		return nil, err
	}
	before := r.lastHead("refs/heads/" + f.DefaultBranch)
	found, err := r.literal(ctx, "refs/heads/"+f.DefaultBranch)
	moved := len(found) > 0 && found[0].SHA != before && f.learned.Before(begun)
	missing := len(found) == 0 && time.Since(f.learned) >= r.app.recheck
	if err != nil || !moved && !missing {
		return found, err
	}
	again, err := r.learn(ctx)
	if err != nil || again.DefaultBranch == f.DefaultBranch {
		return found, err
	}
	return r.literal(ctx, "refs/heads/"+again.DefaultBranch)
}

// expected asks for the facts again when they are old or said to have changed; then as long as GitHub may not know
// everywhere, until they are what was said.
func (r *Repository) expected(ctx context.Context, f facts) (facts, error) {
	for try := 0; ; try++ {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		stale := news.heard.After(f.learned) || time.Since(f.learned) >= patience
		if told := r.app.lag.young(news.at) && news.branch != ""; told && f.DefaultBranch != news.branch {
			stale = true
		}
		if !stale || try > 0 && !r.app.lag.again(ctx, news.at, try-1) {
			return f, nil
		}
		var err error
		if f, err = r.learn(ctx); err != nil {
			return facts{}, err
		}
	}
}

// lastHead is where a ref was at the last look, or "".
func (r *Repository) lastHead(ref string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heads[ref].sha
}

// literal looks at one branch. https://docs.github.com/rest/commits/commits#get-a-commit
func (r *Repository) literal(ctx context.Context, ref string) ([]Head, error) {
	r.mu.Lock()
	before := r.heads[ref]
	r.mu.Unlock()
	a, err := r.do(ctx, call{
		method: http.MethodGet, path: r.path(false) + "/commits/" + escape(strings.TrimPrefix(ref, "refs/")),
		accept: shaMedia, etag: before.etag, class: ordinary,
	})
	status, _ := answered(err)
	switch {
	case status == http.StatusConflict:
		return nil, ErrEmpty
	case status == http.StatusUnprocessableEntity:
		return nil, nil
	case status == http.StatusNotFound: // said of branches too, now and then: is the repository there?
		_, err := r.learn(ctx)
		return nil, err
	case err != nil:
		return nil, err
	case a.unchanged():
		return []Head{{Ref: ref, SHA: before.sha}}, nil
	}
	sha := string(a.body)
	if !isSHA(sha) {
		return nil, &DownError{fmt.Errorf("its answer for %s is no SHA", ref)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads == nil {
		r.heads = map[string]head{}
	}
	r.heads[ref] = head{a.etag, sha}
	return []Head{{Ref: ref, SHA: sha}}, nil
}

// matching lists the refs that begin with a prefix. A listing of several pages is read again when one of them had
// changed: what is deleted meanwhile would push another ref out of sight, between two pages.
func (r *Repository) matching(ctx context.Context, prefix string) ([]Head, error) {
	const most = 3
	for try := 1; ; try++ {
		pages, changed, err := r.list(ctx, prefix)
		if err != nil {
			return nil, err
		}
		if changed && len(pages) > 1 && try < most {
			continue
		}
		var heads []Head
		for _, p := range pages {
			heads = append(heads, p.heads...)
		}
		return heads, nil
	}
}

// list reads all that begin so: GitHub answers them at once, an older Enterprise Server by pages. https://docs.github.com/rest/git/refs#list-matching-references
func (r *Repository) list(ctx context.Context, prefix string) (pages []page, changed bool, err error) {
	r.mu.Lock()
	before := r.listings[prefix]
	r.mu.Unlock()
	for number := 1; number > 0; {
		var p page
		if len(pages) < len(before) {
			p = before[len(pages)]
		}
		fresh, err := r.readPage(ctx, prefix, number, &p)
		if err != nil {
			return nil, false, err
		}
		pages, changed = append(pages, p), changed || fresh
		if number = p.next; len(pages) > 10_000 {
			return nil, false, errors.New("GitHub lists refs without end")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listings == nil {
		r.listings = map[string][]page{}
	}
	r.listings[prefix] = pages
	return pages, changed, nil
}

// readPage brings p up to date and says whether it changed.
func (r *Repository) readPage(ctx context.Context, prefix string, number int, p *page) (changed bool, err error) {
	path := fmt.Sprintf("%s/git/matching-refs/%s", r.path(false), escape(strings.TrimSuffix(prefix, "/")))
	if number > 1 {
		path += fmt.Sprintf("?page=%d", number)
	}
	a, err := r.do(ctx, call{method: http.MethodGet, path: path, etag: p.etag, class: ordinary})
	if status, _ := answered(err); status == http.StatusConflict {
		return false, ErrEmpty
	}
	if err != nil || a.unchanged() {
		return false, err
	}
	var found []struct {
		Ref    string `json:"ref"`
		Object struct {
			SHA  string `json:"sha"`
			Type string `json:"type"`
		} `json:"object"`
	}
	if err := a.decode(&found); err != nil {
		return false, err
	}
	*p = page{etag: a.etag, next: a.nextPage}
	for _, f := range found {
		if !isSHA(f.Object.SHA) {
			return false, &DownError{fmt.Errorf("its answer for %s is no SHA", quote(f.Ref))}
		}
		switch {
		case !strings.HasPrefix(f.Ref, "refs/"+prefix):
		case f.Object.Type == "tree", f.Object.Type == "blob":
			r.oddTag.Do(func() {
				r.app.log.Warn("a tag that leads to no commit is left out", "repository", r.name, "tag", f.Ref)
			})
		default:
			p.heads = append(p.heads, Head{f.Ref, f.Object.SHA, f.Object.Type == "tag"})
		}
	}
	return true, nil
}

// escape keeps the slashes of a ref.
func escape(ref string) string {
	segments := strings.Split(ref, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}
