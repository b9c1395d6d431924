package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// GitHub's documented limits. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	hourlyLimit       = 5000
	hourlyMost        = 12500
	hourlyAnonymous   = 60
	pointsPerMinute   = 900
	creationPerMinute = 80
	creationPerHour   = 500
)

// budget is what one App, installation or address has used up.
type budget struct {
	used   int
	reset  time.Time
	recent []spent     // of the last minute, for the secondary limits
	posts  []time.Time // of the last hour, that created content
}

type spent struct {
	at     time.Time
	points int
}

// budgetOf returns the budget a call is charged to, how much is in it, and its owner in GitHub's words.
func (g *GitHub) budgetOf(c *call) (b *budget, limit int, owner string) {
	switch c.who.kind {
	case AsInstallation:
		owner, limit = fmt.Sprintf("installation ID %d", c.who.id()), g.installationLimit(c.who.token.installation)
	case AsUser:
		owner, limit = fmt.Sprintf("user ID %d", c.who.id()), hourlyLimit
	case AsApp, AsClient:
		owner, limit = fmt.Sprintf("app ID %d", c.who.id()), hourlyLimit
	default:
		owner, limit = address(c.Request), hourlyAnonymous
	}
	if n := g.options.RateLimit; n > 0 && limit != hourlyAnonymous {
		limit = n
	}
	if n := g.options.AnonymousRateLimit; n > 0 && limit == hourlyAnonymous {
		limit = n
	}
	now := g.Now()
	if b = g.budgets[owner]; b == nil {
		b = &budget{}
		g.budgets[owner] = b
	}
	if !now.Before(b.reset) {
		b.used, b.reset = 0, now.Add(time.Hour).Truncate(time.Second)
	}
	return b, limit, owner
}

// installationLimit grows by 50 for each repository beyond 20.
func (g *GitHub) installationLimit(i *Installation) int {
	return min(hourlyMost, hourlyLimit+50*max(0, g.coverage(i)-20))
}

// spend charges a call, or refuses it. Asking for the limits is free.
func (g *GitHub) spend(c *call) *answer {
	if c.URL.Path == "/rate_limit" {
		return nil
	}
	b, limit, owner := g.budgetOf(c)
	if b.used >= limit {
		return refuse(http.StatusForbidden, "API rate limit exceeded for "+owner+".")
	}
	b.used++
	if g.options.SecondaryLimits {
		return b.spendPoints(c.Method, g.Now())
	}
	return nil
}

// spendPoints holds the secondary limits over a sliding minute.
func (b *budget) spendPoints(method string, now time.Time) *answer {
	b.recent = slices.DeleteFunc(b.recent, func(s spent) bool { return !s.at.After(now.Add(-time.Minute)) })
	price := 5
	if method == http.MethodGet || method == http.MethodHead {
		price = 1
	}
	points, creations := price, 0
	if price > 1 {
		creations = 1
	}
	for _, s := range b.recent {
		points += s.points
		if s.points > 1 {
			creations++
		}
	}
	b.posts = slices.DeleteFunc(b.posts, func(at time.Time) bool { return !at.After(now.Add(-time.Hour)) })
	if price > 1 && len(b.posts) >= creationPerHour {
		return tooFast(b.posts[0].Add(time.Hour).Sub(now))
	}
	if points > pointsPerMinute || price > 1 && creations > creationPerMinute {
		return tooFast(b.recent[0].at.Add(time.Minute).Sub(now))
	}
	b.recent = append(b.recent, spent{now, price})
	if price > 1 {
		b.posts = append(b.posts, now)
	}
	return nil
}

func tooFast(wait time.Duration) *answer {
	a := refuse(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	a.body.(fields)["documentation_url"] = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	return a.with("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
}

// refund takes an authorised 304 off the primary limit; the secondary ones keep it.
func (g *GitHub) refund(c *call) {
	if b, _, _ := g.budgetOf(c); c.who.kind != Anonymous && b.used > 0 {
		b.used--
	}
}

func (g *GitHub) limitHeaders(c *call, h http.Header) {
	b, limit, _ := g.budgetOf(c)
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-b.used)))
	h.Set("X-RateLimit-Used", strconv.Itoa(b.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

func (g *GitHub) getRateLimit(c *call) *answer {
	b, limit, _ := g.budgetOf(c)
	core := fields{"limit": limit, "remaining": max(0, limit-b.used), "used": b.used, "reset": b.reset.Unix()}
	search := fields{"limit": 30, "remaining": 30, "used": 0, "reset": g.Now().Add(time.Minute).Unix()}
	return ok(fields{"rate": core, "resources": fields{"core": core, "search": search}})
}

// SetRemaining sets how many requests the installation has left until its hour is over.
func (i *Installation) SetRemaining(remaining int) {
	i.g.change(func() error {
		c := &call{who: identity{kind: AsInstallation, token: &token{installation: i}}}
		b, limit, _ := i.g.budgetOf(c)
		b.used = max(0, limit-remaining)
		return nil
	})
}
