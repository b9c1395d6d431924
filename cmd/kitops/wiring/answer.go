package wiring

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/app"
)

const (
	answerPatience = 3 * time.Second // for a reaction, on which nothing depends
	doneKnown      = 1000            // comments
)

// answer puts a reaction on a comment, once, where the App may: whether it was an order. That it cannot is no failure.
func (p *pulls) answer(ctx context.Context, comment int64, heeded bool) {
	if comment == 0 || p.heard.done[comment] {
		return
	}
	p.done(comment)
	content := "confused"
	if heeded {
		content = "+1"
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := p.r.React(ctx, comment, content); err != nil {
		p.r.log.Debug("no reaction to a comment", "err", err)
	}
}

// puzzle answers a new comment that begins like an order and is none, such as one that names no head. Who may not write gets
// no answer: nobody else makes kitops say something.
func (p *pulls) puzzle(ctx context.Context, c app.Comment, fresh []talk) {
	on := slices.IndexFunc(fresh, func(t talk) bool { return t.pull.Number == c.Number })
	if on < 0 || c.ID <= fresh[on].Comment || c.Edited || c.ByApp || c.Author.Type != "User" ||
		time.Since(c.At) > heardLately || !strings.HasPrefix(c.Body, "/kitops ") {
		return
	}
	switch may, err := p.mayOrder(ctx, c.Author); {
	case err != nil: // it is asked again
	case may:
		p.answer(ctx, c.ID, false)
	default:
		p.done(c.ID)
	}
}
