package wiring

import (
	"context"
	"slices"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

const (
	shortestNamed = 7 // digits of a SHA in a comment
	longestNamed  = 64
)

// commandIn reads a comment. Only a new one counts, by a person himself, whose whole first line is the command, on a head that
// it names by at least seven digits.
func commandIn(c app.Comment, fresh []talk) (poller.Word, bool) {
	i := slices.IndexFunc(fresh, func(t talk) bool { return t.pull.Number == c.Number })
	if i < 0 || c.Edited || c.ByApp || c.Author.Type != "User" || c.ID <= fresh[i].Comment {
		return poller.Word{}, false
	}
	word := poller.Word{Revision: fresh[i].Revision, At: c.At, By: poller.Person{ID: c.Author.ID, Login: c.Author.Login, Comment: c.ID}}
	what, sha, is := parseCommand(c.Body)
	if word.What = what; !is || sha != "" && !strings.HasPrefix(word.Revision.SHA, sha) {
		return poller.Word{}, false
	}
	return word, true
}

// parseCommand reads the first line of a comment: /kitops run SHA, /kitops again SHA, or /kitops cancel.
func parseCommand(body string) (what, sha string, is bool) {
	line, _, _ := strings.Cut(body, "\n")
	words := strings.Split(strings.TrimRight(line, " \t\r"), " ")
	if words[0] != "/kitops" || len(words) < 2 || len(words) > 3 {
		return "", "", false
	}
	if len(words) == 3 {
		sha = strings.ToLower(words[2])
		if len(sha) < shortestNamed || len(sha) > longestNamed || strings.Trim(sha, "0123456789abcdef") != "" {
			return "", "", false
		}
	}
	switch words[1] {
	case "run":
		what = poller.Approve
	case "again":
		what = poller.Again
	case "cancel":
		return poller.Cancel, sha, true
	}
	return what, sha, what != "" && sha != ""
}

// reviewOf finds who has approved of exactly this commit in a review that was not heeded before, and may write.
func (p *pulls) reviewOf(ctx context.Context, one talk) (poller.Word, bool, error) {
	reviews, err := p.r.Reviews(ctx, one.pull.Number)
	if err != nil {
		return poller.Word{}, false, err
	}
	newest := newestOf(reviews, one.Revision.SHA)
	for _, review := range newest {
		if review.State != "APPROVED" || review.ID <= one.Review {
			continue
		}
		may, err := p.mayOrder(ctx, review.Author)
		if err != nil {
			return poller.Word{}, false, err
		}
		if may {
			by := poller.Person{ID: review.Author.ID, Login: review.Author.Login}
			for _, known := range newest { // one approval is enough: the others are not for a later run
				by.Review = max(by.Review, known.ID)
			}
			return poller.Word{What: poller.Approve, Revision: one.Revision, By: by}, true, nil
		}
	}
	return poller.Word{}, false, nil
}

// newestOf are the newest reviews of a commit that people have written, one of each.
func newestOf(reviews []app.Review, sha string) (newest []app.Review) {
	seen := map[int64]bool{}
	for _, review := range slices.Backward(reviews) {
		if review.SHA == sha && review.Author.Type == "User" && !seen[review.Author.ID] {
			seen[review.Author.ID] = true
			newest = append(newest, review)
		}
	}
	slices.Reverse(newest)
	return newest
}

// admit is the poller's Admit: it asks GitHub now whether who has approved may write, and still says what he said.
func (p *pulls) admit(ctx context.Context, rev git.Revision, by poller.Person) error {
	if by.ID == 0 {
		return nil // a user of this machine
	}
	may, err := p.r.MayPush(ctx, app.Person{ID: by.ID, Login: by.Login})
	if err != nil {
		return err
	}
	if !may {
		return &poller.UnapprovedError{Why: by.Login + " may not write to the repository"}
	}
	switch {
	case by.Comment != 0:
		c, there, err := p.r.Comment(ctx, by.Comment)
		if err != nil {
			return err
		}
		_, sha, is := parseCommand(c.Body)
		if !there || c.Edited || c.Author.ID != by.ID || !is || sha == "" || !strings.HasPrefix(rev.SHA, sha) {
			return &poller.UnapprovedError{Why: "the comment of " + by.Login + " says something else by now"}
		}
	case by.Review != 0:
		number, known := p.number(rev)
		if !known {
			return &poller.UnapprovedError{Why: "the pull request is closed"}
		}
		reviews, err := p.r.Reviews(ctx, number)
		if err != nil {
			return err
		}
		still := func(r app.Review) bool { return r.Author.ID == by.ID && r.State == "APPROVED" }
		if !slices.ContainsFunc(newestOf(reviews, rev.SHA), still) {
			return &poller.UnapprovedError{Why: "the newest review of " + by.Login + " approves of it no more"}
		}
	}
	return nil
}

func (p *pulls) number(rev git.Revision) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, known := p.latest[rev.Ref]
	return one.Number, known
}
